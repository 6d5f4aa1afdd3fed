// How compiled kernels make themselves known to the device.
#pragma once

#include "hostcuda.h"

#include <tuple>
#include <type_traits>
#include <utility>

namespace hostcuda {

// The arguments of one launch, copied from the caller when it launched.
struct Arguments {
    std::function<void()> thread;                              // Runs the kernel function once.
    std::vector<std::pair<int, const void *>> pointers;        // The pointers among the arguments, with their positions.
};

struct Kernel {
    std::string name;
    std::function<Arguments(void **)> bind;
    bool barriers = false;
};

void registerKernel(const char *name, std::function<Arguments(void **)> bind);
void registerSource(uint64_t hash, std::vector<std::string> kernels);

template <class... A, size_t... I>
Arguments bindArguments(void (*function)(A...), void **values, std::index_sequence<I...>) {
    Arguments result;
    auto arguments = std::make_tuple(*static_cast<std::decay_t<A> *>(values[I])...);
    auto note = [&](int position, auto value) {
        if constexpr (std::is_pointer_v<decltype(value)>) result.pointers.push_back({position, (const void *)value});
    };
    (note((int)I, std::get<I>(arguments)), ...);
    (void)note;
    result.thread = [function, arguments] { std::apply(function, arguments); };
    return result;
}

template <class... A> struct Registration {
    Registration(const char *name, void (*function)(A...)) {
        registerKernel(name, [function](void **values) {
            return bindArguments(function, values, std::index_sequence_for<A...>{});
        });
    }
};

struct SourceRegistration {
    SourceRegistration(uint64_t hash, std::vector<std::string> kernels) { registerSource(hash, std::move(kernels)); }
};

} // namespace hostcuda
