// Labels that are predicted with sight of labels (Kim et al. 2018, slides: "Class Chaining with
// RNN", after Nam et al. 2017).
//
// [reading] The slides name the model and its GRU only. Here form = "rnn" is a GRU over the labels
// that are there, whose input is the previous label's vector and the video (or whose first state
// comes from the video), START first, the frequent labels first; STOP is one of the outcomes. A
// class is scored with the greatest probability over the steps (the sum is calibrated worse). In
// training a true label is scored at its own step, after the true labels before it; whatever loss
// the trial has is taken over these scores, which teaches STOP through the labels that are not
// there. Labels beyond `steps` are not said. form = "deep_combine" is what the second of 2017's
// challenge made of the idea (Wang et al. 2017, code): a chain of mixtures of experts, each seeing
// a projection of the predictions before it. [reading] What the auxiliary losses weigh beside the
// last one is not written anywhere but in that code: here, too, they have the share 0.025 together,
// and the last prediction the rest.

#include <algorithm>
#include <limits>
#include <numeric>

#include "trainer/component.h"
#include "trainer/components/classifier/mixture.h"
#include "trainer/components/linear_layers.h"

namespace beamgrid::trainer {
namespace {

/// ClassChainingOptions holds the options of both forms; the slides give no sizes, those of
/// deep_combine are the code's of 2017.
struct ClassChainingOptions {
  std::string form = "rnn";
  std::int64_t steps = 8;           ///< rnn: most labels that are said; deep_combine: L
  std::int64_t hidden = 1024;       ///< rnn: h, cells of the GRU
  std::int64_t label_width = 1024;  ///< rnn: e, width of a label's vector
  std::string video = "input";      ///< rnn: "input" of every step, or the first "state"
  std::int64_t link = 128;          ///< deep_combine: q, width of a prediction's projection
  std::int64_t experts = 2;         ///< deep_combine: experts per class of each mixture
  double auxiliary = 0.025;         ///< deep_combine: share of the predictions before the last
};

void Describe(Fields& f, ClassChainingOptions& o) {
  f("form", o.form, Choices{{"rnn", "deep_combine"}},
    "rnn = labels one after the other; deep_combine = a chain of mixtures of experts");
  f("steps", o.steps, Range{1, 100}, "rnn: labels that are said; deep_combine: links of the chain")
      .AlwaysNamed();
  f("hidden", o.hidden, Range{1, 8192}, "rnn: cells of the GRU").Tag("h");
  f("label_width", o.label_width, Range{1, 8192}, "rnn: width of a label's vector").Tag("e");
  f("video", o.video, Choices{{"input", "state"}},
    "rnn: where the embedding goes: into every step's input, or into the first state");
  f("link", o.link, Range{1, 8192}, "deep_combine: width of a prediction's projection").Tag("q");
  f("experts", o.experts, Range{1, 64}, "deep_combine: experts per class of each mixture")
      .Tag("MoE");
  f("auxiliary", o.auxiliary, Range{0, 1},
    "deep_combine: share of the predictions before the last in the loss");
}

// ---- form = "rnn": the labels of a video one after the other ------------------------------------

Linear WithoutBias(std::int64_t from, std::int64_t to) {
  return Linear(torch::nn::LinearOptions(from, to).bias(false));
}

/// Sets the biases of both gates to 1, as TensorFlow's cell does: it starts by keeping its state.
void OpenGates(Linear& linear, std::int64_t hidden) {
  const torch::NoGradGuard no_gradient;
  linear->bias.narrow(0, 0, 2 * hidden).fill_(1);
}

/// RecurrentChain models p(y|x) as a product over the labels that are there, the frequent first
/// (after Nam et al. 2017):
///   p_t = softmax over the classes and STOP of (W s_t + b, 0),  s_t = GRU([x; v(y_{t-1})],
///   s_{t-1})
/// v(y_0) = START. STOP is the class that the others are measured against: its logit is 0 and has
/// no weights. Labels that were already said have no share in p_t. Nothing counts after STOP.
///
/// The cell is TensorFlow's: r, u = sigmoid, c = tanh(.. + U (r o s)), s' = u o s + (1 - u) o c.
/// Parameters for d, e, h = width of x, label_width, hidden: (C+1) e + 3 (h (d+e+h) + h) + h C + C;
/// with video = "state", s_0 = tanh(V x + v) instead of x in the input: 3 (h (e+h) + h) + h d + h
/// in the middle.
class RecurrentChain : public torch::nn::Module {
 public:
  RecurrentChain(const BuildContext& context, const ClassChainingOptions& options)
      : classes_(context.classes),
        steps_(std::min(options.steps, context.classes)),
        hidden_(options.hidden),
        priorities_(Priorities(context)) {
    label_vectors_ =
        register_parameter("label_vectors", torch::empty({classes_ + 1, options.label_width}));
    InitialiseNormal(label_vectors_, options.label_width);
    const bool as_input = options.video == "input";
    auto& from_video = as_input ? from_video_ : initial_;
    from_video = register_module(as_input ? "from_video" : "initial",
                                 Linear(context.input_width, as_input ? 3 * hidden_ : hidden_));
    // One bias for the sum of all inputs.
    const auto from_label =
        torch::nn::LinearOptions(options.label_width, 3 * hidden_).bias(!as_input);
    from_label_ = register_module("from_label", Linear(from_label));
    gates_from_state_ = register_module("gates_from_state", WithoutBias(hidden_, 2 * hidden_));
    candidate_from_state_ = register_module("candidate_from_state", WithoutBias(hidden_, hidden_));
    output_ = register_module("output", Linear(hidden_, classes_));
    for (Linear* linear :
         {&from_video, &from_label_, &gates_from_state_, &candidate_from_state_, &output_}) {
      InitialiseLinear(*linear);
    }
    OpenGates(as_input ? from_video_ : from_label_, hidden_);
  }

