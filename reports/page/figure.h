#pragma once
// A chart with what it shows in words and as numbers: on the page, and as a file of its own.

#include <string>

#include "reports/page/markup.h"
#include "reports/page/page_table.h"

namespace beamgrid {

/// Figure is a chart. Its drawing is the inside of an <svg> of width x height pixels, which uses
/// the classes of chart.css.
struct Figure {
  std::string name;     ///< of its file and its place on the page: "best-so-far"
  std::string title;    ///< what is drawn
  std::string finding;  ///< what it says: a sentence, for those too who do not see it
  int width = 640, height = 320;
  Markup drawing;
  PageTable data;  ///< its numbers
};

/// Returns the figure for a page on which its id, which begins with `prefix`, is there once.
[[nodiscard]] Markup FigureMarkup(const Figure& figure, const std::string& prefix);

/// Returns the chart as an SVG file that needs nothing else.
[[nodiscard]] std::string SvgFile(const Figure& figure);

}  // namespace beamgrid
