#include "reports/page/timeline_chart.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "reports/page/drawing.h"

namespace beamgrid {
namespace {

constexpr int kTimelineWidth = 640;
constexpr double kTimelineLeft = 12, kTimelineRight = 628;
constexpr double kBarHigh = 12, kLaneHigh = 17, kLabelHigh = 20;
constexpr std::size_t kNamedBars = 300;

struct BarLook {
  BarKind kind;
  const char* css_class;
  const char* words;
};
constexpr std::array<BarLook, 5> kBarLooks = {
    {{BarKind::kComplete, "done", "complete"},
     {BarKind::kStopped, "stopped", "stopped with its study, goes on from its checkpoint"},
     {BarKind::kOutOfMemory, "oom", "out of memory (triangle)"},
     {BarKind::kFailed, "failed", "failed otherwise (bow tie)"},
     {BarKind::kRunning, "running", "running when the record was read"}}};

const BarLook& LookOf(BarKind kind) { return kBarLooks.at(static_cast<std::size_t>(kind)); }

/// TimelineDrawing draws lanes one below the other.
class TimelineDrawing {
 public:
  TimelineDrawing(const Axis& axis, bool named) : axis_(axis), named_(named) {}

  void Add(const TimelineLane& lane) {
    if (!lane.label.empty()) {
      drawn_ += ClippedTextAt(kTimelineLeft, y_ + 14, lane.label, 84, "strong");
      y_ += kLabelHigh;
    }
    std::map<BarKind, std::string> paths;
    for (const TimelineBar& bar : lane.bars) {
      const std::string path = Box(X(bar.from), X(bar.to), y_);
      if (named_) {
        drawn_ +=
            Element("path", {{"class", Class(bar.kind)}, {"d", path}}, Element("title", bar.title));
      } else if (std::string& together = paths[bar.kind]; !together.ends_with(path)) {
        together += path;
      }
      AddMark(bar);
    }
    for (const auto& [kind, path] : paths) {
      drawn_ += EmptyElement("path", {{"class", Class(kind)}, {"d", path}});
    }
    drawn_ += Markup::Verbatim("\n");
    y_ += kLaneHigh;
  }

  void Finish(const std::vector<BarKind>& kinds, Figure& figure) {
    const double bottom = y_ + 2;
    std::string grid;
    Markup texts;
    for (const Axis::Tick& tick : axis_.ticks) {
      grid += "M" + Pixels(X(tick.value)) + " 4V" + Pixels(bottom);
      texts += TextAt(X(tick.value), bottom + 17, tick.label, Anchor::kMiddle);
    }
    texts += TextAt((kTimelineLeft + kTimelineRight) / 2, bottom + 36, axis_.title, Anchor::kMiddle,
                    "title");
    double y = bottom + 46;
    for (const BarKind kind : kinds) {
      texts += EmptyElement("path", {{"class", Class(kind)}, {"d", Box(16, 46, y)}});
      if (const auto mark = MarkOf(kind)) texts += Mark(*mark, 46, y + kBarHigh / 2, "");
      texts += TextAt(58, y + 11, LookOf(kind).words, Anchor::kStart);
      y += 19;
    }
    figure.width = kTimelineWidth;
    figure.height = static_cast<int>(y) + 6;
    figure.drawing = EmptyElement("path", {{"class", "grid"}, {"d", grid}}) +
                     Markup::Verbatim("\n") + drawn_ + marks_ + texts;
  }

 private:
  [[nodiscard]] double X(double value) const {
    return kTimelineLeft + (kTimelineRight - kTimelineLeft) * axis_.Place(value);
  }
  static std::string Class(BarKind kind) { return std::string("run ") + LookOf(kind).css_class; }
  static std::string Box(double from, double to, double y) {
    constexpr double kNarrowest = 0.6;
    return "M" + Pixels(from) + " " + Pixels(y) + "h" + Pixels(std::max(to - from, kNarrowest)) +
           "v" + Pixels(kBarHigh) + "H" + Pixels(from) + "z";
  }
  static std::optional<std::size_t> MarkOf(BarKind kind) {
    if (kind == BarKind::kOutOfMemory) return 2;
    if (kind == BarKind::kFailed) return 5;
    return std::nullopt;
  }
  void AddMark(const TimelineBar& bar) {
    const auto mark = MarkOf(bar.kind);
    if (!mark || marked_ == kNamedBars) return;
    ++marked_;
    marks_ += Mark(*mark, X(bar.to), y_ + kBarHigh / 2, bar.title);
  }

  const Axis& axis_;
  bool named_;
  double y_ = 6;
  std::size_t marked_ = 0;
  Markup drawn_, marks_;
};

}  // namespace

void DrawTimeline(const std::vector<TimelineLane>& lanes, const Axis& axis, Figure& figure) {
  std::size_t bars = 0;
  std::vector<BarKind> kinds;
  for (const BarLook& look : kBarLooks) {
    const auto is_there = [&](const TimelineLane& lane) {
      return std::ranges::find(lane.bars, look.kind, &TimelineBar::kind) != lane.bars.end();
    };
    if (std::ranges::any_of(lanes, is_there)) kinds.push_back(look.kind);
  }
  for (const TimelineLane& lane : lanes) bars += lane.bars.size();
  TimelineDrawing drawing(axis, bars <= kNamedBars);
  for (const TimelineLane& lane : lanes) drawing.Add(lane);
  drawing.Finish(kinds, figure);
}

}  // namespace beamgrid
