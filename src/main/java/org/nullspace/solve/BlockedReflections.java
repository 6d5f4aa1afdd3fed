package org.nullspace.solve;

import java.util.ArrayList;
import java.util.List;
import org.nullspace.backend.Session;
import org.nullspace.backend.Triangle;
import org.nullspace.matrix.Layout;
import org.nullspace.matrix.Matrix;
import org.nullspace.matrix.MemoryScope;
import org.nullspace.matrix.Precision;

/**
 * Q of a tall m×p matrix that was factorized block by block of its rows, a flat tree: the first block gives R, and every further block B
 * replaces R by that of [R; B] (Demmel, Grigori, Hoemmen and Langou, SIAM J. Sci. Comput. 34 (2012), A206–A239). Q is the product of the
 * blocks' reflections in their order, each of which acts on the first p rows and those of its own block.
 *
 * <p>The reflections of the blocks are kept on the host, where they take m·p entries and p² for each block. On a device of its own memory
 * there is room for one block at a time: {@link #apply} brings them there one after the other.
 *
 * <p>On the host the blocks pay for very tall matrices. Measured by turns in one process, on 2 cores that other programs kept busy, as the time in
 * one piece over the time in blocks, medians: 200×500,000 1.9 (13 pairs, 1.05 to 2.9), 20×1,000,000 2.8, 64×200,000 2.2, 500×100,000 1.3; and 1.0 at
 * 1000×20,000, which is factorized in one piece. Applying Q to 16 vectors took 1/2.6 of the time, to a single one 1.4 times as long.
 */
final class BlockedReflections implements Reflections {
    private final Session session;
    private final long rows;
    private final long columns;
    private final long most;
    private final List<Block> blocks;

    /**
     * Reflections of one block.
     *
     * @param from first of its own rows
     * @param to row after the last
     * @param reflectors what {@link Session#qr} left; of all blocks but the first, the first p rows belong to R
     * @param tau reflector factors, in the session's place
     */
    private record Block(long from, long to, Matrix reflectors, Matrix tau) {}

    private BlockedReflections(Session session, long rows, long columns, long most, List<Block> blocks) {
        this.session = session;
        this.rows = rows;
        this.columns = columns;
        this.most = most;
        this.blocks = List.copyOf(blocks);
    }

    /**
     * Factorizes sA = QR, A read once.
     *
     * @param session where to compute
     * @param scope owner of the reflections and of R
     * @param a m×p with m ≥ p, on the host or in the session's place; only read
     * @param scale s, a power of two
     * @param precision precision of the result
     * @param blockRows own rows of each block; the first has p more
     * @return Q and R
     */
    static HouseholderQr factor(
            Session session, MemoryScope scope, Matrix a, double scale, Precision precision, long blockRows) {
        long m = a.rows();
        long p = a.columns();
        long most = Math.min(m, p + blockRows);
        Matrix r = session.allocate(scope, precision, 1, p, p, Layout.COLUMN_MAJOR);
        List<Block> blocks = new ArrayList<>();
        boolean inPlace = session.place().isHost();
        try (MemoryScope scratch = MemoryScope.open()) {
            Matrix buffer = inPlace ? r : session.allocate(scratch, precision, 1, most, p, Layout.COLUMN_MAJOR);
            for (long from = 0, to = most; from < m; from = to, to = Math.min(m, to + blockRows)) {
                long top = from == 0 ? 0 : p;
                long height = top + to - from;
                Matrix kept = inPlace
                        ? session.allocate(scope, precision, 1, height, p, Layout.COLUMN_MAJOR)
                        : Matrix.uninitialized(scope, precision, 1, height, p, Layout.COLUMN_MAJOR);
                Matrix work = inPlace ? kept : buffer.rows(0, height);
                Matrix tau = session.allocate(scope, precision, 1, p, 1, Layout.COLUMN_MAJOR);
                if (top > 0) {
                    session.copy(r, work.rows(0, p));
                }
                Scaling.scaledCopy(session, a.rows(from, to), scale, work.rows(top, height));
                session.qr(work, tau);
                session.copy(work.rows(0, p), r);
                session.keepTriangle(Triangle.UPPER, r);
                if (!inPlace) {
                    session.copy(work, kept);
                }
                blocks.add(new Block(from, to, kept, tau));
            }
        }
        return new HouseholderQr(new BlockedReflections(session, m, p, most, blocks), r);
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public Precision precision() {
        return blocks.get(0).reflectors().precision();
    }

    @Override
    public void apply(boolean transposed, Matrix c) {
        try (MemoryScope scratch = MemoryScope.open()) {
            // The first p rows of C, which take part in every block, above the block's own rows.
            Matrix stack =
                    session.allocate(scratch, c.precision(), 1, Math.min(rows, most), c.columns(), Layout.COLUMN_MAJOR);
            Matrix buffer = session.place().isHost()
                    ? stack
                    : session.allocate(scratch, precision(), 1, most, columns, Layout.COLUMN_MAJOR);
            session.copy(c.rows(0, columns), stack.rows(0, columns));
            for (int step = 0; step < blocks.size(); step++) {
                Block block = blocks.get(transposed ? step : blocks.size() - 1 - step);
                long from = Math.max(block.from(), columns);
                Matrix own = c.rows(from, block.to());
                Matrix part = stack.rows(0, columns + own.rows());
                session.copy(own, part.rows(columns, part.rows()));
                session.applyQ(resident(block.reflectors(), buffer), block.tau(), transposed, part);
                session.copy(part.rows(columns, part.rows()), own);
            }
            session.copy(stack.rows(0, columns), c.rows(0, columns));
        }
    }

    private Matrix resident(Matrix reflectors, Matrix buffer) {
        if (session.place().isHost()) {
            return reflectors;
        }
        Matrix copy = buffer.rows(0, reflectors.rows());
        session.copy(reflectors, copy);
        return copy;
    }
}
