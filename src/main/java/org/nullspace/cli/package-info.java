/** The command line: {@code nullspace solve}, {@code demo}, {@code meats} and {@code doctor}. Everything it does can be done from Java too. */
@NullMarked
package org.nullspace.cli;

import org.jspecify.annotations.NullMarked;
