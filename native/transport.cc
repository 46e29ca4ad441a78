// Turns and lifetime: when what was recorded reaches JavaScript, and how the transport starts and ends.
//
// The check handle runs right after libuv has polled, so a turn is everything that was ready in one poll. What is
// recorded at any other time starts the idle handle, which keeps the next poll from waiting. Neither handle costs a
// system call. Calls go through napi_make_callback, so promises and ticks of one turn run before the next; that costs
// 70 ns per turn more than napi_call_function, which would leave them waiting for whatever else enters JavaScript.
#include "transport.h"

#include <cstdlib>

namespace ferrite {

Transport::Transport(napi_env env, uv_loop_t* loop, const SharedMemory& memory, const napi_value* arrays)
    : env_(env), loop_(loop), memory_(memory) {
  for (size_t i = 0; i < kSharedArrays; i++) napi_create_reference(env, arrays[i], 1, &arrays_[i]);
}

Transport::~Transport() {
  for (Connection* connection : slots_) std::free(connection);
}

void Transport::Start(napi_value on_turn, napi_value on_stopped) {
  napi_create_reference(env_, on_turn, 1, &on_turn_);
  napi_create_reference(env_, on_stopped, 1, &on_stopped_);
  napi_add_async_cleanup_hook(env_, OnEnvironmentExit, this, &exit_hook_);
  uv_check_init(loop_, &check_);
  uv_idle_init(loop_, &idle_);
  check_.data = this;
  idle_.data = this;
  open_own_handles_ = 2;
  running_ = true;
  uv_check_start(&check_, OnCheck);
  // Listeners and connections keep the loop alive, not the end of a turn.
  uv_unref(reinterpret_cast<uv_handle_t*>(&check_));
}

void Transport::OnCheck(uv_check_t* handle) {
  auto* self = static_cast<Transport*>(handle->data);
  self->round_++;
  if (self->event_count_ == 0 && self->deferred_head_ == nullptr && !self->refused_ && !self->stopping_) return;
  uv_idle_stop(&self->idle_);
  self->RecordDeferred();
  if (self->event_count_ != 0 || self->refused_) self->Deliver();
  // Deliver may have released, closed or deferred anything; only a quiet transport is taken down.
  if (self->stopping_ && self->open_streams_ == 0 && self->deferred_head_ == nullptr) self->CloseOwnHandles();
}

void Transport::Wake() {
  if (open_own_handles_ == 2 && !uv_is_closing(reinterpret_cast<uv_handle_t*>(&idle_))) uv_idle_start(&idle_, [](uv_idle_t*) {});
}

void Transport::Record(int32_t slot, EventKind kind, size_t offset, size_t length) {
  int32_t* event = memory_.events + static_cast<size_t>(event_count_) * kEventWords;
  event[0] = slot;
  event[1] = kind;
  event[2] = static_cast<int32_t>(offset);
  event[3] = static_cast<int32_t>(length);
  event_count_++;
  if (event_count_ == memory_.events_max || memory_.arena_bytes - arena_used_ < kReadBytesMin) Deliver();
}

void Transport::Defer(Connection* connection) {
  Wake();
  if (connection->deferred) return;
  connection->deferred = true;
  connection->deferred_next = nullptr;
  if (deferred_tail_ != nullptr) {
    deferred_tail_->deferred_next = connection;
  } else {
    deferred_head_ = connection;
  }
  deferred_tail_ = connection;
}

void Transport::RecordDeferred() {
  Connection* next = deferred_head_;
  deferred_head_ = deferred_tail_ = nullptr;
  while (next != nullptr) {
    Connection* connection = next;
    next = connection->deferred_next;
    connection->deferred = false;
    // Record may call JavaScript, which may release the connection: it is not touched afterwards.
    if (connection->gone) {
      connection->closed_told = true;
      Record(connection->slot, kClosed, 0, 0);
    } else if (memory_.queued[connection->slot] <= connection->drain_below) {
      connection->drain_below = -1;
      Record(connection->slot, kDrained, 0, 0);
    }
  }
}

void Transport::Deliver() {
  if (exiting_ || delivering_) {
    // A handler cannot run inside a handler: libuv's callbacks, which alone record, do not run inside our calls.
    if (!exiting_) std::abort();
    event_count_ = 0;
    arena_used_ = 0;
    return;
  }
  delivering_ = true;
  refused_ = false;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) == napi_ok) {
    napi_value count;
    napi_create_int32(env_, event_count_, &count);
    Call(on_turn_, 1, &count);
    napi_close_handle_scope(env_, scope);
  }
  event_count_ = 0;
  arena_used_ = 0;
  delivering_ = false;
}

void Transport::Call(napi_ref function, size_t argument_count, const napi_value* arguments) {
  napi_value callee;
  napi_value result;
  if (napi_get_reference_value(env_, function, &callee) != napi_ok) return;
  const napi_status status = napi_make_callback(env_, nullptr, callee, callee, argument_count, arguments, &result);
  if (status != napi_pending_exception) return;
  napi_value error;
  if (napi_get_and_clear_last_exception(env_, &error) == napi_ok) napi_fatal_exception(env_, error);
}

void Transport::Stop(bool flush) {
  if (!running_) return;
  stopping_ = true;
  for (Listener* listener : listeners_) {
    if (listener != nullptr) CloseListener(listener->index);
  }
  for (Connection* connection : slots_) {
    if (connection != nullptr) Close(connection->slot, flush);
  }
  Wake();
}

void Transport::CloseOwnHandles() {
  auto* check = reinterpret_cast<uv_handle_t*>(&check_);
  auto* idle = reinterpret_cast<uv_handle_t*>(&idle_);
  if (!uv_is_closing(check)) uv_close(check, OnOwnHandleClosed);
  if (!uv_is_closing(idle)) uv_close(idle, OnOwnHandleClosed);
}

void Transport::OnOwnHandleClosed(uv_handle_t* handle) {
  auto* self = static_cast<Transport*>(handle->data);
  self->open_own_handles_--;
  self->Finish();
}

void Transport::ReleaseArrays() {
  for (napi_ref& array : arrays_) {
    if (array != nullptr) napi_delete_reference(env_, array);
    array = nullptr;
  }
}

void Transport::Finish() {
  if (!running_ || open_streams_ != 0 || open_own_handles_ != 0) return;
  running_ = false;
  for (Connection* connection : slots_) std::free(connection);
  slots_.clear();
  if (!exiting_) {
    napi_handle_scope scope;
    if (napi_open_handle_scope(env_, &scope) == napi_ok) {
      Call(on_stopped_, 0, nullptr);
      napi_close_handle_scope(env_, scope);
    }
    napi_delete_reference(env_, on_turn_);
    napi_delete_reference(env_, on_stopped_);
    ReleaseArrays();
  }
  napi_async_cleanup_hook_handle hook = exit_hook_;
  // Removing the hook may let the environment go, and with it this object through its finalizer.
  if (abandoned_) delete this;
  napi_remove_async_cleanup_hook(hook);
}

void Transport::OnEnvironmentExit(napi_async_cleanup_hook_handle, void* data) {
  auto* self = static_cast<Transport*>(data);
  self->exiting_ = true;
  self->Stop(false);
  self->CloseOwnHandles();
}

void Transport::Abandon() {
  // Collected only when not running: while it runs, on_turn_ keeps the JavaScript side alive. An environment that goes
  // away lets its references go by itself, and waits for the exit hook before.
  abandoned_ = true;
  if (!exiting_) ReleaseArrays();
  if (!running_) delete this;
}

}  // namespace ferrite
