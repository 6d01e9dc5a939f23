#include "orchestrator/commands/named_models.h"

#include <algorithm>

#include "registry/util/error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr char kEnsemble[] = "ensemble";
constexpr std::size_t kListed = 10;

bool IsComplete(const TrialRecord& trial) {
  return trial.state == TrialState::kComplete && trial.result.has_value();
}

std::string FullName(const StudyRecord& study, const TrialRecord& trial) {
  return study.name + "/" + trial.name + "/" + std::to_string(trial.seed);
}

/// Returns the member's trial: by its fingerprint, or by name where an older version recorded none.
TrialRecord MemberTrial(const std::vector<TrialRecord>& trials, const boost::json::object& member) {
  const std::string name(member.at("name").as_string());
  const boost::json::value* fingerprint = member.if_contains("fingerprint");
  const auto found = std::ranges::find_if(trials, [&](const TrialRecord& trial) {
    return fingerprint == nullptr ? MemberName(trial) == name
                                  : trial.fingerprint == fingerprint->as_string();
  });
  if (found == trials.end() || !IsComplete(*found)) {
    throw Error("member " + name + " of the ensemble is no complete trial of the study");
  }
  return *found;
}

/// EnsembleName is STUDY:ensemble or STUDY:ID, taken apart.
struct EnsembleName {
  std::string study;
  std::optional<std::int64_t> id;  ///< nothing: the latest that counts
};

std::optional<EnsembleName> EnsembleNameOf(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  EnsembleName name{.study = text.substr(0, colon), .id = std::nullopt};
  const std::string which = text.substr(colon + 1);
  if (which == kEnsemble) return name;
  name.id = ParseNumber<std::int64_t>(which);
  if (!name.id) return std::nullopt;
  return name;
}

const KeptEnsemble& Choose(const std::vector<KeptEnsemble>& ensembles, const EnsembleName& name) {
  if (!name.id) {
    if (const KeptEnsemble* latest = LatestThatCounts(ensembles)) return *latest;
    throw UsageError("study '" + name.study + "' has no recorded ensemble" +
                     (ensembles.empty() ? "" : " of trials that count now") +
                     "; `beamgrid ensemble " + name.study + "` makes one");
  }
  const auto found = std::ranges::find(ensembles, *name.id, &KeptEnsemble::id);
  if (found != ensembles.end()) return *found;
  throw UsageError("study '" + name.study + "' has no ensemble " + std::to_string(*name.id) + "; " +
                   (ensembles.empty() ? "`beamgrid ensemble " + name.study + "` makes one"
                                      : "there are " + Join(ensembles, ", ", [](const auto& kept) {
                                          return std::to_string(kept.id);
                                        })));
}

NamedModels FindEnsemble(const Store& store, const StudyRecord& study, const EnsembleName& name) {
  const std::vector<KeptEnsemble> ensembles = KeptEnsembles(store, study);
  NamedModels named{.study = study, .ensemble = Choose(ensembles, name)};
  const std::vector<TrialRecord> trials = store.Trials(study.id, Counting::kAll);
  for (const boost::json::value& member : named.ensemble->members()) {
    named.trials.push_back(MemberTrial(trials, member.as_object()));
  }
  return named;
}

NamedModels OnlyTrialOf(const Store& store, const StudyRecord& study) {
  std::vector<TrialRecord> trials = store.Trials(study.id);
  std::erase_if(trials, [](const TrialRecord& trial) { return !IsComplete(trial); });
  if (trials.size() == 1) return {.study = study, .trials = std::move(trials)};
  if (trials.empty()) throw UsageError("study '" + study.name + "' has no complete trial");
  std::string list;
  for (std::size_t i = 0; i < std::min(trials.size(), kListed); ++i) {
    list += "\n  " + FullName(study, trials[i]);
  }
  if (trials.size() > kListed) {
    list += "\n  and " + std::to_string(trials.size() - kListed) + " more (`beamgrid trials " +
            study.name + "`)";
  }
  throw UsageError("study '" + study.name + "' has " + CountText(trials.size(), "complete trial") +
                   "; which one, or " + study.name + ":" + kEnsemble + "?" + list);
}

}  // namespace

NamedModels FindModels(const Store& store, const DatabaseOption& database,
                       const std::string& text) {
  if (const std::optional<EnsembleName> ensemble = EnsembleNameOf(text)) {
    return FindEnsemble(store, FindStudy(store, database, ensemble->study), *ensemble);
  }
  if (const std::size_t colon = text.find(':'); colon != std::string::npos) {
    const std::string study = text.substr(0, colon);
    throw UsageError(
        "'" + text + "': behind a study's name there may be :ensemble or the number of " +
        "one, as in " + study + ":ensemble; `beamgrid ensembles " + study + "` lists them");
  }
  if (const auto study = store.FindStudy(text)) return OnlyTrialOf(store, *study);
  TrialInStudy found = FindTrial(store, database, text);
  if (!IsComplete(found.trial)) {
    throw UsageError("trial " + FullName(found.study, found.trial) + " is " +
                     ToString(found.trial.told_state()) + ", not complete; `beamgrid explain " +
                     FullName(found.study, found.trial) + "` says why");
  }
  return {.study = found.study, .trials = {found.trial}};
}

}  // namespace beamgrid
