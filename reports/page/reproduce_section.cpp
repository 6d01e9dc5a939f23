// How to get the same numbers again.

#include <map>
#include <set>

#include "registry/util/text.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

/// Returns the environments in which trials completed, with how many did.
PageTable EnvironmentsTable(const StudyFacts& facts) {
  std::map<std::vector<std::string>, std::int64_t> counts;
  for (const TrialRecord& trial : facts.trials) {
    if (!trial.result) continue;
    ++counts[{trial.result->program_version, trial.result->libtorch_version, trial.result->device,
              std::to_string(trial.result->threads)}];
  }
  PageTable table{.caption = "What the trials were trained with",
                  .columns = {"beamgrid", "LibTorch", "device", ">threads", ">trials"},
                  .row_names = 2};
  for (const auto& [environment, count] : counts) {
    std::vector<PageCell>& cells = table.rows.emplace_back();
    for (const std::string& text : environment) cells.push_back({text});
    cells.push_back(CountCell(count));
  }
  return table;
}

PageTable HistoryTable(const std::vector<RecipeEntry>& history) {
  PageTable table{.caption = "Recipes that the study has had",
                  .columns = {">recipe", "begun at", "beamgrid", "changed"},
                  .row_names = 1};
  for (const RecipeEntry& entry : history) {
    table.rows.push_back({CountCell(entry.position),
                          {entry.begun_at},
                          {entry.program_version},
                          {entry.position == 1 ? "the study began" : Join(entry.changes, "; ")}});
  }
  return table;
}

std::string CommandsText(const StudyFacts& facts) {
  const std::string& name = facts.study.name;
  std::string text = "beamgrid run recipe.toml          # the recipe below, beside its data\n";
  const bool complete = !facts.leaderboard.standings.empty();
  if (complete) {
    text +=
        "beamgrid verify " + name + " --sample 3   # trains 3 trials again, compares every bit\n";
  }
  text += "beamgrid dump " + name + " --canonical    # equal for equal results\n";
  if (facts.models) text += facts.models->command + "\n";
  for (const TableFact& fact : facts.tables) text += fact.command + "\n";
  if (facts.effects) text += "beamgrid effects " + name + "\n";
  if (complete) text += "beamgrid ensemble " + name + "\n";
  return text;
}

}  // namespace

PageSection ReproduceSection(const StudyFacts& facts) {
  PageSection section{"reproduce", "How to reproduce it", {}};
  section.Add(Element("pre", {{"tabindex", "0"}}, CommandsText(facts)) + Markup::Verbatim("\n"));
  const PageTable environments = EnvironmentsTable(facts);
  if (!environments.rows.empty()) section.Add(TableMarkup(environments));
  if (facts.data) {
    section.Say("The data are those with the digest " + facts.data->digest +
                "; the recipe's digest is " + facts.study.recipe_digest + ".");
  }
  if (facts.history.size() > 1) section.Add(TableMarkup(HistoryTable(facts.history)));
  section.Add(Element("details", Element("summary", "The recipe of the last run") +
                                     Element("pre", {{"tabindex", "0"}}, facts.study.recipe_text)) +
              Markup::Verbatim("\n"));
  return section;
}

}  // namespace beamgrid
