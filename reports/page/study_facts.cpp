#include "reports/page/study_facts.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "registry/criteria.h"
#include "registry/named_file.h"
#include "registry/store/form.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "reports/raced_seeds.h"
#include "reports/study_grid.h"
#include "reports/table_command.h"
#include "reports/table_parts.h"
#include "search/search_space.h"

namespace beamgrid {
namespace {

using QueryRow = std::vector<boost::json::value>;

std::string TextOf(const boost::json::value& cell) {
  return cell.is_string() ? std::string(cell.get_string()) : "";
}

double SecondsOf(const boost::json::value& cell) {
  return cell.is_number() ? cell.to_number<double>() : 0;
}

std::string Digits(StudyId study) { return std::to_string(static_cast<std::int64_t>(study)); }

std::vector<AttemptFact> ReadAttempts(const Store& store, StudyId study) {
  // Of a time as text the seconds since 1970, rounded to what it holds.
  const auto seconds = [](const std::string& column) {
    return "round((julianday(" + column + ") - 2440587.5) * 86400.0, 3)";
  };
  const Store::Table table = store.Query(
      "SELECT attempt.trial, study_trial.name, study_trial.seed, number, not_counted IS NULL,"
      " outcome, device, " +
          seconds("started_at") + ", " + seconds("finished_at") +
          ", CASE outcome WHEN 'complete' THEN '' ELSE message END,"
          " CASE outcome WHEN 'complete' THEN '' ELSE log_tail END"
          " FROM study_trial JOIN attempt ON attempt.trial = study_trial.trial"
          " WHERE study_trial.study = CAST(:study AS INTEGER)"
          " AND (begun OR finished_at NOT NULL)"  // not what waits in a cluster's queue
          " ORDER BY started_at, attempt.trial, number",
      {{"study", Digits(study)}});
  std::vector<AttemptFact> attempts;
  for (const QueryRow& row : table.rows) {
    AttemptFact attempt{.trial = TrialId(row[0].as_int64()),
                        .model = TextOf(row[1]),
                        .seed = row[2].as_int64(),
                        .number = row[3].as_int64(),
                        .counts = row[4].as_int64() != 0,
                        .outcome = TextOf(row[5]),
                        .device = TextOf(row[6]),
                        .begun_at = SecondsOf(row[7]),
                        .message = TextOf(row[9]),
                        .log_tail = TextOf(row[10])};
    // A clock that was set back makes no attempt of less than nothing.
    if (row[8].is_number()) attempt.ended_at = std::max(SecondsOf(row[8]), attempt.begun_at);
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

std::vector<AskedFact> ReadAsked(const Store& store, StudyId study) {
  const Store::Table table = store.Query(
      "SELECT trial_name, substr(text, length('asked for: ') + 1) FROM note"
      " WHERE study = CAST(:study AS INTEGER) AND text LIKE 'asked for: %' ORDER BY id",
      {{"study", Digits(study)}});
  std::vector<AskedFact> asked;
  for (const QueryRow& row : table.rows) {
    AskedFact fact{TextOf(row[0]), TextOf(row[1])};
    // One note for each seed.
    const bool again =
        !asked.empty() && asked.back().model == fact.model && asked.back().why == fact.why;
    if (!again) asked.push_back(std::move(fact));
  }
  return asked;
}

/// Returns the criteria in which the study's models differ, as tables list them.
std::vector<std::string> CriteriaThatVary(const std::vector<TrialRecord>& trials) {
  std::map<std::string, std::set<std::string>> seen;
  std::set<std::string> models;
  for (const TrialRecord& trial : trials) {
    if (!models.insert(trial.name).second) continue;
    const boost::json::value model = ParseJson(trial.model_json);
    for (const auto& [criterion, part] : model.as_object()) {
      seen[std::string(criterion)].insert(CanonicalJson(WithHashesForFiles(part)));
    }
  }
  std::vector<std::string> vary;
  for (const std::string& criterion : CriteriaOfTables()) {
    if (seen[criterion].size() > 1) vary.push_back(criterion);
  }
  return vary;
}

/// Returns the tables that the recipe asks for, and one of each other criterion that varies.
std::vector<TableQuestion> QuestionsOf(const StudyFacts& facts) {
  std::vector<TableQuestion> questions;
  const auto ask = [&](const TableSettings& table) {
    questions.push_back(QuestionOf(facts.study.name, facts.objective->name, table));
  };
  if (facts.recipe) {
    for (const TableSettings& table : facts.recipe->tables) ask(table);
  }
  for (const std::string& criterion : CriteriaThatVary(facts.trials)) {
    const bool is_there = std::ranges::any_of(questions, [&](const TableQuestion& question) {
      return question.vary == criterion && question.by.empty() &&
             question.rows == TableRows::kVariants && question.layout == TableLayout::kOurs;
    });
    if (!is_there) ask({.title = criterion, .vary = criterion});
  }
  return questions;
}

/// Returns why the videos of these trials are not drawn again; empty: they are.
std::string WhySeedsAlone(const std::vector<TrialRecord>& trials,
                          const TableResampling* resampling) {
  if (resampling == nullptr) return "this page reads no predictions";
  std::size_t complete = 0;
  std::int64_t bytes = 0;
  for (const TrialRecord& trial : trials) {
    if (!trial.result) continue;
    ++complete;
    for (const Artifact& artifact : trial.result->artifacts) {
      if (artifact.name == "predictions") bytes += artifact.bytes;
    }
  }
  if (complete <= kMostDrawnTrials && bytes <= kMostDrawnBytes) return "";
  return "the study has " + CountText(complete, "complete trial") + " with " + SizeText(bytes) +
         " of predictions, and a page reads those of up to " + std::to_string(kMostDrawnTrials) +
         " trials and " + SizeText(kMostDrawnBytes);
}

bool HasInterval(const AblationTable& table) {
  return std::ranges::any_of(table.rows,
                             [](const TableRow& row) { return row.difference.has_value(); });
}

/// Returns why a table has no interval at all; empty where it has one, or where none is to be.
std::string WhyNoInterval(const AblationTable& table) {
  if (HasInterval(table)) return "";
  for (const TableRow& row : table.rows) {
    if (!row.no_interval.empty()) return row.no_interval;
  }
  return "";
}

/// TableMaker makes the tables of a page, with the statistics of `table` where that can be.
class TableMaker {
 public:
  TableMaker(const StudyFacts& facts, const Catalogue& catalogue, const FindPaper& paper,
             bool raced, const TableResampling* resampling)
      : facts_(facts),
        catalogue_(catalogue),
        paper_(paper),
        raced_(raced),
        resampling_(resampling),
        why_seeds_alone_(WhySeedsAlone(facts.trials, resampling)),
        models_(InOrderOf(facts.recipe, ModelsOf(facts.trials, catalogue, facts.objective),
                          catalogue)) {}

  /// Throws UsageError as MakeTable does.
  [[nodiscard]] TableFact Make(const TableQuestion& question) const {
    std::string seeds_alone = why_seeds_alone_;
    AblationTable table = Ask(question, seeds_alone.empty() ? resampling_ : nullptr);
    if (seeds_alone.empty()) {
      seeds_alone = WhyNoInterval(table);
      if (!seeds_alone.empty()) table = Ask(question, nullptr);
    }
    AddSeenGroups(facts_.seen_groups, table);
    TableFact fact{.table = std::move(table),
                   .command = TableCommandText(question, !seeds_alone.empty()),
                   .seeds_alone = std::move(seeds_alone)};
    if (!HasInterval(fact.table)) fact.seeds_alone.clear();
    return fact;
  }

 private:
  [[nodiscard]] AblationTable Ask(const TableQuestion& question,
                                  const TableResampling* resampling) const {
    // All questions are of the objective, and the leaderboard has a trial for each seed.
    return MakeTableOf(models_, catalogue_, question, paper_(question.reference), nullptr, raced_,
                       resampling, facts_.data ? facts_.data->classes : 0);
  }

  const StudyFacts& facts_;
  const Catalogue& catalogue_;
  const FindPaper& paper_;
  bool raced_;
  const TableResampling* resampling_;
  std::string why_seeds_alone_;
  std::vector<Variation> models_;
};

void AddTables(StudyFacts& facts, const TableMaker& maker) {
  for (const TableQuestion& question : QuestionsOf(facts)) {
    try {
      facts.tables.push_back(maker.Make(question));
    } catch (const UsageError& error) {
      facts.no_tables.emplace_back(error.what());
    }
  }
  const std::size_t models = facts.leaderboard.standings.size();
  if (models == 0 || models > kMostJudgedModels) return;
  try {
    facts.models = maker.Make(QuestionOf(facts.study.name, facts.objective->name, {}));
  } catch (const UsageError&) {
    return;
  }
  const std::vector<TableRow>& rows = facts.models->table.rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const std::string& fingerprint : rows[i].fingerprints) facts.model_rows[fingerprint] = i;
  }
}

void AddEffects(StudyFacts& facts, const std::vector<TrialRecord>& all,
                const std::set<std::string>& refused, const Catalogue& catalogue) {
  // Of thousands they take minutes, and a page a second. What a grid that was measured whole says
  // takes no longer for being much.
  constexpr std::size_t kLookedAt = 180;
  EffectsBudget budget;
  if (facts.leaderboard.standings.size() > kLookedAt) {
    budget = {.most_observations = kLookedAt, .most_pair_work = 1e9};
  }
  try {
    facts.effects = MakeEffects(facts.study.name, facts.objective, all, catalogue,
                                facts.recipe ? &*facts.recipe : nullptr, budget, refused);
  } catch (const UsageError& error) {
    facts.no_effects = error.what();
  }
}

/// Leaves out what is of other trials than these.
void KeepOf(const std::vector<TrialRecord>& trials, StudyFacts& facts) {
  std::set<TrialId> ids;
  std::set<std::string> names;
  for (const TrialRecord& trial : trials) {
    ids.insert(trial.id);
    names.insert(trial.name);
  }
  std::erase_if(facts.attempts,
                [&ids](const AttemptFact& attempt) { return !ids.contains(attempt.trial); });
  std::erase_if(facts.asked,
                [&names](const AskedFact& fact) { return !names.contains(fact.model); });
}

void AddGrid(StudyFacts& facts, const Catalogue& catalogue) {
  if (!facts.recipe) return;
  facts.asked_grid = StudyGrid({}, catalogue, &*facts.recipe).factors();
  facts.combinations = SearchSpace(*facts.recipe, catalogue).CountAllowed();
}

void AddCurves(StudyFacts& facts, const Store& store) {
  const std::size_t models = std::min(kModelsWithCurves, facts.leaderboard.standings.size());
  for (std::size_t i = 0; i < models; ++i) {
    for (const std::size_t place : facts.leaderboard.standings[i].places) {
      const TrialId trial = facts.trials[place].id;
      facts.curves[trial] = store.Epochs(trial);
    }
  }
}

}  // namespace

StudyFacts ReadStudyFacts(const Store& store, const Catalogue& catalogue, const StudyRecord& study,
                          const FindPaper& paper, const KeepTrial& keep,
                          const TableResampling* resampling) {
  StudyFacts facts{.study = study, .is_part = static_cast<bool>(keep)};
  facts.objective = MetricNamed("study '" + study.name + "': objective", study.objective);
  std::vector<TrialRecord> all;
  bool raced = false;
  std::set<std::string> refused;
  store.AsOfOneMoment([&] {
    all = store.Trials(study.id, Counting::kAll);
    if (keep) std::erase_if(all, std::not_fn(keep));
    std::ranges::copy_if(all, std::back_inserter(facts.trials), &TrialRecord::counts);
    facts.leaderboard = MakeLeaderboard(study, facts.trials);
    facts.history = store.RecipeHistory(study.id);
    if (!facts.trials.empty()) facts.data = store.Spec(facts.trials.back().id).data;
    facts.attempts = ReadAttempts(store, study.id);
    facts.asked = ReadAsked(store, study.id);
    refused = RefusedModels(store, study);
    AddCurves(facts, store);
    raced = RacesForSeeds(store, study);
    facts.seen_groups = store.SeenGroupsOf(study.id);
  });
  facts.not_counted = static_cast<std::size_t>(std::ranges::count_if(
      all, [](const TrialRecord& trial) { return !trial.counts() && !IsForm(trial); }));
  facts.recipe = RecordedRecipe(study, catalogue);
  if (facts.is_part) KeepOf(all, facts);
  AddGrid(facts, catalogue);
  AddEffects(facts, all, refused, catalogue);
  AddTables(facts, TableMaker(facts, catalogue, paper, raced, resampling));
  return facts;
}

}  // namespace beamgrid
