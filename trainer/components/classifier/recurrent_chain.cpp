#include "trainer/components/classifier/recurrent_chain.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

torch::nn::Linear WithoutBias(std::int64_t from, std::int64_t to) {
  return torch::nn::Linear(torch::nn::LinearOptions(from, to).bias(false));
}

/// Sets the biases of both gates to 1, as TensorFlow's cell does: it starts by keeping its state.
void OpenGates(torch::nn::Linear& linear, std::int64_t hidden) {
  const torch::NoGradGuard no_gradient;
  linear->bias.narrow(0, 0, 2 * hidden).fill_(1);
}

}  // namespace

RecurrentChain::RecurrentChain(const BuildContext& context, const RecurrentChainOptions& options)
    : classes_(context.classes),
      steps_(std::min(options.steps, context.classes)),
      hidden_(options.hidden),
      priorities_(Priorities(context)) {
  label_vectors_ =
      register_parameter("label_vectors", torch::empty({classes_ + 1, options.label_width}));
  InitialiseNormal(label_vectors_, options.label_width);
  const bool as_input = options.video == "input";
  auto& from_video = as_input ? from_video_ : initial_;
  from_video =
      register_module(as_input ? "from_video" : "initial",
                      torch::nn::Linear(context.input_width, as_input ? 3 * hidden_ : hidden_));
  // One bias for the sum of all inputs.
  const auto from_label =
      torch::nn::LinearOptions(options.label_width, 3 * hidden_).bias(!as_input);
  from_label_ = register_module("from_label", torch::nn::Linear(from_label));
  gates_from_state_ = register_module("gates_from_state", WithoutBias(hidden_, 2 * hidden_));
  candidate_from_state_ = register_module("candidate_from_state", WithoutBias(hidden_, hidden_));
  output_ = register_module("output", torch::nn::Linear(hidden_, classes_));
  for (torch::nn::Linear* linear :
       {&from_video, &from_label_, &gates_from_state_, &candidate_from_state_, &output_}) {
    InitialiseLinear(*linear);
  }
  OpenGates(as_input ? from_video_ : from_label_, hidden_);
}

torch::Tensor RecurrentChain::Priorities(const BuildContext& context) {
  // No labels at hand: any order will do, since nothing is trained then.
  if (context.labels == nullptr) return torch::arange(context.classes, 0, -1, torch::kFloat);
  const torch::Tensor counts = context.labels->Counts();
  const auto* count = counts.data_ptr<double>();
  std::vector<std::int64_t> order(static_cast<std::size_t>(context.classes));
  std::iota(order.begin(), order.end(), 0);
  // Stable: of equally frequent classes the lower number goes first, on every machine.
  std::ranges::stable_sort(order, std::ranges::greater(), [&](auto label) { return count[label]; });
  torch::Tensor priorities = torch::empty({context.classes}, torch::kFloat);
  for (std::size_t i = 0; i < order.size(); ++i) {
    priorities[order[i]] = static_cast<double>(order.size() - i);
  }
  return priorities;
}

RecurrentChain::Said RecurrentChain::TrueLabels(const torch::Tensor& labels) {
  priorities_ = priorities_.to(labels.options());
  // Priorities are 1 or more, so labels that are not there (0) come behind all that are.
  const auto [keys, order] = (labels * priorities_).topk(steps_, 1);
  return {.labels = order, .present = keys > 0};
}

torch::Tensor RecurrentChain::NextState(const torch::Tensor& input, const torch::Tensor& state) {
  const torch::Tensor gates =
      (input.narrow(1, 0, 2 * hidden_) + gates_from_state_(state)).sigmoid();
  const torch::Tensor reset = gates.narrow(1, 0, hidden_);
  const torch::Tensor update = gates.narrow(1, hidden_, hidden_);
  const torch::Tensor candidate =
      (input.narrow(1, 2 * hidden_, hidden_) + candidate_from_state_(reset * state)).tanh();
  return update * state + (1 - update) * candidate;
}

RecurrentChain::Position RecurrentChain::Begin(const torch::Tensor& video) {
  const std::int64_t batch = video.size(0);
  const torch::TensorOptions truth = video.options().dtype(torch::kBool);
  return {
      .from_video = from_video_ ? from_video_(video) : torch::Tensor(),
      .state = initial_ ? initial_(video).tanh() : torch::zeros({batch, hidden_}, video.options()),
      .word = torch::full({batch}, classes_, video.options().dtype(torch::kLong)),  // START
      .closed = torch::zeros({batch, classes_}, truth),
      .goes_on = torch::ones({batch, 1}, truth)};
}

torch::Tensor RecurrentChain::Outcomes(Position& position) {
  torch::Tensor input = from_label_(torch::embedding(label_vectors_, position.word));
  if (position.from_video.defined()) input = input + position.from_video;
  position.state = NextState(input, position.state);
  const torch::Tensor logits =
      output_(position.state)
          .masked_fill(position.closed, -std::numeric_limits<double>::infinity());
  // Its logit of 0 is always finite, so that a row is never empty for the softmax: with every class
  // said, STOP gets all.
  const torch::Tensor stop = torch::zeros({logits.size(0), 1}, logits.options());
  return torch::cat({logits, stop}, 1).softmax(1);
}

void RecurrentChain::Say(const torch::Tensor& label, const torch::Tensor& present,
                         Position& position) {
  position.word = label;
  position.closed = position.closed.scatter(1, label.unsqueeze(1), true);
  position.goes_on = position.goes_on.logical_and(present.unsqueeze(1));
}

Scores RecurrentChain::forward(const torch::Tensor& video, const Targets& targets) {
  const bool taught = is_training() && targets.labels.defined();
  const Said said = taught ? TrueLabels(targets.labels) : Said();
  Position position = Begin(video);
  std::vector<torch::Tensor> steps;
  for (std::int64_t step = 0; step < steps_; ++step) {
    const torch::Tensor outcomes = Outcomes(position);
    const torch::Tensor stopped = position.goes_on.logical_not();
    steps.push_back(outcomes.narrow(1, 0, classes_).masked_fill(stopped, 0));
    if (taught) {
      Say(said.labels.select(1, step), said.present.select(1, step), position);
    } else {
      const torch::Tensor likeliest = outcomes.argmax(1);
      // STOP has no vector to be fed back. Clamped, because nothing counts behind it anyway.
      Say(likeliest.clamp_max(classes_ - 1), likeliest < classes_, position);
    }
  }
  const torch::Tensor greatest = torch::stack(steps).amax(0);
  return {.probabilities = taught ? OwnSteps(greatest, said, steps) : greatest};
}

torch::Tensor RecurrentChain::OwnSteps(const torch::Tensor& greatest, const Said& said,
                                       const std::vector<torch::Tensor>& steps) const {
  std::vector<torch::Tensor> own;
  for (std::int64_t step = 0; step < steps_; ++step) {
    own.push_back(steps[static_cast<std::size_t>(step)].gather(1, said.labels.narrow(1, step, 1)));
  }
  const torch::Tensor scores =
      torch::where(said.present, torch::cat(own, 1), greatest.gather(1, said.labels));
  return greatest.scatter(1, said.labels, scores);
}

}  // namespace beamgrid::trainer
