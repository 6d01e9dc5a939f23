#pragma once
// How the search hands its work out. It knows no threads: whoever asks gives it a way to carry out
// many independent pieces, at once or one by one, and the result is the same to the last bit.

#include <cstddef>
#include <functional>

namespace beamgrid {

/// ForEach carries out body(0), ..., body(count - 1), each once, in any order and perhaps at the
/// same time, and returns when all are done. It passes on an exception that a body throws.
using ForEach =
    std::function<void(std::size_t count, const std::function<void(std::size_t)>& body)>;

/// Carries the pieces out one by one.
inline void Serially(std::size_t count, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < count; ++i) body(i);
}

}  // namespace beamgrid
