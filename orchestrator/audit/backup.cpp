#include "orchestrator/audit/backup.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

#include "orchestrator/audit/recorded_files.h"
#include "registry/store/database_file.h"
#include "registry/store/place.h"
#include "registry/util/files.h"
#include "registry/util/half_written.h"
#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

void Sync(const fs::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0) throw SystemError(path, "cannot sync", errno);
}

/// Gives what is whole its final name, which nobody else has taken meanwhile.
void Rename(const fs::path& from, const fs::path& to) {
  int code = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  // Some file systems cannot be asked not to replace.
  if (code != 0 && (errno == EINVAL || errno == ENOSYS)) code = ::rename(from.c_str(), to.c_str());
  if (code != 0) throw SystemError(to, "cannot rename to its final name", errno);
  Sync(to.parent_path());
}

/// Unfinished is what a backup has made under other names; it goes where the backup ends early.
class Unfinished {
 public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);  // of a dead process that had our id
  }
  ~Unfinished() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    for (const char* suffix : {"-journal", "-wal", "-shm"}) {
      fs::remove(path_.string() + suffix, ignored);
    }
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Copies a file, and returns what is wrong with it; empty where it is what `artifact` says. Null:
/// nothing is known of it.
std::string CopyFile(const fs::path& from, const fs::path& to, const Artifact* artifact) {
  std::ifstream in(from, std::ios::binary);
  if (!in) return "is gone or cannot be read";
  std::ofstream out(to, std::ios::binary);
  ContentHash hash;
  std::array<char, 1 << 16> piece{};
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    hash.Add(piece.data(), static_cast<std::size_t>(in.gcount()));
    out.write(piece.data(), in.gcount());
  }
  out.close();
  if (!out) throw SystemError(to, "cannot write", errno);
  std::string damage;
  if (in.bad()) {
    damage = "cannot be read to its end";
  } else if (artifact != nullptr && hash.Digits() != artifact->hash) {
    damage = "has another hash than the record says";
  }
  // Half a file would be taken for one.
  if (!damage.empty()) fs::remove(to);
  if (damage.empty()) Sync(to);
  return damage;
}

/// FileCopier copies the files that a record names from one runs folder to another.
class FileCopier {
 public:
  FileCopier(fs::path from, fs::path to, Backup* backup)
      : from_(std::move(from)), to_(std::move(to)), backup_(*backup) {
    fs::create_directories(to_);
  }

  void CopyTrial(const Store& copy, TrialId id) {
    const TrialRecord trial = copy.Trial(id);
    if (!trial.result) return CopyCheckpoint(copy, id);
    const fs::path folder = Folder(copy, trial.directory);
    if (folder.is_absolute()) {
      backup_.left_out.push_back(trial.directory + ": lies outside of the runs folder");
      return;
    }
    for (const Artifact& artifact : trial.result->artifacts) {
      if (!artifact.pruned_at.empty()) continue;  // given up, in the original too
      Copy(folder / artifact.path, &artifact);
    }
    for (const char* name : {kTrialFile, kResultFile}) Copy(folder / name, nullptr);
  }

  /// Syncs the folders; files are synced as they are copied.
  void Finish() const {
    for (const auto& entry : fs::recursive_directory_iterator(to_)) {
      if (entry.is_directory()) Sync(entry.path());
    }
    Sync(to_);
  }

 private:
  /// From the runs folder on; absolute where it is not in it.
  static fs::path Folder(const Store& copy, const std::string& directory) {
    const fs::path inside = fs::path(directory).lexically_relative(copy.runs());
    return inside.empty() || *inside.begin() == ".." ? fs::path(directory) : inside;
  }

  void CopyCheckpoint(const Store& copy, TrialId id) {
    const std::vector<Store::AttemptRecord> attempts = copy.Attempts(id);
    for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
      const fs::path folder = Folder(copy, attempt->directory);
      std::error_code ignored;
      if (folder.is_absolute() || !fs::exists(from_ / folder / kLastCheckpoint, ignored)) continue;
      // The last one first: its worker writes them the other way round, and may be at it. A best
      // one that is ahead of it is made again to the same bits, one behind it would be a wrong one.
      for (const char* name : {kLastCheckpoint, kBestCheckpoint}) Copy(folder / name, nullptr);
      return;
    }
  }

  /// A file of which the record knows nothing may be missing.
  void Copy(const fs::path& file, const Artifact* artifact) {
    std::error_code ignored;
    if (artifact == nullptr && !fs::exists(from_ / file, ignored)) return;
    fs::create_directories((to_ / file).parent_path());
    const std::string damage = CopyFile(from_ / file, to_ / file, artifact);
    if (!damage.empty()) {
      backup_.left_out.push_back((from_ / file).string() + ": " + damage);
      return;
    }
    ++backup_.files;
    backup_.bytes += static_cast<std::int64_t>(fs::file_size(to_ / file));
  }

  fs::path from_, to_;
  Backup& backup_;
};

