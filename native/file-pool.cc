// Implements file-pool.h: hand a task to an idle thread, run it, tell the loop.
#include "file-pool.h"

#include <cstdlib>

#include "file-io.h"

namespace ferrite {
namespace {

// Tasks only make system calls; 256 KiB leaves room for sanitizers.
constexpr size_t kStackBytes = 256 * 1024;

void RunTask(FileTask* task) {
  task->failed_in_sync = false;
  if (task->kind == TaskKind::kRead) {
    task->result = ReadUpTo(task->fd, task->position, task->data, task->length);
    return;
  }
  if (task->kind != TaskKind::kSync) {
    bool appends = task->kind == TaskKind::kAppend || task->kind == TaskKind::kAppendAndSync;
    task->result = appends ? AppendAll(task->fd, task->data, task->length)
                           : WriteAllAt(task->fd, task->position, task->data, task->length);
    bool ends_here = task->kind == TaskKind::kAppend || task->kind == TaskKind::kOverwrite;
    if (task->result < 0 || ends_here) return;
  }
  int64_t synced = SyncData(task->fd);
  if (synced >= 0) {
    if (task->kind == TaskKind::kSync) task->result = 0;
    return;
  }
  task->result = synced;
  task->failed_in_sync = true;
}

}  // namespace

FilePool* FilePool::Create(napi_env env) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  FilePool* pool = new FilePool(env);
  if (uv_mutex_init(&pool->mutex_) != 0) {
    delete pool;
    return nullptr;
  }
  auto on_finished = [](uv_async_t* handle) { static_cast<FilePool*>(handle->data)->DeliverAll(); };
  if (uv_async_init(loop, &pool->finished_signal_, on_finished) != 0) {
    uv_mutex_destroy(&pool->mutex_);
    delete pool;
    return nullptr;
  }
  pool->finished_signal_.data = pool;
  uv_unref(reinterpret_cast<uv_handle_t*>(&pool->finished_signal_));

  napi_value name;
  napi_create_string_utf8(env, "ferrite:file", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, nullptr, name, &pool->context_);
  auto on_end = [](napi_async_cleanup_hook_handle, void* data) { static_cast<FilePool*>(data)->End(); };
  napi_add_async_cleanup_hook(env, on_end, pool, &pool->hook_);
  return pool;
}

bool FilePool::Submit(FileTask* task) {
  uv_mutex_lock(&mutex_);
  bool taken = Start(task);
  uv_mutex_unlock(&mutex_);
  if (!taken) return false;
  if (under_way_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(&finished_signal_));
  return true;
}

// With mutex_ held: gives the task to an idle thread, a new one, or the queue.
bool FilePool::Start(FileTask* task) {
  bool is_read = task->kind == TaskKind::kRead;
  if (is_read && reads_running_ == kReadThreadsMax) {
    waiting_reads_.push_back(task);
    return true;
  }
  if (!idle_.empty()) {
    Worker* worker = idle_.back();
    idle_.pop_back();
    worker->task = task;
    if (is_read) reads_running_++;
    uv_cond_signal(&worker->wake);
    return true;
  }
  if (workers_.size() < kThreadsMax) {
    Worker* worker = new Worker{this, {}, {}, task};
    uv_thread_options_t options = {UV_THREAD_HAS_STACK_SIZE, kStackBytes};
    auto entry = [](void* data) {
      Worker* self = static_cast<Worker*>(data);
      self->pool->Work(self);
    };
    if (uv_cond_init(&worker->wake) == 0) {
      if (uv_thread_create_ex(&worker->thread, &options, entry, worker) == 0) {
        workers_.push_back(worker);
        if (is_read) reads_running_++;
        return true;
      }
      uv_cond_destroy(&worker->wake);
    }
    delete worker;
  }
  if (workers_.empty()) return false;
  (is_read ? waiting_reads_ : waiting_changes_).push_back(task);
  return true;
}

