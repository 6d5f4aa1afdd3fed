/*
 * A library with the SONAME and the symbol version that JCuda's natives ask for (CUDA 12), every function of which jumps to the function
 * of the same name in the library of CUDA 13. The compiler is given
 *   REAL    SONAME of the CUDA 13 library, which must have been loaded before
 *   STATUS  what a function returns that is missing there
 *   PREFIX  prefix of the names of the two JNI functions
 *   COUNT   number of functions
 *   NAMES   length of the names of all functions, each with a terminating zero
 * trampolines.awk makes the functions themselves.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* Versions that glibc has had from its beginning on x86-64, so that the library also loads where glibc is older than at build time. */
__asm__(".symver dlopen,dlopen@GLIBC_2.2.5");
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5");

#define HIDDEN __attribute__((visibility("hidden")))
#define PUBLIC __attribute__((visibility("default")))

extern void *nullspace_slots[] HIDDEN;
extern const char nullspace_names[] HIDDEN;
extern const int nullspace_count HIDDEN;

/* By function: whether the real library lacks it, and whether it has been called all the same. */
static char lacking[COUNT];
static volatile char called[COUNT];
static int real_library;


HIDDEN int nullspace_missing(int index) {
    called[index] = 1;
    return STATUS;
}

HIDDEN const char *nullspace_missing_text(int index) {
    called[index] = 1;
    return "the function that has this text is missing in " REAL;
}

__attribute__((constructor)) static void fill(void) {
    void *library = dlopen(REAL, RTLD_LAZY | RTLD_NOLOAD);
    const char *name = nullspace_names;
    real_library = library != NULL;
    for (int i = 0; i < nullspace_count; i++) {
        void *function = library == NULL ? NULL : dlsym(library, name);
        if (function == NULL) {
            lacking[i] = 1;
        } else {
            nullspace_slots[i] = function;
        }
        name += strlen(name) + 1;
    }
}

/* What is needed of JNI: a pointer to a table of functions, and NewStringUTF's place in it, fixed by the JNI specification. */
typedef const void *const *const *environment;
typedef void *(*new_string)(environment, const char *);
#define NEW_STRING_UTF 167

/* The names whose flag is set, one a line. */
static void *lines(environment env, const volatile char *flags) {
    static const char *const nothing = "";
    char text[NAMES + 1];
    size_t length = 0;
    const char *name = nullspace_names;
    for (int i = 0; i < nullspace_count; i++) {
        size_t size = strlen(name);
        if (flags[i]) {
            memcpy(text + length, name, size);
            length += size;
            text[length++] = '\n';
        }
        name += size + 1;
    }
    text[length] = '\0';
    return ((new_string)(*env)[NEW_STRING_UTF])(env, length == 0 ? nothing : text);
}

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)

/* static native String <library>Missing(): null if the real library was not loaded before this one */
PUBLIC void *JOIN(PREFIX, Missing)(environment env, void *type) {
    (void)type;
    return real_library ? lines(env, lacking) : NULL;
}

/* static native String <library>Called(): functions that are missing and were called */
PUBLIC void *JOIN(PREFIX, Called)(environment env, void *type) {
    (void)type;
    return lines(env, called);
}
