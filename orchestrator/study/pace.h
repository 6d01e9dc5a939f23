#pragma once
// How long the trials of this run take beside their forecasts. Others who use the machine, and what
// an attempt costs beside its training (its worker's start), are in no forecast.

#include <cstddef>
#include <deque>

namespace beamgrid {

/// Pace is of the latest attempts that did what they were asked for. Each is compared with the
/// forecast that it had when it ended, which had not learnt from it. As later forecasts learn what
/// the machine does, the pace comes back to 1.
class Pace {
 public:
  /// Notes an attempt: the seconds that it took, and those that were forecast of it. Nothing
  /// follows from a forecast of 0.
  void Note(double measured, double forecast);
  /// Returns what forecasts are to be multiplied with: the median of measured/forecast, each
  /// weighing as much as its forecast, for times are added up. 1 before three attempts have ended.
  [[nodiscard]] double factor() const;

 private:
  struct Ended {
    double ratio = 1, forecast = 0;
  };
  std::deque<Ended> latest_;  ///< the latest last
};

}  // namespace beamgrid
