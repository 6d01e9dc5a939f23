// Indirect clustering by self-attention (Na et al. 2017, Encoding Video and Label Priors for
// Multi-label Video Classification on YouTube-8M dataset, section 2.2.4):
//   p_t = softmax_t(alpha sum_i I_t . I_i),   e = sum_t p_t I_t                              (10)
// over the valid frames. sum_i I_t . I_i = I_t . S with S = sum_i I_i, so no frame meets each other
// frame. The scores of n frames of length 1 reach n and the softmax is close to one frame's
// maximum; alpha is the inverse of its temperature (1 in the paper).
//
// The authors' code computes something else: scores of F = ReLU(FC(I)), whose softmax runs over an
// axis of size 1, so that every frame's weight is 1; then layer norm and ReLU:
//   e = ReLU(LayerNorm(sum_t I_t))
// [reading] variant = "released_code" is that function without FC, which never receives a gradient
// and never changes a result: of the code's 1,330,560 parameters at width 1152 it has the layer
// norm's 2,304. The paper's number may come from either.

#include "trainer/component.h"
#include "trainer/components/temporal/weighted_sum.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct IndirectClusteringOptions {
  std::string variant = "paper";
  OptionValue alpha = 1.0;
};

void Describe(Fields& f, IndirectClusteringOptions& o) {
  f("variant", o.variant, Choices{{"paper", "released_code"}},
    "paper: attention by similarity to all frames; released_code: what the authors' code computes, "
    "the sum of the frames, layer norm and ReLU");
  f("alpha", o.alpha, Range{0, 1000}, Choices{{"mean"}},
    "factor of the scores in the softmax: 1 (the paper) is close to a choice of one frame, 0 is "
    "the mean; mean: 1 / frames, so that a score is the mean similarity")
      .Tag("alpha");
}

class IndirectClustering : public Temporal {
 public:
  IndirectClustering(const BuildContext& context, const IndirectClusteringOptions& options)
      : width_(context.input_width), alpha_(options.alpha) {
    if (options.variant == "paper") return;
    if (alpha_.is_string() || alpha_.to_number<double>() != 1) {
      throw SpecError(
          "temporal 'indirect_clustering': variant = \"released_code\" has no scores "
          "that alpha could act on; leave alpha out");
    }
    norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width_})));
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor sum = SumOfFrames(input);
    return norm_ ? norm_(sum).relu() : Attend(input, sum);
  }

  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  [[nodiscard]] torch::Tensor Attend(const Sequence& input, const torch::Tensor& sum) const {
    const torch::Tensor guide = alpha_.is_string() ? sum / input.mask.sum(1, /*keepdim=*/true)
                                                   : sum * alpha_.to_number<double>();
    const torch::Tensor scores = input.frames.matmul(guide.unsqueeze(2)).squeeze(2);
    return WeightedSum(input.frames, MaskedSoftmax(scores, input.mask, 1));
  }

  std::int64_t width_;
  OptionValue alpha_;
  torch::nn::LayerNorm norm_{nullptr};  // released_code only
};

REGISTER_COMPONENT(
    Temporal, "indirect_clustering", IndirectClustering, IndirectClusteringOptions,
    {.label = "IC",
     .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label Video "
               "Classification on YouTube-8M dataset, section 2.2.4",
     .help = "Frames weighted by their similarity to all frames of the video. The default is the "
             "paper's equation; the authors' code gives every frame the weight 1 and adds layer "
             "norm and ReLU (variant = released_code, without the layer that its code never "
             "trains)."});

}  // namespace
}  // namespace beamgrid::trainer
