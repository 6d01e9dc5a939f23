// Guided temporal attention (Kim et al. 2018, Temporal Attention Mechanism with Conditional
// Inference for Large-Scale Multi-Label Video Classification, section 3.1, methods 2 and 3). With
// a'_t = W a_t + b and j over a window of frames around t:
//   guided by the image: s_tj = v_t^T A a_j,  alpha = softmax_j s,  x_t = v_t + sum_j alpha_tj a'_j
//   guided by the audio: s_tj = a'_t^T A v_j, alpha = softmax_j s,  x_t = a'_t + sum_j alpha_tj v_j
// merge = "concat" keeps the width: [v_t; sum_j alpha_tj a_j] or [sum_j alpha_tj v_j; a_t].

#include "trainer/components/linear_layers.h"
#include "trainer/components/multimodal/feature_pair.h"

namespace beamgrid::trainer {
namespace {

struct AttentionOptions {
  std::string guide = "image";
  OptionValue window = 5;
  std::string merge = "add";
};

void Describe(Fields& f, AttentionOptions& o) {
  f("guide", o.guide, Choices{{"image", "audio"}},
    "image: the image decides which audio frames count (method 2); audio: the other way round "
    "(method 3)");
  f("window", o.window, Range{3, 9999}, Choices{{"all"}},
    "frames attended to, half of them on each side: an odd number, or \"all\"")
      .Tag("w");
  f("merge", o.merge, Choices{{"add", "concat"}},
    "add: the paper's equation, as wide as the image; concat: the attended feature takes the place "
    "of the original, which fits the sizes that the paper reports");
}

class Attention : public Multimodal {
 public:
  Attention(const BuildContext& context, const AttentionOptions& options)
      : pair_(RequirePair(context, "attention")),
        guided_by_image_(options.guide == "image"),
        adds_(options.merge == "add"),
        reach_(Reach(options.window)) {
    const std::int64_t key_width = guided_by_image_ ? pair_.audio : pair_.image;
    query_ = register_module("query", XavierLinearWithoutBias(pair_.image, key_width));
    // A projection that nothing reads would count as parameters and receive no gradient.
    if (guided_by_image_ && !adds_) return;  // attends over the audio as it is
    audio_to_image_ = register_module("audio_to_image", XavierLinear(pair_.audio, pair_.image));
  }

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor image = pair_.ImageOf(input.frames);
    const torch::Tensor audio = pair_.AudioOf(input.frames);
    const torch::Tensor fused = guided_by_image_ ? GuidedByImage(image, audio, input.mask)
                                                 : GuidedByAudio(image, audio, input.mask);
    // Padding frames, too, attend to something, and the projection has a bias.
    return {ZeroPadding(fused, input.mask), input.mask, input.lengths};
  }

  [[nodiscard]] std::int64_t output_width() const override {
    return adds_ ? pair_.image : pair_.image + pair_.audio;
  }

 private:
  static constexpr std::int64_t kAllFrames = -1;  ///< a reach that has no end

  /// Frames on each side of the middle one.
  static std::int64_t Reach(const OptionValue& window) {
    if (window.is_string()) return kAllFrames;
    const std::int64_t frames = window.get_int64();
    if (frames % 2 == 0) {
      throw SpecError("multimodal 'attention': window = " + std::to_string(frames) +
                      ", must be odd (the frame itself and as many on each side) or \"all\"; try " +
                      std::to_string(frames + 1));
    }
    return frames / 2;
  }

  [[nodiscard]] torch::Tensor GuidedByImage(const torch::Tensor& image, const torch::Tensor& audio,
                                            const torch::Tensor& mask) {
    const torch::Tensor weights = Weights(image, audio, mask);
    if (!adds_) return torch::cat({image, Product(weights, audio)}, -1);
    return image + Product(weights, audio_to_image_(audio));
  }

  [[nodiscard]] torch::Tensor GuidedByAudio(const torch::Tensor& image, const torch::Tensor& audio,
                                            const torch::Tensor& mask) {
    const torch::Tensor projected = audio_to_image_(audio);
    const torch::Tensor attended = Product(Weights(projected, image, mask), image);
    return adds_ ? projected + attended : torch::cat({attended, audio}, -1);
  }

  /// alpha: [batch, frames, frames], 0 outside the window and on padding.
  [[nodiscard]] torch::Tensor Weights(const torch::Tensor& guide, const torch::Tensor& keys,
                                      const torch::Tensor& mask) {
    // All pairs of frames at once, also those outside the window: 46 MB for 128 videos of 300
    // frames, and one product instead of a loop. Not scaled by the width's root: the paper's scores
    // are not.
    const torch::Tensor scores = Product(query_(guide), keys.transpose(1, 2));
    torch::Tensor visible = mask.unsqueeze(1);
    if (reach_ != kAllFrames) visible = visible.logical_and(Band(mask.size(1), mask.device()));
    return MaskedSoftmax(scores, visible, -1);
  }

  /// [frames, frames], true where |t - j| <= reach.
  [[nodiscard]] torch::Tensor Band(std::int64_t frames, torch::Device device) const {
    const torch::Tensor index = torch::arange(frames, torch::TensorOptions().device(device));
    return (index.unsqueeze(0) - index.unsqueeze(1)).abs() <= reach_;
  }

  FeaturePair pair_;
  bool guided_by_image_;
  bool adds_;
  std::int64_t reach_;
  Linear query_{nullptr};
  Linear audio_to_image_{nullptr};
};

REGISTER_COMPONENT(
    Multimodal, "attention", Attention, AttentionOptions,
    {.label = "MA",
     .source = "Kim et al. 2018, Temporal Attention Mechanism with Conditional Inference for "
               "Large-Scale Multi-Label Video Classification, section 3.1, methods 2 and 3",
     .help = "Each frame of one feature attends over a window of frames of the other. The paper's "
             "section 5 calls method 3 MA; its slides and its table 1 speak for guide = image.",
     .least_features = 2,
     .most_features = 2});

}  // namespace
}  // namespace beamgrid::trainer
