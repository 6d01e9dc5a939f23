// Hierarchical LSTM over chunks of frames. Kim et al. 2018 list a "Hierarchical RNN", citing Chung
// et al. 2017, and say nothing else of it. [reading] Here it is the chunked H-LSTM of Bhardwaj et
// al. 2019, Efficient Video Classification Using Fewer Frames, for which there is code: the frames
// are cut into chunks of 15, one LSTM reads each chunk from an empty state, and its states after
// the chunks' last frames are the inputs of a second LSTM, whose last state is the embedding:
//   u_i = LSTM_lower(x_(15 i) ... x_(15 i + 14)),  i < ceil(n / 15)
//   e   = LSTM_upper(u_0 ... u_last)
// Their code has two layers of each and joins all states; one layer and h is the default here, and
// chunk_state = "state" hands [c; h] up. hm_lstm is the reading with learned boundaries.

#include "trainer/components/temporal/recurrent_stack.h"
#include "trainer/ops.h"
#include "trainer/valid_rows.h"

namespace beamgrid::trainer {
namespace {

constexpr char kChunkHidden[] = "hidden";
constexpr char kChunkState[] = "state";

struct HierarchicalLstmOptions {
  std::int64_t hidden = 1024;
  std::int64_t chunk = 15;
  std::int64_t layers = 1;
  std::string chunk_state = kChunkHidden;
};

void Describe(Fields& f, HierarchicalLstmOptions& o) {
  f("hidden", o.hidden, Range{1, 8192}, "cells of a layer").Tag("h");
  f("chunk", o.chunk, Range{1, 300}, "frames of a chunk; a video's last one may be shorter")
      .Tag("c");
  f("layers", o.layers, Range{1, 8}, "layers of the lower LSTM, and of the upper one").Tag("L");
  f("chunk_state", o.chunk_state, Choices{{kChunkHidden, kChunkState}},
    "what the upper LSTM reads of a chunk: h, or [c; h]");
}

/// Chunks takes the videos' chunks apart as videos of their own: each starts from an empty state,
/// so that all of them run at once, and a video of 300 frames takes 15 + 20 steps instead of 300.
class Chunks {
 public:
  Chunks(const Sequence& input, std::int64_t length) : length_(length) {
    const std::int64_t most = (input.frames.size(1) + length - 1) / length;
    const torch::Tensor first = torch::arange(most).mul(length);  // of each chunk, on the CPU
    const torch::Tensor rest = input.lengths.unsqueeze(1) - first;
    const torch::Tensor valid = rest > 0;
    lengths_ = rest.clamp_max(length).masked_select(valid);
    counts_ = valid.sum(1);
    mask_ = valid.to(input.frames.device());
  }

  /// [chunks, length, width]
  [[nodiscard]] Sequence Split(const torch::Tensor& frames) const {
    const std::int64_t missing = mask_.size(1) * length_ - frames.size(1);
    const torch::Tensor padded = torch::constant_pad_nd(frames, {0, 0, 0, missing}, 0);
    const torch::Tensor chunks = padded.reshape({frames.size(0), mask_.size(1), -1});
    const torch::Tensor rows = ValidRows(mask_).Gather(chunks).view({-1, length_, frames.size(2)});
    const torch::Tensor frame = torch::arange(length_).unsqueeze(0);
    return {rows, (frame < lengths_.unsqueeze(1)).to(frames.device()), lengths_};
  }

  /// [chunks, width] -> the chunks of each video.
  [[nodiscard]] Sequence Join(const torch::Tensor& chunks) const {
    return {ValidRows(mask_).Scatter(chunks), mask_, counts_};
  }

 private:
  std::int64_t length_;
  torch::Tensor lengths_;  // [chunks] frames, on the CPU
  torch::Tensor counts_;   // [batch] chunks, on the CPU
  torch::Tensor mask_;     // [batch, most chunks]
};

class HierarchicalLstm : public Temporal {
 public:
  HierarchicalLstm(const BuildContext& context, const HierarchicalLstmOptions& options)
      : hidden_(options.hidden),
        chunk_(options.chunk),
        joins_memory_(options.chunk_state == kChunkState),
        lower_(register_module("lower", Stack(context, options))) {
    BuildContext of_chunks = context;
    of_chunks.input_width = joins_memory_ ? 2 * hidden_ : hidden_;
    upper_ = register_module("upper", Stack(of_chunks, options));
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const Chunks chunks(input, chunk_);
    const Sequence parts = chunks.Split(input.frames);
    const StackOutput lower = lower_->forward(parts);
    torch::Tensor state = LastFrame(lower.states, parts.mask);
    if (joins_memory_) state = torch::cat({lower.memory, state}, 1);
    const Sequence upper_input = chunks.Join(state);
    return LastFrame(upper_->forward(upper_input).states, upper_input.mask);
  }

  [[nodiscard]] std::int64_t output_width() const override { return hidden_; }
  [[nodiscard]] bool adds_skip_connections() const override {
    return lower_->adds_skip_connections() || upper_->adds_skip_connections();
  }
  [[nodiscard]] bool applies_zoneout() const override { return true; }

 private:
  static std::shared_ptr<LayerStack> Stack(const BuildContext& context,
                                           const HierarchicalLstmOptions& options) {
    return std::make_shared<LayerStack>(context, LayerOptions{.hidden = options.hidden},
                                        options.layers);
  }

  std::int64_t hidden_;
  std::int64_t chunk_;
  bool joins_memory_;
  std::shared_ptr<LayerStack> lower_, upper_;
};

REGISTER_COMPONENT(
    Temporal, "hierarchical_lstm", HierarchicalLstm, HierarchicalLstmOptions,
    {.label = "HLSTM",
     .source = "Bhardwaj et al. 2019, Efficient Video Classification Using Fewer Frames; named by "
               "Kim et al. 2018, section 4.2",
     .help = "Reading of Kim et al.'s hierarchical RNN: one LSTM reads chunks of frames, a second "
             "one the chunks' last states; its last state is the embedding. See hm_lstm for "
             "learned boundaries."});

}  // namespace
}  // namespace beamgrid::trainer
