// Videos backwards, in training only (Conde et al. 2019, Multi-attention Networks for Temporal
// Localization of Video-level Labels, future work: "reverse video"): with probability `rate` a
// video's n valid frames become x_n .. x_1. For each video of a batch anew.

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct TimeReversalOptions {
  double rate = 0.5;
};

void Describe(Fields& f, TimeReversalOptions& o) {
  f("rate", o.rate, Range{0, 1}, "share of the videos that are seen backwards").AlwaysNamed();
}

class TimeReversal : public Extra {
 public:
  TimeReversal(const BuildContext& context, const TimeReversalOptions& options)
      : rate_(options.rate) {
    if (context.video_level) {
      throw SpecError("extras.time_reversal: video-level data has no frames; leave it out");
    }
  }

  // Behind frame_sampling (-20): fewer frames are moved.
  [[nodiscard]] int order() const override { return -15; }

  Sequence OnInput(Sequence sequence) override {
    if (!is_training()) return sequence;
    const torch::Tensor& frames = sequence.frames;
    // On the CPU: the same videos whatever the device.
    const torch::Tensor backwards = (torch::rand({frames.size(0), 1}) < rate_).to(frames.device());
    const torch::Tensor length = sequence.mask.sum(1, /*keepdim=*/true);
    const torch::Tensor forward = torch::arange(frames.size(1), length.options()).unsqueeze(0);
    // Padding stays where it is.
    const torch::Tensor index =
        torch::where(backwards.logical_and(sequence.mask), length - 1 - forward, forward);
    sequence.frames = frames.gather(1, index.unsqueeze(-1).expand_as(frames));
    return sequence;
  }

 private:
  double rate_;
};

REGISTER_COMPONENT(Extra, "time_reversal", TimeReversal, TimeReversalOptions,
                   {.label = "reversed",
                    .source = "Conde et al. 2019, Multi-attention Networks for Temporal "
                              "Localization of Video-level Labels, future work",
                    .help = "Training sees a share of the videos backwards."});

}  // namespace
}  // namespace beamgrid::trainer
