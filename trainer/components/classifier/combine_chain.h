#pragma once
// class_chaining, form "deep_combine": predictions that later predictions see.

#include "trainer/component.h"
#include "trainer/components/classifier/mixture.h"

namespace beamgrid::trainer {

/// CombineChainOptions holds the code's values of 2017.
struct CombineChainOptions {
  std::int64_t steps = 8;    ///< L
  std::int64_t link = 128;   ///< q, width of a prediction's projection
  std::int64_t experts = 2;  ///< experts per class of each mixture
  double auxiliary = 0.025;  ///< share of the predictions before the last in the loss
};

/// CombineChain is a chain of mixtures of experts (Wang et al. 2017, code). With x [batch, d],
/// z_0 = x; for l = 1..L: p_l = MoE_l(z_{l-1}), r_l = L2norm(ReLU(F_l p_l + f_l)), z_l = [z_{l-1};
/// r_l]; p = MoE(z_L). With q = link, parameters: the sum over l = 0..L of MoE(d + l q), and
/// L (C q + q).
class CombineChain : public torch::nn::Module {
 public:
  CombineChain(const BuildContext& context, const CombineChainOptions& options);

  /// [batch, d] -> probabilities [batch, classes]. In training the p_l have the share `auxiliary`
  /// of the loss, all together.
  Scores forward(const torch::Tensor& video);

 private:
  double auxiliary_;
  std::vector<std::shared_ptr<Mixture>> mixtures_;  ///< one per step, and the last
  std::vector<torch::nn::Linear> links_;            ///< F_l
};

}  // namespace beamgrid::trainer
