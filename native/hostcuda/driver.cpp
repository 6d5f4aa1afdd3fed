// The driver API: devices, primary contexts, memory, copies, streams, events. Modules and launches: kernels.cpp.
#include "hostcuda.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace hostcuda {

namespace {

struct Machine {
    Device devices[MAX_DEVICES];
    int count = 1;
    bool initialized = false;

    Machine() {
        if (const char *n = std::getenv("NULLSPACE_HOSTCUDA_DEVICES")) count = std::min(std::max(atoi(n), 0), MAX_DEVICES);
        for (int i = 0; i < MAX_DEVICES; i++) {
            devices[i].ordinal = i;
            if (const char *n = std::getenv("NULLSPACE_HOSTCUDA_BYTES")) devices[i].capacity = strtoull(n, nullptr, 10);
            devices[i].nullStream = std::make_shared<Stream>();
            devices[i].nullStream->device = &devices[i];
        }
    }
};

Machine &machine() {
    static auto *m = new Machine;
    return *m;
}

std::vector<Device *> &contextStack() {
    static thread_local std::vector<Device *> stack;
    return stack;
}

struct Event {
    Device *device;
    unsigned flags;
    bool recorded = false;
    Mark mark;
    std::shared_ptr<double> milliseconds = std::make_shared<double>(0);
};

double now() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class Body> int driver(const char *routine, Body body) {
    return call(routine, Library::DRIVER, [&](Call &c) -> int {
        if (!machine().initialized) c.fail(CUDA_ERROR_NOT_INITIALIZED);
        return body(c);
    });
}

Device &ordinal(Call &c, int n) {
    if (n < 0 || n >= deviceCount()) c.fail(CUDA_ERROR_INVALID_DEVICE);
    return device(n);
}

bool isContext(const void *p) {
    for (int i = 0; i < MAX_DEVICES; i++)
        if (p == &device(i)) return true;
    return false;
}

Device &context(Call &c, void *handle) {
    if (!isContext(handle)) c.fail(CUDA_ERROR_INVALID_CONTEXT);
    auto *d = static_cast<Device *>(handle);
    if (!d->retained) c.fail(CUDA_ERROR_CONTEXT_IS_DESTROYED);
    return *d;
}

std::shared_ptr<Stream> stream(Call &c, void *handle) {
    auto s = streamOf(*c.device, handle);
    if (!s) c.refuse(Problem::HANDLE, "%p is not a stream of device %d", handle, c.device->ordinal);
    return s;
}

Event &event(Call &c, void *handle) {
    if (!isObject(handle, "event")) c.refuse(Problem::HANDLE, "%p is not an event", handle);
    return *static_cast<Event *>(handle);
}

// Waits and says how the device is.
int settle(Device &d, const Mark &mark) {
    drain(mark);
    std::lock_guard<std::mutex> hold(lock());
    return d.broken;
}

// Returns device memory; on a lost device too, but with its status.
int giveBack(Call &c, Device &d, const Block &block) {
    markFreed(block);
    drain(d);
    release(block);
    c.on(&d);
    return CUDA_SUCCESS;
}

Block deviceBlock(Call &c, Device *d, const void *address) {
    Block block = findBlock(address);
    if (!block || block->kind != Kind::DEVICE || block->start != address)
        c.refuse(Problem::VALUE, "%p is not the start of device memory that is in use (%s)", address,
                 describeAddress(address).c_str());
    if (d && block->device != d)
        c.refuse(Problem::VALUE, "%p is memory of device %d, the call is on device %d", address, block->device->ordinal,
                 d->ordinal);
    return block;
}

// ----------------------------------------------------------------------------------------------------------- copies

struct Side {
    char *address;
    bool onDevice;
    Device *device;
    Block pinned; // Host side: pinned or registered block, null: pageable.
};

enum class Where { HOST, DEVICE, ANY };

Side side(Call &c, const char *operand, const void *address, Where where, size_t bytes, Device *owner) {
    Side s{(char *)address, where == Where::DEVICE, owner, nullptr};
    if (where == Where::ANY) {
        Block b = findBlock(address);
        s.onDevice = b && b->kind == Kind::DEVICE;
        if (s.onDevice) s.device = b->device;
    }
    if (s.onDevice) {
        Device *own = c.device;
        Block b = findBlock(address);
        if (!owner && b && b->kind == Kind::DEVICE) s.device = b->device;
        c.device = s.device ? s.device : own;
        c.memory(operand, address, bytes);
        c.device = own;
    } else {
        s.pinned = c.host(operand, address, bytes);
        if (s.pinned) c.operands.push_back(s.pinned);
    }
    return s;
}

// Copies rows of `width` bytes. Pageable sources are read now; pageable destinations are complete on return.
int copy(Call &c, const std::shared_ptr<Stream> &on, Side to, size_t toPitch, Side from, size_t fromPitch, size_t width,
         size_t height, bool wait) {
    if (width == 0 || height == 0) return CUDA_SUCCESS;
    size_t captured = 0;
    std::function<void()> work;
    if (!from.onDevice && !from.pinned && !wait) {
        captured = width * height;
        auto bytes = std::make_shared<std::vector<char>>(captured);
        for (size_t i = 0; i < height; i++) std::memcpy(bytes->data() + i * width, from.address + i * fromPitch, width);
        work = [=] {
            for (size_t i = 0; i < height; i++) std::memcpy(to.address + i * toPitch, bytes->data() + i * width, width);
        };
    } else {
        work = [=] {
            for (size_t i = 0; i < height; i++)
                std::memmove(to.address + i * toPitch, from.address + i * fromPitch, width);
        };
    }
    Mark mark = c.enqueue(on, work, captured);
    if (wait || (!to.onDevice && !to.pinned)) return settle(*on->device, mark);
    return CUDA_SUCCESS;
}

struct Transfer {
    const char *routine;
    Where to, from;
    bool async;
    bool hostWaits; // The synchronous form waits.
};

int transfer(const Transfer &t, const void *to, const void *from, size_t bytes, void *streamHandle) {
    return driver(t.routine, [&](Call &c) -> int {
        Device &d = c.current();
        auto on = t.async ? stream(c, streamHandle) : d.nullStream;
        if (bytes == 0) return CUDA_SUCCESS;
        Side target = side(c, "destination", to, t.to, bytes, t.to == Where::DEVICE ? &d : nullptr);
        Side source = side(c, "source", from, t.from, bytes, t.from == Where::DEVICE ? &d : nullptr);
        bool wait = !t.async && !(target.onDevice && source.onDevice);
        return copy(c, on, target, bytes, source, bytes, bytes, 1, wait);
    });
}

// CUDA_MEMCPY2D as the driver API lays it out.
struct Copy2D {
    size_t srcX, srcY;
    int srcType;
    const void *srcHost;
    uintptr_t srcDevice;
    void *srcArray;
    size_t srcPitch;
    size_t dstX, dstY;
    int dstType;
    void *dstHost;
    uintptr_t dstDevice;
    void *dstArray;
    size_t dstPitch;
    size_t width, height;
};

int transfer2D(const char *routine, const Copy2D *p, void *streamHandle, bool async) {
    return driver(routine, [&](Call &c) -> int {
        Device &d = c.current();
        auto on = async ? stream(c, streamHandle) : d.nullStream;
        c.require(p);
        if (p->width == 0 || p->height == 0) return CUDA_SUCCESS;
        auto locate = [&](const char *operand, int type, const void *host, uintptr_t dev, size_t pitch, size_t x, size_t y) {
            if (type < 1 || type == 3 || type > 4) c.refuse(Problem::UNSUPPORTED, "memory type %d of the %s", type, operand);
            c.require(pitch == 0 || pitch >= x + p->width);
            const char *base = type == 1 ? (const char *)host : (const char *)dev;
            size_t bytes = bytesOf(p->width, p->height, pitch, 1);
            return side(c, operand, base + y * pitch + x, type == 1 ? Where::HOST : type == 2 ? Where::DEVICE : Where::ANY, bytes,
                        type == 2 ? &d : nullptr);
        };
        Side source = locate("source", p->srcType, p->srcHost, p->srcDevice, p->srcPitch, p->srcX, p->srcY);
        Side target = locate("destination", p->dstType, p->dstHost, p->dstDevice, p->dstPitch, p->dstX, p->dstY);
        bool wait = !async && !(target.onDevice && source.onDevice);
        return copy(c, on, target, p->dstPitch, source, p->srcPitch, p->width, p->height, wait);
    });
}

template <class T>
int fill(const char *routine, uintptr_t address, size_t pitch, T value, size_t width, size_t height, bool async,
         void *streamHandle) {
    return driver(routine, [&](Call &c) -> int {
        Device &d = c.current();
        auto on = async ? stream(c, streamHandle) : d.nullStream;
        c.require(address % sizeof(T) == 0 && (height <= 1 || (pitch >= width * sizeof(T) && pitch % sizeof(T) == 0)));
        if (width == 0 || height == 0) return CUDA_SUCCESS;
        c.memory("destination", (void *)address, bytesOf(width * sizeof(T), height, pitch, 1));
        c.enqueue(on, [=] {
            for (size_t i = 0; i < height; i++) {
                T *row = (T *)(address + i * pitch);
                std::fill(row, row + width, value);
            }
        });
        return CUDA_SUCCESS;
    });
}

} // namespace

