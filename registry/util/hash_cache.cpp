#include "registry/util/hash_cache.h"

#include <fcntl.h>

#include <charconv>

#include "registry/util/cache_folder.h"
#include "registry/util/error.h"
#include "registry/util/files.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// The name has the format's version: another one is another file.
constexpr char kFileName[] = "hashes-1";
constexpr std::chrono::seconds kYoung{2};

/// Returns "DEVICE INODE SIZE MODIFIED CHANGED HASH" with its check.
std::string LineOf(const FileStamp& stamp, const std::string& hash) {
  return CheckedLine(std::to_string(stamp.device) + " " + std::to_string(stamp.inode) + " " +
                     std::to_string(stamp.size) + " " + std::to_string(stamp.modified_ns) + " " +
                     std::to_string(stamp.changed_ns) + " " + hash);
}

/// Takes a number and the blank behind it from the front; false where there is none.
template <typename Number>
bool TakeNumber(std::string_view& line, Number& number) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
  return true;
}

}  // namespace

HashCache::HashCache(const std::optional<fs::path>& folder) {
  if (!folder) return;
  path_ = *folder / kFileName;
  Refresh();
}

void HashCache::Refresh() {
  if (path_.empty()) return;
  // Before it is read: what is added meanwhile is then read twice, and never missed.
  const std::optional<FileStamp> stamp = StampIn(AT_FDCWD, path_);
  if (stamp == std::exchange(read_, stamp)) return;
  size_ = ReadCheckedLines(path_, [this](std::string_view line) { TakeLine(line); });
}

void HashCache::TakeLine(std::string_view line) {
  FileStamp stamp;
  if (!TakeNumber(line, stamp.device) || !TakeNumber(line, stamp.inode) ||
      !TakeNumber(line, stamp.size) || !TakeNumber(line, stamp.modified_ns) ||
      !TakeNumber(line, stamp.changed_ns) || line.size() != kHashDigits) {
    return;
  }
  // The last line of a file counts: it is what it was seen to be last.
  known_[{stamp.device, stamp.inode}] = {stamp, std::string(line)};
}

std::optional<std::string> HashCache::Find(const FileStamp& stamp) {
  const auto found = known_.find({stamp.device, stamp.inode});
  if (found == known_.end() || found->second.stamp != stamp) return std::nullopt;
  found->second.used = true;
  return found->second.hash;
}

void HashCache::Add(const FileStamp& stamp, const std::string& hash,
                    std::chrono::system_clock::time_point now) {
  const std::int64_t newest =
      std::chrono::duration_cast<std::chrono::nanoseconds>((now - kYoung).time_since_epoch())
          .count();
  if (stamp.modified_ns > newest || stamp.changed_ns > newest) return;
  known_[{stamp.device, stamp.inode}] = {stamp, hash, /*used=*/true};
  unsaved_ += LineOf(stamp, hash);
}

void HashCache::Save() {
  if (path_.empty() || unsaved_.empty()) return;
  if (size_ == LineFileSize::kLarge) {
    unsaved_.clear();
    for (const auto& [file, known] : known_) {
      if (known.used) unsaved_ += LineOf(known.stamp, known.hash);
    }
  }
  AppendLines(path_, std::exchange(unsaved_, {}), std::exchange(size_, LineFileSize::kSmall));
}

std::string CachedHash(const fs::path& path, HashCache& cache) {
  const FileStamp stamp = StampOf(path);
  if (std::optional<std::string> known = cache.Find(stamp)) return *std::move(known);
  std::string hash = HashFile(path);
  if (StampOf(path) != stamp) RefuseChanging(path);
  cache.Add(stamp, hash);
  return hash;
}

void RefuseChanging(const fs::path& path) {
  throw Error(path.string() +
              ": was written to while it was read; wait until it is complete and run again");
}

}  // namespace beamgrid
