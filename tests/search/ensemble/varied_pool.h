#pragma once
// Pools of unlike models for the tests of scorers.

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "tests/search/ensemble/ensemble_support.h"

namespace beamgrid {

/// Lists of 0 to 60 labels, many of one score, some of none that another model lists, in videos
/// with and without true labels.
inline std::vector<EnsembleModel> PlantVariedPool(int videos, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<EnsembleModel> models(5);
  for (std::size_t m = 0; m < models.size(); ++m) {
    models[m].name = "model" + std::to_string(m);
    models[m].size_bytes = 100;
    models[m].predictions.classes = 400;
  }
  for (int v = 0; v < videos; ++v) {
    std::vector<std::int32_t> labels;
    for (std::int32_t c = 0; c < 400; ++c) {
      if (v % 5 != 0 && random() % 60 == 0) labels.push_back(c);
    }
    for (EnsembleModel& model : models) {
      VideoPrediction video{.id = "v" + std::to_string(1000 + v), .labels = labels};
      const std::int32_t spread = v % 3 == 0 ? 70 : 400;
      std::vector<std::int32_t> listed(static_cast<std::size_t>(spread));
      std::iota(listed.begin(), listed.end(), 0);
      for (std::size_t i = 0; i < listed.size(); ++i) {
        std::swap(listed[i], listed[i + random() % (listed.size() - i)]);
      }
      listed.resize(v % 4 == 0 ? random() % 61 : 50);
      for (const std::int32_t label : listed) {
        const std::uint32_t steps = v % 2 == 0 ? 8 : 1 << 20;
        video.top.push_back(
            {label, static_cast<double>(random() % (steps + 1)) / static_cast<double>(steps)});
      }
      std::ranges::stable_sort(video.top, std::greater<>(), &ScoredLabelDouble::score);
      model.predictions.videos.push_back(std::move(video));
    }
  }
  return models;
}

}  // namespace beamgrid
