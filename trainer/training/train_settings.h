#pragma once
// The training settings: criterion "train" of the catalogue, `[train]` and `[grid.train]` of a
// recipe.

#include <cstdint>
#include <string>

#include "trainer/component.h"

namespace beamgrid::trainer {

/// TrainSettings holds how a model is trained; Describe says what each setting means. The defaults
/// are Kim et al. 2018's, section 4.2 (Adam, 0.001, decay 0.95), and where the paper is silent the
/// YouTube-8M starter code's (decay per 4,000,000 examples, batch 128, 5 epochs).
struct TrainSettings {
  std::string optimizer = "adam";
  double learning_rate = 0.001;
  double decay = 0.95;
  std::int64_t decay_examples = 4'000'000;
  std::int64_t late_decay_from = 0;
  std::int64_t late_decay_examples = 40'000;
  std::int64_t batch = 128;
  std::int64_t epochs = 5;
  double l2 = 0;
  bool l2_clipped = true;
  double mix = 0;
  std::int64_t warmup_examples = 0;
  double ema = 0;
  std::int64_t average_checkpoints = 0;
  std::int64_t patience = 0;
  std::string precision = "fp32";
  std::string arithmetic = "fp32";
  double teacher_weight = 0.5;  ///< whose file the model's setting `teacher` names (TeacherOf)
  std::string from;  ///< as the recipe names it; TrialSpec::warm_start says which trial that is
};

/// Lists the settings with their defaults, ranges and explanations.
void Describe(Fields& f, TrainSettings& o);

/// The learning rate of a step, a staircase: learning_rate * decay^floor(examples /
/// decay_examples), with other steps from late_decay_from on; during the warm-up that times
/// examples / warmup_examples. `examples` are those
/// trained on before the step, so the first step of a warm-up has the rate 0.
[[nodiscard]] double LearningRate(const TrainSettings& settings, std::int64_t examples);

}  // namespace beamgrid::trainer
