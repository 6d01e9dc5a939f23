#include "trainer/components/classifier/combine_chain.h"

#include "trainer/ops.h"

namespace beamgrid::trainer {

CombineChain::CombineChain(const BuildContext& context, const CombineChainOptions& options)
    : auxiliary_(options.auxiliary) {
  std::int64_t width = context.input_width;
  for (std::int64_t step = 0; step <= options.steps; ++step) {
    const std::string number = std::to_string(step);
    mixtures_.push_back(register_module(
        "mixture" + number, std::make_shared<Mixture>(width, context.classes, options.experts)));
    if (step == options.steps) return;
    links_.push_back(
        register_module("link" + number, torch::nn::Linear(context.classes, options.link)));
    InitialiseLinear(links_.back());
    width += options.link;
  }
}

Scores CombineChain::forward(const torch::Tensor& video) {
  torch::Tensor seen = video;
  std::vector<torch::Tensor> predictions;
  for (std::size_t step = 0; step < links_.size(); ++step) {
    predictions.push_back(mixtures_[step]->forward(seen));
    const torch::Tensor link = L2Normalise(links_[step](predictions.back()).relu(), 1);
    seen = torch::cat({seen, link}, 1);
  }
  Scores scores{.probabilities = mixtures_.back()->forward(seen)};
  // Without auxiliary losses the loss is taken over the final probabilities alone, as ever.
  if (!is_training() || auxiliary_ == 0) return scores;
  const double share = auxiliary_ / static_cast<double>(predictions.size());
  scores.loss_shares.assign(predictions.size(), share);
  scores.loss_shares.push_back(1 - auxiliary_);
  scores.loss_over = std::move(predictions);
  scores.loss_over.push_back(scores.probabilities);
  return scores;
}

}  // namespace beamgrid::trainer
