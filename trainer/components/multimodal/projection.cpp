// Projection (Zhao 2017, Deep Multimodal Learning: An Effective Method for Video Classification):
// each feature goes to a space of the same dimensions, where they are close in L2, f(v) ~ g(a).
//   p_v = W_v v_t + b_v,  p_a = W_a a_t + b_a
// [reading] The paper says neither what f and g are nor how they are made close nor what the
// temporal component sees. Here they are one fully connected layer each, whose weights start from
// N(0, 0.01) as the paper says; closeness is a term of the loss,
//   weight * mean over the videos of mean over the valid frames of ||p_v - p_a||^2,
// and the temporal component receives [p_v; p_a] or p_v + p_a. Of more features each is projected
// so, and the term is the mean over all pairs of them.

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
  f("weight", o.weight, Range{0, 1e6}, "of the penalty for the distance of the projections");
  f("feed", o.feed, Choices{{"concat", "sum"}},
    "what the temporal component receives: the projections side by side, or their sum");
}

class Projection : public Multimodal {
 public:
  Projection(const BuildContext& context, const ProjectionOptions& options)
      : options_(options), parts_(RequireParts(context, "projection")) {
    for (std::size_t i = 0; i < parts_.widths.size(); ++i) {
      layers_.push_back(
          register_module(FeatureParts::NameOf(i), FusionLayer(parts_.widths[i], options.width)));
    }
  }

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override {
    std::vector<torch::Tensor> projections = parts_.Of(input.frames);
    for (std::size_t i = 0; i < projections.size(); ++i) {
      // The biases would leak into padding.
      projections[i] = ZeroPadding(layers_[i](projections[i]), input.mask);
    }
    penalty_ =
        is_training() ? Distance(projections, input.mask) * options_.weight : torch::Tensor();
    return {options_.feed == "sum" ? Sum(projections) : torch::cat(projections, -1), input.mask,
            input.lengths};
  }

  torch::Tensor Penalty() override { return penalty_; }

  [[nodiscard]] std::int64_t output_width() const override {
    const auto count = static_cast<std::int64_t>(parts_.widths.size());
    return options_.feed == "sum" ? options_.width : count * options_.width;
  }

 private:
  static torch::Tensor Sum(const std::vector<torch::Tensor>& projections) {
    torch::Tensor sum = projections[0];
    for (std::size_t i = 1; i < projections.size(); ++i) sum = sum + projections[i];
    return sum;
  }

  /// The mean squared distance of a pair, mean over the pairs. Padding is 0 in both and adds
  /// nothing.
  static torch::Tensor Distance(const std::vector<torch::Tensor>& projections,
                                const torch::Tensor& mask) {
    torch::Tensor sum;
    double pairs = 0;
    for (std::size_t i = 0; i < projections.size(); ++i) {
      for (std::size_t j = i + 1; j < projections.size(); ++j, ++pairs) {
        const torch::Tensor of_pair =
            ((projections[i] - projections[j]).square().sum({1, 2}) / mask.sum(1)).mean();
        sum = sum.defined() ? sum + of_pair : of_pair;
      }
    }
    return pairs == 1 ? sum : sum / pairs;
  }

  ProjectionOptions options_;
  FeatureParts parts_;
  std::vector<Linear> layers_;  ///< by feature
  torch::Tensor penalty_;       ///< of the last forward; undefined outside training
};

REGISTER_COMPONENT(
    Multimodal, "projection", Projection, ProjectionOptions,
    {.label = "Proj",
     .source = "Zhao 2017, Deep Multimodal Learning: An Effective Method for Video Classification, "
               "projection method",
     .help = "Each feature projected to a space of the same dimensions, with a penalty in the loss "
             "for their distance. Reading: one fully connected layer each; mean squared distance "
             "over the valid frames, then over the videos; of more than two features the mean over "
             "their pairs.",
     .least_features = 2});

}  // namespace
}  // namespace beamgrid::trainer
