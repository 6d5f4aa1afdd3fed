package org.nullspace.matrix;

import org.nullspace.error.InvalidInputException;

/**
 * Where memory lies.
 *
 * @param kind host memory or the memory of a CUDA device
 * @param device index of the device, 0 for the host
 */
public record Place(Kind kind, int device) {
    /** The host's memory. */
    public static final Place HOST = new Place(Kind.HOST, 0);

    /** Kinds of memory. */
    public enum Kind {
        /** The host's memory: readable from Java. */
        HOST,
        /** The memory of a CUDA device: readable by that device only. */
        CUDA
    }

    /**
     * Checks the index.
     *
     * @param kind host memory or the memory of a CUDA device
     * @param device index of the device
     * @throws InvalidInputException if the index is negative, or a device index is given for the host
     */
    public Place {
        InvalidInputException.requireNonNull("kind", kind);
        if (device < 0) {
            throw new InvalidInputException("device index " + device + " is negative");
        }
        if (kind == Kind.HOST && device != 0) {
            throw new InvalidInputException("device index " + device + " for the host: it has no devices but 0");
        }
    }

    /**
     * The memory of a CUDA device.
     *
     * @param device index of the device
     * @return the place
     */
    public static Place cuda(int device) {
        return new Place(Kind.CUDA, device);
    }

    /**
     * Whether entries can be read and written from Java.
     *
     * @return true for host memory
     */
    public boolean isHost() {
        return kind == Kind.HOST;
    }

    @Override
    public String toString() {
        return kind == Kind.HOST ? "host" : "cuda:" + device;
    }
}
