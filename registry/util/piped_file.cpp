#include "registry/util/piped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

std::optional<int> DescriptorOf(const std::string& name) {
  if (name == "/dev/stdin") return STDIN_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (name.starts_with(folder)) return ParseNumber<int>(name.substr(folder.size()));
  }
  return std::nullopt;
}

bool IsPiped(int descriptor) {
  struct stat status{};
  return ::fstat(descriptor, &status) == 0 &&
         (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

void WriteAll(int file, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw SystemError(path, "cannot keep what comes through this pipe", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void KeepPiped(const std::filesystem::path& path) {
  const std::optional<int> pipe = DescriptorOf(path.string());
  if (!pipe || !IsPiped(*pipe)) return;
  const UniqueFd kept(::memfd_create("beamgrid", MFD_CLOEXEC));
  if (kept.get() < 0) throw SystemError(path, "cannot keep what comes through this pipe", errno);
  std::array<char, 1 << 16> piece{};
  for (;;) {
    const ssize_t got = ::read(*pipe, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError(path, "cannot read", errno);
    if (got == 0) break;
    WriteAll(kept.get(), {piece.data(), static_cast<std::size_t>(got)}, path);
  }
  if (::dup3(kept.get(), *pipe, O_CLOEXEC) < 0) {
    throw SystemError(path, "cannot keep what comes through this pipe", errno);
  }
}

}  // namespace beamgrid
