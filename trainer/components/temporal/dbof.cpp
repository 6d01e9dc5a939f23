// Deep bag of frames (Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video Classification
// Benchmark, section 4.1.2; equations after the starter code's DbofModel):
//   x_t = BN(f_t)
//   a_t = act(BN(x_t W))              W: D x clusters, no bias
//   p   = max_t a_t, or mean_t a_t
//   e   = act(BN(p H))                H: clusters x hidden, no bias
// act: min(max(x, 0), 6) until 2018, sigmoid in the 2019 code. Training draws 30 frames of each
// video with replacement from the valid ones.
//
// [reading] The starter code draws in evaluation too, which makes scores random; here evaluation
// pools all valid frames.

#include "trainer/batch_norm.h"
#include "trainer/component.h"
#include "trainer/components/linear_layers.h"
#include "trainer/components/temporal/frame_sampling.h"
#include "trainer/ops.h"
#include "trainer/valid_rows.h"

namespace beamgrid::trainer {
namespace {

struct DbofOptions {
  std::int64_t clusters = 8192;
  std::int64_t hidden = 1024;
  std::string activation = "relu6";
  std::string pooling = "max";
  std::int64_t sample_frames = 30;
};

void Describe(Fields& f, DbofOptions& o) {
  f("clusters", o.clusters, Range{1, 65536}, "width that each frame is projected to").Tag("C");
  f("hidden", o.hidden, Range{1, 8192}, "width of the embedding").Tag("H");
  f("activation", o.activation, Choices{{"relu6", "sigmoid"}},
    "after both layers; sigmoid is the starter code's of 2019");
  f("pooling", o.pooling, Choices{{"max", "mean"}}, "of the projected frames");
  f("sample_frames", o.sample_frames, Range{0, 9999},
    "training sees that many frames of each video, drawn with replacement; 0: all valid frames. "
    "Evaluation always sees all of them (reading)")
      .Tag("S");
}

class Dbof : public Temporal {
 public:
  Dbof(const BuildContext& context, const DbofOptions& options)
      : options_(options),
        input_norm_(register_module("input_norm", BatchNorm(context.input_width))),
        to_clusters_(register_module(
            "to_clusters", NormalLinearWithoutBias(context.input_width, options.clusters))),
        cluster_norm_(register_module("cluster_norm", BatchNorm(options.clusters))),
        to_hidden_(register_module("to_hidden",
                                   NormalLinearWithoutBias(options.clusters, options.hidden))),
        hidden_norm_(register_module("hidden_norm", BatchNorm(options.hidden))) {}

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const bool samples = is_training() && options_.sample_frames > 0;
    const torch::Tensor pooled =
        Pool(samples ? SampleFrames(input, options_.sample_frames) : input);
    return Activate(hidden_norm_(to_hidden_(pooled)));
  }

  [[nodiscard]] std::int64_t output_width() const override { return options_.hidden; }

 private:
  /// -> [batch, clusters]
  torch::Tensor Pool(const Sequence& input) {
    const ValidRows valid(input.mask);
    const torch::Tensor projected = to_clusters_(input_norm_(valid.Gather(input.frames)));
    // Activated before it is scattered: sigmoid(0) is not 0, and padding must be.
    const torch::Tensor frames = valid.Scatter(Activate(cluster_norm_(projected)));
    return options_.pooling == "max" ? MaskedMax(frames, input.mask)
                                     : MaskedMean(frames, input.mask);
  }

  [[nodiscard]] torch::Tensor Activate(const torch::Tensor& values) const {
    return options_.activation == "sigmoid" ? values.sigmoid() : values.clamp(0, 6);
  }

  DbofOptions options_;
  BatchNorm input_norm_;
  Linear to_clusters_;
  BatchNorm cluster_norm_;
  Linear to_hidden_;
  BatchNorm hidden_norm_;
};

REGISTER_COMPONENT(Temporal, "dbof", Dbof, DbofOptions,
                   {.label = "DBoF",
                    .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video "
                              "Classification Benchmark, section 4.1.2; starter code's DbofModel",
                    .help = "Deep bag of frames: frames projected to many clusters, pooled over "
                            "the video and projected again. Reading: frames are sampled in "
                            "training only, so that evaluation is repeatable."});

}  // namespace
}  // namespace beamgrid::trainer