Device &device(int n) { return machine().devices[n]; }

int deviceCount() {
    std::lock_guard<std::mutex> hold(lock());
    return machine().count;
}

void configure(int devices, size_t bytesPerDevice) {
    std::lock_guard<std::mutex> hold(lock());
    machine().count = std::min(std::max(devices, 0), MAX_DEVICES);
    for (Device &d : machine().devices) d.capacity = bytesPerDevice;
}

Device *currentDevice() {
    auto &stack = contextStack();
    if (stack.empty() || !stack.back() || !stack.back()->retained) return nullptr;
    return stack.back();
}

std::shared_ptr<Stream> streamOf(Device &d, const void *handle) {
    if (handle == nullptr || handle == (void *)1) return d.nullStream;
    if (!isObject(handle, "stream")) return nullptr;
    std::lock_guard<std::mutex> hold(lock());
    for (auto &s : d.streams)
        if (s.get() == handle) return s;
    return nullptr;
}

} // namespace hostcuda

using namespace hostcuda;

extern "C" {

// ---------------------------------------------------------------------------------------------------------- devices

int cuInit(unsigned flags) {
    return call("cuInit", Library::DRIVER, [&](Call &c) -> int {
        c.require(flags == 0);
        if (deviceCount() == 0) c.fail(CUDA_ERROR_NO_DEVICE);
        machine().initialized = true;
        return CUDA_SUCCESS;
    });
}

int cuDriverGetVersion(int *version) {
    return call("cuDriverGetVersion", Library::DRIVER, [&](Call &c) -> int {
        c.require(version);
        /* A driver supports its own CUDA version and all before: this one stands under the libraries of 12 and of 13. */
        *version = 13000;
        return CUDA_SUCCESS;
    });
}

int cuDeviceGetCount(int *count) {
    return driver("cuDeviceGetCount", [&](Call &c) -> int {
        c.require(count);
        *count = deviceCount();
        return CUDA_SUCCESS;
    });
}

int cuDeviceGet(int *handle, int n) {
    return driver("cuDeviceGet", [&](Call &c) -> int {
        c.require(handle);
        *handle = ordinal(c, n).ordinal;
        return CUDA_SUCCESS;
    });
}

int cuDeviceGetName(char *name, int length, int n) {
    return driver("cuDeviceGetName", [&](Call &c) -> int {
        c.require(name && length > 0);
        ordinal(c, n);
        snprintf(name, length, "Nullspace software device");
        return CUDA_SUCCESS;
    });
}

int cuDeviceGetUuid(unsigned char *uuid, int n) {
    return driver("cuDeviceGetUuid", [&](Call &c) -> int {
        c.require(uuid);
        ordinal(c, n);
        std::memset(uuid, 0, 16);
        std::memcpy(uuid, "nullspace-dev", 13);
        uuid[15] = (unsigned char)n;
        return CUDA_SUCCESS;
    });
}

int cuDeviceTotalMem_v2(size_t *bytes, int n) {
    return driver("cuDeviceTotalMem_v2", [&](Call &c) -> int {
        c.require(bytes);
        *bytes = ordinal(c, n).capacity;
        return CUDA_SUCCESS;
    });
}

int cuDeviceComputeCapability(int *major, int *minor, int n) {
    return driver("cuDeviceComputeCapability", [&](Call &c) -> int {
        c.require(major && minor);
        ordinal(c, n);
        *major = CAPABILITY_MAJOR;
        *minor = CAPABILITY_MINOR;
        return CUDA_SUCCESS;
    });
}

int cuDeviceGetPCIBusId(char *id, int length, int n) {
    return driver("cuDeviceGetPCIBusId", [&](Call &c) -> int {
        c.require(id && length > 12);
        ordinal(c, n);
        snprintf(id, length, "0000:%02X:00.0", n + 1);
        return CUDA_SUCCESS;
    });
}

int cuDeviceGetByPCIBusId(int *handle, const char *id) {
    return driver("cuDeviceGetByPCIBusId", [&](Call &c) -> int {
        unsigned domain, bus, slot;
        c.require(handle && id && sscanf(id, "%x:%x:%x", &domain, &bus, &slot) == 3);
        *handle = ordinal(c, (int)bus - 1).ordinal;
        return CUDA_SUCCESS;
    });
}

int cuDeviceGetAttribute(int *value, int attribute, int n) {
    return driver("cuDeviceGetAttribute", [&](Call &c) -> int {
        c.require(value && attribute > 0 && attribute < 200);
        ordinal(c, n);
        switch (attribute) {
        case 1: *value = 1024; break;            // MAX_THREADS_PER_BLOCK
        case 2: case 3: *value = 1024; break;    // MAX_BLOCK_DIM_X, Y
        case 4: *value = 64; break;              // MAX_BLOCK_DIM_Z
        case 5: *value = INT_MAX; break;         // MAX_GRID_DIM_X
        case 6: case 7: *value = 65535; break;   // MAX_GRID_DIM_Y, Z
        case 8: *value = (int)SHARED_DEFAULT; break; // MAX_SHARED_MEMORY_PER_BLOCK
        case 9: *value = 65536; break;           // TOTAL_CONSTANT_MEMORY
        case 10: *value = 32; break;             // WARP_SIZE
        case 11: *value = INT_MAX; break;        // MAX_PITCH
        case 12: case 82: *value = 65536; break; // MAX_REGISTERS_PER_BLOCK, _PER_MULTIPROCESSOR
        case 13: *value = 1000000; break;        // CLOCK_RATE
        case 14: *value = 512; break;            // TEXTURE_ALIGNMENT
        case 15: case 19: case 31: case 41: case 78: *value = 1; break; // GPU_OVERLAP, CAN_MAP_HOST_MEMORY, CONCURRENT_KERNELS,
                                                                        // UNIFIED_ADDRESSING, STREAM_PRIORITIES_SUPPORTED
        case 16: *value = 4; break;              // MULTIPROCESSOR_COUNT
        case 33: *value = n + 1; break;          // PCI_BUS_ID
        case 36: *value = 1000000; break;        // MEMORY_CLOCK_RATE
        case 37: *value = 128; break;            // GLOBAL_MEMORY_BUS_WIDTH
        case 38: *value = 4 << 20; break;        // L2_CACHE_SIZE
        case 39: *value = 2048; break;           // MAX_THREADS_PER_MULTIPROCESSOR
        case 40: *value = 2; break;              // ASYNC_ENGINE_COUNT
        case 75: *value = CAPABILITY_MAJOR; break;
        case 76: *value = CAPABILITY_MINOR; break;
        case 81: *value = 233472; break;         // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
        case 87: *value = 2; break;              // SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO
        case 97: *value = (int)SHARED_LIMIT; break; // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        case 106: *value = 32; break;            // MAX_BLOCKS_PER_MULTIPROCESSOR
        case 111: *value = 1024; break;          // RESERVED_SHARED_MEMORY_PER_BLOCK
        case 115: *value = 1; break;             // MEMORY_POOLS_SUPPORTED
        default: *value = 0;
        }
        return CUDA_SUCCESS;
    });
}

int cuDeviceCanAccessPeer(int *can, int n, int peer) {
    return driver("cuDeviceCanAccessPeer", [&](Call &c) -> int {
        c.require(can);
        ordinal(c, n);
        ordinal(c, peer);
        *can = 0;
        return CUDA_SUCCESS;
    });
}

// --------------------------------------------------------------------------------------------------------- contexts

int cuDevicePrimaryCtxRetain(void **handle, int n) {
    return driver("cuDevicePrimaryCtxRetain", [&](Call &c) -> int {
        c.require(handle);
        Device &d = ordinal(c, n);
        std::lock_guard<std::mutex> hold(lock());
        d.retained++;
        *handle = &d;
        return CUDA_SUCCESS;
    });
}

int cuDevicePrimaryCtxRelease_v2(int n) {
    return driver("cuDevicePrimaryCtxRelease_v2", [&](Call &c) -> int {
        c.require(n >= 0 && n < MAX_DEVICES);
        Device &d = device(n);
        {
            std::lock_guard<std::mutex> hold(lock());
            if (d.retained == 0) c.fail(CUDA_ERROR_INVALID_CONTEXT);
            if (d.retained > 1) {
                d.retained--;
                return CUDA_SUCCESS;
            }
        }
        drain(d);
        std::lock_guard<std::mutex> hold(lock());
        d.retained--;
        if (d.live > 0 || !d.streams.empty())
            violation("cuDevicePrimaryCtxRelease_v2: device %d still has %zu bytes and %zu streams in use", n, d.live,
                      d.streams.size());
        return CUDA_SUCCESS;
    });
}

int cuDevicePrimaryCtxGetState(int n, unsigned *flags, int *active) {
    return driver("cuDevicePrimaryCtxGetState", [&](Call &c) -> int {
        c.require(flags && active);
        Device &d = ordinal(c, n);
        *flags = 0;
        *active = d.retained > 0;
        return CUDA_SUCCESS;
    });
}

int cuDevicePrimaryCtxSetFlags_v2(int n, unsigned flags) {
    return driver("cuDevicePrimaryCtxSetFlags_v2", [&](Call &c) -> int {
        ordinal(c, n);
        c.require(flags < 64);
        return CUDA_SUCCESS;
    });
}

int cuCtxPushCurrent_v2(void *handle) {
    return driver("cuCtxPushCurrent_v2", [&](Call &c) -> int {
        contextStack().push_back(&context(c, handle));
        return CUDA_SUCCESS;
    });
}

int cuCtxPopCurrent_v2(void **handle) {
    return driver("cuCtxPopCurrent_v2", [&](Call &c) -> int {
        auto &stack = contextStack();
        if (stack.empty()) c.fail(CUDA_ERROR_INVALID_CONTEXT);
        if (handle) *handle = stack.back();
        stack.pop_back();
        return CUDA_SUCCESS;
    });
}

int cuCtxSetCurrent(void *handle) {
    return driver("cuCtxSetCurrent", [&](Call &c) -> int {
        auto &stack = contextStack();
        Device *d = handle ? &context(c, handle) : nullptr;
        if (!stack.empty()) stack.pop_back();
        if (d) stack.push_back(d);
        return CUDA_SUCCESS;
    });
}

int cuCtxGetCurrent(void **handle) {
    return driver("cuCtxGetCurrent", [&](Call &c) -> int {
        c.require(handle);
        *handle = currentDevice();
        return CUDA_SUCCESS;
    });
}

int cuCtxGetDevice(int *n) {
    return driver("cuCtxGetDevice", [&](Call &c) -> int {
        c.require(n);
        Device *d = currentDevice();
        if (!d) c.fail(CUDA_ERROR_INVALID_CONTEXT);
        *n = d->ordinal;
        return CUDA_SUCCESS;
    });
}

int cuCtxGetApiVersion(void *handle, unsigned *version) {
    return driver("cuCtxGetApiVersion", [&](Call &c) -> int {
        c.require(version);
        if (handle) context(c, handle);
        *version = 3020;
        return CUDA_SUCCESS;
    });
}

int cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    return driver("cuCtxGetStreamPriorityRange", [&](Call &c) -> int {
        c.current();
        if (least) *least = 0;
        if (greatest) *greatest = -5;
        return CUDA_SUCCESS;
    });
}

