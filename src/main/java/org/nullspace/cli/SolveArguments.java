package org.nullspace.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;
import org.nullspace.features.Holdout;
import org.nullspace.features.PolynomialFeatures;
import org.nullspace.features.RandomFeatures;
import org.nullspace.features.Standardizer;
import org.nullspace.features.Transformer;
import org.nullspace.model.BackendChoice;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.Method;
import org.nullspace.model.RankTolerance;
import org.nullspace.model.SolveOptions;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * What {@code nullspace solve} was asked to do, checked.
 *
 * @param csv the table, or null if there are two arrays
 * @param targets names of the target columns of the table
 * @param group column of the table that says which regression a row belongs to, or null
 * @param x file of X, or null if there is a table
 * @param y file of Y, or null if there is a table
 * @param options how to solve
 * @param transformers what makes the features, in the order of their application
 * @param holdout which rows are held out, or null
 * @param json whether the summary is printed as JSON
 * @param out where the files go, or null
 * @param nullSpace whether a basis of the null space is written
 */
record SolveArguments(
        @Nullable Path csv,
        List<String> targets,
        @Nullable String group,
        @Nullable Path x,
        @Nullable Path y,
        SolveOptions options,
        List<Transformer> transformers,
        @Nullable Holdout holdout,
        boolean json,
        @Nullable Path out,
        boolean nullSpace) {

    private static final String TARGET = "--target";
    private static final String GROUP = "--group";
    private static final String X = "--x";
    private static final String Y = "--y";
    private static final String RCOND = "--rcond";
    private static final String METHOD = "--method";
    private static final String DEVICE = "--device";
    private static final String INTERCEPT = "--intercept";
    private static final String JSON = "--json";
    private static final String OUT = "--out";
    private static final String NULL_SPACE = "--null-space";
    private static final String POLYNOMIAL = "--polynomial";
    private static final String RANDOM_FEATURES = "--random-features";
    private static final String STANDARDIZE = "--standardize";
    private static final String HOLDOUT = "--holdout";
    private static final String SEED = "--seed";
    private static final String MEMORY = "--memory";

    /** Adds the options to a command. */
    static void declare(CommandSpec spec) {
        spec.addPositional(PositionalParamSpec.builder()
                .paramLabel("DATA.csv")
                .type(Path.class)
                .arity("0..1")
                .index("0")
                .description("Table with a header row; every numeric column that is not a target is a feature.")
                .build());
        spec.addOption(OptionSpec.builder(TARGET)
                .paramLabel("NAME")
                .type(List.class)
                .auxiliaryTypes(String.class)
                .arity("1")
                .splitRegex(",")
                .splitRegexSynopsisLabel(",")
                .description("Target columns of the table.")
                .build());
        spec.addOption(value(
                GROUP,
                "COLUMN",
                String.class,
                "One regression for each text in that column of the table, whose rows may be in any order."));
        spec.addOption(value(
                X,
                "X.npy",
                Path.class,
                "X: n by d, or B by n by d (a batch); float32 or float64, C or Fortran order."));
        spec.addOption(value(Y, "Y.npy", Path.class, "Y: n, n by k, or B by n by k."));
        spec.addOption(value(
                RCOND, "R", String.class, "Singular values up to R times the largest count as zero, 0 <= R < 1."));
        spec.addOption(value(METHOD, "M", String.class, "How X is factorized: auto, gesvd, qr_svd or gram."));
        spec.addOption(value(
                DEVICE,
                "auto|cpu|cuda",
                String.class,
                "Where to compute; cuda:1 is the second GPU, cuda:all spreads a batch over all."));
        spec.addOption(value(
                MEMORY,
                "BYTES",
                String.class,
                "Memory that the tiles of a batch may take, like 512M or 2G; default a quarter of the machine's."));
        spec.addOption(flag(INTERCEPT, "Add a constant term, which does not count in the norm."));
        spec.addOption(flag(JSON, "Print the summary as one JSON object."));
        spec.addOption(
                value(
                        OUT,
                        "DIR",
                        Path.class,
                        "Write weights.npy, singular_values.npy and summary.json there; intercept.npy with --intercept,"
                                + " feature_names.txt where features have names, problems.csv for a batch, groups.csv for groups."));
        spec.addOption(flag(
                NULL_SPACE,
                "Write null_space.npy too, an orthonormal basis, d by d-r; of a batch side by side. Needs --out."));
        spec.addOption(value(
                POLYNOMIAL, "DEGREE", String.class, "Make all products of up to DEGREE features. Applied first."));
        spec.addOption(
                flag(STANDARDIZE, "Give every feature mean 0 and variance 1 on the training rows. Applied second."));
        spec.addOption(value(
                RANDOM_FEATURES,
                "COUNT",
                String.class,
                "Replace the features by COUNT random Fourier features. Applied last."));
        spec.addOption(value(
                HOLDOUT,
                "FRACTION",
                String.class,
                "Hold out that share of the rows, chosen at random, and report the error on them."));
        spec.addOption(value(SEED, "N", String.class, "Seed for --holdout and --random-features; default 0."));
    }

    static OptionSpec value(String name, String label, Class<?> type, String description) {
        return OptionSpec.builder(name)
                .paramLabel(label)
                .type(type)
                .arity("1")
                .description(description)
                .build();
    }

    static OptionSpec flag(String name, String description) {
        return OptionSpec.builder(name)
                .type(boolean.class)
                .arity("0")
                .description(description)
                .build();
    }

    /** Reads and checks the arguments. */
    static SolveArguments of(ParseResult result) {
        Path csv = result.matchedPositionalValue(0, (Path) null);
        List<String> targets = result.matchedOptionValue(TARGET, List.<String>of()).stream()
                .map(String::strip)
                .toList();
        Path x = result.matchedOptionValue(X, (Path) null);
        Path y = result.matchedOptionValue(Y, (Path) null);
        if (csv != null) {
            forbid(result, x != null || y != null, "DATA.csv cannot be combined with --x or --y");
            forbid(result, targets.isEmpty(), "DATA.csv needs --target NAME, the column to predict");
            forbid(result, targets.contains(""), "--target holds an empty name");
        } else {
            forbid(
                    result,
                    !targets.isEmpty() && (x != null || y != null),
                    "--target names columns of a DATA.csv; Y comes from --y here");
            forbid(result, !targets.isEmpty(), "--target needs a DATA.csv");
            forbid(result, x == null && y == null, "DATA.csv with --target, or --x and --y, are needed");
            forbid(result, x == null, "--y needs --x");
            forbid(result, y == null, "--x needs --y");
        }
        String group = result.hasMatchedOption(GROUP) ? text(result, GROUP) : null;
        if (group != null) {
            forbid(result, csv == null, "--group names a column of a DATA.csv; a batch of arrays has three dimensions");
            forbid(result, group.isEmpty(), "--group holds an empty name");
            forbid(result, targets.contains(group), "\"" + group + "\" cannot be both --target and --group");
            forbid(result, result.hasMatchedOption(HOLDOUT), "--holdout cannot be combined with --group");
            forbid(result, result.hasMatchedOption(NULL_SPACE), "--null-space cannot be combined with --group");
        }
        forbid(
                result,
                csv != null && group == null && result.hasMatchedOption(MEMORY),
                "--memory limits the tiles of a batch: a table needs --group with it");
        Path out = result.matchedOptionValue(OUT, (Path) null);
        boolean nullSpace = result.hasMatchedOption(NULL_SPACE);
        forbid(result, nullSpace && out == null, "--null-space needs --out DIR, where the basis is written");
        boolean random = result.hasMatchedOption(RANDOM_FEATURES);
        boolean held = result.hasMatchedOption(HOLDOUT);
        forbid(
                result,
                result.hasMatchedOption(SEED) && !random && !held,
                "--seed has no effect without --holdout or --random-features");
        long seed = whole(result, SEED, 0, Long.MIN_VALUE, Long.MAX_VALUE);
        try {
            List<Transformer> transformers = new ArrayList<>();
            if (result.hasMatchedOption(POLYNOMIAL)) {
                transformers.add(new PolynomialFeatures((int) whole(result, POLYNOMIAL, 1, 1, 64)));
            }
            if (result.hasMatchedOption(STANDARDIZE)) {
                transformers.add(new Standardizer());
            }
            if (random) {
                transformers.add(
                        new RandomFeatures((int) whole(result, RANDOM_FEATURES, 1, 1, Integer.MAX_VALUE), seed));
            }
            Holdout holdout = null;
            if (held) {
                double fraction = real(result, HOLDOUT);
                forbid(
                        result,
                        !(fraction > 0 && fraction < 1),
                        "--holdout " + text(result, HOLDOUT) + " is not between 0 and 1, both excluded");
                holdout = new Holdout(fraction, seed);
            }
            return new SolveArguments(
                    csv,
                    targets,
                    group,
                    x,
                    y,
                    solveOptions(result),
                    List.copyOf(transformers),
                    holdout,
                    result.hasMatchedOption(JSON),
                    out,
                    nullSpace);
        } catch (InvalidInputException e) {
            throw new ParameterException(result.commandSpec().commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private static SolveOptions solveOptions(ParseResult result) {
        // The summary has the whole spectrum, so it is asked for at once where it does not slow down the rest.
        SolveOptions.Builder options = SolveOptions.builder().spectrum(true);
        if (result.hasMatchedOption(RCOND)) {
            double rcond = real(result, RCOND);
            forbid(
                    result,
                    !(rcond >= 0 && rcond < 1),
                    "--rcond " + text(result, RCOND) + " is not in the range 0 <= R < 1");
            options.rankTolerance(RankTolerance.relative(rcond));
        }
        if (result.hasMatchedOption(METHOD)) {
            options.method(method(result));
        }
        String device = text(result, DEVICE).toLowerCase(Locale.ROOT);
        switch (device) {
            case "", "auto" -> options.backend(BackendChoice.AUTO);
            case "cpu" -> options.backend(BackendChoice.CPU);
            case "cuda" -> options.backend(BackendChoice.CUDA);
            case "cuda:all" -> options.backend(BackendChoice.CUDA).allDevices();
            default -> {
                forbid(
                        result,
                        !device.matches("cuda:\\d{1,4}"),
                        "--device " + text(result, DEVICE) + " is none of auto, cpu, cuda, cuda:N, cuda:all");
                options.backend(BackendChoice.CUDA).device(Integer.parseInt(device.substring(5)));
            }
        }
        if (result.hasMatchedOption(MEMORY)) {
            options.memoryBudget(bytes(result));
        }
        options.intercept(result.hasMatchedOption(INTERCEPT) ? InterceptRule.UNPENALISED : InterceptRule.NONE);
        return options.build();
    }

    private static Method method(ParseResult result) {
        String wanted = text(result, METHOD).replace('-', '_').toUpperCase(Locale.ROOT);
        List<String> names = new ArrayList<>();
        for (Method m : Method.values()) {
            if (m.name().equals(wanted)) {
                return m;
            }
            names.add(m.name().toLowerCase(Locale.ROOT));
        }
        throw usage(result, "--method " + text(result, METHOD) + " is none of " + String.join(", ", names));
    }

    /** A number of bytes, as Java's own options have them: 1048576, 1024K, 1M. */
    private static long bytes(ParseResult result) {
        String text = text(result, MEMORY);
        if (!text.matches("\\d{1,15}[kKmMgGtT]?")) {
            throw usage(result, MEMORY + " " + text + " is not a number of bytes like 1000000, 512M or 2G");
        }
        int unit = "kmgt".indexOf(Character.toLowerCase(text.charAt(text.length() - 1)));
        double count = Double.parseDouble(unit < 0 ? text : text.substring(0, text.length() - 1));
        double bytes = Math.scalb(count, 10 * (unit + 1));
        forbid(result, bytes < 1 || bytes > 0x1p62, MEMORY + " " + text + " is not between 1 byte and 2^62");
        return (long) bytes;
    }

    private static String text(ParseResult result, String option) {
        return result.matchedOptionValue(option, "").strip();
    }

    private static double real(ParseResult result, String option) {
        String text = text(result, option);
        if (text.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?")) {
            return Double.parseDouble(text);
        }
        throw usage(result, option + " " + text + " is not a number");
    }

    static long whole(ParseResult result, String option, long otherwise, long least, long most) {
        if (!result.hasMatchedOption(option)) {
            return otherwise;
        }
        String text = text(result, option);
        long value;
        try {
            value = Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw usage(result, option + " " + text + " is not a whole number of 64 bits");
        }
        forbid(result, value < least, option + " " + text + " is too small: at least " + least);
        forbid(result, value > most, option + " " + text + " is too large: at most " + most);
        return value;
    }

    private static void forbid(ParseResult result, boolean wrong, String message) {
        if (wrong) {
            throw usage(result, message);
        }
    }

    static ParameterException usage(ParseResult result, String message) {
        return new ParameterException(result.commandSpec().commandLine(), message);
    }
}
