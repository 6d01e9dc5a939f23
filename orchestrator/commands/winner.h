#pragma once
// The result of a search that is to be used: a trained model or an ensemble, as it is named on the
// command line, with the files of its weights.

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/commands/record.h"
#include "search/ensemble/ensemble.h"

namespace beamgrid {

/// Winner is a model or an ensemble whose files are there and are those that were recorded.
struct Winner {
  /// Member is a trained model of it.
  struct Member {
    std::string name;  ///< "MC-BLSTM-MoE2/s1"
    TrialInStudy trial;
    std::filesystem::path model_file;  ///< its model.pt
    double weight = 1;                 ///< they sum to 1
  };
  std::string name;  ///< "figure4/MC-BLSTM-MoE2/s1" or "figure4:ensemble"
  bool is_ensemble = false;
  std::vector<Member> members;  ///< one, or the ensemble's
  ScoreDomain combine = ScoreDomain::kLogits;
  Missing missing = Missing::kLastOfList;
};

/// Returns what `text` names: a trial as FindTrial takes it, STUDY:ensemble for the study's answer
/// (its latest ensemble whose trials count), or STUDY:ID for another recorded one. Throws
/// UsageError where there is no such or the trial is not complete, and Error where a model file is
/// gone, was given up or is not what was recorded.
[[nodiscard]] Winner FindWinner(const Store& store, const DatabaseOption& database,
                                const std::string& text);

}  // namespace beamgrid
