// Attention over recurrent states (Zhao 2017, Deep Multimodal Learning: An Effective Method for
// Video Classification, section Attention, after Yang et al. 2016, Hierarchical Attention Networks
// for Document Classification):
//   x_t = W_e f_t
//   h_t = [forward GRU(x)_t; backward GRU(x)_t]
//   u_t = tanh(W_w h_t + b_w)
//   a_t = softmax_t(u_t . u_w)                            over the valid frames
//   e   = sum_t a_t h_t
// [reading] The paper's text has GRUs and its figure LSTMs; `cell` chooses, and the text's is the
// default. It states no sizes: here W_e leads to 1024, and there are 512 cells a direction and an
// attention of 1024, which are 6,951,936 parameters at width 1152; LibTorch's cells have a second
// bias vector, 3 * 512 more a direction (LSTM: 4 * 512). Matrices start Glorot-normal, as the paper
// says of its attention.

#include "trainer/component.h"
#include "trainer/components/temporal/recurrent_stack.h"
#include "trainer/components/temporal/weighted_sum.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct HanAttentionOptions {
  std::int64_t embedding = 1024;
  std::int64_t hidden = 512;
  std::int64_t attention = 1024;
  std::string cell = "gru";
};

void Describe(Fields& f, HanAttentionOptions& o) {
  f("embedding", o.embedding, Range{1, 8192}, "width that frames are projected to first").Tag("e");
  f("hidden", o.hidden, Range{1, 8192}, "cells in each direction").Tag("h");
  f("attention", o.attention, Range{1, 8192}, "width in which states are scored").Tag("a");
  f("cell", o.cell, Choices{{"gru", "lstm"}},
    "gru: the paper's text, in cuDNN's form (see temporal gru); lstm: its figure");
}

Linear GlorotNormal(const torch::nn::LinearOptions& options) {
  Linear linear(options);
  torch::nn::init::xavier_normal_(linear->weight);
  if (options.bias()) torch::nn::init::zeros_(linear->bias);
  return linear;
}

std::shared_ptr<LayerStack> Encoder(BuildContext context, const HanAttentionOptions& options) {
  context.input_width = options.embedding;
  return std::make_shared<LayerStack>(
      context,
      LayerOptions{.cell = options.cell == "gru" ? CellKind::kGru : CellKind::kLstm,
                   .hidden = options.hidden,
                   .direction = Direction::kBoth},
      /*layers=*/1);
}

class HanAttention : public Temporal {
 public:
  HanAttention(const BuildContext& context, const HanAttentionOptions& options) {
    using LinearOptions = torch::nn::LinearOptions;
    embedding_ = register_module(
        "embedding",
        GlorotNormal(LinearOptions(context.input_width, options.embedding).bias(false)));
    encoder_ = register_module("encoder", Encoder(context, options));
    projection_ = register_module(
        "projection", GlorotNormal(LinearOptions(encoder_->output_width(), options.attention)));
    query_ =
        register_module("query", GlorotNormal(LinearOptions(options.attention, 1).bias(false)));
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor states =
        encoder_->forward({embedding_(input.frames), input.mask, input.lengths}).states;
    const torch::Tensor scores = query_(projection_(states).tanh()).squeeze(2);
    return WeightedSum(states, MaskedSoftmax(scores, input.mask, 1));
  }

  [[nodiscard]] std::int64_t output_width() const override { return encoder_->output_width(); }
  [[nodiscard]] bool adds_skip_connections() const override {
    return encoder_->adds_skip_connections();
  }
  [[nodiscard]] bool applies_zoneout() const override { return true; }

 private:
  Linear embedding_{nullptr};  // W_e
  std::shared_ptr<LayerStack> encoder_;
  Linear projection_{nullptr};  // W_w, b_w
  Linear query_{nullptr};       // u_w
};

REGISTER_COMPONENT(
    Temporal, "han_attention", HanAttention, HanAttentionOptions,
    {.label = "HAN",
     .source = "Zhao 2017, Deep Multimodal Learning: An Effective Method for Video Classification, "
               "section Attention; Yang et al. 2016, Hierarchical Attention Networks for Document "
               "Classification",
     .help = "States of a bidirectional recurrent layer, weighted by learned attention over the "
             "valid frames. The paper gives no sizes, and GRUs in its text but LSTMs in its "
             "figure."});

}  // namespace
}  // namespace beamgrid::trainer
