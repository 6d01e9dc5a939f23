#pragma once

#include <cstdint>

namespace beamgrid {

/// Memory of a device, in bytes.
struct MemoryState {
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;  ///< what a new process could still use
};

}  // namespace beamgrid
