#include "reports/page/plot.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "reports/page/drawing.h"

namespace beamgrid {
namespace {

constexpr int kPlotWidth = 640;
constexpr double kLeft = 62, kRight = 608, kTop = 30, kBottom = 280;
constexpr double kLegendLine = 19;
constexpr std::size_t kLegendCharacters = 84;

std::string SeriesClass(const char* kind, std::size_t series) {
  return std::string(kind) + " s" + std::to_string(series % kSeriesStyles);
}

}  // namespace

Plot::Plot(Axis x, Axis y) : x_(std::move(x)), y_(std::move(y)) {}

double Plot::X(double value) const { return kLeft + (kRight - kLeft) * x_.Place(value); }
double Plot::Y(double value) const { return kBottom - (kBottom - kTop) * y_.Place(value); }

void Plot::Line(const std::vector<PlotPoint>& points, std::size_t series) {
  std::string path;
  for (const PlotPoint& point : points) {
    path += (path.empty() ? "M" : "L") + Pixels(X(point.x)) + " " + Pixels(Y(point.y));
  }
  if (path.empty()) return;
  drawn_ += EmptyElement("path", {{"class", SeriesClass("l", series)}, {"d", path}});
}

void Plot::Steps(const std::vector<PlotPoint>& points, double until, std::size_t series) {
  std::vector<PlotPoint> corners;
  for (const PlotPoint& point : points) {
    if (!corners.empty()) corners.push_back({point.x, corners.back().y});
    corners.push_back(point);
  }
  if (!corners.empty()) corners.push_back({until, corners.back().y});
  Line(corners, series);
}

void Plot::Mark(const PlotPoint& point, std::size_t series, const std::string& title) {
  drawn_ += beamgrid::Mark(series, X(point.x), Y(point.y), title);
}

void Plot::Cloud(const std::vector<PlotPoint>& points) {
  // A dot is 4 pixels wide: places a pixel apart look the same.
  std::set<std::pair<int, int>> places;
  for (const PlotPoint& point : points) {
    places.emplace(std::lround(X(point.x)), std::lround(Y(point.y)));
  }
  std::string path;
  for (const auto& [x, y] : places)
    path += "M" + std::to_string(x) + " " + std::to_string(y) + "h0";
  if (!path.empty()) drawn_ += EmptyElement("path", {{"class", "cloud"}, {"d", path}});
}

void Plot::Limit(double x, const std::string& words) {
  const double at = X(x);
  drawn_ += StraightLine(at, kTop, at, kBottom, "limit");
  const bool right = at > (kLeft + kRight) / 2;
  drawn_ += TextAt(at + (right ? -6 : 6), kBottom - 8, words, right ? Anchor::kEnd : Anchor::kStart,
                   "strong");
}

void Plot::Label(const PlotPoint& point, const std::string& words) {
  constexpr double kWide = 26, kHigh = 15;
  const PlotPoint place{X(point.x), Y(point.y)};
  const bool taken = std::ranges::any_of(labelled_, [&](const PlotPoint& other) {
    return std::abs(other.x - place.x) < kWide && std::abs(other.y - place.y) < kHigh;
  });
  if (taken) return;
  labelled_.push_back(place);
  const bool right = place.x > kRight - kWide;
  drawn_ += TextAt(place.x + (right ? -8 : 8), place.y - 6, words,
                   right ? Anchor::kEnd : Anchor::kStart, "strong");
}

void Plot::Legend(std::size_t series, const std::string& words) {
  legend_.emplace_back(series, words);
}

Markup Plot::Frame() const {
  std::string grid;
  Markup texts;
  for (const Axis::Tick& tick : y_.ticks) {
    const double y = Y(tick.value);
    grid += "M" + Pixels(kLeft) + " " + Pixels(y) + "H" + Pixels(kRight);
    texts += TextAt(kLeft - 8, y + 4, tick.label, Anchor::kEnd);
  }
  for (const Axis::Tick& tick : x_.ticks) {
    const double x = X(tick.value);
    grid += "M" + Pixels(x) + " " + Pixels(kBottom) + "v5";
    texts += TextAt(x, kBottom + 19, tick.label, Anchor::kMiddle);
  }
  texts += TextAt((kLeft + kRight) / 2, kBottom + 38, x_.title, Anchor::kMiddle, "title");
  // Above its numbers: turned letters are hard to read.
  texts += TextAt(8, 16, y_.title, Anchor::kStart, "title");
  return EmptyElement("path", {{"class", "grid"}, {"d", grid}}) +
         StraightLine(kLeft, kBottom, kRight, kBottom, "axis") + texts + Markup::Verbatim("\n");
}

void Plot::DrawInto(Figure& figure) const {
  constexpr double kBelow = 50;
  double y = kBottom + kBelow;
  Markup legend;
  for (const auto& [series, words] : legend_) {
    y += kLegendLine;
    legend += EmptyElement(
        "path", {{"class", SeriesClass("l", series)}, {"d", "M16 " + Pixels(y - 4) + "h28"}});
    legend += beamgrid::Mark(series, 30, y - 4, "");
    legend += ClippedTextAt(54, y, words, kLegendCharacters);
  }
  figure.width = kPlotWidth;
  figure.height = static_cast<int>(y) + (legend_.empty() ? 0 : 8);
  figure.drawing = Frame() + drawn_ + Markup::Verbatim("\n") + legend;
}

}  // namespace beamgrid
