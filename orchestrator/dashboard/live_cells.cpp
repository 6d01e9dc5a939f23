#include "orchestrator/dashboard/live_cells.h"

#include <algorithm>
#include <cmath>

#include "registry/util/text.h"
#include "reports/page/drawing.h"

namespace beamgrid {
namespace {

std::string SecondsLeftText(double seconds) {
  if (!(seconds < 1e9)) return "";
  return DurationText(std::chrono::seconds(std::llround(std::max(0.0, std::ceil(seconds)))));
}

/// Returns a curve without axes, for a cell.
Markup SmallCurve(const RunningFact& running, const std::string& id) {
  constexpr double kWidth = 90, kHeight = 22, kEdge = 2;
  const std::vector<PlotPoint> points = PointsOf(running.curve);
  if (points.size() < 2) return {};
  const auto [low, high] = std::ranges::minmax(points, {}, &PlotPoint::y);
  const double span = high.y > low.y ? high.y - low.y : 1;
  const double last = std::max(points.back().x, static_cast<double>(running.epochs));
  std::string path;
  for (const PlotPoint& point : points) {
    const double x = kEdge + (kWidth - 2 * kEdge) * (point.x - 1) / std::max(1.0, last - 1);
    const double y = kHeight - kEdge - (kHeight - 2 * kEdge) * (point.y - low.y) / span;
    path += (path.empty() ? "M" : "L") + Pixels(x) + " " + Pixels(y);
  }
  return Element("svg",
                 {{"class", "small"},
                  {"role", "img"},
                  {"aria-label", "Curve"},
                  {"aria-describedby", id},
                  {"viewBox", "0 0 " + Pixels(kWidth) + " " + Pixels(kHeight)}},
                 Element("title", "Curve") +
                     Element("desc", {{"id", id}},
                             "From " + FixedText(points.front().y, kMetricDigits) + " to " +
                                 FixedText(points.back().y, kMetricDigits) + " in " +
                                 CountText(points.size(), "epoch") + ".") +
                     EmptyElement("path", {{"d", path}}));
}

}  // namespace

std::vector<PlotPoint> PointsOf(const std::vector<EpochFact>& curve) {
  std::vector<PlotPoint> points;
  for (const EpochFact& epoch : curve) {
    if (std::isfinite(epoch.objective)) {
      points.push_back({static_cast<double>(epoch.epoch), epoch.objective});
    }
  }
  return points;
}

std::string ShortTime(const std::string& utc) {
  // "2026-01-31T23:59:59.004Z": what is below a second tells nobody anything.
  constexpr std::size_t kToSeconds = 19;
  if (utc.size() < kToSeconds) return utc;
  return utc.substr(0, 10) + " " + utc.substr(11, 8);
}

PageCell TrialCell(const std::string& study, std::int64_t trial, const std::string& text) {
  const Target page{.kind = ViewKind::kTrial, .study = study, .trial = trial};
  return {text, {}, Element("a", {{"href", page.Text()}}, BreakableText(text))};
}

PageCell ObjectiveCell(const std::optional<double>& value) {
  return value ? FixedCell(*value, kMetricDigits) : PageCell{""};
}

PageCell CurveCell(const RunningFact& running, const std::string& id) {
  PageCell cell{""};
  cell.markup = SmallCurve(running, id);
  return cell;
}

PageCell EpochCell(const RunningFact& running) {
  return {std::to_string(running.epoch()) + "/" + std::to_string(running.epochs)};
}

PageCell LeftCell(const RunningFact& running) {
  return {running.seconds_left ? SecondsLeftText(*running.seconds_left) : ""};
}

PageSection DevicesSection(const std::vector<StudyNote>& machine) {
  PageSection section{"devices", "Devices", {}};
  PageTable table{.caption = "What studies on this machine hold now",
                  .columns = {"device", "study", ">process", ">holds", ">of", ">waits for"}};
  for (const StudyNote& note : machine) {
    for (const auto& [device, claim] : note.devices) {
      table.rows.push_back({{device},
                            {note.study},
                            {std::to_string(note.pid)},
                            CountCell(claim.held),
                            CountCell(claim.capacity),
                            claim.wanted > 0 ? CountCell(claim.wanted) : PageCell{""}});
    }
  }
  if (table.rows.empty()) {
    section.Say("No study holds a device of this machine.");
    return section;
  }
  section.Add(TableMarkup(table));
  section.Note("Cores of a CPU, workers of a GPU; of studies in other records too.");
  return section;
}

}  // namespace beamgrid
