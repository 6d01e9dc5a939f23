// Binary cross entropy, minus the mean over the batch of the sum over classes of
//   2 [a y log(p + e) + (1 - a) (1 - y) log(1 - p + e)],  e = 1e-5
// a = 1/2 is the YouTube-8M starter code's CrossEntropyLoss; another a weighs labels against their
// absence (Miech et al. 2017, code). The sum makes typical values tens.

#include "trainer/component.h"
#include "trainer/components/loss/element_cross_entropy.h"

namespace beamgrid::trainer {
namespace {

struct CrossEntropyOptions {
  double alpha = 0.5;
};

void Describe(Fields& f, CrossEntropyOptions& o) {
  f("alpha", o.alpha, Range{0, 1},
    "share of the labels that are there against those that are not; 0.5 = plain cross entropy")
      .Tag("a");
}

class CrossEntropy : public Loss {
 public:
  CrossEntropy(const BuildContext& /*context*/, const CrossEntropyOptions& options)
      : alpha_(options.alpha) {}

  torch::Tensor forward(const torch::Tensor& probabilities, const torch::Tensor& /*embedding*/,
                        const Targets& targets) override {
    torch::Tensor cells = ElementCrossEntropy(probabilities, targets);
    // 2 a where the label is there, 2 (1 - a) elsewhere. At a = 1/2 both factors are 1.
    if (alpha_ != 0.5) {
      const torch::Tensor present = (targets.labels > 0.5).to(cells.scalar_type());
      cells = cells * (present * (4 * alpha_ - 2) + 2 * (1 - alpha_));
    }
    return MeanOverVideos(Weighted(cells, targets));
  }

 private:
  double alpha_;
};

REGISTER_COMPONENT(Loss, "cross_entropy", CrossEntropy, CrossEntropyOptions,
                   {.source = "YouTube-8M starter code, CrossEntropyLoss; alpha: Miech et al. "
                              "2017, Learnable pooling with Context Gating, code",
                    .help = "Binary cross entropy summed over the classes, mean over the batch; "
                            "1e-5 is added inside the logarithms."});

}  // namespace
}  // namespace beamgrid::trainer
