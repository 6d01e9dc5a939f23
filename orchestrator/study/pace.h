#pragma once
// How long the trials of this run take beside their forecasts. Others who use the machine, and what
// an attempt costs beside its training (its worker's start), are in no forecast.

#include <deque>
#include <optional>

#include "orchestrator/study/scheduler.h"

namespace beamgrid {

/// Pace is of the latest attempts that did what they were asked for, each compared with a forecast
/// that had not learnt from it. Forecasts of before the run are compared by themselves: those that
/// learnt in it know how others use the machine, and only what an attempt costs beside its training
/// is missing in them.
class Pace {
 public:
  /// Notes an attempt at a trial: the seconds that it took, and the share of the training that it
  /// was. Nothing follows where there is no forecast.
  void Note(const TrialNeeds& needs, double share, double seconds);
  /// Returns what a whole training will take, where the needs are measured: the forecast times the
  /// median of measured/forecast, each weighing as much as its forecast, for times are added up.
  /// Before three attempts have ended it is the forecast.
  [[nodiscard]] double SecondsOf(const TrialNeeds& needs) const;

 private:
  struct Ended {
    double ratio = 1, forecast = 0;
  };
  /// Latest is some of the attempts, the latest last, and the median of their ratios; nothing
  /// where they are too few.
  struct Latest {
    std::deque<Ended> ended;
    std::optional<double> factor;
  };
  static void Add(double measured, double forecast, Latest& latest);
  [[nodiscard]] static std::optional<double> FactorOf(const std::deque<Ended>& latest);

  Latest before_;  ///< beside what was known before the run
  Latest learnt_;  ///< beside what was learnt in it
};

}  // namespace beamgrid
