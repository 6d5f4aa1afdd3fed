/**
 * What goes into a solve and what comes out of it: options, tolerances, plans, the solution set and its parts. One notation holds
 * throughout: X is n×d (samples × features), Y is n×k (targets), W is d×k (coefficients), r = rank(X), X = U·diag(σ)·Vᵀ with σ in
 * descending order, N is an orthonormal basis of the null space of X, d×(d−r).
 */
@NullMarked
package org.nullspace.model;

import org.jspecify.annotations.NullMarked;
