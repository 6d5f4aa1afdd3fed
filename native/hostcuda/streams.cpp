// Streams: queues of work that runs when somebody waits for it, in the thread that waits.
#include "hostcuda.h"

namespace hostcuda {

namespace {

constexpr size_t MOST_TASKS = 4096;
constexpr size_t MOST_CAPTURED = size_t(64) << 20;

bool isNull(const Stream &s) { return s.device->nullStream.get() == &s; }

// Caller holds the lock.
void push(Stream &stream, Task task) {
    for (const Block &b : task.operands) b->queued++;
    stream.captured += task.captured;
    stream.queue.push_back(std::move(task));
    stream.submitted++;
}

// Caller holds the lock.
void pushWait(Stream &stream, const std::shared_ptr<Stream> &other) {
    if (other->completed == other->submitted) return;
    Mark mark{other, other->submitted};
    Task wait;
    wait.routine = "wait";
    wait.always = true;
    wait.run = [mark] { drain(mark); };
    push(stream, std::move(wait));
}

void runTask(Stream &stream, Task &task) {
    Device &device = *stream.device;
    if (task.always) {
        task.run();
        return;
    }
    {
        std::lock_guard<std::mutex> hold(lock());
        if (device.broken) return;
    }
    for (const Block &b : task.operands) {
        if (b->released) {
            violation("%s: ran when its operand of %zu bytes at %p had been freed already", task.routine.c_str(), b->size,
                      (void *)b->start);
            breakDevice(device, CUDA_ERROR_ILLEGAL_ADDRESS);
            return;
        }
    }
    try {
        task.run();
    } catch (const Refusal &refusal) {
        breakDevice(device, refusal.status);
    }
}

} // namespace

Mark enqueue(const std::shared_ptr<Stream> &stream, Task task) {
    Mark mark{stream, 0};
    bool full;
    {
        std::lock_guard<std::mutex> hold(lock());
        Device &device = *stream->device;
        if (isNull(*stream)) {
            for (auto &other : device.streams)
                if (!(other->flags & 1)) pushWait(*stream, other);
        } else if (!(stream->flags & 1)) {
            pushWait(*stream, device.nullStream);
        }
        push(*stream, std::move(task));
        mark.ticket = stream->submitted;
        full = stream->queue.size() > MOST_TASKS || stream->captured > MOST_CAPTURED;
    }
    if (full) drain(mark);
    return mark;
}

void drain(const Mark &mark) {
    Stream &stream = *mark.stream;
    std::unique_lock<std::mutex> hold(lock());
    while (stream.completed < mark.ticket) {
        if (stream.running) {
            stream.progress.wait(hold);
            continue;
        }
        stream.running = true;
        Task task = std::move(stream.queue.front());
        stream.queue.pop_front();
        hold.unlock();
        runTask(stream, task);
        hold.lock();
        for (const Block &b : task.operands) b->queued--;
        stream.captured -= task.captured;
        stream.completed++;
        stream.running = false;
        stream.progress.notify_all();
        hold.unlock();
        task = Task(); // What it held may be the last reference to memory: not under the lock.
        hold.lock();
    }
    if (stream.destroyed && stream.completed == stream.submitted) {
        auto &all = stream.device->streams;
        for (size_t i = 0; i < all.size(); i++) {
            if (all[i].get() == &stream) {
                all.erase(all.begin() + i);
                break;
            }
        }
    }
}

void drain(const std::shared_ptr<Stream> &stream) {
    Mark mark{stream, 0};
    {
        std::lock_guard<std::mutex> hold(lock());
        mark.ticket = stream->submitted;
    }
    drain(mark);
}

void drain(Device &device) {
    std::vector<std::shared_ptr<Stream>> all;
    {
        std::lock_guard<std::mutex> hold(lock());
        all = device.streams;
        if (device.nullStream) all.push_back(device.nullStream);
    }
    for (auto &stream : all) drain(stream);
}

bool reached(const Mark &mark) {
    std::lock_guard<std::mutex> hold(lock());
    return !mark.stream || mark.stream->completed >= mark.ticket;
}

} // namespace hostcuda
