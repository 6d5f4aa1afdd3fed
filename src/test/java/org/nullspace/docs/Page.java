package org.nullspace.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A Markdown page and its fenced blocks.
 *
 * @param path the file
 * @param lines its lines
 * @param blocks its fenced blocks, in order
 */
record Page(Path path, List<String> lines, List<Block> blocks) {
    private static final String FENCE = "```";
    private static final String NOT_RUN = "<!-- not run: ";
    private static final String PRINTS = "<!-- prints -->";

    /**
     * A fenced block.
     *
     * @param language what follows the fence
     * @param line line of the fence, counted from 1
     * @param text the lines inside
     * @param reason why it is not run, empty if it is
     * @param output whether it is output of the block before
     */
    record Block(String language, int line, List<String> text, String reason, boolean output) {
        boolean isRun() {
            return reason.isEmpty();
        }
    }

    static Page read(Path path) {
        List<String> lines;
        try {
            lines = Files.readAllLines(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).startsWith(FENCE)) {
                int end = i + 1;
                while (!lines.get(end).equals(FENCE)) {
                    end++;
                }
                String before = i == 0 ? "" : lines.get(i - 1).strip();
                String reason = before.startsWith(NOT_RUN)
                        ? before.substring(NOT_RUN.length(), before.length() - " -->".length())
                        : "";
                blocks.add(new Block(
                        lines.get(i).substring(FENCE.length()).strip(),
                        i + 1,
                        lines.subList(i + 1, end),
                        reason,
                        before.equals(PRINTS)));
                i = end;
            }
        }
        return new Page(path, lines, blocks);
    }

    List<Block> blocks(String language) {
        return blocks.stream().filter(b -> b.language().equals(language)).toList();
    }

    String name() {
        return path.getFileName().toString();
    }

    String where(int line) {
        return name() + ":" + line;
    }
}
