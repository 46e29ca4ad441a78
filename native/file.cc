// The glue between JavaScript and files: unpacks arguments, calls file-io.h or hands a task to file-pool.h.
//
// Invariants
//  - every function answers a number: a count, a descriptor or 0, and the negated errno on failure; JavaScript
//    builds the error, because only it knows the path;
//  - a range that does not lie in its array is a RangeError before anything is touched;
//  - the array of an asynchronous operation is referenced until its callback, and never copied
//    (direct-writes.h makes its own copy, because that has to be aligned);
//  - descriptors that are still open when the environment ends are closed then (a worker leaks none).
//
// Plain descriptors rather than wrapped objects: a number costs nothing to pass, and src/adapters owns the life.
#include <errno.h>
#include <limits.h>

#include <string>
#include <unordered_set>

#include "addon.h"
#include "direct-writes.h"
#include "file-io.h"
#include "file-pool.h"

namespace ferrite {
namespace {

struct FileState {
  FilePool* pool;
  std::unordered_set<int> open;
  DirectWrites* direct = nullptr;  // from the first file that wants them on
};

constexpr size_t kArgumentsMax = 7;

struct Arguments {
  napi_env env;
  size_t count = kArgumentsMax;
  napi_value values[kArgumentsMax];
  FileState* state = nullptr;

  Arguments(napi_env environment, napi_callback_info info) : env(environment) {
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, values, nullptr, &data);
    state = static_cast<FileState*>(data);
  }

  int32_t Int(size_t index) const {
    int32_t value = -1;
    napi_get_value_int32(env, values[index], &value);
    return value;
  }

  int64_t Long(size_t index) const {
    int64_t value = -1;
    napi_get_value_int64(env, values[index], &value);
    return value;
  }

  std::string Text(size_t index) const {
    size_t length = 0;
    napi_get_value_string_utf8(env, values[index], nullptr, 0, &length);
    std::string text(length, '\0');
    napi_get_value_string_utf8(env, values[index], &text[0], length + 1, &length);
    return text;
  }

  // The range (array, offset, length) at `index`; null after throwing if it is not inside the array.
  uint8_t* Range(size_t index, size_t* length) const {
    napi_typedarray_type type;
    size_t size = 0;
    void* data = nullptr;
    napi_status status =
        napi_get_typedarray_info(env, values[index], &type, &size, &data, nullptr, nullptr);
    int64_t offset = Long(index + 1);
    int64_t wanted = Long(index + 2);
    bool inside = status == napi_ok && type == napi_uint8_array && offset >= 0 && wanted >= 0 &&
                  static_cast<uint64_t>(offset) + static_cast<uint64_t>(wanted) <= size;
    if (!inside) {
      napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "offset and length must lie inside a Uint8Array");
      return nullptr;
    }
    *length = static_cast<size_t>(wanted);
    static uint8_t nothing;  // an empty array has no address, and null already means "thrown"
    return data == nullptr ? &nothing : static_cast<uint8_t*>(data) + offset;
  }

  napi_value Number(int64_t value) const {
    napi_value result;
    napi_create_int64(env, value, &result);
    return result;
  }
};

napi_value Open(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  int64_t fd = OpenFile(in.Text(0).c_str(), static_cast<OpenMode>(in.Int(1)));
  if (fd >= 0) in.state->open.insert(static_cast<int>(fd));
  return in.Number(fd);
}

napi_value Close(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  int fd = in.Int(0);
  // Only what was opened here: closing a stranger's descriptor would be a bug that shows somewhere else.
  if (in.state->open.erase(fd) == 0) return in.Number(-EBADF);
  if (in.state->direct != nullptr) in.state->direct->Close(fd);
  return in.Number(CloseFile(fd));
}

napi_value Size(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  return in.Number(FileSize(in.Int(0)));
}

napi_value Append(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* data = in.Range(1, &length);
  return data == nullptr ? nullptr : in.Number(AppendAll(in.Int(0), data, length));
}

// (fd, position, bytes, offset, length)
napi_value Overwrite(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* data = in.Range(2, &length);
  return data == nullptr ? nullptr : in.Number(WriteAllAt(in.Int(0), in.Long(1), data, length));
}

napi_value Read(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* into = in.Range(2, &length);
  return into == nullptr ? nullptr : in.Number(ReadUpTo(in.Int(0), in.Long(1), into, length));
}

napi_value ReadIfResident(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* into = in.Range(2, &length);
  return into == nullptr ? nullptr : in.Number(ReadResident(in.Int(0), in.Long(1), into, length));
}

napi_value Sync(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  return in.Number(SyncData(in.Int(0)));
}

napi_value TruncateTo(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  return in.Number(Truncate(in.Int(0), in.Long(1)));
}

napi_value AllocateTo(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  return in.Number(Allocate(in.Int(0), in.Long(1)));
}

napi_value Lock(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  int64_t fd = OpenLocked(in.Text(0).c_str());
  if (fd >= 0) in.state->open.insert(static_cast<int>(fd));
  return in.Number(fd);
}

napi_value Replace(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* data = in.Range(1, &length);
  return data == nullptr ? nullptr : in.Number(ReplaceContent(in.Int(0), data, length));
}

// Hands the task to the pool with references on its array (unless `buffer` is null) and its callback.
napi_value Begin(const Arguments& in, const FileTask& task, napi_value buffer, napi_value done) {
  FileTask* started = new FileTask(task);
  if (buffer != nullptr) napi_create_reference(in.env, buffer, 1, &started->buffer);
  napi_create_reference(in.env, done, 1, &started->done);
  if (in.state->pool->Submit(started)) return in.Number(0);
  if (started->buffer != nullptr) napi_delete_reference(in.env, started->buffer);
  napi_delete_reference(in.env, started->done);
  delete started;
  return in.Number(-EAGAIN);
}

