// -mean over the batch of the sum over classes of y log(p + e) + (1 - y) log(1 - p + e), e = 1e-5
// (YouTube-8M starter code's CrossEntropyLoss). The sum makes typical values tens.

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

constexpr double kEpsilon = 1e-5;

struct CrossEntropyOptions {};

void Describe(Fields& /*fields*/, CrossEntropyOptions& /*options*/) {}

class CrossEntropy : public Loss {
 public:
  CrossEntropy(const BuildContext& /*context*/, const CrossEntropyOptions& /*options*/) {}

  torch::Tensor forward(const torch::Tensor& probabilities, const torch::Tensor& /*embedding*/,
                        const Targets& targets) override {
    // At least fp32: epsilon vanishes beside 1 in half precision.
    const torch::Tensor p =
        probabilities.to(torch::promoteTypes(probabilities.scalar_type(), torch::kFloat));
    // Labels are 0 or 1, so one logarithm serves both terms.
    const torch::Tensor right = torch::where(targets.labels > 0.5, p, 1 - p);
    return (right + kEpsilon).log().sum() / -static_cast<double>(p.size(0));
  }
};

REGISTER_COMPONENT(Loss, "cross_entropy", CrossEntropy, CrossEntropyOptions,
                   {.source = "YouTube-8M starter code, CrossEntropyLoss",
                    .help = "Binary cross entropy summed over the classes, mean over the batch; "
                            "1e-5 is added inside the logarithms."});

}  // namespace
}  // namespace beamgrid::trainer
