// Pseudo-Huber loss, H(L) = delta^2 (sqrt(1 + (L / delta)^2) - 1) (Na et al. 2017, eq. 23):
// quadratic for small cross entropies L, linear for large ones, so that labels which contradict a
// certain model (noise) weigh less.
//
// [reading] The paper leaves open what L is. Its code takes the cross entropy of each class, then
// sums over the classes and averages over the batch, which is the default here. "total" takes a
// video's cross entropy summed over the classes; with its typical values of 10 that is close to
// linear.
//
// Written as L^2 / (sqrt(1 + (L / delta)^2) + 1), the same without the difference of two numbers
// near 1: most of the cells are far below delta.

#include "trainer/component.h"
#include "trainer/components/loss/element_cross_entropy.h"

namespace beamgrid::trainer {
namespace {

struct PseudoHuberOptions {
  double delta = 0.5;
  std::string of = "element";
};

void Describe(Fields& f, PseudoHuberOptions& o) {
  f("delta", o.delta, Range{1e-6, 1e6}, "cross entropy from which on the loss is about linear")
      .AlwaysNamed();
  f("of", o.of, Choices{{"element", "total"}},
    "element = of each class's cross entropy; total = of a video's sum over the classes");
}

class PseudoHuber : public Loss {
 public:
  PseudoHuber(const BuildContext& /*context*/, const PseudoHuberOptions& options)
      : options_(options) {}

  torch::Tensor forward(const torch::Tensor& probabilities, const torch::Tensor& /*embedding*/,
                        const Targets& targets) override {
    const torch::Tensor cells = ElementCrossEntropy(probabilities, targets);
    if (options_.of == "total") return MeanOverVideos(Huber(Weighted(cells, targets).sum(1)));
    return MeanOverVideos(Weighted(Huber(cells), targets));
  }

 private:
  [[nodiscard]] torch::Tensor Huber(const torch::Tensor& loss) const {
    return loss.square() / (((loss / options_.delta).square() + 1).sqrt() + 1);
  }

  PseudoHuberOptions options_;
};

REGISTER_COMPONENT(Loss, "pseudo_huber", PseudoHuber, PseudoHuberOptions,
                   {.label = "Huber",
                    .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label "
                              "Video Classification on YouTube-8M dataset, section 2.5.2",
                    .help = "A smooth Huber function of the cross entropy. Reading: of each "
                            "class's cross entropy, as in the authors' code."});

}  // namespace
}  // namespace beamgrid::trainer