  /// [batch, d] -> probabilities [batch, classes]. In evaluation the most probable label is said,
  /// then the next, until STOP or `steps`; a class's score is its greatest p_t. In training the
  /// true labels are said, and a true label's score is its p_t at its own step, so that the cross
  /// entropy of the scores holds -log p(y|x).
  Scores forward(const torch::Tensor& video, const Targets& targets) {
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

 private:
  /// Said holds what is said at each step.
  struct Said {
    torch::Tensor labels;   ///< [batch, steps] int64, in a row all different
    torch::Tensor present;  ///< [batch, steps] bool: a label, not STOP or anything behind it
  };
  /// Position says where the chain of each video stands.
  struct Position {
    torch::Tensor from_video;  ///< [batch, 3 hidden], or undefined
    torch::Tensor state;       ///< [batch, hidden]
    torch::Tensor word;        ///< [batch] what was said last
    torch::Tensor closed;      ///< [batch, classes] bool: true for what was said
    torch::Tensor goes_on;     ///< [batch, 1] bool: false once STOP was said
  };

  [[nodiscard]] static torch::Tensor Priorities(const BuildContext& context) {
    // No labels at hand: any order will do, since nothing is trained then.
    if (context.labels == nullptr) return torch::arange(context.classes, 0, -1, torch::kFloat);
    const torch::Tensor counts = context.labels->Counts();
    const auto* count = counts.data_ptr<double>();
    std::vector<std::int64_t> order(static_cast<std::size_t>(context.classes));
    std::iota(order.begin(), order.end(), 0);
    // Stable: of equally frequent classes the lower number goes first, on every machine.
    std::ranges::stable_sort(order, std::ranges::greater(),
                             [&](auto label) { return count[label]; });
    torch::Tensor priorities = torch::empty({context.classes}, torch::kFloat);
    for (std::size_t i = 0; i < order.size(); ++i) {
      priorities[order[i]] = static_cast<double>(order.size() - i);
    }
    return priorities;
  }

  /// The true labels of each video, the frequent first.
  Said TrueLabels(const torch::Tensor& labels) {
    priorities_ = priorities_.to(labels.options());
    // Priorities are 1 or more, so labels that are not there (0) come behind all that are.
    const auto [keys, order] = (labels * priorities_).topk(steps_, 1);
    return {.labels = order, .present = keys > 0};
  }

  torch::Tensor NextState(const torch::Tensor& input, const torch::Tensor& state) {
    const torch::Tensor gates =
        (input.narrow(1, 0, 2 * hidden_) + gates_from_state_(state)).sigmoid();
    const torch::Tensor reset = gates.narrow(1, 0, hidden_);
    const torch::Tensor update = gates.narrow(1, hidden_, hidden_);
    const torch::Tensor candidate =
        (input.narrow(1, 2 * hidden_, hidden_) + candidate_from_state_(reset * state)).tanh();
    return update * state + (1 - update) * candidate;
  }

  Position Begin(const torch::Tensor& video) {
    const std::int64_t batch = video.size(0);
    const torch::TensorOptions truth = video.options().dtype(torch::kBool);
    return {.from_video = from_video_ ? from_video_(video) : torch::Tensor(),
            .state =
                initial_ ? initial_(video).tanh() : torch::zeros({batch, hidden_}, video.options()),
            .word = torch::full({batch}, classes_, video.options().dtype(torch::kLong)),  // START
            .closed = torch::zeros({batch, classes_}, truth),
            .goes_on = torch::ones({batch, 1}, truth)};
  }

  /// Makes one step of the cell. Returns p_t [batch, classes + 1], the last is STOP's.
  torch::Tensor Outcomes(Position& position) {
    torch::Tensor input = from_label_(torch::embedding(label_vectors_, position.word));
    if (position.from_video.defined()) input = input + position.from_video;
    position.state = NextState(input, position.state);
    const torch::Tensor logits =
        output_(position.state)
            .masked_fill(position.closed, -std::numeric_limits<double>::infinity());
    // Its logit of 0 is always finite, so that a row is never empty for the softmax: with every
    // class said, STOP gets all.
    const torch::Tensor stop = torch::zeros({logits.size(0), 1}, logits.options());
    return torch::cat({logits, stop}, 1).softmax(1);
  }

  static void Say(const torch::Tensor& label, const torch::Tensor& present, Position& position) {
    position.word = label;
    position.closed = position.closed.scatter(1, label.unsqueeze(1), true);
    position.goes_on = position.goes_on.logical_and(present.unsqueeze(1));
  }

  [[nodiscard]] torch::Tensor OwnSteps(const torch::Tensor& greatest, const Said& said,
                                       const std::vector<torch::Tensor>& steps) const {
    std::vector<torch::Tensor> own;
    for (std::int64_t step = 0; step < steps_; ++step) {
      own.push_back(
          steps[static_cast<std::size_t>(step)].gather(1, said.labels.narrow(1, step, 1)));
    }
    const torch::Tensor scores =
        torch::where(said.present, torch::cat(own, 1), greatest.gather(1, said.labels));
    return greatest.scatter(1, said.labels, scores);
  }

  std::int64_t classes_, steps_, hidden_;
  torch::Tensor priorities_;     ///< [classes], C for the most frequent, 1 for the rarest
  torch::Tensor label_vectors_;  ///< [classes + 1, label_width], the last is START
  Linear from_video_{nullptr};   ///< to the cell's three inputs; null with "state"
  Linear initial_{nullptr};      ///< to the first state; null with "input"
  Linear from_label_{nullptr};
  Linear gates_from_state_{nullptr}, candidate_from_state_{nullptr};
  Linear output_{nullptr};
};

// ---- form = "deep_combine": predictions that later predictions see ------------------------------

/// CombineChain is a chain of mixtures of experts (Wang et al. 2017, code). With x [batch, d],
/// z_0 = x; for l = 1..L: p_l = MoE_l(z_{l-1}), r_l = L2norm(ReLU(F_l p_l + f_l)), z_l = [z_{l-1};
/// r_l]; p = MoE(z_L). With q = link, parameters: the sum over l = 0..L of MoE(d + l q), and
/// L (C q + q).
class CombineChain : public torch::nn::Module {
 public:
  CombineChain(const BuildContext& context, const ClassChainingOptions& options)
      : auxiliary_(options.auxiliary) {
    std::int64_t width = context.input_width;
    for (std::int64_t step = 0; step <= options.steps; ++step) {
      const std::string number = std::to_string(step);
      mixtures_.push_back(register_module(
          "mixture" + number, std::make_shared<Mixture>(width, context.classes, options.experts)));
      if (step == options.steps) return;
      links_.push_back(
          register_module("link" + number, XavierLinear(context.classes, options.link)));
      width += options.link;
    }
  }

