#include "reports/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "reports/raced_seeds.h"
#include "reports/statistics.h"

namespace beamgrid {
namespace {

constexpr std::size_t kListedDifferences = 4;
constexpr std::size_t kManyModels = 5;  ///< from here on chance alone makes small p likely

using Trials = std::map<std::int64_t, TrialRecord>;  ///< by seed

std::map<std::string, Trials> ByName(const Store& store, const StudyRecord& study) {
  std::map<std::string, Trials> models;
  for (TrialRecord& trial : store.Trials(study.id)) {
    Trials& trials = models[trial.name];
    const std::int64_t seed = trial.seed;
    trials.emplace(seed, std::move(trial));
  }
  return models;
}

ComparedSide SideOf(const Trials& trials, const Metric* metric) {
  ComparedSide side;
  for (const auto& [seed, trial] : trials) {
    if (trial.state != TrialState::kComplete || !trial.result) continue;
    const double value = trial.result->metrics.*metric->value;
    if (!std::isfinite(value)) continue;
    side.seeds.push_back(seed);
    side.values.push_back(value);
  }
  if (!side.values.empty()) side.mean = Mean(side.values);
  if (side.values.size() > 1) side.std = SampleDeviation(side.values);
  return side;
}

/// Adds the values that are no objects, by their path: {"train.epochs", 5}.
void Flatten(const boost::json::value& value, const std::string& path,
             std::map<std::string, std::string>& flat) {
  if (!value.is_object()) {
    flat[path] = CanonicalJson(value);
    return;
  }
  for (const auto& [key, inner] : value.as_object()) {
    Flatten(inner, (path.empty() ? "" : path + ".") + std::string(key), flat);
  }
}

std::map<std::string, std::string> Said(const Store& store, const TrialRecord& trial) {
  boost::json::value text = ParseJson(CanonicalText(store.Spec(trial.id)));
  boost::json::object& data = text.at("data").as_object();
  std::map<std::string, std::string> flat;
  // What a text leaves out is said as a recipe would: "none" would be another normalisation.
  for (const auto& [key, usual] :
       {std::pair{"normalise", R"("l2_joint")"}, std::pair{"frame_types", R"("uint8")"},
        std::pair{"video_weight", R"("")"}, std::pair{"frame_alignment", R"("cut")"}}) {
    flat["data." + std::string(key)] = data.contains(key) ? CanonicalJson(data.at(key)) : usual;
    data.erase(key);
  }
  flat["data.labels"] = data.contains("multi_class") ? R"("multi_class")" : R"("multi_label")";
  data.erase("multi_class");
  Flatten(text, "", flat);
  flat.erase("seed");
  return flat;
}

std::vector<std::string> Differences(const std::map<std::string, std::string>& first,
                                     const std::map<std::string, std::string>& second) {
  const auto text = [](const std::map<std::string, std::string>& said, const std::string& key) {
    const auto found = said.find(key);
    return found == said.end() ? std::string("none") : found->second;
  };
  std::set<std::string> keys;
  for (const auto& [key, value] : first) keys.insert(key);
  for (const auto& [key, value] : second) keys.insert(key);
  std::vector<std::string> differences;
  for (const std::string& key : keys) {
    const std::string before = text(first, key);
    const std::string after = text(second, key);
    if (before != after) differences.push_back(key + ": " + before + ", " + after);
  }
  return differences;
}

ComparedModel Compare(const Store& store, const std::string& name, const Trials& first,
                      const Trials& second, const Metric* metric) {
  ComparedModel model{
      .name = name, .first = SideOf(first, metric), .second = SideOf(second, metric)};
  for (const std::int64_t seed : model.first.seeds) {
    const auto other = second.find(seed);
    if (other != second.end() && other->second.id == first.at(seed).id) ++model.shared;
  }
  model.differs =
      Differences(Said(store, first.begin()->second), Said(store, second.begin()->second));
  const std::vector<double>& a = model.first.values;
  const std::vector<double>& b = model.second.values;
  if (model.first.mean && model.second.mean) {
    model.difference = *model.second.mean - *model.first.mean;
  }
  if (a.size() < 2 || b.size() < 2) return model;
  model.paired = model.first.seeds == model.second.seeds;
  // The same trials on both sides are one measurement, not two that agree.
  if (model.shared > 0) return model;
  model.p_value = model.paired ? PairedTTest(b, a) : WelchTTest(b, a);
  return model;
}

StudyTrials TrialsOf(const Store& store, const StudyRecord& study) {
  StudyTrials all{
      .name = study.name, .objective = study.objective, .trials = store.Trials(study.id)};
  if (!all.trials.empty()) all.data = store.Spec(all.trials[0].id).data.digest;
  return all;
}

double BestMean(const ComparedModel& model) {
  constexpr double kNone = -1;
  return std::max(model.first.mean.value_or(kNone), model.second.mean.value_or(kNone));
}

/// Says for each reason how many models have no p because of it.
void AddWhyNoP(Comparison& comparison) {
  std::size_t same = 0, overlapping = 0, few = 0;
  for (const ComparedModel& model : comparison.models) {
    if (model.p_value) continue;
    const std::size_t seeds = std::max(model.first.seeds.size(), model.second.seeds.size());
    if (model.shared == 0) {
      ++few;
    } else if (static_cast<std::size_t>(model.shared) == seeds) {
      ++same;
    } else {
      ++overlapping;
    }
  }
  const auto note = [&](std::size_t models, const std::string& one, const std::string& several) {
    if (models == 0) return;
    comparison.notes.push_back("no p for " + CountText(models, "model") +
                               (models == 1 ? one : several));
  };
  note(same, ": both studies refer to the same trials of it, which is one measurement and not two",
       ": both studies refer to the same trials of each, which is one measurement and not two");
  note(
      overlapping,
      ": both studies refer to some of the same trials of it, so the two sides are not independent",
      ": both studies refer to some of the same trials of each, so the two sides are not "
      "independent");
  note(few, " with fewer than 2 complete seeds in one of the studies",
       " with fewer than 2 complete seeds in one of the studies");
}

/// Says once what holds for all models, so that no line has to.
void AddNotes(const Store& store, const StudyRecord& first, const StudyRecord& second,
              Comparison& comparison) {
  std::vector<std::string>& notes = comparison.notes;
  const auto differ_in = [&comparison](const std::string& key) {
    return std::ranges::any_of(comparison.models, [&key](const ComparedModel& model) {
      return std::ranges::any_of(model.differs, [&key](const std::string& difference) {
        return difference.starts_with(key);
      });
    });
  };
  const bool apart = !notes.empty();
  if (apart) {
    // Said already, and of more weight.
  } else if (differ_in("data.digest")) {
    notes.emplace_back(
        "the studies' data are not the same: a difference says as much of the data as of the "
        "models");
  } else if (differ_in("data.")) {
    notes.emplace_back(
        "the studies take the same files in different ways: a difference says as much of that as "
        "of the models");
  }
  if (first.objective != second.objective) {
    notes.push_back("the best epochs were chosen by " + first.objective + " in " + first.name +
                    " and by " + second.objective + " in " + second.name);
  }
  if (!apart) AddWhyNoP(comparison);
  const auto tested = std::ranges::count_if(
      comparison.models, [](const auto& model) { return model.p_value.has_value(); });
  if (static_cast<std::size_t>(tested) >= kManyModels) {
    notes.push_back("p is of each line alone: of " + std::to_string(tested) +
                    " equal models one in 20 is below 0.05 by chance");
  }
  for (const StudyRecord* study : {&first, &second}) {
    const std::string seen = store.SeenGroupsOf(study->id);
    if (!seen.empty()) notes.push_back(study->name + ": " + seen);
  }
  for (const StudyRecord* study : {&first, &second}) {
    if (tested == 0 || !RacesForSeeds(store, *study)) continue;
    notes.push_back("p is to be read with care: seeds were raced for in " + study->name +
                    ", so how many a model has was not fixed beforehand");
  }
}

boost::json::value OrNull(const std::optional<double>& number) {
  if (!number) return nullptr;
  return *number;
}

boost::json::object ToJson(const ComparedSide& side) {
  return {{"mean", OrNull(side.mean)},
          {"std", OrNull(side.std)},
          {"seeds", boost::json::value_from(side.seeds)},
          {"values", boost::json::value_from(side.values)}};
}

boost::json::object ToJson(const ComparedModel& model) {
  boost::json::value test = nullptr;
  if (model.p_value) test = model.paired ? "paired" : "welch";
  return {{"name", model.name},
          {"first", ToJson(model.first)},
          {"second", ToJson(model.second)},
          {"difference", OrNull(model.difference)},
          {"p_value", OrNull(model.p_value)},
          {"test", test},
          {"shared_trials", model.shared},
          {"differs", boost::json::value_from(model.differs)}};
}

}  // namespace

Comparison CompareStudies(const Store& store, const StudyRecord& first, const StudyRecord& second,
                          const std::string& metric, const TableResampling* resampling) {
  const Metric* known = MetricNamed("--metric", metric);
  Comparison comparison{.metric = metric, .first = first.name, .second = second.name};
  const auto one = ByName(store, first);
  const auto other = ByName(store, second);
  for (const auto& [name, trials] : one) {
    const auto found = other.find(name);
    if (found == other.end()) {
      comparison.only_first.push_back(name);
    } else {
      comparison.models.push_back(Compare(store, name, trials, found->second, known));
    }
  }
  for (const auto& [name, trials] : other) {
    if (!one.contains(name)) comparison.only_second.push_back(name);
  }
  if (comparison.models.empty()) {
    throw UsageError("no model is in both studies; " + first.name + " has " +
                     JoinFirst(comparison.only_first, kListedDifferences) + "; " + second.name +
                     " has " + JoinFirst(comparison.only_second, kListedDifferences));
  }
  std::ranges::stable_sort(comparison.models,
                           [](const auto& a, const auto& b) { return BestMean(a) > BestMean(b); });
  const std::string apart = WhyApart(TrialsOf(store, first), TrialsOf(store, second), resampling);
  if (!apart.empty()) {
    for (ComparedModel& model : comparison.models) model.difference = model.p_value = std::nullopt;
    comparison.notes.push_back(second.name + " is not to be compared with " + first.name + ": " +
                               apart);
  }
  AddNotes(store, first, second, comparison);
  return comparison;
}

boost::json::object ToJson(const Comparison& comparison) {
  return {{"metric", comparison.metric},
          {"studies", {comparison.first, comparison.second}},
          {"models",
           JsonList(comparison.models, [](const ComparedModel& model) { return ToJson(model); })},
          {"only_first", boost::json::value_from(comparison.only_first)},
          {"only_second", boost::json::value_from(comparison.only_second)},
          {"notes", boost::json::value_from(comparison.notes)}};
}

}  // namespace beamgrid
