// Learning curves of the best models.

#include <algorithm>
#include <cmath>

#include "registry/util/text.h"
#include "reports/page/plot.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

/// Curve is the epochs of the best seed of a model.
struct Curve {
  const TrialRecord* trial = nullptr;
  std::vector<EpochResult> epochs;  ///< those that measured the objective
};

std::vector<Curve> CurvesOf(const StudyFacts& facts) {
  std::vector<Curve> curves;
  for (const Standing& standing : facts.leaderboard.standings) {
    if (curves.size() == kModelsWithCurves) break;
    const auto best = std::ranges::max_element(standing.values) - standing.values.begin();
    const TrialRecord& trial = facts.trials[standing.places[static_cast<std::size_t>(best)]];
    const auto found = facts.curves.find(trial.id);
    if (found == facts.curves.end()) continue;
    Curve curve{.trial = &trial};
    for (const EpochResult& epoch : found->second) {
      if (std::isfinite(epoch.metrics.*facts.objective->value)) curve.epochs.push_back(epoch);
    }
    if (!curve.epochs.empty()) curves.push_back(std::move(curve));
  }
  return curves;
}

std::string CurveName(const Curve& curve) {
  return curve.trial->name + " seed " + std::to_string(curve.trial->seed);
}

PageTable CurvesTable(const StudyFacts& facts, const std::vector<Curve>& curves) {
  const Metric* objective = facts.objective;
  PageTable table{.caption = "Learning curves",
                  .columns = {"trial", ">epoch", std::string(">") + objective->heading,
                              ">training loss", ">validation loss"}};
  for (const Curve& curve : curves) {
    for (const EpochResult& epoch : curve.epochs) {
      table.rows.push_back({TrialCell(facts, curve.trial->id, CurveName(curve)),
                            CountCell(epoch.epoch),
                            FixedCell(epoch.metrics.*objective->value, kMetricDigits),
                            FixedCell(epoch.train_loss, kMetricDigits),
                            FixedCell(epoch.validate_loss, kMetricDigits)});
    }
  }
  return table;
}

/// Returns how many of the curves are best at their last epoch: they might go on rising.
std::string CurvesFinding(const std::vector<Curve>& curves) {
  const auto still = std::ranges::count_if(curves, [](const Curve& curve) {
    return curve.trial->result && curve.trial->result->best_epoch == curve.epochs.back().epoch;
  });
  const std::string all = CountText(curves.size(), "model");
  if (still == 0) return "Each of the best " + all + " has its best epoch before its last one.";
  return std::to_string(still) + " of the best " + all + (still == 1 ? " has its" : " have their") +
         " best epoch last: more epochs might raise " + (still == 1 ? "it." : "them.");
}

Figure CurvesFigure(const StudyFacts& facts, const std::vector<Curve>& curves) {
  const Metric* objective = facts.objective;
  Figure figure{.name = "curves",
                .title = "Learning curves of the best models, of each its best seed",
                .finding = CurvesFinding(curves)};
  double low = 1, high = 0, last = 1;
  for (const Curve& curve : curves) {
    for (const EpochResult& epoch : curve.epochs) {
      const double value = epoch.metrics.*objective->value;
      low = std::min(low, value);
      high = std::max(high, value);
      last = std::max(last, static_cast<double>(epoch.epoch));
    }
  }
  Plot plot(CountAxis("epoch", 1, last), LinearAxis(objective->heading, low, high));
  for (std::size_t i = 0; i < curves.size(); ++i) {
    std::vector<PlotPoint> points;
    for (const EpochResult& epoch : curves[i].epochs) {
      points.push_back({static_cast<double>(epoch.epoch), epoch.metrics.*objective->value});
    }
    plot.Line(points, i);
    for (const EpochResult& epoch : curves[i].epochs) {
      const bool best =
          curves[i].trial->result && epoch.epoch == curves[i].trial->result->best_epoch;
      // A mark at every epoch of long curves would hide them.
      constexpr std::size_t kMarked = 30;
      if (!best && curves[i].epochs.size() > kMarked) continue;
      const double value = epoch.metrics.*objective->value;
      plot.Mark({static_cast<double>(epoch.epoch), value}, i,
                CurveName(curves[i]) + ", epoch " + std::to_string(epoch.epoch) + ": " +
                    FixedText(value, kMetricDigits) + (best ? ", its best" : ""));
    }
    plot.Legend(i, std::to_string(i + 1) + ". " + CurveName(curves[i]));
  }
  plot.DrawInto(figure);
  figure.data = CurvesTable(facts, curves);
  return figure;
}

}  // namespace

PageSection CurvesSection(const StudyFacts& facts) {
  PageSection section{"curves", "Learning curves", {}};
  const std::vector<Curve> curves = CurvesOf(facts);
  if (curves.empty()) {
    section.Say("No epoch of a complete trial is recorded.");
    return section;
  }
  section.Add(CurvesFigure(facts, curves));
  section.Note("All trials, running ones too: `beamgrid query curves --study " + facts.study.name +
               "`.");
  return section;
}

}  // namespace beamgrid
