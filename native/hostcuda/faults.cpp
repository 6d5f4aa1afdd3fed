// Calls: counting, faults on request, checks of operands, violations; and the objects that are alive.
#include "hostcuda.h"
#include "faults.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace hostcuda {

std::mutex &lock() {
    static auto *mutex = new std::mutex;
    return *mutex;
}

namespace {

struct State {
    std::map<std::string, Counter> counters;
    std::vector<std::string> violations;
    std::map<const void *, const char *> objects;
    long allocations = 0;
    std::vector<long> failingAllocations;
};

State &state() {
    static auto *s = new State;
    return *s;
}

// Not under lock(): violations are recorded by code that holds it.
std::mutex &violationLock() {
    static auto *mutex = new std::mutex;
    return *mutex;
}

constexpr size_t MOST_VIOLATIONS = 1000;

std::string formatted(const char *format, va_list arguments) {
    char text[1000];
    vsnprintf(text, sizeof text, format, arguments);
    return text;
}

bool applies(std::vector<Counter::Rule> &rules, long call, int *value) {
    for (size_t i = 0; i < rules.size(); i++) {
        if (rules[i].call == call) {
            *value = rules[i].value;
            rules.erase(rules.begin() + i);
            return true;
        }
    }
    return false;
}

} // namespace

int status(Library library, Problem problem) {
    static const int codes[4][8] = {
            // VALUE, ADDRESS, MEMORY, UNINITIALIZED, CONTEXT, HANDLE, LOST, UNSUPPORTED
            {1, 1, 2, 3, 201, 400, 700, 801}, // driver
            {3, 3, 1, 3, 3, 4, 11, 3},        // NVRTC
            {7, 13, 3, 1, 1, 1, 13, 15},      // cuBLAS
            {3, 6, 2, 1, 1, 1, 6, 9},         // cuSOLVER
    };
    return codes[(int)library][(int)problem];
}

void violation(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::string text = formatted(format, arguments);
    va_end(arguments);
    std::lock_guard<std::mutex> hold(violationLock());
    auto &all = state().violations;
    if (all.size() < MOST_VIOLATIONS) all.push_back(text);
}

void breakDevice(Device &device, int status) {
    std::lock_guard<std::mutex> hold(lock());
    if (!device.broken) device.broken = status;
}

void addObject(const void *handle, const char *kind) {
    std::lock_guard<std::mutex> hold(lock());
    state().objects[handle] = kind;
}

bool removeObject(const void *handle, const char *kind) {
    std::lock_guard<std::mutex> hold(lock());
    auto it = state().objects.find(handle);
    if (it == state().objects.end() || std::strcmp(it->second, kind) != 0) return false;
    state().objects.erase(it);
    return true;
}

bool isObject(const void *handle, const char *kind) {
    std::lock_guard<std::mutex> hold(lock());
    auto it = state().objects.find(handle);
    return it != state().objects.end() && std::strcmp(it->second, kind) == 0;
}

bool allocationFails() {
    std::lock_guard<std::mutex> hold(lock());
    auto &rules = state().failingAllocations;
    auto it = std::find(rules.begin(), rules.end(), ++state().allocations);
    if (it == rules.end()) return false;
    rules.erase(it);
    return true;
}

// ------------------------------------------------------------------------------------------------------------ calls

Call::Call(const char *routine, Library library) : routine(routine), library(library) {
    int failure = 0;
    int unused = 0;
    {
        std::lock_guard<std::mutex> hold(lock());
        Counter &counter = state().counters[routine];
        long n = ++counter.calls;
        if (!applies(counter.failures, n, &failure)) failure = 0;
        loses = applies(counter.losses, n, &unused);
        forges = applies(counter.infos, n, &forged);
    }
    if (failure) throw Refusal{failure};
}

void Call::refuse(Problem problem, const char *format, ...) const {
    va_list arguments;
    va_start(arguments, format);
    std::string text = formatted(format, arguments);
    va_end(arguments);
    violation("%s: %s", routine, text.c_str());
    throw Refusal{status(library, problem)};
}

Device &Call::on(Device *d) {
    device = d;
    if (loses) breakDevice(*d, CUDA_ERROR_ILLEGAL_ADDRESS);
    std::lock_guard<std::mutex> hold(lock());
    if (d->broken) throw Refusal{library == Library::DRIVER ? d->broken : status(library, Problem::LOST)};
    return *d;
}

Device &Call::current() {
    Device *d = currentDevice();
    if (!d) refuse(Problem::CONTEXT, "no context is current in this thread");
    return on(d);
}

void Call::memory(const char *operand, const void *address, size_t bytes, size_t alignment) {
    if (bytes == 0) return;
    if (bytes == SIZE_MAX) refuse(Problem::ADDRESS, "operand %s at %p: its extent overflows", operand, address);
    if (!address) refuse(Problem::ADDRESS, "operand %s of %zu bytes is null", operand, bytes);
    Block block = findBlock(address);
    if (!block || block->kind != Kind::DEVICE)
        refuse(Problem::ADDRESS, "operand %s at %p of %zu bytes is not device memory (%s)", operand, address, bytes,
               describeAddress(address).c_str());
    if (device && block->device != device)
        refuse(Problem::ADDRESS, "operand %s at %p of %zu bytes is memory of device %d, the call is on device %d", operand,
               address, bytes, block->device->ordinal, device->ordinal);
    size_t offset = (const char *)address - block->start;
    if (bytes > block->size - offset)
        refuse(Problem::ADDRESS, "operand %s at %p of %zu bytes reaches %zu bytes past the end of its allocation of %zu bytes",
               operand, address, bytes, bytes - (block->size - offset), block->size);
    if (reinterpret_cast<uintptr_t>(address) % alignment)
        refuse(Problem::ADDRESS, "operand %s at %p is not aligned to %zu bytes", operand, address, alignment);
    operands.push_back(std::move(block));
}

