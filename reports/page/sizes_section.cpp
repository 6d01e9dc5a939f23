// What each further byte buys: the models by their size, and those that no smaller one reaches.

#include <algorithm>
#include <cmath>
#include <optional>

#include "registry/util/text.h"
#include "reports/page/ensemble_words.h"
#include "reports/page/plot.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

constexpr char kSizeTitle[] = "size of the trained model";

std::vector<const Standing*> MeasuredModels(const StudyFacts& facts) {
  std::vector<const Standing*> models;
  for (const Standing& standing : facts.leaderboard.standings) {
    if (std::isfinite(standing.mean())) models.push_back(&standing);
  }
  return models;
}

/// Returns the models with a higher mean than every smaller one, by size.
std::vector<const Standing*> FrontOf(std::vector<const Standing*> models) {
  std::ranges::stable_sort(models, {}, &Standing::size_bytes);
  // Of equal sizes the best first: the models came by their mean, and the sort is stable.
  std::vector<const Standing*> front;
  for (const Standing* model : models) {
    if (front.empty() || model->mean() > front.back()->mean()) front.push_back(model);
  }
  return front;
}

/// Returns the limit of the study's ensembles.
std::optional<std::int64_t> SizeLimitOf(const StudyFacts& facts) {
  if (facts.ensemble) return NumbersOf(*facts.ensemble).size_limit;
  if (facts.recipe && facts.recipe->ensemble) return facts.recipe->ensemble->size_limit;
  return std::nullopt;
}

PageTable FrontTable(const std::vector<const Standing*>& front, const Metric* objective) {
  PageTable table{.caption = "Models with more than every smaller one",
                  .columns = {"model", ">size", std::string(">") + objective->heading}};
  for (const Standing* model : front) {
    table.rows.push_back(
        {{model->name}, SizeCell(model->size_bytes), FixedCell(model->mean(), kMetricDigits)});
  }
  return table;
}

std::string SizesFinding(const std::vector<const Standing*>& front, std::size_t models,
                         const Metric* objective) {
  const auto words = [&](const Standing& model) {
    return model.name + ", " + SizeText(model.size_bytes) + ", with " +
           FixedText(model.mean(), kMetricDigits);
  };
  const std::string heading = objective->heading;
  if (front.size() == 1) {
    return "The smallest model has the highest " + heading + ": " + words(*front[0]) + ".";
  }
  return std::to_string(front.size()) + " of " + CountText(models, "model") + " have more " +
         heading + " than every smaller one: from " + words(*front.front()) + ", to " +
         words(*front.back()) + ".";
}

Figure SizesFigure(const StudyFacts& facts, const std::vector<const Standing*>& models) {
  const std::vector<const Standing*> front = FrontOf(models);
  const Metric* objective = facts.objective;
  Figure figure{.name = "sizes",
                .title = std::string("Bytes against ") + objective->heading + ", mean over seeds",
                .finding = SizesFinding(front, models.size(), objective)};
  const auto [smallest, largest] = std::ranges::minmax(models, {}, &Standing::size_bytes);
  const auto [worst, best] = std::ranges::minmax(models, {}, &Standing::mean);
  double high = static_cast<double>(largest->size_bytes);
  // A limit far beyond all models would press them together.
  constexpr double kFar = 64;
  const std::optional<std::int64_t> limit = SizeLimitOf(facts);
  const bool shows_limit = limit && static_cast<double>(*limit) <= kFar * high;
  if (shows_limit) high = std::max(high, static_cast<double>(*limit));
  Plot plot(BytesAxis(kSizeTitle, static_cast<double>(smallest->size_bytes), high),
            LinearAxis(objective->heading, worst->mean(), best->mean()));
  const auto point = [](const Standing& model) {
    return PlotPoint{static_cast<double>(model.size_bytes), model.mean()};
  };
  std::vector<PlotPoint> all, steps;
  for (const Standing* model : models) all.push_back(point(*model));
  for (const Standing* model : front) steps.push_back(point(*model));
  if (shows_limit) plot.Limit(static_cast<double>(*limit), "limit of the ensemble");
  plot.Cloud(all);
  plot.Steps(steps, high, 0);
  constexpr std::size_t kNamed = 200;
  for (std::size_t i = 0; i < std::min(kNamed, front.size()); ++i) {
    plot.Mark(steps[i], 0,
              front[i]->name + ", " + SizeText(front[i]->size_bytes) + ": " +
                  FixedText(front[i]->mean(), kMetricDigits));
  }
  plot.Legend(0, "models with more than every smaller one; small dots are the others");
  plot.DrawInto(figure);
  figure.data = FrontTable(front, objective);
  figure.data.more = "All models: `beamgrid query leaderboard --study " + facts.study.name + "`.";
  return figure;
}

}  // namespace

PageSection SizesSection(const StudyFacts& facts) {
  PageSection section{"sizes", std::string("Bytes against ") + facts.objective->heading, {}};
  const std::vector<const Standing*> models = MeasuredModels(facts);
  if (models.empty()) {
    section.Say("No trial is complete.");
    return section;
  }
  section.Add(SizesFigure(facts, models));
  if (const std::optional<std::int64_t> limit = SizeLimitOf(facts)) {
    const auto fitting = std::ranges::count_if(
        models, [&](const Standing* model) { return model->size_bytes <= *limit; });
    section.Say("The members of an ensemble may take " + SizeText(*limit) + " together: " +
                std::to_string(fitting) + " of " + CountText(models.size(), "model") +
                (fitting == 1 ? " fits by itself." : " fit by themselves."));
  }
  return section;
}

}  // namespace beamgrid
