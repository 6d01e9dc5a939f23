#pragma once
// Zoneout's options. The extra itself does nothing: recurrent cells read these where they are
// built (components/temporal/cell_loop.h).

#include "trainer/component.h"

namespace beamgrid::trainer {

struct ZoneoutOptions {
  double rate = 0.1;
  double cell_rate = 0;
};

void Describe(Fields& f, ZoneoutOptions& o);

}  // namespace beamgrid::trainer
