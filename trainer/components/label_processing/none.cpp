// No label processing, the default: the classifier's probabilities are final.

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct NoneOptions {};

void Describe(Fields& /*fields*/, NoneOptions& /*options*/) {}

class None : public LabelProcessing {
 public:
  None(const BuildContext& /*context*/, const NoneOptions& /*options*/) {}

  torch::Tensor forward(torch::Tensor probabilities) override { return probabilities; }
};

REGISTER_COMPONENT(LabelProcessing, "none", None, NoneOptions,
                   {.help = "The classifier's probabilities as they are."});

}  // namespace
}  // namespace beamgrid::trainer
