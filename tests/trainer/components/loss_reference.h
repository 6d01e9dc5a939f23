#pragma once
// What the tests of losses share: a batch of probabilities, labels and weights.

#include "tests/trainer/components/contract.h"
#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer::reference {

inline constexpr std::size_t kLossClasses = 3;

inline std::shared_ptr<Loss> MakeLoss(const std::string& name, const Options& set,
                                      std::int64_t width = 2) {
  return Makers<Loss>::All().at(name)(
      {.classes = static_cast<std::int64_t>(kLossClasses), .input_width = width},
      WithDefaults("loss", name, set));
}

/// Three videos; the last one has no label.
inline Matrix Labels() { return {{1, 0, 1}, {0, 1, 0}, {0, 0, 0}}; }
inline Matrix CellWeights() { return {{1, 0.5, 0.25}, {2, 1, 0}, {1, 1, 0}}; }

inline torch::Tensor TensorOf(const Matrix& rows) {
  Vector values;
  for (const Vector& row : rows) values.insert(values.end(), row.begin(), row.end());
  return torch::tensor(values, torch::kDouble)
      .view({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size())});
}

enum class Cells { kAlike, kWeighted };

inline Targets TargetsOf(Cells cells) {
  Targets targets{TensorOf(Labels())};
  if (cells == Cells::kWeighted) targets.weights = TensorOf(CellWeights());
  return targets;
}

inline double WeightOf(Cells cells, std::size_t video, std::size_t label) {
  return cells == Cells::kWeighted ? CellWeights()[video][label] : 1;
}

/// -log of what a probability gives to the truth.
inline double CrossEntropyOf(double p, double label) {
  return label > 0.5 ? -std::log(p + 1e-5) : -std::log(1 - p + 1e-5);
}

/// Rows of probabilities, as videos of one frame.
inline Sequence Probabilities() {
  torch::manual_seed(31);
  Sequence sequence = contract::RandomSequence({1, 1, 1}, 1, kLossClasses);
  sequence.frames = torch::rand({3, 1, static_cast<std::int64_t>(kLossClasses)}, torch::kDouble);
  return sequence;
}

/// The whole batch is one row with one value.
inline Rows LossOf(Loss& module, const Targets& targets) {
  return [&module, targets](const Sequence& input) {
    return std::vector<torch::Tensor>{module.forward(input.frames.squeeze(1), {}, targets)};
  };
}

}  // namespace beamgrid::trainer::reference
