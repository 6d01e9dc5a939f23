#pragma once
// A model assembled from a spec's components:
//   multimodal [B,T,D] -> sequence extras -> temporal [B,d] -> embedding extras -> classifier [B,C]
//   -> probability extras -> label processing.
// At the video level (one vector per video) there is no temporal component.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "trainer/component.h"
#include "trainer/training/shipped_weights.h"

namespace beamgrid::trainer {

/// What a forward pass leaves behind.
struct ModelOutput {
  torch::Tensor probabilities;           ///< [batch, classes], final
  std::vector<torch::Tensor> loss_over;  ///< final too; empty: `probabilities` alone
  std::vector<double> loss_shares;       ///< see Scores
  torch::Tensor embedding;               ///< [batch, d], [batch, sets, d], or undefined: see Loss
};

class Model : public torch::nn::Module {
 public:
  /// Throws SpecError where the spec names what does not exist or cannot work with this data.
  /// Parameters are initialised from torch's default generator. `labels`: see BuildContext.
  Model(const ModelSpec& spec, const DataSpec& data, const LabelStatistics* labels = nullptr);

  /// `input` as ToDevice makes it. Targets may be empty outside training.
  ModelOutput forward(const Sequence& input, const Targets& targets);

  /// The spec's loss, over `loss_over` by its shares, plus the multimodal component's penalty
  /// (training only).
  torch::Tensor TotalLoss(const ModelOutput& output, const Targets& targets);

  /// The extras' work after backward, before the optimiser's step.
  void OnGradients();

  [[nodiscard]] std::vector<torch::Tensor> RegularisedWeights() const;

  /// What the loss remembers between steps: not part of the model, but of its checkpoints.
  [[nodiscard]] Loss& loss() { return *loss_; }

  /// Trainable values and running statistics, as the papers count them.
  [[nodiscard]] std::int64_t ParameterCount() const;
  /// Bytes of all parameters and persistent buffers as shipped, in the spec's precision.
  [[nodiscard]] std::int64_t SizeBytes() const;

 private:
  void BuildExtras(const BuildContext& context);
  /// One temporal component per stream. -> width of the sequence that they receive together.
  std::int64_t BuildStreams(const ModelSpec& spec, BuildContext context);
  /// -> width of what the classifier receives.
  std::int64_t BuildEmbedding(const ModelSpec& spec, std::int64_t sequence_width);
  void BuildClassifier(const ModelSpec& spec, const BuildContext& context);

  /// The fused frames after the sequence extras, streams side by side.
  Sequence Fuse(const Sequence& input, const Targets& targets);
  [[nodiscard]] std::vector<Sequence> Streams(const Sequence& sequence) const;
  /// -> [batch, d] or [batch, sets, d].
  torch::Tensor Embed(const Sequence& sequence, const Targets& targets);
  /// The streams' states side by side, after the extras.
  Sequence States(const Sequence& sequence, const Targets& targets);
  Scores Classify(const torch::Tensor& embedding, const Targets& targets);
  torch::Tensor Finish(torch::Tensor probabilities);
  torch::Tensor CriterionLoss(const ModelOutput& output, const Targets& targets);

  Precision precision_;
  std::shared_ptr<Multimodal> multimodal_;
  std::vector<std::int64_t> stream_widths_;            ///< after the sequence extras
  std::vector<std::shared_ptr<Temporal>> temporal_;    ///< by stream; empty at the video level
  std::shared_ptr<Classifier> classifier_;             ///< this or
  std::shared_ptr<FrameClassifier> frame_classifier_;  ///< this
  std::shared_ptr<LabelProcessing> label_processing_;
  std::shared_ptr<Loss> loss_;
  std::vector<std::shared_ptr<Extra>> extras_;  ///< by order, then name
};

/// Parameters and size of a spec. Memory is asked for but never touched, nothing is initialised.
struct ModelSize {
  std::int64_t parameters = 0;
  std::int64_t size_bytes = 0;
};
[[nodiscard]] ModelSize MeasureModel(const ModelSpec& spec, const DataSpec& data);

}  // namespace beamgrid::trainer
