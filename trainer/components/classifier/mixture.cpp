#include "trainer/components/classifier/mixture.h"

#include <cstdint>

#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

class MixExpertsFunction : public torch::autograd::Function<MixExpertsFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& gates, const torch::Tensor& heads) {
    const torch::Tensor gate = gates.softmax(1);
    const torch::Tensor expert = heads.sigmoid();
    const torch::Tensor probabilities = (gate.narrow(1, 0, heads.size(1)) * expert).sum(1);
    context->save_for_backward({gate, expert, probabilities});
    return probabilities;
  }

  // With d = dL/dp: dL/dhead_i = d g_i e_i (1 - e_i) and dL/dgate_i = d g_i (e_i - p); a
  // dummy's e is 0. By hand, because these tensors are (2k + 1) times as large as the probabilities
  // and autograd would go over them three times as often.
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& gate = saved[0];
    const torch::Tensor& expert = saved[1];
    const torch::Tensor& probabilities = saved[2];
    const std::int64_t experts = expert.size(1);
    const torch::Tensor weighted = gate * gradients[0].unsqueeze(1);
    const torch::Tensor real = weighted.narrow(1, 0, experts);
    const torch::Tensor to_heads = torch::sigmoid_backward(real, expert);
    torch::Tensor to_gates = weighted * probabilities.unsqueeze(1).neg();
    to_gates.narrow(1, 0, experts).addcmul_(real, expert);
    return {to_gates, to_heads};
  }
};

}  // namespace

Mixture::Mixture(std::int64_t width, std::int64_t classes, std::int64_t experts, GateBias gate_bias,
                 Dummy dummy)
    : classes_(classes),
      gates_of_class_(dummy == Dummy::kYes ? experts + 1 : experts),
      experts_(experts) {
  const auto gates = torch::nn::LinearOptions(width, classes * gates_of_class_)
                         .bias(gate_bias == GateBias::kTrained);
  gates_ = register_module("gates", Linear(gates));
  heads_ = register_module("experts", Linear(width, classes * experts));
  InitialiseLinear(gates_);
  InitialiseLinear(heads_);
}

torch::Tensor Mixture::forward(const torch::Tensor& of_gates, const torch::Tensor& of_experts) {
  return MixExperts(gates_(of_gates).view({-1, gates_of_class_, classes_}),
                    heads_(of_experts).view({-1, experts_, classes_}));
}

std::vector<torch::Tensor> Mixture::Weights() const { return {gates_->weight, heads_->weight}; }

torch::Tensor MixExperts(const torch::Tensor& gates, const torch::Tensor& heads) {
  return MixExpertsFunction::apply(gates, heads);
}

}  // namespace beamgrid::trainer
