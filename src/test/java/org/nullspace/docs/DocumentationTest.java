package org.nullspace.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nullspace.cli.Main;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.Outcome;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;

/** README and site: every example is run, every link leads somewhere, every option and every name of the interface is there. */
class DocumentationTest {
    private static final Path README = Path.of("README.md");
    private static final Path SITE = Path.of("src", "site", "markdown");
    private static final Set<String> LANGUAGES = Set.of("java", "shell", "text", "xml", "json", "csv");

    /** Blocks that are not run, by page; each has its reason beside it. */
    private static final Map<String, Integer> NOT_RUN = Map.of("README.md", 1, "gpu.md", 1);

    private static final Pattern LINK = Pattern.compile("\\]\\(([^)]+)\\)");
    private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--[a-z][a-z-]*");

    @TempDir
    Path folder;

    static Stream<String> pages() throws IOException {
        List<String> all = new ArrayList<>(List.of(README.toString()));
        try (Stream<Path> files = Files.list(SITE)) {
            files.filter(f -> f.toString().endsWith(".md"))
                    .map(Path::toString)
                    .sorted()
                    .forEach(all::add);
        }
        return all.stream();
    }

    private static List<Page> all() throws IOException {
        return pages().map(p -> Page.read(Path.of(p))).toList();
    }

    private static Page page(String name) {
        return Page.read(SITE.resolve(name));
    }

    private static String text(Page page) {
        return String.join("\n", page.lines());
    }

    // ---- examples

    @ParameterizedTest
    @MethodSource("pages")
    void examplesRunAndPrintWhatThePageSays(String path) throws Exception {
        Page page = Page.read(Path.of(path));
        Map<Integer, String> printed = new LinkedHashMap<>(JavaExamples.run(page, folder));
        printed.putAll(new ShellExamples(folder, new Pom(new File("pom.xml"))).run(page));
        String before = null;
        for (Page.Block block : page.blocks()) {
            if (block.output()) {
                assertThat(before)
                        .as("%s: nothing was run before this output", page.where(block.line()))
                        .isNotNull();
                requirePrinted(page.where(block.line()), block.text(), before);
            } else if (printed.containsKey(block.line())) {
                before = printed.get(block.line());
            }
        }
    }

    /** Every line of a page is among the lines printed, in that order; {@code …} stands for anything. */
    static void requirePrinted(String where, List<String> said, String printed) {
        List<String> lines = printed.lines().map(DocumentationTest::spaced).toList();
        int at = 0;
        for (String line : said) {
            if (line.isBlank()) {
                continue;
            }
            Pattern pattern = Pattern.compile(Arrays.stream(spaced(line).split("…", -1))
                    .map(Pattern::quote)
                    .collect(Collectors.joining(".*")));
            while (at < lines.size() && !pattern.matcher(lines.get(at)).matches()) {
                at++;
            }
            if (at++ == lines.size()) {
                throw new AssertionError(
                        where + ": not printed (or not in this order): " + line + "\nprinted was:\n" + printed);
            }
        }
    }

    private static String spaced(String line) {
        return line.strip().replaceAll("\\s+", " ");
    }

    @Test
    void thereAreExamplesAndFewAreNotRun() throws IOException {
        int java = 0;
        int shell = 0;
        int statements = 0;
        int outputs = 0;
        Map<String, Integer> notRun = new LinkedHashMap<>();
        for (Page page : all()) {
            statements += JavaExamples.statements(page).size();
            for (Page.Block block : page.blocks()) {
                assertThat(LANGUAGES).as(page.where(block.line())).contains(block.language());
                if (!block.isRun()) {
                    assertThat(block.reason()).as(page.where(block.line())).hasSizeGreaterThan(10);
                    notRun.merge(page.name(), 1, Integer::sum);
                } else if (block.language().equals("java")) {
                    java++;
                } else if (block.language().equals("shell")) {
                    shell++;
                } else if (block.output()) {
                    outputs++;
                }
            }
        }
        assertThat(notRun).isEqualTo(NOT_RUN);
        assertThat(java).isGreaterThan(15);
        assertThat(shell).isGreaterThan(8);
        assertThat(statements).isGreaterThan(30);
        assertThat(outputs).isGreaterThan(5);
    }

    @Test
    void theReadmeHasTheTwoCommandsAndTheExamplesPromised() {
        Page readme = Page.read(README);
        List<String> commands = readme.blocks("shell").stream()
                .flatMap(b -> ShellExamples.commands(b).stream())
                .toList();
        assertThat(commands).contains("mvn -q compile exec:java", "mvn verify", "mvn -q -DskipTests package");
        Page.Block example = readme.blocks("java").get(0);
        assertThat(example.text().stream().filter(l -> !l.isBlank())).hasSizeLessThanOrEqualTo(18);
    }

    // ---- the machinery above can fail

