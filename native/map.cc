// Mapped files under mmap-io's names: map, unmap, advise, incore, sync and its constants, plus `resident`.
//
// Invariants
//  - offsets and lengths are 64 bits wide; one mapping is at most 1 GiB (an external ArrayBuffer's safe size);
//  - an address is unmapped exactly once: `unmap` detaches the ArrayBuffer first, so that JavaScript can never
//    look at memory that is gone, and leaves a mark for the finalizer, which node runs later in any case;
//  - functions that take a mapping accept only arrays over a mapping that this environment made and still holds;
//  - no signal handler is installed: a mapped file must not be truncated (see src/ports/mapped-file.ts).
//
// Ours, because mmap-io casts offsets to int, cannot unmap, and builds on no supported Node.
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "addon.h"

namespace {

struct Mapping;
using Mappings = std::unordered_map<void*, Mapping*>;

struct Mapping {
  void* address;
  size_t length;
  bool unmapped;
  // Its bytes were taken off what V8 counts.
  bool discounted;
  // Shared: node may run finalizers after the environment's own data is gone.
  std::shared_ptr<Mappings> all;
};

constexpr int64_t kMappingBytesMax = int64_t{1} << 30;

size_t PageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

std::shared_ptr<Mappings>& MappingsOf(void* data) { return *static_cast<std::shared_ptr<Mappings>*>(data); }

// V8 counts the bytes of outside buffers as its own and collects garbage as they grow: some milliseconds for every few
// segments, although none of it is garbage. What V8 adds and takes off is taken off and added here: off when V8 has added
// it, and back on before V8 takes it off, because a sum below zero ends the process on Node 24.
void Account(napi_env env, int64_t bytes) {
  int64_t total;
  napi_adjust_external_memory(env, bytes, &total);
}

void Discount(napi_env env, Mapping* mapping) {
  mapping->discounted = true;
  Account(env, -static_cast<int64_t>(mapping->length));
}

void CountAgain(napi_env env, Mapping* mapping) {
  if (!mapping->discounted) return;
  mapping->discounted = false;
  Account(env, static_cast<int64_t>(mapping->length));
}

void Unmap(napi_env env, Mapping* mapping) {
  if (mapping->unmapped) return;
  mapping->unmapped = true;
  CountAgain(env, mapping);
  mapping->all->erase(mapping->address);
  munmap(mapping->address, mapping->length);
}

void Finalize(napi_env env, void*, void* hint) {
  Mapping* mapping = static_cast<Mapping*>(hint);
  Unmap(env, mapping);
  delete mapping;
}

napi_value Number(napi_env env, int64_t value) {
  napi_value result;
  napi_create_int64(env, value, &result);
  return result;
}

int64_t Long(napi_env env, napi_value value, int64_t absent) {
  int64_t result = absent;
  napi_get_value_int64(env, value, &result);
  return result;
}

// The mapping under the array at values[0], and the pages that the range (offset, length) touches.
struct Target {
  Mapping* mapping = nullptr;
  napi_value buffer = nullptr;
  uint8_t* start = nullptr;  // rounded down to a page
  size_t length = 0;

  Target(napi_env env, napi_value array, int64_t offset, int64_t wanted, const Mappings& all) {
    napi_typedarray_type type;
    size_t size = 0, array_offset = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env, array, &type, &size, &data, &buffer, &array_offset) != napi_ok) return;
    uint8_t* base = static_cast<uint8_t*>(data) - array_offset;
    auto found = all.find(base);
    if (data == nullptr || found == all.end()) return;
    if (wanted < 0) wanted = static_cast<int64_t>(size) - offset;
    if (offset < 0 || wanted < 0 || static_cast<uint64_t>(offset) + static_cast<uint64_t>(wanted) > size) return;
    mapping = found->second;
    size_t first = array_offset + static_cast<size_t>(offset);
    size_t lead = first % PageSize();
    start = base + first - lead;
    length = static_cast<size_t>(wanted) + lead;
  }

  bool Missing(napi_env env) const {
    if (mapping != nullptr) return false;
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "not a range of a mapping made by map()");
    return true;
  }
};

