package org.nullspace;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.conditions.ArchConditions.onlyDependOnClassesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.resolvers.SelectedClassResolverFromClasspath;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.EvaluationResult;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.GeneralCodingRules;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.docs.InMemoryCompiler;

/**
 * The layers, as rules over the compiled classes. Each rule is also run over small classes that break it, compiled here, and must report
 * every one of them.
 */
class ArchitectureTest {
    private static final String ROOT = "org.nullspace";

    /** Classes that there are at least; below, the import has gone wrong. */
    private static final int FLOOR = 140;

    /** What every package may use. */
    private static final List<String> EVERYWHERE = List.of("java..", "org.jspecify.annotations");

    /** For each package the packages of this project that it may use; "" is the front door. An arrow that nobody uses fails, too. */
    private static final Map<String, Set<String>> ARROWS = new LinkedHashMap<>();

    static {
        ARROWS.put("error", Set.of());
        ARROWS.put("random", Set.of("error"));
        ARROWS.put("natives", Set.of());
        ARROWS.put("matrix", Set.of("error", "natives"));
        ARROWS.put("model", Set.of("matrix", "error", "random"));
        ARROWS.put("backend", Set.of("matrix", "error", "random"));
        ARROWS.put("backend.openblas", Set.of("backend", "matrix", "error"));
        ARROWS.put("backend.cuda", Set.of("backend", "matrix", "error", "natives"));
        ARROWS.put("io", Set.of("matrix", "error"));
        ARROWS.put("features", Set.of("matrix", "error", "random"));
        ARROWS.put("solve", Set.of("backend", "model", "matrix", "error", "random"));
        ARROWS.put("select", Set.of("solve", "backend", "matrix", "error", "random"));
        ARROWS.put("diagnose", Set.of("solve", "backend", "model", "matrix"));
        ARROWS.put("plot", Set.of("error"));
        ARROWS.put("cli", Set.of("", "io", "features", "plot", "model", "matrix", "error", "random"));
        ARROWS.put("", Set.of("solve", "select", "diagnose", "backend", "model", "matrix", "error", "random"));
    }

    /** Where a library may be used, down to the class where there is only one; a library that is not listed, nowhere. */
    private static final Map<String, List<String>> LIBRARIES = new LinkedHashMap<>();

    static {
        LIBRARIES.put("org.bytedeco", List.of("matrix.HostMemory", "backend.openblas.*"));
        LIBRARIES.put("jcuda", List.of("backend.cuda.*"));
        LIBRARIES.put("picocli", List.of("cli.*"));
        LIBRARIES.put("de.siegmar.fastcsv", List.of("io.*"));
        LIBRARIES.put("org.knowm.xchart", List.of("plot.*"));
        LIBRARIES.put("org.apache.batik", List.of("plot.*"));
        LIBRARIES.put("org.w3c.dom", List.of("plot.*"));
        LIBRARIES.put("java.awt", List.of("plot.*"));
        LIBRARIES.put("javax.xml", List.of("plot.*"));
        LIBRARIES.put("javax.imageio", List.of("plot.*"));
    }

    /** Packages that users program against; their signatures mention nothing else of this project. */
    private static final Set<String> EXPORTED =
            Set.of("", "model", "matrix", "error", "random", "backend", "io", "features", "plot");

    private static JavaClasses project;
    private static JavaClasses violations;

    @BeforeAll
    static void importClasses(@TempDir Path folder) {
        // Super types of exceptions and collections are looked up, those of libraries need not be.
        ArchConfiguration.get().setClassResolver(SelectedClassResolverFromClasspath.class);
        ArchConfiguration.get().setClassResolverArguments("java.lang", "java.util", "java.io");
        project = new ClassFileImporter()
                .importUrl(Nullspace.class.getProtectionDomain().getCodeSource().getLocation());
        Map<String, String> sources = new LinkedHashMap<>();
        for (Violation v : violations().toList()) {
            sources.put(v.className(), v.source());
        }
        InMemoryCompiler.compile(sources, folder);
        violations = new ClassFileImporter().importPath(folder);
    }

    // ---- the rules

    @Test
    void somethingIsExamined() {
        assertThat(project).hasSizeGreaterThan(FLOOR);
        assertThat(packagesOf(project)).isEqualTo(new TreeSet<>(ARROWS.keySet()));
    }

