package org.nullspace.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.nullspace.error.ShapeMismatchException;

class CsvOutputTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final CsvOutput table = new CsvOutput(Channels.newChannel(bytes));

    @Test
    void fieldsAreQuotedWhereTheyNeedIt() {
        table.text("plain").text("a,b").text("say \"so\"").text("two\nlines").endRow();
        table.text("").text("é β").number(-3).number(0.1).endRow();
        table.number(Double.NaN)
                .number(1e300)
                .number(Long.MIN_VALUE)
                .number(-0.0)
                .endRow();
        table.finish();
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .isEqualTo("plain,\"a,b\",\"say \"\"so\"\"\",\"two\nlines\"\r\n,é β,-3,0.1\r\n,1.0E300,"
                        + Long.MIN_VALUE + ",-0.0\r\n");
    }

    @Test
    void longTablesAreWrittenInPieces() {
        for (int i = 0; i < 40_000; i++) {
            table.number(i).number(i / 3.0).endRow();
        }
        assertThat(bytes.size()).isGreaterThan(500_000);
        table.finish();
        String[] lines = bytes.toString(StandardCharsets.UTF_8).split("\r\n");
        assertThat(lines).hasSize(40_000);
        assertThat(Double.parseDouble(lines[39_999].split(",")[1])).isEqualTo(39_999 / 3.0);
    }

    @Test
    void rowsHaveAsManyFieldsAsTheHeader() {
        table.text("a").text("b").endRow();
        assertThatThrownBy(() -> table.text("1").endRow())
                .isInstanceOf(ShapeMismatchException.class)
                .hasMessage("a row of 1 fields in a table of 2 columns");
    }

    @Test
    void failuresAreTold() {
        CsvOutput full = new CsvOutput(Channels.newChannel(new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("No space left on device");
            }
        }));
        full.text("a").endRow();
        assertThatThrownBy(full::finish)
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("No space left on device");
    }
}
