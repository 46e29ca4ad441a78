// Implements direct-writes.h on Linux; elsewhere there is nothing to create.
#include "direct-writes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#if defined(__linux__) && defined(RWF_DSYNC)
#define FERRITE_HAS_DIRECT_WRITES 1
#include <linux/aio_abi.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#endif

namespace ferrite {

#if defined(FERRITE_HAS_DIRECT_WRITES)

namespace {

// Files with a write under way at once; more go to the pool.
constexpr unsigned kUnderWayMax = 16;
// Enough for most; a larger buffer is had at once at its largest.
constexpr size_t kSmallBytes = 8 * DirectWrites::kBlockBytes;

bool IsSameFile(int a, int b) {
  struct stat first, second;
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino && S_ISREG(first.st_mode);
}

// Said before anything is written: the alignment or the flag is not to the system's taste.
bool IsRefusal(int64_t result) { return result == -EINVAL || result == -EOPNOTSUPP || result == -ENOSYS; }

}  // namespace

DirectWrites* DirectWrites::Create(napi_env env, FilePool* pool) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  DirectWrites* self = new DirectWrites(env, pool);
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, kUnderWayMax, &context) != 0) {
    delete self;
    return nullptr;
  }
  self->context_ = context;
  self->signal_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (self->signal_ < 0 || uv_poll_init(loop, &self->poll_, self->signal_) != 0) {
    if (self->signal_ >= 0) close(self->signal_);
    syscall(SYS_io_destroy, context);
    delete self;
    return nullptr;
  }
  self->poll_.data = self;
  auto on_completed = [](uv_poll_t* handle, int, int) { static_cast<DirectWrites*>(handle->data)->Reap(); };
  uv_poll_start(&self->poll_, UV_READABLE, on_completed);
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->poll_));
  // Hooks run last in, first out: this one before the pool's.
  auto on_end = [](napi_async_cleanup_hook_handle, void* data) { static_cast<DirectWrites*>(data)->End(); };
  napi_add_async_cleanup_hook(env, on_end, self, &self->hook_);
  return self;
}

int64_t DirectWrites::Open(int fd, const char* path) {
  int direct = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
  if (direct < 0) return -errno;
  // The name may have gone to another file since.
  if (!IsSameFile(fd, direct)) {
    close(direct);
    return -ENOTSUP;
  }
  Close(fd);
  files_[fd] = new File{direct, nullptr, 0, false, false, nullptr};
  return 0;
}

// The file with the bytes in its buffer, or null if it cannot be written now.
DirectWrites::File* DirectWrites::Prepare(int fd, int64_t position, const uint8_t* data, size_t length) {
  auto found = files_.find(fd);
  if (found == files_.end()) return nullptr;
  File* file = found->second;
  bool fits = length > 0 && length % kBlockBytes == 0 && length <= kBytesMax && position >= 0 &&
              position % static_cast<int64_t>(kBlockBytes) == 0;
  if (!fits || file->refused || file->task != nullptr || !Reserve(file, length)) return nullptr;
  memcpy(file->buffer, data, length);
  return file;
}

int64_t DirectWrites::WriteNow(int fd, int64_t position, const uint8_t* data, size_t length) {
  File* file = Prepare(fd, position, data, length);
  if (file == nullptr) return kNotDirect;
  struct iovec range = {file->buffer, length};
  ssize_t written;
  do {
    written = pwritev2(file->descriptor, &range, 1, static_cast<off_t>(position), RWF_DSYNC);
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(length)) return static_cast<int64_t>(written);
  // Less than all of it: an ordinary write does it, and a sync after it.
  if (written >= 0) return kNotDirect;
  if (!IsRefusal(-errno)) return -errno;
  file->refused = true;
  return kNotDirect;
}

bool DirectWrites::Submit(FileTask* task) {
  File* file = Prepare(task->fd, task->position, task->data, task->length);
  if (file == nullptr) return false;
  struct iocb request = {};
  request.aio_data = reinterpret_cast<uintptr_t>(file);
  request.aio_lio_opcode = IOCB_CMD_PWRITE;
  request.aio_fildes = static_cast<uint32_t>(file->descriptor);
  request.aio_buf = reinterpret_cast<uintptr_t>(file->buffer);
  request.aio_nbytes = task->length;
  request.aio_offset = task->position;
  request.aio_rw_flags = RWF_DSYNC;
  request.aio_flags = IOCB_FLAG_RESFD;
  request.aio_resfd = static_cast<uint32_t>(signal_);
  struct iocb* requests[] = {&request};
  // Refused here means not begun; EAGAIN that too many are under way.
  if (syscall(SYS_io_submit, static_cast<aio_context_t>(context_), 1, requests) != 1) {
    file->refused = errno != EAGAIN;
    return false;
  }
  file->task = task;
  if (under_way_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(&poll_));
  return true;
}

