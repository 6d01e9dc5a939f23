// CBHG (Wang et al. 2017, Tacotron: Towards End-to-End Speech Synthesis, section 3.1; named by Kim
// et al. 2018, section 4.2, without details): convolution bank, highway network, bidirectional GRU.
//   x = ReLU(P f + p)                                     prenet, if any
//   b = [BN(ReLU(conv_k(x)))], k = 1 .. banks             "same" padding, `filters` channels each
//   y = BN(conv_3(BN(ReLU(conv_3(maxpool(b))))))          maxpool: of frames t and t + 1
//   r = H (x + y) + h                                     to width `half`, where it is not already
//   r = T o ReLU(W r + w) + (1 - T) o r, T = sigmoid(V r + v)      `highway` times, v starts at -1
//   s = biGRU(r), `half` cells in each direction
//   e = mean_t s_t
//
// [reading] Tacotron has no embedding of a whole text: here it is the mean over the valid frames.
// [reading] Kim et al. give no details: the prenet is one layer without dropout, where Tacotron has
// two with it. Frames are 0 beyond a video's end for every convolution and absent for max-pooling,
// as if the video were alone; batch norm sees valid frames only. With LibTorch's GRU: reset gate
// after the recurrent product, 6 * half more biases.

#include <limits>

#include "trainer/batch_norm.h"
#include "trainer/component.h"
#include "trainer/components/linear_layers.h"
#include "trainer/components/temporal/recurrent_stack.h"
#include "trainer/ops.h"
#include "trainer/valid_rows.h"

namespace beamgrid::trainer {
namespace {

struct CbhgOptions {
  std::int64_t banks = 16;
  std::int64_t filters = 128;
  std::int64_t projection = 128;
  std::int64_t prenet = 256;
  std::int64_t half = 128;
  std::int64_t highway = 4;
};

void Describe(Fields& f, CbhgOptions& o) {
  f("banks", o.banks, Range{1, 64}, "convolutions over 1, 2, ... frames").Tag("B");
  f("filters", o.filters, Range{1, 2048}, "channels of each of them").Tag("F");
  f("projection", o.projection, Range{1, 4096}, "channels between the two convolutions after them")
      .Tag("P");
  f("prenet", o.prenet, Range{0, 8192}, "width that frames are projected to first; 0: as they are")
      .Tag("N");
  f("half", o.half, Range{1, 4096}, "width of the highway, and cells of each direction of the GRU")
      .Tag("h");
  f("highway", o.highway, Range{0, 16}, "highway layers");
}

torch::nn::Conv1d MakeConvolution(std::int64_t inputs, std::int64_t outputs, std::int64_t frames) {
  torch::nn::Conv1d convolution(torch::nn::Conv1dOptions(inputs, outputs, frames));
  torch::nn::init::xavier_uniform_(convolution->weight);
  torch::nn::init::zeros_(convolution->bias);
  return convolution;
}

/// As long as its input; of an even number of frames one more lies after the middle (TensorFlow's
/// "same"). [batch, frames, channels], padding 0.
torch::Tensor Convolve(const torch::nn::Conv1d& convolution, const torch::Tensor& frames) {
  const std::int64_t reach = convolution->weight.size(2) - 1;
  const torch::Tensor padded =
      torch::constant_pad_nd(frames.transpose(1, 2), {reach / 2, reach - reach / 2}, 0);
  return ConvolutionProduct(padded, convolution->weight, convolution->bias, /*padding=*/0)
      .transpose(1, 2);
}

/// max(x_t, x_(t+1)), of the last valid frame itself. Padding 0.
torch::Tensor MaxOfNeighbours(const torch::Tensor& frames, const torch::Tensor& mask) {
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  const torch::Tensor valid = frames.masked_fill(mask.logical_not().unsqueeze(-1), kNothing);
  // -inf and not 0 behind the end, which would win over negative values.
  const torch::Tensor next = torch::constant_pad_nd(valid.slice(1, 1), {0, 0, 0, 1}, kNothing);
  return ZeroPadding(torch::maximum(valid, next), mask);
}

class Highway : public torch::nn::Module {
 public:
  explicit Highway(std::int64_t width)
      : transform_(register_module("transform", XavierLinear(width, width))),
        gate_(register_module("gate", XavierLinear(width, width))) {
    // The gate starts mostly closed (0.27): new highway layers pass their input through.
    torch::nn::init::constant_(gate_->bias, -1);
  }

  torch::Tensor forward(const torch::Tensor& rows) {
    const torch::Tensor gate = gate_(rows).sigmoid();
    return gate * transform_(rows).relu() + (1 - gate) * rows;
  }

