package org.nullspace.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.nullspace.Nullspace;
import org.nullspace.features.FittedTransformer;
import org.nullspace.features.Holdout;
import org.nullspace.features.Pipeline;
import org.nullspace.features.PolynomialFeatures;
import org.nullspace.features.Standardizer;
import org.nullspace.features.Transformer;
import org.nullspace.io.AtomicOutput;
import org.nullspace.io.CsvTable;
import org.nullspace.io.NpyWriter;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.model.InterceptRule;
import org.nullspace.model.RankDecision;
import org.nullspace.model.SolutionSet;
import org.nullspace.model.SolveOptions;
import org.nullspace.plot.Curve;
import org.nullspace.plot.Pictures;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/**
 * {@code nullspace meats}: the main job on the bundled data. The fat content of meat is predicted from all products of two of 100
 * near-infrared channels; what the minimum-norm solution, other members of the solution set, ridge solutions and plain least squares on the
 * channels are worth on held-out samples is printed side by side.
 */
final class MeatsCommand {
    static final String NAME = "meats";

    private static final String DATA = "/org/nullspace/data/meats.csv";
    private static final double HELD_OUT = 0.2;
    private static final int MEMBERS = 3;
    /** Distance of the random members from the minimum-norm solution, in units of its norm. */
    private static final int MEMBER_DISTANCE = 10;

    private static final double[] PENALTIES = {1e-8, 1e-6, 1e-4, 1e-2, 1, 100};

    private static final SolveOptions OPTIONS = SolveOptions.builder()
            .intercept(InterceptRule.UNPENALISED)
            .spectrum(true)
            .build();

    private final Console console;
    private final Stages stages;
    private final Matrix channels;
    private final Matrix fat;
    private final List<String> channelNames;

    private MeatsCommand(Console console, Stages stages, Matrix channels, Matrix fat, List<String> channelNames) {
        this.console = console;
        this.stages = stages;
        this.channels = channels;
        this.fat = fat;
        this.channelNames = channelNames;
    }

    static CommandSpec spec() {
        CommandSpec spec = Main.command(
                NAME,
                "The main job on the bundled data: predict the fat content of meat from all products of two of 100"
                        + " near-infrared channels, and compare members of the solution set on held-out samples."
                        + " Runs when no command is given.",
                "Data: recorded on a Tecator Infratec Food and Feed Analyzer; public domain, see the licence note in the jar.");
        spec.addOption(SolveArguments.value(
                "--out",
                "DIR",
                Path.class,
                "Write weights, singular values, summary and pictures there; default nullspace-meats, target/meats in the"
                        + " project."));
        spec.addOption(SolveArguments.value(
                "--seed", "N", String.class, "Seed of the split into training and held-out samples; default 0."));
        spec.addOption(SolveArguments.value(
                "--splits", "N", String.class, "Number of splits for the medians; 0 for none; default 20."));
        return spec;
    }

    static int run(ParseResult result, Console console) {
        Path directory = result.matchedOptionValue("--out", DemoCommand.defaultDirectory(NAME));
        long seed = SolveArguments.whole(result, "--seed", 0, Long.MIN_VALUE, Long.MAX_VALUE);
        int splits = (int) SolveArguments.whole(result, "--splits", 20, 0, 10_000);
        try (Stages stages = new Stages(console);
                MemoryScope scope = MemoryScope.open();
                AtomicOutput output = AtomicOutput.in(directory)) {
            CsvTable table = load(scope);
            Matrix fat = table.targets().columns(0, 1);
            new MeatsCommand(console, stages, table.features(), fat, table.featureNames())
                    .run(scope, output, seed, splits);
            output.commit();
            console.line();
            console.line("Written: " + SolveCommand.paths(output.files()));
            return Main.DONE;
        }
    }

