#pragma once
// The ensembles that a study keeps, and whether they are of the trials that it counts now.

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// KeptEnsemble is a recorded ensemble.
struct KeptEnsemble {
  std::int64_t id = 0;
  std::string created_at;
  boost::json::object answer;  ///< EnsembleRecord::json
  /// Members that are no trial which the study counts now, or of which nobody knows; empty: it is
  /// an answer of the study as it is.
  std::vector<std::string> not_counted;

  [[nodiscard]] bool counts() const { return not_counted.empty(); }
  [[nodiscard]] boost::json::array members() const;
};

/// Returns the object that an ensemble's text is. Throws Error naming the ensemble and the way out
/// where it is nothing that `ensemble` writes.
[[nodiscard]] boost::json::object EnsembleAnswerOf(std::int64_t id, const std::string& json);

/// Returns the study's ensembles in the order in which they were recorded. A member is a trial by
/// its fingerprint, or a form of one in another precision; one that was recorded without (by an
/// older version) counts where its name and seed mean one trial of the study, for of several nobody
/// knows which it was. Throws Error as EnsembleAnswerOf.
[[nodiscard]] std::vector<KeptEnsemble> KeptEnsembles(const Store& store, const StudyRecord& study);

/// Returns the latest of them that counts; null where none does. Those behind it may be of trials
/// that count no more: a run that was interrupted after a change of data has made no other yet.
[[nodiscard]] const KeptEnsemble* LatestThatCounts(const std::vector<KeptEnsemble>& ensembles);

/// Returns how an ensemble names a trial of its own study.
[[nodiscard]] std::string MemberName(const TrialRecord& trial);

}  // namespace beamgrid
