package org.nullspace.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.nullspace.error.InvalidInputException;
import org.nullspace.error.ShapeMismatchException;
import org.nullspace.matrix.Precision;

/**
 * The rule that says which singular values count as zero: the only place where a cut-off is computed. The rank is the number of
 * singular values <em>above</em> the cut-off. Immutable.
 *
 * <p>The named policies, with ε the {@linkplain Precision#epsilon() epsilon} of the precision of X and ε′ that of the arithmetic that
 * the singular values were computed in (float64 unless {@link SolveOptions#precision()} says otherwise):
 *
 * <table>
 * <caption>Cut-offs</caption>
 * <tr><th>policy</th><th>cut-off</th></tr>
 * <tr><td>{@link #standard()}</td><td>σ₁ · 8 (√min(n,d) · ε + √max(n,d) · ε′)</td></tr>
 * <tr><td>{@link #numpy()}</td><td>σ₁ · max(n,d) · ε</td></tr>
 * <tr><td>{@link #scipy()}</td><td>σ₁ · ε</td></tr>
 * <tr><td>{@link #relative(double)}</td><td>σ₁ · c</td></tr>
 * <tr><td>{@link #absolute(double)}</td><td>c</td></tr>
 * <tr><td>{@link #noise(double)}</td><td>s · (√n + √d)</td></tr>
 * <tr><td>{@link #gap()}</td><td>inside the widest relative gap of the spectrum above the rounding level</td></tr>
 * </table>
 *
 * <p><b>Why the standard policy is what it is.</b> Its first term is for the data. Storing X rounds each entry by at most ε/2 relatively, so
 * what is stored is X + E with ‖E‖₂ ≤ ‖E‖_F ≤ (ε/2)‖X‖_F ≤ (ε/2)√min(n,d) σ₁. Weyl's inequality moves no singular value by more than that,
 * however long the long side is; a factor 16 is kept in reserve. A cut-off proportional to max(n,d)·ε calls a 64×200,000 float32 matrix
 * with condition number 10³ rank deficient and destroys its fit.
 *
 * <p>Its second term is for the arithmetic: the inner products of a factorization run along the long side. Their rounding errors grow with
 * the square root of its length where they are independent, and faster where they all have one sign, as with constant columns. Measured
 * with OpenBLAS's kernels for four generations of processors on exactly deficient matrices, the noise of the singular values was at most
 * 2 ε′σ₁ for entries of random sign, at any length up to 10⁶; for constant columns it was up to 45 ε′σ₁ at length 200, 135 at 1,000, 940
 * at 10⁵ and 2,500 at 10⁶, always less than half of this cut-off. Bounds: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
 * §3.1, §4.2, §19–20; Higham and Mary, SIAM J. Sci. Comput. 41 (2019); Golub and Van Loan, Matrix Computations, 4th ed., §5.4.1, §8.6.1.
 */
public final class RankTolerance {
    /** Kinds of rules. */
    private enum Kind {
        STANDARD,
        NUMPY,
        SCIPY,
        RELATIVE,
        ABSOLUTE,
        NOISE,
        GAP
    }

    private static final RankTolerance STANDARD = new RankTolerance(Kind.STANDARD, 0);
    private static final RankTolerance NUMPY = new RankTolerance(Kind.NUMPY, 0);
    private static final RankTolerance SCIPY = new RankTolerance(Kind.SCIPY, 0);
    private static final RankTolerance GAP = new RankTolerance(Kind.GAP, 0);

    private final Kind kind;
    private final double parameter;
    private final String name;

    private RankTolerance(Kind kind, double parameter) {
        this.kind = kind;
        this.parameter = parameter;
        String lower = kind.name().toLowerCase(Locale.ROOT);
        this.name = switch (kind) {
            case RELATIVE, ABSOLUTE, NOISE -> lower + "(" + parameter + ")";
            default -> lower;
        };
    }

    /**
     * σ₁ · 8 (√min(n,d) · ε + √max(n,d) · ε′): 16 times the bound on what rounding the entries of X can do to its singular values, and a
     * multiple of what rounding in the factorization does. For float64 this is σ₁ · 8 (√n + √d) · ε.
     *
     * @return the default policy
     */
    public static RankTolerance standard() {
        return STANDARD;
    }

    /**
     * σ₁ · max(n,d) · ε, as {@code numpy.linalg.matrix_rank} and {@code numpy.linalg.lstsq} have it (the latter always with the ε of
     * float64). Too large for float32 with a long side of more than some ten thousand.
     *
     * @return NumPy's policy
     */
    public static RankTolerance numpy() {
        return NUMPY;
    }

