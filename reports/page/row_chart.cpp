#include "reports/page/row_chart.h"

#include <algorithm>
#include <cmath>

#include "reports/page/drawing.h"

namespace beamgrid {
namespace {

constexpr int kRowsWidth = 640;
constexpr double kRowsLeft = 24, kRowsRight = 612;
constexpr double kRowHigh = 36, kHeadingHigh = 30;
constexpr std::size_t kRowCharacters = 88;

/// RowDrawing draws rows one below the other.
class RowDrawing {
 public:
  RowDrawing(const Axis& axis, BarsFrom bars) : axis_(axis), bars_(bars) {}

  void Add(const ChartRow& row) {
    if (row.heading) {
      drawn_ += ClippedTextAt(4, y_ + 20, row.label, kRowCharacters, "strong");
      y_ += kHeadingHigh;
      return;
    }
    Markup inside;
    if (!row.title.empty()) inside += Element("title", row.title);
    inside += TextAt(kRowsLeft, y_ + 13, Clipped(row.label, kRowCharacters), Anchor::kStart);
    const double line = y_ + 24;
    if (bars_ == BarsFrom::kZero && row.value) {
      const double from = X(0), to = X(*row.value);
      inside += EmptyElement("rect", {{"class", "bar"},
                                      {"x", Pixels(std::min(from, to))},
                                      {"y", Pixels(line - 5)},
                                      {"width", Pixels(std::abs(to - from))},
                                      {"height", "10"}});
    }
    if (row.low && row.high) {
      inside += EmptyElement("path", {{"class", "whisker"},
                                      {"d", "M" + Pixels(X(*row.low)) + " " + Pixels(line - 4) +
                                                "v8m0 -4H" + Pixels(X(*row.high)) + "m0 -4v8"}});
    }
    for (const double dot : row.dots) {
      inside += EmptyElement(
          "circle", {{"class", "dot"}, {"cx", Pixels(X(dot))}, {"cy", Pixels(line)}, {"r", "4"}});
    }
    if (row.value && bars_ == BarsFrom::kNone) {
      inside += EmptyElement("path", {{"class", row.filled ? "m s0" : "m s0 hollow"},
                                      {"d", MarkPath(3, X(*row.value), line)}});
    }
    drawn_ += Element("g", inside) + Markup::Verbatim("\n");
    y_ += kRowHigh;
  }

  void Finish(Figure& figure) const {
    const double bottom = y_ + 4;
    std::string grid;
    Markup texts;
    for (const Axis::Tick& tick : axis_.ticks) {
      grid += "M" + Pixels(X(tick.value)) + " 4V" + Pixels(bottom);
      texts += TextAt(X(tick.value), bottom + 17, tick.label, Anchor::kMiddle);
    }
    texts +=
        TextAt((kRowsLeft + kRowsRight) / 2, bottom + 36, axis_.title, Anchor::kMiddle, "title");
    figure.width = kRowsWidth;
    figure.height = static_cast<int>(bottom) + 44;
    figure.drawing = EmptyElement("path", {{"class", "grid"}, {"d", grid}});
    if (axis_.low <= 0 && axis_.high >= 0) {
      figure.drawing += StraightLine(X(0), 4, X(0), bottom, "axis");
    }
    figure.drawing += Markup::Verbatim("\n") + drawn_ + texts;
  }

 private:
  [[nodiscard]] double X(double value) const {
    return kRowsLeft + (kRowsRight - kRowsLeft) * axis_.Place(value);
  }

  const Axis& axis_;
  BarsFrom bars_;
  double y_ = 4;
  Markup drawn_;
};

}  // namespace

void DrawRows(const std::vector<ChartRow>& rows, const Axis& axis, BarsFrom bars, Figure& figure) {
  RowDrawing drawing(axis, bars);
  for (const ChartRow& row : rows) drawing.Add(row);
  drawing.Finish(figure);
}

}  // namespace beamgrid