// map(length, protection, flags, fd, offset = 0): Uint8Array, or the negated errno.
napi_value Map(napi_env env, napi_callback_info info) {
  napi_value in[5];
  size_t count = 5;
  void* data;
  napi_get_cb_info(env, info, &count, in, nullptr, &data);
  int64_t length = Long(env, in[0], -1);
  int64_t offset = count > 4 ? Long(env, in[4], 0) : 0;
  if (length <= 0 || length > kMappingBytesMax || offset < 0) return Number(env, -EINVAL);

  void* address = mmap(nullptr, static_cast<size_t>(length), static_cast<int>(Long(env, in[1], PROT_READ)),
                       static_cast<int>(Long(env, in[2], MAP_SHARED)), static_cast<int>(Long(env, in[3], -1)),
                       static_cast<off_t>(offset));
  if (address == MAP_FAILED) return Number(env, -errno);
  std::shared_ptr<Mappings>& all = MappingsOf(data);
  Mapping* mapping = new Mapping{address, static_cast<size_t>(length), false, false, all};
  (*all)[address] = mapping;

  napi_value buffer, array;
  napi_status status =
      napi_create_external_arraybuffer(env, address, mapping->length, Finalize, mapping, &buffer);
  if (status == napi_no_external_buffers_allowed) {
    Finalize(env, nullptr, mapping);
    return Number(env, -ENOTSUP);
  }
  // After any other failure node has run the finalizer itself: freeing here would free twice.
  if (status != napi_ok) return Number(env, -ENOMEM);
  Discount(env, mapping);
  if (napi_create_typedarray(env, napi_uint8_array, mapping->length, buffer, 0, &array) != napi_ok) return nullptr;
  return array;
}

// unmap(array): true if it was mapped until now.
napi_value UnmapArray(napi_env env, napi_callback_info info) {
  napi_value in[1], result;
  size_t count = 1;
  void* data;
  napi_get_cb_info(env, info, &count, in, nullptr, &data);
  Target target(env, in[0], 0, -1, *MappingsOf(data));
  bool mapped = target.mapping != nullptr;
  if (mapped) {
    CountAgain(env, target.mapping);
    mapped = napi_detach_arraybuffer(env, target.buffer) == napi_ok;
    if (mapped) Unmap(env, target.mapping);
    else Discount(env, target.mapping);
  }
  napi_get_boolean(env, mapped, &result);
  return result;
}

// advise(array, offset, length, advice): 0 or the negated errno.
napi_value Advise(napi_env env, napi_callback_info info) {
  napi_value in[4];
  size_t count = 4;
  void* data;
  napi_get_cb_info(env, info, &count, in, nullptr, &data);
  Target target(env, in[0], Long(env, in[1], 0), Long(env, in[2], -1), *MappingsOf(data));
  if (target.Missing(env)) return nullptr;
  if (target.length == 0) return Number(env, 0);
  int advice = static_cast<int>(Long(env, in[3], MADV_NORMAL));
  return Number(env, madvise(target.start, target.length, advice) == 0 ? 0 : -errno);
}

#if defined(__linux__)
#if !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23  // Linux 5.14; older headers lack the name, older kernels answer EINVAL
#endif
#if !defined(MADV_COLLAPSE)
#define MADV_COLLAPSE 25  // Linux 6.1; likewise
#endif

// A mapping that a thread works on: advice that takes its time. madvise, not a touch of each page: should the mapping
// go meanwhile (an environment that ends), it answers ENOMEM where a touch would be a fault.
struct Population {
  napi_async_work work;
  napi_ref array;
  napi_ref done;
  void* start;
  size_t length;
  int advice;
  int result;
};

void RunPopulation(napi_env, void* data) {
  auto* population = static_cast<Population*>(data);
  population->result = madvise(population->start, population->length, population->advice) == 0 ? 0 : -errno;
}

