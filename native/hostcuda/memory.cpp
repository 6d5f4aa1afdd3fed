// Device memory, pinned and registered host memory: the registry, guards and poison.
#include "hostcuda.h"

#include <cstdlib>
#include <sys/mman.h>

namespace hostcuda {

namespace {

constexpr size_t GUARD = 1024;
constexpr size_t ALIGNMENT = 512;
constexpr unsigned char GUARD_BYTE = 0xA5;
constexpr unsigned char FRESH_BYTE = 0xFF; // NaN as float and as double.
constexpr unsigned char POISON_BYTE = 0xFE;
// Freed blocks stay mapped until so many bytes have been freed after them, so that their addresses are not used again at once.
constexpr size_t QUARANTINE_BYTES = size_t(64) << 20;
constexpr size_t QUARANTINE_BLOCKS = 4096;

std::map<uintptr_t, Block> &live() {
    static auto *map = new std::map<uintptr_t, Block>;
    return *map;
}

struct Quarantine {
    std::deque<Block> blocks;
    size_t bytes = 0;
};

Quarantine &quarantine() {
    static auto *q = new Quarantine;
    return *q;
}

size_t rounded(size_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

bool contains(const Allocation &a, uintptr_t p) {
    auto start = reinterpret_cast<uintptr_t>(a.start);
    return p >= start && p < start + a.size;
}

Block findLocked(const void *address) {
    auto p = reinterpret_cast<uintptr_t>(address);
    auto it = live().upper_bound(p);
    if (it == live().begin()) return nullptr;
    --it;
    return contains(*it->second, p) ? it->second : nullptr;
}

} // namespace

Allocation::~Allocation() { std::free(base); }

Block allocate(Device &device, Kind kind, size_t bytes) {
    if (bytes > SIZE_MAX - 4 * GUARD) return nullptr;
    size_t charged = kind == Kind::DEVICE ? rounded(bytes) : 0;
    for (int attempt = 0;; attempt++) {
        {
            std::lock_guard<std::mutex> hold(lock());
            if (charged <= device.capacity - std::min(device.used, device.capacity)) {
                device.used += charged;
                break;
            }
        }
        if (attempt == 1) return nullptr;
        drain(device); // Frees that are queued give their bytes back.
    }
    void *base = nullptr;
    size_t alignment = kind == Kind::DEVICE ? ALIGNMENT : 4096;
    size_t before = std::max(GUARD, alignment);
    size_t total = before + rounded(bytes) + GUARD;
    if (posix_memalign(&base, alignment, total) != 0) {
        std::lock_guard<std::mutex> hold(lock());
        device.used -= charged;
        return nullptr;
    }
    auto block = std::make_shared<Allocation>();
    block->kind = kind;
    block->device = &device;
    block->base = static_cast<char *>(base);
    block->start = block->base + before;
    block->size = bytes;
    std::memset(block->start - GUARD, GUARD_BYTE, GUARD);
    std::memset(block->start, FRESH_BYTE, bytes);
    std::memset(block->start + bytes, GUARD_BYTE, GUARD);
    std::lock_guard<std::mutex> hold(lock());
    live()[reinterpret_cast<uintptr_t>(block->start)] = block;
    if (kind == Kind::DEVICE) {
        device.live += bytes;
        device.peak = std::max(device.peak, device.live);
    }
    return block;
}

Block registerHost(Device &device, void *start, size_t bytes) {
    auto block = std::make_shared<Allocation>();
    block->kind = Kind::REGISTERED;
    block->device = &device;
    block->start = static_cast<char *>(start);
    block->size = bytes;
    std::lock_guard<std::mutex> hold(lock());
    auto next = live().lower_bound(reinterpret_cast<uintptr_t>(start));
    bool overlaps = findLocked(start) != nullptr
            || (next != live().end() && next->first < reinterpret_cast<uintptr_t>(start) + bytes);
    if (overlaps) return nullptr;
    live()[reinterpret_cast<uintptr_t>(start)] = block;
    return block;
}

Block findBlock(const void *address) {
    std::lock_guard<std::mutex> hold(lock());
    return findLocked(address);
}

Block findUnreleased(const void *address) {
    std::lock_guard<std::mutex> hold(lock());
    if (Block block = findLocked(address)) return block;
    for (const Block &block : quarantine().blocks)
        if (!block->released && contains(*block, reinterpret_cast<uintptr_t>(address))) return block;
    return nullptr;
}

bool guardsIntact(const Allocation &a, std::string *where) {
    if (!a.base) return true;
    for (size_t i = 1; i <= GUARD; i++) {
        if ((unsigned char)a.start[-(long)i] != GUARD_BYTE) {
            *where = "byte " + std::to_string(i) + " before its start";
            return false;
        }
    }
    for (size_t i = 0; i < GUARD; i++) {
        if ((unsigned char)a.start[a.size + i] != GUARD_BYTE) {
            *where = "byte " + std::to_string(i) + " after its end";
            return false;
        }
    }
    return true;
}

void markFreed(const Block &block) {
    std::lock_guard<std::mutex> hold(lock());
    if (block->freed) return;
    block->freed = true;
    live().erase(reinterpret_cast<uintptr_t>(block->start));
    if (block->kind == Kind::DEVICE) block->device->live -= block->size;
    if (block->base) {
        auto &q = quarantine();
        q.blocks.push_back(block);
        q.bytes += block->size;
    }
}

void release(const Block &block) {
    std::string where;
    if (!guardsIntact(*block, &where))
        violation("memory of %zu bytes at %p: %s was overwritten", block->size, (void *)block->start, where.c_str());
    std::vector<Block> evicted;
    {
        std::lock_guard<std::mutex> hold(lock());
        if (block->released) return;
        block->released = true;
        if (block->kind == Kind::DEVICE) block->device->used -= rounded(block->size);
        auto &q = quarantine();
        while (q.bytes > QUARANTINE_BYTES || q.blocks.size() > QUARANTINE_BLOCKS) {
            q.bytes -= q.blocks.front()->size;
            evicted.push_back(q.blocks.front());
            q.blocks.pop_front();
        }
    }
    if (block->base) std::memset(block->start, POISON_BYTE, block->size);
}

std::string describeAddress(const void *address) {
    char text[200];
    std::lock_guard<std::mutex> hold(lock());
    auto p = reinterpret_cast<uintptr_t>(address);
    if (Block b = findLocked(address)) {
        const char *what = b->kind == Kind::DEVICE ? "device memory" : b->kind == Kind::PINNED ? "pinned host memory"
                                                                                               : "registered host memory";
        snprintf(text, sizeof text, "%s of device %d: byte %zu of %zu", what, b->device->ordinal,
                 size_t(p - reinterpret_cast<uintptr_t>(b->start)), b->size);
        return text;
    }
    for (const Block &b : quarantine().blocks) {
        if (contains(*b, p)) {
            snprintf(text, sizeof text, "freed memory of device %d: byte %zu of %zu", b->device->ordinal,
                     size_t(p - reinterpret_cast<uintptr_t>(b->start)), b->size);
            return text;
        }
    }
    auto it = live().upper_bound(p);
    if (it != live().begin()) {
        --it;
        size_t past = p - it->first - it->second->size;
        if (past < GUARD) {
            snprintf(text, sizeof text, "%zu bytes after the end of an allocation of %zu bytes", past, it->second->size);
            return text;
        }
    }
    return "host memory, or none";
}

size_t bytesOf(long rows, long columns, long ld, size_t element) {
    if (rows <= 0 || columns <= 0) return 0;
    __int128 n = ((__int128)(columns - 1) * ld + rows) * element;
    return n > (__int128)LONG_MAX ? SIZE_MAX : (size_t)n;
}

} // namespace hostcuda
