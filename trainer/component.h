#pragma once
// The contract of every component: shapes, masks, and how one file registers itself.
//
// A component is one file in trainer/components/<criterion>/ with an Options struct, a Describe
// function that lists each option once, a torch module, and a REGISTER_* line (see
// CONTRIBUTING.md). Everything else (recipe checks, help, canonical text, contract tests) follows
// from that list.
//
// Rules for all: padding frames (mask false) are 0 on input and must be 0 on output of anything
// [B,T,*]; no output of a video may depend on padding or on the other videos of the batch (batch
// norm in training mode excepted); lengths are at least 1; everything runs on the device of its
// input.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid::trainer {

/// The recipe asks for something this component cannot do with this data ("attention needs two
/// features").
class SpecError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Frames of a batch of videos.
struct Sequence {
  torch::Tensor frames;   ///< [batch, frames, width] float, padding rows 0
  torch::Tensor mask;     ///< [batch, frames] bool, true for the valid frames, which come first
  torch::Tensor lengths;  ///< [batch] int64 on the CPU, number of valid frames, at least 1
};

/// Ground truth of a batch, given to components in training only (empty tensors otherwise).
struct Targets {
  torch::Tensor labels;  ///< [batch, classes] float, 0 or 1
  /// [batch, classes] float: share of each cell in the loss; undefined: 1 everywhere. Segments are
  /// rated for few classes, and a cell that nobody rated is not a negative.
  torch::Tensor weights;
};

/// What the training labels say. Each call may read the training data; ask while building only.
class LabelStatistics {
 public:
  virtual ~LabelStatistics() = default;
  /// [classes] double: examples that have each label.
  [[nodiscard]] virtual torch::Tensor Counts() const = 0;
  /// [classes, classes] double: examples that have both labels; the diagonal is Counts().
  [[nodiscard]] virtual torch::Tensor CoOccurrence() const = 0;
};

/// Fuses the features of each frame. Input frames: the features concatenated and L2-normalised
/// together.
class Multimodal : public torch::nn::Module {
 public:
  virtual Sequence forward(const Sequence& input, const Targets& targets) = 0;
  [[nodiscard]] virtual std::int64_t output_width() const = 0;
  /// A term for the loss from the last forward (projection's closeness), or an undefined tensor.
  virtual torch::Tensor Penalty() { return {}; }

  /// Widths of the parts of the output, side by side, that get a temporal component each (late
  /// fusion); their embeddings are concatenated. They sum to output_width().
  [[nodiscard]] virtual std::vector<std::int64_t> stream_widths() const { return {output_width()}; }
  /// Late fusion's joint layer: built once for the width of the concatenated embeddings, returns
  /// the width after it.
  virtual std::int64_t BuildJoint(std::int64_t width) { return width; }
  /// [batch, width] (or [batch, sets, width]) -> the same with BuildJoint's width.
  virtual torch::Tensor Join(torch::Tensor embedding) { return embedding; }
};

/// Turns a video's frames into one embedding.
class Temporal : public torch::nn::Module {
 public:
  /// -> [batch, output_width]; or [batch, sets, output_width] where the classifier is to score each
  /// set and the maximum counts (multi-attention).
  virtual torch::Tensor forward(const Sequence& input, const Targets& targets) = 0;
  [[nodiscard]] virtual std::int64_t output_width() const = 0;

  /// Width of States, or 0 where the component has no state for each frame.
  [[nodiscard]] virtual std::int64_t states_width() const { return 0; }
  /// A state for each frame, padding 0, for a FrameClassifier. Called instead of forward.
  virtual Sequence States(const Sequence& /*input*/, const Targets& /*targets*/) {
    throw std::logic_error("a component without states was asked for them");
  }

  /// True where this component itself adds skip connections between its layers (see
  /// BuildContext::skip_connections).
  [[nodiscard]] virtual bool adds_skip_connections() const { return false; }
  /// True where this component reads BuildContext::extras for zoneout and applies it in its cells.
  [[nodiscard]] virtual bool applies_zoneout() const { return false; }
};

/// Scores of the classes for an embedding.
struct Scores {
  torch::Tensor probabilities;  ///< [batch, classes]
  torch::Tensor logits;         ///< [batch, classes] where they exist (logistic), else undefined
  /// Probabilities that the loss is averaged over in training; empty: `probabilities` alone.
  std::vector<torch::Tensor> loss_over;
  std::vector<double> loss_shares;  ///< of each of them in the loss; empty: equal shares
};