    /** The table; the other two responses are read as targets, so that they are no features. */
    private static CsvTable load(MemoryScope scope) {
        URL resource = MeatsCommand.class.getResource(DATA);
        if (resource == null) {
            throw new IllegalStateException("the data set " + DATA + " is missing from the program");
        }
        List<String> targets = List.of("fat", "water", "protein");
        try {
            URI uri = resource.toURI();
            if (uri.getScheme().equals("jar")) {
                try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of())) {
                    return CsvTable.read(scope, jar.getPath(DATA), targets);
                }
            }
            return CsvTable.read(scope, Path.of(uri), targets);
        } catch (URISyntaxException e) {
            throw new IllegalStateException("the data set " + resource + " cannot be opened", e);
        } catch (IOException e) {
            throw new UncheckedIOException(resource + ": reading failed: " + e.getMessage(), e);
        }
    }

    private static Transformer products() {
        return Pipeline.of(new PolynomialFeatures(2), new Standardizer());
    }

    // ---- one split
    // ---------------------------------------------------------------------------------------------------------------

    /** A model with its errors, as a row of the table. */
    private record Model(String name, double training, double heldOut, double norm) {}

    /** One split with its features. */
    private record Split(Matrix x, Matrix y, Matrix xHeldOut, Matrix yHeldOut, FittedTransformer features) {}

    private Split split(MemoryScope scope, long seed, Transformer transformer) {
        Holdout.Split rows = new Holdout(HELD_OUT, seed).split(channels.rows());
        Matrix training = rows.training(scope, channels);
        FittedTransformer fitted = transformer.fit(training);
        return new Split(
                fitted.apply(scope, training),
                rows.training(scope, fat),
                fitted.apply(scope, rows.heldOut(scope, channels)),
                rows.heldOut(scope, fat),
                fitted);
    }

    private static Model model(String name, SolutionSet set, Matrix w, Split s) {
        try (Matrix training = set.predict(s.x, w);
                Matrix heldOut = set.predict(s.xHeldOut, w)) {
            return new Model(
                    name,
                    Errors.of(training, s.y).rmse()[0],
                    Errors.of(heldOut, s.yHeldOut).rmse()[0],
                    Errors.columnNorms(w)[0]);
        }
    }

    private Model leastSquares(long seed) {
        try (MemoryScope scope = MemoryScope.open()) {
            Split s = split(scope, seed, new Standardizer());
            try (SolutionSet set = Nullspace.solve(s.x, s.y, OPTIONS)) {
                return model("least squares on the " + channels.columns() + " channels", set, set.minimumNorm(), s);
            }
        }
    }

    private static Matrix member(SolutionSet set, int index) {
        double radius = MEMBER_DISTANCE * Errors.columnNorms(set.minimumNorm())[0];
        return set.random(index, radius);
    }

    /** All models on one split, in the order of the table. */
    private List<Model> models(long seed, SolutionSet set, Split s) {
        List<Model> out = new ArrayList<>();
        out.add(leastSquares(seed));
        out.add(model("minimum norm", set, set.minimumNorm(), s));
        for (int m = 1; m <= MEMBERS; m++) {
            try (Matrix w = member(set, m)) {
                out.add(model("random member " + m, set, w, s));
            }
        }
        for (double penalty : PENALTIES) {
            try (Matrix w = set.ridge(penalty)) {
                out.add(model(
                        "ridge, λ = "
                                + String.format(Locale.ROOT, "%.0e", penalty)
                                        .replaceFirst("e([+-])0", "e$1")
                                        .replace("e+", "e"),
                        set,
                        w,
                        s));
            }
        }
        return out;
    }

    // ---- the job
    // -----------------------------------------------------------------------------------------------------------------

    private void run(MemoryScope scope, AtomicOutput output, long seed, int splits) {
        stages.begin("solving");
        Split s = split(scope, seed, products());
        long start = System.nanoTime();
        try (SolutionSet set = Nullspace.solve(s.x, s.y, OPTIONS)) {
            double[] sigma = set.singularValues();
            RankDecision rank = set.rankDecision();
            double seconds = (System.nanoTime() - start) * 1e-9;
            List<Model> models = models(seed, set, s);
            stages.end();
            describe(set, s, rank, seed, seconds);
            double[] medians = splits == 0 ? new double[0] : medians(splits);
            printTable(models, medians, splits);
            write(output, set, s, models, sigma, rank, seed, seconds);
            draw(output, set, s, models, sigma, rank);
        }
    }

    private void describe(SolutionSet set, Split s, RankDecision rank, long seed, double seconds) {
        console.line("Fat content of meat (percent) from its near-infrared spectrum: Tecator Infratec data, "
                + channels.rows() + " samples, " + channels.columns() + " channels");
        console.line();
        List<List<String>> rows = List.of(
                List.of(
                        "features",
                        set.features() + ": the channels and all their products of two, standardized; intercept not"
                                + " penalised"),
                List.of(
                        "samples",
                        s.x.rows() + " for training, " + s.xHeldOut.rows() + " held out (seed " + seed + ")"),
                List.of(
                        "rank",
                        rank.rank() + " of " + set.singularValues().length + ", nullity " + set.nullity()
                                + ": only " + distinctRows(s.x) + " training samples are distinct, and centring takes"
                                + " one"),
                List.of(
                        "cut-off",
                        Text.number(rank.cutoff()) + " (" + rank.policy() + "), gap " + Text.number(rank.gap())
                                + ", condition " + Text.number(set.condition())),
                List.of("method", set.method() + " on " + set.backend() + ", " + Text.number(seconds) + " s"));
        for (List<String> row : rows) {
            console.line(String.format(Locale.ROOT, "  %-9s %s", row.get(0), row.get(1)));
        }
        console.line();
    }

    private static int distinctRows(Matrix x) {
        TreeSet<double[]> rows = new TreeSet<>(Arrays::compare);
        for (double[] row : x.toArray()) {
            rows.add(row);
        }
        return rows.size();
    }

    /** For each model the median of its held-out error over splits with seeds 0, 1, …. */
    private double[] medians(int splits) {
        stages.begin("repeating the comparison on " + Text.count(splits, "split"));
        double[][] errors = new double[2 + MEMBERS + PENALTIES.length][splits];
        for (int i = 0; i < splits; i++) {
            try (MemoryScope scope = MemoryScope.open()) {
                Split s = split(scope, i, products());
                try (SolutionSet set = Nullspace.solve(s.x, s.y, OPTIONS)) {
                    List<Model> models = models(i, set, s);
                    for (int m = 0; m < models.size(); m++) {
                        errors[m][i] = models.get(m).heldOut;
                    }
                }
            }
        }
        stages.end();
        return Arrays.stream(errors).mapToDouble(MeatsCommand::median).toArray();
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    private void printTable(List<Model> models, double[] medians, int splits) {
        List<List<String>> rows = new ArrayList<>();
        boolean withMedians = medians.length > 0;
        rows.add(row(
                withMedians, "RMSE, percent fat", "training", "held out", "median of " + splits, "norm of weights"));
        for (int m = 0; m < models.size(); m++) {
            Model model = models.get(m);
            rows.add(row(
                    withMedians,
                    model.name,
                    Text.number(model.training, 2),
                    Text.number(model.heldOut),
                    withMedians ? Text.number(medians[m]) : "",
                    Text.number(model.norm)));
        }
        for (String line : Text.table(rows)) {
            console.line("  " + line);
        }
        console.line();
        console.line("  Random members lie " + MEMBER_DISTANCE
                + " ‖w₀‖ from the minimum-norm solution w₀: on the training samples they"
                + " predict the same, on others they do not.");
        if (withMedians) {
            console.line("  \"median of " + splits + "\": median held-out error over " + splits + " splits, seeds 0 to "
                    + (splits - 1) + "; one split alone says little.");
        }
        console.line("  Standard deviation of fat: " + Text.number(deviation(fat)) + ".");
    }

    private static List<String> row(
            boolean withMedians, String name, String training, String heldOut, String median, String norm) {
        return withMedians ? List.of(name, training, heldOut, median, norm) : List.of(name, training, heldOut, norm);
    }

    private static double deviation(Matrix column) {
        double[] v = column.columnToArray(0);
        double mean = Arrays.stream(v).average().orElse(0);
        return Math.sqrt(
                Arrays.stream(v).map(a -> (a - mean) * (a - mean)).average().orElse(0));
    }

    // ---- files
    // -------------------------------------------------------------------------------------------------------------------

    private void write(
            AtomicOutput output,
            SolutionSet set,
            Split s,
            List<Model> models,
            double[] sigma,
            RankDecision rank,
            long seed,
            double seconds) {
        SolveCommand.writeMatrix(output, "weights.npy", set.minimumNorm(), 2);
        output.write("singular_values.npy", channel -> NpyWriter.write(channel, sigma));
        output.write("intercept.npy", channel -> NpyWriter.write(channel, set.intercept()));
        List<String> names = s.features.outputNames(channelNames);
        output.write("feature_names.txt", channel -> SolveCommand.writeLines(channel, names));
        Map<String, Object> summary = Facts.summary(s.x, s.y.columns(), Facts.of(set), true, set.backend(), seconds);
        summary.put("targetNames", List.of("fat"));
        summary.put("transformation", s.features.toString());
        summary.put("seed", seed);
        summary.put("heldOutSamples", s.xHeldOut.rows());
        List<Object> table = new ArrayList<>();
        for (Model m : models) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("model", m.name);
            row.put("trainRmse", m.training);
            row.put("holdoutRmse", m.heldOut);
            row.put("norm", m.norm);
            table.add(row);
        }
        summary.put("models", table);
        byte[] json = (Json.write(summary) + "\n").getBytes(StandardCharsets.US_ASCII);
        output.write("summary.json", channel -> SolveCommand.writeFully(channel, json));
    }

    private void draw(
            AtomicOutput output, SolutionSet set, Split s, List<Model> models, double[] sigma, RankDecision rank) {
        stages.begin("drawing");
        Drawing.write(output, console, "spectrum", () -> Pictures.spectrum(sigma, rank.rank(), rank.cutoff()));
        int points = 49;
        double[] penalties = new double[points];
        double[] training = new double[points];
        double[] heldOut = new double[points];
        for (int i = 0; i < points; i++) {
            penalties[i] = Math.pow(10, -10 + 0.25 * i);
            try (Matrix w = set.ridge(penalties[i])) {
                Model m = model("", set, w, s);
                training[i] = m.training;
                heldOut[i] = m.heldOut;
            }
        }
        Model channelsOnly = models.get(0);
        Model minimumNorm = models.get(1);
        Drawing.write(
                output,
                console,
                "ridge",
                () -> Pictures.ridgePath(
                        "What the penalty buys: held-out error along the ridge path",
                        "root of the mean squared error, percent fat",
                        new Curve("held out", penalties, heldOut),
                        new Curve("training", penalties, training),
                        minimumNorm.heldOut,
                        new Pictures.Reference(channelsOnly.name, channelsOnly.heldOut)));
        double[] measured = s.yHeldOut.columnToArray(0);
        List<Curve> predictions = new ArrayList<>();
        predictions.add(predicted("minimum norm", set, set.minimumNorm(), s, measured));
        for (int m = 1; m <= MEMBERS; m++) {
            try (Matrix w = member(set, m)) {
                predictions.add(predicted("random member " + m, set, w, s, measured));
            }
        }
        Drawing.write(
                output,
                console,
                "members",
                () -> Pictures.predictions(
                        "Equal on the training samples, different on new ones",
                        measured.length + " held-out samples; random members at distance " + MEMBER_DISTANCE
                                + " times the least norm",
                        "fat, percent",
                        predictions));
        stages.end();
    }

    private static Curve predicted(String name, SolutionSet set, Matrix w, Split s, double[] measured) {
        try (Matrix p = set.predict(s.xHeldOut, w)) {
            return new Curve(name, measured, p.columnToArray(0));
        }
    }
}
