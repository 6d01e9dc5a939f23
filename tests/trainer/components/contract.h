#pragma once
// The contract of trainer/component.h as something that can be run: every variant of every
// component in the catalogue behind one function from frames to per-video values.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "trainer/component.h"

namespace beamgrid {

/// For names of tests and messages.
inline void PrintTo(const ComponentInfo& info, std::ostream* out) {
  *out << info.criterion << " " << info.name;
}

}  // namespace beamgrid

namespace beamgrid::trainer::contract {

/// A component with one set of small options.
struct Case {
  std::string criterion;
  std::string name;
  std::string label;  ///< "pool=last" beside the small defaults; "small defaults"
  Options options;
  /// An integer is at its smallest value, where a part may lose its effect: a softmax over one
  /// cluster is 1 whatever its weights.
  bool degenerate = false;
};

/// The data a component is built for.
struct Shape {
  std::vector<Feature> features;
  std::int64_t classes = 4;
  [[nodiscard]] std::int64_t width() const {
    std::int64_t sum = 0;
    for (const Feature& feature : features) sum += feature.second;
    return sum;
  }
};

inline std::vector<Shape> Shapes() {
  return {{.features = {{"rgb", 5}}}, {.features = {{"rgb", 5}, {"audio", 3}}}};
}

/// A built component. `run` gives values [batch, ...] of which row b may depend on video b alone.
struct Subject {
  std::shared_ptr<torch::nn::Module> module;
  std::function<torch::Tensor(const Sequence&, const Targets&)> run;
  /// Frame-level outputs, for the checks on padding; null where there are none.
  std::function<Sequence(const Sequence&, const Targets&)> sequence;
  std::int64_t declared_width = 0;  ///< of the last dimension of `run`'s or `sequence`'s values
};

// ---- Batches ------------------------------------------------------------------------------------

inline torch::Tensor MaskOf(const std::vector<std::int64_t>& lengths, std::int64_t frames) {
  const torch::Tensor bound = torch::tensor(lengths).unsqueeze(1);
  return torch::arange(frames).unsqueeze(0) < bound;
}

/// Unit frames, padding 0.
inline Sequence RandomSequence(const std::vector<std::int64_t>& lengths, std::int64_t frames,
                               std::int64_t width) {
  torch::Tensor values = torch::randn({static_cast<std::int64_t>(lengths.size()), frames, width});
  const torch::Tensor mask = MaskOf(lengths, frames);
  values = values / values.norm(2, -1, /*keepdim=*/true) * mask.unsqueeze(-1);
  return {values, mask, torch::tensor(lengths)};
}

inline Targets RandomTargets(std::int64_t batch, std::int64_t classes) {
  return {(torch::rand({batch, classes}) < 0.4).to(torch::kFloat)};
}

/// Video `index` alone, without padding.
inline Sequence Alone(const Sequence& batch, std::int64_t index) {
  const std::int64_t length = batch.lengths[index].item<std::int64_t>();
  return {batch.frames.slice(0, index, index + 1).slice(1, 0, length),
          batch.mask.slice(0, index, index + 1).slice(1, 0, length),
          batch.lengths.slice(0, index, index + 1)};
}

inline Targets Alone(const Targets& targets, std::int64_t index) {
  return {targets.labels.slice(0, index, index + 1)};
}

/// `count` more padding frames, which hold `value`, as do those that were there.
inline Sequence Padded(const Sequence& batch, std::int64_t count, double value) {
  const torch::Tensor more =
      torch::zeros({batch.frames.size(0), count, batch.frames.size(2)}, batch.frames.options());
  const torch::Tensor mask =
      torch::cat({batch.mask, torch::zeros({batch.mask.size(0), count}, torch::kBool)}, 1);
  const torch::Tensor frames =
      torch::cat({batch.frames, more}, 1).masked_fill(mask.logical_not().unsqueeze(-1), value);
  return {frames, mask, batch.lengths};
}

// ---- Building -----------------------------------------------------------------------------------

inline torch::Tensor MeanFrame(const Sequence& sequence) {
  const torch::Tensor mask = sequence.mask.to(sequence.frames.dtype()).unsqueeze(-1);
  return (sequence.frames * mask).sum(1) / mask.sum(1);
}

inline BuildContext ContextOf(const Shape& shape, const std::map<std::string, Options>& extras) {
  return {.features = shape.features,
          .max_frames = 8,
          .classes = shape.classes,
          .input_width = shape.width(),
          .extras = &extras};
}

inline Subject BuildMultimodal(const Case& c, const BuildContext& context) {
  const auto module = Makers<Multimodal>::All().at(c.name)(context, c.options);
  const auto sequence = [module](const Sequence& input, const Targets& targets) {
    return module->forward(input, targets);
  };
  const auto run = [sequence](const Sequence& input, const Targets& targets) {
    // The first two moments: as wide for any padding, and every valid frame counts.
    const Sequence output = sequence(input, targets);
    const torch::Tensor squares = output.frames.square();
    return torch::cat({MeanFrame(output), MeanFrame({squares, output.mask, output.lengths})}, -1);
  };
  return {module, run, sequence, module->output_width()};
}

inline Subject BuildTemporal(const Case& c, const BuildContext& context) {
  const auto module = Makers<Temporal>::All().at(c.name)(context, c.options);
  return {module,
          [module](const Sequence& input, const Targets& targets) {
            return module->forward(input, targets);
          },
          nullptr, module->output_width()};
}

inline Subject BuildClassifier(const Case& c, const BuildContext& context) {
  const auto module = Makers<Classifier>::All().at(c.name)(context, c.options);
  return {module,
          [module](const Sequence& input, const Targets& targets) {
            return module->forward(MeanFrame(input), targets).probabilities;
          },
          nullptr, context.classes};
}

/// Probabilities of the mean frame, for components that act on probabilities.
inline torch::Tensor SomeProbabilities(const torch::Tensor& embedding, std::int64_t classes) {
  const torch::Tensor mixing = torch::linspace(-3, 3, embedding.size(-1) * classes,
                                               embedding.options().requires_grad(false));
  return embedding.matmul(mixing.view({embedding.size(-1), classes})).sigmoid();
}

inline Subject BuildExtra(const Case& c, const BuildContext& context) {
  const auto module = Makers<Extra>::All().at(c.name)(context, c.options);
  const std::int64_t sequence_width = module->BuildSequence(context.input_width);
  BuildContext after = context;
  after.input_width = sequence_width;
  const auto temporal = Makers<Temporal>::All().at("mean")(after, {});
  module->OnTemporalBuilt(*temporal);
  const std::int64_t width = module->BuildEmbedding(sequence_width, sequence_width);
  module->BuildProbabilities(context.classes);
  const auto sequence = [module](const Sequence& input, const Targets&) {
    return module->OnSequence(module->OnInput(input));
  };
  const std::int64_t classes = context.classes;
  const auto run = [=](const Sequence& input, const Targets& targets) {
    const Sequence frames = sequence(input, targets);
    const torch::Tensor embedding = module->OnEmbedding(MeanFrame(frames), frames);
    EXPECT_EQ(embedding.size(-1), width) << "BuildEmbedding says otherwise";
    return torch::cat(
        {embedding, module->OnProbabilities(SomeProbabilities(MeanFrame(input), classes))}, -1);
  };
  return {module, run, sequence, sequence_width};
}

inline Subject BuildLabelProcessing(const Case& c, const BuildContext& context) {
  const auto module = Makers<LabelProcessing>::All().at(c.name)(context, c.options);
  const std::int64_t classes = context.classes;
  return {module,
          [=](const Sequence& input, const Targets&) {
            return module->forward(SomeProbabilities(MeanFrame(input), classes));
          },
          nullptr, classes};
}

/// A loss is a mean over the batch: its row b is the loss of video b alone.
inline Subject BuildLoss(const Case& c, const BuildContext& context) {
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

/// Nothing where the component refuses this shape with a SpecError.
inline std::optional<Subject> Build(const Case& c, const Shape& shape, std::uint64_t seed = 1) {
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
  try {
    return builders.at(c.criterion)(c, ContextOf(shape, extras));
  } catch (const SpecError&) {
    return std::nullopt;
  }
}

// ---- Cases --------------------------------------------------------------------------------------

/// Small enough for a test, large enough to have structure.
inline OptionValue SmallValue(const OptionInfo& option) {
  constexpr std::int64_t kSmall = 3;
  if (option.type != OptionType::kInteger || !option.default_value.is_int64() ||
      option.default_value.get_int64() <= kSmall) {
    return option.default_value;
  }
  const CheckedOption checked = CheckOption(option, kSmall);
  return checked.error.empty() ? checked.value : option.default_value;
}

/// The other words and truth values of an option.
inline std::vector<OptionValue> OtherValues(const OptionInfo& option) {
  if (option.type == OptionType::kBool) return {true, false};
  return option.choices;
}

/// The small defaults, and each option at each of its other values and at its minimum, one at a
/// time.
inline std::vector<Case> CasesOf(const ComponentInfo& info) {
  Options small;
  for (const OptionInfo& option : info.options) small[option.name] = SmallValue(option);
  std::vector<Case> cases = {{info.criterion, info.name, "small defaults", small}};
  const auto add = [&](const OptionInfo& option, const OptionValue& value, bool degenerate) {
    if (value == small[option.name]) return;
    Options options = small;
    options[option.name] = value;
    cases.push_back({info.criterion, info.name, option.name + "=" + boost::json::serialize(value),
                     options, degenerate});
  };
  for (const OptionInfo& option : info.options) {
    for (const OptionValue& value : OtherValues(option)) add(option, value, false);
    if (option.type != OptionType::kInteger || !option.minimum) continue;
    add(option, static_cast<std::int64_t>(*option.minimum), true);
  }
  return cases;
}

/// Every component that has tensors to look at; "train" is settings only.
inline std::vector<ComponentInfo> Components() {
  std::vector<ComponentInfo> components;
  for (const ComponentInfo& info : BuiltCatalogue().components) {
    if (info.criterion != "train") components.push_back(info);
  }
  return components;
}

}  // namespace beamgrid::trainer::contract
