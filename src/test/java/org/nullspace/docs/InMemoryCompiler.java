package org.nullspace.docs;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/** Compiles source text against the class path of the tests. */
public final class InMemoryCompiler {
    private InMemoryCompiler() {}

    /**
     * Compiles.
     *
     * @param sources source text by fully qualified name of its public class
     * @param target folder that the class files are written to
     * @throws AssertionError with the compiler's messages if something does not compile
     */
    public static void compile(Map<String, String> sources, Path target) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) {
            throw new AssertionError("these tests need a JDK: this Java has no compiler");
        }
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        StringWriter out = new StringWriter();
        try (StandardJavaFileManager files =
                compiler.getStandardFileManager(diagnostics, null, StandardCharsets.UTF_8)) {
            files.setLocationFromPaths(StandardLocation.CLASS_OUTPUT, List.of(target));
            List<Source> units = sources.entrySet().stream()
                    .map(e -> new Source(e.getKey(), e.getValue()))
                    .toList();
            boolean compiled = compiler.getTask(
                            out, files, diagnostics, List.of("--release", "17", "-proc:none"), null, units)
                    .call();
            if (!compiled) {
                StringBuilder message = new StringBuilder(out.toString());
                for (Diagnostic<?> d : diagnostics.getDiagnostics()) {
                    message.append('\n').append(d);
                }
                throw new AssertionError("does not compile:" + message);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Source text as a file of the compiler. */
    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String className, String text) {
            super(URI.create("string:///" + className.replace('.', '/') + Kind.SOURCE.extension), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
