#include "trainer/model.h"

#include <algorithm>

#include "trainer/without_memory.h"

namespace beamgrid::trainer {
namespace {

template <typename Base>
std::shared_ptr<Base> Build(const char* criterion, const std::string& name, const Options& options,
                            const BuildContext& context) {
  const auto& makers = Makers<Base>::All();
  const auto found = makers.find(name);
  if (found != makers.end()) return found->second(context, options);
  std::string known;
  for (const auto& [other, make] : makers) known += (known.empty() ? "" : ", ") + other;
  throw SpecError(std::string(criterion) + " = " + name +
                  ": there is no such component; there are " + known);
}

template <typename Base>
std::shared_ptr<Base> Build(const char* criterion, const ModelSpec& spec,
                            const BuildContext& context) {
  const auto part = spec.parts.find(criterion);
  if (part == spec.parts.end()) {
    throw SpecError("the spec names no component for " + std::string(criterion));
  }
  return Build<Base>(criterion, part->second.component, part->second.options, context);
}

BuildContext ContextOf(const ModelSpec& spec, const DataSpec& data) {
  BuildContext context{.features = data.features,
                       .max_frames = data.max_frames,
                       .classes = data.classes,
                       .video_level = data.format == "video",
                       .skip_connections = spec.extras.contains("skip_connection"),
                       .extras = &spec.extras};
  for (const auto& [name, width] : data.features) context.input_width += width;
  return context;
}

/// The best of a video's sets counts. [batch * sets, classes] -> [batch, classes].
torch::Tensor BestOfSets(const torch::Tensor& probabilities, std::int64_t sets) {
  return probabilities.view({-1, sets, probabilities.size(-1)}).amax(1);
}

bool CountsAsParameter(const torch::Tensor& buffer) { return buffer.is_floating_point(); }

}  // namespace

Model::Model(const ModelSpec& spec, const DataSpec& data) {
  BuildContext context = ContextOf(spec, data);
  BuildExtras(context);
  multimodal_ = register_module("multimodal", Build<Multimodal>("multimodal", spec, context));
  context.input_width = multimodal_->output_width();
  for (const auto& extra : extras_) context.input_width = extra->BuildSequence(context.input_width);
  context.input_width = BuildTemporal(spec, context);
  classifier_ = register_module("classifier", Build<Classifier>("classifier", spec, context));
  for (const auto& extra : extras_) extra->BuildProbabilities(context.classes);
  label_processing_ = register_module("label_processing",
                                      Build<LabelProcessing>("label_processing", spec, context));
  loss_ = Build<Loss>("loss", spec, context);
}

void Model::BuildExtras(const BuildContext& context) {
  for (const auto& [name, options] : *context.extras) {
    extras_.push_back(register_module(name, Build<Extra>("extras", name, options, context)));
  }
  // Stable: those of one order stay sorted by name.
  std::ranges::stable_sort(extras_, {}, [](const auto& extra) { return extra->order(); });
}

std::int64_t Model::BuildTemporal(const ModelSpec& spec, BuildContext context) {
  const std::int64_t sequence_width = context.input_width;
  std::int64_t width = sequence_width;
  if (context.video_level) {
    const auto part = spec.parts.find("temporal");
    if (part != spec.parts.end() && part->second.component != "mean") {
      throw SpecError("temporal = " + part->second.component +
                      ": video-level data has one vector per video and no frames to aggregate; "
                      "leave temporal out");
    }
  } else {
    temporal_ = register_module("temporal", Build<Temporal>("temporal", spec, context));
    width = temporal_->output_width();
    for (const auto& extra : extras_) extra->OnTemporalBuilt(*temporal_);
  }
  for (const auto& extra : extras_) width = extra->BuildEmbedding(sequence_width, width);
  return width;
}

torch::Tensor Model::Embed(const Sequence& input, const Targets& targets) {
  Sequence sequence = multimodal_->forward(input, targets);
  for (const auto& extra : extras_) sequence = extra->OnSequence(std::move(sequence));
  torch::Tensor embedding =
      temporal_ ? temporal_->forward(sequence, targets) : sequence.frames.squeeze(1);
  for (const auto& extra : extras_) embedding = extra->OnEmbedding(embedding, sequence);
  return embedding;
}

Scores Model::Classify(const torch::Tensor& embedding, const Targets& targets) {
  if (embedding.dim() == 2) return classifier_->forward(embedding, targets);
  const std::int64_t sets = embedding.size(1);
  Targets of_sets;
  if (targets.labels.defined()) of_sets.labels = targets.labels.repeat_interleave(sets, 0);
  Scores scores = classifier_->forward(embedding.flatten(0, 1), of_sets);
  scores.probabilities = BestOfSets(scores.probabilities, sets);
  for (torch::Tensor& probabilities : scores.loss_over) {
    probabilities = BestOfSets(probabilities, sets);
  }
  return scores;
}

torch::Tensor Model::Finish(torch::Tensor probabilities) {
  for (const auto& extra : extras_) probabilities = extra->OnProbabilities(probabilities);
  return label_processing_->forward(probabilities);
}

ModelOutput Model::forward(const Sequence& input, const Targets& targets) {
  ModelOutput output;
  output.embedding = Embed(input, targets);
  Scores scores = Classify(output.embedding, targets);
  output.probabilities = Finish(scores.probabilities);
  for (const torch::Tensor& probabilities : scores.loss_over) {
    output.loss_over.push_back(Finish(probabilities));
  }
  return output;
}

torch::Tensor Model::TotalLoss(const ModelOutput& output, const Targets& targets) {
  torch::Tensor loss;
  if (output.loss_over.empty()) {
    loss = loss_->forward(output.probabilities, output.embedding, targets);
  }
  for (const torch::Tensor& probabilities : output.loss_over) {
    const torch::Tensor one = loss_->forward(probabilities, output.embedding, targets) /
                              static_cast<double>(output.loss_over.size());
    loss = loss.defined() ? loss + one : one;
  }
  const torch::Tensor penalty = multimodal_->Penalty();
  return penalty.defined() && is_training() ? loss + penalty : loss;
}

void Model::OnGradients() {
  const std::vector<torch::Tensor> all = parameters();
  for (const auto& extra : extras_) extra->OnGradients(all);
}

std::vector<torch::Tensor> Model::RegularisedWeights() const {
  return classifier_->RegularisedWeights();
}

std::int64_t Model::ParameterCount() const {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : parameters()) count += parameter.numel();
  for (const torch::Tensor& buffer : buffers()) {
    if (CountsAsParameter(buffer)) count += buffer.numel();
  }
  return count;
}

std::int64_t Model::SizeBytes() const {
  std::int64_t bytes = 0;
  for (const auto& tensors : {parameters(), buffers()}) {
    for (const torch::Tensor& tensor : tensors) {
      bytes += tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
    }
  }
  return bytes;
}

ModelSize MeasureModel(const ModelSpec& spec, const DataSpec& data) {
  const WithoutMemory guard;
  const Model model(spec, data);
  return {.parameters = model.ParameterCount(), .size_bytes = model.SizeBytes()};
}

}  // namespace beamgrid::trainer
