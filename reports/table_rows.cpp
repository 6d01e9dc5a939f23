// The rows of a table before they are compared: what each is, and what its trials measured.

#include <algorithm>
#include <map>
#include <numeric>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/statistics.h"
#include "reports/study_effects.h"
#include "reports/table_label.h"
#include "reports/table_parts.h"
#include "search/condition.h"

namespace beamgrid {
namespace {

/// Between the two parts of a cell's label.
constexpr char kCross[] = " \xC3\x97 ";

/// Returns the mean of whole numbers, which are equal unless the row is an average.
template <typename NumberOf>
std::int64_t MeanOf(const std::vector<const TrialRecord*>& trials, const NumberOf& number_of) {
  std::int64_t sum = 0;
  for (const TrialRecord* trial : trials) sum += number_of(*trial);
  return sum / std::ssize(trials);
}

template <typename Value>
double MeanOf(const std::vector<const TrialRecord*>& trials, Value TrialResult::* value) {
  std::vector<double> values;
  for (const TrialRecord* trial : trials) {
    values.push_back(static_cast<double>((*trial->result).*value));
  }
  return Mean(values);
}

}  // namespace

std::vector<std::int64_t> Variation::Keys() const {
  if (models == 1) return seeds;
  std::vector<std::int64_t> keys(values.size());
  std::iota(keys.begin(), keys.end(), std::int64_t{0});
  return keys;
}

std::vector<double> Variation::SeedValues() const {
  const std::size_t each = values.size() / models;
  std::vector<double> means(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(each));
  for (std::size_t i = each; i < values.size(); ++i) means[i % each] += values[i];
  for (double& mean : means) mean /= static_cast<double>(models);
  return means;
}

std::vector<std::string> LabelsOn(const Varied& axis, const std::vector<Variation>& variants,
                                  const Catalogue& catalogue) {
  std::vector<std::string> labels;
  if (axis.of_options()) {
    for (const Variation& variant : variants) {
      labels.push_back(OptionsText(axis.Of(variant.model)));
    }
    return labels;
  }
  std::vector<ModelSpec> shown;
  for (const Variation& variant : variants) shown.push_back(axis.Alone(variant.model));
  std::vector<const ModelSpec*> models;
  for (const ModelSpec& model : shown) models.push_back(&model);
  const Labeller labeller(axis.criterion, catalogue, models);
  for (const ModelSpec& model : shown) labels.push_back(labeller.Label(model));
  return labels;
}

void LabelRows(ChosenRows& rows, const Axes& axes, const Catalogue& catalogue) {
  if (axes.empty()) {
    for (const Variation& variant : rows.variants) rows.labels.push_back(variant.trials[0]->name);
    return;
  }
  rows.labels = LabelsOn(axes[0], rows.variants, catalogue);
  if (axes.size() == 1) return;
  const std::vector<std::string> columns = LabelsOn(axes[1], rows.variants, catalogue);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    rows.places.push_back({rows.labels[i], columns[i]});
    rows.labels[i] += kCross + columns[i];
  }
}

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

TableRow RowOf(const Variation& variant) {
  TableRow row{.missing_seeds = std::ssize(variant.trials) - std::ssize(variant.values),
               .missing = variant.why_none.empty() ? MissingText(variant) : variant.why_none};
  if (variant.trials.empty()) return row;
  row.size_bytes = MeanOf(variant.trials, [](const auto& trial) { return trial.size_bytes; });
  row.parameters = MeanOf(variant.trials, [](const auto& trial) { return trial.parameters; });
  for (const TrialRecord* trial : variant.measured) row.fingerprints.push_back(trial->fingerprint);
  row.compared_values = variant.values.size();
  row.seeds = variant.SeedValues();
  row.seed_numbers.assign(variant.seeds.begin(), variant.seeds.begin() + std::ssize(row.seeds));
  if (row.seeds.empty()) return row;
  row.mean = Mean(row.seeds);
  if (row.seeds.size() >= 2) row.std = SampleDeviation(row.seeds);
  row.examples_per_second = MeanOf(variant.measured, &TrialResult::examples_per_second);
  row.seconds = MeanOf(variant.measured, &TrialResult::wall_seconds);
  row.epochs = MeanOf(variant.measured, &TrialResult::best_epoch);
  return row;
}

bool IsAbout(const PaperRow& paper, const ModelSpec& model, const std::string& criterion) {
  bool any = false;
  for (const Condition& condition : ParseConditions(paper.spec)) {
    if (!criterion.empty() && condition.criterion != criterion) continue;
    if (!Holds(condition, model)) return false;
    any = true;
  }
  return any;
}

void AddReference(TableRow& row, const PaperRow& paper) {
  row.reference = paper.value;
  row.reference_text = paper.text;
  if (row.reference && row.mean) row.reference_difference = *row.mean - *row.reference;
}

void AddReference(TableRow& row, const ModelSpec& model, const std::string& criterion,
                  const std::vector<PaperRow>& paper) {
  const auto found = std::ranges::find_if(
      paper, [&](const PaperRow& candidate) { return IsAbout(candidate, model, criterion); });
  if (found != paper.end()) AddReference(row, *found);
}

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

}  // namespace beamgrid
