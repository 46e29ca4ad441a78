// The batched transport: libuv streams whose reads meet in one arena and whose turn reaches JavaScript in one call.
//
// Invariants
//  - Of one slot `opened` comes first, `closed` last and once; a slot is reused only after Release.
//  - Whenever libuv asks for a read buffer, at least kReadBytesMin of the arena and one event are free: after every
//    recorded event the turn is handed over at once if less would be left.
//  - Recorded events lie in arrival order, and only libuv's callbacks record them. What JavaScript's calls bring
//    about (drained, closed) waits in the deferred list and is recorded at the next check phase, so the events that
//    a handler is reading never change under it.
//  - Bytes of one slot leave in order: nothing goes to the kernel past a queued block.
//  - queued[slot] is the sum of the bytes in the slot's blocks that the kernel has not accepted.
//
// Why libuv's streams and not an epoll set of our own: they build on macOS too and cost the same system calls (a short
// read is not followed by a second one); at pipeline 1 nine tenths of a request's CPU time are the kernel's.
// Why blocks and one uv_write at a time: libuv would keep the caller's memory, and one request per reply is an
// allocation per reply. A block gathers many replies.
#ifndef FERRITE_TRANSPORT_H_
#define FERRITE_TRANSPORT_H_

#include <node_api.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ferrite {

enum EventKind : int32_t { kOpened = 0, kData = 1, kHalfClosed = 2, kClosed = 3, kDrained = 4 };

constexpr int kEventWords = 4;
constexpr int kOutputWords = 3;
/// A read shorter than the buffer ends libuv's loop over the socket, so a buffer too small costs a system call.
constexpr size_t kReadBytesMin = 16 * 1024;
/// Bulk uploads cost the same with 64 KiB, 256 KiB and 1 MiB (bench/micro/transport); smaller is fairer: it is what one
/// connection may make all others wait for in one iteration, some 300 pipelined commands.
constexpr size_t kReadBytesMax = 32 * 1024;
/// Ranges gathered for one writev; consecutive replies are nearly always adjacent and merge into one range anyway.
constexpr unsigned kGatherMax = 64;
constexpr size_t kBlockBytesMin = 16 * 1024;
constexpr size_t kBlockBytesMax = 256 * 1024;
/// Blocks written in one go before other sockets get their turn.
constexpr int kFlushBlocksMax = 64;
/// "host:port", "[v6]:port" or "path:0"; a socket path has at most 107 bytes.
constexpr size_t kAddressBytes = 128;

class Transport;

/// A piece of a connection's output queue; its bytes follow the header.
struct Block {
  Block* next;
  size_t capacity;
  size_t length;  ///< bytes filled
  size_t sent;    ///< bytes of them that the kernel has accepted
  size_t flight;  ///< end of the bytes in libuv's hands; more may be appended behind it meanwhile
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
};

struct Connection {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  uv_write_t write;
  Transport* transport;
  Connection* deferred_next;
  Block* head;
  Block* tail;
  double drain_below;  ///< negative: nobody asked
  uint32_t read_round;  ///< the loop iteration in which it was last read
  int32_t slot;
  bool reading;
  bool ended;          ///< the peer has sent its last byte
  bool write_pending;  ///< `write` is in libuv's hands: the head block up to its `flight`
  bool flushing;       ///< to be closed as soon as the queue is empty; input is read and dropped
  bool closing;        ///< uv_close has been called
  bool gone;           ///< the handle is closed
  bool closed_told;    ///< the closed event has been recorded
  bool deferred;
  char peer[kAddressBytes];
  char local[kAddressBytes];
};

struct Listener {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  Transport* transport;
  int32_t index;
  bool is_pipe;
  bool closing;
};

/// Memory shared with JavaScript: four typed arrays, referenced until the last handle has closed.
struct SharedMemory {
  uint8_t* arena;
  size_t arena_bytes;
  int32_t* events;
  int32_t events_max;
  double* queued;  ///< bytes queued, by slot
  int32_t slots_max;
  int32_t* control;  ///< [kControlRefused], [kControlRefusedCode], [kControlKeepAlive]
};
constexpr size_t kSharedArrays = 4;
constexpr int kControlRefused = 0;
constexpr int kControlRefusedCode = 1;
/// Seconds of idleness before a new connection is probed; 0 for never. Written by JavaScript.
constexpr int kControlKeepAlive = 2;

