#pragma once
// The mixture of logistic experts that `moe` is and that other classifiers end in.

#include <vector>

#include "trainer/linear.h"

namespace beamgrid::trainer {

/// GateBias says whether the gates have a bias (Na et al. 2017, eq. 15) or none (the starter code).
enum class GateBias { kNone, kTrained };
/// Dummy says whether the gates choose among the experts and a dummy expert that always says 0 (the
/// starter code), or among the experts alone (Na et al. 2017, eq. 14 and 15).
enum class Dummy { kYes, kNo };

/// Mixture is one mixture of logistic experts per class. For class c, with k experts and a dummy
/// expert k+1 that always says 0 (Abu-El-Haija et al. 2016, YouTube-8M starter code):
///   p_c = sum over i <= k of softmax(z G)_{c,i} sigmoid(z E + b)_{c,i}
/// The softmax runs over the g = k+1 gates of one class (without the dummy g = k); gates have no
/// bias unless asked for, experts have one. Parameters: (g + k) C d + k C (gate bias: + g C). Rows
/// of both matrices are expert-major: row i*C + c is expert i of class c, so that the softmax runs
/// over long contiguous rows.
class Mixture : public torch::nn::Module {
 public:
  Mixture(std::int64_t width, std::int64_t classes, std::int64_t experts,
          GateBias gate_bias = GateBias::kNone, Dummy dummy = Dummy::kYes);

  /// [batch, width] -> probabilities [batch, classes].
  torch::Tensor forward(const torch::Tensor& embedding) { return forward(embedding, embedding); }
  /// The same where gates and experts see different vectors, each [batch, width].
  torch::Tensor forward(const torch::Tensor& of_gates, const torch::Tensor& of_experts);

  /// The weight matrices of gates and experts, without the biases.
  [[nodiscard]] std::vector<torch::Tensor> Weights() const;

 private:
  std::int64_t classes_;
  std::int64_t gates_of_class_;
  std::int64_t experts_;
  Linear gates_{nullptr};
  Linear heads_{nullptr};
};

/// Mixes the experts. gates [batch, k+1 or k, classes], heads [batch, k, classes] (both before
/// softmax and sigmoid) -> [batch, classes]. Its gradient is written by hand: a third of autograd's
/// passes.
[[nodiscard]] torch::Tensor MixExperts(const torch::Tensor& gates, const torch::Tensor& heads);

}  // namespace beamgrid::trainer
