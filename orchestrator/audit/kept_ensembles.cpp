#include "orchestrator/audit/kept_ensembles.h"

#include <algorithm>
#include <exception>
#include <map>
#include <ranges>
#include <set>

#include "orchestrator/audit/precision_forms.h"
#include "registry/util/error.h"
#include "registry/util/json.h"

namespace beamgrid {

std::string MemberName(const TrialRecord& trial) {
  return trial.name + "/s" + std::to_string(trial.seed);
}

boost::json::array KeptEnsemble::members() const {
  const boost::json::value* list = answer.if_contains("members");
  return list == nullptr ? boost::json::array() : list->as_array();
}

boost::json::object EnsembleAnswerOf(std::int64_t id, const std::string& json) try {
  boost::json::object answer = ParseJson(json).as_object();
  if (const boost::json::value* members = answer.if_contains("members")) {
    for (const boost::json::value& member : members->as_array()) {
      static_cast<void>(member.at("name").as_string());
      const auto* fingerprint = member.as_object().if_contains("fingerprint");
      if (fingerprint != nullptr) static_cast<void>(fingerprint->as_string());
    }
  }
  return answer;
} catch (const std::exception&) {
  const std::string number = std::to_string(id);
  throw Error("ensemble " + number +
              " of the record is not what `beamgrid ensemble` writes, so nobody knows its members; "
              "`beamgrid rm --ensemble " +
              number + "` removes it");
}

std::vector<KeptEnsemble> KeptEnsembles(const Store& store, const StudyRecord& study) {
  const std::vector<EnsembleRecord> records = store.Ensembles(study.id);
  if (records.empty()) return {};
  std::set<std::string> counted;                     // by fingerprint
  std::map<std::string, std::vector<bool>> by_name;  // whether each trial of this name counts
  for (const TrialRecord& trial : store.Trials(study.id, Counting::kAll)) {
    if (trial.counts()) counted.insert(trial.fingerprint);
    by_name[MemberName(trial)].push_back(trial.counts());
  }
  for (const TrialRecord& form : FormsThatCount(store, study)) counted.insert(form.fingerprint);
  std::vector<KeptEnsemble> kept;
  for (const EnsembleRecord& record : records) {
    KeptEnsemble& ensemble = kept.emplace_back();
    ensemble.id = record.id;
    ensemble.created_at = record.created_at;
    ensemble.answer = EnsembleAnswerOf(record.id, record.json);
    for (const boost::json::value& member : ensemble.members()) {
      const std::string name(member.at("name").as_string());
      const auto* fingerprint = member.as_object().if_contains("fingerprint");
      const bool counts = fingerprint != nullptr
                              ? counted.contains(std::string(fingerprint->as_string()))
                              : by_name[name] == std::vector<bool>{true};
      if (!counts) ensemble.not_counted.push_back(name);
    }
  }
  return kept;
}

const KeptEnsemble* LatestThatCounts(const std::vector<KeptEnsemble>& ensembles) {
  for (const KeptEnsemble& ensemble : ensembles | std::views::reverse) {
    if (ensemble.counts()) return &ensemble;
  }
  return nullptr;
}

}  // namespace beamgrid
