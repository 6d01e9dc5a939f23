#include "trainer/contract/subject.h"

#include <map>
#include <stdexcept>

namespace beamgrid::trainer::contract {
namespace {

BuildContext ContextOf(const Shape& shape, const std::map<std::string, Options>& extras) {
  return {.features = shape.features,
          .max_frames = 8,
          .classes = shape.classes,
          .input_width = shape.width(),
          .extras = &extras};
}

Subject BuildMultimodal(const Case& c, const BuildContext& context) {
  const auto module = Makers<Multimodal>::All().at(c.name)(context, c.options);
  const auto sequence = [module](const Sequence& input, const Targets& targets) {
    return module->forward(input, targets);
  };
  const auto run = [sequence](const Sequence& input, const Targets& targets) {
    // The first two moments: as wide for any padding, and every valid frame counts. The mean alone
    // would not see values that move from one frame to another and cancel.
    const Sequence output = sequence(input, targets);
    const torch::Tensor squares = output.frames.square();
    return torch::cat({MeanFrame(output), MeanFrame({squares, output.mask, output.lengths})}, -1);
  };
  return {module, run, sequence, module->output_width()};
}

Subject BuildTemporal(const Case& c, const BuildContext& context) {
  const auto module = Makers<Temporal>::All().at(c.name)(context, c.options);
  return {module,
          [module](const Sequence& input, const Targets& targets) {
            return module->forward(input, targets);
          },
          nullptr, module->output_width()};
}

Subject BuildFrameClassifier(const Case& c, const BuildContext& context) {
  const auto module = Makers<FrameClassifier>::All().at(c.name)(context, c.options);
  return {module,
          [module](const Sequence& states, const Targets& targets) {
            return module->forward(states, targets).probabilities;
          },
          nullptr, context.classes};
}

/// Of a classifier the input is a mean of frames, so that padding and batches can be checked here
/// too.
Subject BuildClassifier(const Case& c, const BuildContext& context) {
  if (Makers<FrameClassifier>::All().contains(c.name)) return BuildFrameClassifier(c, context);
  const auto module = Makers<Classifier>::All().at(c.name)(context, c.options);
  return {module,
          [module](const Sequence& input, const Targets& targets) {
            return module->forward(MeanFrame(input), targets).probabilities;
          },
          nullptr, context.classes};
}

/// A temporal component that the extra accepts: mean or, for extras that act in cells and refuse
/// others (zoneout), lstm with that extra on.
std::shared_ptr<Temporal> BuildTemporalFor(Extra& extra, const Case& c, BuildContext context) {
  auto temporal = Makers<Temporal>::All().at("mean")(context, {});
  try {
    extra.OnTemporalBuilt(*temporal);
    return temporal;
  } catch (const SpecError&) {
    Options options = DefaultOptions(*BuiltCatalogue().Find("temporal", "lstm"));
    options["hidden"] = 3;
    const std::map<std::string, Options> extras = {{c.name, c.options}};
    context.extras = &extras;
    temporal = Makers<Temporal>::All().at("lstm")(context, options);
    extra.OnTemporalBuilt(*temporal);
    return temporal;
  }
}

Subject BuildExtra(const Case& c, const BuildContext& context) {
  // An extra acts at several places of a model, so it is looked at inside of a small one.
  const auto both = std::make_shared<torch::nn::Module>();
  const auto module = Makers<Extra>::All().at(c.name)(context, c.options);
  const std::int64_t sequence_width = module->BuildSequence(context.input_width);
  BuildContext after = context;
  after.input_width = sequence_width;
  const auto temporal = BuildTemporalFor(*module, c, after);
  both->register_module("extra", module);
  both->register_module("temporal", temporal);
  const std::int64_t width = module->BuildEmbedding(sequence_width, temporal->output_width());
  module->BuildProbabilities(context.classes);
  const auto sequence = [module](const Sequence& input, const Targets&) {
    return module->OnSequence(module->OnInput(input));
  };
  const std::int64_t classes = context.classes;
  const auto run = [=](const Sequence& input, const Targets& targets) {
    const Sequence frames = sequence(input, targets);
    const torch::Tensor embedding = module->OnEmbedding(temporal->forward(frames, targets), frames);
    if (embedding.size(-1) != width) {
      throw std::logic_error("the embedding is not as wide as BuildEmbedding says");
    }
    return torch::cat(
        {embedding, module->OnProbabilities(SomeProbabilities(MeanFrame(input), classes))}, -1);
  };
  return {both, run, sequence, sequence_width};
}

Subject BuildLabelProcessing(const Case& c, const BuildContext& context) {
  const auto module = Makers<LabelProcessing>::All().at(c.name)(context, c.options);
  const std::int64_t classes = context.classes;
  return {module,
          [=](const Sequence& input, const Targets&) {
            return module->forward(SomeProbabilities(MeanFrame(input), classes));
          },
          nullptr, classes};
}

/// A loss is a mean over the batch and has no rows of its own: row b is the loss of video b alone.
Subject BuildLoss(const Case& c, const BuildContext& context) {
  const auto module = Makers<Loss>::All().at(c.name)(context, c.options);
  const std::int64_t classes = context.classes;
  const auto run = [=](const Sequence& input, const Targets& targets) {
    const torch::Tensor embedding = MeanFrame(input);
    const torch::Tensor probabilities = SomeProbabilities(embedding, classes);
    std::vector<torch::Tensor> losses;
    for (std::int64_t b = 0; b < embedding.size(0); ++b) {
      losses.push_back(module->forward(probabilities.slice(0, b, b + 1),
                                       embedding.slice(0, b, b + 1), Alone(targets, b)));
    }
    return torch::stack(losses).unsqueeze(1);
  };
  return {module, run, nullptr, 1};
}

}  // namespace

std::int64_t Shape::width() const {
  std::int64_t sum = 0;
  for (const Feature& feature : features) sum += feature.second;
  return sum;
}

std::vector<Shape> Shapes() {
  return {{.features = {{"rgb", 5}}},
          {.features = {{"rgb", 5}, {"audio", 3}}},
          {.features = {{"rgb", 5}, {"audio", 3}, {"text", 4}}}};
}

Subject BuildOrRefuse(const Case& c, const Shape& shape, std::uint64_t seed) {
  using Builder = Subject (*)(const Case&, const BuildContext&);
  static const std::map<std::string, Builder> builders = {
      {"multimodal", BuildMultimodal},
      {"temporal", BuildTemporal},
      {"classifier", BuildClassifier},
      {"extras", BuildExtra},
      {"loss", BuildLoss},
      {"label_processing", BuildLabelProcessing}};
  torch::manual_seed(seed);
  const std::map<std::string, Options> extras;
  return builders.at(c.criterion)(c, ContextOf(shape, extras));
}

std::optional<Subject> Build(const Case& c, const Shape& shape, std::uint64_t seed) {
  try {
    return BuildOrRefuse(c, shape, seed);
  } catch (const SpecError&) {
    return std::nullopt;
  }
}

}  // namespace beamgrid::trainer::contract