 private:
  Linear transform_, gate_;
};

class Cbhg : public Temporal {
 public:
  Cbhg(const BuildContext& context, const CbhgOptions& options) : half_(options.half) {
    std::int64_t width = context.input_width;
    if (options.prenet > 0) {
      prenet_ = register_module("prenet", XavierLinear(width, options.prenet));
      width = options.prenet;
    }
    BuildConvolutions(width, options);
    if (width != half_) to_half_ = register_module("to_half", XavierLinear(width, half_));
    for (std::int64_t layer = 0; layer < options.highway; ++layer) {
      highway_.push_back(
          register_module("highway" + std::to_string(layer), std::make_shared<Highway>(half_)));
    }
    // Its width alone: a skip over the GRU or zoneout inside it is not part of CBHG.
    stack_ = register_module(
        "stack",
        std::make_shared<LayerStack>(
            BuildContext{.input_width = half_},
            LayerOptions{.cell = CellKind::kGru, .hidden = half_, .direction = Direction::kBoth},
            /*layers=*/1));
  }

  torch::Tensor forward(const Sequence& input, const Targets& targets) override {
    return MaskedMean(States(input, targets).frames, input.mask);
  }
  [[nodiscard]] std::int64_t output_width() const override { return 2 * half_; }

  [[nodiscard]] std::int64_t states_width() const override { return 2 * half_; }
  Sequence States(const Sequence& input, const Targets& /*targets*/) override {
    const ValidRows valid(input.mask);
    torch::Tensor rows = valid.Gather(input.frames);
    if (prenet_) rows = prenet_(rows).relu();
    rows = rows + Convolutions(rows, valid, input.mask);
    if (to_half_) rows = to_half_(rows);
    for (const auto& layer : highway_) rows = layer->forward(rows);
    const Sequence sequence{valid.Scatter(rows), input.mask, input.lengths};
    return {stack_->forward(sequence).states, input.mask, input.lengths};
  }

 private:
  void BuildConvolutions(std::int64_t width, const CbhgOptions& options) {
    for (std::int64_t frames = 1; frames <= options.banks; ++frames) {
      bank_.push_back(register_module("bank" + std::to_string(frames),
                                      MakeConvolution(width, options.filters, frames)));
    }
    const std::int64_t channels = options.banks * options.filters;
    bank_norm_ = register_module("bank_norm", BatchNorm(channels));
    inner_ = register_module("inner", MakeConvolution(channels, options.projection, 3));
    inner_norm_ = register_module("inner_norm", BatchNorm(options.projection));
    outer_ = register_module("outer", MakeConvolution(options.projection, width, 3));
    outer_norm_ = register_module("outer_norm", BatchNorm(width));
  }

  /// The valid rows x -> the valid rows y.
  torch::Tensor Convolutions(const torch::Tensor& rows, const ValidRows& valid,
                             const torch::Tensor& mask) {
    const torch::Tensor frames = valid.Scatter(rows);
    std::vector<torch::Tensor> bank;
    for (const torch::nn::Conv1d& convolution : bank_)
      bank.push_back(Convolve(convolution, frames));
    const torch::Tensor banked =
        valid.Scatter(bank_norm_(valid.Gather(torch::cat(bank, -1)).relu()));
    const torch::Tensor inner = Convolve(inner_, MaxOfNeighbours(banked, mask));
    const torch::Tensor projected = valid.Scatter(inner_norm_(valid.Gather(inner).relu()));
    return outer_norm_(valid.Gather(Convolve(outer_, projected)));
  }

  std::int64_t half_;
  Linear prenet_{nullptr};
  std::vector<torch::nn::Conv1d> bank_;  // by their number of frames
  BatchNorm bank_norm_{nullptr};
  torch::nn::Conv1d inner_{nullptr}, outer_{nullptr};
  BatchNorm inner_norm_{nullptr}, outer_norm_{nullptr};
  Linear to_half_{nullptr};
  std::vector<std::shared_ptr<Highway>> highway_;
  std::shared_ptr<LayerStack> stack_;
};

REGISTER_COMPONENT(
    Temporal, "cbhg", Cbhg, CbhgOptions,
    {.label = "CBHG",
     .source = "Wang et al. 2017, Tacotron: Towards End-to-End Speech Synthesis, section 3.1; "
               "named by Kim et al. 2018, section 4.2",
     .help = "Bank of convolutions over 1, 2, ... frames, max-pooling, two more convolutions, a "
             "residual, highway layers and a bidirectional GRU. Reading: the embedding is the mean "
             "of the GRU's states over the valid frames."});

}  // namespace
}  // namespace beamgrid::trainer
