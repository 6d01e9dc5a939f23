#pragma once
// Independent pieces of work on the processor's cores.

#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <type_traits>
#include <utility>

namespace beamgrid {

/// Carries out body(0), ..., body(count - 1), each once, on so many threads (at least 1; the
/// calling one among them), in any order. Returns when all are done. Where a body throws, the rest
/// is not begun and one of the exceptions is passed on.
void ForEachOnThreads(int threads, std::size_t count, const std::function<void(std::size_t)>& body);

/// Calls take(i, make(i)) for 0, ..., count - 1 in this order on the calling thread, while up to
/// `ahead` (at least 1) other threads make what comes next: no more results than these wait.
/// Passes on the first exception in this order; what is being made then is waited for.
template <typename Make, typename Take>
void TakeInOrder(int ahead, std::size_t count, const Make& make, const Take& take) {
  std::deque<std::future<std::invoke_result_t<Make, std::size_t>>> next;
  std::size_t begun = 0;
  const auto begin = [&] {
    if (begun < count) next.push_back(std::async(std::launch::async, std::cref(make), begun++));
  };
  for (int i = 0; i < ahead; ++i) begin();
  for (std::size_t i = 0; i < count; ++i) {
    auto made = next.front().get();
    next.pop_front();
    begin();
    take(i, std::move(made));
  }
}

/// Returns how many threads this process may run at once, at least 1: fewer than the machine has
/// cores under taskset or in a container.
[[nodiscard]] int UsableThreads();

}  // namespace beamgrid
