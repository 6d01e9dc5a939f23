#include "orchestrator/watched_content.h"

#include <utility>

#include "registry/util/cache_folder.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "trainer/data/digest.h"

namespace beamgrid {
namespace {

/// Returns the message about files that are others now.
std::string ChangeText(const std::string& path, std::size_t others, const std::string& what) {
  return path + (others == 0 ? "" : " and " + std::to_string(others) + " more") + ": " + what +
         " while the study ran; what was being trained may have seen both contents and is not "
         "recorded. Run the recipe again: it trains on what the files hold then (with the old "
         "content back, finished trials count again)";
}

/// Returns the stamp of a file, nothing where it cannot be looked at.
std::optional<FileStamp> StampNow(const std::string& path) {
  try {
    return StampOf(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

WatchedContent::WatchedContent(DataSpec data) : data_(std::move(data)) {
  for (const auto* list : {&data_.train, &data_.validate}) {
    for (const std::string& path : *list) data_files_.push_back({path, StampOf(path)});
  }
}

void WatchedContent::Add(const NamedFile& file) {
  for (const Named& known : named_) {
    if (known.file.path == file.path) return;
  }
  named_.push_back({file, StampOf(file.path)});
}

std::optional<std::string> WatchedContent::Change() {
  if (auto change = DataChange()) return change;
  for (Named& named : named_) {
    const std::optional<FileStamp> now = StampNow(named.file.path);
    if (!now) return ChangeText(named.file.path, 0, "is gone or cannot be read");
    if (*now == named.stamp) continue;
    if (HashFile(named.file.path) != named.file.hash) {
      return ChangeText(named.file.path, 0, "has changed");
    }
    named.stamp = *now;
  }
  return std::nullopt;
}

std::optional<std::string> WatchedContent::DataChange() {
  std::vector<Looked> touched;
  for (const Looked& file : data_files_) {
    const std::optional<FileStamp> now = StampNow(file.path);
    if (!now) return ChangeText(file.path, 0, "is gone or cannot be read");
    if (*now != file.stamp) touched.push_back({file.path, *now});
  }
  if (touched.empty()) return std::nullopt;
  // What is touched is hashed again, no more.
  HashCache hashes(CacheFolder());
  try {
    if (DataDigest(data_, hashes) != data_.digest) {
      return ChangeText(touched.front().path, touched.size() - 1,
                        touched.size() == 1 ? "has changed" : "one or more have changed");
    }
  } catch (const Error&) {
    return ChangeText(touched.front().path, touched.size() - 1, "is being changed");
  }
  // Touched, copied over itself, moved away and back: the same bytes are there.
  for (const Looked& file : touched) {
    for (Looked& known : data_files_) {
      if (known.path == file.path) known.stamp = file.stamp;
    }
  }
  return std::nullopt;
}

std::string WatchedContent::DataStamp() const {
  std::string text;
  for (const Looked& file : data_files_) {
    // Not the device: numbers of devices are given out anew when a machine starts.
    for (const auto number :
         {static_cast<std::int64_t>(file.stamp.inode), static_cast<std::int64_t>(file.stamp.size),
          file.stamp.modified_ns, file.stamp.changed_ns}) {
      text += std::to_string(number) + " ";
    }
  }
  return HashBytes(text);
}

}  // namespace beamgrid
