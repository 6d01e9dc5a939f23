#pragma once
// The two forms of a GRU, for gru and bigru.

#include "trainer/components/temporal/recurrent_layer.h"

namespace beamgrid::trainer {

inline constexpr char kResetAfter[] = "after";
inline constexpr char kResetBefore[] = "before";

inline void DescribeReset(Fields& f, std::string& reset) {
  f("reset", reset, Choices{{kResetAfter, kResetBefore}},
    "the reset gate acts after the recurrent product, as in cuDNN's fused cell, or before it, as "
    "in the papers' TensorFlow cell; slower on a GPU");
}

[[nodiscard]] inline CellKind GruCell(const std::string& reset) {
  return reset == kResetBefore ? CellKind::kResetBeforeGru : CellKind::kGru;
}

}  // namespace beamgrid::trainer
