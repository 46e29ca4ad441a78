// The system calls behind files, as plain functions over descriptors: no Node, no threads, no state.
//
// Invariants
//  - every function returns a count or 0 on success and the negated errno on failure (as libuv does);
//  - a short write is continued, a short read ends only at the end of the file;
//  - a failed sync is reported as it is and never tried again: the kernel has marked the pages clean.
//
// Apart from the glue in file.cc, so that a thread can run the same code as a synchronous call.
#ifndef FERRITE_NATIVE_FILE_IO_H_
#define FERRITE_NATIVE_FILE_IO_H_

#include <cstddef>
#include <cstdint>

namespace ferrite {

enum class OpenMode : int32_t { kRead = 0, kAppend = 1, kCreate = 2, kOverwrite = 3 };

// Private to the user, as a database's files are; close-on-exec, so that no child keeps a lock or a file alive.
int64_t OpenFile(const char* path, OpenMode mode);
int64_t CloseFile(int fd);
int64_t FileSize(int fd);
int64_t AppendAll(int fd, const uint8_t* data, size_t length);
// Writes at a position, whatever the end of the file is; the descriptor must not be one that appends.
int64_t WriteAllAt(int fd, int64_t position, const uint8_t* data, size_t length);
int64_t ReadUpTo(int fd, int64_t position, uint8_t* into, size_t length);

// What `ReadResident` answers when it would have to wait for the disk, or cannot tell.
constexpr int64_t kNotResident = 1LL << 53;
int64_t ReadResident(int fd, int64_t position, uint8_t* into, size_t length);

// Data and what is needed to read it back (the size); on macOS through the drive's own cache.
int64_t SyncData(int fd);
int64_t Truncate(int fd, int64_t size);
// Reserves space without changing the size; 0 where the file system does not support it.
int64_t Allocate(int fd, int64_t size);

// An exclusive flock on the file, created if absent. -EWOULDBLOCK if somebody else has it.
int64_t OpenLocked(const char* path);
// Replaces the content of a small file through a descriptor that is open for writing.
int64_t ReplaceContent(int fd, const uint8_t* data, size_t length);

}  // namespace ferrite

#endif
