// What was asked: the recipe in a few lines.

#include <algorithm>

#include "registry/class_words.h"
#include "registry/util/text.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

std::string SeedsText(const Recipe& recipe) {
  constexpr std::size_t kShownSeeds = 12;
  std::vector<std::string> seeds;
  for (const std::int64_t seed : recipe.seeds) seeds.push_back(std::to_string(seed));
  std::string text = JoinFirst(seeds, kShownSeeds);
  if (recipe.least_seeds < recipe.seeds.size()) {
    text += "; every model begins with " + std::to_string(recipe.least_seeds) +
            ", further ones are raced for";
  }
  return text;
}

std::string DataText(const DataSpec& data) {
  const auto files = [](const std::vector<std::string>& paths) {
    return CountText(paths.size(), "file");
  };
  return data.format + ", " + CountText(static_cast<std::size_t>(data.classes), "class") + "; " +
         Join(data.features, ", ",
              [](const Feature& feature) {
                return feature.first + " " + std::to_string(feature.second);
              }) +
         "; " + files(data.train) + " to train on, " + files(data.validate) +
         " to validate on; digest " + data.digest;
}

/// Returns "2026-11-30T00:52:00Z" of a time with a part of a second.
std::string WholeSeconds(const std::string& time) {
  const std::size_t point = time.find('.');
  return point == std::string::npos ? time : time.substr(0, point) + "Z";
}

PageTable SettingsTable(const StudyFacts& facts) {
  PageTable table{.caption = "The question", .columns = {"what", "value"}};
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) table.rows.push_back({{name}, {value}});
  };
  add("maximises", std::string(facts.objective->title));
  if (facts.data) add("data", DataText(*facts.data));
  add("classes", NumberedClasses(facts.class_names));
  if (facts.recipe) {
    const Recipe& recipe = *facts.recipe;
    add("strategy", recipe.search.strategy +
                        (recipe.search.order.empty() ? "" : ": " + Join(recipe.search.order)));
    add("seeds", SeedsText(recipe));
    if (facts.combinations) add("models that it allows", std::to_string(*facts.combinations));
    if (!recipe.exclusions.empty()) {
      add("exclusions", CountText(recipe.exclusions.size(), "rule") + ", in the recipe below");
    }
    if (recipe.ensemble) {
      add("ensemble", "at most " + SizeText(recipe.ensemble->size_limit) + " and " +
                          CountText(static_cast<std::size_t>(recipe.ensemble->members), "member"));
    }
  }
  add("asked at", WholeSeconds(facts.study.created_at));
  return table;
}

PageTable GridTable(const std::vector<StudyFactor>& factors) {
  constexpr std::size_t kShownCandidates = 20;
  PageTable table{.caption = "What varies", .columns = {"part", ">candidates", "which"}};
  for (const StudyFactor& factor : factors) {
    table.rows.push_back({{factor.name},
                          CountCell(std::ssize(factor.levels)),
                          {JoinFirst(factor.levels, kShownCandidates)}});
  }
  return table;
}

}  // namespace

PageSection AskedSection(const StudyFacts& facts) {
  PageSection section{"asked", "What was asked", {}};
  if (!facts.study.description.empty()) section.Say(facts.study.description);
  section.Add(TableMarkup(SettingsTable(facts)));
  if (!facts.asked_grid.empty()) section.Add(TableMarkup(GridTable(facts.asked_grid)));
  if (!facts.recipe) {
    section.Note(
        "This program cannot read the study's recipe (another version wrote it, or its components "
        "are not here), so what it asked is told only as far as the record says it.");
  } else if (facts.asked_grid.empty()) {
    section.Note("The recipe names one candidate for each part: nothing varies but the seed.");
  }
  return section;
}

}  // namespace beamgrid
