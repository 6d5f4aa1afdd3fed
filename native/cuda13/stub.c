/* For tests: appends each call to the file in the environment variable NULLSPACE_STUB_LOG, one line each. stubs.awk makes the functions. */
#include <stdio.h>
#include <stdlib.h>

__attribute__((visibility("hidden"))) void nullspace_record(
        const char *name, const long *integers, const double *doubles, const long *stack) {
    const char *path = getenv("NULLSPACE_STUB_LOG");
    FILE *log = path == NULL ? NULL : fopen(path, "a");
    if (log == NULL) {
        return;
    }
    fprintf(log, "%s", name);
    for (int i = 0; i < 6; i++) {
        fprintf(log, " %lx", integers[i]);
    }
    for (int i = 0; i < 8; i++) {
        fprintf(log, " %a", doubles[i]);
    }
    for (int i = 0; i < 12; i++) {
        fprintf(log, " %lx", stack[i]);
    }
    fprintf(log, "\n");
    fclose(log);
}