class Transport {
 public:
  /// `arrays` are the kSharedArrays typed arrays that `memory` points into.
  Transport(napi_env env, uv_loop_t* loop, const SharedMemory& memory, const napi_value* arrays);

  /// Starts the handles that end a turn, and keeps the functions until the last handle has closed.
  void Start(napi_value on_turn, napi_value on_stopped);
  /// Answers the bound port or a negative libuv error. `index` is told with every connection accepted.
  int ListenTcp(const char* host, int port, int backlog, int32_t index);
  /// Answers 0 or a negative libuv error. Negative permissions leave the file's mode alone.
  int ListenPipe(const char* path, int permissions, int backlog, int32_t index);
  void CloseListener(int32_t index);

  /// False, with nothing sent, if a range lies outside the bytes.
  bool Send(const char* bytes, size_t bytes_length, const int32_t* entries, int count);
  void PauseReading(int32_t slot);
  void ResumeReading(int32_t slot);
  void NotifyDrained(int32_t slot, double below);
  void Close(int32_t slot, bool flush);
  /// False if the slot's closed event has not been told.
  bool Release(int32_t slot);
  /// Null unless the slot is in use; closed connections stay until Release.
  Connection* At(int32_t slot) const;

  /// Stops accepting and closes all connections, at once or when their queues have left; then on_stopped is called.
  void Stop(bool flush);
  /// The JavaScript object has been collected.
  void Abandon();

 private:
  ~Transport();

  static void OnCheck(uv_check_t* handle);
  static void OnConnection(uv_stream_t* server, int status);
  static void OnAllocate(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer);
  static void OnRead(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer);
  static void OnWritten(uv_write_t* request, int status);
  static void OnConnectionClosed(uv_handle_t* handle);
  static void OnRefusedClosed(uv_handle_t* handle);
  static void OnListenerClosed(uv_handle_t* handle);
  static void OnOwnHandleClosed(uv_handle_t* handle);
  static void OnEnvironmentExit(napi_async_cleanup_hook_handle hook, void* self);

  Listener* NewListener(int32_t index, bool is_pipe);
  int StartListening(Listener* listener, int backlog);
  void Accept(Listener* listener);
  void NoteRefused(int status);

  bool Enqueue(Connection* connection, const char* bytes, size_t length);
  void WriteRanges(Connection* connection, uv_buf_t* ranges, unsigned count);
  void StartWrite(Connection* connection);
  void Flush(Connection* connection);
  void Accepted(Connection* connection, size_t length);
  void CloseNow(Connection* connection);

  void Record(int32_t slot, EventKind kind, size_t offset, size_t length);
  void Defer(Connection* connection);
  void RecordDeferred();
  void Wake();
  void Deliver();
  void Call(napi_ref function, size_t argument_count, const napi_value* arguments);
  void CloseOwnHandles();
  void ReleaseArrays();
  void Finish();

  napi_env env_;
  uv_loop_t* loop_;
  SharedMemory memory_;
  napi_ref arrays_[kSharedArrays] = {};
  napi_ref on_turn_ = nullptr;
  napi_ref on_stopped_ = nullptr;
  napi_async_cleanup_hook_handle exit_hook_ = nullptr;
  uv_check_t check_;
  uv_idle_t idle_;
  std::vector<Connection*> slots_;
  std::vector<int32_t> free_slots_;
  std::vector<Listener*> listeners_;
  Connection* deferred_head_ = nullptr;
  Connection* deferred_tail_ = nullptr;
  size_t arena_used_ = 0;
  uint32_t round_ = 1;  ///< iterations of the loop
  int32_t event_count_ = 0;
  int open_streams_ = 0;      ///< listeners and connections whose handle is not closed yet
  int open_own_handles_ = 0;  ///< check_ and idle_
  bool refused_ = false;      ///< the refusal counters changed since the last turn
  bool delivering_ = false;
  bool running_ = false;  ///< from Start until the last handle has closed
  bool stopping_ = false;
  bool abandoned_ = false;
  bool exiting_ = false;  ///< the environment is going away: no JavaScript may run
};

}  // namespace ferrite

#endif  // FERRITE_TRANSPORT_H_
