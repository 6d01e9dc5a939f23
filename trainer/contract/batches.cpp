#include "trainer/contract/batches.h"

namespace beamgrid::trainer::contract {

torch::Tensor MaskOf(const std::vector<std::int64_t>& lengths, std::int64_t frames) {
  const torch::Tensor bound = torch::tensor(lengths).unsqueeze(1);
  return torch::arange(frames).unsqueeze(0) < bound;
}

Sequence RandomSequence(const std::vector<std::int64_t>& lengths, std::int64_t frames,
                        std::int64_t width) {
  torch::Tensor values = torch::randn({static_cast<std::int64_t>(lengths.size()), frames, width});
  const torch::Tensor mask = MaskOf(lengths, frames);
  values = values / values.norm(2, -1, /*keepdim=*/true) * mask.unsqueeze(-1);
  return {values, mask, torch::tensor(lengths)};
}

Targets RandomTargets(std::int64_t batch, std::int64_t classes) {
  return {(torch::rand({batch, classes}) < 0.4).to(torch::kFloat)};
}

Sequence Alone(const Sequence& batch, std::int64_t index) {
  // Cut to its own length: padding would be the same as in the batch, and hide what depends on it.
  const std::int64_t length = batch.lengths[index].item<std::int64_t>();
  return {batch.frames.slice(0, index, index + 1).slice(1, 0, length),
          batch.mask.slice(0, index, index + 1).slice(1, 0, length),
          batch.lengths.slice(0, index, index + 1)};
}

Targets Alone(const Targets& targets, std::int64_t index) {
  return {targets.labels.slice(0, index, index + 1)};
}

Sequence Padded(const Sequence& batch, std::int64_t count, double value) {
  const torch::Tensor more =
      torch::zeros({batch.frames.size(0), count, batch.frames.size(2)}, batch.frames.options());
  const torch::Tensor mask =
      torch::cat({batch.mask, torch::zeros({batch.mask.size(0), count}, torch::kBool)}, 1);
  const torch::Tensor frames =
      torch::cat({batch.frames, more}, 1).masked_fill(mask.logical_not().unsqueeze(-1), value);
  return {frames, mask, batch.lengths};
}

torch::Tensor MeanFrame(const Sequence& sequence) {
  const torch::Tensor mask = sequence.mask.to(sequence.frames.dtype()).unsqueeze(-1);
  return (sequence.frames * mask).sum(1) / mask.sum(1);
}

torch::Tensor SomeProbabilities(const torch::Tensor& embedding, std::int64_t classes) {
  // A fixed matrix: whatever differs between two calls comes from the embedding.
  const torch::Tensor mixing = torch::linspace(-3, 3, embedding.size(-1) * classes,
                                               embedding.options().requires_grad(false));
  return embedding.matmul(mixing.view({embedding.size(-1), classes})).sigmoid();
}

}  // namespace beamgrid::trainer::contract
