#include "orchestrator/housekeeping/tidying.h"

#include "orchestrator/housekeeping/disk_use.h"
#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "search/recipe.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

// With a dot, which no study's name has.
constexpr char kLockName[] = "tidying.up";

RunsFolder RunsOf(Store& store, const fs::path& runs) {
  if (!runs.empty()) store.SetRuns(runs);
  return RunsFolder(store.runs());
}

}  // namespace

StudyLock TakeTidyingLock(const fs::path& database) {
  // Looked at first: the lock would make the file.
  if (!fs::exists(database)) {
    throw UsageError("no database " + database.string() + "; --db names another");
  }
  try {
    return StudyLock(database, kLockName);
  } catch (const UsageError& error) {
    // The lock's own words are about a study; who holds it comes at their end.
    const std::string text = error.what();
    const std::size_t holder = text.find(" by ");
    if (holder == std::string::npos) throw;
    throw UsageError(database.string() + " is being tidied up" + text.substr(holder));
  }
}

Tidying::Tidying(const fs::path& database, const fs::path& runs)
    : database_(database),
      lock_(TakeTidyingLock(database)),
      store_(database, OpenMode::kReadWrite),
      runs_(RunsOf(store_, runs)) {}

void Tidying::HoldOff(const std::string& study) {
  if (held_off_.contains(study)) return;
  lock_.Take(study);
  held_off_.insert(study);
}

void Tidying::RemoveStaleLocks() {
  for (const std::string& study : lock_.Noted()) {
    if (!IsStudyName(study) || store_.FindStudy(study)) continue;
    try {
      HoldOff(study);  // whoever holds a lock takes its file away
    } catch (const UsageError&) {
      // A study that is just beginning.
    }
  }
}

std::set<std::string> Tidying::Running() const {
  std::set<std::string> running;
  for (const StudyRecord& study : store_.Studies()) {
    if (lock_.IsHeld(study.name)) running.insert(study.name);
  }
  return running;
}

Freed& Freed::operator+=(const Freed& other) {
  bytes += other.bytes;
  files += other.files;
  problems.insert(problems.end(), other.problems.begin(), other.problems.end());
  return *this;
}

Freed Tidying::EmptyTrash() {
  Freed freed;
  std::vector<fs::path> gone;
  for (const fs::path& path : store_.Trash()) {
    if (Delete(path, &freed)) gone.push_back(path);
  }
  if (gone.empty()) return freed;
  // In one transaction: a disk syncs some hundred times a second, and files are deleted faster.
  store_.Together([&] {
    for (const fs::path& path : gone) RecordUpkeep(store_).ForgetTrash(path);
  });
  return freed;
}

Freed Tidying::Delete(const std::vector<fs::path>& files) const {
  Freed freed;
  for (const fs::path& file : files) Delete(file, &freed);
  return freed;
}

bool Tidying::Delete(const fs::path& path, Freed* freed) const {
  // Looked at before it is deleted.
  DiskUse use;
  use.Add(path);
  try {
    runs_.Delete(path);
  } catch (const Error& error) {
    freed->problems.emplace_back(error.what());
    return false;
  }
  freed->bytes += use.freed();
  freed->files += use.files();
  return true;
}

}  // namespace beamgrid
