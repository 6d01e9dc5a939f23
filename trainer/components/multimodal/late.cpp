// Late fusion (Kim et al. 2018, Temporal Attention Mechanism with Conditional Inference for
// Large-Scale Multi-Label Video Classification, figure 1 b and c): a temporal component of its own
// for each feature, g_v and g_a, then
//   joint = 0 (figure 1 b, their slides' Late Fusion 1): e = [g_v(V); g_a(A)]
//   joint > 0 (figure 1 c, their slides' Late Fusion 2): e = activation(W [g_v(V); g_a(A)] + b)
// [reading] The figure is not described in the text. Here the temporal components have the same
// options, the joint space is one fully connected layer, and each feature keeps its share of the
// norm of the frame, which was normalised over all features together.

#include "trainer/components/linear_layers.h"
#include "trainer/components/multimodal/feature_pair.h"

namespace beamgrid::trainer {
namespace {

struct LateOptions {
  std::int64_t joint = 0;
  std::string activation = "relu";
};

void Describe(Fields& f, LateOptions& o) {
  f("joint", o.joint, Range{0, 65536},
    "width of a fully connected layer after the temporal components (Late Fusion 2); 0: none (Late "
    "Fusion 1)")
      .Tag("J");
  f("activation", o.activation, Choices{{"relu", "linear"}}, "of the joint layer");
}

class Late : public Multimodal {
 public:
  Late(const BuildContext& context, const LateOptions& options) : options_(options) {
    if (context.features.size() < 2) {
      throw SpecError("multimodal 'late' needs at least two features; data.features has " +
                      std::to_string(context.features.size()) + " (" + FeatureNames(context) +
                      "); use concat");
    }
    for (const Feature& feature : context.features) widths_.push_back(feature.second);
  }

  // The features lie side by side already; the model cuts them apart by stream_widths.
  Sequence forward(const Sequence& input, const Targets& /*targets*/) override { return input; }

  [[nodiscard]] std::int64_t output_width() const override {
    std::int64_t sum = 0;
    for (const std::int64_t width : widths_) sum += width;
    return sum;
  }
  [[nodiscard]] std::vector<std::int64_t> stream_widths() const override { return widths_; }

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
  LateOptions options_;
  std::vector<std::int64_t> widths_;
  torch::nn::Linear joint_{nullptr};
};

REGISTER_COMPONENT(
    Multimodal, "late", Late, LateOptions,
    {.label = "Late",
     .source = "Kim et al. 2018, Temporal Attention Mechanism with Conditional "
               "Inference for Large-Scale Multi-Label Video Classification, figure 1 b and c",
     .help = "A temporal component for each feature, their embeddings side by side. Reading: the "
             "temporal components have the same options, and the joint space of figure 1 c is one "
             "fully connected layer."});

}  // namespace
}  // namespace beamgrid::trainer
