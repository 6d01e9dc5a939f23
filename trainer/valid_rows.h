#pragma once
// The frames of a batch without padding, as rows: what batch norm and per-frame layers want.

#include <torch/torch.h>

namespace beamgrid::trainer {

/// ValidRows takes the valid frames of a batch apart as rows, and puts rows back.
class ValidRows {
 public:
  explicit ValidRows(const torch::Tensor& mask)
      : batch_(mask.size(0)), frames_(mask.size(1)), index_(mask.flatten().nonzero().squeeze(1)) {}

  /// The valid frames, video after video: [batch, frames, width] -> [rows, width].
  [[nodiscard]] torch::Tensor Gather(const torch::Tensor& padded) const {
    return padded.flatten(0, 1).index_select(0, index_);
  }
  /// The rows at their frames' places: [rows, width] -> [batch, frames, width], padding 0.
  [[nodiscard]] torch::Tensor Scatter(const torch::Tensor& rows) const {
    const std::int64_t width = rows.size(1);
    return torch::zeros({batch_ * frames_, width}, rows.options())
        .index_copy(0, index_, rows)
        .view({batch_, frames_, width});
  }

 private:
  std::int64_t batch_, frames_;
  torch::Tensor index_;  ///< [rows] int64: places of the valid frames among batch * frames
};

}  // namespace beamgrid::trainer
