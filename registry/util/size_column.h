#pragma once
// How a column of sizes is told to people.

#include <cstdint>
#include <iterator>
#include <string>

#include "registry/util/text.h"

namespace beamgrid {

/// SizeColumn is a column of sizes in one unit, which its heading names: the largest one of which
/// the smallest size is at least one, so that each size shows three digits or is whole.
class SizeColumn {
 public:
  /// `smallest`: the least of the sizes that are not 0, in bytes.
  explicit SizeColumn(std::int64_t smallest) {
    while (smallest >= kStep * bytes_ && unit_ + 1 < std::size(kUnits)) {
      bytes_ *= kStep;
      ++unit_;
    }
  }

  [[nodiscard]] std::string heading() const { return std::string("size (") + kUnits[unit_] + ")"; }
  [[nodiscard]] std::string Cell(std::int64_t bytes) const {
    if (unit_ == 0) return std::to_string(bytes);
    return FixedText(static_cast<double>(bytes) / static_cast<double>(bytes_), 2);
  }

 private:
  static constexpr std::int64_t kStep = 1024;
  static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB"};

  std::size_t unit_ = 0;
  std::int64_t bytes_ = 1;  ///< of a unit
};

}  // namespace beamgrid
