/** Evidence about a solution set, measured on the data. For use by the front door. */
@NullMarked
package org.nullspace.diagnose;

import org.jspecify.annotations.NullMarked;
