package org.nullspace.cli;

import java.util.function.Supplier;
import org.nullspace.io.AtomicOutput;
import org.nullspace.plot.Picture;

/** Writes pictures as PNG and SVG. */
final class Drawing {
    private Drawing() {}

    /**
     * Draws a picture and writes it as NAME.png and NAME.svg. A machine without any font cannot draw: that is told, and the rest of the
     * output goes on.
     */
    static void write(AtomicOutput output, Console console, String name, Supplier<Picture> drawing) {
        byte[] png;
        byte[] svg;
        try {
            // Pictures are drawn into memory: no display is needed, nor looked for.
            System.setProperty("java.awt.headless", System.getProperty("java.awt.headless", "true"));
            Picture picture = drawing.get();
            png = picture.png();
            svg = picture.svg();
        } catch (LinkageError | InternalError | NullPointerException e) {
            if (!isAboutFonts(e)) {
                throw e;
            }
            console.note("nullspace: " + name + ".png and " + name + ".svg are left out: this Java finds no fonts"
                    + " (install fontconfig and a font such as DejaVu)");
            return;
        }
        output.write(name + ".png", channel -> SolveCommand.writeFully(channel, png));
        output.write(name + ".svg", channel -> SolveCommand.writeFully(channel, svg));
    }

    /** Whether Java's own font or toolkit classes failed: without fontconfig they fail as errors of many kinds. */
    private static boolean isAboutFonts(Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            for (StackTraceElement frame : t.getStackTrace()) {
                if (frame.getClassName().startsWith("sun.font.")
                        || frame.getClassName().startsWith("sun.awt.FontConfiguration")
                        || frame.getClassName().startsWith("sun.awt.X11FontManager")) {
                    return true;
                }
            }
        }
        return false;
    }
}
