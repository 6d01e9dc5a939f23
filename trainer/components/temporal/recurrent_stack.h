#pragma once
// Layers of LSTM or GRU over ragged videos: what lstm, gru and blstm have in common.
//
// Uses LibTorch's own cells on packed sequences, so a layer is one cuDNN call and padding is never
// seen: the backward direction starts at each video's last valid frame.

#include <vector>

#include "trainer/component.h"

namespace beamgrid::trainer {

enum class Direction { kForward, kBoth };

/// How the states become one embedding.
inline constexpr char kMeanPool[] = "mean";
inline constexpr char kLastPool[] = "last";
inline constexpr char kMaxPool[] = "max";

/// Pools states [B,T,W] over the valid frames. "last" takes the state of the last valid frame.
[[nodiscard]] torch::Tensor PoolStates(const torch::Tensor& states, const torch::Tensor& mask,
                                       const std::string& pool);

/// Xavier-uniform kernels and biases as TensorFlow's cells have them: LSTM forget gate 1, GRU reset
/// and update gates 1, the rest 0. LibTorch has two bias vectors where TensorFlow has one; the
/// second starts at 0. Reads no values.
void InitialiseCell(torch::nn::LSTM& cell);
void InitialiseCell(torch::nn::GRU& cell);

template <typename Cell>
class RecurrentStack : public torch::nn::Module {
 public:
  /// With `context.skip_connections`, a layer as wide as its input adds it to its output:
  /// h^l = h^l + h^(l-1).
  RecurrentStack(const BuildContext& context, std::int64_t hidden, std::int64_t layers,
                 Direction direction)
      : output_width_(direction == Direction::kBoth ? 2 * hidden : hidden),
        skip_connections_(context.skip_connections) {
    std::int64_t width = context.input_width;
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      auto options = decltype(Cell::Impl::options)(width, hidden);
      options.batch_first(true).bidirectional(direction == Direction::kBoth);
      cells_.push_back(register_module("layer" + std::to_string(layer), Cell(options)));
      InitialiseCell(cells_.back());
      adds_skip_connections_ |= skip_connections_ && width == output_width_;
      width = output_width_;
    }
  }

  /// States of the top layer, [batch, frames, output_width], 0 on padding.
  [[nodiscard]] torch::Tensor forward(const Sequence& input) {
    namespace rnn = torch::nn::utils::rnn;
    auto packed = rnn::pack_padded_sequence(input.frames, input.lengths, /*batch_first=*/true,
                                            /*enforce_sorted=*/false);
    for (Cell& cell : cells_) packed = Layer(cell, packed);
    return std::get<0>(rnn::pad_packed_sequence(packed, /*batch_first=*/true, /*padding_value=*/0,
                                                input.frames.size(1)));
  }

  [[nodiscard]] std::int64_t output_width() const { return output_width_; }
  /// False also where skip connections are asked for but no layer is as wide as its input.
  [[nodiscard]] bool adds_skip_connections() const { return adds_skip_connections_; }

 private:
  using Packed = torch::nn::utils::rnn::PackedSequence;

  [[nodiscard]] Packed Layer(Cell& cell, const Packed& input) const {
    const Packed output = std::get<0>(cell->forward_with_packed_input(input));
    if (!skip_connections_ || input.data().size(-1) != output_width_) return output;
    return Packed(output.data() + input.data(), output.batch_sizes(), output.sorted_indices(),
                  output.unsorted_indices());
  }

  std::int64_t output_width_;
  bool skip_connections_;
  bool adds_skip_connections_ = false;
  std::vector<Cell> cells_;
};

}  // namespace beamgrid::trainer
