package org.nullspace.model;

import org.jspecify.annotations.Nullable;
import org.nullspace.error.InvalidInputException;
import org.nullspace.matrix.Precision;

/** How to solve. Immutable; made with {@link #builder()}. */
public final class SolveOptions {
    private static final SolveOptions DEFAULTS = builder().build();

    private final Method method;
    private final RankTolerance rankTolerance;
    private final InterceptRule intercept;
    private final Precision precision;
    private final BackendChoice backend;
    private final int[] devices;
    private final SvdChoice svd;
    private final boolean spectrum;
    private final long memoryBudget;
    private final double @Nullable [] sampleWeights;

    private SolveOptions(Builder b) {
        this.method = b.method;
        this.rankTolerance = b.rankTolerance;
        this.intercept = b.intercept;
        this.precision = b.precision;
        this.backend = b.backend;
        this.devices = b.devices;
        this.svd = b.svd;
        this.spectrum = b.spectrum;
        this.memoryBudget = b.memoryBudget;
        this.sampleWeights = b.sampleWeights;
    }

    /**
     * Method chosen by the planner, standard rank tolerance, no intercept, float64 arithmetic, best backend, spectrum on demand, all samples
     * alike.
     *
     * @return the defaults
     */
    public static SolveOptions defaults() {
        return DEFAULTS;
    }

    /**
     * A builder that starts from the defaults.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * A builder that starts from these options.
     *
     * @return a new builder
     */
    public Builder toBuilder() {
        Builder b = new Builder();
        b.method = method;
        b.rankTolerance = rankTolerance;
        b.intercept = intercept;
        b.precision = precision;
        b.backend = backend;
        b.devices = devices;
        b.svd = svd;
        b.spectrum = spectrum;
        b.memoryBudget = memoryBudget;
        b.sampleWeights = sampleWeights;
        return b;
    }

    /**
     * How X is factorized.
     *
     * @return the method
     */
    public Method method() {
        return method;
    }

    /**
     * Which singular values count as zero.
     *
     * @return the policy
     */
    public RankTolerance rankTolerance() {
        return rankTolerance;
    }

    /**
     * What role a constant term plays.
     *
     * @return the rule
     */
    public InterceptRule intercept() {
        return intercept;
    }

    /**
     * Precision of the arithmetic inside the factorizations.
     *
     * @return the precision
     */
    public Precision precision() {
        return precision;
    }

    /**
     * How {@link Method#QR_SVD} decomposes its small factor.
     *
     * @return the choice
     */
    public SvdChoice svd() {
        return svd;
    }

    /**
     * Where to compute.
     *
     * @return the choice
     */
    public BackendChoice backend() {
        return backend;
    }

    /**
     * Index of the CUDA device that one problem is solved on.
     *
     * @return the first of {@link #devices()}; 0 if all devices were chosen
     */
    public int device() {
        return devices.length == 0 ? 0 : devices[0];
    }

    /**
     * Indices of the CUDA devices that a batch is spread over.
     *
     * @return a copy; empty if all devices were chosen
     */
    public int[] devices() {
        return devices.clone();
    }

    /**
     * Whether all singular values are computed with the factorization rather than when they are first asked for.
     *
     * @return true if computed at once
     */
    public boolean spectrum() {
        return spectrum;
    }

    /**
     * Memory that the tiles of a batch may take.
     *
     * @return bytes; 0 for a quarter of the memory of the place, host or device
     */
    public long memoryBudget() {
        return memoryBudget;
    }

    /**
     * Weights of the samples.
     *
     * @return a copy, or null if all samples count alike
     */
    public double @Nullable [] sampleWeights() {
        return sampleWeights == null ? null : sampleWeights.clone();
    }

    /** Collects options. Not thread-safe. */
    public static final class Builder {
        private Method method = Method.AUTO;
        private RankTolerance rankTolerance = RankTolerance.standard();
        private InterceptRule intercept = InterceptRule.NONE;
        private Precision precision = Precision.FLOAT64;
        private BackendChoice backend = BackendChoice.AUTO;
        private SvdChoice svd = SvdChoice.AUTO;
        private int[] devices = {0};
        private boolean spectrum;
        private long memoryBudget;
        private double @Nullable [] sampleWeights;

        private Builder() {}

        /**
         * Sets how X is factorized.
         *
         * @param value the method; default {@link Method#AUTO}
         * @return this builder
         */
        public Builder method(Method value) {
            this.method = InvalidInputException.requireNonNull("method", value);
            return this;
        }

        /**
         * Sets which singular values count as zero.
         *
         * @param value the policy; default {@link RankTolerance#standard()}
         * @return this builder
         */
        public Builder rankTolerance(RankTolerance value) {
            this.rankTolerance = InvalidInputException.requireNonNull("rank tolerance", value);
            return this;
        }

        /**
         * Sets what role a constant term plays.
         *
         * @param value the rule; default {@link InterceptRule#NONE}
         * @return this builder
         */
        public Builder intercept(InterceptRule value) {
            this.intercept = InvalidInputException.requireNonNull("intercept rule", value);
            return this;
        }

