#pragma once
// Numbers near nothing that must not look like nothing.

#include <string>

namespace beamgrid {

/// Returns a number with so many decimals; one that is not 0 and would read as 0 with as many as
/// show its first digit, beyond 6 as "2e-09".
[[nodiscard]] std::string VisibleText(double value, int decimals);
/// Returns the same with its sign: "+0.0064"; 0 has none.
[[nodiscard]] std::string SignedText(double value, int decimals);

/// Returns a time in words: "1h02m", "3m05s", "12s", below a second "0.3s" or "less than 0.1s".
[[nodiscard]] std::string ShortTimeText(double seconds);

}  // namespace beamgrid
