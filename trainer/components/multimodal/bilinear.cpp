// Low-rank bilinear pooling (Kim et al. 2017, Hadamard Product for Low-rank Bilinear Pooling, which
// Kim et al. 2018 cite for the Bilinear Pooling of their table of components):
//   x_t = P^T (tanh(U^T v_t + b_u) o tanh(V^T a_t + b_v)) + b,  o element by element.
// Further features are factors as these two are. Without tanh it would be a bilinear form of low
// rank, close to 0 for the small values of unit frames. [reading] Kim et al. 2018 give no details
// of it. Here rank and width are 1024; of the cited paper's code only the dropout before each of
// the three layers is an option; and the weights start Xavier-uniform like every other fully
// connected layer here.

#include "trainer/components/multimodal/feature_pair.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct BilinearOptions {
  std::int64_t rank = 1024;
  std::int64_t width = 1024;
  double dropout = 0;
};

void Describe(Fields& f, BilinearOptions& o) {
  f("rank", o.rank, Range{1, 65536}, "dimensions in which the features are multiplied").Tag("r");
  f("width", o.width, Range{1, 65536}, "dimensions of the result").Tag("d");
  f("dropout", o.dropout, Range{0, 0.95},
    "share of the values before each of the layers set to 0 in training; 0.5 in the authors' "
    "code");
}

class Bilinear : public Multimodal {
 public:
  Bilinear(const BuildContext& context, const BilinearOptions& options)
      : options_(options), parts_(RequireParts(context, "bilinear")) {
    for (std::size_t i = 0; i < parts_.widths.size(); ++i) {
      layers_.push_back(
          register_module(FeatureParts::NameOf(i), Linear(parts_.widths[i], options.rank)));
    }
    output_ = register_module("output", Linear(options.rank, options.width));
    for (Linear& layer : layers_) InitialiseLinear(layer);
    InitialiseLinear(output_);
  }

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override {
    const std::vector<torch::Tensor> parts = parts_.Of(input.frames);
    torch::Tensor product = layers_[0](Drop(parts[0])).tanh();
    for (std::size_t i = 1; i < parts.size(); ++i) {
      product = product * layers_[i](Drop(parts[i])).tanh();
    }
    const torch::Tensor fused = output_(Drop(product));
    // The biases would leak into padding.
    return {ZeroPadding(fused, input.mask), input.mask, input.lengths};
  }
  [[nodiscard]] std::int64_t output_width() const override { return options_.width; }

 private:
  [[nodiscard]] torch::Tensor Drop(const torch::Tensor& values) const {
    return torch::dropout(values, options_.dropout, is_training());
  }

  BilinearOptions options_;
  FeatureParts parts_;
  std::vector<Linear> layers_;  ///< by feature
  Linear output_{nullptr};
};

REGISTER_COMPONENT(Multimodal, "bilinear", Bilinear, BilinearOptions,
                   {.label = "MLB",
                    .source = "Kim et al. 2017, Hadamard Product for Low-rank Bilinear Pooling; "
                              "Kim et al. 2018, figure 4 (Bilinear Pooling)",
                    .help = "The features, each projected and squashed, multiplied element by "
                            "element and projected again.",
                    .least_features = 2});

}  // namespace
}  // namespace beamgrid::trainer
