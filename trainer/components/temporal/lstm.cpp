// Long short-term memory over the valid frames:
//   i, f, o = sigmoid(W x_t + U h_(t-1) + b),  g = tanh(W x_t + U h_(t-1) + b)
//   c_t = f o c_(t-1) + i o g,  h_t = o o tanh(c_t)
// with peepholes (Zhao 2017) p_i o c_(t-1) and p_f o c_(t-1) added inside i and f and p_o o c_t
// inside o. [reading] Zhao writes W_c c; peepholes are diagonal (Gers et al. 2002, and TensorFlow's
// cell). and the embeddings of Na et al. 2017 (Encoding Video and Label Priors for Multi-label
// Video Classification on YouTube-8M dataset, section 2.2.1), where T is the last valid frame:
//   "state"             [c_T; h_T]                the paper's LSTM
//   "memory"            [c_T; h_T; M]             LSTM-M:   M = sum_t x_t
//   "memory_output"     [O; c_T; h_T; M]          LSTM-M-O: O = sum_t h_t
//   "memory_candidate"  [O; c_T; h_T; M]          the paper's letter: O = sum_t g_t
// with 1152 cells in the paper. [reading] Its text calls O the sum of the outputs, its formula sums
// g, the candidate of equation 4; the authors' code sums the outputs h and scales M and O to length
// 1, which the paper does not mention. Here "memory_output" with normalise = true is the code's,
// and "memory_candidate" the formula's. LSTM-M-O-LN is layer_norm = true (see recurrent_layer.h).

#include "trainer/components/temporal/recurrent_stack.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

constexpr char kHidden[] = "hidden";
constexpr char kState[] = "state";
constexpr char kMemory[] = "memory";
constexpr char kMemoryOutput[] = "memory_output";
constexpr char kMemoryCandidate[] = "memory_candidate";

struct LstmOptions {
  StackOptions stack;
  std::string embedding = kHidden;
  bool normalise = true;
  bool layer_norm = false;
  double candidate_dropout = 0;
  bool peepholes = false;
};

void Describe(Fields& f, LstmOptions& o) {
  Describe(f, o.stack);
  f("embedding", o.embedding, Choices{{kHidden, kState, kMemory, kMemoryOutput, kMemoryCandidate}},
    "hidden: the pooled states; state: [c; h] after the last frame; memory: [c; h; M], M the sum "
    "of the frames (LSTM-M); memory_output: [O; c; h; M], O the sum of the states (LSTM-M-O); "
    "memory_candidate: O the sum of the candidates g, which is the paper's formula; slower on a "
    "GPU");
  f("normalise", o.normalise,
    "scale M and O to length 1, as the authors' code does; the paper does not say so")
      .Tag("norm");
  f("layer_norm", o.layer_norm,
    "layer normalisation of each gate and of the memory inside the cell; slower on a GPU")
      .Tag("LN");
  f("candidate_dropout", o.candidate_dropout, Range{0, 0.95},
    "share of the candidate's values dropped at each step in training; slower on a GPU");
  DescribePeepholes(f, o.peepholes);
}

LayerOptions LayerOf(const LstmOptions& options) {
  return {.cell = options.layer_norm ? CellKind::kLayerNormLstm : CellKind::kLstm,
          .hidden = options.stack.hidden,
          .candidate_dropout = options.candidate_dropout,
          .sum_candidates = options.embedding == kMemoryCandidate,
          .peepholes = options.peepholes};
}

class Lstm : public RecurrentTemporal {
 public:
  Lstm(const BuildContext& context, const LstmOptions& options)
      : RecurrentTemporal(context, LayerOf(options), options.stack.layers, options.stack.pool),
        input_width_(context.input_width),
        embedding_(options.embedding),
        normalise_(options.normalise) {
    if (options.peepholes && options.layer_norm) {
      throw SpecError(
          "temporal 'lstm': the layer-normalised cell has no peepholes; leave out peepholes or "
          "layer_norm");
    }
    if (embedding_ != kHidden && pool() != kLastPool) {
      throw SpecError("temporal 'lstm': pool = " + pool() + " pools the states of embedding = " +
                      kHidden + "; embedding = " + embedding_ + " needs pool = " + kLastPool);
    }
  }

  torch::Tensor forward(const Sequence& input, const Targets& targets) override {
    if (embedding_ == kHidden) return RecurrentTemporal::forward(input, targets);
    const StackOutput output = stack().forward(input);
    std::vector<torch::Tensor> parts = {output.memory, LastFrame(output.states, input.mask)};
    if (embedding_ != kState) {
      // Unscaled, sums over up to 300 frames would outweigh h, whose values lie within 1.
      parts.push_back(Scaled(ZeroPadding(input.frames, input.mask).sum(1)));
    }
    if (embedding_ == kMemoryOutput) parts.insert(parts.begin(), Scaled(output.states.sum(1)));
    if (embedding_ == kMemoryCandidate) parts.insert(parts.begin(), Scaled(output.candidate_sum));
    return torch::cat(parts, 1);
  }

  [[nodiscard]] std::int64_t output_width() const override {
    const std::int64_t hidden = RecurrentTemporal::output_width();
    if (embedding_ == kHidden) return hidden;
    if (embedding_ == kState) return 2 * hidden;
    if (embedding_ == kMemory) return 2 * hidden + input_width_;
    return 3 * hidden + input_width_;
  }

 private:
  [[nodiscard]] torch::Tensor Scaled(const torch::Tensor& sum) const {
    return normalise_ ? L2Normalise(sum, 1) : sum;
  }

  std::int64_t input_width_;
  std::string embedding_;
  bool normalise_;
};

REGISTER_COMPONENT(Temporal, "lstm", Lstm, LstmOptions,
                   {.label = "LSTM",
                    .source = "Abu-El-Haija et al. 2016, YouTube-8M: A Large-Scale Video "
                              "Classification Benchmark, section 5; Na et al. 2017, section 2.2.1",
                    .help = "Long short-term memory over the valid frames; by default without "
                            "peepholes, as in the authors' code. Na et al.'s variants are hidden = "
                            "1152 with embedding "
                            "= \"state\" (LSTM), \"memory\" (LSTM-M) or \"memory_output\" "
                            "(LSTM-M-O), and layer_norm = true (LSTM-M-O-LN)."});

}  // namespace
}  // namespace beamgrid::trainer
