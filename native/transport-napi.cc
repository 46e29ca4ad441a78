// The transport's functions as JavaScript sees them (typed in src/adapters/native/addon.ts).
//
// A transport is an external value: its finalizer lets the C++ object go once its handles have closed. Errors of the
// system come back as negative libuv codes; a broken promise of the caller (a range outside the batch) throws.
#include <cstdlib>

#include "addon.h"
#include "transport.h"

namespace ferrite {
namespace {

constexpr size_t kArgumentsMax = 6;
constexpr size_t kTextBytes = 512;

struct Arguments {
  napi_value values[kArgumentsMax];

  Arguments(napi_env env, napi_callback_info info) {
    size_t count = kArgumentsMax;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  Transport* transport(napi_env env) const {
    void* self = nullptr;
    napi_get_value_external(env, values[0], &self);
    return static_cast<Transport*>(self);
  }
  int32_t integer(napi_env env, size_t index) const {
    int32_t value = 0;
    napi_get_value_int32(env, values[index], &value);
    return value;
  }
  bool boolean(napi_env env, size_t index) const {
    bool value = false;
    napi_get_value_bool(env, values[index], &value);
    return value;
  }
  void* array(napi_env env, size_t index, size_t* length) const {
    void* data = nullptr;
    napi_get_typedarray_info(env, values[index], nullptr, length, &data, nullptr, nullptr);
    return data;
  }
  void text(napi_env env, size_t index, char* into) const {
    size_t length = 0;
    into[0] = '\0';
    napi_get_value_string_utf8(env, values[index], into, kTextBytes, &length);
  }
};

napi_value Integer(napi_env env, int32_t value) {
  napi_value result = nullptr;
  napi_create_int32(env, value, &result);
  return result;
}

void Finalize(napi_env, void* data, void*) { static_cast<Transport*>(data)->Abandon(); }

/// (arena: Uint8Array, events: Int32Array, queued: Float64Array, control: Int32Array) -> handle
napi_value Create(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  SharedMemory memory;
  size_t length = 0;
  memory.arena = static_cast<uint8_t*>(arguments.array(env, 0, &memory.arena_bytes));
  memory.events = static_cast<int32_t*>(arguments.array(env, 1, &length));
  memory.events_max = static_cast<int32_t>(length / kEventWords);
  memory.queued = static_cast<double*>(arguments.array(env, 2, &length));
  memory.slots_max = static_cast<int32_t>(length);
  memory.control = static_cast<int32_t*>(arguments.array(env, 3, &length));
  if (memory.arena_bytes < 2 * kReadBytesMin || memory.events_max < 2 || memory.slots_max < 1 || length < 2) {
    napi_throw_range_error(env, nullptr, "transport: the arena, the events or the slots are too few");
    return nullptr;
  }
  auto* self = new Transport(env, loop, memory, arguments.values);
  napi_value handle = nullptr;
  if (napi_create_external(env, self, Finalize, nullptr, &handle) != napi_ok) self->Abandon();
  return handle;
}

/// (handle, onTurn: (count) => void, onStopped: () => void)
napi_value Start(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  arguments.transport(env)->Start(arguments.values[1], arguments.values[2]);
  return nullptr;
}

/// (handle, host, port, backlog, index) -> port or a negative error
napi_value ListenTcp(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  char host[kTextBytes];
  arguments.text(env, 1, host);
  return Integer(env, arguments.transport(env)->ListenTcp(host, arguments.integer(env, 2), arguments.integer(env, 3),
                                                          arguments.integer(env, 4)));
}

/// (handle, path, permissions, backlog, index) -> 0 or a negative error
napi_value ListenPipe(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  char path[kTextBytes];
  arguments.text(env, 1, path);
  return Integer(env, arguments.transport(env)->ListenPipe(path, arguments.integer(env, 2), arguments.integer(env, 3),
                                                           arguments.integer(env, 4)));
}

napi_value CloseListener(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  arguments.transport(env)->CloseListener(arguments.integer(env, 1));
  return nullptr;
}

/// (handle, bytes: Uint8Array, entries: Int32Array, count)
napi_value Send(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  size_t bytes_length = 0;
  size_t words = 0;
  const auto* bytes = static_cast<const char*>(arguments.array(env, 1, &bytes_length));
  const auto* entries = static_cast<const int32_t*>(arguments.array(env, 2, &words));
  const int32_t count = arguments.integer(env, 3);
  if (count < 0 || static_cast<size_t>(count) > words / kOutputWords ||
      !arguments.transport(env)->Send(bytes, bytes_length, entries, count)) {
    napi_throw_range_error(env, nullptr, "transport: an output entry lies outside the batch");
  }
  return nullptr;
}

napi_value PauseReading(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  arguments.transport(env)->PauseReading(arguments.integer(env, 1));
  return nullptr;
}

napi_value ResumeReading(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  arguments.transport(env)->ResumeReading(arguments.integer(env, 1));
  return nullptr;
}

/// (handle, slot, belowBytes)
napi_value NotifyDrained(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  double below = 0;
  napi_get_value_double(env, arguments.values[2], &below);
  arguments.transport(env)->NotifyDrained(arguments.integer(env, 1), below);
  return nullptr;
}

/// (handle, slot, flush)
napi_value Close(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  arguments.transport(env)->Close(arguments.integer(env, 1), arguments.boolean(env, 2));
  return nullptr;
}

/// (handle, slot) -> whether the slot was closed and is now free
napi_value Release(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  napi_value result = nullptr;
  napi_get_boolean(env, arguments.transport(env)->Release(arguments.integer(env, 1)), &result);
  return result;
}

/// (handle, slot, peer: boolean) -> text, empty for a slot that is not in use
napi_value Address(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const Connection* connection = arguments.transport(env)->At(arguments.integer(env, 1));
  const char* text = connection == nullptr ? "" : arguments.boolean(env, 2) ? connection->peer : connection->local;
  napi_value result = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

/// (handle, slot) -> file descriptor or -1
napi_value Descriptor(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const Connection* connection = arguments.transport(env)->At(arguments.integer(env, 1));
  uv_os_fd_t descriptor = -1;
  if (connection == nullptr || connection->closing || uv_fileno(&connection->handle, &descriptor) != 0) descriptor = -1;
  return Integer(env, descriptor);
}

/// (handle, flush)
napi_value Stop(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  arguments.transport(env)->Stop(arguments.boolean(env, 1));
  return nullptr;
}

}  // namespace
}  // namespace ferrite

void RegisterTransport(napi_env env, napi_value exports) {
  using namespace ferrite;
  struct Entry {
    const char* name;
    napi_callback function;
  };
  const Entry entries[] = {
      {"transportCreate", Create},
      {"transportStart", Start},
      {"transportListenTcp", ListenTcp},
      {"transportListenPipe", ListenPipe},
      {"transportCloseListener", CloseListener},
      {"transportSend", Send},
      {"transportPauseReading", PauseReading},
      {"transportResumeReading", ResumeReading},
      {"transportNotifyDrained", NotifyDrained},
      {"transportClose", Close},
      {"transportRelease", Release},
      {"transportAddress", Address},
      {"transportDescriptor", Descriptor},
      {"transportStop", Stop},
  };
  for (const Entry& entry : entries) {
    napi_value function;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.function, nullptr, &function);
    napi_set_named_property(env, exports, entry.name, function);
  }
}
