#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct DropoutOptions {
  double rate = 0.5;
};

void Describe(Fields& f, DropoutOptions& o) {
  f("rate", o.rate, Range{0, 0.95}, "share of the embedding's values set to 0 in training")
      .AlwaysNamed();
}

class DropoutExtra : public Extra {
 public:
  DropoutExtra(const BuildContext& /*context*/, const DropoutOptions& options)
      : rate_(options.rate) {}

  [[nodiscard]] int order() const override { return 40; }

  torch::Tensor OnEmbedding(torch::Tensor embedding, const Sequence& /*sequence*/) override {
    return torch::dropout(embedding, rate_, is_training());
  }

 private:
  double rate_;
};

REGISTER_COMPONENT(Extra, "dropout", DropoutExtra, DropoutOptions,
                   {.label = "Dropout",
                    .source = "Srivastava et al. 2014, Dropout; listed by Kim et al. 2018, "
                              "section 4.2",
                    .help = "Dropout of the video's embedding, right before the classifier. The "
                            "rate is what is dropped, not what is kept."});

}  // namespace
}  // namespace beamgrid::trainer
