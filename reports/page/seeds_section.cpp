// How far the seeds of one model lie apart.

#include <algorithm>
#include <cmath>

#include "registry/util/text.h"
#include "reports/page/row_chart.h"
#include "reports/page/section.h"
#include "reports/statistics.h"

namespace beamgrid {
namespace {

constexpr int kDeviationDigits = 4;  // as tables have it
constexpr std::size_t kModelsWithSeeds = 20;

double SpreadOf(const Standing& standing) {
  const auto [low, high] = std::ranges::minmax(standing.values);
  return high - low;
}

/// Returns the models with several seeds, the best first.
std::vector<const Standing*> ModelsWithSeeds(const StudyFacts& facts) {
  std::vector<const Standing*> models;
  for (const Standing& standing : facts.leaderboard.standings) {
    if (standing.values.size() > 1 && std::isfinite(standing.mean())) models.push_back(&standing);
  }
  return models;
}

std::string SeedsFinding(const StudyFacts& facts, const std::vector<const Standing*>& models) {
  const Standing& widest = **std::ranges::max_element(
      models, {}, [](const Standing* model) { return SpreadOf(*model); });
  std::string text = "Of " + CountText(models.size(), "model") +
                     " with several seeds the widest spread, highest less lowest, is " +
                     FixedText(SpreadOf(widest), kMetricDigits) + ", of " + widest.name + ".";
  const std::vector<Standing>& standings = facts.leaderboard.standings;
  if (standings.size() > 1) {
    const double lead = standings[0].mean() - standings[1].mean();
    text += " The best model's mean is " +
            (lead == 0 ? "that of the next one, too"
                       : FixedText(lead, kMetricDigits) + " above the next one's");
    if (standings[0].values.size() > 1) {
      text +=
          ", and its own seeds are " + FixedText(SpreadOf(standings[0]), kMetricDigits) + " apart";
    }
    text += ".";
  }
  return text;
}

PageTable SeedsTable(const StudyFacts& facts, const std::vector<const Standing*>& models,
                     std::size_t shown) {
  PageTable table{.caption = "Spread of seeds",
                  .columns = {"model", ">seeds", ">mean", ">standard deviation", ">lowest",
                              ">highest", ">spread"}};
  for (std::size_t i = 0; i < shown; ++i) {
    const Standing& model = *models[i];
    const auto [low, high] = std::ranges::minmax(model.values);
    table.rows.push_back(
        {TrialCell(facts, facts.trials[model.places.front()].id, model.name),
         CountCell(std::ssize(model.values)), FixedCell(model.mean(), kMetricDigits),
         FixedCell(SampleDeviation(model.values), kDeviationDigits), FixedCell(low, kMetricDigits),
         FixedCell(high, kMetricDigits), FixedCell(high - low, kMetricDigits)});
  }
  return table;
}

Figure SeedsFigure(const StudyFacts& facts, const std::vector<const Standing*>& models) {
  const std::size_t shown = std::min(kModelsWithSeeds, models.size());
  Figure figure{.name = "seeds",
                .title = "Each seed of the best models (dots) and their mean (diamond)",
                .finding = SeedsFinding(facts, models)};
  std::vector<ChartRow> rows;
  double low = models[0]->values[0], high = low;
  for (std::size_t i = 0; i < shown; ++i) {
    const Standing& model = *models[i];
    const auto [least, most] = std::ranges::minmax(model.values);
    low = std::min(low, least);
    high = std::max(high, most);
    rows.push_back({.label = model.name,
                    .value = model.mean(),
                    .dots = model.values,
                    .title = model.name + ": " + FixedText(least, kMetricDigits) + " to " +
                             FixedText(most, kMetricDigits)});
  }
  DrawRows(rows, LinearAxis(facts.objective->heading, low, high), BarsFrom::kNone, figure);
  figure.data = SeedsTable(facts, models, shown);
  if (shown < models.size()) {
    figure.data.more = CountText(models.size() - shown, "more model") +
                       ": `beamgrid query seeds --study " + facts.study.name + "`.";
  }
  return figure;
}

}  // namespace

PageSection SeedsSection(const StudyFacts& facts) {
  PageSection section{"seeds", "Spread of seeds", {}};
  const std::vector<const Standing*> models = ModelsWithSeeds(facts);
  if (models.empty()) {
    section.Say(
        "No model has more than one complete seed, so how much of a difference is chance is not "
        "known: more `study.seeds` would tell.");
    return section;
  }
  section.Add(SeedsFigure(facts, models));
  return section;
}

}  // namespace beamgrid
