#include "trainer/training/mixing.h"

namespace beamgrid::trainer {
namespace {

/// The targets with their weights times `share`, [batch, 1].
Targets Shared(const Targets& targets, const torch::Tensor& share) {
  return {targets.labels,
          targets.weights.defined() ? targets.weights * share : share.expand_as(targets.labels)};
}

Targets InOrder(const Targets& targets, const torch::Tensor& order) {
  return {targets.labels.index_select(0, order),
          targets.weights.defined() ? targets.weights.index_select(0, order) : torch::Tensor()};
}

}  // namespace

MixedBatch Mix(const DeviceBatch& batch, double alpha) {
  const bool taught = batch.teacher.defined();
  if (alpha == 0) {
    return {batch.input,
            {batch.targets},
            taught ? std::vector{batch.teacher} : std::vector<torch::Tensor>()};
  }
  const Sequence& input = batch.input;
  const std::int64_t examples = input.frames.size(0);
  // On the CPU: the same numbers whatever the device.
  const torch::Tensor partner = torch::randperm(examples, torch::kLong);
  const torch::Tensor gamma = torch::_standard_gamma(torch::full({2, examples}, alpha));
  // Of a small alpha both may be 0 in a float.
  const torch::Tensor own = (gamma[0] + 1e-30) / (gamma.sum(0) + 2e-30);
  const torch::Tensor share = torch::maximum(own, 1 - own).unsqueeze(1).to(input.frames.device());
  const torch::Tensor order = partner.to(input.frames.device());
  MixedBatch mixed;
  mixed.input = {torch::lerp(input.frames.index_select(0, order), input.frames,
                             share.unsqueeze(2).to(input.frames.dtype())),
                 input.mask.logical_or(input.mask.index_select(0, order)),
                 torch::maximum(input.lengths, input.lengths.index_select(0, partner))};
  mixed.targets = {Shared(batch.targets, share), Shared(InOrder(batch.targets, order), 1 - share)};
  if (taught) mixed.teachers = {batch.teacher, batch.teacher.index_select(0, order)};
  return mixed;
}

}  // namespace beamgrid::trainer
