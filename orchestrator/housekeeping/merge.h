#pragma once
// Studies and trials of another record, taken into this one with their files.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/housekeeping/tidying.h"
#include "registry/store/store.h"

namespace beamgrid {

/// MergeConflict is a trial that both records have complete, with other measurements.
struct MergeConflict {
  TrialRecord ours;
  std::string label;  ///< how lists name the trial, with its study where there are several
  std::vector<std::string> differences;  ///< "metrics.gap: ours 0.5, theirs 0.75"
};

/// MergeReport is what a merge did.
struct MergeReport {
  std::int64_t studies = 0;     ///< that were not here
  std::int64_t trials = 0;      ///< likewise
  std::int64_t results = 0;     ///< of trials that were here and not complete
  std::int64_t references = 0;  ///< of a study to a trial, that were not here
  std::int64_t shared = 0;      ///< of these, to trials that were here
  std::int64_t ensembles = 0;   ///< that were not here
  std::int64_t files = 0;       ///< copied
  std::int64_t bytes = 0;
  std::int64_t brought_back = 0;         ///< of these, files that `prune` had given up here
  std::vector<MergeConflict> conflicts;  ///< ours stays
  std::vector<std::string> remarks;      ///< what could not be taken, and why

  [[nodiscard]] bool nothing() const {
    return studies + trials + results + references + ensembles + files + brought_back == 0;
  }
};

/// OtherRecord is the record that is taken over: it is only read. Its studies are kept from being
/// run meanwhile, unless its file may not be written, and then nobody can run them.
class OtherRecord {
 public:
  /// Throws UsageError where it is not there, is `ours` or is being tidied up.
  OtherRecord(const std::filesystem::path& database, const std::filesystem::path& runs,
              const std::filesystem::path& ours);

  [[nodiscard]] const Store& store() const { return store_; }
  [[nodiscard]] const std::filesystem::path& database() const { return database_; }
  /// Throws UsageError naming who runs the study.
  void HoldOff(const std::string& study);

 private:
  std::filesystem::path database_;
  std::unique_ptr<StudyLock> lock_;  ///< before the store is opened, until it is closed
  Store store_;
};

/// Merger takes what another record has and ours lacks. A trial is the same in both if its
/// fingerprint is. A complete one wins over one that is not; of two that are complete ours stays.
/// All studies come first with all their trials, which wait; then each trial's attempts and result
/// come with its files in one step. So a merge that is killed at any moment leaves studies that say
/// what they lack; one that is started again does the rest, and one more changes nothing.
class Merger {
 public:
  /// Expects that both outlive this object. Throws UsageError where a study of theirs, or the same
  /// of ours, is being run, and where a study of one name asks for something else in the two.
  Merger(OtherRecord& theirs, Tidying& ours);

  /// Does it. Throws Error where files cannot be read or written.
  [[nodiscard]] MergeReport Run();

  [[nodiscard]] const std::vector<StudyRecord>& studies() const { return studies_; }

 private:
  /// A study of theirs and the same one of ours.
  struct Studies {
    StudyId theirs{}, ours{};
  };
  /// Adds the study where we lack it, and those of its trials that we lack, as ones that wait.
  Studies Enrol(const StudyRecord& study);
  void MergeClassNames(const Studies& studies, const std::string& study);
  void MergeTrial(const Studies& studies, const TrialRecord& theirs);
  void TakeTrial(const std::string& label, const TrialRecord& theirs, const TrialRecord& ours);
  void TakeRows(const TrialRecord& theirs, TrialId id, std::int64_t first_attempt,
                const std::map<std::int64_t, std::filesystem::path>& folders);
  void Compare(const std::string& label, const TrialRecord& theirs, const TrialRecord& ours);
  void BringFilesBack(const TrialRecord& theirs, const TrialRecord& ours);
  void CopyAttempt(const std::string& label, const TrialRecord& trial,
                   const Store::AttemptRecord& attempt, const std::filesystem::path& to);
  void Refer(const Studies& studies, const TrialRecord& trial);
  [[nodiscard]] std::string WhyNotCounted(const Studies& studies, const TrialRecord& trial) const;
  [[nodiscard]] std::string Label(const Studies& studies, const TrialRecord& trial) const;
  void MergeNotes(const Studies& studies);
  void MergeEnsembles(const Studies& studies);
  [[nodiscard]] std::string MeasuredOtherwise(const EnsembleRecord& ensemble) const;
  [[nodiscard]] std::filesystem::path UnusedFolder(const std::filesystem::path& theirs) const;

  const Store& theirs_;
  Store& ours_;
  std::vector<StudyRecord> studies_;
  std::set<TrialId> new_;   ///< of ours
  std::set<TrialId> done_;  ///< of theirs: a trial may be of several studies
  MergeReport report_;
};

}  // namespace beamgrid
