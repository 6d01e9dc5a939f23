#pragma once
// Charts of named rows over one axis: a value with its interval, a bar, or several dots.

#include <optional>
#include <string>
#include <vector>

#include "reports/page/axis.h"
#include "reports/page/figure.h"

namespace beamgrid {

/// ChartRow is one row. What it lacks is not drawn.
struct ChartRow {
  std::string label;
  bool heading = false;         ///< the label heads the rows after it
  std::optional<double> value;  ///< a mark
  std::optional<double> low, high;
  std::vector<double> dots;
  bool filled = true;  ///< of the mark: what a filled one means is said in the figure's finding
  std::string title;   ///< shown when the row is pointed at
};

/// BarsFrom says whether a bar leads to each value.
enum class BarsFrom { kNone, kZero };

/// Draws the rows from top to bottom into the figure. Where 0 lies on the axis it is marked.
void DrawRows(const std::vector<ChartRow>& rows, const Axis& axis, BarsFrom bars, Figure& figure);

}  // namespace beamgrid