  /// [batch, d] -> probabilities [batch, classes]. In training the p_l have the share `auxiliary`
  /// of the loss, all together.
  Scores forward(const torch::Tensor& video) {
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

 private:
  double auxiliary_;
  std::vector<std::shared_ptr<Mixture>> mixtures_;  ///< one per step, and the last
  std::vector<Linear> links_;                       ///< F_l
};

// ---- The component ------------------------------------------------------------------------------

class ClassChaining : public Classifier {
 public:
  ClassChaining(const BuildContext& context, const ClassChainingOptions& options) {
    if (options.form == "rnn") {
      recurrent_ = register_module("chain", std::make_shared<RecurrentChain>(context, options));
    } else {
      combine_ = register_module("chain", std::make_shared<CombineChain>(context, options));
    }
  }

  Scores forward(const torch::Tensor& embedding, const Targets& targets) override {
    return recurrent_ ? recurrent_->forward(embedding, targets) : combine_->forward(embedding);
  }

  std::vector<torch::Tensor> RegularisedWeights() override {
    std::vector<torch::Tensor> matrices = parameters();
    // Every matrix, as l2 is for weights and not for biases, which are the vectors.
    std::erase_if(matrices, [](const torch::Tensor& parameter) { return parameter.dim() != 2; });
    return matrices;
  }

 private:
  std::shared_ptr<RecurrentChain> recurrent_;
  std::shared_ptr<CombineChain> combine_;
};

REGISTER_COMPONENT(Classifier, "class_chaining", ClassChaining, ClassChainingOptions,
                   {.label = "CC",
                    .source = "Kim et al. 2018, Temporal Attention Mechanism with Conditional "
                              "Inference, slides; Nam et al. 2017, Maximizing Subset Accuracy with "
                              "Recurrent Neural Networks; deep_combine: Wang et al. 2017, code",
                    .help = "Predicts labels with sight of labels. Reading: a GRU says the labels "
                            "of a video, the frequent first; a class is scored with its greatest "
                            "probability over the steps."});

}  // namespace
}  // namespace beamgrid::trainer
