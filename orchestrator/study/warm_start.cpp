#include "orchestrator/study/warm_start.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "registry/criteria.h"
#include "registry/frame_type.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "search/recipe/warm_start_name.h"

namespace beamgrid {
namespace {

constexpr std::size_t kListedNames = 8;

/// FoundTrial is a fingerprint, or what is wrong with the reference.
struct FoundTrial {
  std::string fingerprint;
  std::string problem;
};

std::string Listed(const std::set<std::string>& names) { return JoinFirst(names, kListedNames); }

std::string Nearest(const std::string& word, const std::set<std::string>& names) {
  return Suggestion(word, {names.begin(), names.end()});
}

class Finder {
 public:
  explicit Finder(const Store& store) : store_(store) {
    for (const StudyRecord& study : store.Studies()) studies_.insert(study.name);
  }

  FoundTrial Find(const WarmStartName& start, std::int64_t seed) {
    if (!start.fingerprint.empty()) return FindFingerprint(start.fingerprint);
    const std::optional<StudyRecord> study = store_.FindStudy(start.study);
    if (!study) {
      return {"", "the database has no study '" + start.study + "'" +
                      Nearest(start.study, studies_) +
                      (studies_.empty() ? "" : "; it has " + Listed(studies_))};
    }
    return FindNamed(start, start.seed.value_or(seed), TrialsOf(study->id));
  }

 private:
  FoundTrial FindFingerprint(const std::string& digits) {
    std::map<std::string, TrialState> found;
    for (const StudyRecord& study : store_.Studies()) {
      // Also one that no study counts any more: who gives a fingerprint means that trial.
      for (const TrialRecord& trial : store_.Trials(study.id, Counting::kAll)) {
        if (trial.fingerprint.starts_with(digits)) found[trial.fingerprint] = trial.state;
      }
    }
    if (found.empty()) return {"", "the database has no trial of that fingerprint"};
    if (found.size() > 1) {
      return {"", "begins the fingerprints of " + std::to_string(found.size()) +
                      " trials; give more digits"};
    }
    const auto& [fingerprint, state] = *found.begin();
    if (state == TrialState::kComplete) return {fingerprint, ""};
    return {"", "that trial is " + ToString(state) + ", must be complete"};
  }

  static FoundTrial FindNamed(const WarmStartName& start, std::int64_t seed,
                              const std::vector<TrialRecord>& trials) {
    std::set<std::string> names, seeds;
    std::string fingerprint, state;
    for (const TrialRecord& trial : trials) {
      const bool complete = trial.state == TrialState::kComplete;
      if (complete) names.insert(trial.name);
      if (trial.name != start.name) continue;
      if (complete) seeds.insert(std::to_string(trial.seed));
      if (trial.seed != seed) continue;
      if (complete) fingerprint = trial.fingerprint;
      state = ToString(trial.state);
    }
    // One at most: a study counts one trial for a name and seed.
    if (!fingerprint.empty()) return {fingerprint, ""};
    return {"", Problem(start, seed, {names, seeds}, state)};
  }

  /// Offer is what a study's complete trials have in the place of the one that was named.
  struct Offer {
    const std::set<std::string>&names, &seeds;
  };
  static std::string Problem(const WarmStartName& start, std::int64_t seed, const Offer& offer,
                             const std::string& state) {
    const std::string trial = "'" + start.name + "' of seed " + std::to_string(seed);
    if (!state.empty()) return trial + " is " + state + ", must be complete";
    if (!offer.seeds.empty()) {
      return "study '" + start.study + "' has no trial " + trial +
             "; complete seeds of it: " + Listed(offer.seeds);
    }
    if (offer.names.empty()) return "study '" + start.study + "' has no complete trial";
    return "study '" + start.study + "' has no complete trial '" + start.name + "'" +
           Nearest(start.name, offer.names) + "; it has " + Listed(offer.names);
  }

  const std::vector<TrialRecord>& TrialsOf(StudyId study) {
    // Read once a study: a recipe may refer to it from many variants and seeds.
    const auto [entry, is_new] = trials_.try_emplace(study);
    if (is_new) entry->second = store_.Trials(study);
    return entry->second;
  }

