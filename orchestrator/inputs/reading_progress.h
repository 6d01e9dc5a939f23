#pragma once
// What people see of the data being read before a study begins.

#include <chrono>
#include <cstdint>
#include <string>

#include "registry/util/status_line.h"

namespace beamgrid {

/// Returns "reading the data: 3.2 GiB of 10.0 GiB, 12s left". Says nothing of what is left before a
/// byte was read.
[[nodiscard]] std::string ReadingText(std::uint64_t done, std::uint64_t total,
                                      std::chrono::milliseconds elapsed);

/// ReadingProgress is a StatusLine of it.
class ReadingProgress {
 public:
  explicit ReadingProgress(bool show) : line_(show) {}

  void Show(std::uint64_t done, std::uint64_t total);
  /// Takes the line away.
  void End() { line_.End(); }

 private:
  StatusLine line_;
};

}  // namespace beamgrid
