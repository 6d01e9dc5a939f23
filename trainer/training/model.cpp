#include "trainer/training/model.h"

#include <algorithm>

#include "registry/util/text.h"
#include "trainer/stream_options.h"
#include "trainer/valid_rows.h"
#include "trainer/without_memory.h"

namespace beamgrid::trainer {
namespace {

template <typename Base>
std::shared_ptr<Base> Build(const char* criterion, const std::string& name, const Options& options,
                            const BuildContext& context) {
  const auto& makers = Makers<Base>::All();
  const auto found = makers.find(name);
  if (found != makers.end()) return found->second(context, options);
  throw SpecError(std::string(criterion) + " = " + name +
                  ": there is no such component; there are " + Join(std::views::keys(makers)));
}

const Variant& PartOf(const ModelSpec& spec, const char* criterion) {
  const auto part = spec.parts.find(criterion);
  if (part != spec.parts.end()) return part->second;
  throw SpecError("the spec names no component for " + std::string(criterion));
}

template <typename Base>
std::shared_ptr<Base> Build(const char* criterion, const ModelSpec& spec,
                            const BuildContext& context) {
  const Variant& part = PartOf(spec, criterion);
  return Build<Base>(criterion, part.component, part.options, context);
}

/// The options of a temporal component with those that a stream has of its own.
Options WithOwnOptions(const Variant& temporal, const Options& own) {
  const Catalogue catalogue = BuiltCatalogue();
  const ComponentInfo* info = catalogue.Find("temporal", temporal.component);
  Options options = temporal.options;
  for (const auto& [name, value] : own) {
    const OptionInfo* option = info == nullptr ? nullptr : info->FindOption(name);
    const std::string where = "multimodal.options: temporal '" + temporal.component + "': " + name;
    if (option == nullptr) {
      const auto known = info == nullptr ? std::vector<OptionInfo>() : info->options;
      throw SpecError(where + " is no option of it; it has " +
                      Join(known, ", ", &OptionInfo::name));
    }
    const CheckedOption checked = CheckOption(*option, value);
    if (!checked.error.empty()) throw SpecError(where + " " + checked.error);
    options[name] = checked.value;
  }
  return options;
}

bool ScoresFrames(const ModelSpec& spec) {
  return Makers<FrameClassifier>::All().contains(PartOf(spec, "classifier").component);
}

void CheckVideoLevel(const ModelSpec& spec) {
  const std::string problem = "video-level data has one vector per video and no frames to ";
  const auto temporal = spec.parts.find("temporal");
  if (temporal != spec.parts.end() && temporal->second.component != "mean") {
    throw SpecError("temporal = " + temporal->second.component + ": " + problem +
                    "aggregate; leave temporal out");
  }
  if (ScoresFrames(spec)) {
    throw SpecError("classifier = " + PartOf(spec, "classifier").component + ": " + problem +
                    "score; use logistic");
  }
}

BuildContext ContextOf(const ModelSpec& spec, const DataSpec& data) {
  BuildContext context{.features = data.features,
                       .max_frames = data.max_frames,
                       .classes = data.classes,
                       .jointly_normalised = data.normalise.empty(),
                       .video_level = data.format == "video",
                       .skip_connections = spec.extras.contains("skip_connection"),
                       .extras = &spec.extras};
  for (const auto& [name, width] : data.features) context.input_width += width;
  return context;
}

/// Cuts frames apart that hold streams of these widths side by side.
std::vector<Sequence> StreamsOf(const Sequence& sequence, const std::vector<std::int64_t>& widths) {
  std::vector<Sequence> streams;
  std::int64_t begin = 0;
  for (const std::int64_t width : widths) {
    streams.push_back({sequence.frames.narrow(-1, begin, width), sequence.mask, sequence.lengths});
    begin += width;
  }
  return streams;
}

/// The best of a video's sets counts. [batch * sets, classes] -> [batch, classes].
torch::Tensor BestOfSets(const torch::Tensor& probabilities, std::int64_t sets) {
  return probabilities.view({-1, sets, probabilities.size(-1)}).amax(1);
}

/// Counters and indices are integers; the papers' counts have running statistics but no counters.
bool CountsAsParameter(const torch::Tensor& buffer) { return buffer.is_floating_point(); }

/// The loss over each of `loss_over` by its share, or over the probabilities where there are none.
template <typename LossOf>
torch::Tensor OverAll(const ModelOutput& output, const LossOf& loss_of) {
  const std::size_t count = output.loss_over.size();
  if (count == 0) return loss_of(output.probabilities);
  torch::Tensor loss;
  for (std::size_t i = 0; i < count; ++i) {
    const double share =
        output.loss_shares.empty() ? 1 / static_cast<double>(count) : output.loss_shares[i];
    const torch::Tensor one = share * loss_of(output.loss_over[i]);
    loss = loss.defined() ? loss + one : one;
  }
  return loss;
}

}  // namespace

Model::Model(const ModelSpec& spec, const DataSpec& data, const LabelStatistics* labels)
    : precision_(PrecisionOf(spec.train)),
      normalisation_(std::make_shared<InputNormalisation>(data)) {
  // Registered only where it has something to ship.
  if (normalisation_->standardises()) register_module("statistics", normalisation_);
  BuildContext context = ContextOf(spec, data);
  context.labels = labels;
  // In the order of the pipeline, because each part is built for the width that the one before it
  // leaves. The order is also that of the draws from the generator: changing it changes every
  // trial.
  if (context.video_level) CheckVideoLevel(spec);
  BuildExtras(context);
  multimodal_ = register_module("multimodal", Build<Multimodal>("multimodal", spec, context));
  context.input_width = BuildEmbedding(spec, BuildStreams(spec, context));
  BuildClassifier(spec, context);
  for (const auto& extra : extras_) extra->BuildProbabilities(context.classes);
  label_processing_ = register_module("label_processing",
                                      Build<LabelProcessing>("label_processing", spec, context));
  // 0 tells a loss on the embedding (center) that there is none.
  if (frame_classifier_) context.input_width = 0;
  // Not registered: its parameters and buffers (centres) are neither trained by gradient nor
  // shipped.
  loss_ = Build<Loss>("loss", spec, context);
}

void Model::BuildExtras(const BuildContext& context) {
  for (const auto& [name, options] : *context.extras) {
    extras_.push_back(register_module(name, Build<Extra>("extras", name, options, context)));
  }
  // Stable: those of one order stay sorted by name.
  std::ranges::stable_sort(extras_, {}, [](const auto& extra) { return extra->order(); });
}

std::int64_t Model::BuildStreams(const ModelSpec& spec, BuildContext context) {
  stream_widths_ = multimodal_->stream_widths();
  const bool many = stream_widths_.size() > 1;
  const auto* own = dynamic_cast<const StreamOptions*>(multimodal_.get());
  std::int64_t sequence_width = 0;
  for (std::size_t stream = 0; stream < stream_widths_.size(); ++stream) {
    std::int64_t& width = stream_widths_[stream];
    // A component that takes frames apart by their features must see those of its stream alone.
    if (many) context.features = {{"stream" + std::to_string(stream), width}};
    for (const auto& extra : extras_) width = extra->BuildSequence(width);
    sequence_width += width;
    if (context.video_level) continue;
    context.input_width = width;
    Variant part = PartOf(spec, "temporal");
    if (own != nullptr) part.options = WithOwnOptions(part, own->OptionsOfStream(stream));
    temporal_.push_back(
        register_module(many ? "temporal" + std::to_string(stream) : std::string("temporal"),
                        Build<Temporal>("temporal", part.component, part.options, context)));
    for (const auto& extra : extras_) extra->OnTemporalBuilt(*temporal_.back());
  }
  return sequence_width;
}

std::int64_t Model::BuildEmbedding(const ModelSpec& spec, std::int64_t sequence_width) {
  std::int64_t width = temporal_.empty() ? sequence_width : 0;
  for (const auto& temporal : temporal_) {
    width += ScoresFrames(spec) ? temporal->states_width() : temporal->output_width();
  }
  if (width == 0) {
    throw SpecError("classifier = " + PartOf(spec, "classifier").component +
                    " scores the state of each frame, and temporal = " +
                    PartOf(spec, "temporal").component + " has none; use lstm, gru, blstm or mean");
  }
  width = multimodal_->BuildJoint(width);
  for (const auto& extra : extras_) width = extra->BuildEmbedding(sequence_width, width);
  return width;
}

void Model::BuildClassifier(const ModelSpec& spec, const BuildContext& context) {
  if (ScoresFrames(spec)) {
    frame_classifier_ =
        register_module("classifier", Build<FrameClassifier>("classifier", spec, context));
  } else {
    classifier_ = register_module("classifier", Build<Classifier>("classifier", spec, context));
  }
}

Sequence Model::Fuse(const Sequence& input, const Targets& targets) {
  Sequence sequence = input;
  for (const auto& extra : extras_) sequence = extra->OnInput(std::move(sequence));
  sequence = multimodal_->forward(sequence, targets);
  std::vector<torch::Tensor> streams;
  // Each stream by itself: an extra that widens frames (differential) would otherwise put its
  // values behind the last stream's.
  for (Sequence stream : StreamsOf(sequence, multimodal_->stream_widths())) {
    for (const auto& extra : extras_) stream = extra->OnSequence(std::move(stream));
    streams.push_back(stream.frames);
  }
  sequence.frames = streams.size() == 1 ? streams[0] : torch::cat(streams, -1);
  return sequence;
}

torch::Tensor Model::Embed(const Sequence& sequence, const Targets& targets) {
  std::vector<torch::Tensor> embeddings;
  const std::vector<Sequence> streams = StreamsOf(sequence, stream_widths_);
  for (std::size_t i = 0; i < temporal_.size(); ++i) {
    embeddings.push_back(temporal_[i]->forward(streams[i], targets));
  }
  // Video level: the one "frame" is the embedding.
  if (embeddings.empty()) embeddings = {sequence.frames.squeeze(1)};
  torch::Tensor embedding =
      multimodal_->Join(embeddings.size() == 1 ? embeddings[0] : torch::cat(embeddings, -1));
  for (const auto& extra : extras_) embedding = extra->OnEmbedding(embedding, sequence);
  return embedding;
}

Sequence Model::States(const Sequence& sequence, const Targets& targets) {
  const std::vector<Sequence> streams = StreamsOf(sequence, stream_widths_);
  std::vector<torch::Tensor> states;
  for (std::size_t i = 0; i < temporal_.size(); ++i) {
    states.push_back(temporal_[i]->States(streams[i], targets).frames);
  }
  // Joint layer and extras have biases and batch norm: padding is kept away from them.
  const ValidRows valid(sequence.mask);
  torch::Tensor rows = multimodal_->Join(valid.Gather(torch::cat(states, -1)));
  const torch::Tensor frames = valid.Gather(sequence.frames).unsqueeze(1);
  // OnEmbedding wants a video's frames beside its embedding: here each frame is a video of its own.
  const Sequence videos{frames, torch::ones({frames.size(0), 1}, sequence.mask.options()),
                        torch::ones({frames.size(0)}, torch::kLong)};
  for (const auto& extra : extras_) rows = extra->OnEmbedding(rows, videos);
  return {valid.Scatter(rows), sequence.mask, sequence.lengths};
}

Scores Model::Classify(const torch::Tensor& embedding, const Targets& targets) {
  if (embedding.dim() == 2) return classifier_->forward(embedding, targets);
  const std::int64_t sets = embedding.size(1);
  // Sets as rows of a larger batch: every classifier works for them without knowing of sets.
  Targets of_sets;
  if (targets.labels.defined()) of_sets.labels = targets.labels.repeat_interleave(sets, 0);
  Scores scores = classifier_->forward(embedding.flatten(0, 1), of_sets);
  scores.probabilities = BestOfSets(scores.probabilities, sets);
  // The best of the sets in the loss too, so that what is trained is what is evaluated.
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
  const Sequence sequence = Fuse(input, targets);
  Scores scores;
  if (frame_classifier_) {
    scores = frame_classifier_->forward(States(sequence, targets), targets);
  } else {
    output.embedding = Embed(sequence, targets);
    scores = Classify(output.embedding, targets);
  }
  output.probabilities = Finish(scores.probabilities);
  for (const torch::Tensor& probabilities : scores.loss_over) {
    output.loss_over.push_back(Finish(probabilities));
  }
  output.loss_shares = std::move(scores.loss_shares);
  return output;
}

torch::Tensor Model::CriterionLoss(const ModelOutput& output, const Targets& targets) {
  return OverAll(output, [&](const torch::Tensor& probabilities) {
    return loss_->forward(probabilities, output.embedding, targets);
  });
}

torch::Tensor Model::LessonLoss(const ModelOutput& output, const std::vector<Targets>& targets,
                                const Lesson& lesson) {
  torch::Tensor loss;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const torch::Tensor one = OverAll(output, [&](const torch::Tensor& probabilities) {
      return TeacherCrossEntropy(probabilities, lesson.probabilities.at(i), targets[i]);
    });
    loss = loss.defined() ? loss + one : one;
  }
  return loss;
}

