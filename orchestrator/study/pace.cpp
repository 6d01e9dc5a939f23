#include "orchestrator/study/pace.h"

#include <algorithm>
#include <vector>

namespace beamgrid {
namespace {

/// One that shared its cores for a moment must not decide.
constexpr std::size_t kFewestEnded = 3;
/// Others come and go: what earlier attempts took says less.
constexpr std::size_t kMostEnded = 9;

}  // namespace

void Pace::Note(const TrialNeeds& needs, double share, double seconds) {
  if (needs.seconds_before > 0) {
    Add(seconds, share * needs.seconds_before, before_);
  } else if (needs.measured) {
    Add(seconds, share * needs.seconds, learnt_);
  }
}

double Pace::SecondsOf(const TrialNeeds& needs) const {
  if (needs.seconds_before > 0) {
    return before_.factor ? *before_.factor * needs.seconds_before : needs.seconds;
  }
  return learnt_.factor.value_or(1) * needs.seconds;
}

void Pace::Add(double measured, double forecast, Latest& latest) {
  if (!(measured > 0) || !(forecast > 0)) return;
  latest.ended.push_back({.ratio = measured / forecast, .forecast = forecast});
  if (latest.ended.size() > kMostEnded) latest.ended.pop_front();
  latest.factor = FactorOf(latest.ended);
}

std::optional<double> Pace::FactorOf(const std::deque<Ended>& latest) {
  if (latest.size() < kFewestEnded) return std::nullopt;
  std::vector<Ended> sorted(latest.begin(), latest.end());
  std::ranges::sort(sorted, {}, &Ended::ratio);
  double rest = 0;
  for (const Ended& ended : sorted) rest += ended.forecast / 2;
  const auto half = std::ranges::find_if(sorted, [&rest](const Ended& ended) {
    rest -= ended.forecast;
    return rest <= 0;
  });
  // Sums round: the last one is beyond the half in any case.
  return half == sorted.end() ? sorted.back().ratio : half->ratio;
}

}  // namespace beamgrid