int cuCtxSynchronize() {
    return driver("cuCtxSynchronize", [&](Call &c) -> int {
        Device &d = c.current();
        drain(d);
        return d.broken;
    });
}

// ----------------------------------------------------------------------------------------------------------- memory

int cuMemGetInfo_v2(size_t *free, size_t *total) {
    return driver("cuMemGetInfo_v2", [&](Call &c) -> int {
        Device &d = c.current();
        std::lock_guard<std::mutex> hold(lock());
        if (free) *free = d.capacity - std::min(d.used, d.capacity);
        if (total) *total = d.capacity;
        return CUDA_SUCCESS;
    });
}

int cuMemAlloc_v2(uintptr_t *address, size_t bytes) {
    return driver("cuMemAlloc_v2", [&](Call &c) -> int {
        Device &d = c.current();
        c.require(address && bytes > 0);
        Block b = allocationFails() ? nullptr : allocate(d, Kind::DEVICE, bytes);
        if (!b) c.fail(CUDA_ERROR_OUT_OF_MEMORY);
        *address = (uintptr_t)b->start;
        return CUDA_SUCCESS;
    });
}

int cuMemAllocPitch_v2(uintptr_t *address, size_t *pitch, size_t width, size_t height, unsigned element) {
    return driver("cuMemAllocPitch_v2", [&](Call &c) -> int {
        Device &d = c.current();
        c.require(address && pitch && width > 0 && height > 0 && (element == 4 || element == 8 || element == 16));
        *pitch = (width + 511) / 512 * 512;
        Block b = allocationFails() ? nullptr : allocate(d, Kind::DEVICE, *pitch * height);
        if (!b) c.fail(CUDA_ERROR_OUT_OF_MEMORY);
        *address = (uintptr_t)b->start;
        return CUDA_SUCCESS;
    });
}

