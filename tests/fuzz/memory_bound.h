#pragma once
// How much memory C++ code holds at once, counted by operator new; more than the bound ends the
// program before it is taken.

#include <cstddef>

namespace beamgrid::fuzz {

/// Counts from here on; at most `bytes` beyond what is held now.
void SetMemoryBound(std::size_t bytes);

/// The most that was held at once since then.
[[nodiscard]] std::size_t MostMemoryHeld();

}  // namespace beamgrid::fuzz
