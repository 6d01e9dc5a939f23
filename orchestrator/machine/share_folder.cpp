#include "orchestrator/machine/share_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

constexpr char kGate[] = "gate.lock";
constexpr char kTable[] = "slots.json";
constexpr char kNewTable[] = "slots.json.new";
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;

/// Neither another user's folder nor a link to somewhere else: what is written there must be ours.
UniqueFd OpenFolder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    throw Error(path.string() + ": cannot make the folder: " + std::strerror(errno));
  }
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.get() < 0) {
    throw Error(path.string() + ": cannot open the folder: " + std::strerror(errno));
  }
  struct stat status{};
  const bool known = ::fstat(folder.get(), &status) == 0;
  if (!known || status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(path.string() + ": must be a folder of your own that nobody else may write to");
  }
  return folder;
}

UniqueFd OpenIn(const UniqueFd& folder, const std::string& name, int flags) {
  return UniqueFd(::openat(folder.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, kFileMode));
}

constexpr char kStudy[] = ".study";
std::string FileOf(const std::string& id) { return id + kStudy; }

}  // namespace

std::optional<ShareVisit> ShareVisit::Begin(const std::filesystem::path& folder,
                                            std::chrono::milliseconds patience) {
  ShareVisit visit(folder, OpenFolder(folder));
  visit.gate_ = OpenIn(visit.folder_, kGate, O_RDWR | O_CREAT);
  if (visit.gate_.get() < 0) visit.Fail(kGate);
  const auto end = std::chrono::steady_clock::now() + patience;
  while (::flock(visit.gate_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) visit.Fail(kGate);
    if (std::chrono::steady_clock::now() >= end) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // Cleaners of /tmp remove what is old.
  ::futimens(visit.gate_.get(), nullptr);
  return visit;
}

std::string ShareVisit::ReadTable() const {
  const UniqueFd file = OpenIn(folder_, kTable, O_RDONLY);
  if (file.get() < 0) {
    if (errno == ENOENT) return {};
    Fail(kTable);
  }
  std::string text;
  std::array<char, 8192> piece{};
  for (;;) {
    const ssize_t size = ::read(file.get(), piece.data(), piece.size());
    if (size < 0) Fail(kTable);
    if (size == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

// Not synced: after a crash of the machine nobody lives who holds anything.
void ShareVisit::WriteTable(const std::string& text) const {
  const UniqueFd file = OpenIn(folder_, kNewTable, O_WRONLY | O_CREAT | O_TRUNC);
  if (file.get() < 0) Fail(kNewTable);
  const ssize_t size = ::write(file.get(), text.data(), text.size());
  if (size != static_cast<ssize_t>(text.size())) Fail(kNewTable);
  if (::renameat(folder_.get(), kNewTable, folder_.get(), kTable) != 0) Fail(kTable);
}

UniqueFd ShareVisit::Announce(const std::string& id) const {
  RemoveDead();
  UniqueFd file = OpenIn(folder_, FileOf(id), O_RDWR | O_CREAT);
  if (file.get() < 0 || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) Fail(FileOf(id));
  return file;
}

bool ShareVisit::IsAlive(const std::string& id) const {
  if (id.find('/') != std::string::npos) return false;
  const UniqueFd file = OpenIn(folder_, FileOf(id), O_RDWR);
  if (file.get() < 0) return errno != ENOENT;
  if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) return true;
  Remove(id);
  return false;
}

void ShareVisit::RemoveDead() const {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path_, ignored)) {
    if (entry.path().extension() == kStudy) static_cast<void>(IsAlive(entry.path().stem()));
  }
}

void ShareVisit::Remove(const std::string& id) const {
  ::unlinkat(folder_.get(), FileOf(id).c_str(), 0);
}

void ShareVisit::Fail(const std::string& file) const {
  throw Error((path_ / file).string() + ": " + std::strerror(errno));
}

}  // namespace beamgrid
