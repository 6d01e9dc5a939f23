#include "orchestrator/slurm/left_jobs.h"

#include <exception>
#include <set>
#include <system_error>
#include <vector>

#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/slurm/pilots_lock.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Returns the names of the jobs whose folders lie there; not those of copies, whose jobs are the
/// original's.
std::set<std::string> JobsWithFolderIn(const fs::path& pilots) {
  std::set<std::string> names;
  std::error_code ignored;
  for (fs::directory_iterator folder(pilots, ignored), end; !ignored && folder != end;
       folder.increment(ignored)) {
    try {
      if (IsElsewhere(folder->path(), ReadPilotSettings(folder->path()))) continue;
    } catch (const Error&) {
      continue;  // half made: its job was never asked for
    }
    names.insert(folder->path().filename().string());
  }
  return names;
}

LeftJobs EndJobs(const std::set<std::string>& names, SlurmClient& client) {
  if (names.empty()) return {};
  std::vector<std::string> queued(names.begin(), names.end());
  try {
    const QueueAnswer queue = client.Queue();
    if (!queue.answered) return {.problem = queue.message, .names = queued};
    queued.clear();
    for (const QueuedJob& job : queue.jobs) {
      if (names.contains(job.name) && !IsFinal(job.state)) queued.push_back(job.name);
    }
    const CancelAnswer answer = client.Cancel(queued);
    if (!answer.answered) return {.problem = answer.message, .names = queued};
    return {.ended = queued.size()};
  } catch (const Error& error) {
    return {.problem = error.what(), .names = queued};  // no Slurm here
  }
}

}  // namespace

LeftJobs RemoveLeftJobs(const fs::path& study_folder, SlurmClient& client) {
  std::error_code error;
  const fs::path pilots = PilotsOf(study_folder);
  if (!fs::is_directory(pilots, error)) return {};
  LeftJobs left;
  try {
    const PilotsLock lock(study_folder);
    left = EndJobs(JobsWithFolderIn(pilots), client);
    fs::remove_all(pilots);
    fs::remove(study_folder / kPilotsLockFile);
  } catch (const std::exception& problem) {
    left.problem = problem.what();
  }
  fs::remove(study_folder, error);  // not where the study has files of trials
  return left;
}

}  // namespace beamgrid
