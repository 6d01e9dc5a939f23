#pragma once
// Waiting that counts only the time in which somebody watched.

#include <algorithm>
#include <chrono>

namespace beamgrid {

/// Patience says when a period is over, by looks that are planned a step apart. A clock goes on
/// while this process is stopped, frozen or suspended with the whole machine; a look that comes
/// late shows it, and what is watched was most likely stopped as well. Pure: the time is handed in.
class Patience {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Late is what a look that comes late means.
  enum class Late {
    kStartsAnew,   ///< the whole period begins again: for what must be given its chance
    kDoesNotCount  ///< the time between the looks counts as one step
  };

  /// Begins a period at `now`.
  Patience(std::chrono::milliseconds period, Late late, Time now)
      : period_(period), late_(late), looked_at_(now) {}

  /// The time until the next look.
  [[nodiscard]] std::chrono::milliseconds Step() const {
    using std::chrono::milliseconds;
    return std::clamp(period_ / 10, milliseconds(1), milliseconds(1000));
  }

  /// Looks at the time. True if the period is over.
  [[nodiscard]] bool Look(Time now) {
    const auto passed = now - looked_at_;
    looked_at_ = now;
    // A busy machine is a little late too.
    const bool is_late = passed > Step() + std::max(Step(), std::chrono::milliseconds(100));
    if (!is_late) {
      watched_ += passed;
    } else if (late_ == Late::kStartsAnew) {
      watched_ = {};
    } else {
      watched_ += Step();
    }
    return IsOver();
  }
  /// Begins the period again at `now`.
  void StartAnew(Time now) {
    looked_at_ = now;
    watched_ = {};
  }
  [[nodiscard]] bool IsOver() const { return watched_ >= period_; }

 private:
  std::chrono::milliseconds period_;
  Late late_;
  Time looked_at_;
  std::chrono::steady_clock::duration watched_{};
};

}  // namespace beamgrid
