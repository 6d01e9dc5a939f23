// Beam search over a planted pool, timed. Writes the pool to a file, so that
// ensemble_vs_numpy.py can do the same work on the same numbers; prints one JSON object. The time
// is processor time (one thread), which other work on the machine disturbs less than the clock's.
//
// The pool: a video has about 3 true labels and 150 plausible ones; a model sees each plausible
// label's evidence through noise that it shares with the models of its family and noise of its own,
// and lists its best 50.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iostream>
#include <random>

#include "search/ensemble/models.h"

namespace beamgrid {
namespace {

struct Settings {
  int models = 200;
  int videos = 10000;
  int list_length = 50;
  std::int64_t members = 3;
  std::int64_t beam_width = 2;
  std::string pool_file;
};

constexpr int kClasses = 3862;
constexpr int kPlausible = 150;
constexpr int kFamilies = 8;

/// Planted is the pool before it is stored.
struct Planted {
  struct Model {
    std::string name;
    std::int64_t size_bytes = 0;
    Predictions predictions;
  };
  std::vector<Model> models;
};

class Planter {
 public:
  explicit Planter(const Settings& settings) : settings_(settings) {}

  Planted Plant() {
    Planted question;
    for (int m = 0; m < settings_.models; ++m) {
      Planted::Model model{.name = "model" + std::to_string(1000 + m)};
      model.size_bytes = static_cast<std::int64_t>(100 + random_() % 200) << 20;
      model.predictions.top_k = settings_.list_length;
      question.models.push_back(std::move(model));
    }
    for (int v = 0; v < settings_.videos; ++v) AddVideo("v" + std::to_string(100000 + v), question);
    return question;
  }

 private:
  void AddVideo(const std::string& id, Planted& question) {
    std::vector<std::int32_t> labels;
    while (labels.size() < kPlausible) {
      const auto label = static_cast<std::int32_t>(random_() % kClasses);
      if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
    }
    const std::size_t positives = 1 + random_() % 5;
    std::vector<std::int32_t> truth(labels.begin(),
                                    labels.begin() + static_cast<std::ptrdiff_t>(positives));
    std::sort(truth.begin(), truth.end());
    std::vector<float> evidence(kFamilies * kPlausible);  // [families, plausible]
    for (std::size_t l = 0; l < kPlausible; ++l) {
      const float common = (l < positives ? 1.0F : -5.0F) + 1.5F * noise_(random_);
      for (std::size_t f = 0; f < kFamilies; ++f) {
        evidence[f * kPlausible + l] = common + 0.8F * noise_(random_);
      }
    }
    for (std::size_t m = 0; m < question.models.size(); ++m) {
      VideoPrediction video{.id = id, .labels = truth};
      const float own = 0.5F + 0.005F * static_cast<float>(m % 100);
      const float* seen = evidence.data() + m % kFamilies * kPlausible;
      for (std::size_t l = 0; l < kPlausible; ++l) {
        const float x = seen[l] + own * noise_(random_);
        video.top.push_back({labels[l], static_cast<float>(1 / (1 + std::exp(-x)))});
      }
      const auto length = std::min<std::ptrdiff_t>(settings_.list_length, std::ssize(video.top));
      std::partial_sort(video.top.begin(), video.top.begin() + length, video.top.end(),
                        [](const auto& a, const auto& b) { return a.score > b.score; });
      video.top.resize(static_cast<std::size_t>(length));
      video.top.shrink_to_fit();
      question.models[m].predictions.videos.push_back(std::move(video));
    }
  }

  const Settings& settings_;
  std::mt19937 random_{8};
  std::normal_distribution<float> noise_;
};

/// int32 models, videos, list length; int64 sizes; then per model all videos' labels (int32) and
/// scores (float32); then each video's number of true labels and the labels (int32).
void Write(const Planted& question, const Settings& settings) {
  std::ofstream file(settings.pool_file, std::ios::binary);
  const auto put = [&](const auto& value) {
    file.write(reinterpret_cast<const char*>(&value), sizeof value);
  };
  put(settings.models);
  put(settings.videos);
  put(settings.list_length);
  for (const Planted::Model& model : question.models) put(model.size_bytes);
  for (const Planted::Model& model : question.models) {
    for (const auto& video : model.predictions.videos) {
      for (const auto& entry : video.top) put(entry.label);
    }
    for (const auto& video : model.predictions.videos) {
      for (const auto& entry : video.top) put(static_cast<float>(entry.score));
    }
  }
  for (const auto& video : question.models[0].predictions.videos) {
    put(static_cast<std::int32_t>(video.labels.size()));
    for (const std::int32_t label : video.labels) put(label);
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + settings.pool_file);
}

void Run(const Settings& settings) {
  EnsembleModels models;
  {
    const Planted planted = Planter(settings).Plant();
    if (!settings.pool_file.empty()) Write(planted, settings);
    for (const Planted::Model& model : planted.models) {
      models.Add(model.name, model.size_bytes, model.predictions);
    }
  }
  EnsembleQuestion question{.weights = Weighting::kUniform};
  question.size_limit = 1LL << 30;
  question.members = settings.members;
  question.beam_width = settings.beam_width;
  const std::clock_t start = std::clock();
  const EnsembleAnswer answer = FindEnsemble(question, models);
  boost::json::object result = ToJson(answer);
  result["seconds"] = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::cout << boost::json::serialize(result) << "\n";
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) {
  beamgrid::Settings settings;
  CLI::App app("times the ensemble's beam search");
  app.add_option("--models", settings.models)->check(CLI::PositiveNumber);
  app.add_option("--videos", settings.videos)->check(CLI::PositiveNumber);
  app.add_option("--list-length", settings.list_length)->check(CLI::Range(1, 150));
  app.add_option("--members", settings.members)->check(CLI::PositiveNumber);
  app.add_option("--beam-width", settings.beam_width)->check(CLI::PositiveNumber);
  app.add_option("--pool", settings.pool_file, "where to write the pool");
  CLI11_PARSE(app, argc, argv);
  beamgrid::Run(settings);
  return 0;
}