int cuMemFree_v2(uintptr_t address) {
    return driver("cuMemFree_v2", [&](Call &c) -> int {
        if (!currentDevice()) c.refuse(Problem::CONTEXT, "no context is current in this thread");
        if (!address) return CUDA_SUCCESS;
        Block b = deviceBlock(c, nullptr, (void *)address);
        return giveBack(c, *b->device, b);
    });
}

int cuMemAllocAsync(uintptr_t *address, size_t bytes, void *streamHandle) {
    return driver("cuMemAllocAsync", [&](Call &c) -> int {
        Device &d = c.current();
        stream(c, streamHandle);
        c.require(address && bytes > 0);
        Block b = allocationFails() ? nullptr : allocate(d, Kind::DEVICE, bytes);
        if (!b) c.fail(CUDA_ERROR_OUT_OF_MEMORY);
        *address = (uintptr_t)b->start;
        return CUDA_SUCCESS;
    });
}

int cuMemFreeAsync(uintptr_t address, void *streamHandle) {
    return driver("cuMemFreeAsync", [&](Call &c) -> int {
        Device *d = currentDevice();
        if (!d) c.refuse(Problem::CONTEXT, "no context is current in this thread");
        c.device = d;
        auto on = stream(c, streamHandle);
        if (!address) return CUDA_SUCCESS;
        Block b = deviceBlock(c, d, (void *)address);
        markFreed(b);
        c.enqueue(on, [b] { release(b); }, 0, true);
        c.on(d);
        return CUDA_SUCCESS;
    });
}

