#pragma once
// How a column of sizes is told to people.

#include <cstdint>
#include <string>

#include "registry/util/text.h"

namespace beamgrid {

/// SizeColumn is a column of sizes in one unit, MiB, where each of them shows digits in it, else
/// with a unit for each.
class SizeColumn {
 public:
  /// `smallest`: the least of the sizes in bytes.
  explicit SizeColumn(std::int64_t smallest) : in_mebibytes_(10 * smallest >= kMebibyte) {}

  [[nodiscard]] std::string heading() const { return in_mebibytes_ ? "size (MiB)" : "size"; }
  [[nodiscard]] std::string Cell(std::int64_t bytes) const {
    return in_mebibytes_ ? FixedText(static_cast<double>(bytes) / kMebibyte, 2) : SizeText(bytes);
  }

 private:
  static constexpr std::int64_t kMebibyte = 1 << 20;

  bool in_mebibytes_;
};

}  // namespace beamgrid
