#pragma once
// Where the progress of a study is shown: the terminal, or plain lines.

#include <memory>
#include <optional>

#include "orchestrator/study/progress.h"

namespace beamgrid {

/// ProgressMode says what of a study's progress is shown.
enum class ProgressMode {
  kAuto,   ///< live on a terminal, plain otherwise
  kQuiet,  ///< nothing
};

/// Returns a display on standard error. Live: RenderProgress, redrawn in place at most five times a
/// second and within that time after the terminal has got another size; colours unless NO_COLOR is
/// set. Plain (no terminal, or TERM=dumb): one line an event.
[[nodiscard]] std::unique_ptr<ProgressDisplay> MakeProgressDisplay(ProgressMode mode);

/// Returns whether a descriptor leads to a terminal on which a block can be redrawn, and whether
/// with colours; nothing where it does not.
[[nodiscard]] std::optional<Colour> LiveColours(int descriptor);

}  // namespace beamgrid
