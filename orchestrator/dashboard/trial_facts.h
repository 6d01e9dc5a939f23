#pragma once
// What the record says of one trial: everything that its page shows.

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/trial_verdict.h"
#include "registry/store/store.h"
#include "reports/page/section.h"

namespace beamgrid {

/// SeedFact is a trial of the same model in the same study.
struct SeedFact {
  std::int64_t trial = 0, seed = 0;
  std::string state;
  std::optional<double> objective;
  bool counts = true;
};

/// MembershipFact is an ensemble that the trial is a member of.
struct MembershipFact {
  std::string study;
  std::int64_t ensemble = 0, members = 0;
  std::string created_at;
  std::optional<double> weight, holdout_gap;
};

/// TrialFacts is a trial as one study names it.
struct TrialFacts {
  StudyRecord study;
  const Metric* objective = kMetrics;
  TrialRecord trial;
  TrialSpec spec;
  std::string verdict;
  std::vector<TrialNote> notes;
  std::vector<Store::AttemptRecord> attempts;
  std::vector<EpochResult> epochs;
  std::vector<Artifact> artifacts;
  std::vector<SeedFact> seeds;  ///< it among them, by seed
  std::vector<MembershipFact> ensembles;
  std::vector<std::string> class_names = {};  ///< by class, "" where one has none; empty: not known
};

/// Reads it; nothing where the study has no such trial. Throws UsageError where the study's
/// objective is none that this program knows.
[[nodiscard]] std::optional<TrialFacts> ReadTrialFacts(const Store& store, const StudyRecord& study,
                                                       TrialId trial);

/// Returns the sections of a trial's page; their order and names are always the same. `options` is
/// what each command on this record is to be given besides (" --db FILE"); empty: nothing.
[[nodiscard]] std::vector<PageSection> TrialSections(const TrialFacts& facts,
                                                     const std::string& options);

/// Returns the same facts for programs.
[[nodiscard]] boost::json::object TrialJson(const TrialFacts& facts);

}  // namespace beamgrid
