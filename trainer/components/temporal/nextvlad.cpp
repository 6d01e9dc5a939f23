// NeXtVLAD (Lin, Xiao and Fan 2018, NeXtVLAD: An Efficient Neural Network to Aggregate Frame-level
// Features for Large-scale Video Classification; norms and gate after the authors' code). A frame
// of width N, expanded to E = expansion * N values, is cut into groups g of width E / groups:
//   x_t   = X f_t + x
//   b_tg  = sigmoid(A_g . x_t + a_g)                      attention of a group
//   a_tgk = b_tg softmax_k(BN(x_t W)_gk)                  W: E x (groups * clusters), no bias
//   V_k   = normalised sum_t sum_g a_tgk (x_tg - c_k)     x_tg: the group's part of x_t
//   h     = BN(H dropout(BN(V)))                          no bias
//   e     = h o sigmoid(S_2 relu(BN(S_1 h)))              S_1: hidden x hidden / gating_reduction
// The matrices without the gate hold E (N + groups + clusters (groups + (hidden + 1) / groups))
// values, the paper's count; biases and norms come on top.
//
// [reading] The authors give the image and the audio a stream of their own and the audio half the
// clusters and groups: streams = "features", where features narrower than the widest are halved.
// One stream over the fused frame is the default. [reading] The paper's E is a multiple of the
// groups; where expansion * N is none, E is rounded up to one.

#include <algorithm>

#include "trainer/batch_norm.h"
#include "trainer/component.h"
#include "trainer/components/linear_layers.h"
#include "trainer/ops.h"
#include "trainer/valid_rows.h"

namespace beamgrid::trainer {
namespace {

struct NextVladOptions {
  std::int64_t clusters = 128;
  std::int64_t groups = 8;
  std::int64_t expansion = 2;
  std::int64_t hidden = 2048;
  std::int64_t gating_reduction = 8;
  double dropout = 0.5;
  std::string streams = "joint";
};

void Describe(Fields& f, NextVladOptions& o) {
  f("clusters", o.clusters, Range{1, 4096}, "codebook size").Tag("C").AlwaysNamed();
  f("groups", o.groups, Range{1, 256}, "parts that an expanded frame is cut into").Tag("G");
  f("expansion", o.expansion, Range{1, 16}, "expanded frames are that many times as wide").Tag("X");
  f("hidden", o.hidden, Range{1, 8192}, "width of the embedding").Tag("H");
  f("gating_reduction", o.gating_reduction, Range{1, 256},
    "the gate's inner layer is that many times narrower than the embedding");
  f("dropout", o.dropout, Range{0, 0.95}, "share of the descriptor set to 0 in training");
  f("streams", o.streams, Choices{{"joint", "features"}},
    "joint: one descriptor of the fused frames; features: one for each feature, with half the "
    "clusters and groups for all but the widest, as the authors have it");
}

/// Half of it, rounded up: one cluster would make the assignment the same for all frames.
std::int64_t Half(std::int64_t count) { return (count + 1) / 2; }

/// The descriptor BN(V) of one stream.
class Descriptor : public torch::nn::Module {
 public:
  Descriptor(std::int64_t width, std::int64_t expansion, std::int64_t groups, std::int64_t clusters)
      : groups_(groups),
        clusters_(clusters),
        group_width_((expansion * width + groups - 1) / groups) {
    const std::int64_t expanded = groups_ * group_width_;
    expansion_ = register_module("expansion", XavierLinear(width, expanded));
    attention_ = register_module("attention", XavierLinear(expanded, groups_));
    assignment_ =
        register_module("assignment", XavierLinearWithoutBias(expanded, groups_ * clusters_));
    assignment_norm_ = register_module("assignment_norm", BatchNorm(groups_ * clusters_));
    centres_ = register_parameter("centres", torch::empty({group_width_, clusters_}));
    InitialiseNormal(centres_, group_width_);
    norm_ = register_module("norm", BatchNorm(output_width()));
  }

  /// frames [batch, frames, width] -> [batch, output_width]
  torch::Tensor forward(const torch::Tensor& frames, const ValidRows& valid) {
    const torch::Tensor rows = expansion_(valid.Gather(frames));
    return norm_(Residuals(valid.Scatter(rows), valid.Scatter(Assignments(rows))));
  }

  [[nodiscard]] std::int64_t output_width() const { return group_width_ * clusters_; }

 private:
  /// Expanded rows -> a [rows, groups * clusters]
  torch::Tensor Assignments(const torch::Tensor& rows) {
    const torch::Tensor attention = attention_(rows).sigmoid().unsqueeze(-1);
    const torch::Tensor scores = assignment_norm_(assignment_(rows)).view({-1, groups_, clusters_});
    return (scores.softmax(-1) * attention).flatten(1);
  }

