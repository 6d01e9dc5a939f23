#pragma once
// The training settings: criterion "train" of the catalogue, `[train]` and `[grid.train]` of a
// recipe.

#include <cstdint>
#include <string>

#include "trainer/component.h"

namespace beamgrid::trainer {

/// Defaults: Kim et al. 2018, section 4.2, and where they are silent the YouTube-8M starter code.
struct TrainSettings {
  std::string optimizer = "adam";
  double learning_rate = 0.001;
  double decay = 0.95;
  std::int64_t decay_examples = 4'000'000;
  std::int64_t batch = 128;
  std::int64_t epochs = 5;
  double l2 = 0;
  std::int64_t warmup_examples = 0;
  double ema = 0;
  std::int64_t average_checkpoints = 0;
  std::int64_t patience = 0;
  std::string precision = "fp32";
  std::string from;  ///< as the recipe names it; TrialSpec::start says which trial that is
};

void Describe(Fields& f, TrainSettings& o);

/// Staircase: learning_rate * decay^floor(examples / decay_examples); during the warm-up times
/// examples / warmup_examples. `examples`: trained on before the step.
[[nodiscard]] double LearningRate(const TrainSettings& settings, std::int64_t examples);

}  // namespace beamgrid::trainer
