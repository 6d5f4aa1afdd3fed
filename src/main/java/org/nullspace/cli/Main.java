package org.nullspace.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.BackendUnavailableException;
import org.nullspace.error.InsufficientMemoryException;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The program {@code nullspace}. Without arguments it runs {@code meats}, the main job on the bundled data.
 *
 * <p>Exit codes: {@value #DONE} done, {@value #FAILED} failed, {@value #BAD_USAGE} bad usage or bad input. An error is one line on standard
 * error; with the environment variable {@code NULLSPACE_STACKTRACE} set, the stack trace follows.
 */
public final class Main {
    /** Exit code: done. */
    public static final int DONE = 0;
    /** Exit code: the work failed. */
    public static final int FAILED = 1;
    /** Exit code: an option or a file cannot be used, or asks for more memory than there is. */
    public static final int BAD_USAGE = 2;

    private Main() {}

    /**
     * Runs the program. Ends the JVM if the exit code is not 0.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        Charset charset = terminalCharset();
        boolean ascii =
                !charset.newEncoder().canEncode('‖') || !charset.newEncoder().canEncode('β');
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, charset);
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, charset);
        int code = run(args, new Console(out, err, ascii));
        if (code != DONE) {
            System.exit(code);
        }
    }

    private static Charset terminalCharset() {
        for (String property : List.of("stdout.encoding", "sun.stdout.encoding", "native.encoding")) {
            String name = System.getProperty(property);
            if (name != null && !name.isBlank()) {
                try {
                    return Charset.forName(name);
                } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
                    // Not known to this Java: the next property decides.
                }
            }
        }
        return Charset.defaultCharset();
    }

    /**
     * Runs the program inside another one.
     *
     * @param args the command line
     * @param out standard output; encodes Greek letters and the like
     * @param err standard error
     * @return the exit code
     */
    public static int run(String[] args, PrintStream out, PrintStream err) {
        return run(args, new Console(out, err, false));
    }

    private static int run(String[] args, Console console) {
        int code;
        try {
            code = dispatch(
                    commandLine().parseArgs(args.length == 0 ? new String[] {MeatsCommand.NAME} : args), console);
        } catch (ParameterException e) {
            String hint = e instanceof UnmatchedArgumentException u ? suggestion(u) : "";
            code = fail(
                    console,
                    e,
                    e.getMessage() + hint + " (help: "
                            + e.getCommandLine().getCommandSpec().qualifiedName() + " --help)",
                    BAD_USAGE);
        } catch (InvalidInputException | ShapeMismatchException e) {
            code = fail(console, e, e.getMessage(), BAD_USAGE);
        } catch (InsufficientMemoryException e) {
            // The library names its own knob.
            code = fail(console, e, String.valueOf(e.getMessage()).replace("memoryBudget", "--memory"), BAD_USAGE);
        } catch (BackendUnavailableException e) {
            code = fail(console, e, e.getMessage() + "\nwhat to do: nullspace doctor", FAILED);
        } catch (UncheckedIOException e) {
            code = fail(console, e, e.getMessage(), FAILED);
        } catch (OutOfMemoryError e) {
            code = fail(console, e, "out of memory: " + e.getMessage() + "; give Java more with -Xmx", BAD_USAGE);
        } catch (RuntimeException | LinkageError | StackOverflowError e) {
            boolean known = e.getClass().getName().startsWith("org.nullspace.error.");
            code = fail(console, e, known ? e.getMessage() : "internal error: " + e, FAILED);
        }
        if (!console.flushed() && code == DONE) {
            console.note("nullspace: writing to standard output failed");
            code = FAILED;
        }
        return code;
    }

    private static int fail(Console console, Throwable failure, @Nullable String message, int code) {
        console.note("nullspace: " + (message == null ? failure.toString() : message));
        if (System.getenv("NULLSPACE_STACKTRACE") != null) {
            failure.printStackTrace();
        }
        return code;
    }

    private static String suggestion(UnmatchedArgumentException e) {
        List<String> near = e.getSuggestions();
        return near.isEmpty() ? "" : "; did you mean " + String.join(" or ", near) + "?";
    }

    private static int dispatch(ParseResult result, Console console) {
        ParseResult deepest = result;
        while (deepest.hasSubcommand()) {
            deepest = deepest.subcommand();
        }
        CommandLine command = deepest.commandSpec().commandLine();
        if (deepest.isUsageHelpRequested()) {
            command.usage(console.out(), Ansi.OFF);
            return DONE;
        }
        if (deepest.isVersionHelpRequested()) {
            console.line("nullspace " + version());
            return DONE;
        }
        return switch (deepest.commandSpec().name()) {
            case SolveCommand.NAME -> SolveCommand.run(deepest, console);
            case DemoCommand.NAME -> DemoCommand.run(deepest, console);
            case MeatsCommand.NAME -> MeatsCommand.run(deepest, console);
            case DoctorCommand.NAME -> DoctorCommand.run(deepest, console);
            default -> throw new ParameterException(command, "a command is needed: solve, demo, meats or doctor");
        };
    }

    private static CommandLine commandLine() {
        CommandSpec spec = command(
                "nullspace",
                "Every solution of an overparameterized regression.",
                "Exit codes: 0 done, 1 failed, 2 bad usage or bad input.");
        CommandLine main = new CommandLine(spec);
        for (CommandSpec sub :
                List.of(SolveCommand.spec(), DemoCommand.spec(), MeatsCommand.spec(), DoctorCommand.spec())) {
            main.addSubcommand(sub.name(), new CommandLine(sub));
        }
        return main;
    }

    /** A command with the options that all commands have. */
    static CommandSpec command(String name, String description, String footer) {
        CommandSpec spec = CommandSpec.create().name(name);
        spec.usageMessage()
                .description(description)
                .footer(footer)
                .sortOptions(false)
                .abbreviateSynopsis(false)
                .width(100);
        spec.addOption(OptionSpec.builder("-h", "--help")
                .usageHelp(true)
                .description("Show this help and exit.")
                .order(1000)
                .build());
        spec.addOption(OptionSpec.builder("-V", "--version")
                .versionHelp(true)
                .description("Show the version and exit.")
                .order(1001)
                .build());
        return spec;
    }

    /** The version of the program. */
    static String version() {
        try (InputStream in = Main.class.getResourceAsStream("/org/nullspace/version.properties")) {
            Properties properties = new Properties();
            if (in != null) {
                properties.load(in);
            }
            return properties.getProperty("version", "of unknown version");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