    /**
     * σ₁ · ε, as {@code scipy.linalg.lstsq} has it. Often below the rounding level: rank-deficient matrices come out with too high a
     * rank.
     *
     * @return SciPy's policy
     */
    public static RankTolerance scipy() {
        return SCIPY;
    }

    /**
     * σ₁ · ratio.
     *
     * @param ratio cut-off relative to the largest singular value, in [0, 1)
     * @return a policy
     * @throws InvalidInputException if the ratio is outside [0, 1) or NaN
     */
    public static RankTolerance relative(double ratio) {
        if (!(ratio >= 0 && ratio < 1)) {
            throw new InvalidInputException("relative rank tolerance " + ratio + " is not in [0, 1)");
        }
        return new RankTolerance(Kind.RELATIVE, ratio);
    }

    /**
     * A fixed cut-off.
     *
     * @param cutoff cut-off in the unit of X, finite and at least 0
     * @return a policy
     * @throws InvalidInputException if the cut-off is negative, infinite or NaN
     */
    public static RankTolerance absolute(double cutoff) {
        requireNonNegative("absolute rank tolerance", cutoff);
        return new RankTolerance(Kind.ABSOLUTE, cutoff);
    }

    /**
     * s · (√n + √d): the expected largest singular value of an n×d matrix of independent normal errors with standard deviation s is at
     * most that, so what lies below cannot be told from measurement noise. Davidson and Szarek, "Local operator theory, random matrices and
     * Banach spaces" (2001), theorem II.13.
     *
     * @param standardDeviation s, standard deviation of the error of one entry, in the unit of X, finite and at least 0
     * @return a policy
     * @throws InvalidInputException if the standard deviation is negative, infinite or NaN
     */
    public static RankTolerance noise(double standardDeviation) {
        requireNonNegative("noise level", standardDeviation);
        return new RankTolerance(Kind.NOISE, standardDeviation);
    }

    /**
     * The widest relative gap σ_i/σ_{i+1} of the spectrum, where everything at or below the standard cut-off counts as that cut-off; the
     * higher rank if two gaps are equal. The cut-off is the geometric mean of the two ends.
     *
     * @return the policy of the largest gap
     */
    public static RankTolerance gap() {
        return GAP;
    }

    /**
     * The policies without a parameter, by name: {@code standard}, {@code numpy}, {@code scipy}, {@code gap}.
     *
     * @return a new list
     */
    public static List<RankTolerance> named() {
        return List.of(STANDARD, NUMPY, SCIPY, GAP);
    }

    private static void requireSpectrum(double[] sigma, long rows, long columns) {
        InvalidInputException.requireNonNull("the array of singular values", sigma);
        if (sigma.length != Math.min(rows, columns)) {
            throw new ShapeMismatchException(sigma.length + " singular values for X of shape " + rows + "×" + columns
                    + ": there must be " + Math.min(rows, columns));
        }
        for (int i = 0; i < sigma.length; i++) {
            if (!(sigma[i] >= 0)) {
                throw new InvalidInputException(
                        "singular value " + i + " is " + sigma[i] + ": they are numbers of at least 0");
            }
            if (i > 0 && sigma[i] > sigma[i - 1]) {
                throw new InvalidInputException("singular value " + i + " (" + sigma[i]
                        + ") is larger than the one before (" + sigma[i - 1] + "): they must be in descending order");
            }
        }
    }

