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
#include "trainer/training/distillation.h"
#include "trainer/training/normalisation.h"
#include "trainer/training/shipped_weights.h"

namespace beamgrid::trainer {

/// ModelOutput holds what a forward pass leaves behind for the metrics and the loss.
struct ModelOutput {
  torch::Tensor probabilities;  ///< [batch, classes], after all extras and label processing
  std::vector<torch::Tensor> loss_over;  ///< the same kind; empty: `probabilities` alone
  std::vector<double> loss_shares;       ///< shares of `loss_over` in the loss, as in Scores
  torch::Tensor embedding;               ///< [batch, d], [batch, sets, d], or undefined: see Loss
};

/// Model is the torch module that a spec describes. Its parameters are named
/// CRITERION.NAME_IN_COMPONENT (extras: by the extra's name), with which checkpoints and model.pt
/// are read back.
class Model : public torch::nn::Module {
 public:
  /// Throws SpecError where the spec names what does not exist or cannot work with this data.
  /// Parameters are initialised from torch's default generator. `labels`: see BuildContext.
  Model(const ModelSpec& spec, const DataSpec& data, const LabelStatistics* labels = nullptr);

  /// Scores a batch. `input` is what ToDevice makes: [batch, frames, width of all features], frames
  /// = 1 at the video level. Targets may be empty outside training.
  ModelOutput forward(const Sequence& input, const Targets& targets);

  /// The spec's loss of the last forward's output, a scalar: over `loss_over` by its shares and, in
  /// training, plus the multimodal component's penalty. In training it also moves what the loss
  /// remembers, so it is called once a step.
  torch::Tensor TotalLoss(const ModelOutput& output, const Targets& targets);
  /// The sum of the losses against each of several targets, whose weights share a cell out among
  /// them (Mix); the penalty counts once.
  torch::Tensor TotalLoss(const ModelOutput& output, const std::vector<Targets>& targets);
  /// The same with a teacher beside the truth, in training: (1 - w) * the losses + w * the sum of
  /// TeacherCrossEntropy over the targets (Hinton et al. 2015), w = lesson.weight; the penalty is
  /// not shared out. With the loss cross_entropy that is its value for the label (1 - w) y + w q.
  /// Outside training the truth alone counts.
  torch::Tensor TotalLoss(const ModelOutput& output, const std::vector<Targets>& targets,
                          const Lesson& lesson);

  /// Does the extras' work on the gradients (clipping), after backward and before the optimiser.
  void OnGradients();

  /// The classifier's weight matrices, which train.l2 applies to.
  [[nodiscard]] std::vector<torch::Tensor> RegularisedWeights() const;

  /// What ToDevice does to the frames that the model takes.
  [[nodiscard]] InputNormalisation& normalisation() { return *normalisation_; }

  /// What the loss remembers between steps: not part of the model, but of its checkpoints.
  [[nodiscard]] Loss& loss() { return *loss_; }

  /// The number of trainable values and of running statistics, as the papers count them.
  [[nodiscard]] std::int64_t ParameterCount() const;
  /// The bytes of all parameters and persistent buffers as shipped, in the spec's precision.
  [[nodiscard]] std::int64_t SizeBytes() const;

 private:
  void BuildExtras(const BuildContext& context);
  /// Builds one temporal component per stream. Returns the width of what they receive together.
  std::int64_t BuildStreams(const ModelSpec& spec, BuildContext context);
  /// Builds what lies between temporal and classifier. Returns the width that the classifier sees.
  std::int64_t BuildEmbedding(const ModelSpec& spec, std::int64_t sequence_width);
  void BuildClassifier(const ModelSpec& spec, const BuildContext& context);

  /// The fused frames after the sequence extras, streams side by side.
  Sequence Fuse(const Sequence& input, const Targets& targets);
  /// The embedding of each video, [batch, d] or [batch, sets, d].
  torch::Tensor Embed(const Sequence& sequence, const Targets& targets);
  /// The streams' states side by side, after the extras.
  Sequence States(const Sequence& sequence, const Targets& targets);
  Scores Classify(const torch::Tensor& embedding, const Targets& targets);
  torch::Tensor Finish(torch::Tensor probabilities);
  torch::Tensor CriterionLoss(const ModelOutput& output, const Targets& targets);
  torch::Tensor LessonLoss(const ModelOutput& output, const std::vector<Targets>& targets,
                           const Lesson& lesson);

  Precision precision_;
  std::shared_ptr<InputNormalisation> normalisation_;
  std::shared_ptr<Multimodal> multimodal_;
  std::vector<std::int64_t> stream_widths_;            ///< after the sequence extras
  std::vector<std::shared_ptr<Temporal>> temporal_;    ///< by stream; empty at the video level
  std::shared_ptr<Classifier> classifier_;             ///< null where frames are classified
  std::shared_ptr<FrameClassifier> frame_classifier_;  ///< null where videos are classified
  std::shared_ptr<LabelProcessing> label_processing_;
  std::shared_ptr<Loss> loss_;
  std::vector<std::shared_ptr<Extra>> extras_;  ///< by order, then name
};

/// ModelSize says how large a model is: Model::ParameterCount and Model::SizeBytes.
struct ModelSize {
  std::int64_t parameters = 0;
  std::int64_t size_bytes = 0;
};
/// Measures the model of a spec by building it on the meta device, which has shapes but no memory.
/// Throws as Model's constructor does.
[[nodiscard]] ModelSize MeasureModel(const ModelSpec& spec, const DataSpec& data);

}  // namespace beamgrid::trainer
