// Reading, writing and closing of one connection.
//
// Hot path: per request one read(2), one recorded event, one write(2). Nothing is allocated unless the kernel does not
// take a reply whole; then the rest is copied to blocks of the connection and leaves as the peer reads.
#include <cstdlib>
#include <cstring>

#include "transport.h"

namespace ferrite {

Connection* Transport::At(int32_t slot) const {
  return slot >= 0 && static_cast<size_t>(slot) < slots_.size() ? slots_[static_cast<size_t>(slot)] : nullptr;
}

void Transport::OnAllocate(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
  auto* connection = static_cast<Connection*>(handle->data);
  const Transport* self = connection->transport;
  // libuv would read a connection up to 32 times before it looks at the next: a client with a deep pipeline would make
  // all others wait. One read each per iteration; no buffer makes libuv leave the rest for the next one.
  if (connection->read_round == self->round_) {
    *buffer = uv_buf_init(nullptr, 0);
    return;
  }
  connection->read_round = self->round_;
  const size_t free_bytes = self->memory_.arena_bytes - self->arena_used_;
  buffer->base = reinterpret_cast<char*>(self->memory_.arena) + self->arena_used_;
  buffer->len = free_bytes < kReadBytesMax ? free_bytes : kReadBytesMax;
}

void Transport::OnRead(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer) {
  auto* connection = static_cast<Connection*>(stream->data);
  Transport* self = connection->transport;
  if (length > 0) {
    if (connection->flushing) return;
    const size_t offset = self->arena_used_;
    self->arena_used_ += static_cast<size_t>(length);
    self->Record(connection->slot, kData, offset, static_cast<size_t>(length));
  } else if (length == UV_ENOBUFS) {
    return;
  } else if (length == UV_EOF) {
    connection->ended = true;
    connection->reading = false;
    uv_read_stop(stream);
    if (!connection->flushing) self->Record(connection->slot, kHalfClosed, 0, 0);
  } else if (length < 0) {
    self->CloseNow(connection);
  }
}

void Transport::PauseReading(int32_t slot) {
  Connection* connection = At(slot);
  if (connection == nullptr || connection->closing || connection->flushing || !connection->reading) return;
  connection->reading = false;
  uv_read_stop(&connection->stream);
}

void Transport::ResumeReading(int32_t slot) {
  Connection* connection = At(slot);
  if (connection == nullptr || connection->closing || connection->reading || connection->ended) return;
  connection->reading = uv_read_start(&connection->stream, OnAllocate, OnRead) == 0;
}

bool Transport::Send(const char* bytes, size_t bytes_length, const int32_t* entries, int count) {
  for (int i = 0; i < count; i++) {
    const int64_t offset = entries[i * kOutputWords + 1];
    const int64_t length = entries[i * kOutputWords + 2];
    if (offset < 0 || length < 0 || static_cast<size_t>(offset + length) > bytes_length) return false;
  }
  uv_buf_t ranges[kGatherMax];
  int next = 0;
  while (next < count) {
    const int32_t slot = entries[next * kOutputWords];
    unsigned gathered = 0;
    for (; next < count && entries[next * kOutputWords] == slot; next++) {
      char* base = const_cast<char*>(bytes) + entries[next * kOutputWords + 1];
      const auto length = static_cast<size_t>(entries[next * kOutputWords + 2]);
      if (length == 0) continue;
      if (gathered != 0 && ranges[gathered - 1].base + ranges[gathered - 1].len == base) {
        ranges[gathered - 1].len += length;
      } else {
        if (gathered == kGatherMax) break;
        ranges[gathered++] = uv_buf_init(base, static_cast<unsigned>(length));
      }
    }
    Connection* connection = At(slot);
    if (gathered != 0 && connection != nullptr && !connection->closing && !connection->flushing) {
      WriteRanges(connection, ranges, gathered);
    }
  }
  return true;
}

void Transport::WriteRanges(Connection* connection, uv_buf_t* ranges, unsigned count) {
  size_t accepted = 0;
  if (connection->head == nullptr) {
    const int status = uv_try_write(&connection->stream, ranges, count);
    if (status < 0 && status != UV_EAGAIN) return CloseNow(connection);
    if (status > 0) accepted = static_cast<size_t>(status);
  }
  for (unsigned i = 0; i < count; i++) {
    if (accepted >= ranges[i].len) {
      accepted -= ranges[i].len;
      continue;
    }
    if (!Enqueue(connection, ranges[i].base + accepted, ranges[i].len - accepted)) return CloseNow(connection);
    accepted = 0;
  }
  if (connection->head != nullptr && !connection->write_pending) StartWrite(connection);
}

/// False if memory has run out: a reply with a hole must not leave, so the caller closes the connection.
bool Transport::Enqueue(Connection* connection, const char* bytes, size_t length) {
  while (length != 0) {
    Block* block = connection->tail;
    if (block == nullptr || block->length == block->capacity) {
      const size_t wanted = length < kBlockBytesMin ? kBlockBytesMin : length;
      const size_t capacity = wanted > kBlockBytesMax ? kBlockBytesMax : wanted;
      block = static_cast<Block*>(std::malloc(sizeof(Block) + capacity));
      if (block == nullptr) return false;
      *block = Block{nullptr, capacity, 0, 0, 0};
      (connection->tail != nullptr ? connection->tail->next : connection->head) = block;
      connection->tail = block;
    }
    const size_t room = block->capacity - block->length;
    const size_t part = length < room ? length : room;
    std::memcpy(block->bytes() + block->length, bytes, part);
    block->length += part;
    bytes += part;
    length -= part;
    memory_.queued[connection->slot] += static_cast<double>(part);
  }
  return true;
}

/// Hands the head block's unsent bytes to libuv, which waits until the socket takes them.
void Transport::StartWrite(Connection* connection) {
  Block* block = connection->head;
  block->flight = block->length;
  uv_buf_t buffer = uv_buf_init(block->bytes() + block->sent, static_cast<unsigned>(block->length - block->sent));
  connection->write_pending = true;
  if (uv_write(&connection->write, &connection->stream, &buffer, 1, OnWritten) != 0) {
    connection->write_pending = false;
    CloseNow(connection);
  }
}

void Transport::OnWritten(uv_write_t* request, int status) {
  auto* connection = static_cast<Connection*>(request->data);
  Transport* self = connection->transport;
  connection->write_pending = false;
  if (connection->closing) return;
  if (status != 0) return self->CloseNow(connection);
  self->Accepted(connection, connection->head->flight - connection->head->sent);
  self->Flush(connection);
}

void Transport::Accepted(Connection* connection, size_t length) {
  Block* block = connection->head;
  block->sent += length;
  memory_.queued[connection->slot] -= static_cast<double>(length);
  if (block->sent != block->length) return;
  connection->head = block->next;
  if (connection->head == nullptr) connection->tail = nullptr;
  std::free(block);
}

/// Writes while the socket takes it, then leaves the rest to libuv; ends a close that waited for the queue.
void Transport::Flush(Connection* connection) {
  for (int written_blocks = 0; connection->head != nullptr && written_blocks < kFlushBlocksMax; written_blocks++) {
    Block* block = connection->head;
    const size_t rest = block->length - block->sent;
    uv_buf_t buffer = uv_buf_init(block->bytes() + block->sent, static_cast<unsigned>(rest));
    const int status = uv_try_write(&connection->stream, &buffer, 1);
    if (status < 0 && status != UV_EAGAIN) return CloseNow(connection);
    if (status > 0) Accepted(connection, static_cast<size_t>(status));
    if (status < 0 || static_cast<size_t>(status) < rest) break;
  }
  if (connection->head == nullptr && connection->flushing) return CloseNow(connection);
  if (connection->head != nullptr) StartWrite(connection);
  if (!connection->closing && memory_.queued[connection->slot] <= connection->drain_below) Defer(connection);
}

void Transport::NotifyDrained(int32_t slot, double below) {
  Connection* connection = At(slot);
  if (connection == nullptr || connection->closing || connection->flushing) return;
  connection->drain_below = below;
  if (memory_.queued[slot] <= below) Defer(connection);
}

void Transport::Close(int32_t slot, bool flush) {
  Connection* connection = At(slot);
  if (connection == nullptr || connection->closing) return;
  if (!flush || connection->head == nullptr) return CloseNow(connection);
  connection->flushing = true;
  connection->drain_below = -1;
  // Input is read and dropped meanwhile: it is how a reset of the peer is noticed.
  ResumeReading(slot);
}

void Transport::CloseNow(Connection* connection) {
  if (connection->closing) return;
  connection->closing = true;
  connection->drain_below = -1;
  uv_close(&connection->handle, OnConnectionClosed);
}

void Transport::OnConnectionClosed(uv_handle_t* handle) {
  auto* connection = static_cast<Connection*>(handle->data);
  Transport* self = connection->transport;
  while (connection->head != nullptr) {
    Block* block = connection->head;
    connection->head = block->next;
    std::free(block);
  }
  connection->tail = nullptr;
  self->memory_.queued[connection->slot] = 0;
  connection->gone = true;
  self->open_streams_--;
  self->Defer(connection);
  self->Finish();
}

bool Transport::Release(int32_t slot) {
  Connection* connection = At(slot);
  if (connection == nullptr || !connection->closed_told) return false;
  slots_[static_cast<size_t>(slot)] = nullptr;
  free_slots_.push_back(slot);
  std::free(connection);
  return true;
}

}  // namespace ferrite
