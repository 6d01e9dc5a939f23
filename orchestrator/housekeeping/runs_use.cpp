#include "orchestrator/housekeeping/runs_use.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <system_error>

#include "orchestrator/housekeeping/disk_use.h"
#include "registry/util/error.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

UseKind KindOf(const fs::path& file, bool completed) {
  const std::string name = file.filename().string();
  // Also half-written ones, whose names go on.
  if (name.starts_with(kLastCheckpoint) || name.starts_with(kBestCheckpoint)) {
    return UseKind::kCheckpoints;
  }
  if (!completed) return UseKind::kUnfinished;
  if (name.starts_with(kModelFile)) return UseKind::kModels;
  if (name.starts_with(kPredictionsFile)) return UseKind::kPredictions;
  return UseKind::kLogs;
}

/// Calls `with` with each file below the folder; links are not followed.
template <typename With>
void ForEachFile(const fs::path& folder, const With& with) {
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied,
                                         error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (fs::is_regular_file(entry->symlink_status(ignored))) with(entry->path());
  }
}

UseByKind UseOf(const Store& store, const TrialRecord& trial, DiskUse& disk) {
  UseByKind use;
  for (const Store::AttemptRecord& attempt : store.Attempts(trial.id)) {
    const bool completed = attempt.outcome == "complete";
    ForEachFile(attempt.directory, [&](const fs::path& file) {
      use.bytes[static_cast<std::size_t>(KindOf(file, completed))] += disk.Add(file);
    });
  }
  return use;
}

/// Adds the folders of all attempts of a record, and what it has given up.
void AddKnownFolders(const Store& store, std::set<fs::path>* known) {
  for (const auto& row : store.Query("SELECT id FROM trial").rows) {
    for (const Store::AttemptRecord& attempt : store.Attempts(TrialId{row[0].as_int64()})) {
      known->insert(attempt.directory);
    }
  }
  for (const fs::path& path : store.Trash()) known->insert(path);
}

/// Adds those of the other databases beside the runs folder that share it.
void AddNeighbours(const Store& store, std::set<fs::path>* known) {
  std::error_code error;
  for (fs::directory_iterator file(store.runs().parent_path(), error), end; !error && file != end;
       file.increment(error)) {
    if (file->path().extension() != ".db") continue;
    try {
      const Store other(file->path(), OpenMode::kReadOnly);
      if (other.runs() == store.runs()) AddKnownFolders(other, known);
    } catch (const Error&) {
      // Another program's file, or one that cannot be read: whoever is asked is told of that.
    }
  }
}

}  // namespace

std::int64_t UseByKind::total() const {
  std::int64_t sum = 0;
  for (const std::int64_t part : bytes) sum += part;
  return sum;
}

UseByKind& UseByKind::operator+=(const UseByKind& other) {
  for (std::size_t kind = 0; kind < bytes.size(); ++kind) bytes[kind] += other.bytes[kind];
  return *this;
}

std::vector<fs::path> UnknownFolders(const Store& store) {
  std::set<fs::path> known;
  AddKnownFolders(store, &known);
  AddNeighbours(store, &known);
  std::vector<fs::path> unknown;
  constexpr auto kStudyTrialAttempt = 3;
  ForEachFile(store.runs(), [&](const fs::path& file) {
    const fs::path folder = file.parent_path();
    const fs::path relative = folder.lexically_relative(store.runs());
    const bool ours = file.filename() == kTrialFile &&
                      std::distance(relative.begin(), relative.end()) == kStudyTrialAttempt;
    if (ours && !known.contains(folder)) unknown.push_back(folder);
  });
  std::ranges::sort(unknown);
  return unknown;
}

RunsUse LookAtRuns(const Store& store, const RecordOverview& record, const fs::path& database) {
  RunsUse runs;
  DiskUse disk;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    runs.database += disk.Add(fs::path(database.string() + suffix));
  }
  // Before the trials: what one of them has given up is its no more.
  for (const fs::path& path : store.Trash()) runs.trash += disk.Add(path);
  std::set<TrialId> seen;
  for (const StudyOverview& study : record.studies) {
    StudyUse& entry = runs.studies.emplace_back();
    entry.study = study.study.name;
    for (const TrialRecord& trial : study.trials) {
      if (!seen.insert(trial.id).second) {
        ++entry.shared_trials;
        continue;
      }
      TrialUse& use = entry.trials.emplace_back();
      use.trial = trial;
      use.use = UseOf(store, trial, disk);
      for (const StudyId other : record.studies_of.at(trial.id)) {
        if (other != study.study.id) use.also_of.push_back(record.Of(other).study.name);
      }
      entry.use += use.use;
    }
    std::ranges::stable_sort(entry.trials, std::ranges::greater(),
                             [](const TrialUse& trial) { return trial.use.total(); });
  }
  for (const fs::path& path : UnknownFolders(store)) {
    runs.unknown.push_back({path, disk.Add(path)});
  }
  // What is left over: everything else has been seen.
  runs.other = disk.Add(store.runs());
  return runs;
}

}  // namespace beamgrid
