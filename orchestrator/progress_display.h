#pragma once
// Where the progress of a study is shown: the terminal, or plain lines.

#include <memory>

#include "orchestrator/study/progress.h"

namespace beamgrid {

/// ProgressMode says what of a study's progress is shown.
enum class ProgressMode {
  kAuto,   ///< live on a terminal, plain otherwise
  kQuiet,  ///< nothing
};

/// Returns a display on standard error. Live: redrawn in place at most five times a second, colours
/// unless NO_COLOR is set; plain (no terminal, or TERM=dumb): one line an event.
[[nodiscard]] std::unique_ptr<ProgressDisplay> MakeProgressDisplay(ProgressMode mode);

}  // namespace beamgrid
