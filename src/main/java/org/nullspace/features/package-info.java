/**
 * New features from old ones: small transformers that are fitted on the training rows only and then applied to any rows, and a
 * reproducible split of the rows into training and held-out part.
 */
@NullMarked
package org.nullspace.features;

import org.jspecify.annotations.NullMarked;
