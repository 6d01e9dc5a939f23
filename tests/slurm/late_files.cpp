// A shared folder whose files other machines see late, as on NFS: loaded before programs
// (LD_PRELOAD). What a process of one host makes below $LATE_FOLDER (a file, a folder, a rename),
// processes of another host are told to be missing for three seconds. The host is SLURMD_NODENAME,
// or else the one that submits. Not covered: contents and sizes that come late, listings of
// folders.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>

namespace {

constexpr double kLateSeconds = 3;

template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}
using Open = int (*)(const char*, int, ...);
using Rename = int (*)(const char*, const char*);
using MakeFolder = int (*)(const char*, mode_t);
using StatAt = int (*)(int, const char*, struct stat*, int);
using Stat = int (*)(const char*, struct stat*);
using StatX = int (*)(int, const char*, int, unsigned, struct statx*);
using Access = int (*)(const char*, int);
using OpenFile = FILE* (*)(const char*, const char*);

bool IsBelow(const char* path) {
  const char* folder = std::getenv("LATE_FOLDER");
  return folder != nullptr && path != nullptr &&
         std::strncmp(path, folder, std::strlen(folder)) == 0;
}

std::string Host() {
  const char* node = std::getenv("SLURMD_NODENAME");
  return node == nullptr ? "login" : node;
}

/// Who made the path last, and when: a small file outside of the folder.
std::string MarkOf(const char* path) {
  std::string mark = std::getenv("LATE_FOLDER");
  return mark + ".marks/" + std::to_string(std::hash<std::string>()(path));
}

void Mark(const char* path) {
  const int kept = errno;
  const int fd =
      Real<Open>("open")(MarkOf(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd >= 0) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::string text = Host() + " " + std::to_string(now.tv_sec) + "." +
                             std::to_string(1000000000 + now.tv_nsec).substr(1);
    if (::write(fd, text.data(), text.size()) < 0) std::abort();
    ::close(fd);
  }
  errno = kept;
}

/// True where the path is to be told missing.
bool IsLate(const char* path) {
  if (!IsBelow(path)) return false;
  const int fd = Real<Open>("open")(MarkOf(path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[200] = {};
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  char host[100] = {};
  double made = 0;
  if (got <= 0 || std::sscanf(text, "%99s %lf", host, &made) != 2 || Host() == host) return false;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9 - made <
         kLateSeconds;
}

int Missing() {
  errno = ENOENT;
  return -1;
}

int OpenAs(const char* name, const char* path, int flags, mode_t mode) {
  const bool makes = (flags & O_CREAT) != 0 && IsBelow(path);
  if (!makes && IsLate(path)) return Missing();
  struct stat before{};
  const bool is_new = makes && Real<StatAt>("fstatat")(AT_FDCWD, path, &before, 0) != 0;
  const int fd = Real<Open>(name)(path, flags, mode);
  if (fd >= 0 && is_new) Mark(path);
  return fd;
}

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenAs("open", path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenAs("open64", path, flags, mode);
}
FILE* fopen(const char* path, const char* mode) {
  if (mode[0] == 'r' && IsLate(path)) return Missing(), nullptr;
  FILE* file = Real<OpenFile>("fopen")(path, mode);
  if (file != nullptr && mode[0] != 'r' && IsBelow(path)) Mark(path);
  return file;
}
FILE* fopen64(const char* path, const char* mode) { return fopen(path, mode); }
int rename(const char* from, const char* to) {
  const int done = Real<Rename>("rename")(from, to);
  if (done == 0 && IsBelow(to)) Mark(to);
  return done;
}
int link(const char* from, const char* to) noexcept {
  const int done = Real<Rename>("link")(from, to);
  if (done == 0 && IsBelow(to)) Mark(to);
  return done;
}
int mkdir(const char* path, mode_t mode) noexcept {
  const int done = Real<MakeFolder>("mkdir")(path, mode);
  if (done == 0 && IsBelow(path)) Mark(path);
  return done;
}
int stat(const char* path, struct stat* found) noexcept {
  return IsLate(path) ? Missing() : Real<Stat>("stat")(path, found);
}
int lstat(const char* path, struct stat* found) noexcept {
  return IsLate(path) ? Missing() : Real<Stat>("lstat")(path, found);
}
int stat64(const char* path, struct stat64* found) noexcept {
  return IsLate(path) ? Missing()
                      : Real<int (*)(const char*, struct stat64*)>("stat64")(path, found);
}
int lstat64(const char* path, struct stat64* found) noexcept {
  return IsLate(path) ? Missing()
                      : Real<int (*)(const char*, struct stat64*)>("lstat64")(path, found);
}
int fstatat(int folder, const char* path, struct stat* found, int flags) noexcept {
  return IsLate(path) ? Missing() : Real<StatAt>("fstatat")(folder, path, found, flags);
}
int statx(int folder, const char* path, int flags, unsigned mask, struct statx* found) noexcept {
  return IsLate(path) ? Missing() : Real<StatX>("statx")(folder, path, flags, mask, found);
}
int access(const char* path, int how) noexcept {
  return IsLate(path) ? Missing() : Real<Access>("access")(path, how);
}
}
