// The threads that run a file's asynchronous operations, and the way their results return to the loop.
//
// Invariants
//  - one pool per environment (main thread or worker); everything but a running task belongs to the loop's thread;
//  - a task that changes or syncs a file never waits behind a read: reads may use at most kReadThreadsMax
//    threads, and the other kThreadsMax - kReadThreadsMax serve nothing but appends and syncs;
//  - the pool knows nothing of order: the caller starts a task only when those before it are done;
//  - the loop stays alive exactly while a task is under way;
//  - when the environment ends, running tasks are finished, waiting ones dropped, threads joined.
//
// Not libuv's own pool: its four threads also serve fs, dns and zlib, and four slow reads would hold back a
// sync of the log. Not a napi_threadsafe_function: it is a second queue around the same uv_async_t.
#ifndef FERRITE_NATIVE_FILE_POOL_H_
#define FERRITE_NATIVE_FILE_POOL_H_

#include <node_api.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace ferrite {

enum class TaskKind : int32_t { kRead, kAppend, kAppendAndSync, kOverwrite, kOverwriteAndSync, kSync };

struct FileTask {
  TaskKind kind;
  int fd;
  uint8_t* data;
  size_t length;
  int64_t position;
  int64_t result;        // a count, 0, or the negated errno
  napi_ref buffer;       // keeps `data` alive; null for kSync
  napi_ref done;         // the function to call with (result, failed in sync ? 1 : 0)
  bool failed_in_sync;
  uint8_t* owned = nullptr;  // memory of the task's own that `data` points to
};

class FilePool {
 public:
  static constexpr size_t kThreadsMax = 64;
  static constexpr size_t kReadThreadsMax = 16;

  // Returns null if the loop cannot be prepared; the pool frees itself when the environment ends.
  static FilePool* Create(napi_env env);

  // Takes the task over. False if not a single thread could be started: the task is then still the caller's.
  bool Submit(FileTask* task);

  // Calls back with the result of a task that was run elsewhere, and frees it. On the loop's thread.
  void Finish(FileTask* task) { Deliver(task); }
  // Frees a task without a word.
  void Drop(FileTask* task) { Release(task); }

  // Called when the environment ends, after the last task: the place to close what is still open.
  void OnEnd(void (*end)(void* data), void* data) { end_ = end, end_data_ = data; }

 private:
  struct Worker {
    FilePool* pool;
    uv_thread_t thread;
    uv_cond_t wake;
    FileTask* task;  // what to run next; guarded by mutex_
  };

  explicit FilePool(napi_env env) : env_(env) {}
  ~FilePool() = default;

  bool Start(FileTask* task);
  FileTask* NextWaiting();
  void Work(Worker* worker);
  void DeliverAll();
  void Deliver(FileTask* task);
  void Release(FileTask* task);
  void End();

  napi_env env_;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  void (*end_)(void*) = nullptr;
  void* end_data_ = nullptr;
  uv_async_t finished_signal_;
  uv_mutex_t mutex_;
  size_t under_way_ = 0;  // loop thread only

  // Guarded by mutex_.
  bool ending_ = false;
  size_t reads_running_ = 0;
  std::vector<Worker*> workers_;
  std::vector<Worker*> idle_;  // used from the back: the thread that ran last still has warm caches
  std::deque<FileTask*> waiting_changes_;
  std::deque<FileTask*> waiting_reads_;
  std::vector<FileTask*> finished_;
};

}  // namespace ferrite

#endif