// (fd, bytes, offset, length, sync, done)
napi_value BeginAppend(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* data = in.Range(1, &length);
  if (data == nullptr) return nullptr;
  bool sync = false;
  napi_get_value_bool(env, in.values[4], &sync);
  TaskKind kind = sync ? TaskKind::kAppendAndSync : TaskKind::kAppend;
  return Begin(in, {kind, in.Int(0), data, length, 0, 0, nullptr, nullptr, false}, in.values[1], in.values[5]);
}

// (fd, position, bytes, offset, length, sync, done)
napi_value BeginOverwrite(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* data = in.Range(2, &length);
  if (data == nullptr) return nullptr;
  bool sync = false;
  napi_get_value_bool(env, in.values[5], &sync);
  TaskKind kind = sync ? TaskKind::kOverwriteAndSync : TaskKind::kOverwrite;
  FileTask task = {kind, in.Int(0), data, length, in.Long(1), 0, nullptr, nullptr, false};
  return Begin(in, task, in.values[2], in.values[6]);
}

// (fd, path)
napi_value OpenDirect(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  FileState* state = in.state;
  if (state->direct == nullptr) state->direct = DirectWrites::Create(env, state->pool);
  if (state->direct == nullptr) return in.Number(-ENOTSUP);
  return in.Number(state->direct->Open(in.Int(0), in.Text(1).c_str()));
}

// (fd, position, bytes, offset, length, done)
napi_value BeginDirect(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* data = in.Range(2, &length);
  if (data == nullptr) return nullptr;
  if (in.state->direct == nullptr) return in.Number(-ENOTSUP);
  FileTask* task = new FileTask{TaskKind::kOverwriteAndSync, in.Int(0), data, length, in.Long(1), 0, nullptr, nullptr, false};
  napi_create_reference(env, in.values[5], 1, &task->done);
  if (in.state->direct->Submit(task)) return in.Number(0);
  napi_delete_reference(env, task->done);
  delete task;
  return in.Number(-EAGAIN);
}

// (fd, position, bytes, offset, length)
napi_value OverwriteDirect(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* data = in.Range(2, &length);
  if (data == nullptr) return nullptr;
  if (in.state->direct == nullptr) return in.Number(DirectWrites::kNotDirect);
  return in.Number(in.state->direct->WriteNow(in.Int(0), in.Long(1), data, length));
}

// (fd, position, into, offset, length, done)
napi_value BeginRead(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  size_t length;
  uint8_t* into = in.Range(2, &length);
  if (into == nullptr) return nullptr;
  FileTask task = {TaskKind::kRead, in.Int(0), into, length, in.Long(1), 0, nullptr, nullptr, false};
  return Begin(in, task, in.values[2], in.values[5]);
}

// (fd, done)
napi_value BeginSync(napi_env env, napi_callback_info info) {
  Arguments in(env, info);
  FileTask task = {TaskKind::kSync, in.Int(0), nullptr, 0, 0, 0, nullptr, nullptr, false};
  return Begin(in, task, nullptr, in.values[1]);
}

void CloseAll(void* data) {
  FileState* state = static_cast<FileState*>(data);
  for (int fd : state->open) CloseFile(fd);
  delete state;
}

}  // namespace
}  // namespace ferrite

void RegisterFile(napi_env env, napi_value exports) {
  using namespace ferrite;
  FilePool* pool = FilePool::Create(env);
  if (pool == nullptr) {
    napi_throw_error(env, nullptr, "the event loop refused the handle that file operations finish through");
    return;
  }
  FileState* state = new FileState{pool, {}, nullptr};
  pool->OnEnd(CloseAll, state);

  const struct {
    const char* name;
    napi_callback run;
  } functions[] = {
      {"fileOpen", Open},         {"fileClose", Close},           {"fileSize", Size},
      {"fileAppend", Append},     {"fileRead", Read},             {"fileReadResident", ReadIfResident},
      {"fileSync", Sync},         {"fileTruncate", TruncateTo},   {"fileAllocate", AllocateTo},
      {"fileLock", Lock},         {"fileReplace", Replace},       {"fileBeginAppend", BeginAppend},
      {"fileBeginRead", BeginRead}, {"fileBeginSync", BeginSync},   {"fileOverwrite", Overwrite},
      {"fileBeginOverwrite", BeginOverwrite}, {"fileOpenDirect", OpenDirect}, {"fileBeginDirect", BeginDirect},
      {"fileOverwriteDirect", OverwriteDirect},
  };
  for (const auto& each : functions) {
    napi_value function;
    napi_create_function(env, each.name, NAPI_AUTO_LENGTH, each.run, state, &function);
    napi_set_named_property(env, exports, each.name, function);
  }
  napi_value not_direct;
  napi_create_int64(env, DirectWrites::kNotDirect, &not_direct);
  napi_set_named_property(env, exports, "FILE_NOT_DIRECT", not_direct);
  napi_value block_bytes;
  napi_create_int64(env, DirectWrites::kBlockBytes, &block_bytes);
  napi_set_named_property(env, exports, "FILE_BLOCK_BYTES", block_bytes);
  napi_value not_resident;
  napi_create_int64(env, kNotResident, &not_resident);
  napi_set_named_property(env, exports, "FILE_NOT_RESIDENT", not_resident);
}