class Classifier : public torch::nn::Module {
 public:
  virtual Scores forward(const torch::Tensor& embedding, const Targets& targets) = 0;

  /// The weight matrices that L2 regularisation applies to (no biases).
  virtual std::vector<torch::Tensor> RegularisedWeights() { return {}; }
};

/// Scores of the classes for the states of all frames: criterion "classifier" too. Extras on the
/// embedding act on each valid frame's state, as if it were a video of one frame.
class FrameClassifier : public torch::nn::Module {
 public:
  /// `states`: what Temporal::States returned, after the extras.
  virtual Scores forward(const Sequence& states, const Targets& targets) = 0;
  virtual std::vector<torch::Tensor> RegularisedWeights() { return {}; }
};

/// One extra; it overrides the places where it acts. The Build* calls come in pipeline order and
/// return the width after it; an extra that has parameters registers them there. BuildSequence and
/// OnSequence are called for each stream of the multimodal component, the others once.
class Extra : public torch::nn::Module {
 public:
  /// Where several extras act on one place, the lower acts first.
  [[nodiscard]] virtual int order() const { return 0; }

  virtual std::int64_t BuildSequence(std::int64_t width) { return width; }
  /// Before BuildEmbedding; not called for video-level data, which has no temporal component.
  virtual void OnTemporalBuilt(const Temporal& /*temporal*/) {}
  virtual std::int64_t BuildEmbedding(std::int64_t /*sequence_width*/, std::int64_t width) {
    return width;
  }
  virtual void BuildProbabilities(std::int64_t /*classes*/) {}

  /// Before multimodal.
  virtual Sequence OnInput(Sequence sequence) { return sequence; }
  /// After multimodal, before temporal.
  virtual Sequence OnSequence(Sequence sequence) { return sequence; }
  /// After temporal. `sequence` is what the temporal module received.
  virtual torch::Tensor OnEmbedding(torch::Tensor embedding, const Sequence& /*sequence*/) {
    return embedding;
  }
  virtual torch::Tensor OnProbabilities(torch::Tensor probabilities) { return probabilities; }
  /// After backward, before the optimiser's step.
  virtual void OnGradients(const std::vector<torch::Tensor>& /*parameters*/) {}
};

class LabelProcessing : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(torch::Tensor probabilities) = 0;
};

/// Parameters and buffers of a loss (centres) are saved with checkpoints but not shipped: they do
/// not count for the model's size, and the optimiser does not see them.
class Loss : public torch::nn::Module {
 public:
  /// -> scalar: mean over the batch of the sum over classes. `embedding` is what the classifier
  /// received: [batch, d], [batch, sets, d], or undefined where it scored frames.
  virtual torch::Tensor forward(const torch::Tensor& probabilities, const torch::Tensor& embedding,
                                const Targets& targets) = 0;
  /// Once in each training step, after all calls of forward: moves what the loss remembers.
  virtual void Remember(const torch::Tensor& /*embedding*/, const Targets& /*targets*/) {}
};

/// What a component is built for. Each criterion fills what it knows.
struct BuildContext {
  std::vector<Feature> features;  ///< of the data, in the order of concatenation
  std::int64_t max_frames = 1;
  std::int64_t classes = 0;
  /// Temporal: width of the frames; classifier, loss: of the embedding (loss: 0 where there is none
  /// because the classifier scores frames).
  std::int64_t input_width = 0;
  bool video_level = false;  ///< one mean vector per video: temporal is skipped
  bool skip_connections =
      false;  ///< extras.skip_connection is on (recurrent stacks add between layers)
  const std::map<std::string, Options>* extras =
      nullptr;  ///< all extras that are on (cells look for zoneout)
  /// Null where no training data are at hand (planning, prediction): values that come from it are
  /// then left as they are, their shapes must not depend on it.
  const LabelStatistics* labels = nullptr;
};

// ---- Options and registration -------------------------------------------------------------------

/// Reads or lists options: a Describe function calls it once per option.
///
///   struct Options_ { std::int64_t clusters = 64; bool gating = true; std::string pool = "mean";
///   }; void Describe(Fields& f, Options_& o) {
///     f("clusters", o.clusters, Range{1, 4096}, "number of clusters").Tag("C");
///     f("pool", o.pool, Choices{"mean", "last"}, "...");
///     f("gating", o.gating, "...");
///   }
///   f("window", o.window, Range{1, 999}, Choices{"all"}, help) with OptionValue window = 5 takes a
///   number or a word.
class Fields;

}  // namespace beamgrid::trainer

#include "trainer/fields.h"
