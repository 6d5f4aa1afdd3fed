// CUDA C++ for g++: what the kernel sources use, with the meaning it has for one thread that execution.cpp runs.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <math.h>

#include "kernel.h"

#define NULLSPACE_HOSTCUDA 1

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__
// The build turns `extern __shared__` into this; kernels.sh makes the name an alias of the device's dynamic shared memory.
#define HOSTCUDA_EXTERN_SHARED extern __attribute__((visibility("hidden")))

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
};
struct float2 { float x, y; };
struct float4 { float x, y, z, w; };
struct double2 { double x, y; };
struct int2 { int x, y; };
struct int4 { int x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }

// One kernel runs at a time, so these are plain variables.
extern uint3 hostcuda_threadIdx, hostcuda_blockIdx;
extern dim3 hostcuda_blockDim, hostcuda_gridDim;
#define threadIdx hostcuda_threadIdx
#define blockIdx hostcuda_blockIdx
#define blockDim hostcuda_blockDim
#define gridDim hostcuda_gridDim
#define warpSize 32

// ------------------------------------------------------------------------------------ barriers, shuffles, votes

// All threads of the block meet here; place tells barriers apart. Answers how many passed true.
int hostcuda_syncthreads(int place, int predicate);
// The lanes of the mask meet here.
void hostcuda_syncwarp(unsigned mask);
// The lanes of the mask show a value; reads the one of lane `from` (-1: none: the poison of a lane that does not take part).
uint64_t hostcuda_exchange(unsigned mask, uint64_t value, int from);
unsigned hostcuda_ballot(unsigned mask, int predicate);
int hostcuda_lane();
unsigned hostcuda_activemask();

#define __syncthreads() ((void)hostcuda_syncthreads(__LINE__, 0))
#define __syncthreads_count(p) hostcuda_syncthreads(__LINE__, (p) != 0)
#define __syncthreads_or(p) (hostcuda_syncthreads(__LINE__, (p) != 0) != 0)
#define __syncthreads_and(p) (hostcuda_syncthreads(__LINE__, (p) == 0) == 0)
inline void __syncwarp(unsigned mask = 0xffffffffu) { hostcuda_syncwarp(mask); }
inline unsigned __ballot_sync(unsigned mask, int predicate) { return hostcuda_ballot(mask, predicate); }
inline int __any_sync(unsigned mask, int predicate) { return hostcuda_ballot(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return hostcuda_ballot(mask, !predicate) == 0; }
inline unsigned __activemask() { return hostcuda_activemask(); }

template <class T> T hostcuda_shuffle(unsigned mask, T value, int from) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "4 or 8 bytes");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    bits = hostcuda_exchange(mask, bits, from);
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}
template <class T> T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
    int own = hostcuda_lane();
    return hostcuda_shuffle(mask, value, (own & ~(width - 1)) | (lane & (width - 1)));
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    int own = hostcuda_lane();
    int from = own - (int)delta;
    return hostcuda_shuffle(mask, value, from < (own & ~(width - 1)) ? own : from);
}
template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    int own = hostcuda_lane();
    int from = own + (int)delta;
    return hostcuda_shuffle(mask, value, from > (own | (width - 1)) ? own : from);
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
    int own = hostcuda_lane();
    int from = own ^ lanes;
    return hostcuda_shuffle(mask, value, from > (own | (width - 1)) ? own : from);
}

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
inline long long clock64() { return 0; }

// -------------------------------------------------------------------------------------------------- atomics, loads

template <class T> T __ldg(const T *p) { return *p; }
template <class T, class U> T atomicAdd(T *p, U v) { T old = *p; *p = (T)(old + (T)v); return old; }
template <class T, class U> T atomicSub(T *p, U v) { T old = *p; *p = (T)(old - (T)v); return old; }
template <class T, class U> T atomicMax(T *p, U v) { T old = *p; if ((T)v > old) *p = (T)v; return old; }
template <class T, class U> T atomicMin(T *p, U v) { T old = *p; if ((T)v < old) *p = (T)v; return old; }
template <class T, class U> T atomicExch(T *p, U v) { T old = *p; *p = (T)v; return old; }
template <class T, class U> T atomicOr(T *p, U v) { T old = *p; *p = old | (T)v; return old; }
template <class T, class U> T atomicAnd(T *p, U v) { T old = *p; *p = old & (T)v; return old; }
template <class T, class U> T atomicXor(T *p, U v) { T old = *p; *p = old ^ (T)v; return old; }
template <class T, class U, class V> T atomicCAS(T *p, U expected, V v) {
    T old = *p;
    if (old == (T)expected) *p = (T)v;
    return old;
}

// ------------------------------------------------------------------------------------------------------ arithmetic

template <class A, class B> constexpr auto hostcuda_larger(A a, B b) {
    using C = std::common_type_t<A, B>;
    if constexpr (std::is_floating_point_v<C>) return std::fmax((C)a, (C)b);
    else return (C)a < (C)b ? (C)b : (C)a;
}
template <class A, class B> constexpr auto hostcuda_smaller(A a, B b) {
    using C = std::common_type_t<A, B>;
    if constexpr (std::is_floating_point_v<C>) return std::fmin((C)a, (C)b);
    else return (C)b < (C)a ? (C)b : (C)a;
}
template <class A, class B> constexpr auto max(A a, B b) { return hostcuda_larger(a, b); }
template <class A, class B> constexpr auto min(A a, B b) { return hostcuda_smaller(a, b); }
using std::fma;
using std::fmax;
using std::fmin;
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float rsqrt(float x) { return 1.0f / std::sqrt(x); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double sinpi(double x) { return std::sin(M_PI * x); }
inline double cospi(double x) { return std::cos(M_PI * x); }
inline float sinpif(float x) { return (float)std::sin(M_PI * x); }
inline float cospif(float x) { return (float)std::cos(M_PI * x); }
inline void sincospi(double x, double *s, double *c) { *s = sinpi(x); *c = cospi(x); }
inline void sincospif(float x, float *s, float *c) { *s = sinpif(x); *c = cospif(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __saturatef(float x) { return std::fmin(std::fmax(x, 0.0f), 1.0f); }

inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __drcp_rn(double a) { return 1.0 / a; }
inline double __dsqrt_rn(double a) { return std::sqrt(a); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }

template <class To, class From> To hostcuda_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "same size");
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}
inline long long __double_as_longlong(double x) { return hostcuda_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return hostcuda_bits<double>(x); }
inline int __float_as_int(float x) { return hostcuda_bits<int>(x); }
inline float __int_as_float(int x) { return hostcuda_bits<float>(x); }
inline unsigned __float_as_uint(float x) { return hostcuda_bits<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return hostcuda_bits<float>(x); }
inline int __double2hiint(double x) { return (int)((unsigned long long)__double_as_longlong(x) >> 32); }
inline int __double2loint(double x) { return (int)__double_as_longlong(x); }
inline double __hiloint2double(int hi, int lo) {
    return __longlong_as_double((long long)((unsigned long long)(unsigned)hi << 32 | (unsigned)lo));
}
inline float __double2float_rn(double x) { return (float)x; }
inline double __ll2double_rn(long long x) { return (double)x; }
inline long long __double2ll_rn(double x) { return std::llrint(x); }
inline int __double2int_rn(double x) { return (int)std::lrint(x); }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
    unsigned r = 0;
    for (int i = 0; i < 32; i++) r |= (x >> i & 1u) << (31 - i);
    return r;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
inline int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }
inline long long __mul64hi(long long a, long long b) { return (long long)((__int128)a * b >> 64); }
