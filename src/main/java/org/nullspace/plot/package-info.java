/**
 * Pictures of regressions from plain arrays, as PNG and SVG bytes. Needs no display. What was drawn depends on the arguments and the fonts
 * of the machine only, so equal input gives equal bytes on one machine.
 */
@NullMarked
package org.nullspace.plot;

import org.jspecify.annotations.NullMarked;
