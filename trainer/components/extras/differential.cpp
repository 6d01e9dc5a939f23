// Differential features, x'_t = [x_t ; (2 x_t - x_{t-1} - x_{t+1}) / 2] (Kim et al. 2018, equation
// 9). [reading] The paper says neither whether frames are normalised before nor what stands beyond
// a video's ends: here frames are L2-normalised before, the result is not, and the first and last
// valid frame are repeated. With zeros beyond the ends the last frame of every video would show a
// jump of half its norm.

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct DifferentialOptions {};

void Describe(Fields& /*fields*/, DifferentialOptions& /*options*/) {}

class Differential : public Extra {
 public:
  Differential(const BuildContext& context, const DifferentialOptions& /*options*/) {
    if (context.video_level) {
      throw SpecError(
          "extras.differential compares neighbouring frames, and video-level data has none; leave "
          "it out");
    }
  }

  std::int64_t BuildSequence(std::int64_t width) override { return 2 * width; }

  Sequence OnSequence(Sequence sequence) override {
    const torch::Tensor& frames = sequence.frames;
    const std::int64_t count = frames.size(1);
    const torch::Tensor previous =
        torch::cat({frames.narrow(1, 0, 1), frames.narrow(1, 0, count - 1)}, 1);
    const torch::Tensor shifted =
        torch::cat({frames.narrow(1, 1, count - 1), frames.narrow(1, count - 1, 1)}, 1);
    const torch::Tensor has_next = torch::cat(
        {sequence.mask.narrow(1, 1, count - 1), torch::zeros_like(sequence.mask.narrow(1, 0, 1))},
        1);
    // Per video: the frame behind the last valid one is padding in all but the longest.
    const torch::Tensor next = torch::where(has_next.unsqueeze(-1), shifted, frames);
    const torch::Tensor difference = ZeroPadding(frames - (previous + next) / 2, sequence.mask);
    sequence.frames = torch::cat({frames, difference}, -1);
    return sequence;
  }
};

REGISTER_COMPONENT(Extra, "differential", Differential, DifferentialOptions,
                   {.label = "diff",
                    .source = "Kim et al. 2018, equation 9",
                    .help = "Concatenates to each frame its second difference over time; width "
                            "doubles. Reading: the first and last valid frame are repeated at the "
                            "borders."});

}  // namespace
}  // namespace beamgrid::trainer
