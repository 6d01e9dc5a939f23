#pragma once
// Mounts of a test's own, in a child process: whoever runs the tests as root is stopped by no
// permission, but by a file system that is read-only.

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

namespace beamgrid {

/// Runs `check` in a child process after `mount_all`, whose mounts nobody else sees. `check`
/// returns an empty text where all is well. Returns that text; "skipped" where the system allows no
/// mounts.
inline std::string InOwnMounts(const std::function<bool()>& mount_all,
                               const std::function<std::string()>& check) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    const bool own = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    std::string text = "skipped";
    if (own && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && mount_all()) {
      try {
        text = check();
      } catch (const std::exception& error) {
        text = std::string("threw: ") + error.what();
      }
    }
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text(1 << 14, '\0');
  std::size_t size = 0;
  for (ssize_t got = 1; got > 0; size += static_cast<std::size_t>(std::max<ssize_t>(got, 0))) {
    got = ::read(ends[0], text.data() + size, text.size() - size);
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  text.resize(size);
  return text;
}

/// Makes a folder read-only for this process.
inline bool MountReadOnly(const std::filesystem::path& folder) {
  return ::mount(folder.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
         ::mount(nullptr, folder.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
}

}  // namespace beamgrid
