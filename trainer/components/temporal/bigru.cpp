// Stacked bidirectional GRU (Zhao 2017, Deep Multimodal Learning: An Effective Method for Video
// Classification, section Bi-GRU): two layers, each in both directions.
// [reading] The paper gives neither the number of cells nor the summary of a video. Here there are
// 1024 cells in each direction, the starter code's number, and the summary is the final states of
// the top layer's two directions, side by side.

#include "trainer/components/temporal/gru_options.h"
#include "trainer/components/temporal/recurrent_stack.h"

namespace beamgrid::trainer {
namespace {

struct BigruOptions {
  std::int64_t hidden = 1024;
  std::int64_t layers = 2;
  std::string pool = kFinalPool;
  std::string reset = kResetAfter;
};

void Describe(Fields& f, BigruOptions& o) {
  f("hidden", o.hidden, Range{1, 8192}, "cells of a layer in each direction").Tag("h");
  f("layers", o.layers, Range{1, 8}, "layers, one on top of the other").Tag("L");
  f("pool", o.pool, Choices{{kFinalPool, kMeanPool}},
    "the top layer's final states, each direction's at its own end, or the mean over the valid "
    "frames");
  DescribeReset(f, o.reset);
}

class Bigru : public RecurrentTemporal {
 public:
  Bigru(const BuildContext& context, const BigruOptions& options)
      : RecurrentTemporal(context,
                          {.cell = GruCell(options.reset),
                           .hidden = options.hidden,
                           .direction = Direction::kBoth},
                          options.layers, options.pool) {}
};

REGISTER_COMPONENT(
    Temporal, "bigru", Bigru, BigruOptions,
    {.label = "BiGRU",
     .source = "Zhao 2017, Deep Multimodal Learning: An Effective Method for Video Classification",
     .help = "Stacked bidirectional GRU. Reading: 1024 cells in each direction and, as the "
             "embedding, the top layer's final states of both directions side by side."});

}  // namespace
}  // namespace beamgrid::trainer
