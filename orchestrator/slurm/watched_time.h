#pragma once
// Time that counts only while somebody looks.

#include <algorithm>
#include <chrono>

namespace beamgrid {

/// WatchedTime is how long something has been so at every look. A clock goes on while this process
/// is stopped or the machine sleeps; what is watched may have changed and changed back meanwhile,
/// so the time between two looks counts up to a bound. Pure: the time is handed in.
class WatchedTime {
 public:
  using Milliseconds = std::chrono::milliseconds;

  WatchedTime() = default;
  explicit WatchedTime(Milliseconds now) : looked_at_(now) {}

  /// Looks at it again: it is still so.
  void Look(Milliseconds now) {
    constexpr Milliseconds kLongestStep{15'000};
    watched_ += std::clamp(now - looked_at_, Milliseconds(0), kLongestStep);
    looked_at_ = now;
  }
  /// It is not so, or begins to be.
  void StartAnew(Milliseconds now) {
    watched_ = Milliseconds(0);
    looked_at_ = now;
  }
  [[nodiscard]] Milliseconds watched() const { return watched_; }

 private:
  Milliseconds watched_{0}, looked_at_{0};
};

}  // namespace beamgrid
