#pragma once
// Planted pools for the ensemble tests.

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "search/ensemble/models.h"

namespace beamgrid {

/// EnsembleModel is a model of a test.
struct EnsembleModel {
  std::string name;
  std::int64_t size_bytes = 0;
  Predictions predictions;
  std::optional<Missing> missing;
};

inline EnsembleModels PoolOf(const std::vector<EnsembleModel>& models) {
  EnsembleModels pool;
  for (const EnsembleModel& model : models) {
    pool.Add(model.name, model.size_bytes, model.predictions, model.missing);
  }
  return pool;
}
inline std::vector<AlignedModel> AlignModels(const std::vector<EnsembleModel>& models) {
  return PoolOf(models).Aligned();
}

/// PoolQuestion is a question with the models that it is asked of.
struct PoolQuestion : EnsembleQuestion {
  PoolQuestion() = default;
  explicit PoolQuestion(std::vector<EnsembleModel> of) : models(std::move(of)) {}
  std::vector<EnsembleModel> models;
};
inline EnsembleAnswer FindEnsemble(const PoolQuestion& question,
                                   const ForEach& for_each = Serially) {
  return FindEnsemble(question, PoolOf(question.models), for_each);
}

struct PoolShape {
  int models = 4;
  int videos = 30;
  int classes = 12;
  int list_length = 6;
  double step = 0;  ///< scores are rounded to multiples of this, which makes ties; 0: not rounded
};

/// Models that see the same truth through shared and own noise, each with its own quality.
inline std::vector<EnsembleModel> PlantPool(const PoolShape& shape, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise;
  std::vector<EnsembleModel> models(static_cast<std::size_t>(shape.models));
  for (std::size_t m = 0; m < models.size(); ++m) {
    models[m].name = "model" + std::to_string(m);
    models[m].size_bytes = 100 + static_cast<std::int64_t>(random() % 100);
    models[m].predictions.classes = shape.classes;
    models[m].predictions.top_k = shape.list_length;
  }
  for (int v = 0; v < shape.videos; ++v) {
    std::vector<std::int32_t> labels;
    std::vector<double> evidence;
    for (int c = 0; c < shape.classes; ++c) {
      const bool positive = random() % 5 == 0;
      if (positive) labels.push_back(c);
      evidence.push_back((positive ? 1.5 : -1.5) + noise(random));
    }
    for (std::size_t m = 0; m < models.size(); ++m) {
      VideoPrediction video{.id = "v" + std::to_string(1000 + v), .labels = labels};
      for (int c = 0; c < shape.classes; ++c) {
        const double own = 0.5 + 0.2 * static_cast<double>(m % 5);
        const double x = evidence[static_cast<std::size_t>(c)] + own * noise(random);
        double score = 1 / (1 + std::exp(-x));
        if (shape.step > 0) score = std::round(score / shape.step) * shape.step;
        video.top.push_back({c, std::min(score, 1.0)});
      }
      std::stable_sort(video.top.begin(), video.top.end(),
                       [](const auto& a, const auto& b) { return a.score > b.score; });
      video.top.resize(static_cast<std::size_t>(std::min(shape.list_length, shape.classes)));
      models[m].predictions.videos.push_back(std::move(video));
    }
  }
  return models;
}

inline Metrics ScoreOf(const Predictions& predictions) {
  MetricsAccumulator accumulator;
  for (const VideoPrediction& video : predictions.videos) {
    accumulator.AddSparse(video.top, video.labels);
  }
  return accumulator.Compute();
}

inline std::vector<std::string> NamesOf(const EnsembleAnswer& answer) {
  std::vector<std::string> names;
  for (const auto& member : answer.members) names.push_back(member.name);
  return names;
}

}  // namespace beamgrid
