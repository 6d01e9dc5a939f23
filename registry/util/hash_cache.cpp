#include "registry/util/hash_cache.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "registry/util/cache_folder.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// The name has the format's version: another one is another file.
constexpr char kFileName[] = "hashes-1";
/// 40,000 files, which are read in 20 ms. Whoever finds more begins the file anew, with those that
/// he has used himself.
constexpr std::size_t kLargeBytes = 4 << 20;
/// Nothing of ours grows so large.
constexpr std::size_t kMostBytes = 64 << 20;
constexpr std::chrono::seconds kYoung{2};
constexpr std::size_t kDigits = 32;
constexpr std::size_t kCheckDigits = 8;

std::string CheckOf(std::string_view line) { return HashBytes(line).substr(0, kCheckDigits); }

/// Returns "DEVICE INODE SIZE MODIFIED CHANGED HASH CHECK\n". The check is of what stands before
/// it: half of a line must not count.
std::string LineOf(const FileStamp& stamp, const std::string& hash) {
  const std::string line = std::to_string(stamp.device) + " " + std::to_string(stamp.inode) + " " +
                           std::to_string(stamp.size) + " " + std::to_string(stamp.modified_ns) +
                           " " + std::to_string(stamp.changed_ns) + " " + hash + " ";
  return line + CheckOf(line) + "\n";
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
  std::error_code missing;
  if (!fs::is_regular_file(path_, missing)) return;
  const std::uintmax_t size = fs::file_size(path_, missing);
  full_ = !missing && size > kLargeBytes;
  if (missing || size > kMostBytes) return;
  try {
    Read(ReadFile(path_));
  } catch (const Error&) {
    return;  // as good as none
  }
}

void HashCache::Read(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    FileStamp stamp;
    std::string_view rest = line;
    if (!TakeNumber(rest, stamp.device) || !TakeNumber(rest, stamp.inode) ||
        !TakeNumber(rest, stamp.size) || !TakeNumber(rest, stamp.modified_ns) ||
        !TakeNumber(rest, stamp.changed_ns) || rest.size() < kDigits) {
      continue;
    }
    const std::string_view checked =
        line.substr(0, line.size() - std::min(kCheckDigits, line.size()));
    if (line.substr(checked.size()) != CheckOf(checked)) continue;
    // The last line of a file counts: it is what it was seen to be last.
    known_[{stamp.device, stamp.inode}] = {stamp, std::string(rest.substr(0, kDigits))};
  }
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
  std::error_code failure;
  fs::create_directories(path_.parent_path(), failure);
  if (std::exchange(full_, false)) {
    fs::remove(path_, failure);
    unsaved_.clear();
    for (const auto& [file, known] : known_) {
      if (known.used) unsaved_ += LineOf(known.stamp, known.hash);
    }
  }
  const UniqueFd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  // One call: lines of several processes do not mix then. What a full disk cuts off is not whole,
  // and the line that begins behind it is lost with it: each call begins a new one.
  const std::string lines = "\n" + std::exchange(unsaved_, {});
  if (file.get() >= 0) std::ignore = ::write(file.get(), lines.data(), lines.size());
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
