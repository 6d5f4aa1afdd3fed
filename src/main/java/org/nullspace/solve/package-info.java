/**
 * The factorizations, one file per method, and the planner that orders them. Written against {@link org.nullspace.backend.Session} only:
 * nothing here knows on which machine it runs. For use by the front door; applications use {@code org.nullspace.Nullspace}.
 */
@NullMarked
package org.nullspace.solve;

import org.jspecify.annotations.NullMarked;
