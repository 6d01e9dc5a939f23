#pragma once
// How the search hands its work out, and how it tells where it is. It knows no threads: whoever
// asks gives it a way to carry out many independent pieces, at once or one by one, and the result
// is the same to the last bit.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace beamgrid {

/// ForEach carries out body(0), ..., body(count - 1), each once, in any order and perhaps at the
/// same time, and returns when all are done. It passes on an exception that a body throws.
using ForEach =
    std::function<void(std::size_t count, const std::function<void(std::size_t)>& body)>;

/// Told hears what a search is at and how much of it is done; `of` is 0 where nobody knows how much
/// there is. Called in sequence, now and then.
using Told = std::function<void(const std::string& what, std::int64_t done, std::int64_t of)>;

/// Carries the pieces out one by one.
inline void Serially(std::size_t count, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < count; ++i) body(i);
}

}  // namespace beamgrid
