package org.nullspace.error;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ErrorTest {
    @Test
    void misuseIsAnArgumentOrStateExceptionTroubleIsNot() {
        assertThat(new ShapeMismatchException("m")).isInstanceOf(IllegalArgumentException.class);
        assertThat(new InvalidInputException("m")).isInstanceOf(IllegalArgumentException.class);
        assertThat(new ClosedException("m")).isInstanceOf(IllegalStateException.class);
        assertThat(new ConfinementException("m", Thread.currentThread())).isInstanceOf(IllegalStateException.class);
        for (RuntimeException trouble : List.of(
                new BackendException("m"),
                new BackendUnavailableException("CUDA", List.of()),
                new InsufficientMemoryException("m", 1, 0),
                new NoSolutionException("m"))) {
            assertThat(trouble).isNotInstanceOfAny(IllegalArgumentException.class, IllegalStateException.class);
        }
    }

    @Test
    void everyReasonIsInTheMessage() {
        List<String> reasons = new ArrayList<>(List.of("no driver", "no libcublas.so.12 in /usr/lib"));
        BackendUnavailableException e = new BackendUnavailableException("CUDA", reasons);
        reasons.clear();
        assertThat(e)
                .hasMessage("CUDA cannot be used on this machine:\n  - no driver\n  - no libcublas.so.12 in /usr/lib");
        assertThat(e.reasons()).containsExactly("no driver", "no libcublas.so.12 in /usr/lib");
    }

    @Test
    void memoryIsCounted() {
        assertThat(new InsufficientMemoryException("X does not fit", 12, 7))
                .hasMessage("X does not fit: 12 bytes needed, 7 bytes available");
        InsufficientMemoryException unknown = new InsufficientMemoryException("X does not fit", 12, -1);
        assertThat(unknown).hasMessage("X does not fit: 12 bytes needed");
        assertThat(unknown.requestedBytes()).isEqualTo(12);
        assertThat(unknown.availableBytes()).isNegative();
    }

    @Test
    void bothThreadsAreNamed() {
        assertThat(new ConfinementException("matrix 2×2", new Thread("owner")))
                .hasMessage("matrix 2×2 belongs to thread \"owner\" and was used from thread \""
                        + Thread.currentThread().getName() + "\"");
    }

    @Test
    void theCauseIsKept() {
        IOException cause = new IOException("disk");
        assertThat(new InvalidInputException("m", cause)).hasMessage("m").hasCause(cause);
    }

    @Test
    void missingArgumentsAreNamed() {
        assertThat(InvalidInputException.requireNonNull("X", "value")).isEqualTo("value");
        assertThatThrownBy(() -> InvalidInputException.requireNonNull("X", null))
                .isExactlyInstanceOf(InvalidInputException.class)
                .hasMessage("X is null");
    }

    static Stream<RuntimeException> all() {
        return Stream.of(
                new BackendException("m"),
                new BackendUnavailableException("CUDA", List.of("no driver")),
                new ClosedException("m"),
                new ConfinementException("m", Thread.currentThread()),
                new InsufficientMemoryException("m", 2, 1),
                new InvalidInputException("m"),
                new NoSolutionException("m"),
                new ShapeMismatchException("m"));
    }

    /** Frameworks that compute on other machines send exceptions home. */
    @ParameterizedTest
    @MethodSource("all")
    void exceptionsSurviveSerialization(RuntimeException e) throws IOException, ClassNotFoundException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(e);
        }
        Object copy;
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            copy = in.readObject();
        }
        assertThat(copy).isExactlyInstanceOf(e.getClass()).hasToString(e.toString());
        if (copy instanceof BackendUnavailableException unavailable) {
            assertThat(unavailable.reasons()).containsExactly("no driver");
        }
        if (copy instanceof InsufficientMemoryException memory) {
            assertThat(memory.requestedBytes()).isEqualTo(2);
        }
    }
}
