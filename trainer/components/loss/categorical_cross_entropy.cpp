// Categorical cross entropy: minus the mean over the batch of log(p_y + e), e = 1e-5, y the video's
// class. Of a video with several labels the mean over them, -1/|Y| sum_{y in Y} log(p_y + e)
// (Mahajan et al. 2018, Exploring the Limits of Weakly Supervised Pretraining, section 2.3).
// [reading] e bounds a video's loss by 11.5, as in the other losses here.

#include "trainer/component.h"
#include "trainer/components/loss/element_cross_entropy.h"

namespace beamgrid::trainer {
namespace {

struct CategoricalCrossEntropyOptions {};

void Describe(Fields& /*fields*/, CategoricalCrossEntropyOptions& /*options*/) {}

class CategoricalCrossEntropy : public Loss {
 public:
  CategoricalCrossEntropy(const BuildContext& /*context*/,
                          const CategoricalCrossEntropyOptions& /*options*/) {}

  torch::Tensor forward(const torch::Tensor& probabilities, const torch::Tensor& /*embedding*/,
                        const Targets& targets) override {
    // Where the label is 1 the element's cross entropy is -log(p + e); the others do not count.
    const torch::Tensor cells = ElementCrossEntropy(probabilities, targets);
    const torch::Tensor labels = targets.labels.to(cells.scalar_type());
    const torch::Tensor share = labels / labels.sum(1, /*keepdim=*/true).clamp_min(1);
    return MeanOverVideos(Weighted(cells * share, targets));
  }
};

REGISTER_COMPONENT(
    Loss, "categorical_cross_entropy", CategoricalCrossEntropy, CategoricalCrossEntropyOptions,
    {.label = "CCE",
     .source = "Mahajan et al. 2018, Exploring the Limits of Weakly Supervised "
               "Pretraining, section 2.3",
     .help = "Minus the logarithm of the probability of the video's class, mean over "
             "the batch; of several labels their mean. For the classifier softmax; "
             "1e-5 is added inside the logarithm."});

}  // namespace
}  // namespace beamgrid::trainer
