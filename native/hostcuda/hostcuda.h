// The software CUDA device: what its parts share. README.md says what it is for.
#pragma once

#include <atomic>
#include <climits>
#include <condition_variable>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace hostcuda {

enum class Library { DRIVER, NVRTC, CUBLAS, CUSOLVER };

// What can be wrong with a call; status() gives the code that each library has for it.
enum class Problem { VALUE, ADDRESS, MEMORY, UNINITIALIZED, CONTEXT, HANDLE, LOST, UNSUPPORTED };

int status(Library library, Problem problem);

// Status codes of the driver API.
enum : int {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_NOT_INITIALIZED = 3,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_INVALID_DEVICE = 101,
    CUDA_ERROR_INVALID_IMAGE = 200,
    CUDA_ERROR_INVALID_CONTEXT = 201,
    CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
    CUDA_ERROR_INVALID_HANDLE = 400,
    CUDA_ERROR_NOT_FOUND = 500,
    CUDA_ERROR_NOT_READY = 600,
    CUDA_ERROR_ILLEGAL_ADDRESS = 700,
    CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
    CUDA_ERROR_CONTEXT_IS_DESTROYED = 709,
    CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED = 712,
    CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED = 713,
    CUDA_ERROR_LAUNCH_FAILED = 719,
    CUDA_ERROR_NOT_SUPPORTED = 801,
};

// Thrown inside a routine to leave it with a status; caught by call().
struct Refusal {
    int status;
};

// One lock for all bookkeeping. Work (linear algebra, kernels, copies) runs without it.
std::mutex &lock();

// ---------------------------------------------------------------------------------------------------------- devices

constexpr int MAX_DEVICES = 16;
constexpr int CAPABILITY_MAJOR = 9;
constexpr int CAPABILITY_MINOR = 0;
constexpr size_t SHARED_DEFAULT = 49152;
constexpr size_t SHARED_LIMIT = 232448;

struct Stream;

// A device and its primary context, the only context there is; a CUcontext is a pointer to this.
struct Device {
    int ordinal = 0;
    size_t capacity = size_t(2) << 30;
    size_t used = 0; // Bytes taken, pending frees included.
    size_t live = 0; // Bytes that the program has not given back.
    size_t peak = 0;
    int retained = 0;
    int broken = 0; // Driver status of every call from now on; 0: the device works.
    std::shared_ptr<Stream> nullStream;
    std::vector<std::shared_ptr<Stream>> streams; // Without the null stream; destroyed ones until they are empty.
};

Device &device(int ordinal);
int deviceCount();
void configure(int devices, size_t bytesPerDevice);
Device *currentDevice(); // Of the calling thread's current context; null: none.

// ----------------------------------------------------------------------------------------------------------- memory

enum class Kind { DEVICE, PINNED, REGISTERED };

// A block of memory that the device knows. Kept mapped as long as queued work refers to it, even when freed.
struct Allocation {
    Kind kind;
    Device *device;
    char *start;
    size_t size;
    char *base = nullptr;    // With the guards; null: not the device's own memory.
    bool freed = false;      // No call may name it any more.
    bool released = false;   // Its contents are gone.
    int queued = 0;          // Tasks in queues that refer to it (host memory).
    ~Allocation();
};
using Block = std::shared_ptr<Allocation>;

Block allocate(Device &device, Kind kind, size_t bytes); // Null: out of memory.
Block registerHost(Device &device, void *start, size_t bytes);
Block findBlock(const void *address);                    // The live block that contains the address; null: none.
Block findUnreleased(const void *address);               // The same, or one whose free is queued but has not run.
void markFreed(const Block &block);                      // From now on calls that name it are refused.
void release(const Block &block);                        // Checks the guards, poisons, returns the bytes.
bool guardsIntact(const Allocation &block, std::string *where);
std::string describeAddress(const void *address);        // For violations.
size_t bytesOf(long rows, long columns, long ld, size_t element); // Of a column-major matrix; SIZE_MAX: overflow.

// ---------------------------------------------------------------------------------------------------------- streams

struct Task {
    std::string routine;
    std::function<void()> run;
    std::vector<Block> operands;
    size_t captured = 0; // Bytes of host memory that were copied at call time.
    bool always = false; // Runs on a lost device too: returns memory.
};

struct Stream {
    Device *device;
    unsigned flags = 0; // 1: does not synchronise with the null stream.
    int priority = 0;
    bool destroyed = false;
    bool running = false;
    uint64_t submitted = 0;
    uint64_t completed = 0;
    size_t captured = 0;
    std::deque<Task> queue;
    std::condition_variable progress;
};

// A point in a stream.
struct Mark {
    std::shared_ptr<Stream> stream;
    uint64_t ticket = 0;
};

