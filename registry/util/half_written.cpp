#include "registry/util/half_written.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "registry/util/process_stat.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kMark[] = ".part.";

/// True if a process of this id is there and not merely waits for its parent to hear of its end: in
/// a container nobody may ever do so.
bool IsAlive(int process) {
  if (process == ::getpid()) return true;  // without a look at /proc, for each file of a trial
  const auto stat = ReadProcessStat("/proc/" + std::to_string(process) + "/stat");
  if (stat && (stat->state == 'Z' || stat->state == 'X')) return false;
  return ::kill(process, 0) == 0 || errno != ESRCH;
}

/// Returns what a name says; nothing where it is none of HalfWrittenName's.
std::optional<HalfWritten> ReadName(const fs::path& path) {
  std::string name = path.filename().string();
  for (const char* suffix : {"-journal", "-wal", "-shm"}) {  // SQLite's
    if (name.ends_with(suffix)) name.resize(name.size() - std::strlen(suffix));
  }
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string::npos || mark == 0) return std::nullopt;
  const std::string digits = name.substr(mark + std::strlen(kMark));
  const std::optional<int> writer = ParseNumber<int>(digits);
  // "video.part.007" is a part of somebody's archive.
  if (!writer || *writer <= 0 || std::to_string(*writer) != digits) return std::nullopt;
  return HalfWritten{.path = path,
                     .whole = path.parent_path() / name.substr(0, mark),
                     .writer = *writer,
                     .writer_lives = IsAlive(*writer)};
}

}  // namespace

fs::path HalfWrittenName(const fs::path& path) {
  // With the process id: two writers of one file must not write into each other's.
  return path.string() + kMark + std::to_string(::getpid());
}

std::vector<HalfWritten> HalfWrittenIn(const fs::path& folder) {
  std::error_code ignored;
  std::vector<HalfWritten> found;
  for (fs::directory_iterator file(folder, ignored), end; file != end; file.increment(ignored)) {
    if (auto half = ReadName(file->path())) found.push_back(*std::move(half));
  }
  std::ranges::sort(found, {}, &HalfWritten::path);
  return found;
}

void RemoveHalfWrittenOf(const fs::path& path) {
  const fs::path folder = path.parent_path();
  for (const HalfWritten& half : HalfWrittenIn(folder.empty() ? "." : folder)) {
    std::error_code ignored;
    if (!half.writer_lives && half.whole.filename() == path.filename()) {
      fs::remove(half.path, ignored);
    }
  }
}

void RemoveHalfWritten(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (fs::directory_iterator file(folder, ignored), end; file != end; file.increment(ignored)) {
    if (file->path().filename().string().find(kMark) != std::string::npos) {
      found.push_back(file->path());
    }
  }
  // After the walk: what is removed meanwhile may or may not be skipped by it.
  for (const fs::path& file : found) fs::remove(file, ignored);
}

}  // namespace beamgrid
