#pragma once
// The contract of every component: shapes, masks, and how one file registers itself.
//
// A component is one file in trainer/components/<criterion>/ with an Options struct, a Describe
// function that lists each option once, a torch module, and a REGISTER_COMPONENT line (see
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

/// SpecError says that a recipe asks for something that a component cannot do with this data
/// ("attention needs two features"). The message names the fix.
class SpecError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Sequence holds the frames of a batch of videos.
struct Sequence {
  torch::Tensor frames;   ///< [batch, frames, width] float, padding rows 0
  torch::Tensor mask;     ///< [batch, frames] bool, true for the valid frames, which come first
  torch::Tensor lengths;  ///< [batch] int64 on the CPU, number of valid frames, at least 1
};

/// Targets is the ground truth of a batch. Components see it in training only (undefined tensors
/// otherwise), losses always.
struct Targets {
  torch::Tensor labels;  ///< [batch, classes] float, 0 or 1
  /// The share of each cell in the loss, [batch, classes] float; undefined: 1 everywhere. Segments
  /// are rated for few classes, and a cell that nobody rated is not a negative.
  torch::Tensor weights;
};

/// LabelStatistics answers what the training labels say. Each call may read all training data, so
/// components ask while they are built and keep the answer.
class LabelStatistics {
 public:
  virtual ~LabelStatistics() = default;
  /// The number of examples that have each label, [classes] double.
  [[nodiscard]] virtual torch::Tensor Counts() const = 0;
  /// The number of examples that have both labels, [classes, classes] double; the diagonal is
  /// Counts().
  [[nodiscard]] virtual torch::Tensor CoOccurrence() const = 0;
};

/// Multimodal fuses the features of each frame. Its input frames are the features concatenated and
/// normalised, by default together (BuildContext::jointly_normalised).
class Multimodal : public torch::nn::Module {
 public:
  /// [batch, frames, width of all features] -> [batch, frames, output_width()], padding 0.
  virtual Sequence forward(const Sequence& input, const Targets& targets) = 0;
  [[nodiscard]] virtual std::int64_t output_width() const = 0;
  /// A scalar term for the loss from the last forward (projection's closeness), or an undefined
  /// tensor.
  virtual torch::Tensor Penalty() { return {}; }

  /// The widths of the parts of the output, side by side, that get a temporal component each (late
  /// fusion); their embeddings are concatenated. The widths sum to output_width().
  [[nodiscard]] virtual std::vector<std::int64_t> stream_widths() const { return {output_width()}; }
  /// Builds late fusion's joint layer, once, for the width of the concatenated embeddings. Returns
  /// the width after it.
  virtual std::int64_t BuildJoint(std::int64_t width) { return width; }
  /// Applies the joint layer: [batch, width] or [batch, sets, width] -> the same with BuildJoint's
  /// width.
  virtual torch::Tensor Join(torch::Tensor embedding) { return embedding; }
};

/// Temporal turns a video's frames into one embedding.
class Temporal : public torch::nn::Module {
 public:
  /// The embeddings, [batch, output_width()]; or [batch, sets, output_width()] where the classifier
  /// is to score each set and the maximum counts (multi-attention).
  virtual torch::Tensor forward(const Sequence& input, const Targets& targets) = 0;
  [[nodiscard]] virtual std::int64_t output_width() const = 0;

  /// The width of States, or 0 where the component has no state for each frame.
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

/// Scores is what a classifier says of a batch.
struct Scores {
  torch::Tensor probabilities;  ///< [batch, classes]
  torch::Tensor logits;         ///< [batch, classes] where they exist (logistic), else undefined
  /// Probabilities that the loss is averaged over in training; empty: `probabilities` alone.
  std::vector<torch::Tensor> loss_over;
  std::vector<double>
      loss_shares;  ///< share of each of `loss_over` in the loss; empty: equal shares
};

/// Classifier scores the classes for the embedding of each video.
class Classifier : public torch::nn::Module {
 public:
  /// `embedding` is [batch, width]; sets of a video come as rows of their own.
  virtual Scores forward(const torch::Tensor& embedding, const Targets& targets) = 0;

  /// The weight matrices that L2 regularisation applies to (no biases).
  virtual std::vector<torch::Tensor> RegularisedWeights() { return {}; }
};

/// FrameClassifier scores the classes of each video from the states of its frames. Its criterion is
/// "classifier" too. Extras on the embedding act on each valid frame's state, as if it were a video
/// of one frame.
class FrameClassifier : public torch::nn::Module {
 public:
  /// `states` is what Temporal::States returned, after the extras.
  virtual Scores forward(const Sequence& states, const Targets& targets) = 0;
  /// The weight matrices that L2 regularisation applies to (no biases).
  virtual std::vector<torch::Tensor> RegularisedWeights() { return {}; }
};

/// Extra changes a model at one or more places; it overrides the calls of the places where it acts.
/// The Build* calls come in pipeline order and return the width after the extra; one that has
/// parameters registers them there. BuildSequence, OnTemporalBuilt and OnSequence are called for
/// each stream of the multimodal component, the others once.
class Extra : public torch::nn::Module {
 public:
  /// Where several extras act on one place, the one of the lower order acts first.
  [[nodiscard]] virtual int order() const { return 0; }