void FinishPopulation(napi_env env, napi_status status, void* data) {
  auto* population = static_cast<Population*>(data);
  napi_value done = nullptr, global = nullptr;
  napi_get_reference_value(env, population->done, &done);
  napi_get_global(env, &global);
  napi_value result = Number(env, status == napi_ok ? population->result : -ECANCELED);
  napi_delete_reference(env, population->array);
  napi_delete_reference(env, population->done);
  napi_delete_async_work(env, population->work);
  delete population;
  if (done != nullptr) napi_call_function(env, global, done, 1, &result, nullptr);
}
#endif

// populate(array, done, collapse = false): makes every page of the mapping present, writable and zeroed on another
// thread, or gathers pages that are present into large ones, then calls done(0 or the negated errno). The array is held
// until then. False, and no call, where the system cannot.
napi_value Populate(napi_env env, napi_callback_info info) {
  napi_value in[3], result;
  size_t count = 3;
  void* data;
  napi_get_cb_info(env, info, &count, in, nullptr, &data);
  Target target(env, in[0], 0, -1, *MappingsOf(data));
  if (target.Missing(env)) return nullptr;
  bool queued = false;
  bool collapse = false;
  if (count > 2) napi_get_value_bool(env, in[2], &collapse);
#if defined(__linux__)
  napi_value name;
  napi_create_string_utf8(env, "ferrite populate", NAPI_AUTO_LENGTH, &name);
  auto* population = new Population{nullptr,       nullptr,
                                    nullptr,       target.start,
                                    target.length, collapse ? MADV_COLLAPSE : MADV_POPULATE_WRITE,
                                    0};
  queued = napi_create_async_work(env, nullptr, name, RunPopulation, FinishPopulation, population,
                                  &population->work) == napi_ok;
  if (queued) {
    napi_create_reference(env, in[0], 1, &population->array);
    napi_create_reference(env, in[1], 1, &population->done);
    queued = napi_queue_async_work(env, population->work) == napi_ok;
    if (!queued) {
      napi_delete_reference(env, population->array);
      napi_delete_reference(env, population->done);
      napi_delete_async_work(env, population->work);
    }
  }
  if (!queued) delete population;
#endif
  napi_get_boolean(env, queued, &result);
  return result;
}

// Pages of the range that are in memory; stops at the first absent one if `all_or_nothing`. -1 if unknown.
int64_t CountResident(uint8_t* start, size_t length, bool all_or_nothing, size_t* pages) {
  constexpr size_t kBatch = 4096;  // 16 MiB of 4 KiB pages at a time keeps the vector on the stack
  unsigned char vector[kBatch];
  size_t page = PageSize();
  *pages = (length + page - 1) / page;
  int64_t resident = 0;
  for (size_t done = 0; done < *pages; done += kBatch) {
    size_t batch = *pages - done < kBatch ? *pages - done : kBatch;
    size_t bytes = batch * page;
    if (done * page + bytes > length) bytes = length - done * page;
#if defined(__APPLE__)
    int result = mincore(reinterpret_cast<char*>(start + done * page), bytes, reinterpret_cast<char*>(vector));
#else
    int result = mincore(start + done * page, bytes, vector);
#endif
    if (result != 0) return -1;
    for (size_t i = 0; i < batch; i++) {
      if ((vector[i] & 1) != 0) {
        resident++;
      } else if (all_or_nothing) {
        return resident;
      }
    }
  }
  return resident;
}

// incore(array): [pages not in memory, pages in memory].
napi_value Incore(napi_env env, napi_callback_info info) {
  napi_value in[1], result;
  size_t count = 1, pages = 0;
  void* data;
  napi_get_cb_info(env, info, &count, in, nullptr, &data);
  Target target(env, in[0], 0, -1, *MappingsOf(data));
  if (target.Missing(env)) return nullptr;
  int64_t resident = CountResident(target.start, target.length, false, &pages);
  if (resident < 0) return Number(env, -errno);
  napi_create_array_with_length(env, 2, &result);
  napi_set_element(env, result, 0, Number(env, static_cast<int64_t>(pages) - resident));
  napi_set_element(env, result, 1, Number(env, resident));
  return result;
}

