// Multi-attention (Team Locust: Conde et al. 2019, Multi-attention Networks for Temporal
// Localization of Video-level Labels; equations after the authors' code). For each feature of width
// F, M sets of attention over the frames, which share the bottleneck R:
//   x_t  = BN(f_t)                                        f_t: the frame, all features
//   u_t  = BN(x_t R)                                      R: F x c
//   s_tm = w_m . (tanh(u_t V_m) o sigmoid(u_t G_m))       V_m, G_m: c x c/2
//   a_m  = softmax_t(s_tm), or sparsemax_t(s_tm)          over the valid frames
//   p_m  = sum_t a_tm x_t                                 the normalised frames, not u_t
// and with the p_m of all features side by side, for each set alike:
//   h_m  = BN(W p_m),   e_m = h_m o sigmoid(BN(C h_m))
// The classifier scores each e_m, and a class's best set counts.
//
// [reading] c is 256 for 1024 and 64 for 128 in the authors' code; for other widths it is a
// quarter, at least 64 and at most the width itself. [reading] Of a video of at most 2 * skip_ends
// frames the code would draw from an empty range: here its middle frames are drawn. The code leaves
// every batch norm in training mode for predictions; here it has running statistics then.

#include <algorithm>

#include "trainer/batch_norm.h"
#include "trainer/component.h"
#include "trainer/components/linear_layers.h"
#include "trainer/components/temporal/frame_sampling.h"
#include "trainer/ops.h"
#include "trainer/sparsemax.h"
#include "trainer/valid_rows.h"

namespace beamgrid::trainer {
namespace {

struct MultiAttentionOptions {
  std::int64_t sets = 8;
  std::string attention = "softmax";
  std::int64_t hidden = 1024;
  OptionValue bottleneck = "auto";
  std::int64_t sample_frames = 0;
  std::int64_t skip_ends = 0;
  std::int64_t stride = 1;
};

void Describe(Fields& f, MultiAttentionOptions& o) {
  f("sets", o.sets, Range{1, 256}, "sets of attention weights; 1 is the authors' \"attention\"")
      .AlwaysNamed();
  f("attention", o.attention, Choices{{"softmax", "sparsemax"}},
    "how scores become weights; sparsemax gives most frames exactly 0");
  f("hidden", o.hidden, Range{1, 8192}, "width of a set's embedding").Tag("H");
  f("bottleneck", o.bottleneck, Range{2, 4096}, Choices{{"auto"}},
    "width in which a feature's frames are scored; auto: a quarter of the feature's, at least 64 "
    "(the authors' 256 for 1024 and 64 for 128)")
      .Tag("c");
  f("sample_frames", o.sample_frames, Range{0, 9999},
    "training sees that many frames of each video, drawn with replacement (the authors' first "
    "phase: 120); 0: all valid frames. Evaluation always sees all of them")
      .Tag("S");
  f("skip_ends", o.skip_ends, Range{0, 9999},
    "frames at each end that are never drawn (the authors: 15); short videos keep their middle");
  f("stride", o.stride, Range{1, 999},
    "training sees every so many-th frame (the slides' \"subsampling\"; 5 is a step in the "
    "authors' code); 1: all valid frames. Evaluation always sees all of them");
}

std::int64_t Bottleneck(std::int64_t width, const OptionValue& wanted) {
  constexpr std::int64_t kSmallest = 64;
  if (wanted.is_int64()) return wanted.get_int64();
  return std::min(width, std::max(kSmallest, width / 4));
}

/// Widths of what is scored apart: the features where the frames still consist of them.
std::vector<std::int64_t> Parts(const BuildContext& context) {
  std::vector<std::int64_t> widths;
  std::int64_t sum = 0;
  for (const auto& [name, width] : context.features) {
    widths.push_back(width);
    sum += width;
  }
  // A fusion or an extra may have changed the frames: then no column belongs to one feature.
  return sum == context.input_width ? widths : std::vector<std::int64_t>{context.input_width};
}

/// Scores of the frames of one feature, a column for each set.
class GatedScores : public torch::nn::Module {
 public:
  GatedScores(std::int64_t width, std::int64_t bottleneck, std::int64_t sets)
      : sets_(sets), inner_(std::max<std::int64_t>(1, bottleneck / 2)) {
    reduction_ = register_module("reduction", NormalLinearWithoutBias(width, bottleneck));
    norm_ = register_module("norm", BatchNorm(bottleneck));
    value_ = register_module("value", NormalLinearWithoutBias(bottleneck, sets * inner_));
    gate_ = register_module("gate", NormalLinearWithoutBias(bottleneck, sets * inner_));
    weight_ = register_parameter("weight", torch::empty({sets, inner_}));
    InitialiseNormal(weight_, inner_);
  }

