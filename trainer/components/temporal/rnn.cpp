// Vanilla recurrent network: h_t = tanh(W x_t + U h_(t-1) + b). Kim et al. 2018 list it beside LSTM
// and GRU and report nothing of it.

#include "trainer/components/temporal/recurrent_stack.h"

namespace beamgrid::trainer {
namespace {

class Rnn : public RecurrentTemporal {
 public:
  Rnn(const BuildContext& context, const StackOptions& options)
      : RecurrentTemporal(context, {.cell = CellKind::kTanh, .hidden = options.hidden},
                          options.layers, options.pool) {}
};

REGISTER_COMPONENT(Temporal, "rnn", Rnn, StackOptions,
                   {.label = "RNN",
                    .source = "Kim et al. 2018, section 4.2 (named only)",
                    .help = "Vanilla recurrent network with tanh over the valid frames; wants "
                            "gradients clipped."});

}  // namespace
}  // namespace beamgrid::trainer
