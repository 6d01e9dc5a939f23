// A component that does not come back from a batch, as on a GPU or a file system that is wedged.

#include <unistd.h>

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct StandstillOptions {
  std::int64_t batches = 1;
};
void Describe(Fields& field, StandstillOptions& o) {
  field("batches", o.batches, Range{0, 1000}, "how many it takes before it stands still");
}

class Standstill : public Temporal {
 public:
  Standstill(const BuildContext& context, StandstillOptions options)
      : width_(context.input_width), left_(options.batches) {}
  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    while (left_ == 0) ::pause();
    --left_;
    return input.frames.sum(1);
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  std::int64_t width_, left_;
};

REGISTER_COMPONENT(Temporal, "standstill", Standstill, StandstillOptions, {.help = "stands still"});

}  // namespace
}  // namespace beamgrid::trainer
