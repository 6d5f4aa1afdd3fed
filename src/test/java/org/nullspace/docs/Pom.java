package org.nullspace.docs;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/** What the build file says, for commands that a test of the build cannot run inside the build. */
final class Pom {
    private static final Set<String> PHASES = Set.of("compile", "test", "package", "verify", "clean");

    private final Document document;
    private final XPath xpath = XPathFactory.newInstance().newXPath();

    Pom(File file) throws Exception {
        this.document =
                DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file);
    }

    String text(String path) {
        try {
            return xpath.evaluate(path, document);
        } catch (Exception e) {
            throw new AssertionError(path, e);
        }
    }

    /** A text with the properties of the build file put in. */
    String resolved(String path) {
        String text = text(path).strip();
        while (text.contains("${")) {
            int start = text.indexOf("${");
            int end = text.indexOf('}', start);
            String property = text.substring(start + 2, end);
            text = text.substring(0, start) + text("/project/properties/" + property) + text.substring(end + 1);
        }
        return text;
    }

    List<String> texts(String path) {
        try {
            NodeList nodes = (NodeList) xpath.evaluate(path, document, XPathConstants.NODESET);
            List<String> found = new ArrayList<>();
            for (int i = 0; i < nodes.getLength(); i++) {
                found.add(nodes.item(i).getTextContent().strip());
            }
            return found;
        } catch (Exception e) {
            throw new AssertionError(path, e);
        }
    }

    private static String plugin(String artifact) {
        return "/project/build/plugins/plugin[artifactId='" + artifact + "']";
    }

    /**
     * Checks a Maven command against the build file.
     *
     * @return the arguments that {@code exec:java} would give the program, or null if it does not run it
     */
    @Nullable List<String> check(String where, String command) {
        List<String> arguments = null;
        String given = null;
        String rest = command;
        int args = command.indexOf("-Dexec.args=\"");
        if (args >= 0) {
            int start = command.indexOf('"', args) + 1;
            int end = command.indexOf('"', start);
            given = command.substring(start, end);
            rest = command.substring(0, args) + command.substring(end + 1);
        }
        for (String word :
                ShellExamples.words(rest).subList(1, ShellExamples.words(rest).size())) {
            if (word.equals("exec:java")) {
                require(where, plugin("exec-maven-plugin") + "/configuration/mainClass", "org.nullspace.cli.Main");
                require(where, plugin("exec-maven-plugin") + "/configuration/commandlineArgs", "");
                arguments = given == null ? List.of() : ShellExamples.words(given);
            } else if (word.startsWith("-P")) {
                if (!texts("/project/profiles/profile/id").contains(word.substring(2))) {
                    throw new AssertionError(where + ": the build file has no profile " + word.substring(2));
                }
            } else if (!word.equals("-q") && !word.equals("-DskipTests") && !PHASES.contains(word)) {
                throw new AssertionError(where + ": " + word + " is not known in: " + command);
            }
            if (word.equals("package")) {
                require(
                        where,
                        plugin("maven-shade-plugin") + "/executions/execution/configuration/outputFile",
                        "${project.build.directory}/nullspace.jar");
            }
        }
        if (given != null && arguments == null) {
            throw new AssertionError(where + ": exec.args without exec:java in: " + command);
        }
        return arguments;
    }

    private void require(String where, String path, String expected) {
        String actual = expected.contains("${") ? text(path).strip() : resolved(path);
        if (!actual.equals(expected)) {
            throw new AssertionError(String.format(
                    Locale.ROOT, "%s: in the build file %s is \"%s\", not \"%s\"", where, path, actual, expected));
        }
    }
}
