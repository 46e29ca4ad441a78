// Gives JavaScript `crc32c(bytes, offset, length, seed)`, the table kernel beside it, and the kernel's name.
//
// The table kernel is exported so that a test can hold the two against each other on any machine.
#include <cstdint>

#include "addon.h"
#include "crc-kernels.h"

namespace {

napi_value Checksum(napi_env env, napi_callback_info info) {
  napi_value in[4], result;
  size_t count = 4, size = 0;
  void *kernel, *data = nullptr;
  napi_get_cb_info(env, info, &count, in, nullptr, &kernel);
  napi_typedarray_type type = napi_int8_array;
  uint32_t offset = 0, length = 0, seed = 0;
  napi_get_typedarray_info(env, in[0], &type, &size, &data, nullptr, nullptr);
  napi_get_value_uint32(env, in[1], &offset);
  napi_get_value_uint32(env, in[2], &length);
  napi_get_value_uint32(env, in[3], &seed);
  if (type != napi_uint8_array || static_cast<uint64_t>(offset) + length > size) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "offset and length must lie inside a Uint8Array");
    return nullptr;
  }
  auto run = reinterpret_cast<ferrite::CrcKernel>(kernel);
  uint32_t crc = length == 0 ? seed : run(seed, static_cast<uint8_t*>(data) + offset, length);
  napi_create_uint32(env, crc, &result);
  return result;
}

void Export(napi_env env, napi_value exports, const char* name, ferrite::CrcKernel kernel) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, Checksum, reinterpret_cast<void*>(kernel), &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

void RegisterCrc(napi_env env, napi_value exports) {
  const char* name;
  Export(env, exports, "crc32c", ferrite::ChooseCrcKernel(&name));
  Export(env, exports, "crc32cTable", ferrite::Crc32cTable);
  napi_value text;
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &text);
  napi_set_named_property(env, exports, "CRC32C_KERNEL", text);
}
