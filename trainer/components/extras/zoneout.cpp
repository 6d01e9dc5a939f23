// Zoneout (Krueger et al. 2017, Zoneout: Regularizing RNNs by Randomly Preserving Hidden
// Activations): in training each value of a cell's state keeps, with probability z, what it was
// before the step; in evaluation the expectation is taken.
//   h_t = m h_(t-1) + (1 - m) h'_t,   m ~ Bernoulli(z) in training, m = z in evaluation
// The same for an LSTM's memory c with a rate of its own; h'_t = o tanh(c'_t) is made of the memory
// before zoneout, as in the paper. Kim et al. 2018 name zoneout without rates or places.

#include "trainer/components/temporal/cell_loop.h"

namespace beamgrid::trainer {

void Describe(Fields& f, ZoneoutOptions& o) {
  f("rate", o.rate, Range{0, 0.95},
    "probability that a value of a hidden state h stays as it was before the step")
      .AlwaysNamed();
  f("cell_rate", o.cell_rate, Range{0, 0.95},
    "the same for the memory c of LSTM cells; the paper's language models use 0.5 beside a rate of "
    "0.05. Other cells have none")
      .Tag("c");
}

namespace {

class ZoneoutExtra : public Extra {
 public:
  ZoneoutExtra(const BuildContext& context, const ZoneoutOptions& /*options*/) {
    if (context.video_level) {
      throw SpecError(
          "extras.zoneout acts in the cells of the temporal component, and video-level data has "
          "none; leave it out");
    }
  }

  void OnTemporalBuilt(const Temporal& temporal) override {
    if (temporal.applies_zoneout()) return;
    throw SpecError(
        "extras.zoneout acts in recurrent cells, and this temporal component has none that it "
        "could act in; use rnn, lstm, gru, blstm, bigru, hierarchical_lstm or han_attention, or "
        "leave it out");
  }
};

REGISTER_COMPONENT(Extra, "zoneout", ZoneoutExtra, ZoneoutOptions,
                   {.label = "zoneout",
                    .source = "Krueger et al. 2017, Zoneout: Regularizing RNNs by Randomly "
                              "Preserving Hidden Activations; named by Kim et al. 2018, section "
                              "4.2",
                    .help = "States of recurrent cells randomly stay as they were. Cells then run "
                            "step by step, which on a GPU is slower than cuDNN's one kernel."});

}  // namespace
}  // namespace beamgrid::trainer
