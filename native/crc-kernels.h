// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) over bytes in memory, by the fastest way this machine has.
#ifndef FERRITE_NATIVE_CRC_KERNELS_H_
#define FERRITE_NATIVE_CRC_KERNELS_H_

#include <cstddef>
#include <cstdint>

namespace ferrite {

using CrcKernel = uint32_t (*)(uint32_t seed, const uint8_t* data, size_t length);

// `seed` is the checksum of what comes before (0 at the start); the result is the checksum of both together.
uint32_t Crc32cTable(uint32_t seed, const uint8_t* data, size_t length);

// The kernel for this processor, chosen when called; `name` receives "sse4.2", "armv8" or "table".
CrcKernel ChooseCrcKernel(const char** name);

}  // namespace ferrite

#endif
