// The mean over time, o = 1/n sum_t I_t over the n valid frames.

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct MeanOptions {};

void Describe(Fields& /*fields*/, MeanOptions& /*options*/) {}

class Mean : public Temporal {
 public:
  Mean(const BuildContext& context, const MeanOptions& /*options*/) : width_(context.input_width) {}

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    return MaskedMean(input.frames, input.mask);
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

  /// The frames themselves: with many_to_many, the frame-level logistic model of the starter code.
  [[nodiscard]] std::int64_t states_width() const override { return width_; }
  Sequence States(const Sequence& input, const Targets& /*targets*/) override { return input; }

 private:
  std::int64_t width_;
};

REGISTER_COMPONENT(Temporal, "mean", Mean, MeanOptions,
                   {.label = "Mean",
                    .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video "
                              "Classification Benchmark, video-level mean",
                    .help = "The mean of the valid frames. Unlike the video-level features, each "
                            "frame is normalised before it is averaged."});

}  // namespace
}  // namespace beamgrid::trainer
