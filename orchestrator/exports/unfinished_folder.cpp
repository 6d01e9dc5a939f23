#include "orchestrator/exports/unfinished_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "registry/util/error.h"
#include "registry/util/half_written.h"
#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Removes what exports into the same folder left that were killed.
void RemoveOthers(const fs::path& out, const std::string& marker) {
  for (const HalfWritten& half : HalfWrittenIn(fs::absolute(out).parent_path())) {
    std::error_code ignored;
    const bool is_ours =
        half.whole.filename() == out.filename() && !half.writer_lives &&
        (fs::exists(half.path / marker, ignored) || fs::is_empty(half.path, ignored));
    if (is_ours) fs::remove_all(half.path, ignored);
  }
}

void Sync(const fs::path& path) {
  const UniqueFd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) {
    throw SystemError(path, "cannot write to the disk", errno);
  }
}

}  // namespace

void CheckExportFolder(const fs::path& out, const std::string& option) {
  std::error_code error;
  const std::string named = option + " " + out.string() + ": ";
  if (fs::exists(out, error) && !fs::is_directory(out, error)) {
    throw UsageError(named + "there is a file of that name; name a new folder");
  }
  if (fs::exists(out, error) && !fs::is_empty(out, error)) {
    throw UsageError(named + "the folder is not empty; name a new one");
  }
  // An empty folder is replaced by the whole one; who stands in it would be left with nothing.
  if (fs::equivalent(out, fs::current_path(), error) && !error) {
    throw UsageError(named + "it is the current folder; name one in it, as in " +
                     (out / "model").string());
  }
  const fs::path parent = WholePath(out).parent_path();
  if (!fs::is_directory(parent, error)) {
    throw UsageError(named + "there is no folder " + parent.string() + " to make it in");
  }
}

fs::path WholePath(const fs::path& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

UnfinishedFolder::UnfinishedFolder(const fs::path& out, const std::string& marker)
    : path_(HalfWrittenName(out)) {
  RemoveOthers(out, marker);
  std::error_code error;
  fs::remove_all(path_, error);  // an earlier process of our number
  if (!fs::create_directory(path_, error)) {
    throw SystemError(path_, "cannot create the folder", error.value());
  }
}

UnfinishedFolder::~UnfinishedFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

void UnfinishedFolder::Finish(const fs::path& out) {
  for (const auto& entry : fs::recursive_directory_iterator(path_)) Sync(entry.path());
  Sync(path_);
  std::error_code error;
  fs::rename(path_, out, error);  // over an empty folder, too
  if (error) throw SystemError(out, "cannot rename the folder to its final name", error.value());
  path_.clear();
  Sync(fs::absolute(out).parent_path());
}

}  // namespace beamgrid
