// The strategy's path: what it asked for, why, and what came of it.

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "registry/util/text.h"
#include "reports/page/plot.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

/// PathModel is a model at the place at which it was first asked for.
struct PathModel {
  std::string name;
  TrialId trial{};             ///< its first
  std::optional<double> mean;  ///< nothing: no seed of it is complete
};

/// PathStep is models that were asked for one after the other for one reason.
struct PathStep {
  std::string why;
  std::size_t models = 0;
  std::string best;
  std::optional<double> mean;         ///< of the best of them
  std::optional<double> best_so_far;  ///< after it
};

using Means = std::map<std::string, double>;

Means MeansOf(const Leaderboard& leaderboard) {
  Means means;
  for (const Standing& standing : leaderboard.standings) {
    if (std::isfinite(standing.mean())) means[standing.name] = standing.mean();
  }
  return means;
}

std::optional<double> MeanOf(const Means& means, const std::string& model) {
  const auto found = means.find(model);
  return found == means.end() ? std::nullopt : std::optional(found->second);
}

std::vector<PathModel> PathOf(const StudyFacts& facts, const Means& means) {
  std::vector<PathModel> path;
  std::map<std::string, bool> seen;
  for (const TrialRecord& trial : facts.trials) {
    if (!seen.emplace(trial.name, true).second) continue;
    path.push_back({trial.name, trial.id, MeanOf(means, trial.name)});
  }
  return path;
}

std::vector<PathStep> StepsOf(const std::vector<AskedFact>& asked, const Means& means) {
  std::vector<PathStep> steps;
  for (const AskedFact& fact : asked) {
    if (steps.empty() || steps.back().why != fact.why) {
      PathStep step{.why = fact.why};
      if (!steps.empty()) step.best_so_far = steps.back().best_so_far;
      steps.push_back(std::move(step));
    }
    PathStep& step = steps.back();
    ++step.models;
    const std::optional<double> mean = MeanOf(means, fact.model);
    if (!mean) continue;
    if (!step.mean || *mean > *step.mean) {
      step.mean = mean;
      step.best = fact.model;
    }
    step.best_so_far = std::max(step.best_so_far.value_or(*mean), *mean);
  }
  return steps;
}

PageTable StepsTable(const std::vector<PathStep>& steps, const StudyFacts& facts) {
  constexpr std::size_t kShownSteps = 60;
  const std::string heading = facts.objective->heading;
  PageTable table{.caption = "Steps of the search",
                  .columns = {">step", "why", ">models asked for", "best of these",
                              ">its " + heading, ">best so far"},
                  .row_names = 1};
  const auto cell = [](const std::optional<double>& value) {
    return value ? FixedCell(*value, kMetricDigits) : PageCell{""};
  };
  for (std::size_t i = 0; i < std::min(kShownSteps, steps.size()); ++i) {
    const PathStep& step = steps[i];
    table.rows.push_back({CountCell(static_cast<std::int64_t>(i + 1)),
                          {step.why},
                          CountCell(static_cast<std::int64_t>(step.models)),
                          {step.best},
                          cell(step.mean),
                          cell(step.best_so_far)});
  }
  if (steps.size() > kShownSteps) {
    table.more = CountText(steps.size() - kShownSteps, "more step") + "; `beamgrid explain " +
                 facts.study.name + "/MODEL` says of any model why it was asked for.";
  }
  return table;
}

Figure PathFigure(const StudyFacts& facts, const std::vector<PathModel>& path) {
  Figure figure{.name = "path", .title = "Models in the order in which they were asked for"};
  std::vector<PlotPoint> all, best;
  PageTable table{
      .caption = "Models that were the best so far",
      .columns = {"model", ">asked as number", std::string(">") + facts.objective->heading}};
  double low = 1, high = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!path[i].mean) continue;
    const PlotPoint point{static_cast<double>(i + 1), *path[i].mean};
    low = std::min(low, point.y);
    high = std::max(high, point.y);
    all.push_back(point);
    if (!best.empty() && point.y <= best.back().y) continue;
    best.push_back(point);
    table.rows.push_back({TrialCell(facts, path[i].trial, path[i].name),
                          CountCell(static_cast<std::int64_t>(i + 1)),
                          FixedCell(point.y, kMetricDigits)});
  }
  figure.finding = "Of " + CountText(path.size(), "model") + " the best was asked for as number " +
                   FixedText(best.back().x, 0) + ".";
  if (const std::size_t missing = path.size() - all.size(); missing > 0) {
    figure.finding += " " + CountText(missing, "model") + (missing == 1 ? " is" : " are") +
                      " not complete, and not drawn.";
  }
  Plot plot(CountAxis("number of the model", 1, static_cast<double>(path.size())),
            LinearAxis(std::string(facts.objective->heading) + ", mean over seeds", low, high));
  plot.Cloud(all);
  plot.Steps(best, static_cast<double>(path.size()), 0);
  for (std::size_t i = 0; i < best.size(); ++i) {
    plot.Mark(best[i], 0, table.rows[i][0].text + ": " + table.rows[i][2].text);
  }
  plot.Legend(0, "the best so far; small dots are the others");
  plot.DrawInto(figure);
  figure.data = std::move(table);
  return figure;
}

}  // namespace

PageSection PathSection(const StudyFacts& facts) {
  PageSection section{"path", "The strategy's path", {}};
  const Means means = MeansOf(facts.leaderboard);
  const std::vector<PathModel> path = PathOf(facts, means);
  if (std::ranges::any_of(path, [](const PathModel& model) { return model.mean.has_value(); })) {
    section.Add(PathFigure(facts, path));
  }
  const std::vector<PathStep> steps = StepsOf(facts.asked, means);
  if (!steps.empty()) {
    section.Add(TableMarkup(StepsTable(steps, facts)));
    section.Note(
        std::string(facts.objective->heading) +
        " of a model: of its complete trials, the mean over seeds, whenever they ended; one "
        "that was asked for again counts again.");
  } else if (facts.recipe && !path.empty()) {
    section.Say("The strategy `" + facts.recipe->search.strategy +
                "` recorded no reasons: it asks for models in an order that no result changes.");
  }
  return section;
}

}  // namespace beamgrid
