// Adaptive noise (Na et al. 2017, Encoding Video and Label Priors for Multi-label Video
// Classification on YouTube-8M dataset, section 2.2.5), in training:
//   I_t   <- I_t + gamma Z_t,   Z_t ~ N(0, 1)                                               (11)
//   gamma = mean over the video's labels y of 1 / S(y)                                      (12)
//   e     = normalised sum_t I_t
// S(y): training videos with label y. Only valid frames receive noise, videos without labels none.
// [reading] The paper leaves open whether Z is drawn for each frame or each video: here it is drawn
// for each frame. That the sum is divided by its length is not in the paper but in the authors'
// code of their sums; the noise itself is not in that code.
//
// The sum of n frames' noise is N(0, n) for each component, which is drawn at once.

#include "trainer/component.h"
#include "trainer/components/temporal/weighted_sum.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct AdaptiveNoiseOptions {
  bool normalise = true;
};

void Describe(Fields& f, AdaptiveNoiseOptions& o) {
  f("normalise", o.normalise,
    "divide the sum by its length, as the authors' code does and the paper does not say");
}

class AdaptiveNoise : public Temporal {
 public:
  AdaptiveNoise(const BuildContext& context, const AdaptiveNoiseOptions& options)
      : width_(context.input_width), normalise_(options.normalise) {
    if (context.labels == nullptr) return;
    const torch::Tensor counts = context.labels->Counts();
    // Infinite for a class that no training video has, which times a label of 0 would be NaN.
    rarity_ = counts.reciprocal().masked_fill(counts == 0, 0);
  }

  torch::Tensor forward(const Sequence& input, const Targets& targets) override {
    torch::Tensor sum = SumOfFrames(input);
    if (is_training() && rarity_.defined() && targets.labels.defined()) {
      const torch::Tensor frames = input.mask.sum(1, /*keepdim=*/true).to(sum.dtype());
      sum = sum + Gamma(targets.labels.to(sum.dtype())) * frames.sqrt() * torch::randn_like(sum);
    }
    return normalise_ ? L2Normalise(sum, 1) : sum;
  }

  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  /// [batch, classes] -> [batch, 1]
  [[nodiscard]] torch::Tensor Gamma(const torch::Tensor& labels) {
    rarity_ = rarity_.to(labels.options());  // copied to the device by the first call only
    // At least 1, so that a video without labels gets 0 and not 0/0.
    const torch::Tensor count = labels.sum(1, /*keepdim=*/true).clamp_min(1);
    return labels.matmul(rarity_.unsqueeze(1)) / count;
  }

  std::int64_t width_;
  bool normalise_;
  torch::Tensor rarity_;  // [classes], 1 / S(y); no buffer: training needs it, the model does not
};

REGISTER_COMPONENT(
    Temporal, "adaptive_noise", AdaptiveNoise, AdaptiveNoiseOptions,
    {.label = "AN",
     .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label Video "
               "Classification on YouTube-8M dataset, section 2.2.5",
     .help = "The sum of the frames, to each of which training adds normal noise, the more the "
             "rarer the video's labels are in the training data."});

}  // namespace
}  // namespace beamgrid::trainer
