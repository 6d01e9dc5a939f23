// Simple recurrent units (Lei et al. 2017, Training RNNs as Fast as CNNs; Zhao 2017, Deep
// Multimodal Learning: An Effective Method for Video Classification, names them as future work):
//   f_t, r_t = sigmoid(W x_t + b),  c_t = f_t o c_(t-1) + (1 - f_t) o W x_t
//   h_t = r_t o tanh(c_t) + (1 - r_t) o x_t
// Where x_t is not as wide as h_t the last term has W' x_t, as in the authors' code. Parameters of
// a layer: 3 h D + 2 h, and h D more for W'.

#include "trainer/components/temporal/recurrent_stack.h"

namespace beamgrid::trainer {
namespace {

class SimpleRecurrent : public RecurrentTemporal {
 public:
  SimpleRecurrent(const BuildContext& context, const StackOptions& options)
      : RecurrentTemporal(context, {.cell = CellKind::kSru, .hidden = options.hidden},
                          options.layers, options.pool) {}
};

REGISTER_COMPONENT(Temporal, "sru", SimpleRecurrent, StackOptions,
                   {.label = "SRU",
                    .source = "Lei et al. 2017, Training RNNs as Fast as CNNs; Zhao 2017, Deep "
                              "Multimodal Learning: An Effective Method for Video Classification, "
                              "future work",
                    .help = "Simple recurrent units over the valid frames: no gate sees the state, "
                            "so that only sums and products are left from frame to frame."});

}  // namespace
}  // namespace beamgrid::trainer
