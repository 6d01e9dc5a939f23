#include "trainer/training/optimiser.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <sstream>
#include <type_traits>

namespace beamgrid::trainer {
namespace {

/// The number of elements of a view per thread. LibTorch splits an elementwise operation over
/// threads in grains of 32768, and five float tensors of this size (640 KiB: weight, gradient, two
/// moments, a temporary) fit a core's cache.
constexpr std::int64_t kPieceElements = 32768;

using StateMap = std::remove_cvref_t<decltype(std::declval<torch::optim::Optimizer&>().state())>;

/// LibTorch 1.13 keys an optimiser's states by the address as text, 2.x by the address itself.
template <typename Key>
Key StateKey(const torch::Tensor& piece) {
  if constexpr (std::is_same_v<Key, std::string>) {
    std::ostringstream text;
    text << piece.unsafeGetTensorImpl();
    return text.str();
  } else {
    return piece.unsafeGetTensorImpl();
  }
}

std::vector<torch::Tensor> FlatPieces(const torch::Tensor& tensor) {
  // One piece: on a GPU every piece would cost ten more kernel launches.
  if (!tensor.is_cpu()) return {tensor.view({-1})};
  return tensor.view({-1}).split(kPieceElements * at::get_num_threads());
}

}  // namespace

Optimiser::Optimiser(const TrainSettings& settings, const NamedTensors& parameters,
                     const std::vector<torch::Tensor>& regularised)
    : l2_(settings.l2),
      regularised_(regularised),
      steps_(torch::zeros({static_cast<std::int64_t>(parameters.size())}, torch::kLong)) {
  const torch::NoGradGuard no_gradient;
  std::vector<torch::Tensor> pieces;
  for (const auto& [name, value] : parameters) {
    Parameter parameter{.name = name,
                        .value = value,
                        .first_moment = torch::zeros_like(value, torch::MemoryFormat::Contiguous),
                        .second_moment = torch::zeros_like(value, torch::MemoryFormat::Contiguous),
                        .pieces = FlatPieces(value.detach())};
    pieces.insert(pieces.end(), parameter.pieces.begin(), parameter.pieces.end());
    parameters_.push_back(std::move(parameter));
  }
  adam_ = std::make_unique<torch::optim::Adam>(
      std::move(pieces),
      torch::optim::AdamOptions(settings.learning_rate).betas({0.9, 0.999}).eps(1e-8));
  // Before the first step: Adam would otherwise make moments of its own for each piece, and State()
  // could not show a parameter's moments as one tensor.
  OnStateRestored();
}

void Optimiser::OnStateRestored() {
  const auto* steps = steps_.data_ptr<std::int64_t>();
  for (const Parameter& parameter : parameters_) {
    const auto first = FlatPieces(parameter.first_moment);
    const auto second = FlatPieces(parameter.second_moment);
    for (std::size_t i = 0; i < parameter.pieces.size(); ++i) {
      auto state = std::make_unique<torch::optim::AdamParamState>();
      // The moments are views of ours, so Adam's steps write into what State() shows; the count of
      // steps is a plain number that Adam keeps for each piece, so it is handed in again.
      state->step(*steps).exp_avg(first[i]).exp_avg_sq(second[i]);
      adam_->state()[StateKey<StateMap::key_type>(parameter.pieces[i])] = std::move(state);
    }
    ++steps;
  }
}

void Optimiser::LendGradient(Parameter& parameter) {
  const torch::Tensor& gradient = parameter.value.grad();
  if (!gradient.defined()) {
    // Adam skips a piece without a gradient. A zero gradient would still move the weights by their
    // momentum.
    for (torch::Tensor& piece : parameter.pieces) piece.mutable_grad() = torch::Tensor();
    return;
  }
  // The gradient itself as a rule; a flat view needs contiguous memory.
  const auto gradients = FlatPieces(gradient.contiguous());
  for (std::size_t i = 0; i < parameter.pieces.size(); ++i) {
    parameter.pieces[i].mutable_grad() = gradients[i];
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
  for (Parameter& parameter : parameters_) {
    LendGradient(parameter);
    *steps++ += parameter.value.grad().defined() ? 1 : 0;
  }
  for (auto& group : adam_->param_groups()) group.options().set_lr(learning_rate);
  adam_->step();
}

void Optimiser::DropGradients() {
  for (Parameter& parameter : parameters_) {
    parameter.value.mutable_grad() = torch::Tensor();
    // The pieces' gradients are views of the same memory, which stays taken while one of them
    // lives.
    for (torch::Tensor& piece : parameter.pieces) piece.mutable_grad() = torch::Tensor();
  }
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
