#include "orchestrator/slurm/shared_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "registry/util/files.h"
#include "registry/util/half_written.h"
#include "registry/util/system_error.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "host";
  return name.data();
}

void WriteWhole(const fs::path& path, int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw SystemError(path, "cannot write", errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

void WriteAndSync(const fs::path& path, int flags, std::string_view content) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644));
  if (file.get() < 0) throw SystemError(path, "cannot create", errno);
  WriteWhole(path, file.get(), content);
  if (::fsync(file.get()) != 0) throw SystemError(path, "cannot write to the disk", errno);
}

bool LinkCount2(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && status.st_nlink == 2;
}

/// For file systems without hard links. A reader may see it half; it is never anybody else's.
bool CreateOnce(const fs::path& path, std::string_view content) {
  try {
    WriteAndSync(path, O_EXCL, content);
  } catch (const SystemError& error) {
    if (error.code() == EEXIST) return false;
    throw;
  }
  return true;
}

}  // namespace

bool PublishOnce(const fs::path& path, std::string_view content) {
  // With the host's name: process ids of two machines may be the same.
  const fs::path temporary = HalfWrittenName(path.string() + "." + HostName());
  WriteAndSync(temporary, O_TRUNC, content);
  const int failure = ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  // NFS may do it and lose the answer; asked again it says that the name is there.
  const bool ours = failure == 0 || (failure == EEXIST && LinkCount2(temporary));
  ::unlink(temporary.c_str());
  if (ours) return true;
  if (failure == EEXIST) return false;
  const bool no_links = failure == EPERM || failure == EOPNOTSUPP || failure == ENOSYS ||
                        failure == EMLINK || failure == EACCES;
  if (no_links) return CreateOnce(path, content);
  throw SystemError(path, "cannot create", failure);
}

std::chrono::milliseconds AgeOf(const fs::path& file, const fs::path& folder) {
  using std::chrono::milliseconds;
  const fs::path look = folder / "looked_at";
  WriteFileAtomically(look, "");
  std::error_code error;
  const auto now = fs::last_write_time(look, error);
  if (error) return milliseconds(0);
  const auto then = fs::last_write_time(file, error);
  if (error) return milliseconds(0);
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(now - then));
}

std::int64_t GrowingLines::Add(std::string_view line) {
  const UniqueFd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (file.get() < 0) throw SystemError(path_, "cannot write", errno);
  std::string text(line);
  text += '\n';
  if (!begun_ && ::lseek(file.get(), 0, SEEK_END) > 0) text.insert(0, 1, '\n');
  WriteWhole(path_, file.get(), text);
  begun_ = true;
  return ::lseek(file.get(), 0, SEEK_END);
}

LineGrowth LineTail::Read(const std::function<void(std::string_view)>& line, std::int64_t until) {
  const UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return IsMachineFault(errno) ? LineGrowth::kUnreadable : LineGrowth::kNone;
  std::array<char, 64 << 10> piece{};
  const auto most = std::min(static_cast<std::int64_t>(piece.size()), until - offset_);
  const ssize_t bytes = ::pread(file.get(), piece.data(), static_cast<std::size_t>(most), offset_);
  if (bytes <= 0) return bytes < 0 ? LineGrowth::kUnreadable : LineGrowth::kNone;
  offset_ += bytes;
  lines_.Feed({piece.data(), static_cast<std::size_t>(bytes)}, [&](std::string_view one) {
    if (!one.empty()) line(one);
  });
  return LineGrowth::kSome;
}

}  // namespace beamgrid
