#include "reports/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>

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
#include "reports/table_parts.h"
#include "reports/varied.h"
#include "search/condition.h"

namespace beamgrid {
namespace {

/// Between the two parts of a cell's label.
constexpr char kCross[] = " \xC3\x97 ";

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
      model.measured.push_back(trial);
    }
  }
  return models;
}

/// Axes is what a table varies: nothing for rows that are whole models; rows; rows and columns.
using Axes = std::vector<Varied>;

/// Returns the model without what is varied, as text: equal texts are one group.
std::string Rest(ModelSpec model, const Axes& axes) {
  for (const Varied& axis : axes) model = axis.Without(std::move(model));
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

/// Whole models are one group.
std::vector<Group> GroupsOf(std::vector<Variation> models, const Axes& axes) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> place;
  for (Variation& model : models) {
    const std::string key = axes.empty() ? "" : Rest(model.model, axes);
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
                  const std::string& setting) {
  if (std::ranges::any_of(models, [&](const Variation& v) { return varied.IsIn(v.model); })) return;
  throw UsageError(setting + ": none of the models has it; a table varies a criterion (" +
                   Join(CriteriaOfTables()) +
                   ") or one extra or training setting, as in extras.dropout");
}

/// Throws UsageError where the columns are not something else than the rows.
Axes AxesOf(const TableQuestion& question) {
  Axes axes;
  if (!question.vary.empty()) axes.push_back(ParseVaried(question.vary));
  if (question.by.empty()) return axes;
  const std::string start = "by = '" + question.by + "': ";
  if (axes.empty()) throw UsageError(start + "columns need rows, which --vary names");
  axes.push_back(ParseVaried(question.by));
  const bool same_criterion = axes[0].criterion == axes[1].criterion;
  const auto in_both = [&](const std::string& name) {
    return std::ranges::find(axes[1].names, name) != axes[1].names.end();
  };
  if (same_criterion && (axes[0].names.empty() || axes[1].names.empty() ||
                         std::ranges::any_of(axes[0].names, in_both))) {
    throw UsageError(start + "the rows vary it already");
  }
  if (question.effects || !question.reference.empty()) {
    throw UsageError(start + "a table of rows and columns has no column of effects or of a paper");
  }
  return axes;
}

/// Returns the words of each variant on an axis.
std::vector<std::string> LabelsOn(const Varied& axis, const Group& group,
                                  const Catalogue& catalogue) {
  std::vector<ModelSpec> shown;
  for (const Variation& variant : group.variants) shown.push_back(axis.Alone(variant.model));
  std::vector<const ModelSpec*> models;
  for (const ModelSpec& model : shown) models.push_back(&model);
  const Labeller labeller(axis.criterion, catalogue, models);
  std::vector<std::string> labels;
  for (const ModelSpec& model : shown) labels.push_back(labeller.Label(model));
  return labels;
}

/// Returns what became of trials that are not complete: "1 failed, 2 waiting"; of a failure, which.
std::string MissingText(const Variation& variant) {
  std::map<std::string, std::size_t> states;
  for (const TrialRecord* trial : variant.trials) {
    if (std::ranges::find(variant.measured, trial) != variant.measured.end()) continue;
    std::string state = ToString(trial->state);
    if (trial->state == TrialState::kComplete) state = "not measured";
    if (trial->state == TrialState::kFailed && !trial->failure.empty()) {
      state += " (" + trial->failure.substr(0, trial->failure.find(':')) + ")";
    }
    ++states[state];
  }
  return Join(states, ", ",
              [](const auto& state) { return std::to_string(state.second) + " " + state.first; });
}

template <typename Value>
double MeanOf(const std::vector<const TrialRecord*>& trials, Value TrialResult::* value) {
  std::vector<double> values;
  for (const TrialRecord* trial : trials) {
    values.push_back(static_cast<double>((*trial->result).*value));
  }
  return Mean(values);
}

TableRow RowOf(const Variation& variant) {
  TableRow row{.seeds = variant.values,
               .seed_numbers = variant.seeds,
               .missing_seeds = std::ssize(variant.trials) - std::ssize(variant.values),
               .size_bytes = variant.trials[0]->size_bytes,
               .parameters = variant.trials[0]->parameters,
               .missing = MissingText(variant)};
  for (const TrialRecord* trial : variant.measured) row.fingerprints.push_back(trial->fingerprint);
  if (row.seeds.empty()) return row;
  row.mean = Mean(row.seeds);
  if (row.seeds.size() >= 2) row.std = SampleDeviation(row.seeds);
  row.examples_per_second = MeanOf(variant.measured, &TrialResult::examples_per_second);
  row.seconds = MeanOf(variant.measured, &TrialResult::wall_seconds);
  row.epochs = MeanOf(variant.measured, &TrialResult::best_epoch);
  return row;
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
    if (row.reference && row.mean) row.reference_difference = *row.mean - *row.reference;
    return;
  }
}

