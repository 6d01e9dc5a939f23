#pragma once
// The option by which gru and bigru choose between the two forms of a GRU.

#include "trainer/components/temporal/recurrent_layer.h"

namespace beamgrid::trainer {

inline constexpr char kResetAfter[] = "after";
inline constexpr char kResetBefore[] = "before";

/// Lists the option `reset`.
inline void DescribeReset(Fields& f, std::string& reset) {
  f("reset", reset, Choices{{kResetAfter, kResetBefore}},
    "the reset gate acts after the recurrent product, as in cuDNN's fused cell, or before it, as "
    "in the papers' TensorFlow cell; slower on a GPU");
}

/// The cell that the option's value stands for.
[[nodiscard]] inline CellKind GruCell(const std::string& reset) {
  return reset == kResetBefore ? CellKind::kResetBeforeGru : CellKind::kGru;
}

}  // namespace beamgrid::trainer
