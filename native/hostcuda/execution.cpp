// Runs kernels: the threads of a block as coroutines, the blocks one after the other.
//
// A worker is a stack that runs threads of the block one after the other, until one of them has to wait at a barrier; then another
// worker goes on with the threads that have not started. A kernel without barriers needs one worker, and no switch per thread.
#include "cuda_shim.h"
#include "hostcuda.h"

#include <algorithm>
#include <cstdio>
#include <sys/mman.h>

uint3 hostcuda_threadIdx, hostcuda_blockIdx;
dim3 hostcuda_blockDim, hostcuda_gridDim;
extern "C" char hostcuda_dynamic_shared[]; // registry.S

// Saves the registers that a call preserves on the stack, stores the stack pointer and goes on with another stack.
extern "C" void hostcuda_switch(void **saved, void *next);
asm(R"(
    .text
    .p2align 4
    .globl hostcuda_switch
    .hidden hostcuda_switch
    .type hostcuda_switch, @function
hostcuda_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size hostcuda_switch, .-hostcuda_switch
)");

namespace hostcuda {

namespace {

constexpr int MOST_THREADS = 1024;
constexpr size_t STACK = 64 * 1024;
constexpr size_t PAGE = 4096;
constexpr uint64_t POISON = 0xFFFFFFFFFFFFFFFFull;

enum class State { UNSTARTED, RUNNING, AT_BARRIER, AT_WARP, READY, DONE };

struct Thread {
    State state;
    int worker;
    int place;          // Of the barrier it waits at.
    unsigned mask;      // Of the lanes it waits for.
    unsigned operation; // What the lanes do together.
};

enum Operation : unsigned { SYNC = 1, EXCHANGE = 2, BALLOT = 3 };

struct Worker {
    void *stackPointer;
};

std::mutex &kernelLock() {
    static auto *m = new std::mutex;
    return *m;
}

// The block that runs.
struct Run {
    const std::function<void()> *kernel;
    int threads;
    int current;
    int nextUnstarted;
    int done;
    int atBarrier;
    int barrierPlace;
    int votes, lastVotes;
    int workers;  // In use.
    int starting; // The worker that the scheduler starts.
    int warpWaiting[MOST_THREADS / 32], warpDone[MOST_THREADS / 32]; // A hint: when a look at every lane pays.
    std::vector<int> idleWorkers;
    Thread thread[MOST_THREADS];
    uint64_t slot[MOST_THREADS];
    void *scheduler;
    Worker worker[MOST_THREADS];
    char *stacks = nullptr;
    std::string misuse;
} run;

void setThread(int t) {
    run.current = t;
    hostcuda_threadIdx.x = (unsigned)t % hostcuda_blockDim.x;
    unsigned rest = (unsigned)t / hostcuda_blockDim.x;
    hostcuda_threadIdx.y = rest % hostcuda_blockDim.y;
    hostcuda_threadIdx.z = rest / hostcuda_blockDim.y;
}

void toScheduler(int worker) { hostcuda_switch(&run.worker[worker].stackPointer, run.scheduler); }

void workerMain() {
    const int self = run.starting;
    for (;;) {
        while (run.nextUnstarted < run.threads) {
            int t = run.nextUnstarted++;
            setThread(t);
            run.thread[t].worker = self;
            run.thread[t].state = State::RUNNING;
            (*run.kernel)();
            run.thread[t].state = State::DONE;
            run.done++;
            run.warpDone[t >> 5]++;
        }
        run.idleWorkers.push_back(self);
        toScheduler(self);
    }
}

extern "C" void hostcuda_worker_entry() { workerMain(); }

void makeWorker(int w) {
    char *top = run.stacks + (size_t)(w + 1) * (STACK + PAGE);
    auto **sp = reinterpret_cast<void **>(top);
    *--sp = nullptr;                                   // Alignment: the entry sees a stack as after a call.
    *--sp = reinterpret_cast<void *>(hostcuda_worker_entry);
    for (int i = 0; i < 6; i++) *--sp = nullptr;       // rbp rbx r12 r13 r14 r15
    run.worker[w].stackPointer = sp;
}

bool prepareStacks() {
    if (run.stacks) return true;
    size_t bytes = MOST_THREADS * (STACK + PAGE);
    void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return false;
    run.stacks = static_cast<char *>(p);
    for (int i = 0; i < MOST_THREADS; i++) mprotect(run.stacks + (size_t)i * (STACK + PAGE), PAGE, PROT_NONE);
    return true;
}

void block_(State state) {
    int t = run.current;
    run.thread[t].state = state;
    toScheduler(run.thread[t].worker);
    setThread(t);
    run.thread[t].state = State::RUNNING;
}

// Releases the barrier of the block when all its threads are there.
void settleBarrier() {
    if (run.atBarrier < run.threads) return;
    run.lastVotes = run.votes;
    run.votes = 0;
    run.atBarrier = 0;
    for (int t = 0; t < run.threads; t++) run.thread[t].state = State::READY;
}

int lane() { return run.current & 31; }
int warpStart() { return run.current & ~31; }

// Waits for the other lanes of the mask; lanes that do not exist or have left count as arrived.
void meet(unsigned mask, unsigned operation) {
    int t = run.current;
    if (!(mask >> lane() & 1) && run.misuse.empty())
        run.misuse = "thread " + std::to_string(t) + " is not in the mask of the warp operation that it takes part in";
    run.thread[t].mask = mask;
    run.thread[t].operation = operation;
    run.thread[t].state = State::AT_WARP;
    int w = t >> 5;
    int present = std::min(32, run.threads - warpStart());
    unsigned existing = present == 32 ? 0xffffffffu : (1u << present) - 1;
    run.warpWaiting[w]++;
    bool all = run.warpWaiting[w] + run.warpDone[w] >= __builtin_popcount(mask & existing);
    for (int l = 0; l < 32 && all; l++) {
        int other = warpStart() + l;
        if (!(mask >> l & 1) || other >= run.threads || other == t) continue;
        Thread &o = run.thread[other];
        if (o.state == State::DONE) continue;
        all = o.state == State::AT_WARP && o.mask == mask && o.operation == operation;
    }
    if (all) {
        for (int l = 0; l < 32; l++) {
            int other = warpStart() + l;
            if ((mask >> l & 1) && other < run.threads && run.thread[other].state == State::AT_WARP) {
                run.thread[other].state = State::READY;
                run.warpWaiting[w]--;
            }
        }
        run.thread[t].state = State::RUNNING;
        return;
    }
    block_(State::AT_WARP);
}

// Lanes that wait for a lane which has left meanwhile.
bool settleWarps() {
    bool any = false;
    for (int t = 0; t < run.threads; t++) {
        Thread &thread = run.thread[t];
        if (thread.state != State::AT_WARP) continue;
        int start = t & ~31;
        bool all = true;
        for (int l = 0; l < 32 && all; l++) {
            int other = start + l;
            if (!(thread.mask >> l & 1) || other >= run.threads) continue;
            Thread &o = run.thread[other];
            all = o.state == State::DONE
                    || (o.state == State::AT_WARP && o.mask == thread.mask && o.operation == thread.operation);
        }
        if (!all) continue;
        unsigned mask = thread.mask;
        for (int l = 0; l < 32; l++) {
            int other = start + l;
            if ((mask >> l & 1) && other < run.threads && run.thread[other].state == State::AT_WARP) {
                run.thread[other].state = State::READY;
                run.warpWaiting[start >> 5]--;
            }
        }
        any = true;
    }
    return any;
}

std::string stuck() {
    int barrier = 0, warp = 0, first = -1;
    std::map<int, int> places;
    for (int t = 0; t < run.threads; t++) {
        Thread &thread = run.thread[t];
        if (thread.state == State::AT_BARRIER) {
            barrier++;
            places[thread.place]++;
        }
        if (thread.state == State::AT_WARP) {
            warp++;
            if (first < 0) first = t;
        }
    }
    std::string text = "barriers diverge in block (" + std::to_string(hostcuda_blockIdx.x) + ", "
            + std::to_string(hostcuda_blockIdx.y) + ", " + std::to_string(hostcuda_blockIdx.z) + "): of "
            + std::to_string(run.threads) + " threads " + std::to_string(run.done) + " have left";
    for (auto &p : places)
        text += ", " + std::to_string(p.second) + " wait at __syncthreads() in line " + std::to_string(p.first);
    if (warp > 0) text += ", " + std::to_string(warp) + " wait for other lanes of their warp (first: thread " + std::to_string(first) + ")";
    return text;
}

// One block. False: stuck.
bool runBlock() {
    run.current = 0;
    run.nextUnstarted = 0;
    run.done = 0;
    run.atBarrier = 0;
    run.votes = 0;
    for (int w = 0; w < MOST_THREADS / 32; w++) run.warpWaiting[w] = run.warpDone[w] = 0;
    for (int t = 0; t < run.threads; t++) run.thread[t] = {State::UNSTARTED, -1, 0, 0, 0};
    while (run.done < run.threads) {
        bool progress = false;
        while (run.nextUnstarted < run.threads) {
            if (run.idleWorkers.empty()) {
                makeWorker(run.workers);
                run.idleWorkers.push_back(run.workers++);
            }
            progress = true;
            int w = run.idleWorkers.back();
            run.idleWorkers.pop_back();
            run.starting = w;
            hostcuda_switch(&run.scheduler, run.worker[w].stackPointer);
        }
        for (int t = 0; t < run.threads; t++) {
            if (run.thread[t].state != State::READY) continue;
            progress = true;
            setThread(t);
            hostcuda_switch(&run.scheduler, run.worker[run.thread[t].worker].stackPointer);
        }
        if (!progress && !settleWarps()) return false;
    }
    return true;
}

} // namespace

bool execute(const Kernel &kernel, const Geometry &g, const std::function<void()> &thread) {
    std::lock_guard<std::mutex> hold(kernelLock());
    if (!prepareStacks()) {
        violation("%s: no stacks for its threads", kernel.name.c_str());
        return false;
    }
    run.kernel = &thread;
    run.threads = (int)(g.block[0] * g.block[1] * g.block[2]);
    run.misuse.clear();
    hostcuda_blockDim = {g.block[0], g.block[1], g.block[2]};
    hostcuda_gridDim = {g.grid[0], g.grid[1], g.grid[2]};
    bool good = true;
    constexpr size_t guard = 256;
    for (unsigned z = 0; z < g.grid[2] && good; z++) {
        for (unsigned y = 0; y < g.grid[1] && good; y++) {
            for (unsigned x = 0; x < g.grid[0] && good; x++) {
                hostcuda_blockIdx = {x, y, z};
                std::memset(hostcuda_dynamic_shared, 0xFF, g.shared);
                std::memset(hostcuda_dynamic_shared + g.shared, 0xA5, guard);
                if (!runBlock()) {
                    violation("%s: %s", kernel.name.c_str(), stuck().c_str());
                    // The stacks that still hold threads are abandoned.
                    run.workers = 0;
                    run.idleWorkers.clear();
                    good = false;
                    break;
                }
                for (size_t i = 0; i < guard && good; i++) {
                    if ((unsigned char)hostcuda_dynamic_shared[g.shared + i] != 0xA5) {
                        violation("%s: byte %zu after its %zu bytes of dynamic shared memory was overwritten",
                                  kernel.name.c_str(), i, g.shared);
                        good = false;
                    }
                }
            }
        }
    }
    if (!run.misuse.empty()) {
        violation("%s: %s", kernel.name.c_str(), run.misuse.c_str());
        good = false;
    }
    return good;
}

} // namespace hostcuda

