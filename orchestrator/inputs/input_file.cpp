#include "orchestrator/inputs/input_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <utility>

#include "registry/util/input_error.h"
#include "registry/util/piped_file.h"
#include "registry/util/system_error.h"

namespace beamgrid {

namespace {

std::filesystem::path Kept(std::filesystem::path path) {
  KeepPiped(path);
  return path;
}

}  // namespace

InputFile::InputFile(std::filesystem::path path)
    // Not blocking: a named pipe in the place of a file would be waited for.
    : path_(Kept(std::move(path))),
      file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (file_.get() < 0) throw SystemError(path_, "cannot open", errno);
  stamp_ = StampOf(file_.get(), path_);
}

std::uint64_t InputFile::Stamp() const {
  // With the time that no program can set back, although a change of its rights is in it too.
  const std::uint64_t content[] = {stamp_.device, stamp_.inode, stamp_.size,
                                   static_cast<std::uint64_t>(stamp_.modified_ns),
                                   static_cast<std::uint64_t>(stamp_.changed_ns)};
  return XXH3_64bits(content, sizeof content);
}

void InputFile::RequireUnchanged() const {
  if (StampOf(file_.get(), path_) != stamp_) RefuseChangedFile(path_.string());
}

std::string InputFile::Read(std::uint64_t offset, std::size_t count) const {
  if (offset >= stamp_.size) return {};
  // Not what was asked for but what is there: a length may come from a damaged header.
  std::string bytes(std::min<std::uint64_t>(count, stamp_.size - offset), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::pread(file_.get(), bytes.data() + have, bytes.size() - have,
                                static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError(path_, "cannot read", errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

void RefuseChangedFile(const std::string& place) {
  throw InputError(place + ": was written to while it was imported; import it when it is complete");
}

}  // namespace beamgrid