void SortByMean(std::vector<Variation>& models) {
  std::stable_sort(models.begin(), models.end(), [](const Variation& a, const Variation& b) {
    if (a.values.empty() || b.values.empty()) return !a.values.empty() && b.values.empty();
    return Mean(a.values) > Mean(b.values);
  });
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
std::string RaceNote(const std::vector<TableRow>& rows, bool raced) {
  std::size_t least = SIZE_MAX, most = 0;
  for (const TableRow& row : rows) {
    if (row.missing_seeds > 0 || row.seeds.empty()) continue;
    least = std::min(least, row.seeds.size());
    most = std::max(most, row.seeds.size());
  }
  if (least >= most) return "";
  return "rows have " + std::to_string(least) + " to " + std::to_string(most) +
         (raced ? " seeds, for further ones are raced for by those that may be the best: "
                : " seeds; what was removed does not count: ") +
         "a difference is between means of different seeds";
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

/// Of extras and training settings that are varied by name the others are fixed.
std::string HeldFixed(ModelSpec model, const Axes& axes, const Catalogue& catalogue) {
  std::set<std::string> varied;
  for (const Varied& axis : axes) {
    if (axis.names.empty()) {
      varied.insert(axis.criterion);
    } else {
      model = axis.Without(std::move(model));
    }
  }
  return HeldFixedText(model, varied, catalogue);
}

/// Names the best model of the other groups where it is better than all rows; else empty.
std::string BetterElsewhere(const std::vector<Group>& groups, const Group& group,
                            const AblationTable& table) {
  const auto mean = [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  double best = -std::numeric_limits<double>::infinity();
  for (const TableRow& row : table.rows) best = std::max(best, row.mean.value_or(best));
  const Variation* better = nullptr;
  for (const Group& other : groups) {
    if (&other == &group) continue;
    for (const Variation& variant : other.variants) {
      if (variant.values.empty() || mean(variant.values) <= best) continue;
      best = mean(variant.values);
      better = &variant;
    }
  }
  if (better == nullptr) return "";
  return "the study's best, " + better->trials.front()->name + " with " + FixedText(best, 4) +
         ", is of another group and not in this table";
}

std::vector<std::string> NotesOf(const std::vector<Group>& groups, const Group& group,
                                 const AblationTable& table, const TableQuestion& question,
                                 const Axes& axes, const Catalogue& catalogue,
                                 const std::vector<PaperRow>& paper) {
  const std::vector<TableRow>& rows = table.rows;
  std::vector<std::string> notes;
  if (!axes.empty()) notes.push_back(HeldFixed(group.variants[0].model, axes, catalogue));
  if (groups.size() > 1) {
    notes.push_back("the study holds " + std::to_string(groups.size()) + " such groups; " +
                    WhyChosen(groups, group));
    const std::string better = BetterElsewhere(groups, group, table);
    if (!better.empty()) notes.push_back(better);
  }
  for (std::string& note : ComparisonNotes(table)) notes.push_back(std::move(note));
  if (const std::string skipped = SkippedNote(group); !skipped.empty()) notes.push_back(skipped);
  if (const std::string let_go = LetGoNote(group); !let_go.empty()) notes.push_back(let_go);
  const std::string race = RaceNote(rows, table.raced);
  if (!race.empty()) notes.push_back(race);
  if (IsTested(rows) && table.raced) {
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
  if (axes.size() > 1)
    notes.emplace_back("an empty cell: a combination that the study did not ask for");
  for (const PaperRow& row : paper) {
    if (row.note.empty()) continue;
    notes.push_back(question.reference + ": " + row.row + " (" + row.text +
                    ") stands beside no row: " + row.note);
  }
  return notes;
}

std::vector<TableColumn> KindsOf(const std::vector<TableRow>& rows, const TableQuestion& question) {
  std::vector<TableColumn> kinds = {TableColumn::kLabel, TableColumn::kMetric};
  for (const auto& [column, word] : kOptionalColumns) {
    if (std::ranges::find(question.columns, column) != question.columns.end()) {
      kinds.push_back(column);
    }
  }
  kinds.push_back(TableColumn::kDifference);
  if (IsTested(rows)) kinds.push_back(TableColumn::kP);
  if (question.effects) kinds.push_back(TableColumn::kEffect);
  if (question.reference.empty()) return kinds;
  kinds.push_back(TableColumn::kReference);
  if (std::ranges::any_of(
          rows, [](const TableRow& row) { return row.reference_difference.has_value(); })) {
    kinds.push_back(TableColumn::kReferenceDifference);
  }
  return kinds;
}

/// Returns the number of seeds where all rows have the same and all of theirs; 0: they do not.
std::size_t CommonSeeds(const std::vector<TableRow>& rows) {
  for (const TableRow& row : rows) {
    if (!IsWhole(row) || row.seeds.size() != rows[0].seeds.size()) return 0;
  }
  return rows.empty() ? 0 : rows[0].seeds.size();
}

std::string HeadingOf(TableColumn kind, const AblationTable& table, const TableQuestion& question) {
  const bool intervals = std::ranges::any_of(
      table.rows, [](const TableRow& row) { return row.difference.has_value(); });
  switch (kind) {
    case TableColumn::kLabel:
      if (!question.by.empty()) return question.vary + " / " + question.by;
      return question.vary.empty() ? "model" : question.vary;
    case TableColumn::kMetric:
      return FindMetric(table.metric)->heading +
             (table.common_seeds > 1 ? " (" + CountText(table.common_seeds, "seed") + ")" : "");
    case TableColumn::kSize:
      return "size (MiB)";
    case TableColumn::kParameters:
      return "parameters";
    case TableColumn::kSpeed:
      return "examples/s";
    case TableColumn::kTime:
      return "time (s)";
    case TableColumn::kEpochs:
      return "epochs";
    case TableColumn::kDifference:
      return intervals ? "difference [95 %]" : "difference";
    case TableColumn::kP:
      return "p";
    case TableColumn::kEffect:
      return "effect";
    case TableColumn::kReference:
      return question.reference;
    case TableColumn::kReferenceDifference:
      return "ours - theirs";
  }
  throw std::logic_error("a column without a heading");
}

}  // namespace

std::int64_t Group::measured() const {
  return std::count_if(variants.begin(), variants.end(),
                       [](const Variation& variant) { return !variant.values.empty(); });
}

double Group::mean() const {
  double sum = 0;
  std::size_t count = 0;
  for (const Variation& variant : variants) {
    for (const double value : variant.values) sum += value;
    count += variant.values.size();
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

AblationTable MakeTable(const std::vector<TrialRecord>& trials, const Catalogue& catalogue,
                        const TableQuestion& question, const std::vector<PaperRow>& paper,
                        const StudyEffects* effects, bool raced,
                        const TableResampling* resampling) {
  RequireOneTrialPerSeed(trials);
  const Axes axes = AxesOf(question);
  const Metric* metric = MetricNamed("metric", question.metric);
  std::vector<Variation> asked = WithFixes(ModelsOf(trials, catalogue, metric), question);
  if (!axes.empty()) RequireInOne(asked, axes[0], "vary = '" + question.vary + "'");
  if (axes.size() > 1) RequireInOne(asked, axes[1], "by = '" + question.by + "'");
  std::vector<Group> groups = GroupsOf(std::move(asked), axes);
  Group& group = Widest(groups);
  if (axes.empty()) SortByMean(group.variants);
  std::vector<std::vector<std::string>> labels;  // [axes][variants]
  for (const Varied& axis : axes) labels.push_back(LabelsOn(axis, group, catalogue));
  const std::string criterion = axes.empty() ? "" : axes[0].criterion;
  const StudyFactor* factor = effects == nullptr ? nullptr : &FactorOf(*effects, question);
  AblationTable table{.metric = question.metric, .raced = raced};
  for (std::size_t i = 0; i < group.variants.size(); ++i) {
    const Variation& variant = group.variants[i];
    TableRow row = RowOf(variant);
    row.label = axes.empty() ? variant.trials[0]->name : labels[0][i];
    if (axes.size() > 1) {
      row.cross = {labels[0][i], labels[1][i]};
      row.label += kCross + labels[1][i];
    }
    AddReference(row, variant.model, criterion, paper);
    if (factor != nullptr) AddEffect(row, variant.model, *effects, *factor);
    table.rows.push_back(std::move(row));
  }
  CompareRows(group.variants, question, *metric, resampling, table);
  table.title = question.title;
  if (table.title.empty()) {
    table.title = question.study + ": " + (axes.empty() ? "models" : question.vary);
    if (axes.size() > 1) table.title += " by " + question.by;
  }
  table.groups = groups.size();
  table.common_seeds = CommonSeeds(table.rows);
  table.kinds = KindsOf(table.rows, question);
  for (const TableColumn kind : table.kinds) {
    table.columns.push_back(HeadingOf(kind, table, question));
  }
  table.notes = NotesOf(groups, group, table, question, axes, catalogue, paper);
  if (factor != nullptr) {
    table.notes.push_back(
        "effect: difference from the mean over all " +
        std::to_string(effects->effects.grid_points) + " combinations of the study, of which " +
        std::to_string(effects->effects.measured) + " were measured, with its 95 % interval");
  }
  return table;
}

AblationTable MakeTable(const Store& store, const Catalogue& catalogue,
                        const TableQuestion& question, const std::vector<PaperRow>& paper,
                        const TableResampling* resampling) {
  const std::optional<StudyRecord> study = store.FindStudy(question.study);
  if (!study) {
    const std::string known = Join(store.Studies(), ", ", &StudyRecord::name);
    throw UsageError("there is no study '" + question.study + "'; the record has " +
                     (known.empty() ? "none" : known));
  }
  std::optional<StudyEffects> effects;
  if (question.effects) effects = MakeEffects(store, catalogue, *study);
  return MakeTable(store.Trials(study->id), catalogue, question, paper,
                   effects ? &*effects : nullptr, RacesForSeeds(store, *study), resampling);
}

}  // namespace beamgrid
