// The mistake that the driver must find: memory taken by a length that nobody checked.
#include <cstring>
#include <vector>

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint32_t length = 0;
  if (size < 20) return 0;
  std::memcpy(&length, data + 16, sizeof length);
  std::vector<char> values(length);
  beamgrid::fuzz::Require(values.size() == length, "the memory is there");
  return 0;
}
