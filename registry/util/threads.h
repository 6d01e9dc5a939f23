#pragma once
// Independent pieces of work on the processor's cores.

#include <cstddef>
#include <functional>

namespace beamgrid {

/// Carries out body(0), ..., body(count - 1), each once, on so many threads (at least 1; the
/// calling one among them), in any order. Returns when all are done. Where a body throws, the rest
/// is not begun and one of the exceptions is passed on.
void ForEachOnThreads(int threads, std::size_t count, const std::function<void(std::size_t)>& body);

/// Returns how many threads this process may run at once, at least 1.
[[nodiscard]] int UsableThreads();

}  // namespace beamgrid
