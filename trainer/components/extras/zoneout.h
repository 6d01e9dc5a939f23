#pragma once
// Zoneout's options. The extra itself does nothing: recurrent cells read these where they are
// built (components/temporal/cell_loop.h).

#include "trainer/component.h"

namespace beamgrid::trainer {

/// ZoneoutOptions holds the probabilities with which a value stays as it was before the step.
struct ZoneoutOptions {
  double rate = 0.1;     ///< of a hidden state
  double cell_rate = 0;  ///< of an LSTM's memory
};

/// Lists the options.
void Describe(Fields& f, ZoneoutOptions& o);

}  // namespace beamgrid::trainer
