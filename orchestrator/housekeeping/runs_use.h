#pragma once
// What a record's files take on the disk, by study, trial and kind.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/housekeeping/record_overview.h"
#include "registry/util/words.h"

namespace beamgrid {

/// UseKind is what a file is for.
enum class UseKind {
  kModels,
  kPredictions,
  kCheckpoints,  ///< of whatever attempt
  kLogs,         ///< and trial.json, result.json
  kUnfinished,   ///< anything else of attempts that completed nothing
};
inline constexpr Word<UseKind> kUseKinds[] = {{UseKind::kModels, "models"},
                                              {UseKind::kPredictions, "predictions"},
                                              {UseKind::kCheckpoints, "checkpoints"},
                                              {UseKind::kLogs, "logs"},
                                              {UseKind::kUnfinished, "unfinished"}};

/// UseByKind is bytes by kind.
struct UseByKind {
  std::array<std::int64_t, std::size(kUseKinds)> bytes{};
  [[nodiscard]] std::int64_t total() const;
  UseByKind& operator+=(const UseByKind& other);
};

/// TrialUse is what the files of a trial take.
struct TrialUse {
  TrialRecord trial;
  UseByKind use;
  std::vector<std::string> also_of;  ///< other studies that refer to the trial
};

/// StudyUse is what the files of a study's trials take.
struct StudyUse {
  std::string study;
  std::vector<TrialUse> trials;    ///< largest first
  UseByKind use;                   ///< of those trials that no study before it has
  std::int64_t shared_trials = 0;  ///< that a study before it has: their bytes are counted there
};

/// UnknownFolder is the folder of an attempt that the record does not know.
struct UnknownFolder {
  std::filesystem::path path;
  std::int64_t bytes = 0;
};

/// RunsUse is what all files of a record take.
struct RunsUse {
  std::vector<StudyUse> studies;
  std::vector<UnknownFolder> unknown;  ///< each holds a trial.json
  std::int64_t trash = 0;              ///< given up by a command that was killed
  std::int64_t other = 0;              ///< files of the runs folder that are nobody's
  std::int64_t database = 0;           ///< with its log
};

/// Looks at all files. Each counts once, whatever number of names or trials it has.
[[nodiscard]] RunsUse LookAtRuns(const Store& store, const RecordOverview& record,
                                 const std::filesystem::path& database);

/// Returns the folders of attempts below the runs folder that no record knows, neither this one nor
/// another that lies beside the runs folder and shares it: of a database that was deleted or lies
/// elsewhere, or what `verify` left. Each holds a trial.json.
[[nodiscard]] std::vector<std::filesystem::path> UnknownFolders(const Store& store);

}  // namespace beamgrid
