// Listening and accepting.
//
// libuv accepts until the kernel has no more, keeps a spare descriptor to turn a flood away when the process has none
// left (EMFILE), and stays level-triggered, so nothing here loops. Refusals are counted for JavaScript to report.
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "transport.h"

namespace ferrite {

namespace {

void FormatAddress(const sockaddr_storage& address, char* text) {
  char host[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    uv_ip6_name(v6, host, sizeof host);
    std::snprintf(text, kAddressBytes, "[%s]:%d", host, ntohs(v6->sin6_port));
  } else {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    uv_ip4_name(v4, host, sizeof host);
    std::snprintf(text, kAddressBytes, "%s:%d", host, ntohs(v4->sin_port));
  }
}

void NameTcp(Connection* connection) {
  sockaddr_storage address;
  int length = sizeof address;
  std::strcpy(connection->peer, "?:0");
  std::strcpy(connection->local, "?:0");
  // A peer that has already gone has no name any more; its connection closes by itself.
  if (uv_tcp_getpeername(&connection->tcp, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    FormatAddress(address, connection->peer);
  }
  length = sizeof address;
  if (uv_tcp_getsockname(&connection->tcp, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    FormatAddress(address, connection->local);
  }
}

/// The connecting end of a unix socket has no name: Redis prints the listener's path for both ends.
void NamePipe(Connection* connection, const Listener* listener) {
  char path[kAddressBytes - 8] = "";
  size_t length = sizeof path - 1;
  if (uv_pipe_getsockname(&listener->pipe, path, &length) != 0) length = 0;
  path[length] = '\0';
  std::snprintf(connection->peer, kAddressBytes, "%s:0", path);
  std::memcpy(connection->local, connection->peer, kAddressBytes);
}

}  // namespace

Listener* Transport::NewListener(int32_t index, bool is_pipe) {
  auto* listener = static_cast<Listener*>(std::calloc(1, sizeof(Listener)));
  if (listener == nullptr) return nullptr;
  listener->transport = this;
  listener->index = index;
  listener->is_pipe = is_pipe;
  const int status = is_pipe ? uv_pipe_init(loop_, &listener->pipe, 0) : uv_tcp_init(loop_, &listener->tcp);
  if (status != 0) {
    std::free(listener);
    return nullptr;
  }
  listener->handle.data = listener;
  if (listeners_.size() <= static_cast<size_t>(index)) listeners_.resize(static_cast<size_t>(index) + 1, nullptr);
  listeners_[static_cast<size_t>(index)] = listener;
  open_streams_++;
  return listener;
}

int Transport::StartListening(Listener* listener, int backlog) {
  return uv_listen(&listener->stream, backlog, OnConnection);
}

int Transport::ListenTcp(const char* host, int port, int backlog, int32_t index) {
  sockaddr_storage address;
  std::memset(&address, 0, sizeof address);
  // IPv6 sockets take IPv6 only, as Redis's do, so that 0.0.0.0 and :: can be listened on side by side.
  unsigned flags = 0;
  if (uv_ip4_addr(host, port, reinterpret_cast<sockaddr_in*>(&address)) != 0) {
    const int status = uv_ip6_addr(host, port, reinterpret_cast<sockaddr_in6*>(&address));
    if (status != 0) return status;
    flags = UV_TCP_IPV6ONLY;
  }
  Listener* listener = NewListener(index, false);
  if (listener == nullptr) return UV_ENOMEM;
  int status = uv_tcp_bind(&listener->tcp, reinterpret_cast<sockaddr*>(&address), flags);
  if (status == 0) status = StartListening(listener, backlog);
  int length = sizeof address;
  if (status == 0) status = uv_tcp_getsockname(&listener->tcp, reinterpret_cast<sockaddr*>(&address), &length);
  if (status != 0) {
    CloseListener(index);
    return status;
  }
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

int Transport::ListenPipe(const char* path, int permissions, int backlog, int32_t index) {
  Listener* listener = NewListener(index, true);
  if (listener == nullptr) return UV_ENOMEM;
  int status = uv_pipe_bind(&listener->pipe, path);
  // Between bind and listen nobody can connect, so nobody gets in under the wrong mode.
  if (status == 0 && permissions >= 0 && chmod(path, static_cast<mode_t>(permissions)) != 0) {
    status = uv_translate_sys_error(errno);
  }
  if (status == 0) status = StartListening(listener, backlog);
  if (status != 0) CloseListener(index);
  return status;
}

void Transport::CloseListener(int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= listeners_.size()) return;
  Listener* listener = listeners_[static_cast<size_t>(index)];
  if (listener == nullptr || listener->closing) return;
  listener->closing = true;
  uv_close(&listener->handle, OnListenerClosed);
}

void Transport::OnListenerClosed(uv_handle_t* handle) {
  auto* listener = static_cast<Listener*>(handle->data);
  Transport* self = listener->transport;
  self->listeners_[static_cast<size_t>(listener->index)] = nullptr;
  std::free(listener);
  self->open_streams_--;
  if (self->stopping_) self->Wake();
  self->Finish();
}

void Transport::OnConnection(uv_stream_t* server, int status) {
  auto* listener = static_cast<Listener*>(server->data);
  if (status != 0) {
    listener->transport->NoteRefused(status);
  } else {
    listener->transport->Accept(listener);
  }
}

void Transport::NoteRefused(int status) {
  memory_.control[kControlRefused]++;
  memory_.control[kControlRefusedCode] = status;
  refused_ = true;
  Wake();
}

void Transport::Accept(Listener* listener) {
  auto* connection = static_cast<Connection*>(std::calloc(1, sizeof(Connection)));
  if (connection == nullptr) return NoteRefused(UV_ENOMEM);
  const bool is_pipe = listener->is_pipe;
  int status = is_pipe ? uv_pipe_init(loop_, &connection->pipe, 0) : uv_tcp_init(loop_, &connection->tcp);
  if (status != 0) {
    std::free(connection);
    return NoteRefused(status);
  }
  connection->handle.data = connection;
  connection->write.data = connection;
  connection->transport = this;
  connection->drain_below = -1;
  open_streams_++;
  status = uv_accept(&listener->stream, &connection->stream);
  const bool full = free_slots_.empty() && slots_.size() >= static_cast<size_t>(memory_.slots_max);
  if (status != 0 || full || stopping_) {
    if (status != 0 || full) NoteRefused(status != 0 ? status : UV_ENFILE);
    uv_close(&connection->handle, OnRefusedClosed);
    return;
  }
  if (is_pipe) {
    NamePipe(connection, listener);
  } else {
    uv_tcp_nodelay(&connection->tcp, 1);
    const int32_t keep_alive = memory_.control[kControlKeepAlive];
    uv_tcp_keepalive(&connection->tcp, keep_alive > 0, static_cast<unsigned>(keep_alive));
    NameTcp(connection);
  }
  if (free_slots_.empty()) {
    connection->slot = static_cast<int32_t>(slots_.size());
    slots_.push_back(connection);
  } else {
    connection->slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[static_cast<size_t>(connection->slot)] = connection;
  }
  memory_.queued[connection->slot] = 0;
  connection->reading = uv_read_start(&connection->stream, OnAllocate, OnRead) == 0;
  // Last: Record may call JavaScript, which may close the connection and even the listener.
  Record(connection->slot, kOpened, static_cast<size_t>(listener->index), 0);
}

void Transport::OnRefusedClosed(uv_handle_t* handle) {
  auto* connection = static_cast<Connection*>(handle->data);
  Transport* self = connection->transport;
  std::free(connection);
  self->open_streams_--;
  if (self->stopping_) self->Wake();
  self->Finish();
}

}  // namespace ferrite
