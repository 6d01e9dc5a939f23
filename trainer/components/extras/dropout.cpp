// Dropout (Srivastava et al. 2014) of the embedding, or of the frames with one mask for all frames
// of a video (Gal and Ghahramani 2016).

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct DropoutOptions {
  double rate = 0.5;
  std::string on = "embedding";
};

void Describe(Fields& f, DropoutOptions& o) {
  f("rate", o.rate, Range{0, 0.95}, "share of the values set to 0 in training").AlwaysNamed();
  f("on", o.on, Choices{{"embedding", "frames", "both"}},
    "what loses values: the video's embedding; the temporal component's input, the same values in "
    "all frames of a video (variational); or both");
}

class DropoutExtra : public Extra {
 public:
  DropoutExtra(const BuildContext& context, const DropoutOptions& options) : options_(options) {
    if (context.video_level && options.on != "embedding") {
      throw SpecError("extras.dropout: on = " + options.on +
                      ": video-level data has no frames; use on = embedding");
    }
  }

  // Last of the extras on the embedding: right before the classifier.
  [[nodiscard]] int order() const override { return 40; }

  Sequence OnSequence(Sequence sequence) override {
    if (options_.on == "embedding" || !is_training()) return sequence;
    // Dropout of ones is the mask with its factor 1 / (1 - rate).
    const torch::Tensor kept = torch::dropout(torch::ones_like(sequence.frames.select(1, 0)),
                                              options_.rate, /*train=*/true);
    sequence.frames = sequence.frames * kept.unsqueeze(1);
    return sequence;
  }

  torch::Tensor OnEmbedding(torch::Tensor embedding, const Sequence& /*sequence*/) override {
    if (options_.on == "frames") return embedding;
    return torch::dropout(embedding, options_.rate, is_training());
  }

 private:
  DropoutOptions options_;
};

REGISTER_COMPONENT(Extra, "dropout", DropoutExtra, DropoutOptions,
                   {.label = "Dropout",
                    .source = "Srivastava et al. 2014, Dropout; listed by Kim et al. 2018, section "
                              "4.2; on frames: Gal and Ghahramani 2016",
                    .help = "Dropout of the video's embedding, right before the classifier, or of "
                            "the frames. The rate is what is dropped, not what is kept."});

}  // namespace
}  // namespace beamgrid::trainer