static int allocateHost(const char *routine, void **address, size_t bytes) {
    return driver(routine, [&](Call &c) -> int {
        Device &d = c.current();
        c.require(address && bytes > 0);
        Block b = allocationFails() ? nullptr : allocate(d, Kind::PINNED, bytes);
        if (!b) c.fail(CUDA_ERROR_OUT_OF_MEMORY);
        addObject(b->start, "pinned host block");
        *address = b->start;
        return CUDA_SUCCESS;
    });
}

int cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
    if (flags > 7) return CUDA_ERROR_INVALID_VALUE;
    return allocateHost("cuMemHostAlloc", address, bytes);
}

int cuMemAllocHost_v2(void **address, size_t bytes) { return allocateHost("cuMemAllocHost_v2", address, bytes); }

// Host memory leaves the device's view: a violation when queued work still reads or writes it.
static int forgetHost(Call &c, const Block &b, const char *kind) {
    int queued;
    {
        std::lock_guard<std::mutex> hold(lock());
        queued = b->queued;
    }
    if (queued > 0)
        violation("%s: host memory of %zu bytes at %p is an operand of work that has not run yet", c.routine, b->size,
                  (void *)b->start);
    removeObject(b->start, kind);
    drain(*b->device);
    markFreed(b);
    release(b);
    c.on(b->device);
    return CUDA_SUCCESS;
}

int cuMemFreeHost(void *address) {
    return driver("cuMemFreeHost", [&](Call &c) -> int {
        if (!currentDevice()) c.refuse(Problem::CONTEXT, "no context is current in this thread");
        Block b = findBlock(address);
        if (!b || b->kind != Kind::PINNED || b->start != address)
            c.refuse(Problem::VALUE, "%p is not the start of pinned host memory (%s)", address,
                     describeAddress(address).c_str());
        return forgetHost(c, b, "pinned host block");
    });
}

