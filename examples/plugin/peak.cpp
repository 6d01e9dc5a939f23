// Peak frame: the frame with the largest norm (our own example).

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct PeakOptions {
  double power = 2;
};

void Describe(Fields& field, PeakOptions& o) {
  field("power", o.power, Range{1, 8}, "exponent of the norm").Tag("p");
}

class Peak : public Temporal {
 public:
  Peak(const BuildContext& context, PeakOptions options)
      : width_(context.input_width), options_(options) {}

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    auto norm = input.frames.abs().pow(options_.power).sum(2);  // [batch, frames]
    norm = norm.masked_fill(input.mask.logical_not(), -1);      // padding never wins
    const auto index = norm.argmax(1).view({-1, 1, 1}).expand({-1, 1, width_});
    return input.frames.gather(1, index).squeeze(1);  // [batch, width]
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  std::int64_t width_;
  PeakOptions options_;
};

REGISTER_COMPONENT(Temporal, "peak", Peak, PeakOptions,
                   {.label = "Peak",
                    .source = "none: an example",
                    .help = "The frame with the largest norm."});

}  // namespace
}  // namespace beamgrid::trainer
