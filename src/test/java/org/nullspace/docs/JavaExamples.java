package org.nullspace.docs;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Turns the Java blocks of a page into programs and runs them. A block that declares a class is a program of its own. The other blocks of a
 * page follow one another in one program: what one declares, the next may use. Two kinds of comments are checked: {@code // → value} and
 * {@code // throws Type} after a statement on one line.
 */
final class JavaExamples {
    private static final Pattern CLASS = Pattern.compile("(?m)^(?:public )?(?:final )?class (\\w+)");
    private static final Pattern SAYS = Pattern.compile("^(\\s*)(.*);\\s*// → (.*)$");
    private static final Pattern THROWS = Pattern.compile("^(\\s*)(.*);\\s*// throws (\\w+)$");
    private static final Pattern DECLARATION = Pattern.compile("^[\\w<>\\[\\], .]+ (\\w+) = .*");

    private JavaExamples() {}

    /**
     * Runs all blocks of a page.
     *
     * @param page the page
     * @param folder where classes go
     * @return what was printed, by the line of the block
     */
    static Map<Integer, String> run(Page page, Path folder) {
        Map<String, String> sources = new LinkedHashMap<>();
        Map<Integer, String> programs = new LinkedHashMap<>();
        TreeSet<String> imports = new TreeSet<>();
        StringBuilder body = new StringBuilder();
        String joined = className(page);
        for (Page.Block block : page.blocks("java")) {
            if (!block.isRun()) {
                continue;
            }
            String text = String.join("\n", block.text());
            Matcher declared = CLASS.matcher(text);
            if (declared.find()) {
                sources.put(declared.group(1), text);
                programs.put(block.line(), declared.group(1));
            } else {
                programs.put(block.line(), joined);
                append(page, block, imports, body);
            }
        }
        if (!body.isEmpty()) {
            sources.put(
                    joined,
                    String.join("\n", imports) + "\npublic class " + joined
                            + " {\n    public static void main(String[] args) throws Exception {\n" + body
                            + "    }\n}\n");
        }
        if (sources.isEmpty()) {
            return Map.of();
        }
        InMemoryCompiler.compile(sources, folder);
        Map<Integer, String> printed = new LinkedHashMap<>();
        Map<String, String> outputs = new LinkedHashMap<>();
        sources.keySet().forEach(name -> outputs.put(name, main(name, folder)));
        programs.forEach((line, name) -> printed.put(line, outputs.get(name)));
        return printed;
    }

    private static String className(Page page) {
        return "Page_" + page.name().replaceAll("\\W", "_");
    }

    private static void append(Page page, Page.Block block, TreeSet<String> imports, StringBuilder body) {
        for (int i = 0; i < block.text().size(); i++) {
            String line = block.text().get(i);
            String where = '"' + page.where(block.line() + 1 + i) + '"';
            Matcher says = SAYS.matcher(line);
            Matcher thrown = THROWS.matcher(line);
            if (line.startsWith("import ")) {
                imports.add(line);
            } else if (says.matches()) {
                String statement = says.group(2);
                String said = literal(says.group(3));
                Matcher declaration = DECLARATION.matcher(statement);
                if (declaration.matches()) {
                    body.append(statement).append(";\n");
                    statement = declaration.group(1);
                }
                body.append("org.nullspace.docs.Says.check(" + statement + ", " + said + ", " + where + ");\n");
            } else if (thrown.matches()) {
                body.append("org.nullspace.docs.Says.checkThrows(" + literal(thrown.group(3)) + ", () -> { "
                        + thrown.group(2) + "; }, " + where + ");\n");
            } else {
                body.append(line).append('\n');
            }
        }
    }

    private static String literal(String text) {
        return '"' + text.strip().replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static String main(String name, Path folder) {
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {folder.toUri().toURL()}, JavaExamples.class.getClassLoader())) {
            System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
            loader.loadClass(name).getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        } catch (InvocationTargetException e) {
            throw new AssertionError("an example of " + name + " failed: " + e.getCause(), e.getCause());
        } catch (Exception e) {
            throw new AssertionError("an example of " + name + " could not be run", e);
        } finally {
            System.setOut(before);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /** Lines of a block that state a value or an exception, so that a test can count them. */
    static List<String> statements(Page page) {
        List<String> found = new ArrayList<>();
        for (Page.Block block : page.blocks("java")) {
            for (String line : block.text()) {
                if (SAYS.matcher(line).matches() || THROWS.matcher(line).matches()) {
                    found.add(line);
                }
            }
        }
        return found;
    }
}