// resident(array, offset, length): 1 if every page of the range is in memory, else 0. Allocates nothing.
napi_value Resident(napi_env env, napi_callback_info info) {
  napi_value in[3];
  size_t count = 3, pages = 0;
  void* data;
  napi_get_cb_info(env, info, &count, in, nullptr, &data);
  Target target(env, in[0], Long(env, in[1], 0), Long(env, in[2], -1), *MappingsOf(data));
  if (target.Missing(env)) return nullptr;
  int64_t resident = CountResident(target.start, target.length, true, &pages);
  return Number(env, resident == static_cast<int64_t>(pages) ? 1 : 0);
}

// sync(array, offset, length, blocking, invalidate): 0 or the negated errno.
napi_value Sync(napi_env env, napi_callback_info info) {
  napi_value in[5];
  size_t count = 5;
  void* data;
  napi_get_cb_info(env, info, &count, in, nullptr, &data);
  Target target(env, in[0], Long(env, in[1], 0), Long(env, in[2], -1), *MappingsOf(data));
  if (target.Missing(env)) return nullptr;
  bool blocking = false, invalidate = false;
  napi_get_value_bool(env, in[3], &blocking);
  napi_get_value_bool(env, in[4], &invalidate);
  int flags = (blocking ? MS_SYNC : MS_ASYNC) | (invalidate ? MS_INVALIDATE : 0);
  return Number(env, msync(target.start, target.length, flags) == 0 ? 0 : -errno);
}

void SetConstants(napi_env env, napi_value target) {
  const struct {
    const char* name;
    int64_t value;
  } constants[] = {
      {"PROT_NONE", PROT_NONE},
      {"PROT_READ", PROT_READ},
      {"PROT_WRITE", PROT_WRITE},
      {"PROT_EXEC", PROT_EXEC},
      {"MAP_SHARED", MAP_SHARED},
      {"MAP_PRIVATE", MAP_PRIVATE},
#if defined(MAP_POPULATE)
      {"MAP_POPULATE", MAP_POPULATE},
      {"MAP_NONBLOCK", MAP_NONBLOCK},
#endif
      {"MAP_ANONYMOUS", MAP_ANONYMOUS},
#if defined(MADV_HUGEPAGE)
      {"MADV_HUGEPAGE", MADV_HUGEPAGE},
#endif
      {"MADV_NORMAL", MADV_NORMAL},
      {"MADV_RANDOM", MADV_RANDOM},
      {"MADV_SEQUENTIAL", MADV_SEQUENTIAL},
      {"MADV_WILLNEED", MADV_WILLNEED},
      {"MADV_DONTNEED", MADV_DONTNEED},
#if defined(MADV_PAGEOUT)
      {"MADV_PAGEOUT", MADV_PAGEOUT},
#elif defined(__linux__)
      {"MADV_PAGEOUT", 21},  // Linux 5.4; older headers lack the name, older kernels answer EINVAL
#endif
      {"PAGESIZE", static_cast<int64_t>(PageSize())},
      {"MAPPING_BYTES_MAX", kMappingBytesMax},
  };
  for (const auto& each : constants) napi_set_named_property(env, target, each.name, Number(env, each.value));
}

}  // namespace

void RegisterMap(napi_env env, napi_value exports) {
  auto* all = new std::shared_ptr<Mappings>(std::make_shared<Mappings>());
  auto on_end = [](void* data) { delete static_cast<std::shared_ptr<Mappings>*>(data); };
  napi_add_env_cleanup_hook(env, on_end, all);

  napi_value mapping;
  napi_create_object(env, &mapping);
  const struct {
    const char* name;
    napi_callback run;
  } functions[] = {
      {"map", Map},       {"unmap", UnmapArray},   {"advise", Advise},
      {"incore", Incore}, {"resident", Resident}, {"sync", Sync},
      {"populate", Populate},
  };
  for (const auto& each : functions) {
    napi_value function;
    napi_create_function(env, each.name, NAPI_AUTO_LENGTH, each.run, all, &function);
    napi_set_named_property(env, mapping, each.name, function);
  }
  SetConstants(env, mapping);
  napi_set_named_property(env, exports, "mapping", mapping);
}
