// Modules, functions and launches of the driver API.
#include "hostcuda.h"
#include "kernel.h"
#include "launch.h"

#include <algorithm>

namespace hostcuda {

namespace {

struct Kernels {
    std::map<std::string, Kernel> byName;
    std::map<uint64_t, std::vector<std::string>> bySource;
};

Kernels &kernels() {
    static auto *k = new Kernels;
    return *k;
}

struct Module;

struct Function {
    Module *module;
    const Kernel *kernel;
    int mostDynamic = (int)SHARED_DEFAULT;
};

struct Module {
    Device *device;
    std::map<std::string, Function> functions;
};

std::atomic<long> launchCount{0};

Function &function(Call &c, void *handle) {
    if (!isObject(handle, "function")) c.refuse(Problem::HANDLE, "%p is not a function of a loaded module", handle);
    return *static_cast<Function *>(handle);
}

template <class Body> int driver(const char *routine, Body body) { return call(routine, Library::DRIVER, body); }

int loadModule(const char *routine, void **handle, const char *image) {
    return driver(routine, [&](Call &c) -> int {
        Device &d = c.current();
        c.require(handle && image);
        size_t n = sizeof CUBIN_MAGIC - 1;
        if (std::strncmp(image, CUBIN_MAGIC, n) != 0) c.fail(CUDA_ERROR_INVALID_IMAGE);
        // MAGIC sm_XX\nname\nname\n...\nend\n
        std::vector<std::string> lines;
        for (const char *p = image + n; *p;) {
            const char *end = std::strchr(p, '\n');
            if (!end) break;
            lines.emplace_back(p, end);
            p = end + 1;
        }
        if (lines.size() < 2 || lines.back() != "end" || lines[0].compare(0, 4, " sm_") != 0) c.fail(CUDA_ERROR_INVALID_IMAGE);
        int sm = atoi(lines[0].c_str() + 4);
        if (sm / 10 != CAPABILITY_MAJOR || sm % 10 > CAPABILITY_MINOR) c.fail(CUDA_ERROR_NO_BINARY_FOR_GPU);
        auto *m = new Module{&d, {}};
        for (size_t i = 1; i + 1 < lines.size(); i++) {
            const Kernel *k = findKernel(lines[i]);
            if (!k) {
                delete m;
                c.fail(CUDA_ERROR_INVALID_IMAGE);
            }
            m->functions[lines[i]] = Function{m, k};
        }
        addObject(m, "module");
        *handle = m;
        return CUDA_SUCCESS;
    });
}

} // namespace

long launches() { return launchCount; }
void resetLaunches() { launchCount = 0; }

const Kernel *findKernel(const std::string &name) {
    auto it = kernels().byName.find(name);
    return it == kernels().byName.end() ? nullptr : &it->second;
}

const std::vector<std::string> *kernelsOfSource(uint64_t hash) {
    auto it = kernels().bySource.find(hash);
    return it == kernels().bySource.end() ? nullptr : &it->second;
}

void registerKernel(const char *name, std::function<Arguments(void **)> bind) {
    kernels().byName[name] = Kernel{name, std::move(bind)};
}

void registerSource(uint64_t hash, std::vector<std::string> names) { kernels().bySource[hash] = std::move(names); }

} // namespace hostcuda

using namespace hostcuda;

