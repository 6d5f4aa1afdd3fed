package org.nullspace.backend;

/**
 * One status word per problem of a batch, where the device keeps it. Operations write it when they run, which may be after the call
 * returns; {@link Session#read(Status)} waits and brings the words to the host. 0 means success; what other words mean, says the
 * operation that wrote them.
 */
public interface Status {
    /**
     * Number of problems.
     *
     * @return number of status words
     */
    int size();
}