// With mutex_ held: what a thread that has just become free runs next. Changes go first.
FileTask* FilePool::NextWaiting() {
  if (ending_) return nullptr;
  if (!waiting_changes_.empty()) {
    FileTask* task = waiting_changes_.front();
    waiting_changes_.pop_front();
    return task;
  }
  if (waiting_reads_.empty() || reads_running_ == kReadThreadsMax) return nullptr;
  FileTask* task = waiting_reads_.front();
  waiting_reads_.pop_front();
  reads_running_++;
  return task;
}

void FilePool::Work(Worker* worker) {
  uv_mutex_lock(&mutex_);
  while (true) {
    while (worker->task == nullptr && !ending_) uv_cond_wait(&worker->wake, &mutex_);
    FileTask* task = worker->task;
    if (task == nullptr) break;
    uv_mutex_unlock(&mutex_);
    RunTask(task);
    uv_mutex_lock(&mutex_);
    if (task->kind == TaskKind::kRead) reads_running_--;
    // One signal per batch: the loop takes everything that has finished by the time it wakes.
    bool first = finished_.empty();
    finished_.push_back(task);
    if (first) uv_async_send(&finished_signal_);
    worker->task = NextWaiting();
    if (worker->task == nullptr) idle_.push_back(worker);
  }
  uv_mutex_unlock(&mutex_);
}

void FilePool::DeliverAll() {
  std::vector<FileTask*> batch;
  uv_mutex_lock(&mutex_);
  batch.swap(finished_);
  uv_mutex_unlock(&mutex_);
  for (FileTask* task : batch) {
    // Before the callback, which may submit the next task and would otherwise flip the handle twice.
    if (--under_way_ == 0) uv_unref(reinterpret_cast<uv_handle_t*>(&finished_signal_));
    Deliver(task);
  }
}

void FilePool::Deliver(FileTask* task) {
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) {
    Release(task);
    return;
  }
  napi_value global, done, arguments[2];
  napi_get_global(env_, &global);
  napi_get_reference_value(env_, task->done, &done);
  napi_create_int64(env_, task->result, &arguments[0]);
  napi_create_int32(env_, task->failed_in_sync ? 1 : 0, &arguments[1]);
  Release(task);
  // make_callback, not call_function: ticks and promise reactions of the callback have to run now.
  if (napi_make_callback(env_, context_, global, done, 2, arguments, nullptr) == napi_pending_exception) {
    napi_value error;
    if (napi_get_and_clear_last_exception(env_, &error) == napi_ok) napi_fatal_exception(env_, error);
  }
  napi_close_handle_scope(env_, scope);
}

void FilePool::Release(FileTask* task) {
  if (task->buffer != nullptr) napi_delete_reference(env_, task->buffer);
  napi_delete_reference(env_, task->done);
  free(task->owned);
  delete task;
}

void FilePool::End() {
  uv_mutex_lock(&mutex_);
  ending_ = true;
  for (Worker* worker : workers_) uv_cond_signal(&worker->wake);
  uv_mutex_unlock(&mutex_);
  for (Worker* worker : workers_) {
    uv_thread_join(&worker->thread);
    uv_cond_destroy(&worker->wake);
    delete worker;
  }
  for (FileTask* task : waiting_changes_) Release(task);
  for (FileTask* task : waiting_reads_) Release(task);
  for (FileTask* task : finished_) Release(task);
  finished_.clear();
  if (end_ != nullptr) end_(end_data_);
  napi_async_destroy(env_, context_);
  uv_close(reinterpret_cast<uv_handle_t*>(&finished_signal_), [](uv_handle_t* handle) {
    FilePool* pool = static_cast<FilePool*>(handle->data);
    uv_mutex_destroy(&pool->mutex_);
    napi_remove_async_cleanup_hook(pool->hook_);
    delete pool;
  });
}

}  // namespace ferrite