extern "C" {

int cuModuleLoadData(void **handle, const void *image) {
    return loadModule("cuModuleLoadData", handle, static_cast<const char *>(image));
}

int cuModuleLoadDataEx(void **handle, const void *image, unsigned, int *, void **) {
    return loadModule("cuModuleLoadDataEx", handle, static_cast<const char *>(image));
}

int cuModuleUnload(void *handle) {
    return driver("cuModuleUnload", [&](Call &c) -> int {
        if (!removeObject(handle, "module")) c.refuse(Problem::HANDLE, "%p is not a loaded module", handle);
        auto *m = static_cast<Module *>(handle);
        Device *d = m->device;
        for (auto &f : m->functions) removeObject(&f.second, "function");
        delete m;
        c.on(d);
        return CUDA_SUCCESS;
    });
}

int cuModuleGetFunction(void **handle, void *module, const char *name) {
    return driver("cuModuleGetFunction", [&](Call &c) -> int {
        if (!isObject(module, "module")) c.refuse(Problem::HANDLE, "%p is not a loaded module", module);
        c.require(handle && name);
        auto *m = static_cast<Module *>(module);
        c.on(m->device);
        auto it = m->functions.find(name);
        if (it == m->functions.end()) c.fail(CUDA_ERROR_NOT_FOUND);
        addObject(&it->second, "function");
        *handle = &it->second;
        return CUDA_SUCCESS;
    });
}

int cuModuleGetGlobal_v2(uintptr_t *, size_t *, void *module, const char *) {
    return driver("cuModuleGetGlobal_v2", [&](Call &c) -> int {
        if (!isObject(module, "module")) c.refuse(Problem::HANDLE, "%p is not a loaded module", module);
        return CUDA_ERROR_NOT_FOUND;
    });
}

int cuModuleGetLoadingMode(int *mode) {
    return driver("cuModuleGetLoadingMode", [&](Call &c) -> int {
        c.require(mode);
        *mode = 1;
        return CUDA_SUCCESS;
    });
}

int cuFuncGetModule(void **module, void *handle) {
    return driver("cuFuncGetModule", [&](Call &c) -> int {
        c.require(module);
        *module = function(c, handle).module;
        return CUDA_SUCCESS;
    });
}

int cuFuncGetAttribute(int *value, int attribute, void *handle) {
    return driver("cuFuncGetAttribute", [&](Call &c) -> int {
        Function &f = function(c, handle);
        c.require(value && attribute >= 0 && attribute < 16);
        switch (attribute) {
        case 0: *value = 1024; break;          // MAX_THREADS_PER_BLOCK
        case 4: *value = 32; break;            // NUM_REGS
        case 5: case 6: *value = CAPABILITY_MAJOR * 10 + CAPABILITY_MINOR; break; // PTX_VERSION, BINARY_VERSION
        case 8: *value = f.mostDynamic; break; // MAX_DYNAMIC_SHARED_SIZE_BYTES
        default: *value = 0;
        }
        return CUDA_SUCCESS;
    });
}

int cuFuncSetAttribute(void *handle, int attribute, int value) {
    return driver("cuFuncSetAttribute", [&](Call &c) -> int {
        Function &f = function(c, handle);
        if (attribute == 9) { // PREFERRED_SHARED_MEMORY_CARVEOUT
            c.require(value >= -1 && value <= 100);
            return CUDA_SUCCESS;
        }
        c.require(attribute == 8 && value >= 0 && value <= (int)SHARED_LIMIT);
        f.mostDynamic = std::max(value, 0);
        return CUDA_SUCCESS;
    });
}

int cuFuncSetCacheConfig(void *handle, int config) {
    return driver("cuFuncSetCacheConfig", [&](Call &c) -> int {
        function(c, handle);
        c.require(config >= 0 && config <= 3);
        return CUDA_SUCCESS;
    });
}

static int occupancy(Call &c, int *blocks, void *handle, int threads, size_t shared) {
    function(c, handle);
    c.require(blocks && threads > 0);
    long byThreads = threads > 1024 ? 0 : 2048 / ((threads + 31) / 32 * 32);
    long byShared = shared > SHARED_LIMIT ? 0 : (long)(233472 / (shared + 1024));
    *blocks = (int)std::min(32l, std::min(byThreads, byShared));
    return CUDA_SUCCESS;
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *handle, int threads, size_t shared) {
    return driver("cuOccupancyMaxActiveBlocksPerMultiprocessor",
                  [&](Call &c) { return occupancy(c, blocks, handle, threads, shared); });
}

int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, void *handle, int threads, size_t shared, unsigned) {
    return driver("cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags",
                  [&](Call &c) { return occupancy(c, blocks, handle, threads, shared); });
}

int cuOccupancyMaxPotentialBlockSize(int *grid, int *block, void *handle, size_t (*)(int), size_t, int limit) {
    return driver("cuOccupancyMaxPotentialBlockSize", [&](Call &c) -> int {
        function(c, handle);
        c.require(grid && block);
        *block = limit > 0 ? std::min(limit, 1024) : 1024;
        *grid = 4 * (2048 / *block);
        return CUDA_SUCCESS;
    });
}

int cuLaunchKernel(void *handle, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   void *streamHandle, void **parameters, void **extra) {
    return driver("cuLaunchKernel", [&](Call &c) -> int {
        Device &d = c.current();
        Function &f = function(c, handle);
        const char *name = f.kernel->name.c_str();
        if (f.module->device != &d)
            c.refuse(Problem::HANDLE, "%s was loaded on device %d, the current context is of device %d", name,
                     f.module->device->ordinal, d.ordinal);
        auto s = streamOf(d, streamHandle);
        if (!s) c.refuse(Problem::HANDLE, "%s: %p is not a stream of device %d", name, streamHandle, d.ordinal);
        if (extra) c.refuse(Problem::UNSUPPORTED, "%s: arguments in `extra`", name);
        c.require(gx > 0 && gy > 0 && gz > 0 && bx > 0 && by > 0 && bz > 0);
        c.require(gx <= INT_MAX && gy <= 65535 && gz <= 65535);
        c.require(bx <= 1024 && by <= 1024 && bz <= 64 && (size_t)bx * by * bz <= 1024);
        c.require(shared <= (unsigned)f.mostDynamic);
        c.require(parameters != nullptr);
        auto arguments = std::make_shared<Arguments>(f.kernel->bind(parameters));
        for (auto &p : arguments->pointers) {
            if (!p.second) continue;
            // One past the end is what a slice of no elements starts at.
            Block b = findBlock(p.second);
            if (!b) b = findBlock((const char *)p.second - 1);
            if (!b || b->kind != Kind::DEVICE || b->device != &d)
                c.refuse(Problem::LOST, "argument %d of %s, %p, is not memory of device %d (%s)", p.first, name, p.second,
                         d.ordinal, describeAddress(p.second).c_str());
            c.operands.push_back(b);
        }
        launchCount++;
        auto blocks = c.operands;
        const Kernel *kernel = f.kernel;
        Geometry g{{gx, gy, gz}, {bx, by, bz}, shared};
        Device *device = &d;
        c.enqueue(s, [=] {
            if (!execute(*kernel, g, arguments->thread)) breakDevice(*device, CUDA_ERROR_LAUNCH_FAILED);
            std::string where;
            for (const Block &b : blocks) {
                if (!guardsIntact(*b, &where)) {
                    violation("%s: %s of its operand of %zu bytes at %p was overwritten", kernel->name.c_str(), where.c_str(),
                              b->size, (void *)b->start);
                    breakDevice(*device, CUDA_ERROR_ILLEGAL_ADDRESS);
                }
            }
        });
        return CUDA_SUCCESS;
    });
}

} // extern "C"
