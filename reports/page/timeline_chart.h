#pragma once
// Charts of what happened when, on which lane.

#include <string>
#include <vector>

#include "reports/page/axis.h"
#include "reports/page/figure.h"

namespace beamgrid {

/// BarKind is how an attempt ended, as a timeline tells it apart.
enum class BarKind { kComplete, kStopped, kOutOfMemory, kFailed, kRunning };

/// TimelineBar is something that took its time.
struct TimelineBar {
  double from = 0, to = 0;  ///< on the axis
  BarKind kind = BarKind::kComplete;
  std::string title;  ///< shown when it is pointed at
};

/// TimelineLane is bars that do not overlap.
struct TimelineLane {
  std::string label;  ///< empty: as the one above
  std::vector<TimelineBar> bars;
};

/// Draws the lanes from top to bottom into the figure, with what the kinds look like. Where there
/// are thousands of bars those of a kind are drawn together, without their titles.
void DrawTimeline(const std::vector<TimelineLane>& lanes, const Axis& axis, Figure& figure);

}  // namespace beamgrid
