// Transformer encoder (Vaswani et al. 2017, Attention Is All You Need, section 3; Zhao 2017, Deep
// Multimodal Learning: An Effective Method for Video Classification, names it as future work):
//   x_t = W f_t + b + P_t,  P_t,2i = sin(t / 10000^(2i/d)),  P_t,2i+1 = cos(t / 10000^(2i/d))
// then in each layer, over the valid frames, with heads of width d/h:
//   a_t = sum_s softmax_s(q_t . k_s / sqrt(d/h)) v_s      q = Q x, k = K x, v = V x, for each head
//   y_t = LN(x_t + O [a_t of all heads]),  x_t := LN(y_t + W2 ReLU(W1 y_t + b1) + b2)
// with dropout of both sums' second terms and of x_t at first, and the embedding is the mean or the
// maximum over the frames. Parameters: D d + d + layers (4 d^2 + 2 d m + m + 5 d), m =
// feed_forward. [reading] The paper is about translation: width, heads and layers are smaller than
// its 512, 8 and 6 where a recipe says so, and the pooling is ours.

#include <cmath>

#include "trainer/component.h"
#include "trainer/components/linear_layers.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct TransformerOptions {
  std::int64_t layers = 2;
  std::int64_t heads = 8;
  std::int64_t head_width = 64;
  std::int64_t feed_forward = 2048;
  double dropout = 0.1;
  std::string positions = "sinusoid";
  std::string pool = "mean";

  /// Of a frame inside, and of the embedding.
  [[nodiscard]] std::int64_t width() const { return heads * head_width; }
};

void Describe(Fields& f, TransformerOptions& o) {
  f("layers", o.layers, Range{1, 24}, "layers, one on top of the other").Tag("L");
  f("heads", o.heads, Range{1, 64}, "attentions side by side").Tag("heads");
  f("head_width", o.head_width, Range{1, 1024},
    "width of an attention; frames inside and the embedding are all heads wide")
      .Tag("d");
  f("feed_forward", o.feed_forward, Range{1, 65536}, "width of the layer inside each layer")
      .Tag("ff");
  f("dropout", o.dropout, Range{0, 0.95},
    "share of the values dropped in training, of the input and of what each layer adds");
  f("positions", o.positions, Choices{{"sinusoid", "none"}},
    "how frames know their place: the paper's sines and cosines, or not at all");
  f("pool", o.pool, Choices{{"mean", "max"}}, "over the valid frames");
}

torch::nn::LayerNorm LayerNormOf(std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}));
}

/// EncoderLayer is one layer.
class EncoderLayer : public torch::nn::Module {
 public:
  explicit EncoderLayer(const TransformerOptions& options)
      : options_(options),
        // Without biases, as in the paper's equations: one of the keys would change no weight.
        query_key_value_(register_module(
            "query_key_value", XavierLinearWithoutBias(options.width(), 3 * options.width()))),
        output_(
            register_module("output", XavierLinearWithoutBias(options.width(), options.width()))),
        attention_norm_(register_module("attention_norm", LayerNormOf(options.width()))),
        widen_(register_module("widen", XavierLinear(options.width(), options.feed_forward))),
        narrow_(register_module("narrow", XavierLinear(options.feed_forward, options.width()))),
        norm_(register_module("norm", LayerNormOf(options.width()))) {}

  /// [batch, frames, width] -> the same; padding becomes anything and is seen by nobody.
  torch::Tensor forward(const torch::Tensor& frames, const torch::Tensor& mask) {
    const torch::Tensor attended = attention_norm_(frames + Dropped(output_(Attend(frames, mask))));
    return norm_(attended + Dropped(narrow_(widen_(attended).relu())));
  }

 private:
  [[nodiscard]] torch::Tensor Dropped(const torch::Tensor& values) const {
    return torch::dropout(values, options_.dropout, is_training());
  }

  torch::Tensor Attend(const torch::Tensor& frames, const torch::Tensor& mask) {
    const std::int64_t of_head = options_.head_width;
    // [3, batch, heads, frames, width of a head]
    const torch::Tensor all =
        query_key_value_(frames)
            .view({frames.size(0), frames.size(1), 3, options_.heads, of_head})
            .permute({2, 0, 3, 1, 4});
    const torch::Tensor scores =
        Product(all[0], all[1].transpose(-2, -1)) / std::sqrt(static_cast<double>(of_head));
    const torch::Tensor weights = MaskedSoftmax(scores, mask.unsqueeze(1).unsqueeze(1), -1);
    return Product(weights, all[2]).transpose(1, 2).flatten(2);
  }

  TransformerOptions options_;
  Linear query_key_value_, output_;
  torch::nn::LayerNorm attention_norm_;
  Linear widen_, narrow_;
  torch::nn::LayerNorm norm_;
};

class Transformer : public Temporal {
 public:
  Transformer(const BuildContext& context, const TransformerOptions& options) : options_(options) {
    input_ = register_module("input", XavierLinear(context.input_width, options.width()));
    for (std::int64_t layer = 0; layer < options.layers; ++layer) {
      layers_.push_back(register_module("layer" + std::to_string(layer),
                                        std::make_shared<EncoderLayer>(options)));
    }
  }

  torch::Tensor forward(const Sequence& input, const Targets& targets) override {
    const Sequence states = States(input, targets);
    return options_.pool == "max" ? MaskedMax(states.frames, states.mask)
                                  : MaskedMean(states.frames, states.mask);
  }

  Sequence States(const Sequence& input, const Targets& /*targets*/) override {
    torch::Tensor frames = input_(ZeroPadding(input.frames, input.mask));
    if (options_.positions == "sinusoid") frames = frames + Positions(frames);
    frames = torch::dropout(frames, options_.dropout, is_training());
    for (const auto& layer : layers_) frames = layer->forward(frames, input.mask);
    return {ZeroPadding(frames, input.mask), input.mask, input.lengths};
  }

  [[nodiscard]] std::int64_t output_width() const override { return options_.width(); }
  [[nodiscard]] std::int64_t states_width() const override { return options_.width(); }

 private:
  /// P, [frames, width].
  [[nodiscard]] torch::Tensor Positions(const torch::Tensor& like) const {
    const auto options = like.options().requires_grad(false);
    const torch::Tensor column = torch::arange(options_.width(), options);
    const torch::Tensor even = column - column.remainder(2);
    const torch::Tensor rate =
        torch::exp(even * (-std::log(10000.0) / static_cast<double>(options_.width())));
    const torch::Tensor angle = torch::arange(like.size(1), options).unsqueeze(1) * rate;
    return torch::where(column == even, angle.sin(), angle.cos());
  }

  TransformerOptions options_;
  Linear input_{nullptr};
  std::vector<std::shared_ptr<EncoderLayer>> layers_;
};

REGISTER_COMPONENT(Temporal, "transformer", Transformer, TransformerOptions,
                   {.label = "Transformer",
                    .source = "Vaswani et al. 2017, Attention Is All You Need, section 3; Zhao "
                              "2017, Deep Multimodal Learning: An Effective Method for Video "
                              "Classification, future work",
                    .help = "Transformer encoder over the valid frames: layers of attention of "
                            "every frame to every other, pooled. Memory grows with the square of "
                            "the frames."});

}  // namespace
}  // namespace beamgrid::trainer
