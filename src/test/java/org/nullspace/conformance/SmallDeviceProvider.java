package org.nullspace.conformance;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.nullspace.backend.Availability;
import org.nullspace.backend.BackendProvider;
import org.nullspace.backend.Backends;
import org.nullspace.backend.DeviceKind;
import org.nullspace.backend.Session;
import org.nullspace.error.InvalidInputException;

/** Small devices for the front door. There are none until a test plugs them in, and the test takes them out again. */
public final class SmallDeviceProvider implements BackendProvider {
    private static final List<SmallDevice> OPENED = Collections.synchronizedList(new ArrayList<>());
    private static int devices;
    private static long bytesPerDevice;
    private static int mortal = -1;
    private static long mortalCalls;

    /** For the service loader. */
    public SmallDeviceProvider() {}

    /**
     * Plugs devices in.
     *
     * @param count how many
     * @param bytes memory of each
     */
    public static void plugIn(int count, long bytes) {
        devices = count;
        bytesPerDevice = bytes;
        mortal = -1;
        OPENED.clear();
    }

    /** Takes all devices out. */
    public static void unplug() {
        plugIn(0, 0);
    }

    /**
     * Lets one device die in every session that is opened from now on.
     *
     * @param device index
     * @param calls how many operations still succeed
     */
    static void killAfter(int device, long calls) {
        mortal = device;
        mortalCalls = calls;
    }

    /**
     * Sessions opened since devices were plugged in.
     *
     * @return the sessions, in the order in which they were opened
     */
    static List<SmallDevice> opened() {
        return List.copyOf(OPENED);
    }

    /** A device that belongs to the caller alone. */
    static SmallDevice device(int index, long bytes) {
        return new SmallDevice(Backends.providers(DeviceKind.CPU).get(0).open(0), index, bytes);
    }

    @Override
    public String name() {
        return "small";
    }

    @Override
    public DeviceKind kind() {
        return DeviceKind.CUDA;
    }

    @Override
    public Availability probe() {
        return new Availability(
                devices > 0,
                IntStream.range(0, devices).mapToObj(i -> "small device " + i).toList(),
                List.of());
    }

    @Override
    public Session open(int device) {
        if (device >= devices) {
            throw new InvalidInputException("device " + device + ": there are " + devices);
        }
        SmallDevice opened = device(device, bytesPerDevice);
        if (device == mortal) {
            opened.dieAfter(mortalCalls);
        }
        OPENED.add(opened);
        return opened;
    }
}
