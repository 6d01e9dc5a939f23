#pragma once
// The LabelStatistics of a trial's training files.

#include <optional>

#include "registry/model_spec.h"
#include "trainer/component.h"
#include "trainer/data/label_lists.h"

namespace beamgrid::trainer {

/// TrainingLabels reads the labels of data.train when it is first asked, once; a model that asks
/// for nothing costs nothing. Counts what training sees: data.on_error and the segments are
/// respected. Throws Error and DataError. Not thread-safe.
class TrainingLabels : public LabelStatistics {
 public:
  explicit TrainingLabels(const DataSpec& data) : data_(data) {}

  [[nodiscard]] torch::Tensor Counts() const override;
  [[nodiscard]] torch::Tensor CoOccurrence() const override;

 private:
  [[nodiscard]] const LabelLists& Lists() const;

  DataSpec data_;
  mutable std::optional<LabelLists> lists_;
};

}  // namespace beamgrid::trainer
