#pragma once
// Learning from a teacher's probabilities beside the truth.

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "registry/model_spec.h"
#include "trainer/component.h"
#include "trainer/data/batch.h"
#include "trainer/data/teacher.h"

namespace beamgrid::trainer {

/// Lesson is what a teacher says of the examples of a batch, and how much it counts.
struct Lesson {
  /// [batch, classes] float, 0..1, for each of the targets beside it (Mix makes two); empty: there
  /// is no teacher.
  std::vector<torch::Tensor> probabilities;
  double weight = 0;  ///< share of the loss, 0..1
};

/// Opens the teacher of the model; null where it has none. Throws DataFilesError where the file is
/// gone, is another one than was planned with or holds what it may not, Error where the machine
/// keeps us from reading it.
[[nodiscard]] std::unique_ptr<Teacher> OpenTeacher(const ModelSpec& model, const DataSpec& data);

/// Returns the teacher's probabilities of a batch, [batch, classes] float, 0 where a list lacks a
/// class. Throws DataFilesError for an example without a list. Deterministic on every device.
[[nodiscard]] torch::Tensor TeacherMatrix(const Teacher& teacher, const Batch& batch,
                                          std::int64_t classes, torch::Device device);

/// Returns the cross entropy of probabilities p against a teacher's q, both [batch, classes]: minus
/// the mean over the batch of the sum over classes of
///   v [q log(p + e) + (1 - q) log(1 - p + e)],  e = 1e-5
/// where v is the cell's weight in targets.weights, 1 where there are none. It is what the loss
/// cross_entropy is against labels; its minimum is the entropy of q, not 0. Computed at least in
/// single precision.
[[nodiscard]] torch::Tensor TeacherCrossEntropy(const torch::Tensor& probabilities,
                                                const torch::Tensor& teacher,
                                                const Targets& targets);

}  // namespace beamgrid::trainer
