// Segments left out, in training only (Conde et al. 2019, Multi-attention Networks for Temporal
// Localization of Video-level Labels, future work: "drop random segments"): a video is cut into
// segments of `length` frames, each is left out with probability `rate`, and what remains closes
// up. [reading] A video that would lose all of its segments keeps all.

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct SegmentDropoutOptions {
  double rate = 0.1;
  std::int64_t length = 5;
};

void Describe(Fields& f, SegmentDropoutOptions& o) {
  f("rate", o.rate, Range{0, 0.95}, "share of the segments that are left out").AlwaysNamed();
  f("length", o.length, Range{1, 9999},
    "frames of a segment, the last one may be shorter; 5: the dataset's own")
      .Tag("seg");
}

class SegmentDropout : public Extra {
 public:
  SegmentDropout(const BuildContext& context, const SegmentDropoutOptions& options)
      : options_(options) {
    if (context.video_level) {
      throw SpecError("extras.segment_dropout: video-level data has no frames; leave it out");
    }
  }

  // Before frame_sampling (-20), which draws from what is left.
  [[nodiscard]] int order() const override { return -25; }

  Sequence OnInput(Sequence sequence) override {
    if (!is_training()) return sequence;
    const std::int64_t frames = sequence.frames.size(1);
    // All on the CPU: the lengths are needed there, and the same segments go whatever the device.
    const torch::Tensor t = torch::arange(frames, torch::kLong).unsqueeze(0);
    const torch::Tensor valid = t < sequence.lengths.unsqueeze(1);
    const torch::Tensor kept_segments =
        torch::rand({valid.size(0), (frames - 1) / options_.length + 1}) >= options_.rate;
    torch::Tensor kept = kept_segments.gather(1, t.div(options_.length, "floor").expand_as(valid))
                             .logical_and(valid);
    kept = torch::where(kept.any(1, /*keepdim=*/true), kept, valid);
    const torch::Tensor lengths = kept.sum(1);
    const std::int64_t longest = lengths.max().item<std::int64_t>();
    // Kept frames first, both in the order of time.
    const torch::Tensor order =
        std::get<1>((t + kept.logical_not().to(torch::kLong) * frames).sort(1))
            .narrow(1, 0, longest);
    const torch::Tensor mask =
        (t.narrow(1, 0, longest) < lengths.unsqueeze(1)).to(sequence.mask.device());
    const torch::Tensor index =
        order.to(sequence.frames.device()).unsqueeze(-1).expand({-1, -1, sequence.frames.size(2)});
    return {ZeroPadding(sequence.frames.gather(1, index), mask), mask, lengths};
  }

 private:
  SegmentDropoutOptions options_;
};

REGISTER_COMPONENT(Extra, "segment_dropout", SegmentDropout, SegmentDropoutOptions,
                   {.label = "cut",
                    .source = "Conde et al. 2019, Multi-attention Networks for Temporal "
                              "Localization of Video-level Labels, future work",
                    .help = "Training sees videos without a random share of their segments."});

}  // namespace
}  // namespace beamgrid::trainer