  const Store& store_;
  std::set<std::string> studies_;
  std::map<StudyId, std::vector<TrialRecord>> trials_;
};

/// Returns the number of options that only one of the two has, or that differ in value.
std::size_t Differing(const Options& left, const Options& right) {
  std::set<std::string> names;
  for (const auto& [name, value] : left) names.insert(name);
  for (const auto& [name, value] : right) names.insert(name);
  return static_cast<std::size_t>(std::ranges::count_if(names, [&](const std::string& name) {
    const auto mine = left.find(name), theirs = right.find(name);
    return mine == left.end() || theirs == right.end() || mine->second != theirs->second;
  }));
}

/// Returns how many options and extras two models differ in; nothing if they are of other
/// components.
std::optional<std::size_t> Distance(const ModelSpec& left, const ModelSpec& right) {
  std::size_t distance = 0;
  for (const Criterion& criterion : kCriteria) {
    // The loss has no part in the network: phases with other losses fit each other's weights.
    if (!criterion.single() || criterion.role == CriterionRole::kLoss) continue;
    const std::string name(criterion.name);
    const auto mine = left.parts.find(name), theirs = right.parts.find(name);
    if (mine == left.parts.end() || theirs == right.parts.end()) return std::nullopt;
    if (mine->second.component != theirs->second.component) return std::nullopt;
    distance += Differing(mine->second.options, theirs->second.options);
  }
  std::map<std::string, std::pair<const Options*, const Options*>> extras;
  for (const auto& [name, options] : left.extras) extras[name].first = &options;
  for (const auto& [name, options] : right.extras) extras[name].second = &options;
  for (const auto& [name, both] : extras) {
    const bool in_both = both.first != nullptr && both.second != nullptr;
    distance += in_both ? Differing(*both.first, *both.second) : 1;
  }
  return distance;
}

std::string NormaliseText(const std::map<std::string, Normalisation>& normalise) {
  if (normalise.empty()) return "l2_joint";
  return "{ " +
         Join(normalise, ", ",
              [](const auto& one) {
                return one.first + " = " + WordFor(kNormalisations, one.second);
              }) +
         " }";
}

/// Returns why a recipe's trials cannot start from the weights of this one; empty: they can. Its
/// first layer was learnt on numbers of another size.
std::string OtherNumbers(const Recipe& recipe, const DataSpec& theirs, const std::string& trial) {
  if (theirs.normalise == recipe.data.normalise) return "";
  return "the features of " + trial + " are normalised as " + NormaliseText(theirs.normalise) +
         ", here as " + NormaliseText(recipe.data.normalise) +
         ": give both the same data.normalise";
}

/// Returns what the trials that the recipe's study has already started from are called now, where
/// the study that the name says is gone: they may go on under another study's name.
std::string StartedFrom(const Store& store, const Recipe& recipe, const WarmStartName& start) {
  const auto study = store.FindStudy(recipe.name);
  if (!study || start.study.empty() || store.FindStudy(start.study)) return "";
  std::set<std::string> started, names;
  for (const TrialRecord& trial : store.Trials(study->id)) {
    started.insert(store.Spec(trial.id).warm_start);
  }
  for (const StudyRecord& other : store.Studies()) {
    for (const TrialRecord& trial : store.Trials(other.id)) {
      if (!started.contains(trial.fingerprint)) continue;
      names.insert(other.name + "/" + trial.name + "/" + std::to_string(trial.seed));
    }
  }
  if (names.empty()) return "";
  return "; so far trials of '" + recipe.name + "' started from " + Listed(names);
}

bool IsCounterpart(const WarmStartName& start) { return start.name == "*"; }

}  // namespace

WarmStarts::WarmStarts(const Recipe& recipe, const Store* store) {
  std::vector<Diagnostic> diagnostics;
  std::optional<Finder> finder;
  if (store != nullptr && !recipe.warm_starts.empty()) finder.emplace(*store);
  for (const WarmStartReference& start : recipe.warm_starts) {
    if (finder && IsCounterpart(ParseWarmStartName(start.text).value())) {
      const std::string problem = AddCounterparts(start, recipe, *store);
      if (!problem.empty()) {
        diagnostics.push_back({start.place, start.key, "is \"" + start.text + "\": " + problem});
      }
      continue;
    }
    for (const std::int64_t seed : recipe.seeds) {
      FoundTrial found = finder ? finder->Find(ParseWarmStartName(start.text).value(), seed)
                                : FoundTrial{"", "there is no database yet; run that study first"};
      fingerprints_[{start.text, seed}] = found.fingerprint;
      if (found.problem.empty()) {
        const TrialRecord trial = store->FindByFingerprint(found.fingerprint).value();
        found.problem = OtherNumbers(recipe, store->Spec(trial.id).data, "that trial");
      }
      if (found.problem.empty()) continue;
      if (finder) {
        found.problem += StartedFrom(*store, recipe, ParseWarmStartName(start.text).value());
      }
      // One line for a reference, not one for each seed: the other seeds lack the same study.
      diagnostics.push_back(
          {start.place, start.key, "is \"" + start.text + "\": " + found.problem});
      break;
    }
  }
  if (!diagnostics.empty()) throw RecipeError(std::move(diagnostics));
}

std::string WarmStarts::AddCounterparts(const WarmStartReference& start, const Recipe& recipe,
                                        const Store& store) {
  const std::string study_name = ParseWarmStartName(start.text)->study;
  const std::optional<StudyRecord> study = store.FindStudy(study_name);
  std::vector<Candidate>& candidates = candidates_[start.text];
  for (const TrialRecord& trial : study ? store.Trials(study->id) : std::vector<TrialRecord>()) {
    if (trial.state != TrialState::kComplete) continue;
    const std::string problem =
        OtherNumbers(recipe, store.Spec(trial.id).data, "'" + trial.name + "'");
    if (!problem.empty()) return problem;
    candidates.push_back({.name = trial.name,
                          .fingerprint = trial.fingerprint,
                          .seed = trial.seed,
                          .model = ModelSpecFromJson(ParseJson(trial.model_json))});
  }
  if (!candidates.empty()) return "";
  throw RecipeError({{start.place, start.key,
                      "is \"" + start.text + "\": the database has no complete trial of a study '" +
                          study_name + "'; run that study first"}});
}

WarmStart WarmStarts::CounterpartOf(const ModelSpec& model,
                                    const std::vector<Candidate>& candidates,
                                    std::int64_t seed) const {
  std::optional<std::size_t> least;
  std::vector<const Candidate*> nearest;
  for (const Candidate& candidate : candidates) {
    const std::optional<std::size_t> distance = Distance(model, candidate.model);
    if (candidate.seed != seed || !distance || (least && *distance > *least)) continue;
    // All equally near ones are kept, to be named when there is more than one.
    if (least != distance) nearest.clear();
    least = distance;
    nearest.push_back(&candidate);
  }
  const std::string problem = "train.from = \"" + WarmStartText(model) + "\": ";
  if (nearest.empty()) {
    return {"", problem + "no complete trial there is of these components and seed " +
                    std::to_string(seed)};
  }
  if (nearest.size() == 1) return {nearest[0]->fingerprint, ""};
  return {"", problem + "'" + nearest[0]->name + "' and '" + nearest[1]->name +
                  "' are equally near to this model; name one"};
}

WarmStart WarmStarts::For(const ModelSpec& model, std::int64_t seed) const {
  const std::string text = WarmStartText(model);
  if (text.empty()) return {};
  const auto candidates = candidates_.find(text);
  if (candidates != candidates_.end()) return CounterpartOf(model, candidates->second, seed);
  return {fingerprints_.at({text, seed}), ""};
}

std::set<std::string> WarmStarts::Fingerprints(const std::vector<std::int64_t>& seeds) const {
  std::set<std::string> found;
  for (const auto& [reference, fingerprint] : fingerprints_) found.insert(fingerprint);
  for (const auto& [text, candidates] : candidates_) {
    for (const Candidate& candidate : candidates) {
      if (std::ranges::find(seeds, candidate.seed) != seeds.end()) {
        found.insert(candidate.fingerprint);
      }
    }
  }
  return found;
}

std::string WarmStartText(const ModelSpec& model) {
  const auto from = model.train.find("from");
  return from == model.train.end() ? "" : std::string(from->second.as_string());
}

WarmStartModel FindWarmStartModel(const Store& store, const std::string& fingerprint) {
  const std::optional<TrialRecord> trial = store.FindByFingerprint(fingerprint);
  if (!trial || !trial->result) {
    throw Error("the trial to start from, " + fingerprint + ", is not complete in this database");
  }
  for (const Artifact& artifact : trial->result->artifacts) {
    if (artifact.name != "model") continue;
    std::error_code ignored;
    const auto path = std::filesystem::path(trial->directory) / artifact.path;
    if (!artifact.pruned_at.empty() && !std::filesystem::exists(path, ignored)) {
      throw Error("the weights of the trial to start from, " + trial->name + " seed " +
                  std::to_string(trial->seed) + ", were given up by `prune`, " +
                  artifact.pruned_at + "; `beamgrid verify STUDY NAME --repair` makes them again");
    }
    return {(std::filesystem::path(trial->directory) / artifact.path).string(), artifact.hash};
  }
  throw Error("the record names no weights of the trial to start from, " + fingerprint);
}

}  // namespace beamgrid
