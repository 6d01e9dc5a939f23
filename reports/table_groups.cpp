// A study's models, and groups of them that agree on all but what a table varies.

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include <unordered_map>

#include "registry/added_options.h"
#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "reports/statistics.h"
#include "reports/study_grid.h"
#include "reports/table_label.h"
#include "reports/table_parts.h"
#include "search/condition.h"

namespace beamgrid {
namespace {

/// Whether a trial is complete and its data had what the metric needs.
bool Measured(const TrialRecord& trial, const Metric* metric) {
  return trial.state == TrialState::kComplete && trial.result.has_value() &&
         std::isfinite(trial.result->metrics.*metric->value);
}

/// Group is variants that agree on everything but what is varied.
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

/// What groups are chosen by, the most important first.
using GroupKey = std::array<double, 3>;

GroupKey GroupKeyOf(const Group& group) {
  return {static_cast<double>(group.measured()), group.mean(),
          static_cast<double>(group.variants.size())};
}

std::string FixText(const TableQuestion& question) {
  return Join(question.fix, ", ", [](const auto& fix) { return fix.first + "=" + fix.second; });
}

/// Returns what the models have of an axis' criterion, to say what could be varied.
std::vector<std::string> NamesIn(const std::vector<Variation>& models, const Varied& axis) {
  std::vector<std::string> names;
  for (const Variation& variant : models) {
    for (const auto& [component, options] : PartsOf(variant.model, axis.criterion)) {
      const bool is_extra = axis.criterion == "extras";
      if (is_extra && axis.extra.empty()) names.push_back(component);
      if (is_extra && component != axis.extra) continue;
      for (const auto& [option, value] : options) {
        if (axis.criterion != "train" || SaysSomething(variant.model, option)) {
          names.push_back(option);
        }
      }
    }
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// Throws UsageError where no model has what is to be varied.
void RequireInOne(const std::vector<Variation>& models, const Varied& axis,
                  const std::string& setting) {
  if (std::ranges::any_of(models, [&](const Variation& v) { return axis.IsIn(v.model); })) return;
  const std::vector<std::string> known = NamesIn(models, axis);
  std::string suggestion;
  for (const std::string& name : axis.names) {
    if (suggestion.empty()) suggestion = Suggestion(name, known);
  }
  throw UsageError(setting + ": none of the models has it" + suggestion +
                   (known.empty() ? "" : "; they have " + Join(known)) + "; " + WhatTablesVary());
}

/// Whole models are one group.
std::vector<Group> GroupsOf(std::vector<Variation> models, const Axes& axes) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> place;
  for (Variation& model : models) {
    const std::string key = axes.empty() ? "" : RestText(model.model, axes);
    const auto [found, is_new] = place.try_emplace(key, groups.size());
    if (is_new) groups.emplace_back();
    groups[found->second].variants.push_back(std::move(model));
  }
  return groups;
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

bool HasTwoValues(const std::vector<Variation>& models, const Varied& axis) {
  const std::string first = axis.KeyOf(models.at(0).model);
  return std::ranges::any_of(
      models, [&](const Variation& variation) { return axis.KeyOf(variation.model) != first; });
}

void SortByMean(std::vector<Variation>& models) {
  std::stable_sort(models.begin(), models.end(), [](const Variation& a, const Variation& b) {
    if (a.values.empty() || b.values.empty()) return !a.values.empty() && b.values.empty();
    const double mean_a = Mean(a.values), mean_b = Mean(b.values);
    // As the leaderboard: equal means by name.
    return mean_a != mean_b ? mean_a > mean_b : a.trials[0]->name < b.trials[0]->name;
  });
}

}  // namespace

std::vector<Variation> ModelsOf(const std::vector<TrialRecord>& trials, const Catalogue& catalogue,
                                const Metric* metric) {
  std::vector<Variation> models;
  // Seeds of a model have one text, as a rule, and thousands of trials take a while to be read.
  std::unordered_map<std::string_view, std::size_t> place_of_text;
  std::unordered_map<std::string, std::size_t> place;
  for (const TrialRecord& trial : trials) {
    const auto [text, is_new_text] = place_of_text.try_emplace(trial.model_json, 0);
    if (is_new_text) {
      ModelSpec model = ModelSpecFromJson(ParseJson(trial.model_json));
      FillInAsBefore(model, &catalogue);
      // Where a file lies is no part of a model: its seeds may have been trained from two folders.
      const auto [found, is_new] =
          place.try_emplace(CanonicalJson(WithHashesForFiles(ToJson(model))), models.size());
      if (is_new) models.push_back({.model = std::move(model)});
      text->second = found->second;
    }
    models[text->second].trials.push_back(&trial);
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

std::vector<Variation> InOrderOf(const std::optional<Recipe>& recipe, std::vector<Variation> models,
                                 const Catalogue& catalogue) {
  if (!recipe) return models;
  std::vector<ModelSpec> specs;
  for (const Variation& model : models) specs.push_back(model.model);
  const StudyGrid grid(specs, catalogue, &*recipe);
  // By the candidate of each factor, the first factor first. Each model has a point, for the grid
  // has what models have, too.
  std::vector<std::pair<GridPoint, std::size_t>> order;
  for (std::size_t m = 0; m < specs.size(); ++m) {
    order.emplace_back(grid.PointOf(specs[m]).value_or(GridPoint()), m);
  }
  std::ranges::sort(order);
  std::vector<Variation> ordered;
  for (const auto& [point, m] : order) ordered.push_back(std::move(models[m]));
  return ordered;
}

Axes AxesOf(const TableQuestion& question) {
  Axes axes;
  if (!question.vary.empty()) axes.push_back(ParseVaried(question.vary));
  if (question.by.empty()) return axes;
  const std::string start = "by = '" + question.by + "': ";
  if (axes.empty()) throw UsageError(start + "columns need rows, which --vary names");
  axes.push_back(ParseVaried(question.by, "by"));
  if (axes[0].Overlaps(axes[1])) throw UsageError(start + "the rows vary it already");
  if (question.effects || !question.reference.empty()) {
    throw UsageError(start + "a table of rows and columns has no column of effects or of a paper");
  }
  return axes;
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

std::vector<Variation> WithVaried(std::vector<Variation> models, const Axes& axes,
                                  const TableQuestion& question) {
  if (!axes.empty()) RequireInOne(models, axes[0], "vary = '" + question.vary + "'");
  if (axes.size() > 1) RequireInOne(models, axes[1], "by = '" + question.by + "'");
  for (const Varied& axis : axes) {
    // A weight of no teacher is no row either.
    const bool of_settings = axis.criterion == "train" && !axis.names.empty();
    if (!axis.of_options() && !of_settings) continue;
    std::erase_if(models, [&](const Variation& variant) { return !axis.IsIn(variant.model); });
  }
  return models;
}

std::string NothingVaries(const std::vector<Variation>& models, const Axes& axes,
                          const TableQuestion& question, const Catalogue& catalogue) {
  for (std::size_t a = 0; a < axes.size(); ++a) {
    if (HasTwoValues(models, axes[a])) continue;
    std::vector<std::string> varied;
    for (const std::string& criterion : CriteriaOfTables()) {
      if (HasTwoValues(models, {.criterion = criterion, .extra = {}, .names = {}})) {
        varied.push_back(criterion);
      }
    }
    return "nothing varies in " + (a == 0 ? question.vary : question.by) + ": every model of " +
           question.study + (question.fix.empty() ? "" : " with " + FixText(question)) +
           (axes[a].of_options() ? " that has it" : "") + " has " +
           LabelsOn(axes[a], {models[0]}, catalogue)[0] + "; what varies is " +
           (varied.empty() ? "nothing but the seeds" : Join(varied));
  }
  return "";
}

ChosenRows ChooseVariants(std::vector<Variation> models, const Axes& axes,
                          const Catalogue& catalogue) {
  std::vector<Group> groups = GroupsOf(std::move(models), axes);
  Group& group = Widest(groups);
  if (axes.empty()) SortByMean(group.variants);
  ChosenRows rows{.variants = {}, .labels = {}, .groups = groups.size()};
  if (!axes.empty()) rows.notes.push_back(HeldFixed(group.variants[0].model, axes, catalogue));
  if (groups.size() > 1) {
    rows.remarks.push_back("the study holds " + std::to_string(groups.size()) + " such groups; " +
                           WhyChosen(groups, group));
  }
  for (Group& other : groups) {
    std::vector<Variation>& to = &other == &group ? rows.variants : rows.elsewhere;
    for (Variation& variant : other.variants) to.push_back(std::move(variant));
  }
  LabelRows(rows, axes, catalogue);
  return rows;
}

}  // namespace beamgrid
