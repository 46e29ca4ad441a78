// Implements file-io.h: loops over write and pread, and what differs between Linux and macOS.
#include "file-io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace ferrite {
namespace {

// Below every platform's limit for one call (Linux 2 GiB less a page, macOS 2 GiB less one).
constexpr size_t kOneCallMax = size_t{1} << 30;
constexpr mode_t kFileMode = 0600;

inline size_t OneCall(size_t length) { return length < kOneCallMax ? length : kOneCallMax; }

// Opening may be interrupted by a signal on network file systems; nothing has happened then.
int OpenRetry(const char* path, int flags) {
  int fd;
  do {
    fd = open(path, flags | O_CLOEXEC, kFileMode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

}  // namespace

int64_t OpenFile(const char* path, OpenMode mode) {
  int flags = O_RDONLY;
  // O_APPEND lets the kernel find the end, so a truncation is followed by a write at the new end.
  if (mode == OpenMode::kAppend) flags = O_RDWR | O_APPEND | O_CREAT;
  if (mode == OpenMode::kCreate) flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL;
  // Without O_APPEND: Linux would let a positional write land at the end.
  if (mode == OpenMode::kOverwrite) flags = O_RDWR;
  int fd = OpenRetry(path, flags);
  if (fd < 0) return -errno;
  // A folder opens for reading like a file and would fail later, with a message that names a read.
  struct stat info;
  int failed = fstat(fd, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
  if (failed == 0) return fd;
  close(fd);
  return -failed;
}

int64_t CloseFile(int fd) {
  // On Linux and macOS the descriptor is gone whatever close answers; closing again could hit another file.
  return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

int64_t FileSize(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? static_cast<int64_t>(info.st_size) : -errno;
}

int64_t AppendAll(int fd, const uint8_t* data, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t written = write(fd, data + done, OneCall(length - done));
    if (written > 0) {
      done += static_cast<size_t>(written);
    } else if (written == 0) {
      return -EIO;  // no progress and no reason: looping would never end
    } else if (errno != EINTR) {
      return -errno;
    }
  }
  return static_cast<int64_t>(done);
}

int64_t WriteAllAt(int fd, int64_t position, const uint8_t* data, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t written = pwrite(fd, data + done, OneCall(length - done), static_cast<off_t>(position) + done);
    if (written > 0) {
      done += static_cast<size_t>(written);
    } else if (written == 0) {
      return -EIO;
    } else if (errno != EINTR) {
      return -errno;
    }
  }
  return static_cast<int64_t>(done);
}

int64_t ReadUpTo(int fd, int64_t position, uint8_t* into, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t got = pread(fd, into + done, OneCall(length - done), static_cast<off_t>(position) + done);
    if (got == 0) break;
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      return -errno;
    }
  }
  return static_cast<int64_t>(done);
}

int64_t ReadResident(int fd, int64_t position, uint8_t* into, size_t length) {
#if defined(RWF_NOWAIT)
  size_t done = 0;
  while (done < length) {
    struct iovec range = {into + done, OneCall(length - done)};
    ssize_t got = preadv2(fd, &range, 1, static_cast<off_t>(position) + done, RWF_NOWAIT);
    if (got > 0) {
      done += static_cast<size_t>(got);
      continue;
    }
    if (got < 0) {
      if (errno == EINTR) continue;
      bool cannot_tell = errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
      return cannot_tell ? kNotResident : -errno;
    }
    // Linux 5.9 and 5.10 answer 0 for a page that is not resident, so the end is believed only from the size.
    int64_t size = FileSize(fd);
    if (size < 0) return size;
    if (position + static_cast<int64_t>(done) < size) return kNotResident;
    break;
  }
  return static_cast<int64_t>(done);
#else
  (void)fd, (void)position, (void)into, (void)length;
  return kNotResident;
#endif
}

int64_t SyncData(int fd) {
#if defined(__APPLE__)
  if (fcntl(fd, F_FULLFSYNC) == 0) return 0;
  // Not a second try after a failure: these say that the volume has no such operation.
  bool unsupported = errno == ENOTSUP || errno == EINVAL || errno == ENOTTY;
  if (!unsupported) return -errno;
  return fsync(fd) == 0 ? 0 : -errno;
#else
  return fdatasync(fd) == 0 ? 0 : -errno;
#endif
}

int64_t Truncate(int fd, int64_t size) {
  int result;
  do {
    result = ftruncate(fd, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : -errno;
}

int64_t Allocate(int fd, int64_t size) {
#if defined(__linux__)
  int result;
  do {
    result = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return 0;
  return -errno;
#elif defined(F_PREALLOCATE)
  struct stat info;
  if (fstat(fd, &info) != 0) return -errno;
  int64_t missing = size - static_cast<int64_t>(info.st_blocks) * 512;
  if (missing <= 0) return 0;
  fstore_t store = {F_ALLOCATEALL, F_PEOFPOSMODE, 0, static_cast<off_t>(missing), 0};
  return fcntl(fd, F_PREALLOCATE, &store) == 0 || errno != ENOSPC ? 0 : -ENOSPC;
#else
  (void)fd, (void)size;
  return 0;
#endif
}

int64_t OpenLocked(const char* path) {
  int fd = OpenRetry(path, O_RDWR | O_CREAT);
  if (fd < 0) return -errno;
  int result;
  do {
    result = flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return fd;
  int failed = errno;
  close(fd);
  return -failed;
}

int64_t ReplaceContent(int fd, const uint8_t* data, size_t length) {
  int64_t result = Truncate(fd, 0);
  if (result < 0) return result;
  if (lseek(fd, 0, SEEK_SET) < 0) return -errno;
  return AppendAll(fd, data, length);
}

}  // namespace ferrite