  /// Groups of a frame count like frames of their own. Both are 0 on padding.
  [[nodiscard]] torch::Tensor Residuals(const torch::Tensor& frames,
                                        const torch::Tensor& assignments) const {
    // So one product sums over frames and groups, as in NetVLAD.
    const std::int64_t items = frames.size(1) * groups_;
    const torch::Tensor parts = frames.view({-1, items, group_width_});
    const torch::Tensor weights = assignments.view({-1, items, clusters_});
    const torch::Tensor mass = weights.sum(1, /*keepdim=*/true);
    return L2Normalise(Product(parts.transpose(1, 2), weights) - mass * centres_, 1).flatten(1);
  }

  std::int64_t groups_, clusters_, group_width_;
  Linear expansion_{nullptr}, attention_{nullptr}, assignment_{nullptr};
  BatchNorm assignment_norm_{nullptr};
  torch::Tensor centres_;  // [group width, clusters]
  BatchNorm norm_{nullptr};
};

class NextVlad : public Temporal {
 public:
  NextVlad(const BuildContext& context, const NextVladOptions& options)
      : hidden_(options.hidden), dropout_(options.dropout) {
    BuildStreams(context, options);
    std::int64_t width = 0;
    for (const auto& descriptor : descriptors_) width += descriptor->output_width();
    to_hidden_ = register_module("to_hidden", XavierLinearWithoutBias(width, hidden_));
    hidden_norm_ = register_module("hidden_norm", BatchNorm(hidden_));
    const std::int64_t reduced = std::max<std::int64_t>(1, hidden_ / options.gating_reduction);
    squeeze_ = register_module("squeeze", XavierLinearWithoutBias(hidden_, reduced));
    squeeze_norm_ = register_module("squeeze_norm", BatchNorm(reduced));
    excite_ = register_module("excite", XavierLinearWithoutBias(reduced, hidden_));
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor descriptor = torch::dropout(Descriptors(input), dropout_, is_training());
    const torch::Tensor hidden = hidden_norm_(to_hidden_(descriptor));
    const torch::Tensor gate = excite_(squeeze_norm_(squeeze_(hidden)).relu()).sigmoid();
    return hidden * gate;
  }

  [[nodiscard]] std::int64_t output_width() const override { return hidden_; }

 private:
  void BuildStreams(const BuildContext& context, const NextVladOptions& options) {
    ChooseWidths(context, options);
    const std::int64_t widest = *std::max_element(widths_.begin(), widths_.end());
    for (const std::int64_t width : widths_) {
      const bool whole = width == widest;
      descriptors_.push_back(register_module(
          "descriptor" + std::to_string(descriptors_.size()),
          std::make_shared<Descriptor>(width, options.expansion,
                                       whole ? options.groups : Half(options.groups),
                                       whole ? options.clusters : Half(options.clusters))));
    }
  }

  void ChooseWidths(const BuildContext& context, const NextVladOptions& options) {
    if (options.streams == "joint") {
      widths_ = {context.input_width};
      return;
    }
    std::int64_t sum = 0;
    for (const auto& [name, width] : context.features) {
      widths_.push_back(width);
      sum += width;
    }
    if (sum != context.input_width) {
      throw SpecError("temporal 'nextvlad': streams = \"features\" takes frames apart that are " +
                      std::to_string(context.input_width) + " wide and no longer the features (" +
                      std::to_string(sum) + ") side by side; use multimodal = concat, or joint");
    }
  }

  /// The streams' descriptors side by side.
  torch::Tensor Descriptors(const Sequence& input) {
    const ValidRows valid(input.mask);
    std::vector<torch::Tensor> parts;
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      parts.push_back(descriptors_[i]->forward(input.frames.narrow(-1, begin, widths_[i]), valid));
      begin += widths_[i];
    }
    return torch::cat(parts, -1);
  }

  std::int64_t hidden_;
  double dropout_;
  std::vector<std::int64_t> widths_;                      // of the streams
  std::vector<std::shared_ptr<Descriptor>> descriptors_;  // by stream
  Linear to_hidden_{nullptr};
  BatchNorm hidden_norm_{nullptr};
  Linear squeeze_{nullptr};
  BatchNorm squeeze_norm_{nullptr};
  Linear excite_{nullptr};
};

REGISTER_COMPONENT(Temporal, "nextvlad", NextVlad, NextVladOptions,
                   {.label = "NeXtVLAD",
                    .source = "Lin, Xiao and Fan 2018, NeXtVLAD: An Efficient Neural Network to "
                              "Aggregate Frame-level Features for Large-scale Video Classification",
                    .help = "Residuals of parts of the expanded frames to learned centres, softly "
                            "assigned and weighted by an attention over the parts; a gated "
                            "embedding of them. All valid frames are used, none is sampled."});

}  // namespace
}  // namespace beamgrid::trainer
