package org.nullspace.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nullspace.error.InvalidInputException;

/** Which group each row of a table belongs to: the names once, and a number for each row. */
final class RowGroups {
    private final String column;
    private final List<String> names = new ArrayList<>();
    private final Map<String, Integer> indices = new HashMap<>();
    private int[] groupOf = new int[64];
    private int rows;

    RowGroups(String column) {
        this.column = column;
    }

    String column() {
        return column;
    }

    List<String> names() {
        return names;
    }

    /** The next row belongs to a group. */
    void add(Path file, long line, String name) {
        if (name.isEmpty()) {
            throw new InvalidInputException(file + ", line " + line + ", column \"" + column
                    + "\": the field is empty, the name of a group was expected");
        }
        if (rows == groupOf.length) {
            if (rows > Integer.MAX_VALUE / 2) {
                throw new InvalidInputException(file + ", line " + line + ": more than " + rows
                        + " rows, which is more than can be sorted into groups");
            }
            groupOf = Arrays.copyOf(groupOf, 2 * rows);
        }
        Integer index = indices.get(name);
        if (index == null) {
            index = names.size();
            names.add(name);
            indices.put(name, index);
        }
        groupOf[rows++] = index;
    }

    /** Where the rows of each group begin when they are sorted by group, and after the last the number of rows. */
    int[] starts() {
        int[] starts = new int[names.size() + 1];
        for (int i = 0; i < rows; i++) {
            starts[groupOf[i] + 1]++;
        }
        for (int g = 0; g < names.size(); g++) {
            starts[g + 1] += starts[g];
        }
        return starts;
    }

    /** Where each row goes when they are sorted by group. */
    int[] places() {
        int[] next = starts();
        int[] places = new int[rows];
        for (int i = 0; i < rows; i++) {
            places[i] = next[groupOf[i]]++;
        }
        return places;
    }
}
