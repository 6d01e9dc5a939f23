// Some frames of each video instead of all, for any temporal component. Of a video's n valid frames
// without the first and last `skip_ends`, every stride-th one is a candidate; `frames` > 0 draws so
// many of them with replacement:
//   Miech et al. 2017 (Learnable pooling with Context Gating, code): recurrent networks see random
//     frames in random order; Zhao 2017 (Deep Multimodal Learning) names random frames as future
//     work, against redundancy between neighbours and for speed
//   Conde et al. 2019 (Multi-attention Networks, code): 120 random frames, or every fifth
// [reading] Evaluation sees all frames, or with evaluation = "even" as many as training, always the
// same: every stride-th, or `frames` of them evenly spaced.

#include "trainer/components/temporal/frame_sampling.h"
#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct FrameSamplingOptions {
  std::int64_t frames = 30;
  std::int64_t stride = 1;
  std::int64_t skip_ends = 0;
  std::string order = "time";
  std::string evaluation = "all";
};

void Describe(Fields& f, FrameSamplingOptions& o) {
  f("frames", o.frames, Range{0, 9999},
    "so many frames of each video, drawn with replacement; 0: all candidates")
      .AlwaysNamed();
  f("stride", o.stride, Range{1, 999}, "every so many-th frame is a candidate").Tag("stride");
  f("skip_ends", o.skip_ends, Range{0, 9999},
    "frames at each end that are no candidates; short videos keep their middle")
      .Tag("skip");
  f("order", o.order, Choices{{"time", "drawn"}},
    "drawn frames as they follow in the video, or as they were drawn");
  f("evaluation", o.evaluation, Choices{{"all", "even"}},
    "what evaluation sees: all frames of the video, or as many as training, evenly spaced");
}

class FrameSampling : public Extra {
 public:
  FrameSampling(const BuildContext& context, const FrameSamplingOptions& options)
      : options_(options) {
    if (context.video_level) {
      throw SpecError("extras.frame_sampling: video-level data has no frames; leave it out");
    }
  }

  // Before all other work on the input, which is then on fewer frames.
  [[nodiscard]] int order() const override { return -20; }

  Sequence OnInput(Sequence sequence) override {
    if (!is_training() && options_.evaluation == "all") return sequence;
    if (options_.frames == 0) return StridedFrames(sequence, options_.stride, options_.skip_ends);
    const torch::Tensor lengths = sequence.mask.sum(1, /*keepdim=*/true);
    const torch::Tensor begin = (lengths - 1).div(2, "floor").clamp_max(options_.skip_ends);
    const torch::Tensor candidates = StridedLengths(lengths, options_.stride, options_.skip_ends);
    const torch::Tensor index = begin + Positions(candidates) * options_.stride;
    const torch::Tensor frames =
        sequence.frames.gather(1, index.unsqueeze(-1).expand({-1, -1, sequence.frames.size(2)}));
    return {frames, torch::ones(index.sizes(), sequence.mask.options()),
            torch::full({index.size(0)}, options_.frames, torch::kLong)};
  }

 private:
  /// Which of each video's candidates, whose numbers are [batch, 1], are taken: [batch, frames].
  [[nodiscard]] torch::Tensor Positions(const torch::Tensor& candidates) const {
    const auto floats = torch::TensorOptions().device(candidates.device());
    torch::Tensor share;
    if (is_training()) {
      share = torch::rand({candidates.size(0), options_.frames}, floats);
      if (options_.order == "time") share = std::get<0>(share.sort(1));
    } else {
      share = ((torch::arange(options_.frames, floats) + 0.5) / options_.frames).unsqueeze(0);
    }
    // U * n may be rounded up to n in a float, though U is below 1.
    return torch::minimum((share * candidates).floor().to(torch::kLong), candidates - 1);
  }

  FrameSamplingOptions options_;
};

REGISTER_COMPONENT(Extra, "frame_sampling", FrameSampling, FrameSamplingOptions,
                   {.label = "frames",
                    .source = "Zhao 2017, Deep Multimodal Learning: An Effective Method for Video "
                              "Classification, future work; Miech et al. 2017, Learnable pooling "
                              "with Context Gating, code; Conde et al. 2019, Multi-attention "
                              "Networks for Temporal Localization of Video-level Labels, code",
                    .help = "Training sees some frames of each video: drawn at random, every "
                            "stride-th, or drawn from these. Reading: evaluation sees all of them, "
                            "or evenly spaced ones."});

}  // namespace
}  // namespace beamgrid::trainer
