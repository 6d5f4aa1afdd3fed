package org.nullspace.model;

/**
 * The null space {v : Xv = 0}: directions in which coefficients can move without changing any prediction on the training samples.
 * Dimension d − r.
 */
public interface NullSpace extends Subspace {}