void RefuseTaken(const fs::path& to, BackupFiles files) {
  std::vector<fs::path> names = {to, LogOf(to), to.string() + "-journal"};
  if (files == BackupFiles::kRecorded) names.push_back(BackupRuns(to));
  for (const fs::path& name : names) {
    if (!fs::exists(fs::symlink_status(name))) continue;
    throw UsageError(name.string() + ": is there already; " +
                     (name == to ? "name another file"
                                 : "delete it if nobody needs it, or name "
                                   "another file than " +
                                       to.string()));
  }
  if (!fs::is_directory(to.parent_path())) {
    throw UsageError(to.parent_path().string() + ": there is no such folder for the backup");
  }
}

/// Deletes what backups to this name left when they were killed.
void RemoveLeftovers(const fs::path& to, Backup* backup) {
  for (const HalfWritten& half : HalfWrittenIn(to.parent_path())) {
    if (half.whole != to && half.whole != BackupRuns(to)) continue;
    if (half.writer_lives) {
      backup->remarks.push_back(half.path.string() + " stays: process " +
                                std::to_string(half.writer) +
                                " may be at work on it; if that is no backup, delete it");
      continue;
    }
    std::error_code error;
    fs::remove_all(half.path, error);
    backup->remarks.push_back(
        half.path.string() +
        (error ? ", left by a backup that was killed, cannot be deleted: " + error.message()
               : ": deleted, left by a backup that was killed"));
  }
}

/// True if the file or folder may be a backup's: a database, what SQLite has beside one, or the
/// folder of its files.
bool MayBeOfABackup(const HalfWritten& half) {
  std::error_code ignored;
  if (fs::is_directory(half.path, ignored)) return half.whole.extension() == ".runs";
  if (!half.path.string().ends_with(std::to_string(half.writer))) return true;  // -journal, ...
  std::array<char, 16> start{};
  std::ifstream file(half.path, std::ios::binary);
  file.read(start.data(), start.size());
  constexpr std::array<char, 16> kNothingYet{};
  return file.gcount() == 0 || start == kNothingYet ||
         std::string_view(start.data(), start.size() - 1) == "SQLite format 3";
}

}  // namespace

std::vector<fs::path> HalfBackups(const fs::path& database) {
  std::vector<fs::path> found;
  for (const HalfWritten& half : HalfWrittenIn(RealPath(database).parent_path())) {
    if (!half.writer_lives && MayBeOfABackup(half)) found.push_back(half.path);
  }
  return found;
}

fs::path BackupRuns(const fs::path& to) { return to.string() + ".runs"; }

Backup BackUp(const Store& store, const fs::path& named, BackupFiles files) try {
  // Links are followed but for the last name, which is new.
  const fs::path to = RealPath(fs::absolute(named).parent_path()) / named.filename();
  RefuseTaken(to, files);
  const bool with_files = files == BackupFiles::kRecorded;
  Backup backup;
  RemoveLeftovers(to, &backup);
  const Unfinished database(HalfWrittenName(to)), runs(HalfWrittenName(BackupRuns(to)));
  store.CopyTo(database.path(), with_files ? BackupRuns(to) : store.runs());
  {
    // From the copy: what the record names by now may not be finished in it.
    const Store copy(database.path(), OpenMode::kReadOnly);
    std::optional<FileCopier> copier;
    if (with_files) copier.emplace(store.runs(), runs.path(), &backup);
    for (const auto& row : copy.Query("SELECT id FROM trial ORDER BY id").rows) {
      ++backup.trials;
      if (copier) copier->CopyTrial(copy, TrialId{row.front().as_int64()});
    }
    if (copier) copier->Finish();
  }
  Sync(database.path());
  if (with_files) Rename(runs.path(), BackupRuns(to));
  Rename(database.path(), to);
  return backup;
} catch (const fs::filesystem_error& error) {
  throw SystemError(error.path1(), "cannot make the backup", error.code().value());
}

}  // namespace beamgrid
