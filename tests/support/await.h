#pragma once
// Waiting for what other processes and threads do: where it does not come, the test fails.

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace beamgrid {

/// Takes `turn`s until `done` holds. Throws after so many, with `what` was waited for; turns and no
/// time, for on a busy machine they take longer too.
template <typename Done, typename Turn>
void Await(const std::string& what, const Done& done, const Turn& turn, int most = 5'000) {
  for (int turns = 0; !done(); ++turns) {
    if (turns == most) {
      throw std::runtime_error("waited in vain, " + std::to_string(most) + " turns, for " + what);
    }
    turn();
  }
}

/// Looks every few milliseconds whether `done` holds.
template <typename Done>
void Await(const std::string& what, const Done& done) {
  Await(what, done, [] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); });
}

}  // namespace beamgrid