    static Stream<String> packages() {
        return ARROWS.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("packages")
    void arrowsPointDown(String from) {
        arrows(from).check(project);
    }

    @ParameterizedTest
    @MethodSource("packages")
    void everyArrowIsUsed(String from) {
        Set<String> used = project.stream()
                .filter(c -> nameOf(c).equals(from))
                .flatMap(c -> c.getDirectDependenciesFromSelf().stream())
                .map(d -> d.getTargetClass().getBaseComponentType())
                .filter(ArchitectureTest::isOurs)
                .map(ArchitectureTest::nameOf)
                .filter(to -> !to.equals(from))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(used).isEqualTo(new TreeSet<>(ARROWS.get(from)));
    }

    @Test
    void noCycles() {
        cycles().check(project);
    }

    static Stream<String> libraries() {
        return LIBRARIES.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("libraries")
    void librariesStayWhereTheyBelong(String library) {
        library(library).check(project);
    }

    @Test
    void onlyTheCommandLinePrints() {
        printing().check(project);
    }

    @Test
    void onlyTheCommandLineExits() {
        exiting().check(project);
    }

    @Test
    void everyPackageIsNullMarked() {
        Set<String> marked = project.stream()
                .filter(c -> c.getSimpleName().equals("package-info") && c.isAnnotatedWith(NullMarked.class))
                .map(ArchitectureTest::nameOf)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(marked).isEqualTo(packagesOf(project));
    }

    @Test
    void signaturesOfTheInterfaceMentionExportedTypesOnly() {
        signatures().check(project);
    }

    @Test
    void staticStateIsPrivate() {
        staticState().check(project);
    }

    // ---- every rule can fail

    static Stream<Violation> violations() {
        List<Violation> all = new ArrayList<>();
        for (String from : ARROWS.keySet()) {
            for (Map.Entry<String, String> type : EXAMPLES.entrySet()) {
                if (!type.getKey().equals(from) && !ARROWS.get(from).contains(type.getKey())) {
                    all.add(new Violation(
                            arrows(from),
                            from,
                            "Uses_" + simple(type.getValue()),
                            "Object it = " + type.getValue() + ".class;"));
                }
            }
            all.add(new Violation(
                    arrows(from), from, "Uses_a_stranger", "Object it = org.junit.jupiter.api.Test.class;"));
        }
        LIBRARY_EXAMPLES.forEach((library, type) -> all.add(
                new Violation(library(library), "model", "Uses_" + simple(type), "Object it = " + type + ".class;")));
        all.add(new Violation(cycles(), "model", "Circle", "Object it = org.nullspace.select.Circle_in_select.class;"));
        all.add(new Violation(cycles(), "select", "Circle", "Object it = org.nullspace.model.Circle_in_model.class;"));
        all.add(new Violation(
                library("org.bytedeco"), "matrix", "Native", "Object it = org.bytedeco.javacpp.Pointer.class;"));
        all.add(new Violation(printing(), "solve", "Prints", "void print() { System.out.println(); }"));
        all.add(new Violation(printing(), "solve", "Complains", "void print() { System.err.println(); }"));
        all.add(new Violation(printing(), "solve", "Traces", "void print(Exception e) { e.printStackTrace(); }"));
        all.add(new Violation(exiting(), "solve", "Exits", "void exit() { System.exit(1); }"));
        all.add(new Violation(exiting(), "solve", "Halts", "void exit() { Runtime.getRuntime().halt(1); }"));
        all.add(new Violation(
                signatures(), "model", "Returns", "public org.nullspace.solve.Solver it() { return null; }"));
        all.add(new Violation(
                signatures(), "model", "Takes", "public void it(java.util.List<org.nullspace.solve.Solver> s) {}"));
        all.add(new Violation(signatures(), "model", "Holds", "public final org.nullspace.solve.Solver it = null;"));
        all.add(new Violation(staticState(), "solve", "Switch", "static int mode;"));
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("violations")
    void theRuleReportsItsViolation(Violation violation) {
        EvaluationResult result = violation.rule().evaluate(violations);
        assertThat(result.getFailureReport().getDetails()).anyMatch(line -> line.contains(violation.className()));
    }

    // ---- how the rules are made

    private static ArchRule arrows(String from) {
        List<String> libraries = LIBRARIES.entrySet().stream()
                .filter(e ->
                        e.getValue().stream().anyMatch(place -> packageOf(place).equals(from)))
                .map(e -> e.getKey() + "..")
                .toList();
        DescribedPredicate<JavaClass> allowed = describe("it may use", target -> {
            JavaClass type = target.getBaseComponentType();
            return type.isPrimitive()
                    || (isOurs(type)
                            && (nameOf(type).equals(from) || ARROWS.get(from).contains(nameOf(type))))
                    || JavaClass.Predicates.resideInAnyPackage(EVERYWHERE.toArray(String[]::new))
                            .test(type)
                    || JavaClass.Predicates.resideInAnyPackage(libraries.toArray(String[]::new))
                            .test(type);
        });
        return classes()
                .that(describe(
                        "are in " + qualified(from), c -> isOurs(c) && nameOf(c).equals(from)))
                .should(onlyDependOnClassesThat(allowed))
                .allowEmptyShould(true);
    }

    private static ArchRule cycles() {
        return slices().assignedFrom(new SliceAssignment() {
                    @Override
                    public SliceIdentifier getIdentifierOf(JavaClass type) {
                        return isOurs(type) ? SliceIdentifier.of(type.getPackageName()) : SliceIdentifier.ignore();
                    }

                    @Override
                    public String getDescription() {
                        return "packages";
                    }
                })
                .should()
                .beFreeOfCycles();
    }

    private static ArchRule library(String library) {
        return noClasses()
                .that(describe(
                        "are not in " + LIBRARIES.get(library),
                        c -> isOurs(c) && LIBRARIES.get(library).stream().noneMatch(place -> lies(c, place))))
                .should()
                .dependOnClassesThat()
                .resideInAPackage(library + "..");
    }

    private static ArchRule printing() {
        return noClasses()
                .that(describe("are not in cli", c -> isOurs(c) && !nameOf(c).equals("cli")))
                .should(GeneralCodingRules.ACCESS_STANDARD_STREAMS);
    }

    private static ArchRule exiting() {
        return noClasses()
                .that(describe("are not in cli", c -> isOurs(c) && !nameOf(c).equals("cli")))
                .should()
                .callMethod(System.class, "exit", int.class)
                .orShould()
                .callMethod(Runtime.class, "exit", int.class)
                .orShould()
                .callMethod(Runtime.class, "halt", int.class);
    }

    private static ArchRule signatures() {
        return classes()
                .that(describe(
                        "are exported",
                        c -> isOurs(c)
                                && EXPORTED.contains(nameOf(c))
                                && c.getModifiers().contains(JavaModifier.PUBLIC)))
                .should(new ArchCondition<>("mention exported types only") {
                    @Override
                    public void check(JavaClass owner, ConditionEvents events) {
                        owner.getAllRawInterfaces().forEach(t -> require(owner, "implements", t, events));
                        owner.getRawSuperclass().ifPresent(t -> require(owner, "extends", t, events));
                        for (JavaCodeUnit unit : owner.getCodeUnits()) {
                            if (visible(unit.getModifiers())) {
                                unit.getReturnType()
                                        .getAllInvolvedRawTypes()
                                        .forEach(t -> require(owner, unit.getFullName(), t, events));
                                unit.getParameterTypes()
                                        .forEach(p -> p.getAllInvolvedRawTypes()
                                                .forEach(t -> require(owner, unit.getFullName(), t, events)));
                                unit.getExceptionTypes()
                                        .forEach(t -> require(owner, unit.getFullName(), t.toErasure(), events));
                            }
                        }
                        for (JavaField field : owner.getFields()) {
                            if (visible(field.getModifiers())) {
                                field.getType()
                                        .getAllInvolvedRawTypes()
                                        .forEach(t -> require(owner, field.getFullName(), t, events));
                            }
                        }
                    }
                });
    }

    private static void require(JavaClass owner, String where, JavaClass mentioned, ConditionEvents events) {
        JavaClass type = mentioned.getBaseComponentType();
        boolean exported = type.isPrimitive()
                || type.getPackageName().startsWith("java.")
                || (isOurs(type) && EXPORTED.contains(nameOf(type)));
        if (!exported) {
            events.add(SimpleConditionEvent.violated(owner, where + " mentions " + type.getName()));
        }
    }

    private static boolean visible(Set<JavaModifier> modifiers) {
        return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
    }

    private static ArchRule staticState() {
        return classes()
                .that(describe("are ours", ArchitectureTest::isOurs))
                .should(new ArchCondition<>("keep static state that changes private") {
                    @Override
                    public void check(JavaClass owner, ConditionEvents events) {
                        for (JavaField field : owner.getFields()) {
                            Set<JavaModifier> modifiers = field.getModifiers();
                            if (modifiers.contains(JavaModifier.STATIC)
                                    && !modifiers.contains(JavaModifier.FINAL)
                                    && !modifiers.contains(JavaModifier.PRIVATE)) {
                                events.add(
                                        SimpleConditionEvent.violated(owner, field.getFullName() + " can be changed"));
                            }
                        }
                    }
                });
    }

    // ---- names

    private static boolean isOurs(JavaClass type) {
        return type.getPackageName().equals(ROOT) || type.getPackageName().startsWith(ROOT + ".");
    }

    /** Package name below the root, "" for the root. */
    private static String nameOf(JavaClass type) {
        return type.getPackageName().equals(ROOT) ? "" : type.getPackageName().substring(ROOT.length() + 1);
    }

    private static Set<String> packagesOf(JavaClasses classes) {
        return classes.stream().map(ArchitectureTest::nameOf).collect(Collectors.toCollection(TreeSet::new));
    }

    private static String qualified(String name) {
        return name.isEmpty() ? ROOT : ROOT + "." + name;
    }

    private static String packageOf(String place) {
        return place.substring(0, place.lastIndexOf('.'));
    }

    /** Whether a class is, or lies inside of, a place such as {@code plot.*} or {@code matrix.HostMemory}. */
    private static boolean lies(JavaClass type, String place) {
        if (place.endsWith(".*")) {
            return nameOf(type).equals(packageOf(place));
        }
        String name = qualified(place);
        return type.getName().equals(name) || type.getName().startsWith(name + "$");
    }

    private static String simple(String className) {
        return className.substring(className.lastIndexOf('.') + 1);
    }

    /** One public class of each package. */
    private static final Map<String, String> EXAMPLES = Map.ofEntries(
            Map.entry("error", "org.nullspace.error.ClosedException"),
            Map.entry("random", "org.nullspace.random.SplitMix64"),
            Map.entry("matrix", "org.nullspace.matrix.Layout"),
            Map.entry("model", "org.nullspace.model.Method"),
            Map.entry("backend", "org.nullspace.backend.Session"),
            Map.entry("backend.openblas", "org.nullspace.backend.openblas.OpenBlasProvider"),
            Map.entry("backend.cuda", "org.nullspace.backend.cuda.CudaProvider"),
            Map.entry("io", "org.nullspace.io.CsvTable"),
            Map.entry("features", "org.nullspace.features.Pipeline"),
            Map.entry("solve", "org.nullspace.solve.Solver"),
            Map.entry("select", "org.nullspace.select.RandomDirections"),
            Map.entry("diagnose", "org.nullspace.diagnose.Evidence"),
            Map.entry("plot", "org.nullspace.plot.Pictures"),
            Map.entry("cli", "org.nullspace.cli.Main"),
            Map.entry("", "org.nullspace.Nullspace"));

    private static final Map<String, String> LIBRARY_EXAMPLES = Map.of(
            "org.bytedeco", "org.bytedeco.openblas.global.openblas",
            "jcuda", "jcuda.driver.JCudaDriver",
            "picocli", "picocli.CommandLine",
            "de.siegmar.fastcsv", "de.siegmar.fastcsv.reader.CsvReader",
            "org.knowm.xchart", "org.knowm.xchart.XYChart",
            "org.apache.batik", "org.apache.batik.svggen.SVGGraphics2D",
            "org.w3c.dom", "org.w3c.dom.Document",
            "java.awt", "java.awt.Graphics2D",
            "javax.xml", "javax.xml.transform.TransformerFactory",
            "javax.imageio", "javax.imageio.ImageIO");

    /**
     * A class that breaks a rule.
     *
     * @param rule the rule
     * @param in package of the class
     * @param name its simple name
     * @param body its body
     */
    record Violation(ArchRule rule, String in, String name, String body) {
        String className() {
            return qualified(in) + "." + name + "_in_" + in.replace('.', '_');
        }

        String source() {
            return "package " + qualified(in) + ";\npublic class " + simple(className()) + " { " + body + " }\n";
        }

        @Override
        public String toString() {
            return className();
        }
    }
}
