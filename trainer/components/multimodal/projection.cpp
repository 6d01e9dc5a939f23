// Projection (Zhao 2017, Deep Multimodal Learning: An Effective Method for Video Classification):
// each feature goes to a space of the same dimensions, where they are close in L2, f(v) ~ g(a).
//   p_v = W_v v_t + b_v,  p_a = W_a a_t + b_a
// [reading] The paper says neither what f and g are nor how they are made close nor what the
// temporal component sees. Here they are one fully connected layer each, whose weights start from
// N(0, 0.01) as the paper says; closeness is a term of the loss,
//   weight * mean over the videos of mean over the valid frames of ||p_v - p_a||^2,
// and the temporal component receives [p_v; p_a] or p_v + p_a.

#include "trainer/components/linear_layers.h"
#include "trainer/components/multimodal/feature_pair.h"

namespace beamgrid::trainer {
namespace {

struct ProjectionOptions {
  std::int64_t width = 1024;
  double weight = 0.1;
  std::string feed = "concat";
};

void Describe(Fields& f, ProjectionOptions& o) {
  f("width", o.width, Range{1, 65536}, "dimensions that each feature is projected to").Tag("d");
  f("weight", o.weight, Range{0, 1e6}, "of the penalty for the distance of the two projections");
  f("feed", o.feed, Choices{{"concat", "sum"}},
    "what the temporal component receives: the projections side by side, or their sum");
}

class Projection : public Multimodal {
 public:
  Projection(const BuildContext& context, const ProjectionOptions& options)
      : options_(options),
        pair_(RequirePair(context, "projection")),
        image_(register_module("image", FusionLayer(pair_.image, options.width))),
        audio_(register_module("audio", FusionLayer(pair_.audio, options.width))) {}

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override {
    // The biases would leak into padding.
    const torch::Tensor image = ZeroPadding(image_(pair_.ImageOf(input.frames)), input.mask);
    const torch::Tensor audio = ZeroPadding(audio_(pair_.AudioOf(input.frames)), input.mask);
    penalty_ =
        is_training() ? Distance(image, audio, input.mask) * options_.weight : torch::Tensor();
    return {options_.feed == "sum" ? image + audio : torch::cat({image, audio}, -1), input.mask,
            input.lengths};
  }

  torch::Tensor Penalty() override { return penalty_; }

  [[nodiscard]] std::int64_t output_width() const override {
    return options_.feed == "sum" ? options_.width : 2 * options_.width;
  }

 private:
  /// The mean squared distance. Padding is 0 in both and adds nothing.
  static torch::Tensor Distance(const torch::Tensor& image, const torch::Tensor& audio,
                                const torch::Tensor& mask) {
    return ((image - audio).square().sum({1, 2}) / mask.sum(1)).mean();
  }

  ProjectionOptions options_;
  FeaturePair pair_;
  torch::nn::Linear image_;
  torch::nn::Linear audio_;
  torch::Tensor penalty_;  ///< of the last forward; undefined outside training
};

REGISTER_COMPONENT(
    Multimodal, "projection", Projection, ProjectionOptions,
    {.label = "Proj",
     .source = "Zhao 2017, Deep Multimodal Learning: An Effective Method for Video Classification, "
               "projection method",
     .help = "Each feature projected to a space of the same dimensions, with a penalty in the loss "
             "for their distance. Reading: one fully connected layer each; mean squared distance "
             "over the valid frames, then over the videos."});

}  // namespace
}  // namespace beamgrid::trainer
