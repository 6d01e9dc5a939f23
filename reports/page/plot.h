#pragma once
// Charts of one value over another: lines, steps and points in a frame with two axes.

#include <string>
#include <vector>

#include "reports/page/axis.h"
#include "reports/page/figure.h"

namespace beamgrid {

/// PlotPoint is a value over another.
struct PlotPoint {
  double x = 0, y = 0;
};

/// Plot collects what is drawn in one frame. What is drawn later lies above.
class Plot {
 public:
  Plot(Axis x, Axis y);

  /// Draws a line through the points of a series, in their order.
  void Line(const std::vector<PlotPoint>& points, std::size_t series);
  /// Draws a line that keeps each point's height until the next one, and the last one's until
  /// `until`.
  void Steps(const std::vector<PlotPoint>& points, double until, std::size_t series);
  /// Draws a mark of the series that shows `title` when it is pointed at.
  void Mark(const PlotPoint& point, std::size_t series, const std::string& title);
  /// Draws many points as small dots without names; those that would lie on each other once.
  void Cloud(const std::vector<PlotPoint>& points);
  /// Draws a vertical line with words.
  void Limit(double x, const std::string& words);
  /// Writes words beside a point, unless others stand there.
  void Label(const PlotPoint& point, const std::string& words);
  /// Says in a line below what a series is.
  void Legend(std::size_t series, const std::string& words);

  /// Puts the drawing and its size into a figure.
  void DrawInto(Figure& figure) const;

 private:
  [[nodiscard]] double X(double value) const;
  [[nodiscard]] double Y(double value) const;
  [[nodiscard]] Markup Frame() const;

  Axis x_, y_;
  Markup drawn_;
  std::vector<PlotPoint> labelled_;  ///< in pixels
  std::vector<std::pair<std::size_t, std::string>> legend_;
};

}  // namespace beamgrid