    private static void requireNonNegative(String what, double value) {
        if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
            throw new InvalidInputException(what + " " + value + " is not a finite number of at least 0");
        }
    }

    /**
     * Name of the policy, with its parameter if it has one.
     *
     * @return for example {@code standard} or {@code relative(1.0E-10)}
     */
    public String name() {
        return name;
    }

    /**
     * Decides the rank from singular values that were computed in float64.
     *
     * @param singularValues all min(n,d) singular values in descending order; not changed
     * @param rows n
     * @param columns d
     * @param precision precision of X
     * @return the decision, with the ranks under the other named policies
     * @throws ShapeMismatchException if there are not min(n,d) singular values
     * @throws InvalidInputException if they are not in descending order, or one is negative or NaN
     */
    public RankDecision decide(double[] singularValues, long rows, long columns, Precision precision) {
        return decide(singularValues, rows, columns, precision, Precision.FLOAT64);
    }

    /**
     * Decides the rank.
     *
     * @param singularValues all min(n,d) singular values in descending order; not changed
     * @param rows n
     * @param columns d
     * @param precision precision of X
     * @param arithmetic precision of the arithmetic that the singular values were computed in
     * @return the decision, with the ranks under the other named policies
     * @throws ShapeMismatchException if there are not min(n,d) singular values
     * @throws InvalidInputException if they are not in descending order, or one is negative or NaN
     */
    public RankDecision decide(
            double[] singularValues, long rows, long columns, Precision precision, Precision arithmetic) {
        requireSpectrum(singularValues, rows, columns);
        double cutoff = cutoff(singularValues, rows, columns, precision, arithmetic);
        int rank = count(singularValues, cutoff);
        Map<String, Integer> others = new LinkedHashMap<>();
        for (RankTolerance other : named()) {
            if (other.kind != kind) {
                others.put(
                        other.name(),
                        count(singularValues, other.cutoff(singularValues, rows, columns, precision, arithmetic)));
            }
        }
        return new RankDecision(
                rank,
                name(),
                cutoff,
                singularValues.length == 0 ? 0 : singularValues[0],
                rank == 0 ? 0 : singularValues[rank - 1],
                rank == singularValues.length ? 0 : singularValues[rank],
                others);
    }

    /**
     * The rank alone, as {@link #decide(double[], long, long, Precision)} has it: for those who ask it of many problems.
     *
     * @param singularValues all min(n,d) singular values in descending order; not changed
     * @param rows n
     * @param columns d
     * @param precision precision of X
     * @return number of singular values above the cut-off
     * @throws ShapeMismatchException if there are not min(n,d) singular values
     * @throws InvalidInputException if they are not in descending order, or one is negative or NaN
     */
    public int rank(double[] singularValues, long rows, long columns, Precision precision) {
        requireSpectrum(singularValues, rows, columns);
        return count(singularValues, cutoff(singularValues, rows, columns, precision, Precision.FLOAT64));
    }

    /**
     * Whether bounds on the extreme singular values, from float64 arithmetic, alone prove that all min(n,d) of them lie above the cut-off,
     * with a factor 2 to spare. Never true for {@link #gap()}, which needs the whole spectrum.
     *
     * @param sigmaMaxUpper an upper bound on σ₁
     * @param sigmaMinLower a lower bound on the smallest singular value
     * @param rows n
     * @param columns d
     * @param precision precision of X
     * @return true only if the rank is min(n,d) for certain
     */
    public boolean certifiesFullRank(
            double sigmaMaxUpper, double sigmaMinLower, long rows, long columns, Precision precision) {
        return kind != Kind.GAP
                && 2 * fixedCutoff(sigmaMaxUpper, rows, columns, precision, Precision.FLOAT64) < sigmaMinLower;
    }

    private double cutoff(double[] sigma, long rows, long columns, Precision precision, Precision arithmetic) {
        double largest = sigma.length == 0 ? 0 : sigma[0];
        return kind == Kind.GAP
                ? gapCutoff(sigma, STANDARD.fixedCutoff(largest, rows, columns, precision, arithmetic))
                : fixedCutoff(largest, rows, columns, precision, arithmetic);
    }

    private double fixedCutoff(double sigmaMax, long rows, long columns, Precision precision, Precision arithmetic) {
        double eps = precision.epsilon();
        return switch (kind) {
            case STANDARD, GAP ->
                sigmaMax
                        * (8
                                * (Math.sqrt((double) Math.min(rows, columns)) * eps
                                        + Math.sqrt((double) Math.max(rows, columns)) * arithmetic.epsilon()));
            case NUMPY -> sigmaMax * ((double) Math.max(rows, columns) * eps);
            case SCIPY -> sigmaMax * eps;
            case RELATIVE -> sigmaMax * parameter;
            case ABSOLUTE -> parameter;
            case NOISE -> parameter * (Math.sqrt((double) rows) + Math.sqrt((double) columns));
        };
    }

    private static double gapCutoff(double[] sigma, double floor) {
        double widest = 0;
        double cutoff = floor;
        for (int i = 0; i < sigma.length && sigma[i] > floor; i++) {
            double next = i + 1 < sigma.length ? Math.max(sigma[i + 1], floor) : floor;
            if (sigma[i] / next >= widest) {
                widest = sigma[i] / next;
                cutoff = Math.sqrt(sigma[i]) * Math.sqrt(next);
            }
        }
        return cutoff;
    }

    private static int count(double[] sigma, double cutoff) {
        int rank = 0;
        while (rank < sigma.length && sigma[rank] > cutoff) {
            rank++;
        }
        return rank;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RankTolerance that && that.kind == kind && that.parameter == parameter;
    }

    @Override
    public int hashCode() {
        return 31 * kind.hashCode() + Double.hashCode(parameter);
    }

    @Override
    public String toString() {
        return name();
    }
}