    @Test
    void wrongValuesAreFound() {
        Says.check(new double[] {130.6968, 0.843}, "[130.70, 0.84]", "here");
        Says.check(1e-14, "at most 1e-13", "here");
        Says.check(4.02e-13, "4.0e-13", "here");
        assertThatThrownBy(() -> Says.check(new double[] {130.6968, 0.843}, "[130.70, 0.85]", "here"))
                .hasMessage("here says [130.70, 0.85], but it is [130.6968, 0.843]");
        assertThatThrownBy(() -> Says.check(new double[] {1}, "[1, 2]", "here")).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> Says.check(1e-12, "at most 1e-13", "here")).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> Says.check(true, "false", "here")).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> Says.checkThrows("ClosedException", () -> {}, "here"))
                .isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> requirePrinted("here", List.of("rank 3"), "rank 4\n"))
                .isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> requirePrinted("here", List.of("b", "a"), "a\nb\n"))
                .isInstanceOf(AssertionError.class);
        requirePrinted("here", List.of("rank  3 … of"), "rank 3 or 4 of\n");
    }

    @Test
    void wrongPagesAreFound() throws Exception {
        Pom pom = new Pom(new File("pom.xml"));
        assertThatThrownBy(() -> pom.check("here", "mvn -q compile exec:jova")).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> pom.check("here", "mvn -Pnone verify")).isInstanceOf(AssertionError.class);
        assertThat(pom.check("here", "mvn -q compile exec:java -Dexec.args=\"demo --out x\""))
                .containsExactly("demo", "--out", "x");
        ShellExamples shell = new ShellExamples(folder, pom);
        for (String wrong : List.of("nullspace solve none.csv --target a", "curl x", "nullspace --version # exit 2")) {
            assertThatThrownBy(() -> shell.run(written("```shell", wrong, "```")))
                    .isInstanceOf(AssertionError.class);
        }
        assertThat(shell.run(written("```shell", "nullspace --version", "```")).get(1))
                .startsWith("nullspace ");
        for (String wrong : List.of("int a = 1; // → 2", "int b = c;", "int d = 1 / 0;")) {
            assertThatThrownBy(() -> JavaExamples.run(written("```java", wrong, "```"), folder))
                    .isInstanceOf(AssertionError.class);
        }
    }

    private Page written(String... lines) throws IOException {
        return Page.read(Files.write(folder.resolve("page.md"), List.of(lines)));
    }

    // ---- completeness

    @ParameterizedTest
    @MethodSource("pages")
    void linksLeadSomewhere(String path) {
        Page page = Page.read(Path.of(path));
        List<String> dead = LINK.matcher(text(page))
                .results()
                .map(m -> m.group(1))
                .filter(link -> !link.startsWith("https://") && !link.startsWith("#"))
                .map(link -> link.replaceFirst("#.*", ""))
                .filter(link -> {
                    Path target = page.path().toAbsolutePath().getParent().resolve(link);
                    // The site is made of the Markdown pages beside this one.
                    Path source = Path.of(target.toString().replaceFirst("\\.html$", ".md"));
                    Path resource = Path.of("src", "site", "resources", link);
                    return !Files.exists(target) && !Files.exists(source) && !Files.exists(resource);
                })
                .toList();
        assertThat(dead).isEmpty();
    }

    @Test
    void everyPageOfTheSiteIsInItsIndexAndMenu() throws IOException {
        String index = text(page("index.md"));
        String menu = Files.readString(Path.of("src", "site", "site.xml"));
        for (Page page : all()) {
            if (!page.path().equals(README) && !page.name().equals("index.md")) {
                String html = page.name().replace(".md", ".html");
                assertThat(index).contains("](" + html + ")");
                assertThat(menu).contains("href=\"" + html + "\"");
            }
        }
    }

    @Test
    void theCommandLineIsDocumentedAsItIs() throws IOException {
        Set<String> there = new TreeSet<>();
        for (String command : List.of("solve", "demo", "meats", "doctor")) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
            assertThat(Main.run(new String[] {command, "--help"}, stream, stream))
                    .isZero();
            there.addAll(options(out.toString(StandardCharsets.UTF_8)));
        }
        assertThat(options(text(page("command-line.md")))).isEqualTo(there).hasSizeGreaterThan(15);
        // An option of Java itself.
        there.add("--enable-native-access");
        // An option of Docker.
        there.add("--gpus");
        // Options of the scripts, which say them in their heads.
        there.addAll(options(Files.readString(Path.of("src", "bench", "compare.sh"))));
        there.addAll(options(Files.readString(Path.of("src", "gpu", "run.sh"))));
        for (Page page : all()) {
            assertThat(there).as(page.name()).containsAll(options(text(page)));
        }
    }

    private static Set<String> options(String text) {
        return OPTION.matcher(text).results().map(MatchResult::group).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void theInterfaceIsDocumentedAsItIs() {
        String guide = text(page("user-guide.md"));
        String methods = text(page("methods.md"));
        String trouble = text(page("troubleshooting.md"));
        for (Method method : Method.values()) {
            assertThat(methods).contains("`" + method + "`");
        }
        for (InterceptRule rule : InterceptRule.values()) {
            assertThat(guide).contains(rule.name());
        }
        for (Outcome outcome : Outcome.values()) {
            assertThat(trouble).contains("`" + outcome + "`");
        }
        for (Class<?> type : List.of(SolutionSet.class, SolveOptions.Builder.class, RankTolerance.class)) {
            for (java.lang.reflect.Method m : type.getDeclaredMethods()) {
                boolean offered = Modifier.isPublic(m.getModifiers()) && !m.isSynthetic();
                if (offered
                        && !Set.of("build", "equals", "hashCode", "toString").contains(m.getName())) {
                    assertThat(guide).as(type.getSimpleName()).contains(m.getName() + "(");
                }
            }
        }
    }

    @Test
    void versionsAreThoseOfTheBuild() throws Exception {
        Pom pom = new Pom(new File("pom.xml"));
        String version = pom.text("/project/version");
        List<String> said = all().stream()
                .flatMap(p -> p.blocks("xml").stream())
                .flatMap(b -> Pattern.compile("<version>(.*)</version>")
                        .matcher(String.join("\n", b.text()))
                        .results())
                .map(m -> m.group(1))
                .toList();
        assertThat(said).isNotEmpty().containsOnly(version);
        assertThat(text(page("changelog.md"))).contains("## " + version.replace("-SNAPSHOT", ""));
    }
}
