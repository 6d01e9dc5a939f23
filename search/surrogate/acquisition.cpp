#include "search/surrogate/acquisition.h"

#include <algorithm>
#include <set>

namespace beamgrid {
namespace {

/// Keeps the `count` models with the largest expected gain, the largest first.
void KeepBest(const Surrogate& surrogate, std::vector<Levels>& models, std::size_t count,
              double best) {
  const std::vector<Prediction> predictions =
      surrogate.Predict(Pool(surrogate.parts().size(), models));
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < models.size(); ++i) {
    order.emplace_back(-ExpectedGain(predictions[i], best), i);
  }
  std::ranges::sort(order);
  std::vector<Levels> kept;
  for (std::size_t i = 0; i < std::min(count, order.size()); ++i) {
    kept.push_back(models[order[i].second]);
  }
  models = std::move(kept);
}

/// Adds the model itself and all that differ from it in one part; of a part of many levels, some.
void AddNeighbours(const std::vector<Part>& parts, const Levels& start, Dice& dice,
                   std::vector<Levels>& near) {
  constexpr std::int64_t kLevels = 12;
  near.push_back(start);
  for (std::size_t p = 0; p < start.size(); ++p) {
    const std::int64_t levels = parts[p].levels;
    for (std::int64_t i = 0; i < std::min(levels, kLevels); ++i) {
      Levels other = start;
      other[p] = levels <= kLevels ? i : dice.Roll(levels);
      if (other[p] != start[p]) near.push_back(std::move(other));
    }
  }
}

}  // namespace

std::optional<Levels> MostGainOfAll(const Surrogate& surrogate, const std::vector<Levels>& models,
                                    const Pool& pool, double best,
                                    const std::function<bool(const Levels&)>& is_open) {
  const std::vector<Prediction> predictions = surrogate.Predict(pool);
  std::optional<std::size_t> place;
  double highest = -1;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const double gain = ExpectedGain(predictions[i], best);
    if (gain <= highest || !is_open(models[i])) continue;
    highest = gain;
    place = i;
  }
  if (!place) return std::nullopt;
  return models[*place];
}

std::optional<Levels> MostGainNearby(const Surrogate& surrogate, const std::vector<Levels>& tried,
                                     Dice& dice, double best,
                                     const std::function<bool(const Levels&)>& is_open) {
  constexpr std::size_t kDrawn = 1000;
  constexpr std::size_t kBestTried = 5;
  constexpr std::size_t kStarts = 10;
  constexpr int kSteps = 30;
  const std::vector<Part>& parts = surrogate.parts();
  std::vector<Levels> starts;
  for (std::size_t i = 0; i < kDrawn; ++i) {
    Levels levels;
    for (const Part& part : parts) levels.push_back(dice.Roll(part.levels));
    if (is_open(levels)) starts.push_back(std::move(levels));
  }
  KeepBest(surrogate, starts, kStarts, best);
  std::vector<Levels> known = tried;
  KeepBest(surrogate, known, kBestTried, best);
  starts.insert(starts.end(), known.begin(), known.end());
  std::optional<Levels> found;
  double highest = -1;
  std::set<Levels> visited;
  for (int step = 0; step < kSteps && !starts.empty(); ++step) {
    std::vector<Levels> near;
    std::vector<std::size_t> ends;
    for (const Levels& start : starts) {
      AddNeighbours(parts, start, dice, near);
      ends.push_back(near.size());
    }
    const std::vector<Prediction> predictions = surrogate.Predict(Pool(parts.size(), near));
    std::vector<Levels> next;
    std::size_t i = 0;
    for (const std::size_t end : ends) {
      std::optional<std::size_t> place;
      double here = -1;
      for (; i < end; ++i) {
        const double gain = ExpectedGain(predictions[i], best);
        if (gain <= here || !is_open(near[i])) continue;
        here = gain;
        place = i;
      }
      if (!place) continue;
      if (here > highest) {
        highest = here;
        found = near[*place];
      }
      if (visited.insert(near[*place]).second) next.push_back(near[*place]);
    }
    starts = std::move(next);
  }
  return found;
}

}  // namespace beamgrid
