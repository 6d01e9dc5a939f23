// Two components that cannot be in the catalogue: one has the name of one of ours, the other's
// options cannot be listed.

#include <stdexcept>

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct NoOptions {};
void Describe(Fields& /*field*/, NoOptions& /*o*/) {}

struct ThrowingOptions {};
void Describe(Fields& /*field*/, ThrowingOptions& /*o*/) {
  throw std::runtime_error("no options today");
}

template <typename Options>
class Nothing : public Temporal {
 public:
  Nothing(const BuildContext& /*context*/, Options /*options*/) {}
  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    return input.frames.sum(1);
  }
  [[nodiscard]] std::int64_t output_width() const override { return 1; }
};

using SecondMean = Nothing<NoOptions>;
REGISTER_COMPONENT(Temporal, "mean", SecondMean, NoOptions, {.help = "a second one"});

using Throwing = Nothing<ThrowingOptions>;
REGISTER_COMPONENT(Temporal, "throwing", Throwing, ThrowingOptions, {.help = "throws"});

}  // namespace
}  // namespace beamgrid::trainer
