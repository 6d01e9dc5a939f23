// Noise on the input, in training only (Conde et al. 2019, Multi-attention Networks for Temporal
// Localization of Video-level Labels; N(0, 1e-3) in the authors' code):
//   x_t + n_t,  n_t ~ N(0, stddev^2 I) for each valid frame
// [reading] The notation may mean a variance, and the place of the noise is not said: here 1e-3 is
// the standard deviation, and the noise comes after the frames' normalisation.

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct InputNoiseOptions {
  double stddev = 0.001;
};

void Describe(Fields& f, InputNoiseOptions& o) {
  f("stddev", o.stddev, Range{0, 10},
    "standard deviation of the noise on each value; the values of a frame have the norm 1 together")
      .AlwaysNamed();
}

class InputNoise : public Extra {
 public:
  InputNoise(const BuildContext& /*context*/, const InputNoiseOptions& options)
      : stddev_(options.stddev) {}

  Sequence OnInput(Sequence sequence) override {
    if (!is_training()) return sequence;
    const torch::Tensor noise = torch::randn_like(sequence.frames) * stddev_;
    // Padding stays 0: noise there would tell a component how long the padding is.
    sequence.frames = sequence.frames + ZeroPadding(noise, sequence.mask);
    return sequence;
  }

 private:
  double stddev_;
};

REGISTER_COMPONENT(Extra, "input_noise", InputNoise, InputNoiseOptions,
                   {.label = "noise",
                    .source = "Conde et al. 2019, Multi-attention Networks for Temporal "
                              "Localization of Video-level Labels (authors' code)",
                    .help = "Gaussian noise on the valid input frames, in training only. Reading: "
                            "after normalisation."});

}  // namespace
}  // namespace beamgrid::trainer