  /// [rows, width] -> [rows, sets]
  torch::Tensor forward(const torch::Tensor& rows) {
    const torch::Tensor reduced = norm_(reduction_(rows));
    const torch::Tensor gated = value_(reduced).tanh() * gate_(reduced).sigmoid();
    return (gated.view({-1, sets_, inner_}) * weight_).sum(-1);
  }

 private:
  std::int64_t sets_, inner_;
  Linear reduction_{nullptr};
  BatchNorm norm_{nullptr};
  Linear value_{nullptr}, gate_{nullptr};  // all sets side by side
  torch::Tensor weight_;                   // [sets, inner]
};

class MultiAttention : public Temporal {
 public:
  MultiAttention(const BuildContext& context, const MultiAttentionOptions& options)
      : options_(options), widths_(Parts(context)) {
    if (options.stride > 1 && options.sample_frames > 0) {
      throw SpecError(
          "temporal 'multi_attention': sample_frames draws frames and stride takes every so "
          "many-th; leave out one of them");
    }
    if (options.skip_ends > 0 && options.sample_frames == 0 && options.stride == 1) {
      throw SpecError(
          "temporal 'multi_attention': skip_ends = " + std::to_string(options.skip_ends) +
          " says which frames are not drawn, but none are: set sample_frames (120) or leave it "
          "out");
    }
    input_norm_ = register_module("input_norm", BatchNorm(context.input_width));
    for (const std::int64_t width : widths_) {
      scores_.push_back(
          register_module("scores" + std::to_string(scores_.size()),
                          std::make_shared<GatedScores>(
                              width, Bottleneck(width, options.bottleneck), options.sets)));
    }
    BuildTrunk(context.input_width, options.hidden);
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor pooled = Pool(is_training() ? Sampled(input) : input);
    // Sets as rows: all of them go through the same layers.
    const torch::Tensor hidden = hidden_norm_(to_hidden_(pooled.flatten(0, 1)));
    const torch::Tensor gate = gate_norm_(gate_(hidden)).sigmoid();
    return (hidden * gate).view({-1, options_.sets, options_.hidden});
  }

  [[nodiscard]] std::int64_t output_width() const override { return options_.hidden; }

 private:
  void BuildTrunk(std::int64_t width, std::int64_t hidden) {
    to_hidden_ = register_module("to_hidden", NormalLinearWithoutBias(width, hidden));
    hidden_norm_ = register_module("hidden_norm", BatchNorm(hidden));
    gate_ = register_module("gate", NormalLinearWithoutBias(hidden, hidden));
    gate_norm_ = register_module("gate_norm", BatchNorm(hidden));
  }

  [[nodiscard]] Sequence Sampled(const Sequence& input) const {
    if (options_.stride > 1) return StridedFrames(input, options_.stride, options_.skip_ends);
    if (options_.sample_frames == 0) return input;
    return SampleFrames(input, options_.sample_frames, options_.skip_ends);
  }

  /// -> [batch, sets, width]
  torch::Tensor Pool(const Sequence& input) {
    const ValidRows valid(input.mask);
    const torch::Tensor rows = input_norm_(valid.Gather(input.frames));
    std::vector<torch::Tensor> pooled;
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      const torch::Tensor part = rows.narrow(1, begin, widths_[i]);
      const torch::Tensor weights = Weights(valid.Scatter(scores_[i]->forward(part)), input.mask);
      pooled.push_back(Product(weights.transpose(1, 2), valid.Scatter(part)));
      begin += widths_[i];
    }
    return torch::cat(pooled, -1);
  }

  /// Scores [batch, frames, sets] -> weights that sum to 1 over the valid frames.
  [[nodiscard]] torch::Tensor Weights(const torch::Tensor& scores,
                                      const torch::Tensor& mask) const {
    const torch::Tensor valid = mask.unsqueeze(-1);
    return options_.attention == "sparsemax" ? MaskedSparsemax(scores, valid, 1)
                                             : MaskedSoftmax(scores, valid, 1);
  }

  MultiAttentionOptions options_;
  std::vector<std::int64_t> widths_;  // of the features
  BatchNorm input_norm_{nullptr};
  std::vector<std::shared_ptr<GatedScores>> scores_;  // by feature
  Linear to_hidden_{nullptr};
  BatchNorm hidden_norm_{nullptr};
  Linear gate_{nullptr};
  BatchNorm gate_norm_{nullptr};
};

REGISTER_COMPONENT(
    Temporal, "multi_attention", MultiAttention, MultiAttentionOptions,
    {.label = "MultiAttention",
     .source = "Conde et al. 2019 (Team Locust), Multi-attention Networks for Temporal "
               "Localization of Video-level Labels",
     .help = "Sets of gated attention over the frames, each feature scored apart; every set gives "
             "an embedding that the classifier scores, and a class's best set counts. Where the "
             "frames are no longer the features side by side they are scored as one."});

}  // namespace
}  // namespace beamgrid::trainer
