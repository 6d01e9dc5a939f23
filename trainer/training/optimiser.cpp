#include "trainer/training/optimiser.h"

#include <ATen/Parallel.h>

#include "trainer/training/adam.h"

namespace beamgrid::trainer {
namespace {

/// The least number of elements that are worth a thread.
constexpr std::int64_t kElementsPerThread = 32768;

bool IsPlainMemory(const torch::Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == torch::kFloat && tensor.is_contiguous();
}

/// StepAdam by LibTorch's operators: on a GPU, where they are kernels.
void StepByOperators(const AdamFactors& factors, const torch::Tensor& gradient,
                     const torch::Tensor& value, const torch::Tensor& first,
                     const torch::Tensor& second) {
  first.mul_(factors.beta1).add_(gradient, 1 - factors.beta1);
  second.mul_(factors.beta2).addcmul_(gradient, gradient, 1 - factors.beta2);
  const torch::Tensor root = (second.sqrt() / factors.root_of_bias).add_(factors.epsilon);
  value.addcdiv_(first, root, -factors.step_size);
}

void StepInMemory(const AdamFactors& factors, const torch::Tensor& gradient,
                  const torch::Tensor& value, const torch::Tensor& first,
                  const torch::Tensor& second) {
  const auto* g = gradient.data_ptr<float>();
  auto* w = value.data_ptr<float>();
  auto* m = first.data_ptr<float>();
  auto* v = second.data_ptr<float>();
  at::parallel_for(0, value.numel(), kElementsPerThread, [&](std::int64_t begin, std::int64_t end) {
    const auto size = static_cast<std::size_t>(end - begin);
    StepAdam(factors, size, g + begin, w + begin, m + begin, v + begin);
  });
}

}  // namespace

Optimiser::Optimiser(const TrainSettings& settings, const NamedTensors& parameters,
                     const std::vector<torch::Tensor>& regularised)
    : l2_(settings.l2),
      regularised_(regularised),
      steps_(torch::zeros({static_cast<std::int64_t>(parameters.size())}, torch::kLong)) {
  const torch::NoGradGuard no_gradient;
  for (const auto& [name, value] : parameters) {
    parameters_.push_back(
        {.name = name,
         .value = value,
         .first_moment = torch::zeros_like(value, torch::MemoryFormat::Contiguous),
         .second_moment = torch::zeros_like(value, torch::MemoryFormat::Contiguous)});
  }
}

void Optimiser::AddL2() {
  if (l2_ == 0) return;
  const torch::NoGradGuard no_gradient;
  for (torch::Tensor& weight : regularised_) {
    if (weight.grad().defined()) weight.mutable_grad().add_(weight, l2_);
  }
}

void Optimiser::Step(double learning_rate) {
  const torch::NoGradGuard no_gradient;
  auto* steps = steps_.data_ptr<std::int64_t>();
  for (const Parameter& parameter : parameters_) {
    std::int64_t& step = *steps++;
    // A parameter without a gradient stays: a zero gradient would still move it by its momentum.
    if (!parameter.value.grad().defined()) continue;
    const AdamFactors factors(++step, learning_rate);
    const torch::Tensor gradient = parameter.value.grad().contiguous();
    const auto by = IsPlainMemory(parameter.value) ? StepInMemory : StepByOperators;
    by(factors, gradient, parameter.value, parameter.first_moment, parameter.second_moment);
  }
}

void Optimiser::DropGradients() {
  for (Parameter& parameter : parameters_) parameter.value.mutable_grad() = torch::Tensor();
}

NamedTensors Optimiser::State() const {
  NamedTensors state = {{"steps", steps_}};
  for (const Parameter& parameter : parameters_) {
    state.emplace_back("first_moment." + parameter.name, parameter.first_moment);
    state.emplace_back("second_moment." + parameter.name, parameter.second_moment);
  }
  return state;
}

}  // namespace beamgrid::trainer
