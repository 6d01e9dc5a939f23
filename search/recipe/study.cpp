// The version line, plugins, [study] and [train].
#include <algorithm>
#include <set>

#include "search/recipe/components.h"
#include "search/recipe/sections.h"

namespace beamgrid {
namespace {

constexpr std::int64_t kFormatVersion = 1;
// A study's name is a folder and a part of the lock file's name.
constexpr std::size_t kLongestStudyName = 100;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

std::string ReadName(Section& study) {
  const toml::node* node = study.Require("name", "the study's name, letters, digits, - and _");
  if (node == nullptr) return "";
  const auto* name = node->as_string();
  if (name != nullptr && IsStudyName(name->get())) return name->get();
  study.Mistake(*node, "name",
                "is " + (name == nullptr ? KindOf(*node) : Shown(OptionValue(name->get()))) +
                    ", must be 1.." + std::to_string(kLongestStudyName) +
                    " letters, digits, - and _");
  return "";
}

/// Returns "1, 2, 3", or "1, 2, 3, ..., 9" where there are more.
std::string ListOfFirst(std::int64_t count) {
  constexpr std::int64_t kShown = 5;
  std::string list = "1";
  for (std::int64_t seed = 2; seed <= std::min(count, kShown); ++seed) {
    list += ", " + std::to_string(seed);
  }
  if (count > kShown) list += ", ..., " + std::to_string(count);
  return list;
}

/// Reads the seeds 1 to max, of which every model begins with min.
void ReadRace(Section& study, const toml::table& table, Recipe& recipe) {
  Section race(table, study.PathOf("seeds"), study.mistakes());
  const std::int64_t least = race.ReadInteger("min");
  const std::int64_t most = race.ReadInteger("max");
  if (const toml::node* node = race.Require("max", "the most seeds that a model gets")) {
    if (most <= least) {
      race.Mistake(*node, "max",
                   "is " + std::to_string(most) + ", must be more than min (" +
                       std::to_string(least) + "), else there are no seeds to race for; for " +
                       std::to_string(least) + " of every model write seeds = [" +
                       ListOfFirst(least) + "]");
    }
  }
  race.RefuseOthers();
  if (least < 1 || most <= least) return;
  recipe.seeds.clear();
  for (std::int64_t seed = 1; seed <= most; ++seed) recipe.seeds.push_back(seed);
  recipe.least_seeds = static_cast<std::size_t>(least);
}

void ReadSeeds(Section& study, Recipe& recipe) {
  const toml::node* node = study.Find("seeds");
  if (node == nullptr) return;
  if (const toml::table* race = node->as_table()) return ReadRace(study, *race, recipe);
  const toml::array* list = node->as_array();
  if (list == nullptr || list->empty()) {
    return study.Mistake(
        *node, "seeds",
        "is " + (list == nullptr ? KindOf(*node) : std::string("an empty list")) +
            ", must be a list of one or more integers: seeds = [1, 2, 3], or how many of them are "
            "raced for: seeds = { min = 1, max = 5 }");
  }
  std::vector<std::int64_t> seeds;
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string key = study.PathOf("seeds") + "[" + std::to_string(i) + "]";
    const auto* number = (*list)[i].as_integer();
    if (number == nullptr || number->get() < 0) {
      study.mistakes().Add(
          (*list)[i].source(), key,
          "is " + (number == nullptr ? KindOf((*list)[i]) : std::to_string(number->get())) +
              ", must be an integer from 0 on");
    } else if (!seen.insert(number->get()).second) {
      study.mistakes().Add((*list)[i].source(), key,
                           "the seed " + std::to_string(number->get()) + " is named twice");
    } else {
      seeds.push_back(number->get());
    }
  }
  if (seeds.empty()) return;
  recipe.least_seeds = seeds.size();
  recipe.seeds = std::move(seeds);
}

}  // namespace

bool IsStudyName(const std::string& name) {
  if (name.empty() || name.size() > kLongestStudyName) return false;
  return std::all_of(name.begin(), name.end(), IsNameCharacter);
}

void ReadVersion(Section& root) {
  const toml::node* node = root.Require(
      "beamgrid", "write `beamgrid = 1`, the version of the recipe format, as the first line");
  if (node == nullptr) return;
  const auto* version = node->as_integer();
  if (version != nullptr && version->get() == kFormatVersion) return;
  root.Mistake(*node, "beamgrid",
               "is " + (version == nullptr ? KindOf(*node) : std::to_string(version->get())) +
                   ", must be 1: the only recipe format that this program reads");
}

void ReadPlugins(Section& root, Recipe& recipe) {
  const toml::node* node = root.Find("plugins");
  if (node == nullptr) return;
  for (const PlacedWord& plugin : ReadWords(*node, "plugins", root.mistakes())) {
    recipe.plugins.push_back(
        {plugin.word, root.mistakes().PlaceOf(plugin.node->source()), plugin.path});
  }
}

void ReadStudy(Section& root, Recipe& recipe) {
  const toml::table* table = root.FindTable("study");
  if (table == nullptr) {
    if (!root.table().contains("study")) {
      root.mistakes().Add(root.table().source(), "study",
                          "the section is missing: it gives the name");
    }
    return;
  }
  Section study(*table, "study", root.mistakes());
  recipe.name = ReadName(study);
  recipe.description = study.ReadWord("description");
  recipe.objective = FindMetric(study.ReadWord("objective"));
  ReadSeeds(study, recipe);
  study.RefuseOthers();
}

void ReadTrain(Section& root, const Catalogue& catalogue, Recipe& recipe) {
  const ComponentInfo* component = catalogue.Find("train", "train");
  const toml::table* table = root.FindTable("train");
  if (component == nullptr) return;
  recipe.train = DefaultOptions(*component);
  if (table == nullptr) return;
  recipe.train = ReadOptions(*component, *table, "train", Lists::kRefuse, root.mistakes()).fixed;
}

}  // namespace beamgrid
