#pragma once
// Numbers near nothing that must not look like nothing.

#include <string>

namespace beamgrid {

/// Returns a number with that many decimals; one that these would show as 0 and that is not is
/// shown by its first digits: "0.0012", "-1.2e-06".
[[nodiscard]] std::string DifferenceText(double value, int decimals);
/// Returns the same with a plus where it is not negative.
[[nodiscard]] std::string SignedText(double value, int decimals);

/// Returns a time in words: "1h02m", "3m05s", "12s", below a second "0.3s" or "less than 0.1s".
[[nodiscard]] std::string ShortTimeText(double seconds);

}  // namespace beamgrid
