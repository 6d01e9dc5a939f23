#pragma once
// class_chaining, form "rnn": the labels of a video one after the other.

#include "trainer/component.h"

namespace beamgrid::trainer {

/// RecurrentChainOptions holds the sizes of the chain; the slides give none.
struct RecurrentChainOptions {
  std::int64_t steps = 8;           ///< most labels that are said
  std::int64_t hidden = 1024;       ///< h, cells of the GRU
  std::int64_t label_width = 1024;  ///< e, width of a label's vector
  std::string video = "input";      ///< "input" of every step, or the first "state"
};

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
  RecurrentChain(const BuildContext& context, const RecurrentChainOptions& options);

  /// [batch, d] -> probabilities [batch, classes]. In evaluation the most probable label is said,
  /// then the next, until STOP or `steps`; a class's score is its greatest p_t. In training the
  /// true labels are said, and a true label's score is its p_t at its own step, so that the cross
  /// entropy of the scores holds -log p(y|x).
  Scores forward(const torch::Tensor& video, const Targets& targets);

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
  [[nodiscard]] static torch::Tensor Priorities(const BuildContext& context);
  /// The true labels of each video, the frequent first.
  Said TrueLabels(const torch::Tensor& labels);
  [[nodiscard]] torch::Tensor OwnSteps(const torch::Tensor& greatest, const Said& said,
                                       const std::vector<torch::Tensor>& steps) const;
  Position Begin(const torch::Tensor& video);
  /// Makes one step of the cell. Returns p_t [batch, classes + 1], the last is STOP's.
  torch::Tensor Outcomes(Position& position);
  static void Say(const torch::Tensor& label, const torch::Tensor& present, Position& position);
  torch::Tensor NextState(const torch::Tensor& input, const torch::Tensor& state);

  std::int64_t classes_, steps_, hidden_;
  torch::Tensor priorities_;               ///< [classes], C for the most frequent, 1 for the rarest
  torch::Tensor label_vectors_;            ///< [classes + 1, label_width], the last is START
  torch::nn::Linear from_video_{nullptr};  ///< to the cell's three inputs; null with "state"
  torch::nn::Linear initial_{nullptr};     ///< to the first state; null with "input"
  torch::nn::Linear from_label_{nullptr};
  torch::nn::Linear gates_from_state_{nullptr}, candidate_from_state_{nullptr};
  torch::nn::Linear output_{nullptr};
};

}  // namespace beamgrid::trainer