torch::Tensor Model::TotalLoss(const ModelOutput& output, const Targets& targets) {
  return TotalLoss(output, std::vector<Targets>{targets});
}

torch::Tensor Model::TotalLoss(const ModelOutput& output, const std::vector<Targets>& targets) {
  return TotalLoss(output, targets, {});
}

torch::Tensor Model::TotalLoss(const ModelOutput& output, const std::vector<Targets>& targets,
                               const Lesson& lesson) {
  // The loss is no submodule, so train() and eval() do not reach it.
  loss_->train(is_training());
  torch::Tensor loss;
  for (const Targets& one : targets) {
    const torch::Tensor of_one = CriterionLoss(output, one);
    loss = loss.defined() ? loss + of_one : of_one;
  }
  if (!is_training()) return loss;
  // After the loss: the centres that a batch is measured against must not have seen it yet.
  for (const Targets& one : targets) loss_->Remember(output.embedding, one);
  if (!lesson.probabilities.empty()) {
    loss = (1 - lesson.weight) * loss + lesson.weight * LessonLoss(output, targets, lesson);
  }
  const torch::Tensor penalty = multimodal_->Penalty();
  return penalty.defined() ? loss + penalty : loss;
}

void Model::OnGradients() {
  const std::vector<torch::Tensor> all = parameters();
  for (const auto& extra : extras_) extra->OnGradients(all);
}

std::vector<torch::Tensor> Model::RegularisedWeights() const {
  return frame_classifier_ ? frame_classifier_->RegularisedWeights()
                           : classifier_->RegularisedWeights();
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
  for (const auto& tensors : {named_parameters(), named_buffers()}) {
    for (const auto& item : tensors) bytes += ShippedBytes(item.key(), item.value(), precision_);
  }
  return bytes;
}

ModelSize MeasureModel(const ModelSpec& spec, const DataSpec& data) {
  // Models of gigabytes are counted in milliseconds: their memory is never touched.
  const WithoutMemory guard;
  const Model model(spec, data);
  return {.parameters = model.ParameterCount(), .size_bytes = model.SizeBytes()};
}

}  // namespace beamgrid::trainer
