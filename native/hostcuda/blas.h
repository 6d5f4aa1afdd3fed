// BLAS and LAPACK: the Fortran routines of the OpenBLAS that the process has loaded already.
#pragma once

#include "hostcuda.h"

#include <dlfcn.h>

#include <type_traits>

namespace hostcuda {

// Address of an s- or d- routine of OpenBLAS; leaves the work that asks for it when there is none.
inline void *fortranSymbol(bool isDouble, const char *routine) {
    static void *const library = dlopen("libopenblas.so.0", RTLD_NOLOAD | RTLD_LAZY);
    if (!library) {
        violation("libopenblas.so.0 is not loaded in this process: the software device has no linear algebra");
        throw Refusal{CUDA_ERROR_LAUNCH_FAILED};
    }
    std::string name = std::string(isDouble ? "d" : "s") + routine + "_";
    void *symbol = dlsym(library, name.c_str());
    if (!symbol) {
        violation("libopenblas.so.0 has no %s", name.c_str());
        throw Refusal{CUDA_ERROR_LAUNCH_FAILED};
    }
    return symbol;
}

// By reference, as Fortran wants it.
template <class X> auto fortranArgument(const X &x) {
    static_assert(std::is_pointer_v<X> || sizeof(X) != sizeof(long) || std::is_floating_point_v<X>, "Fortran integers are int");
    if constexpr (std::is_pointer_v<X>) return x;
    else return &x;
}

// Calls the routine for T: fortran<double>("gemm", 'N', 'T', m, ...). The zeros at the end are the lengths of its characters.
template <class T, class... A> void fortran(const char *routine, const A &...arguments) {
    using Function = void (*)(decltype(fortranArgument(arguments))..., size_t, size_t, size_t, size_t);
    auto function = reinterpret_cast<Function>(fortranSymbol(std::is_same_v<T, double>, routine));
    function(fortranArgument(arguments)..., 1, 1, 1, 1);
}

// A LAPACK routine that says itself how much workspace it wants: call(work, lwork).
template <class T, class Body> void withWorkspace(Body body) {
    T best = 0;
    body(&best, -1);
    int size = std::max(1, (int)best);
    // A float cannot hold every size.
    if (std::is_same_v<T, float>) size += size / 1000000;
    std::vector<T> work((size_t)size);
    body(work.data(), size);
}

} // namespace hostcuda
