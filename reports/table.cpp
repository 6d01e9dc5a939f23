#include "reports/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>

#include "registry/added_options.h"
#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "reports/one_per_seed.h"
#include "reports/raced_seeds.h"
#include "reports/statistics.h"
#include "reports/study_effects.h"
#include "reports/table_label.h"
#include "reports/varied.h"
#include "search/condition.h"

namespace beamgrid {
namespace {

/// Variation is one model of the study with its seeds.
struct Variation {
  ModelSpec model;
  std::vector<const TrialRecord*> trials;  ///< by seed
  std::vector<double> values;              ///< of those that measured the metric
  std::vector<std::int64_t> seeds;         ///< of the values
};

/// Group is variants that agree on everything but the varied criterion.
struct Group {
  std::vector<Variation> variants;

  [[nodiscard]] std::int64_t measured() const {
    return std::count_if(variants.begin(), variants.end(),
                         [](const Variation& variant) { return !variant.values.empty(); });
  }
  [[nodiscard]] double mean() const {
    double sum = 0;
    std::size_t count = 0;
    for (const Variation& variant : variants) {
      for (const double value : variant.values) sum += value;
      count += variant.values.size();
    }
    return count == 0 ? 0 : sum / static_cast<double>(count);
  }
};

/// Whether a trial is complete and its data had what the metric needs.
bool Measured(const TrialRecord& trial, const Metric* metric) {
  return trial.state == TrialState::kComplete && trial.result.has_value() &&
         std::isfinite(trial.result->metrics.*metric->value);
}

/// Returns the study's models, in the order in which they were first asked for.
std::vector<Variation> ModelsOf(const std::vector<TrialRecord>& trials, const Catalogue& catalogue,
                                const Metric* metric) {
  std::vector<Variation> models;
  std::map<std::string, std::size_t> place;
  for (const TrialRecord& trial : trials) {
    ModelSpec model = ModelSpecFromJson(ParseJson(trial.model_json));
    FillInAsBefore(model, &catalogue);
    const auto [found, is_new] = place.try_emplace(CanonicalJson(ToJson(model)), models.size());
    if (is_new) models.push_back({.model = std::move(model)});
    models[found->second].trials.push_back(&trial);
  }
  for (Variation& model : models) {
    // By seed: sums and pairs do not depend on which trial ended first.
    std::stable_sort(model.trials.begin(), model.trials.end(),
                     [](const auto* a, const auto* b) { return a->seed < b->seed; });
    for (const TrialRecord* trial : model.trials) {
      if (!Measured(*trial, metric)) continue;
      model.values.push_back(trial->result->metrics.*metric->value);
      model.seeds.push_back(trial->seed);
    }
  }
  return models;
}

/// Returns the model without the varied criterion, as text: equal texts are one group.
std::string Rest(const ModelSpec& whole, const Varied& varied) {
  const ModelSpec model = varied.Without(whole);
  boost::json::object rest;
  for (const std::string& criterion : AllCriteria()) {
    for (const auto& [component, options] : PartsOf(model, criterion)) {
      boost::json::object& of_criterion = rest[criterion].is_null()
                                              ? rest[criterion].emplace_object()
                                              : rest[criterion].get_object();
      of_criterion[component] = boost::json::object(options.begin(), options.end());
    }
  }
  return CanonicalJson(rest);
}

/// `varied`: nothing for rows that are whole models, which are one group.
std::vector<Group> GroupsOf(std::vector<Variation> models, const std::optional<Varied>& varied) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> place;
  for (Variation& model : models) {
    const std::string key = varied ? Rest(model.model, *varied) : "";
    const auto [found, is_new] = place.try_emplace(key, groups.size());
    if (is_new) groups.emplace_back();
    groups[found->second].variants.push_back(std::move(model));
  }
  return groups;
}

/// What groups are chosen by, the most important first.
using GroupKey = std::array<double, 3>;

GroupKey GroupKeyOf(const Group& group) {
  return {static_cast<double>(group.measured()), group.mean(),
          static_cast<double>(group.variants.size())};
}

Group& Widest(std::vector<Group>& groups) {
  // max_element keeps the first of equal ones: the group that was asked for first.
  return *std::ranges::max_element(groups, {}, GroupKeyOf);
}

/// Returns why it is this group and none of the others: the first number by which it leads all.
std::string WhyChosen(const std::vector<Group>& groups, const Group& chosen) {
  static constexpr std::array kReasons = {
      "this is the one with the most measured variants",
      "of those with the most measured variants this is the one with the best mean",
      "of those with the most measured variants and the best mean this is the one with the most "
      "variants",
      "of those with as many measured variants, the same mean and as many variants this is the one "
      "that was asked for first"};
  const GroupKey key = GroupKeyOf(chosen);
  std::size_t equal = 0;
  for (const Group& group : groups) {
    if (&group == &chosen) continue;
    const GroupKey other = GroupKeyOf(group);
    const auto differs = std::ranges::mismatch(key, other).in1;
    equal = std::max(equal, static_cast<std::size_t>(differs - key.begin()));
  }
  return kReasons.at(equal);
}

std::string FixText(const TableQuestion& question) {
  return Join(question.fix, ", ", [](const auto& fix) { return fix.first + "=" + fix.second; });
}

std::vector<Variation> WithFixes(std::vector<Variation> models, const TableQuestion& question) {
  const std::size_t all = models.size();
  for (const auto& [path, value] : question.fix) {
    const Conditions conditions = ParseCondition(path, value);
    std::erase_if(models, [&](const Variation& v) { return !AllHold(conditions, v.model); });
  }
  if (models.empty()) {
    throw UsageError(all == 0 ? "study '" + question.study + "' has no trials"
                              : "study '" + question.study + "': none of its " +
                                    std::to_string(all) + " models has " + FixText(question));
  }
  return models;
}

/// Throws UsageError where no model has what is to be varied.
void RequireInOne(const std::vector<Variation>& models, const Varied& varied,
                  const std::string& vary) {
  if (std::ranges::any_of(models, [&](const Variation& v) { return varied.IsIn(v.model); })) return;
  throw UsageError(
      "vary = '" + vary + "': none of the models has it; a table varies a criterion (" +
      Join(CriteriaOfTables()) + ") or one extra or training setting, as in extras.dropout");
}

TableRow RowOf(const Variation& variant) {
  TableRow row{.seeds = variant.values,
               .seed_numbers = variant.seeds,
               .missing_seeds = std::ssize(variant.trials) - std::ssize(variant.values),
               .size_bytes = variant.trials[0]->size_bytes,
               .parameters = variant.trials[0]->parameters};
  if (!row.seeds.empty()) row.mean = Mean(row.seeds);
  if (row.seeds.size() >= 2) row.std = SampleDeviation(row.seeds);
  return row;
}

/// Means of different seeds differ by more than most variants do: half a row would decide nothing.
bool IsWhole(const TableRow& row) { return row.missing_seeds == 0 && row.mean.has_value(); }

/// Returns the row that the others are compared with; nullptr: none is whole.
const TableRow* Compared(const std::vector<TableRow>& rows) {
  const auto found = std::ranges::find_if(rows, IsWhole);
  return found == rows.end() ? nullptr : &*found;
}

/// Sets delta and p of all rows against the first whole one.
void Compare(std::vector<TableRow>& rows) {
  const TableRow* reference = Compared(rows);
  if (reference == nullptr) return;
  const TableRow& first = *reference;
  for (TableRow& row : rows) {
    if (&row == reference || !IsWhole(row)) continue;
    row.delta = *row.mean - *first.mean;
    if (row.seeds.size() < 2 || first.seeds.size() < 2) continue;
    // Paired where the seeds are the same: what a seed does to both rows drops out of the
    // difference, and few seeds say more.
    row.p_value = row.seed_numbers == first.seed_numbers ? PairedTTest(row.seeds, first.seeds)
                                                         : WelchTTest(row.seeds, first.seeds);
  }
}

/// True if a paper's row is about this model: all its conditions on the varied criterion hold, and
/// there is one.
bool IsAbout(const PaperRow& paper, const ModelSpec& model, const std::string& criterion) {
  bool any = false;
  for (const Condition& condition : ParseConditions(paper.spec)) {
    if (!criterion.empty() && condition.criterion != criterion) continue;
    if (!Holds(condition, model)) return false;
    any = true;
  }
  return any;
}

void AddReference(TableRow& row, const ModelSpec& model, const std::string& criterion,
                  const std::vector<PaperRow>& paper) {
  for (const PaperRow& candidate : paper) {
    if (!IsAbout(candidate, model, criterion)) continue;
    row.reference = candidate.value;
    row.reference_text = candidate.text;
    return;
  }
}

void SortByMean(std::vector<Variation>& models) {
  std::stable_sort(models.begin(), models.end(), [](const Variation& a, const Variation& b) {
    if (a.values.empty() || b.values.empty()) return !a.values.empty() && b.values.empty();
    return Mean(a.values) > Mean(b.values);
  });
}

/// Says which row deltas are against.
std::string DeltaNote(const std::vector<TableRow>& rows) {
  const TableRow* reference = Compared(rows);
  if (reference == nullptr) return "delta: none, for no row has all its seeds";
  return "delta: against " + reference->label +
         (reference == &rows[0] ? "" : ", the first row that has all its seeds");
}

std::string TestNote(const std::vector<TableRow>& rows) {
  const TableRow* reference = Compared(rows);
  bool paired = false;
  bool welch = false;
  for (const TableRow& row : rows) {
    if (!row.p_value) continue;
    (row.seed_numbers == reference->seed_numbers ? paired : welch) = true;
  }
  if (!paired && !welch) return "";
  const std::string test = paired && welch ? "t-test paired by seed, Welch's where seeds differ"
                           : paired        ? "t-test paired by seed"
                                           : "Welch's t-test";
  return "p: two-sided " + test + ", against " + reference->label;
}

/// Says that rows are of less data than there are; empty where nothing was passed over.
std::string SkippedNote(const Group& group) {
  std::int64_t most = 0;
  for (const Variation& variant : group.variants) {
    for (const TrialRecord* trial : variant.trials) {
      if (trial->result) most = std::max(most, trial->result->skipped_records);
    }
  }
  if (most == 0) return "";
  return "up to " + CountText(static_cast<std::size_t>(most), "record") +
         (most == 1 ? " of the data was" : " of the data were") + " skipped as damaged";
}

/// Says that the search let go trials of rows before the end of their training; empty where none.
std::string LetGoNote(const Group& group) {
  const auto let_go = [](const TrialRecord* trial) { return trial->state == TrialState::kPruned; };
  const auto rows = std::ranges::count_if(group.variants, [&](const Variation& variant) {
    return std::ranges::any_of(variant.trials, let_go);
  });
  if (rows == 0) return "";
  return "the search let trials of " + std::to_string(rows) + " of " +
         CountText(group.variants.size(), "row") +
         " go before the end of their training; what they came to stands in no column";
}

/// Says that rows have differently many seeds because further ones were raced for; empty where they
/// were not.
std::string RaceNote(const std::vector<TableRow>& rows) {
  std::size_t least = SIZE_MAX, most = 0;
  for (const TableRow& row : rows) {
    if (row.missing_seeds > 0 || row.seeds.empty()) continue;
    least = std::min(least, row.seeds.size());
    most = std::max(most, row.seeds.size());
  }
  if (least >= most) return "";
  return "rows have " + std::to_string(least) + " to " + std::to_string(most) +
         " seeds, for further ones are raced for by those that may be the best: a delta is between "
         "means of different seeds";
}

bool IsTested(const std::vector<TableRow>& rows) {
  return std::ranges::any_of(rows, [](const TableRow& row) { return row.p_value.has_value(); });
}

/// Returns the part of the model that the rows vary. Throws UsageError where it is not one part, or
/// its effects are of another metric than the rows.
const StudyFactor& FactorOf(const StudyEffects& effects, const TableQuestion& question) {
  std::vector<const StudyFactor*> found;
  for (const StudyFactor& factor : effects.factors) {
    if (factor.criterion == question.vary || factor.name == question.vary) found.push_back(&factor);
  }
  const std::string start = "no column of effects: ";
  const std::string names = Join(effects.factors, ", ", &StudyFactor::name);
  if (found.size() != 1) {
    throw UsageError(start +
                     (question.vary.empty() ? "--vary names none of the study's parts, which are "
                                            : "of the study's parts not one is " + question.vary +
                                                  " alone; they are ") +
                     names + "; `beamgrid effects " + question.study + "` has them all");
  }
  if (effects.metric->name != question.metric) {
    throw UsageError(start + "they are of the study's objective, " + effects.metric->name +
                     ", and not of " + question.metric);
  }
  return *found[0];
}

void AddEffect(TableRow& row, const ModelSpec& model, const StudyEffects& effects,
               const StudyFactor& factor) {
  const auto place = static_cast<std::size_t>(&factor - effects.factors.data());
  const std::optional<std::int32_t> level = factor.LevelOf(model);
  if (!level) return;
  row.effect = effects.effects.factors[place].levels[static_cast<std::size_t>(*level)].effect;
}

std::string HeldFixed(const ModelSpec& model, const Varied& varied, const Catalogue& catalogue) {
  // Of extras and training settings the others are fixed.
  return varied.names.empty() ? HeldFixedText(model, varied.criterion, catalogue)
                              : HeldFixedText(varied.Without(model), "", catalogue);
}

std::vector<std::string> NotesOf(const std::vector<Group>& groups, const Group& group,
                                 const std::vector<TableRow>& rows, const TableQuestion& question,
                                 const std::optional<Varied>& varied, const Catalogue& catalogue,
                                 const std::vector<PaperRow>& paper, bool raced) {
  std::vector<std::string> notes;
  if (varied) {
    notes.push_back(HeldFixed(group.variants[0].model, *varied, catalogue));
  }
  if (groups.size() > 1) {
    notes.push_back("the study holds " + std::to_string(groups.size()) + " such groups; " +
                    WhyChosen(groups, group));
  }
  if (rows.size() > 1) notes.push_back(DeltaNote(rows));
  if (const std::string test = TestNote(rows); !test.empty()) notes.push_back(test);
  if (const std::string skipped = SkippedNote(group); !skipped.empty()) notes.push_back(skipped);
  if (const std::string let_go = LetGoNote(group); !let_go.empty()) notes.push_back(let_go);
  const std::string race = RaceNote(rows);
  if (!race.empty()) notes.push_back(race);
  if (IsTested(rows) && (raced || !race.empty())) {
    notes.emplace_back(
        "p is to be read with care: seeds were raced for, so how many a row has was not fixed "
        "beforehand");
  }
  const auto incomplete = std::count_if(rows.begin(), rows.end(),
                                        [](const TableRow& row) { return row.missing_seeds > 0; });
  if (incomplete > 0) {
    notes.push_back("incomplete rows: " + std::to_string(incomplete) + " of " +
                    std::to_string(rows.size()) + "; they are not compared");
  }
  for (const PaperRow& row : paper) {
    if (row.note.empty()) continue;
    notes.push_back(question.reference + ": " + row.row + " (" + row.text +
                    ") stands beside no row: " + row.note);
  }
  return notes;
}

std::vector<std::string> ColumnsOf(const std::vector<TableRow>& rows, const TableQuestion& question,
                                   const Metric* metric) {
  std::vector<std::string> columns = {question.vary.empty() ? "model" : question.vary,
                                      metric->heading, "size (MiB)", "parameters", "delta"};
  if (IsTested(rows)) columns.emplace_back("p");
  if (question.effects) columns.emplace_back("effect");
  if (!question.reference.empty()) columns.push_back(question.reference);
  return columns;
}

}  // namespace

