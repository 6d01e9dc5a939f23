// Gated recurrent units. The papers' cell (Zhao 2017, with TensorFlow's names for the gates; z and
// 1 - z are exchanged here as in LibTorch):
//   r, z = sigmoid(W x_t + U h_(t-1) + b),  n = tanh(W x_t + U (r o h_(t-1)) + b)
//   h_t = (1 - z) o n + z o h_(t-1)
// cuDNN's form applies the reset gate after the product: n = tanh(W x_t + b + r o (U h_(t-1) + d)).

#include "trainer/components/temporal/gru_options.h"
#include "trainer/components/temporal/recurrent_stack.h"

namespace beamgrid::trainer {
namespace {

struct GruOptions {
  StackOptions stack;
  std::string reset = kResetAfter;
};

void Describe(Fields& f, GruOptions& o) {
  Describe(f, o.stack);
  DescribeReset(f, o.reset);
}

class Gru : public RecurrentTemporal {
 public:
  Gru(const BuildContext& context, const GruOptions& options)
      : RecurrentTemporal(context, {.cell = GruCell(options.reset), .hidden = options.stack.hidden},
                          options.stack.layers, options.stack.pool) {}
};

REGISTER_COMPONENT(
    Temporal, "gru", Gru, GruOptions,
    {.label = "GRU",
     .source = "Zhao 2017, Deep Multimodal Learning: An Effective Method for Video Classification; "
               "Miech et "
               "al. 2017, Learnable pooling with Context Gating for video classification",
     .help = "Gated recurrent units over the valid frames. By default in cuDNN's form, where the "
             "reset gate acts after the recurrent product; the papers' TensorFlow cell applies it "
             "before (reset = \"before\")."});

}  // namespace
}  // namespace beamgrid::trainer
