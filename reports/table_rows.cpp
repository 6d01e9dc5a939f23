// The rows of a table before they are compared: what each is, and what its trials measured.

#include <algorithm>
#include <map>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/statistics.h"
#include "reports/study_effects.h"
#include "reports/table_label.h"
#include "reports/table_parts.h"
#include "search/condition.h"

namespace beamgrid {
namespace {

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

}  // namespace

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