int cuMemHostRegister_v2(void *address, size_t bytes, unsigned flags) {
    return driver("cuMemHostRegister_v2", [&](Call &c) -> int {
        Device &d = c.current();
        c.require(address && bytes > 0 && flags < 16);
        Block b = registerHost(d, address, bytes);
        if (!b) c.fail(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
        addObject(address, "registered host block");
        return CUDA_SUCCESS;
    });
}

int cuMemHostUnregister(void *address) {
    return driver("cuMemHostUnregister", [&](Call &c) -> int {
        if (!currentDevice()) c.refuse(Problem::CONTEXT, "no context is current in this thread");
        Block b = findBlock(address);
        if (!b || b->kind != Kind::REGISTERED || b->start != address) c.fail(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
        return forgetHost(c, b, "registered host block");
    });
}

int cuMemGetAddressRange_v2(uintptr_t *base, size_t *bytes, uintptr_t address) {
    return driver("cuMemGetAddressRange_v2", [&](Call &c) -> int {
        c.current();
        Block b = findBlock((void *)address);
        if (!b || b->kind != Kind::DEVICE) c.fail(CUDA_ERROR_NOT_FOUND);
        if (base) *base = (uintptr_t)b->start;
        if (bytes) *bytes = b->size;
        return CUDA_SUCCESS;
    });
}

static int pointerAttribute(Call &c, void *data, int attribute, const Block &b, uintptr_t address) {
    switch (attribute) {
    case 1: *(void **)data = b->device; break;                                 // CONTEXT
    case 2: *(unsigned *)data = b->kind == Kind::DEVICE ? 2 : 1; break;        // MEMORY_TYPE
    case 3: *(uintptr_t *)data = address; break;                               // DEVICE_POINTER
    case 8: *(unsigned *)data = 0; break;                                      // IS_MANAGED
    case 9: *(int *)data = b->device->ordinal; break;                          // DEVICE_ORDINAL
    case 11: *(uintptr_t *)data = (uintptr_t)b->start; break;                  // RANGE_START_ADDR
    case 12: *(size_t *)data = b->size; break;                                 // RANGE_SIZE
    default: c.refuse(Problem::UNSUPPORTED, "pointer attribute %d", attribute);
    }
    return CUDA_SUCCESS;
}

int cuPointerGetAttribute(void *data, int attribute, uintptr_t address) {
    return driver("cuPointerGetAttribute", [&](Call &c) -> int {
        c.require(data);
        Block b = findBlock((void *)address);
        c.require(b != nullptr);
        return pointerAttribute(c, data, attribute, b, address);
    });
}

int cuPointerGetAttributes(unsigned n, int *attributes, void **data, uintptr_t address) {
    return driver("cuPointerGetAttributes", [&](Call &c) -> int {
        c.require(attributes && data);
        Block b = findBlock((void *)address);
        for (unsigned i = 0; i < n; i++) {
            if (b) pointerAttribute(c, data[i], attributes[i], b, address);
            else if (attributes[i] == 2 || attributes[i] == 8) *(unsigned *)data[i] = 0;
        }
        return CUDA_SUCCESS;
    });
}

// ----------------------------------------------------------------------------------------------------------- copies

int cuMemcpyHtoD_v2(uintptr_t to, const void *from, size_t bytes) {
    return transfer({"cuMemcpyHtoD_v2", Where::DEVICE, Where::HOST, false, true}, (void *)to, from, bytes, nullptr);
}
int cuMemcpyDtoH_v2(void *to, uintptr_t from, size_t bytes) {
    return transfer({"cuMemcpyDtoH_v2", Where::HOST, Where::DEVICE, false, true}, to, (void *)from, bytes, nullptr);
}
int cuMemcpyDtoD_v2(uintptr_t to, uintptr_t from, size_t bytes) {
    return transfer({"cuMemcpyDtoD_v2", Where::DEVICE, Where::DEVICE, false, false}, (void *)to, (void *)from, bytes, nullptr);
}
int cuMemcpy(uintptr_t to, uintptr_t from, size_t bytes) {
    return transfer({"cuMemcpy", Where::ANY, Where::ANY, false, true}, (void *)to, (void *)from, bytes, nullptr);
}
int cuMemcpyHtoDAsync_v2(uintptr_t to, const void *from, size_t bytes, void *s) {
    return transfer({"cuMemcpyHtoDAsync_v2", Where::DEVICE, Where::HOST, true, false}, (void *)to, from, bytes, s);
}
int cuMemcpyDtoHAsync_v2(void *to, uintptr_t from, size_t bytes, void *s) {
    return transfer({"cuMemcpyDtoHAsync_v2", Where::HOST, Where::DEVICE, true, false}, to, (void *)from, bytes, s);
}
int cuMemcpyDtoDAsync_v2(uintptr_t to, uintptr_t from, size_t bytes, void *s) {
    return transfer({"cuMemcpyDtoDAsync_v2", Where::DEVICE, Where::DEVICE, true, false}, (void *)to, (void *)from, bytes, s);
}
int cuMemcpyAsync(uintptr_t to, uintptr_t from, size_t bytes, void *s) {
    return transfer({"cuMemcpyAsync", Where::ANY, Where::ANY, true, false}, (void *)to, (void *)from, bytes, s);
}

static int copyPeer(const char *routine, uintptr_t to, void *toContext, uintptr_t from, void *fromContext, size_t bytes, void *s,
                    bool async) {
    return driver(routine, [&](Call &c) -> int {
        Device &d = c.current();
        auto on = async ? stream(c, s) : d.nullStream;
        Device &target = context(c, toContext);
        Device &source = context(c, fromContext);
        if (bytes == 0) return CUDA_SUCCESS;
        Side t = side(c, "destination", (void *)to, Where::DEVICE, bytes, &target);
        Side f = side(c, "source", (void *)from, Where::DEVICE, bytes, &source);
        return copy(c, on, t, bytes, f, bytes, bytes, 1, false);
    });
}

int cuMemcpyPeer(uintptr_t to, void *toContext, uintptr_t from, void *fromContext, size_t bytes) {
    return copyPeer("cuMemcpyPeer", to, toContext, from, fromContext, bytes, nullptr, false);
}
int cuMemcpyPeerAsync(uintptr_t to, void *toContext, uintptr_t from, void *fromContext, size_t bytes, void *s) {
    return copyPeer("cuMemcpyPeerAsync", to, toContext, from, fromContext, bytes, s, true);
}

int cuMemcpy2D_v2(const Copy2D *p) { return transfer2D("cuMemcpy2D_v2", p, nullptr, false); }
int cuMemcpy2DUnaligned_v2(const Copy2D *p) { return transfer2D("cuMemcpy2DUnaligned_v2", p, nullptr, false); }
int cuMemcpy2DAsync_v2(const Copy2D *p, void *s) { return transfer2D("cuMemcpy2DAsync_v2", p, s, true); }

int cuMemsetD8_v2(uintptr_t to, unsigned char v, size_t n) { return fill("cuMemsetD8_v2", to, 0, v, n, 1, false, nullptr); }
int cuMemsetD16_v2(uintptr_t to, unsigned short v, size_t n) { return fill("cuMemsetD16_v2", to, 0, v, n, 1, false, nullptr); }
int cuMemsetD32_v2(uintptr_t to, unsigned v, size_t n) { return fill("cuMemsetD32_v2", to, 0, v, n, 1, false, nullptr); }
int cuMemsetD8Async(uintptr_t to, unsigned char v, size_t n, void *s) { return fill("cuMemsetD8Async", to, 0, v, n, 1, true, s); }
int cuMemsetD16Async(uintptr_t to, unsigned short v, size_t n, void *s) {
    return fill("cuMemsetD16Async", to, 0, v, n, 1, true, s);
}
int cuMemsetD32Async(uintptr_t to, unsigned v, size_t n, void *s) { return fill("cuMemsetD32Async", to, 0, v, n, 1, true, s); }
int cuMemsetD2D8_v2(uintptr_t to, size_t pitch, unsigned char v, size_t w, size_t h) {
    return fill("cuMemsetD2D8_v2", to, pitch, v, w, h, false, nullptr);
}
int cuMemsetD2D16_v2(uintptr_t to, size_t pitch, unsigned short v, size_t w, size_t h) {
    return fill("cuMemsetD2D16_v2", to, pitch, v, w, h, false, nullptr);
}
int cuMemsetD2D32_v2(uintptr_t to, size_t pitch, unsigned v, size_t w, size_t h) {
    return fill("cuMemsetD2D32_v2", to, pitch, v, w, h, false, nullptr);
}
int cuMemsetD2D8Async(uintptr_t to, size_t pitch, unsigned char v, size_t w, size_t h, void *s) {
    return fill("cuMemsetD2D8Async", to, pitch, v, w, h, true, s);
}
int cuMemsetD2D16Async(uintptr_t to, size_t pitch, unsigned short v, size_t w, size_t h, void *s) {
    return fill("cuMemsetD2D16Async", to, pitch, v, w, h, true, s);
}
int cuMemsetD2D32Async(uintptr_t to, size_t pitch, unsigned v, size_t w, size_t h, void *s) {
    return fill("cuMemsetD2D32Async", to, pitch, v, w, h, true, s);
}

// ---------------------------------------------------------------------------------------------------------- streams

static int createStream(const char *routine, void **handle, unsigned flags, int priority) {
    return driver(routine, [&](Call &c) -> int {
        Device &d = c.current();
        c.require(handle && flags <= 1);
        auto s = std::make_shared<Stream>();
        s->device = &d;
        s->flags = flags;
        s->priority = priority;
        *handle = s.get();
        addObject(s.get(), "stream");
        std::lock_guard<std::mutex> hold(lock());
        d.streams.push_back(s);
        return CUDA_SUCCESS;
    });
}

int cuStreamCreate(void **handle, unsigned flags) { return createStream("cuStreamCreate", handle, flags, 0); }
int cuStreamCreateWithPriority(void **handle, unsigned flags, int priority) {
    return createStream("cuStreamCreateWithPriority", handle, flags, priority);
}

// The device of a stream need not be current.
static std::shared_ptr<Stream> anyStream(Call &c, void *handle) {
    if (handle == nullptr || handle == (void *)1) return c.current().nullStream;
    for (int i = 0; i < MAX_DEVICES; i++) {
        if (auto s = streamOf(device(i), handle)) {
            c.on(s->device);
            return s;
        }
    }
    c.refuse(Problem::HANDLE, "%p is not a stream", handle);
}

int cuStreamDestroy_v2(void *handle) {
    return driver("cuStreamDestroy_v2", [&](Call &c) -> int {
        if (!removeObject(handle, "stream")) c.refuse(Problem::HANDLE, "%p is not a stream", handle);
        auto *s = static_cast<Stream *>(handle);
        Device *d = s->device;
        {
            // Its work goes on: it is drained with the device.
            std::lock_guard<std::mutex> hold(lock());
            s->destroyed = true;
            if (s->completed == s->submitted) {
                for (size_t i = 0; i < d->streams.size(); i++)
                    if (d->streams[i].get() == s) {
                        d->streams.erase(d->streams.begin() + i);
                        break;
                    }
            }
        }
        c.on(d);
        return CUDA_SUCCESS;
    });
}

int cuStreamSynchronize(void *handle) {
    return driver("cuStreamSynchronize", [&](Call &c) -> int {
        auto s = anyStream(c, handle);
        if (handle == nullptr || handle == (void *)1) c.enqueue(s, [] {}); // Waits for the blocking streams.
        drain(s);
        return s->device->broken;
    });
}

int cuStreamQuery(void *handle) {
    return driver("cuStreamQuery", [&](Call &c) -> int {
        auto s = anyStream(c, handle);
        std::lock_guard<std::mutex> hold(lock());
        return s->completed == s->submitted ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
    });
}

int cuStreamWaitEvent(void *handle, void *eventHandle, unsigned flags) {
    return driver("cuStreamWaitEvent", [&](Call &c) -> int {
        c.require(flags == 0);
        auto s = anyStream(c, handle);
        Event &e = event(c, eventHandle);
        if (!e.recorded) return CUDA_SUCCESS;
        Mark mark = e.mark;
        if (mark.stream == s) return CUDA_SUCCESS;
        c.enqueue(s, [mark] { drain(mark); }, 0, true);
        return CUDA_SUCCESS;
    });
}

int cuStreamGetCtx(void *handle, void **context) {
    return driver("cuStreamGetCtx", [&](Call &c) -> int {
        c.require(context);
        *context = anyStream(c, handle)->device;
        return CUDA_SUCCESS;
    });
}

int cuStreamGetFlags(void *handle, unsigned *flags) {
    return driver("cuStreamGetFlags", [&](Call &c) -> int {
        c.require(flags);
        *flags = anyStream(c, handle)->flags;
        return CUDA_SUCCESS;
    });
}

int cuStreamGetPriority(void *handle, int *priority) {
    return driver("cuStreamGetPriority", [&](Call &c) -> int {
        c.require(priority);
        *priority = anyStream(c, handle)->priority;
        return CUDA_SUCCESS;
    });
}

int cuStreamIsCapturing(void *handle, int *capturing) {
    return driver("cuStreamIsCapturing", [&](Call &c) -> int {
        c.require(capturing);
        anyStream(c, handle);
        *capturing = 0;
        return CUDA_SUCCESS;
    });
}

int cuLaunchHostFunc(void *handle, void (*function)(void *), void *data) {
    return driver("cuLaunchHostFunc", [&](Call &c) -> int {
        c.require(function);
        auto s = anyStream(c, handle);
        c.enqueue(s, [=] { function(data); });
        return CUDA_SUCCESS;
    });
}

// ----------------------------------------------------------------------------------------------------------- events

int cuEventCreate(void **handle, unsigned flags) {
    return driver("cuEventCreate", [&](Call &c) -> int {
        Device &d = c.current();
        c.require(handle && flags < 8);
        auto *e = new Event;
        e->device = &d;
        e->flags = flags;
        *handle = e;
        addObject(e, "event");
        return CUDA_SUCCESS;
    });
}

int cuEventDestroy_v2(void *handle) {
    return driver("cuEventDestroy_v2", [&](Call &c) -> int {
        if (!removeObject(handle, "event")) c.refuse(Problem::HANDLE, "%p is not an event", handle);
        auto *e = static_cast<Event *>(handle);
        Device *d = e->device;
        delete e;
        c.on(d);
        return CUDA_SUCCESS;
    });
}

static int recordEvent(const char *routine, void *handle, void *streamHandle) {
    return driver(routine, [&](Call &c) -> int {
        auto s = anyStream(c, streamHandle);
        Event &e = event(c, handle);
        if (e.device != s->device)
            c.refuse(Problem::HANDLE, "the event is of device %d, the stream of device %d", e.device->ordinal,
                     s->device->ordinal);
        auto time = std::make_shared<double>(0);
        e.milliseconds = time;
        e.mark = c.enqueue(s, [time] { *time = now(); }, 0, true);
        e.recorded = true;
        return CUDA_SUCCESS;
    });
}

int cuEventRecord(void *handle, void *s) { return recordEvent("cuEventRecord", handle, s); }
int cuEventRecordWithFlags(void *handle, void *s, unsigned) { return recordEvent("cuEventRecordWithFlags", handle, s); }

int cuEventQuery(void *handle) {
    return driver("cuEventQuery", [&](Call &c) -> int {
        Event &e = event(c, handle);
        c.on(e.device);
        return !e.recorded || reached(e.mark) ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
    });
}

int cuEventSynchronize(void *handle) {
    return driver("cuEventSynchronize", [&](Call &c) -> int {
        Event &e = event(c, handle);
        c.on(e.device);
        if (e.recorded) return settle(*e.device, Mark(e.mark));
        return CUDA_SUCCESS;
    });
}

int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
    return driver("cuEventElapsedTime", [&](Call &c) -> int {
        c.require(milliseconds);
        Event &a = event(c, start);
        Event &b = event(c, end);
        c.on(a.device);
        constexpr unsigned disableTiming = 2;
        if (!a.recorded || !b.recorded || ((a.flags | b.flags) & disableTiming)) c.fail(CUDA_ERROR_INVALID_HANDLE);
        if (!reached(a.mark) || !reached(b.mark)) return CUDA_ERROR_NOT_READY;
        *milliseconds = (float)(*b.milliseconds - *a.milliseconds);
        return CUDA_SUCCESS;
    });
}

// ------------------------------------------------------------------------------------------------------ error texts

static const struct {
    int code;
    const char *name, *text;
} ERRORS[] = {
        {0, "CUDA_SUCCESS", "no error"},
        {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
        {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
        {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
        {4, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
        {34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"},
        {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"},
        {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
        {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
        {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
        {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
        {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
        {214, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered"},
        {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
        {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
        {304, "CUDA_ERROR_OPERATING_SYSTEM", "OS call failed or operation not supported on this OS"},
        {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
        {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
        {600, "CUDA_ERROR_NOT_READY", "device not ready"},
        {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
        {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
        {702, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
        {709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
        {712, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED", "part or all of the requested memory range is already mapped"},
        {713, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED", "pointer does not correspond to a registered memory region"},
        {716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
        {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
        {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
        {802, "CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized"},
        {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"},
        {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

int cuGetErrorName(int code, const char **text) {
    for (auto &e : ERRORS)
        if (e.code == code) {
            *text = e.name;
            return CUDA_SUCCESS;
        }
    *text = nullptr;
    return CUDA_ERROR_INVALID_VALUE;
}

int cuGetErrorString(int code, const char **text) {
    for (auto &e : ERRORS)
        if (e.code == code) {
            *text = e.text;
            return CUDA_SUCCESS;
        }
    *text = nullptr;
    return CUDA_ERROR_INVALID_VALUE;
}

} // extern "C"
