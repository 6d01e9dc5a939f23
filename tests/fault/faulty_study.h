#pragma once
// A small study, the faults that are done to it, and what it must be afterwards: the same as if
// nothing had happened.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/end_to_end/study_folder.h"
#include "tests/fault/execution_log.h"
#include "tests/fault/faults.h"

namespace beamgrid {

/// Two short trials, next to nothing but start and end.
[[nodiscard]] RecipeText TwoTrials();
/// The same two by halving: both pause after their first epoch, and one of them goes on.
[[nodiscard]] RecipeText TwoTrialsHalved();

/// Everything that a study's end is judged by.
struct StudyEnd {
  std::string out;     ///< leaderboard, tables, ensemble, as `run` prints them
  std::string record;  ///< exact metrics and the artifacts' hashes
  bool operator==(const StudyEnd&) const = default;
};

class FaultyStudy {
 public:
  /// Carries the study out once, undisturbed, with a database and a runs folder of its own. With
  /// `before` that recipe has been run under its name, always.
  explicit FaultyStudy(const RecipeText& recipe,
                       const std::optional<RecipeText>& before = std::nullopt);

  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  [[nodiscard]] Faults& faults() { return faults_; }
  [[nodiscard]] const StudyFolder& folder() const { return folder_; }
  [[nodiscard]] const StudyEnd& undisturbed() const { return undisturbed_; }

  /// `beamgrid run` with the execution log and, where asked for, the faults; `more` are further
  /// NAME=VALUE. To be started in path().
  enum class With { kFaults, kNoFaults };
  [[nodiscard]] std::vector<std::string> RunCommand(
      With with, const std::vector<std::string>& more = {}) const;
  Ended Run(With with) const;
  /// Another command, with the faults.
  [[nodiscard]] Ended RunWithFaults(const std::vector<std::string>& arguments) const;

  /// As if it had never been run, or only the recipe before.
  void Forget();

  /// A run without faults ends in the undisturbed result.
  void ExpectUndisturbedEnd() const;
  /// Nothing that had a result was executed again, and at most `lost` executions were in vain.
  void ExpectNothingRepeated(std::int64_t lost) const;
  /// People may look at the record at any time: a query is answered, or there is no record yet.
  void ExpectRecordReadable() const;

  [[nodiscard]] std::filesystem::path ExecutionLogPath() const { return outside_ / "executions"; }
  [[nodiscard]] std::vector<Execution> Executions() const {
    return ReadExecutions(ExecutionLogPath());
  }
  /// Answer of `beamgrid query SQL --csv`.
  [[nodiscard]] std::string Query(const std::string& sql) const;

 private:
  /// Runs recipes to their end, undisturbed, unknown to the execution log.
  void RunBefore(const std::vector<std::string>& where) const;
  [[nodiscard]] std::string Record(const std::string& database) const;

  StudyFolder folder_;
  TemporaryFolder outside_;  ///< what must not be hit by the faults
  Faults faults_;
  StudyEnd undisturbed_;
};

}  // namespace beamgrid
