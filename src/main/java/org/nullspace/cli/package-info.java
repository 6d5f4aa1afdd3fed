/** The command line: {@code nullspace solve}, {@code demo} and {@code meats}. Everything it does can be done from Java too. */
@NullMarked
package org.nullspace.cli;

import org.jspecify.annotations.NullMarked;