void Call::matrixBytes(const char *operand, const void *a, long rows, long columns, long ld, long stride, long batch,
                       size_t element) {
    if (batch <= 0 || rows <= 0 || columns <= 0) return;
    size_t one = bytesOf(rows, columns, ld, element);
    __int128 all = (__int128)(batch - 1) * stride * element + one;
    memory(operand, a, one == SIZE_MAX || all > (__int128)LONG_MAX ? SIZE_MAX : (size_t)all, element);
}

Block Call::host(const char *operand, const void *address, size_t bytes) {
    if (bytes == 0) return nullptr;
    require(address != nullptr);
    Block block = findBlock(address);
    if (!block) block = findBlock((const char *)address + bytes - 1);
    if (!block) return nullptr;
    if (block->kind == Kind::DEVICE)
        refuse(Problem::ADDRESS, "operand %s at %p of %zu bytes must be host memory (%s)", operand, address, bytes,
               describeAddress(address).c_str());
    if ((const char *)address < block->start || bytes > block->size - ((const char *)address - block->start)) {
        if (block->kind == Kind::PINNED)
            refuse(Problem::ADDRESS, "operand %s at %p of %zu bytes exceeds its pinned block of %zu bytes at %p", operand,
                   address, bytes, block->size, (void *)block->start);
        refuse(Problem::VALUE, "operand %s at %p of %zu bytes is registered in part only: %zu bytes at %p", operand, address,
               bytes, block->size, (void *)block->start);
    }
    return block;
}

int Call::narrow(const char *operand, long value) {
    require(value >= 0);
    if (value > INT_MAX) refuse(Problem::UNSUPPORTED, "%s = %ld: the software device has 32-bit sizes", operand, value);
    return (int)value;
}

Mark Call::enqueue(const std::shared_ptr<Stream> &stream, std::function<void()> work, size_t captured, bool always) {
    Task task;
    task.routine = routine;
    task.run = std::move(work);
    task.operands = std::move(operands);
    task.captured = captured;
    task.always = always;
    operands.clear();
    return hostcuda::enqueue(stream, std::move(task));
}

bool reachable(const char *routine, const char *operand, Device &device, const void *address, size_t bytes) {
    if (bytes == 0) return true;
    Block block = findUnreleased(address);
    bool good = block && block->kind == Kind::DEVICE && block->device == &device
            && bytes <= block->size - ((const char *)address - block->start);
    if (!good) {
        violation("%s: an element of %s is %p, where the device has no %zu bytes (%s)", routine, operand, address, bytes,
                  describeAddress(address).c_str());
        breakDevice(device, CUDA_ERROR_ILLEGAL_ADDRESS);
    }
    return good;
}

// ---------------------------------------------------------------------------------------------------------- control

void resetFaults() {
    for (int i = 0; i < MAX_DEVICES; i++)
        if (device(i).broken) drain(device(i)); // What a lost device had queued is dropped.
    std::lock_guard<std::mutex> hold(lock());
    state().counters.clear();
    state().failingAllocations.clear();
    state().allocations = 0;
    for (int i = 0; i < MAX_DEVICES; i++) {
        Device &d = device(i);
        d.broken = 0;
        d.peak = d.live;
    }
    std::lock_guard<std::mutex> holdViolations(violationLock());
    state().violations.clear();
}

void failCall(const std::string &routine, long nth, int status) {
    std::lock_guard<std::mutex> hold(lock());
    Counter &c = state().counters[routine];
    c.failures.push_back({c.calls + nth, status});
}

void loseDevice(const std::string &routine, long nth) {
    std::lock_guard<std::mutex> hold(lock());
    Counter &c = state().counters[routine];
    c.losses.push_back({c.calls + nth, 0});
}

void forgeInfo(const std::string &routine, long nth, int info) {
    std::lock_guard<std::mutex> hold(lock());
    Counter &c = state().counters[routine];
    c.infos.push_back({c.calls + nth, info});
}

void failAllocation(long nth) {
    std::lock_guard<std::mutex> hold(lock());
    state().failingAllocations.push_back(state().allocations + nth);
}

long calls(const std::string &routine) {
    std::lock_guard<std::mutex> hold(lock());
    auto it = state().counters.find(routine);
    return it == state().counters.end() ? 0 : it->second.calls;
}

std::vector<std::string> routines() {
    std::lock_guard<std::mutex> hold(lock());
    std::vector<std::string> names;
    for (auto &entry : state().counters)
        if (entry.second.calls > 0) names.push_back(entry.first);
    return names;
}

std::vector<std::string> violations() {
    std::lock_guard<std::mutex> hold(violationLock());
    return state().violations;
}

std::vector<std::string> liveObjects() {
    std::lock_guard<std::mutex> hold(lock());
    std::map<std::string, int> kinds;
    for (auto &entry : state().objects) kinds[entry.second]++;
    std::vector<std::string> lines;
    for (auto &entry : kinds) lines.push_back(entry.first + ": " + std::to_string(entry.second));
    return lines;
}

} // namespace hostcuda

extern "C" int hostcuda_unsupported(const char *routine, int library) {
    using namespace hostcuda;
    return call(routine, (Library)library, [](Call &c) -> int {
        c.refuse(Problem::UNSUPPORTED, "the software device does not have this routine");
    });
}