        /**
         * Sets the precision of the arithmetic inside the factorizations. Float64, the default, is right for float32 data too: it keeps
         * rank decisions reliable for long rows. Float32 applies to float32 data with {@link Method#GESVD} and {@link Method#QR_SVD}
         * only and halves their memory; a Gram matrix is always float64.
         *
         * @param value the precision; default float64
         * @return this builder
         */
        public Builder precision(Precision value) {
            this.precision = InvalidInputException.requireNonNull("precision", value);
            return this;
        }

        /**
         * How {@link Method#QR_SVD} decomposes its small factor.
         *
         * @param value the choice; one that the backend does not have is refused when it is used
         * @return this
         */
        public Builder svd(SvdChoice value) {
            svd = InvalidInputException.requireNonNull("svd", value);
            return this;
        }

        /**
         * Sets where to compute.
         *
         * @param value the choice; default {@link BackendChoice#AUTO}
         * @return this builder
         */
        public Builder backend(BackendChoice value) {
            this.backend = InvalidInputException.requireNonNull("backend", value);
            return this;
        }

        /**
         * Sets which CUDA device computes.
         *
         * @param index index of the device; default 0
         * @return this builder
         * @throws InvalidInputException if the index is negative
         */
        public Builder device(int index) {
            return devices(index);
        }

        /**
         * Sets which CUDA devices the problems of a batch are spread over, each solved on one of them as it would be alone. A single problem
         * is solved on the first.
         *
         * @param indices indices of the devices, at least one, none twice; copied
         * @return this builder
         * @throws InvalidInputException if there is no index, or one is negative or given twice
         */
        public Builder devices(int... indices) {
            InvalidInputException.requireNonNull("the array of device indices", indices);
            if (indices.length == 0) {
                throw new InvalidInputException("no device was chosen: name one, or call allDevices()");
            }
            for (int i = 0; i < indices.length; i++) {
                if (indices[i] < 0) {
                    throw new InvalidInputException("device index " + indices[i] + " is negative");
                }
                for (int j = 0; j < i; j++) {
                    if (indices[i] == indices[j]) {
                        throw new InvalidInputException("device " + indices[i] + " was chosen twice");
                    }
                }
            }
            this.devices = indices.clone();
            return this;
        }

        /**
         * Spreads the problems of a batch over all CUDA devices of the machine.
         *
         * @return this builder
         */
        public Builder allDevices() {
            this.devices = new int[0];
            return this;
        }

        /**
         * Sets whether all singular values are computed with the factorization. Without, they are computed when first asked for.
         *
         * @param value true to compute them at once; default false
         * @return this builder
         */
        public Builder spectrum(boolean value) {
            this.spectrum = value;
            return this;
        }

        /**
         * Sets how much memory the tiles of a batch may take: on a device with memory of its own the device's, where X and Y are streamed the
         * host's too. Smaller tiles report progress more often, and a failure of the device loses less.
         *
         * @param bytes number of bytes; default 0, for a quarter of the memory of the place
         * @return this builder
         * @throws InvalidInputException if the number is negative
         */
        public Builder memoryBudget(long bytes) {
            if (bytes < 0) {
                throw new InvalidInputException("memory budget " + bytes + " is negative");
            }
            this.memoryBudget = bytes;
            return this;
        }

        /**
         * Sets the weights of the samples: the solution minimizes Σᵢ ωᵢ‖xᵢW − yᵢ‖². A sample of weight 0 has no influence at all.
         *
         * @param weights one finite number of at least 0 per row of X, not all 0; copied
         * @return this builder
         * @throws InvalidInputException if a weight is negative, infinite or NaN, or all are 0
         */
        public Builder sampleWeights(double... weights) {
            InvalidInputException.requireNonNull("the array of sample weights", weights);
            double largest = 0;
            for (int i = 0; i < weights.length; i++) {
                if (!(weights[i] >= 0 && weights[i] < Double.POSITIVE_INFINITY)) {
                    throw new InvalidInputException(
                            "sample weight " + i + " is " + weights[i] + ": weights are finite numbers of at least 0");
                }
                largest = Math.max(largest, weights[i]);
            }
            if (weights.length > 0 && largest == 0) {
                throw new InvalidInputException("all " + weights.length + " sample weights are 0");
            }
            this.sampleWeights = weights.clone();
            return this;
        }

        /**
         * The options.
         *
         * @return new options
         * @throws InvalidInputException if options contradict each other: a device index with the CPU, or the Gram matrix, which is always
         *     float64, with float32 arithmetic
         */
        public SolveOptions build() {
            for (int device : devices) {
                if (backend == BackendChoice.CPU && device != 0) {
                    throw new InvalidInputException(
                            "device " + device + " was chosen with backend CPU: a device index is for CUDA");
                }
            }
            if (method == Method.GRAM && precision == Precision.FLOAT32) {
                throw new InvalidInputException(
                        "precision FLOAT32 was chosen with method GRAM, whose arithmetic is always float64: choose GESVD or QR_SVD");
            }
            return new SolveOptions(this);
        }
    }
}
