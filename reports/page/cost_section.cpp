// The best trial so far against the time of devices that it cost.

#include <algorithm>
#include <cmath>
#include <map>

#include "registry/util/text.h"
#include "reports/page/plot.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

/// CostPoint is a trial that was the best when it ended.
struct CostPoint {
  double device_seconds = 0, value = 0;
  std::string name;
  TrialId trial{};
};

/// BestSoFar is the course of a study by the time of devices.
struct BestSoFar {
  std::vector<CostPoint> best;
  std::vector<PlotPoint> all;  ///< every complete trial
  double device_seconds = 0;   ///< of all attempts that have ended
};

BestSoFar CourseOf(const StudyFacts& facts) {
  std::map<TrialId, const TrialRecord*> trials;
  for (const TrialRecord& trial : facts.trials) trials[trial.id] = &trial;
  std::vector<const AttemptFact*> ended;
  for (const AttemptFact& attempt : facts.attempts) {
    if (attempt.ended_at) ended.push_back(&attempt);
  }
  std::ranges::stable_sort(ended, {},
                           [](const AttemptFact* attempt) { return *attempt->ended_at; });
  BestSoFar course;
  for (const AttemptFact* attempt : ended) {
    course.device_seconds += *attempt->ended_at - attempt->begun_at;
    const auto trial = trials.find(attempt->trial);
    if (attempt->outcome != "complete" || trial == trials.end() || !trial->second->result) continue;
    const double value = ObjectiveOf(trial->second->result->metrics, facts.objective);
    if (!std::isfinite(value)) continue;
    course.all.push_back({course.device_seconds, value});
    if (!course.best.empty() && value <= course.best.back().value) continue;
    course.best.push_back({course.device_seconds, value,
                           attempt->model + " seed " + std::to_string(attempt->seed),
                           attempt->trial});
  }
  return course;
}

std::string TimeText(double seconds) {
  if (seconds < 60) return FixedText(seconds, 1) + "s";
  return DurationText(std::chrono::seconds(std::llround(seconds)));
}

Figure CostFigure(const StudyFacts& facts, const BestSoFar& course) {
  const Metric* objective = facts.objective;
  const CostPoint& last = course.best.back();
  Figure figure{.name = "best-so-far",
                .title = "Best trial so far against the time of devices",
                .finding = "The best trial, " + last.name + " with " +
                           FixedText(last.value, kMetricDigits) + ", ended after " +
                           TimeText(last.device_seconds) + " of " +
                           TimeText(course.device_seconds) +
                           " that all attempts, failed ones too, took of all devices together."};
  double low = last.value;
  for (const PlotPoint& point : course.all) low = std::min(low, point.y);
  Plot plot(SecondsAxis("time of all devices together", course.device_seconds),
            LinearAxis(std::string(objective->heading) + " of a trial", low, last.value));
  std::vector<PlotPoint> steps;
  for (const CostPoint& point : course.best) steps.push_back({point.device_seconds, point.value});
  plot.Cloud(course.all);
  plot.Steps(steps, course.device_seconds, 0);
  figure.data = {.caption = "Trials that were the best when they ended",
                 .columns = {"trial", ">device time", std::string(">") + objective->heading}};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const CostPoint& point = course.best[i];
    const std::string value = FixedText(point.value, kMetricDigits);
    plot.Mark(steps[i], 0, point.name + ": " + value + " after " + TimeText(point.device_seconds));
    figure.data.rows.push_back({TrialCell(facts, point.trial, point.name),
                                {TimeText(point.device_seconds), point.device_seconds},
                                FixedCell(point.value, kMetricDigits)});
  }
  plot.Legend(0, "the best so far; small dots are the other trials");
  plot.DrawInto(figure);
  return figure;
}

}  // namespace

PageSection CostSection(const StudyFacts& facts) {
  PageSection section{"cost", "Best so far against device time", {}};
  const BestSoFar course = CourseOf(facts);
  if (course.best.empty()) {
    section.Say("No trial is complete.");
    return section;
  }
  section.Add(CostFigure(facts, course));
  section.Note(
      "An attempt counts with the time from its start to its end, whichever study ran it; those of "
      "trials that no longer count are in it.");
  return section;
}

}  // namespace beamgrid
