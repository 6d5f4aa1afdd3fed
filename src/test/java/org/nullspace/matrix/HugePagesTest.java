package org.nullspace.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What the kernel says of the memory of large matrices. */
class HugePagesTest {
    private static final Path SETTING = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");

    /** KiB of large pages in the mapping that holds an address. */
    private static long largePages(long address) throws IOException {
        boolean inside = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                String[] range = line.split("[- ]", 3);
                inside = Long.compareUnsigned(Long.parseUnsignedLong(range[0], 16), address) <= 0
                        && Long.compareUnsigned(address, Long.parseUnsignedLong(range[1], 16)) < 0;
            } else if (inside && line.startsWith("AnonHugePages:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        return -1;
    }

    @Test
    void largeMatricesLieInLargePages() throws IOException {
        assumeTrue(HugePages.isLoaded(), "built without a C compiler, or not on Linux x86-64");
        assumeTrue(Files.isReadable(SETTING) && !Files.readString(SETTING).contains("[never]"));
        try (MemoryScope scope = MemoryScope.open()) {
            for (boolean zeroed : new boolean[] {false, true}) {
                HostMemory memory = HostMemory.allocate(scope, 64L << 20, zeroed, "a test");
                for (long i = 0; i < 8L << 20; i += 512) {
                    memory.setDouble(i, 1);
                }
                // The kernel may have run out of large pages, but hardly at once.
                assertThat(largePages(memory.address() + (32L << 20))).isGreaterThan(0);
            }
        }
    }

    @Test
    void smallBlocksAndEdgesAreLeftAlone() {
        try (MemoryScope scope = MemoryScope.open()) {
            HostMemory memory = HostMemory.allocate(scope, HugePages.LEAST_BYTES + 1, true, "a test");
            HugePages.ask(memory.address() + 1, HugePages.LEAST_BYTES);
            HugePages.ask(memory.address(), HugePages.LEAST_BYTES - 1);
            HugePages.ask(memory.address(), 0);
            assertThat(memory.getDouble(HugePages.LEAST_BYTES / 8 - 1)).isZero();
        }
    }
}
