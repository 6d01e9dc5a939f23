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

void Pace::Note(double measured, double forecast) {
  if (!(measured > 0) || !(forecast > 0)) return;
  latest_.push_back({.ratio = measured / forecast, .forecast = forecast});
  if (latest_.size() > kMostEnded) latest_.pop_front();
}

double Pace::factor() const {
  if (latest_.size() < kFewestEnded) return 1;
  std::vector<Ended> sorted(latest_.begin(), latest_.end());
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
