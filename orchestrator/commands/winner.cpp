#include "orchestrator/commands/winner.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/audit/recorded_files.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

Winner::Member MemberOf(TrialInStudy found, double weight) {
  const TrialRecord& trial = found.trial;
  if (trial.state != TrialState::kComplete || !trial.result) {
    throw UsageError(LabelOf(trial) + " of study '" + found.study.name + "' is " +
                     ToString(trial.state) + ": only a complete trial has a model to use");
  }
  std::filesystem::path file = CheckedArtifact(trial, "model", found.study.name);
  std::string name = MemberName(trial);
  return {.name = std::move(name),
          .trial = std::move(found),
          .model_file = std::move(file),
          .weight = weight};
}

/// EnsembleName is STUDY:ensemble or STUDY:ID, taken apart.
struct EnsembleName {
  std::string study;
  std::optional<std::int64_t> id;  ///< nothing: the study's answer
};

std::optional<EnsembleName> EnsembleNameOf(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  EnsembleName name{.study = text.substr(0, colon)};
  const std::string which = text.substr(colon + 1);
  if (which == "ensemble") return name;
  std::int64_t id = 0;
  const char* const end = which.data() + which.size();
  const auto [read, error] = std::from_chars(which.data(), end, id);
  if (error != std::errc() || read != end) return std::nullopt;
  name.id = id;
  return name;
}

const KeptEnsemble& Choose(const std::vector<KeptEnsemble>& kept, const EnsembleName& name) {
  if (kept.empty()) {
    throw UsageError("study '" + name.study + "' has no ensemble; `beamgrid ensemble " +
                     name.study + "` makes one");
  }
  if (!name.id) {
    if (const KeptEnsemble* latest = LatestThatCounts(kept)) return *latest;
    throw UsageError("study '" + name.study +
                     "' has no ensemble of the trials that it counts now; `beamgrid ensemble " +
                     name.study + "` makes one");
  }
  const auto found = std::ranges::find(kept, *name.id, &KeptEnsemble::id);
  if (found != kept.end()) return *found;
  throw UsageError(
      "study '" + name.study + "' has no ensemble " + std::to_string(*name.id) + "; it has " +
      Join(kept, ", ", [](const KeptEnsemble& ensemble) { return std::to_string(ensemble.id); }));
}

TrialInStudy TrialOf(const Store& store, const DatabaseOption& database, const StudyRecord& study,
                     const boost::json::value& member) {
  const boost::json::object& object = member.as_object();
  const boost::json::value* fingerprint = object.if_contains("fingerprint");
  // Recorded by an older version: its name, which KeptEnsembles has found to mean one trial.
  if (fingerprint == nullptr) {
    return FindTrial(store, database,
                     study.name + "/" + std::string(object.at("name").as_string()));
  }
  for (const TrialRecord& trial : store.Trials(study.id, Counting::kAll)) {
    if (trial.fingerprint == fingerprint->as_string()) return {study, trial};
  }
  throw UsageError("study '" + study.name + "' has no trial '" +
                   std::string(object.at("name").as_string()) +
                   "' any more, which the ensemble was made of; `beamgrid ensemble " + study.name +
                   "` makes another");
}

Winner EnsembleWinner(const Store& store, const DatabaseOption& database,
                      const EnsembleName& name) {
  const StudyRecord study = FindStudy(store, database, name.study);
  const std::vector<KeptEnsemble> kept = KeptEnsembles(store, study);
  const KeptEnsemble& ensemble = Choose(kept, name);
  const JsonReader answer(ensemble.answer, "ensemble " + std::to_string(ensemble.id));
  Winner winner{
      .name = study.name + ":" + (name.id ? std::to_string(ensemble.id) : std::string("ensemble")),
      .is_ensemble = true,
      .combine = ValueOf(kScoreDomains, "combine", answer.Text("combine"))};
  for (const boost::json::value& member : ensemble.members()) {
    winner.members.push_back(MemberOf(TrialOf(store, database, study, member),
                                      JsonReader(member, "member").Number("weight")));
  }
  return winner;
}

}  // namespace

Winner FindWinner(const Store& store, const DatabaseOption& database, const std::string& text) {
  const std::optional<EnsembleName> ensemble = EnsembleNameOf(text);
  if (ensemble) return EnsembleWinner(store, database, *ensemble);
  Winner winner;
  winner.members.push_back(MemberOf(FindTrial(store, database, text), 1));
  winner.name = winner.members.front().trial.study.name + "/" + winner.members.front().name;
  return winner;
}

}  // namespace beamgrid
