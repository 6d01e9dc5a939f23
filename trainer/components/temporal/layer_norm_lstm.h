#pragma once
// The layer-normalised LSTM of TensorFlow's LayerNormBasicLSTMCell (Ba et al. 2016, Layer
// Normalization; used by Na et al. 2017, section 2.2.1):
//   i, f, g, o = LN(W x + U h), each gate normalised by itself, without a bias beside LN's own
//   c' = LN(sigmoid(f + 1) c + sigmoid(i) dropout(tanh(g))),  h' = sigmoid(o) tanh(c')
// As in that cell, the normalised memory is also what the next step remembers, and dropout acts on
// the candidate only. The 1 of the forget gate is the initial shift of its LN. 4 h (D + h) + 10 h
// parameters.

#include "trainer/components/temporal/recurrent_layer.h"

namespace beamgrid::trainer {

/// Makes such a layer, for the forward direction only.
[[nodiscard]] std::unique_ptr<RecurrentLayer> MakeLayerNormLstm(std::int64_t input_width,
                                                                const LayerOptions& options);

}  // namespace beamgrid::trainer
