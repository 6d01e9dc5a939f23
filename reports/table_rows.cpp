// The rows of a table before they are compared: what each is, and what its trials measured.

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "registry/criteria.h"
#include "registry/named_file.h"
#include "registry/training_time.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/effects_words.h"
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

boost::json::object SettingsIn(const ModelSpec& model) {
  return {model.train.begin(), model.train.end()};
}

/// Setting is a model's settings as texts, by where they stand: {"temporal", "blstm"},
/// {"temporal.hidden", "512"}, {"epochs", "5"}.
using Setting = std::map<std::string, std::string>;

/// Returns those of one axis; nullptr: of the whole model.
Setting SettingsOf(const ModelSpec& model, const Varied* axis) {
  const ModelSpec shown = axis == nullptr ? model : axis->Alone(model);
  Setting settings;
  for (const std::string& criterion : AllCriteria()) {
    if (axis != nullptr && criterion != axis->criterion) continue;
    for (const auto& [component, options] : PartsOf(shown, criterion)) {
      const bool is_extra = criterion == "extras";
      if (is_extra) settings[criterion + "." + component] = "on";
      if (!is_extra && criterion != "train") settings[criterion] = component;
      std::string start = is_extra ? criterion + "." + component + "." : criterion + ".";
      if (criterion == "train") start.clear();
      for (const auto& [option, value] : options) {
        settings[start + option] = OptionsText({{option, value}}).substr(option.size() + 1);
        if (!NamedFileFrom(value)) continue;
        // Two files may have one name.
        constexpr std::size_t kShortHash = 8;
        settings[start + option + ".content"] = NamedFileFrom(value)->hash.substr(0, kShortHash);
      }
    }
  }
  return settings;
}

/// Returns "train.epochs=5, temporal.hidden=512": where these settings are not those of all.
std::string DifferingText(const Setting& settings, const std::vector<Setting>& all) {
  std::vector<std::string> differing;
  std::set<std::string> names;
  for (const Setting& other : all) {
    for (const auto& [name, value] : other) names.insert(name);
  }
  const auto in = [](const Setting& setting, const std::string& name) {
    const auto found = setting.find(name);
    return found == setting.end() ? std::string("off") : found->second;
  };
  for (const std::string& name : names) {
    const std::string value = in(settings, name);
    const bool differs =
        std::ranges::any_of(all, [&](const Setting& other) { return in(other, name) != value; });
    if (differs) differing.push_back(name + "=" + value);
  }
  return Join(differing);
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

void MakeDistinct(std::vector<std::string>& labels, const std::vector<Variation>& variants,
                  const Varied* axis) {
  std::map<std::string, std::vector<std::size_t>> same;
  for (std::size_t i = 0; i < labels.size(); ++i) same[labels[i]].push_back(i);
  for (const auto& [label, places] : same) {
    if (places.size() < 2) continue;
    std::vector<Setting> settings;
    for (const std::size_t i : places) settings.push_back(SettingsOf(variants[i].model, axis));
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::string what = DifferingText(settings[i], settings);
      if (!what.empty()) labels[places[i]] += " (" + what + ")";
    }
  }
}

std::vector<std::string> LabelsOn(const Varied& axis, const std::vector<Variation>& variants,
                                  const Catalogue& catalogue) {
  std::vector<std::string> labels;
  if (axis.of_options()) {
    for (const Variation& variant : variants) {
      labels.push_back(OptionsText(axis.Of(variant.model)));
    }
    MakeDistinct(labels, variants, &axis);
    return labels;
  }
  std::vector<ModelSpec> shown;
  for (const Variation& variant : variants) shown.push_back(axis.Alone(variant.model));
  std::vector<const ModelSpec*> models;
  for (const ModelSpec& model : shown) models.push_back(&model);
  const Labeller labeller(axis.criterion, catalogue, models);
  for (const ModelSpec& model : shown) {
    labels.push_back(labeller.Label(model));
    // Settings that are named have their values, also where these are the defaults.
    const bool named = axis.criterion == "train" && !axis.names.empty();
    if (named && labels.back() == "defaults") labels.back() = OptionsText(SettingsIn(model));
  }
  MakeDistinct(labels, variants, &axis);
  return labels;
}

void LabelRows(ChosenRows& rows, const Axes& axes, const Catalogue& catalogue) {
  if (axes.empty()) {
    for (const Variation& variant : rows.variants) rows.labels.push_back(variant.trials[0]->name);
    MakeDistinct(rows.labels, rows.variants, nullptr);
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
    std::string state = ToString(trial->told_state());
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
  for (const TrialRecord* trial : variant.measured) {
    row.fingerprints.push_back(trial->fingerprint);
    row.trial_seconds.push_back(TrainingSeconds(*trial->result));
    row.trial_devices.push_back(trial->result->device);
  }
  row.compared_values = variant.values.size();
  row.seeds = variant.SeedValues();
  row.seed_numbers.assign(variant.seeds.begin(), variant.seeds.begin() + std::ssize(row.seeds));
  if (row.seeds.empty()) return row;
  row.mean = Mean(row.seeds);
  if (row.seeds.size() >= 2) row.std = SampleDeviation(row.seeds);
  row.examples_per_second = MeanOf(variant.measured, &TrialResult::examples_per_second);
  row.seconds = Mean(row.trial_seconds);
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
  const auto place = static_cast<std::size_t>(found[0] - effects.factors.data());
  if (const std::string why = NotToldText(effects, place); !why.empty()) {
    throw UsageError(start + found[0]->name + " " + why + ": what is excluded ties them");
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