using namespace hostcuda;

int hostcuda_syncthreads(int place, int predicate) {
    Thread &thread = run.thread[run.current];
    thread.place = place;
    if (run.atBarrier == 0) run.barrierPlace = place;
    if (run.barrierPlace != place) { // Can never be completed together with the others.
        block_(State::AT_BARRIER);
        return 0;
    }
    run.votes += predicate;
    run.atBarrier++;
    thread.state = State::AT_BARRIER;
    settleBarrier();
    block_(thread.state);
    return run.lastVotes;
}

void hostcuda_syncwarp(unsigned mask) { meet(mask, SYNC); }

uint64_t hostcuda_exchange(unsigned mask, uint64_t value, int from) {
    run.slot[run.current] = value;
    meet(mask, EXCHANGE);
    int other = warpStart() + from;
    bool takesPart = from >= 0 && from < 32 && (mask >> from & 1) && other < run.threads
            && run.thread[other].state != State::DONE;
    uint64_t result = takesPart ? run.slot[other] : POISON;
    meet(mask, EXCHANGE + 16); // Nobody shows the next value before all have read this one.
    return result;
}

unsigned hostcuda_ballot(unsigned mask, int predicate) {
    run.slot[run.current] = predicate != 0;
    meet(mask, BALLOT);
    unsigned votes = 0;
    for (int l = 0; l < 32; l++) {
        int other = warpStart() + l;
        if ((mask >> l & 1) && other < run.threads && run.thread[other].state != State::DONE && run.slot[other]) votes |= 1u << l;
    }
    meet(mask, BALLOT + 16);
    return votes;
}

int hostcuda_lane() { return lane(); }

unsigned hostcuda_activemask() {
    unsigned mask = 0;
    for (int l = 0; l < 32; l++) {
        int other = warpStart() + l;
        if (other < run.threads && run.thread[other].state != State::DONE) mask |= 1u << l;
    }
    return mask;
}
