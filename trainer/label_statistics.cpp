#include "trainer/label_statistics.h"

namespace beamgrid::trainer {

const LabelLists& TrainingLabels::Lists() const {
  if (!lists_) lists_ = ReadLabelLists(data_, data_.train);
  return *lists_;
}

// Double: a float counts to 2^24 only, and adding 1 beyond that does nothing.
torch::Tensor TrainingLabels::Counts() const {
  torch::Tensor counts = torch::zeros({data_.classes}, torch::kDouble);
  auto* count = counts.data_ptr<double>();
  for (const std::int32_t label : Lists().labels) ++count[label];
  return counts;
}

torch::Tensor TrainingLabels::CoOccurrence() const {
  const LabelLists& lists = Lists();
  torch::Tensor counts = torch::zeros({data_.classes, data_.classes}, torch::kDouble);
  auto* count = counts.data_ptr<double>();
  // Over the pairs of each example's labels, three on average: a product of label matrices would be
  // examples x classes in size.
  for (std::int64_t example = 0; example < lists.Size(); ++example) {
    for (const std::int32_t one : lists.Of(example)) {
      for (const std::int32_t other : lists.Of(example)) ++count[one * data_.classes + other];
    }
  }
  return counts;
}

}  // namespace beamgrid::trainer
