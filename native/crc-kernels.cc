// Implements crc-kernels.h: processor instructions, three streams at a time, or tables of eight bytes.
//
// Invariants
//  - all kernels answer the same value for the same bytes, at any alignment and length;
//  - tables are built once per process (a function-local static, which C++ makes safe among threads), then only read.
//
// The instruction has a latency of three cycles and a throughput of one: three independent streams keep it busy.
// Their checksums are joined by advancing one over the length of the next, which is a linear map: four lookups.
// A carry-less multiplication would join them as well, but is one more processor feature to detect.
#include "crc-kernels.h"

#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#include <nmmintrin.h>
#define FERRITE_CRC_X86 1
#elif defined(__aarch64__)
#include <arm_acle.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#define FERRITE_CRC_ARM 1
#endif

namespace ferrite {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;

inline uint64_t Load64(const uint8_t* data) {
  uint64_t value;
  memcpy(&value, data, 8);
  return value;
}

struct SlicingTables {
  uint32_t rows[8][256];

  SlicingTables() {
    for (uint32_t byte = 0; byte < 256; byte++) {
      uint32_t crc = byte;
      for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (kPolynomial & (0u - (crc & 1)));
      rows[0][byte] = crc;
    }
    for (int row = 1; row < 8; row++) {
      for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t before = rows[row - 1][byte];
        rows[row][byte] = (before >> 8) ^ rows[0][before & 0xff];
      }
    }
  }
};

#if defined(FERRITE_CRC_X86) || defined(FERRITE_CRC_ARM)

// Long inputs go in rounds of three long streams, what remains in rounds of three short ones.
constexpr size_t kLongStream = 4096;
constexpr size_t kShortStream = 256;

// Advances a checksum over `length` zero bytes, `length` a power of two: x -> M x over GF(2), as four tables.
struct ZeroAdvance {
  uint32_t rows[4][256];

  explicit ZeroAdvance(size_t length) {
    uint32_t matrix[32], square[32];
    // One zero bit: shift right, fold the polynomial in if a one falls out.
    matrix[0] = kPolynomial;
    for (int bit = 1; bit < 32; bit++) matrix[bit] = 1u << (bit - 1);
    for (size_t bits = 1; bits < length * 8; bits *= 2) {
      for (int bit = 0; bit < 32; bit++) square[bit] = Multiply(matrix, matrix[bit]);
      memcpy(matrix, square, sizeof(matrix));
    }
    for (int row = 0; row < 4; row++) {
      for (uint32_t byte = 0; byte < 256; byte++) rows[row][byte] = Multiply(matrix, byte << (row * 8));
    }
  }

  static uint32_t Multiply(const uint32_t* matrix, uint32_t vector) {
    uint32_t result = 0;
    for (int bit = 0; vector != 0; bit++, vector >>= 1) {
      if ((vector & 1) != 0) result ^= matrix[bit];
    }
    return result;
  }

  uint32_t operator()(uint32_t crc) const {
    return rows[0][crc & 0xff] ^ rows[1][(crc >> 8) & 0xff] ^ rows[2][(crc >> 16) & 0xff] ^ rows[3][crc >> 24];
  }
};

const ZeroAdvance& OverLongStream() {
  static const ZeroAdvance advance(kLongStream);
  return advance;
}

const ZeroAdvance& OverShortStream() {
  static const ZeroAdvance advance(kShortStream);
  return advance;
}

#if defined(FERRITE_CRC_X86)
#define FERRITE_CRC_TARGET __attribute__((target("sse4.2")))
#define FERRITE_CRC_8(crc, value) static_cast<uint32_t>(_mm_crc32_u64((crc), (value)))
#define FERRITE_CRC_1(crc, value) _mm_crc32_u8((crc), (value))
#elif defined(__clang__)
#define FERRITE_CRC_TARGET __attribute__((target("crc")))
#define FERRITE_CRC_8(crc, value) __crc32cd((crc), (value))
#define FERRITE_CRC_1(crc, value) __crc32cb((crc), (value))
#else
#define FERRITE_CRC_TARGET __attribute__((target("+crc")))
#define FERRITE_CRC_8(crc, value) __crc32cd((crc), (value))
#define FERRITE_CRC_1(crc, value) __crc32cb((crc), (value))
#endif

// As many rounds of three streams of `stream` bytes as fit; moves `data` and `length` past them.
FERRITE_CRC_TARGET inline uint32_t ThreeStreams(uint32_t crc, const uint8_t*& data, size_t& length, size_t stream,
                                                const ZeroAdvance& advance) {
  while (length >= 3 * stream) {
    uint32_t second = 0, third = 0;
    for (const uint8_t* end = data + stream; data < end; data += 8) {
      crc = FERRITE_CRC_8(crc, Load64(data));
      second = FERRITE_CRC_8(second, Load64(data + stream));
      third = FERRITE_CRC_8(third, Load64(data + 2 * stream));
    }
    crc = advance(advance(crc) ^ second) ^ third;
    data += 2 * stream;
    length -= 3 * stream;
  }
  return crc;
}

FERRITE_CRC_TARGET uint32_t Crc32cInstruction(uint32_t seed, const uint8_t* data, size_t length) {
  uint32_t crc = ~seed;
  if (length >= 3 * kLongStream) crc = ThreeStreams(crc, data, length, kLongStream, OverLongStream());
  if (length >= 3 * kShortStream) crc = ThreeStreams(crc, data, length, kShortStream, OverShortStream());
  for (; length >= 8; data += 8, length -= 8) crc = FERRITE_CRC_8(crc, Load64(data));
  for (; length > 0; data++, length--) crc = FERRITE_CRC_1(crc, *data);
  return ~crc;
}

bool HasInstruction() {
#if defined(FERRITE_CRC_X86)
  return __builtin_cpu_supports("sse4.2");
#elif defined(__APPLE__)
  return true;  // every 64-bit ARM processor of Apple's has it
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & (1 << 7)) != 0;  // HWCAP_CRC32
#else
  return false;
#endif
}

#endif  // x86 or ARM

}  // namespace

uint32_t Crc32cTable(uint32_t seed, const uint8_t* data, size_t length) {
  static const SlicingTables tables;
  const auto& t = tables.rows;
  uint32_t crc = ~seed;
  // Bytes are put together by hand: right on either endianness, and the compiler makes loads of it.
  for (; length >= 8; data += 8, length -= 8) {
    uint32_t low = crc ^ (data[0] | data[1] << 8 | data[2] << 16 | static_cast<uint32_t>(data[3]) << 24);
    crc = t[7][low & 0xff] ^ t[6][(low >> 8) & 0xff] ^ t[5][(low >> 16) & 0xff] ^ t[4][low >> 24] ^
          t[3][data[4]] ^ t[2][data[5]] ^ t[1][data[6]] ^ t[0][data[7]];
  }
  for (; length > 0; data++, length--) crc = (crc >> 8) ^ t[0][(crc ^ *data) & 0xff];
  return ~crc;
}

CrcKernel ChooseCrcKernel(const char** name) {
#if defined(FERRITE_CRC_X86) || defined(FERRITE_CRC_ARM)
  if (HasInstruction()) {
#if defined(FERRITE_CRC_X86)
    *name = "sse4.2";
#else
    *name = "armv8";
#endif
    return Crc32cInstruction;
  }
#endif
  *name = "table";
  return Crc32cTable;
}

}  // namespace ferrite
