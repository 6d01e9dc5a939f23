#pragma once
// The pieces that charts are drawn with: short coordinates, marks that differ in shape, colour and
// dash, text that is cut where it has no room.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reports/page/markup.h"

namespace beamgrid {

/// Returns a coordinate in pixels with at most one decimal: "12.5", "12".
[[nodiscard]] std::string Pixels(double value);

/// So many series can be told apart by shape, colour and dash; further ones begin anew.
inline constexpr std::size_t kSeriesStyles = 6;

/// Returns the path of a mark of a series around a place.
[[nodiscard]] std::string MarkPath(std::size_t series, double x, double y);
/// Returns the mark; `title` is shown when it is pointed at.
[[nodiscard]] Markup Mark(std::size_t series, double x, double y, const std::string& title);

/// Anchor says which part of a text lies at its place.
enum class Anchor { kStart, kMiddle, kEnd };
/// Returns a text; `css_class` may be empty.
[[nodiscard]] Markup TextAt(double x, double y, const std::string& text, Anchor anchor,
                            const std::string& css_class = "");
/// Returns the longest beginning of the text that has room for so many characters, on one line, and
/// the whole one to be shown when it is pointed at.
[[nodiscard]] Markup ClippedTextAt(double x, double y, const std::string& text,
                                   std::size_t characters, const std::string& css_class = "");
/// Returns the text cut to so many characters, the last one an ellipsis where it is cut.
[[nodiscard]] std::string Clipped(const std::string& text, std::size_t characters);
/// Returns a straight line.
[[nodiscard]] Markup StraightLine(double x1, double y1, double x2, double y2,
                                  const std::string& css_class);

}  // namespace beamgrid
