// The maximum over time, o_j = max_t I_tj over the valid frames. Padding is excluded: its zeros
// would hide a component that is negative in all frames.

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct MaxOptions {};

void Describe(Fields& /*fields*/, MaxOptions& /*options*/) {}

class Max : public Temporal {
 public:
  Max(const BuildContext& context, const MaxOptions& /*options*/) : width_(context.input_width) {}

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    return MaskedMax(input.frames, input.mask);
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  std::int64_t width_;
};

REGISTER_COMPONENT(Temporal, "max", Max, MaxOptions,
                   {.label = "Max",
                    .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video "
                              "Classification Benchmark, pooling of frames",
                    .help = "The maximum of the valid frames, each component for itself."});

}  // namespace
}  // namespace beamgrid::trainer
