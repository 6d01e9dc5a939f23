// Late fusion (Kim et al. 2018, Temporal Attention Mechanism with Conditional Inference for
// Large-Scale Multi-Label Video Classification, figure 1 b and c): a temporal component of its own
// for each feature, g_v and g_a, then
//   joint = 0 (figure 1 b, their slides' Late Fusion 1): e = [g_v(V); g_a(A)]
//   joint > 0 (figure 1 c, their slides' Late Fusion 2): e = activation(W [g_v(V); g_a(A)] + b)
// [reading] The figure is not described in the text. Here the temporal components have the same
// options unless `options` says otherwise (Miech et al. 2017 give the audio half of the clusters
// and an eighth of the cells), the joint space is one fully connected layer, and each feature keeps
// its share of the norm of the frame, which was normalised over all features together.

#include <algorithm>
#include <stdexcept>

#include "registry/util/json.h"
#include "trainer/components/linear_layers.h"
#include "trainer/components/multimodal/feature_pair.h"
#include "trainer/stream_options.h"

namespace beamgrid::trainer {
namespace {

struct LateOptions {
  std::int64_t joint = 0;
  std::string activation = "relu";
  std::string options;
};

void Describe(Fields& f, LateOptions& o) {
  f("joint", o.joint, Range{0, 65536},
    "width of a fully connected layer after the temporal components (Late Fusion 2); 0: none (Late "
    "Fusion 1)")
      .Tag("J");
  f("activation", o.activation, Choices{{"relu", "linear"}}, "of the joint layer");
  f("options", o.options, Choices{},
    "options in which a feature's temporal component differs, as in \"audio.hidden = 128, "
    "audio.layers = 1\"; empty: all features have the same");
}

std::string Trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

OptionValue ValueFrom(const std::string& text) {
  try {
    return ParseJson(text);
  } catch (const std::invalid_argument&) {  // a bare word
    return OptionValue(text);
  }
}

class Late : public Multimodal, public StreamOptions {
 public:
  Late(const BuildContext& context, const LateOptions& options) : options_(options) {
    if (context.features.size() < 2) {
      throw SpecError("multimodal 'late' needs at least two features; data.features has " +
                      std::to_string(context.features.size()) + " (" + FeatureNames(context) +
                      "); use concat");
    }
    for (const Feature& feature : context.features) widths_.push_back(feature.second);
    options_of_stream_.resize(widths_.size());
    ReadOptionsOfStreams(context);
  }

  // The features lie side by side already; the model cuts them apart by stream_widths.
  Sequence forward(const Sequence& input, const Targets& /*targets*/) override { return input; }

  [[nodiscard]] std::int64_t output_width() const override {
    std::int64_t sum = 0;
    for (const std::int64_t width : widths_) sum += width;
    return sum;
  }
  [[nodiscard]] std::vector<std::int64_t> stream_widths() const override { return widths_; }

  [[nodiscard]] Options OptionsOfStream(std::size_t stream) const override {
    return options_of_stream_.at(stream);
  }

  std::int64_t BuildJoint(std::int64_t width) override {
    if (options_.joint == 0) return width;
    joint_ = register_module("joint", XavierLinear(width, options_.joint));
    return options_.joint;
  }

  torch::Tensor Join(torch::Tensor embedding) override {
    if (!joint_) return embedding;
    const torch::Tensor joint = joint_(embedding);
    return options_.activation == "relu" ? joint.relu() : joint;
  }

 private:
  void ReadOptionsOfStreams(const BuildContext& context) {
    std::string rest = options_.options;
    while (!rest.empty()) {
      const std::string one = rest.substr(0, rest.find(','));
      rest.erase(0, std::min(one.size() + 1, rest.size()));
      const auto dot = one.find('.'), equals = one.find('=');
      const auto feature =
          std::ranges::find(context.features, Trimmed(one.substr(0, dot)), &Feature::first);
      if (dot == std::string::npos || equals == std::string::npos || equals < dot ||
          feature == context.features.end()) {
        throw SpecError("multimodal 'late': options: '" + Trimmed(one) +
                        "' must be FEATURE.OPTION = VALUE, the feature one of " +
                        FeatureNames(context) + "; several are separated by commas");
      }
      const auto stream = static_cast<std::size_t>(feature - context.features.begin());
      options_of_stream_[stream][Trimmed(one.substr(dot + 1, equals - dot - 1))] =
          ValueFrom(Trimmed(one.substr(equals + 1)));
    }
  }

  LateOptions options_;
  std::vector<std::int64_t> widths_;
  std::vector<Options> options_of_stream_;
  Linear joint_{nullptr};
};

REGISTER_COMPONENT(
    Multimodal, "late", Late, LateOptions,
    {.label = "Late",
     .source = "Kim et al. 2018, Temporal Attention Mechanism with Conditional "
               "Inference for Large-Scale Multi-Label Video Classification, figure 1 b and c",
     .help = "A temporal component for each feature, their embeddings side by side. Reading: the "
             "temporal components have the same options unless `options` says otherwise, and the "
             "joint space of figure 1 c is one fully connected layer.",
     .least_features = 2});

}  // namespace
}  // namespace beamgrid::trainer
