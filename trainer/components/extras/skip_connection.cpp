// Skip connections past the temporal component or inside it.
//
// [reading] Kim et al. 2018 name skip connections without a definition. Here a recurrent stack adds
// each layer's input to its output itself; for anything else the mean of the frames that the
// temporal component received is concatenated to its embedding. In late fusion that mean is
// concatenated if any of the stacks has no layer as wide as its input.

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct SkipConnectionOptions {};

void Describe(Fields& /*fields*/, SkipConnectionOptions& /*options*/) {}

class SkipConnection : public Extra {
 public:
  SkipConnection(const BuildContext& context, const SkipConnectionOptions& /*options*/) {
    if (context.video_level) {
      throw SpecError(
          "extras.skip_connection skips the temporal component, and video-level data has none; "
          "leave it out");
    }
  }

  // First of the extras on the embedding: the frames' mean is normalised, gated and dropped with
  // it.
  [[nodiscard]] int order() const override { return 10; }

  void OnTemporalBuilt(const Temporal& temporal) override {
    outside_ |= !temporal.adds_skip_connections();
  }

  std::int64_t BuildEmbedding(std::int64_t sequence_width, std::int64_t width) override {
    return outside_ ? width + sequence_width : width;
  }

  torch::Tensor OnEmbedding(torch::Tensor embedding, const Sequence& sequence) override {
    if (!outside_) return embedding;
    torch::Tensor mean = MaskedMean(sequence.frames, sequence.mask);
    if (embedding.dim() == 3) mean = mean.unsqueeze(1).expand({-1, embedding.size(1), -1});
    return torch::cat({embedding, mean}, -1);
  }

 private:
  bool outside_ = false;  ///< true where some stream's temporal component adds none itself
};

REGISTER_COMPONENT(Extra, "skip_connection", SkipConnection, SkipConnectionOptions,
                   {.label = "skip",
                    .source = "Kim et al. 2018, section 4.2 (named, not defined)",
                    .help = "Reading: recurrent stacks add each layer's input to its output; "
                            "elsewhere the mean frame is concatenated to the embedding."});

}  // namespace
}  // namespace beamgrid::trainer