AblationTable MakeTable(const std::vector<TrialRecord>& trials, const Catalogue& catalogue,
                        const TableQuestion& question, const std::vector<PaperRow>& paper,
                        const StudyEffects* effects, bool raced) {
  RequireOneTrialPerSeed(trials);
  std::optional<Varied> varied;
  if (!question.vary.empty()) varied = ParseVaried(question.vary);
  const Metric* metric = MetricNamed("metric", question.metric);
  std::vector<Variation> asked = WithFixes(ModelsOf(trials, catalogue, metric), question);
  if (varied) RequireInOne(asked, *varied, question.vary);
  std::vector<Group> groups = GroupsOf(std::move(asked), varied);
  Group& group = Widest(groups);
  if (question.vary.empty()) SortByMean(group.variants);

  std::vector<ModelSpec> shown;
  for (const Variation& variant : group.variants) {
    shown.push_back(varied ? varied->Alone(variant.model) : variant.model);
  }
  std::vector<const ModelSpec*> models;
  for (const ModelSpec& model : shown) models.push_back(&model);
  const std::string criterion = varied ? varied->criterion : "";
  const Labeller labeller(criterion, catalogue, models);
  const StudyFactor* factor = effects == nullptr ? nullptr : &FactorOf(*effects, question);
  AblationTable table{.metric = question.metric, .raced = raced};
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const Variation& variant = group.variants[i];
    TableRow row = RowOf(variant);
    row.label = varied ? labeller.Label(shown[i]) : variant.trials[0]->name;
    AddReference(row, variant.model, criterion, paper);
    if (factor != nullptr) AddEffect(row, variant.model, *effects, *factor);
    table.rows.push_back(std::move(row));
  }
  Compare(table.rows);
  table.title = question.title;
  if (table.title.empty()) {
    table.title = question.study + ": " + (question.vary.empty() ? "models" : question.vary);
  }
  table.groups = groups.size();
  table.columns = ColumnsOf(table.rows, question, metric);
  table.notes = NotesOf(groups, group, table.rows, question, varied, catalogue, paper, raced);
  if (factor != nullptr) {
    table.notes.push_back(
        "effect: difference from the mean over all " +
        std::to_string(effects->effects.grid_points) + " combinations of the study, of which " +
        std::to_string(effects->effects.measured) + " were measured, with its 95 % interval");
  }
  return table;
}

AblationTable MakeTable(const Store& store, const Catalogue& catalogue,
                        const TableQuestion& question, const std::vector<PaperRow>& paper) {
  const std::optional<StudyRecord> study = store.FindStudy(question.study);
  if (!study) {
    const std::string known = Join(store.Studies(), ", ", &StudyRecord::name);
    throw UsageError("there is no study '" + question.study + "'; the record has " +
                     (known.empty() ? "none" : known));
  }
  std::optional<StudyEffects> effects;
  if (question.effects) effects = MakeEffects(store, catalogue, *study);
  return MakeTable(store.Trials(study->id), catalogue, question, paper,
                   effects ? &*effects : nullptr, RacesForSeeds(store, *study));
}

}  // namespace beamgrid