bool DirectWrites::Reserve(File* file, size_t length) {
  if (length <= file->capacity) return true;
  size_t capacity = length > kSmallBytes ? kBytesMax : kSmallBytes;
  void* memory = nullptr;
  if (posix_memalign(&memory, kBlockBytes, capacity) != 0) return false;
  free(file->buffer);
  file->buffer = static_cast<uint8_t*>(memory);
  file->capacity = capacity;
  return true;
}

void DirectWrites::Reap() {
  uint64_t count;
  while (read(signal_, &count, sizeof count) < 0 && errno == EINTR) {
  }
  struct io_event events[kUnderWayMax];
  struct timespec no_wait = {0, 0};
  long got = syscall(SYS_io_getevents, static_cast<aio_context_t>(context_), 0, kUnderWayMax, events, &no_wait);
  for (long i = 0; i < got; i++) Complete(reinterpret_cast<File*>(events[i].data), events[i].res);
}

void DirectWrites::Complete(File* file, int64_t result) {
  FileTask* task = file->task;
  file->task = nullptr;
  // Before the callback, which may submit the next write and would otherwise flip the handle twice.
  if (--under_way_ == 0) uv_unref(reinterpret_cast<uv_handle_t*>(&poll_));
  bool whole = result == static_cast<int64_t>(task->length);
  bool refused = IsRefusal(result);
  if (whole || (result < 0 && !refused)) {
    task->result = result;
    if (file->closed) Free(file);
    pool_->Finish(task);
    return;
  }
  // Refused, or less than all of it: an ordinary write does it, and a sync after it.
  file->refused = refused;
  task->owned = static_cast<uint8_t*>(malloc(task->length));
  if (task->owned == nullptr) std::abort();
  memcpy(task->owned, file->buffer, task->length);
  task->data = task->owned;
  if (file->closed) Free(file);
  if (pool_->Submit(task)) return;
  task->result = -EAGAIN;
  pool_->Finish(task);
}

void DirectWrites::Close(int fd) {
  auto found = files_.find(fd);
  if (found == files_.end()) return;
  File* file = found->second;
  files_.erase(found);
  if (file->task == nullptr) {
    Free(file);
  } else {
    file->closed = true;
  }
}

void DirectWrites::Free(File* file) {
  close(file->descriptor);
  free(file->buffer);
  delete file;
}

void DirectWrites::End() {
  // Waits for what is under way: the kernel reads the buffers until then. Its results interest nobody any more.
  struct io_event events[kUnderWayMax];
  while (under_way_ > 0) {
    long got = syscall(SYS_io_getevents, static_cast<aio_context_t>(context_), 1, kUnderWayMax, events, nullptr);
    if (got < 0 && errno != EINTR) break;
    for (long i = 0; i < got; i++) {
      File* file = reinterpret_cast<File*>(events[i].data);
      under_way_--;
      pool_->Drop(file->task);
      file->task = nullptr;
      if (file->closed) Free(file);
    }
  }
  syscall(SYS_io_destroy, static_cast<aio_context_t>(context_));
  for (const auto& each : files_) Free(each.second);
  files_.clear();
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    DirectWrites* self = static_cast<DirectWrites*>(handle->data);
    close(self->signal_);
    napi_remove_async_cleanup_hook(self->hook_);
    delete self;
  });
}

#else

DirectWrites* DirectWrites::Create(napi_env env, FilePool* pool) { return nullptr; }
int64_t DirectWrites::Open(int fd, const char* path) { return -ENOTSUP; }
bool DirectWrites::Submit(FileTask* task) { return false; }
int64_t DirectWrites::WriteNow(int fd, int64_t position, const uint8_t* data, size_t length) { return kNotDirect; }
void DirectWrites::Close(int fd) {}

#endif

}  // namespace ferrite
