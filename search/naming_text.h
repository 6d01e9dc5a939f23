#pragma once
// Texts that are safe inside a piece of a name: letters, digits, _ . + only.

#include <string>
#include <string_view>

#include "registry/model_spec.h"

namespace beamgrid {

/// Returns letters, digits, _ and + as they are, everything else as _.
[[nodiscard]] std::string SafeWord(std::string_view word);

/// Returns a text of the value; different values of one option have different texts: 64, 0.0006,
/// true, all, 1+2+4; what cannot be written so ends in + and a hash.
[[nodiscard]] std::string SafeValue(const OptionValue& value);

/// Returns SafeValue, but for a file the stem of its name: pool for parts/pool.pt.
[[nodiscard]] std::string ShortValue(const OptionValue& value);

/// Returns a hash of 16 hex digits.
[[nodiscard]] std::string ShortHash(std::string_view text);

}  // namespace beamgrid