Mark enqueue(const std::shared_ptr<Stream> &stream, Task task);
void drain(const Mark &mark);
void drain(const std::shared_ptr<Stream> &stream);
void drain(Device &device);
bool reached(const Mark &mark);

// ----------------------------------------------------------------------------------------------------------- faults

void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
void breakDevice(Device &device, int status);

// Objects by handle: streams, events, modules, library handles, ...
void addObject(const void *handle, const char *kind);
bool removeObject(const void *handle, const char *kind);
bool isObject(const void *handle, const char *kind);

struct Counter {
    long calls = 0;
    struct Rule {
        long call;
        int value;
    };
    std::vector<Rule> failures, losses, infos;
};

bool allocationFails(); // Counts an allocation and says whether failAllocation() meant this one.

// ------------------------------------------------------------------------------------------------------------ calls

// One call of an exported routine: counts it, applies the faults asked for, checks operands.
class Call {
  public:
    Call(const char *routine, Library library);

    const char *const routine;
    const Library library;
    Device *device = nullptr;

    // Leaves with a status, without a violation: an error that the caller can see coming.
    [[noreturn]] void fail(int status) const { throw Refusal{status}; }
    [[noreturn]] void fail(Problem problem) const { throw Refusal{status(library, problem)}; }
    void require(bool condition) const {
        if (!condition) fail(Problem::VALUE);
    }
    // Leaves with a status and records a violation.
    [[noreturn]] void refuse(Problem problem, const char *format, ...) const __attribute__((format(printf, 3, 4)));

    // The device that the call works on; fails when it is lost.
    Device &on(Device *device);
    // The device of the current context, or CUDA_ERROR_INVALID_CONTEXT.
    Device &current();

    // Operands in device memory; null and 0 bytes are not looked at.
    void memory(const char *operand, const void *address, size_t bytes, size_t alignment = 1);
    template <class T> void vector(const char *operand, const T *x, long n, long increment = 1) {
        if (n > 0) memory(operand, x, bytesOf(1, n, increment < 0 ? -increment : increment, sizeof(T)), alignof(T));
    }
    template <class T>
    void matrix(const char *operand, const T *a, long rows, long columns, long ld, long stride = 0, long batch = 1) {
        require(ld >= (rows > 1 ? rows : 1) && stride >= 0);
        matrixBytes(operand, a, rows, columns, ld, stride, batch, sizeof(T));
    }
    void matrixBytes(const char *operand, const void *a, long rows, long columns, long ld, long stride, long batch,
                     size_t element);
    // Operand in host memory: refuses addresses of device memory. Answers the pinned or registered block, if any.
    Block host(const char *operand, const void *address, size_t bytes);
    // LAPACK and BLAS underneath have int sizes.
    int narrow(const char *operand, long value);

    // Queues the work with the operands named so far.
    Mark enqueue(const std::shared_ptr<Stream> &stream, std::function<void()> work, size_t captured = 0,
                 bool always = false);

    bool forgesInfo() const { return forges; }
    int forgedInfo() const { return forged; }

    std::vector<Block> operands;

  private:
    bool loses = false;
    bool forges = false;
    int forged = 0;
};

template <class Body> int call(const char *routine, Library library, Body body) {
    try {
        Call c(routine, library);
        return body(c);
    } catch (const Refusal &refusal) {
        return refusal.status;
    } catch (const std::bad_alloc &) {
        violation("%s: no host memory for the software device", routine);
        return status(library, Problem::MEMORY);
    }
}

// Checks an address that the device itself reads, while queued work runs. False: a violation was recorded, the device is broken.
bool reachable(const char *routine, const char *operand, Device &device, const void *address, size_t bytes);

// The stream behind a handle (0 and 1: the null stream of the device), or null.
std::shared_ptr<Stream> streamOf(Device &device, const void *handle);

// ---------------------------------------------------------------------------------------------------------- kernels

struct Kernel;
const Kernel *findKernel(const std::string &name);
// Names of the kernels of a source text that was compiled into the device as it is.
const std::vector<std::string> *kernelsOfSource(uint64_t hash);
constexpr uint64_t hashOf(const char *text, size_t length) {
    uint64_t h = 1469598103934665603ull;
    for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)text[i]) * 1099511628211ull;
    return h;
}
constexpr char CUBIN_MAGIC[] = "\x7fNULLSPACE-HOSTCUDA-CUBIN";

struct Geometry {
    unsigned grid[3], block[3];
    size_t shared;
};
// Runs every thread of every block. False: barriers diverged, and a violation says how.
bool execute(const Kernel &kernel, const Geometry &geometry, const std::function<void()> &thread);

} // namespace hostcuda

// Called by the generated stubs of routines that are not implemented.
extern "C" int hostcuda_unsupported(const char *routine, int library);
