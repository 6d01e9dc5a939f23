#pragma once
// An array's values in the form in which records keep them.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "orchestrator/importing/array_form.h"

namespace beamgrid {

/// CodedValues is one video's feature as it is written.
struct CodedValues {
  std::string bytes;          ///< frame by frame
  std::uint64_t clipped = 0;  ///< values outside of [-2, 2], where a byte stands for each
  std::uint64_t vanished =
      0;  ///< values that are not 0 and too small to be written as anything else
};

/// Returns why values of one type are not written as another one; empty: they are.
[[nodiscard]] std::string ProblemOfCoding(Element from, Element to);

/// Codes the values of an array of that form as `to`: uint8 with the code of quantise.h, float16
/// rounded once to the nearest, float32. Throws InputError with `place`, frame and column for a
/// value that is no number, infinite, or too large for `to`.
[[nodiscard]] CodedValues Code(const std::string& place, const ArrayForm& form, std::string values,
                               Element to);

}  // namespace beamgrid