  /// Builds for frames of `width`. Returns the width that the temporal component will receive.
  virtual std::int64_t BuildSequence(std::int64_t width) { return width; }
  /// Shows the temporal component before BuildEmbedding. Not called for video-level data, which has
  /// none.
  virtual void OnTemporalBuilt(const Temporal& /*temporal*/) {}
  /// Builds for an embedding of `width`. Returns the width that the classifier will receive.
  virtual std::int64_t BuildEmbedding(std::int64_t /*sequence_width*/, std::int64_t width) {
    return width;
  }
  /// Builds for probabilities of so many classes.
  virtual void BuildProbabilities(std::int64_t /*classes*/) {}

  /// Acts on the frames before multimodal.
  virtual Sequence OnInput(Sequence sequence) { return sequence; }
  /// Acts on a stream's frames after multimodal, before temporal.
  virtual Sequence OnSequence(Sequence sequence) { return sequence; }
  /// Acts on the embedding, [batch, width] or [batch, sets, width], after temporal. `sequence` is
  /// what the temporal component received.
  virtual torch::Tensor OnEmbedding(torch::Tensor embedding, const Sequence& /*sequence*/) {
    return embedding;
  }
  /// Acts on the classifier's probabilities, [batch, classes], before label processing.
  virtual torch::Tensor OnProbabilities(torch::Tensor probabilities) { return probabilities; }
  /// Acts in place on the parameters' gradients after backward, before the optimiser's step.
  /// Parameters that the loss did not reach have none.
  virtual void OnGradients(const std::vector<torch::Tensor>& /*parameters*/) {}
};

/// LabelProcessing has the last word on the probabilities.
class LabelProcessing : public torch::nn::Module {
 public:
  /// [batch, classes] -> [batch, classes], each in [0, 1].
  virtual torch::Tensor forward(torch::Tensor probabilities) = 0;
};

/// Loss says how wrong the probabilities are. Its parameters and buffers (centres) are saved with
/// checkpoints but not shipped: they do not count for the model's size, and the optimiser does not
/// see them.
class Loss : public torch::nn::Module {
 public:
  /// The loss of a batch, a scalar: mean over the batch of the sum over classes, as in the
  /// YouTube-8M starter code. A mean over classes would change what learning rate, l2 and clipping
  /// mean. `embedding` is what the classifier received: [batch, d], [batch, sets, d], or undefined
  /// where it scored frames.
  virtual torch::Tensor forward(const torch::Tensor& probabilities, const torch::Tensor& embedding,
                                const Targets& targets) = 0;
  /// Moves what the loss remembers. Called once in each training step, after all calls of forward.
  virtual void Remember(const torch::Tensor& /*embedding*/, const Targets& /*targets*/) {}
};

/// BuildContext says what a component is built for.
struct BuildContext {
  std::vector<Feature> features;  ///< of the data, in the order of concatenation
  std::int64_t max_frames = 1;    ///< most frames of a video
  std::int64_t classes = 0;
  /// The width of what the component receives. Multimodal: all features; temporal: the frames;
  /// classifier and loss: the embedding (loss: 0 where there is none because the classifier scores
  /// frames).
  std::int64_t input_width = 0;
  /// The frames have length 1 over all features together; else data.normalise says what was done
  /// to each feature, and no component does it again.
  bool jointly_normalised = true;
  bool video_level = false;  ///< one mean vector per video: temporal is skipped
  bool skip_connections =
      false;  ///< extras.skip_connection is on (recurrent stacks add between layers)
  const std::map<std::string, Options>* extras =
      nullptr;  ///< all extras that are on (cells look for zoneout)
  /// The training labels, or null where none are at hand (planning, prediction): values that come
  /// from them are then left as they are, and shapes must not depend on them.
  const LabelStatistics* labels = nullptr;
};

// ---- Options and registration -------------------------------------------------------------------

/// Fields reads or lists options: a Describe function calls it once per option.
///
///   struct MyOptions {
///     std::int64_t clusters = 64;
///     bool gating = true;
///     std::string pool = "mean";
///     OptionValue window = 5;
///   };
///   void Describe(Fields& f, MyOptions& o) {
///     f("clusters", o.clusters, Range{1, 4096}, "number of clusters").Tag("C");
///     f("gating", o.gating, "...");
///     f("pool", o.pool, Choices{{"mean", "last"}}, "...");
///     f("window", o.window, Range{1, 999}, Choices{{"all"}}, "a number or a word");
///   }
class Fields;

}  // namespace beamgrid::trainer

#include "trainer/fields.h"
