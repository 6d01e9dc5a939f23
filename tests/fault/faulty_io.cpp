// A library for LD_PRELOAD: stands between a program and libc and carries out a FaultPlan. Only
// what goes through libc's exported names is seen; what libc calls inside itself is not.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/fault/fault_plan.h"

namespace {

using beamgrid::Fault;
using beamgrid::FaultPlan;

/// What a call is to the outside.
enum class Call {
  kOpenToRead,
  kOpenToWrite,
  kRead,
  kWrite,
  kSync,
  kMakeName,    ///< mkdir, rename, link
  kRemoveName,  ///< unlink, unlinkat, remove
  kTruncate,
  kMakeDescriptor,
  kClose,
  kProcess,
  kTime,
};

bool Concerns(Fault fault, Call call) {
  switch (fault) {
    case Fault::kNone:
      return false;
    case Fault::kKill:
      return call != Call::kRead && call != Call::kTime;
    case Fault::kNoSpace:
    case Fault::kNoQuota:
      return call == Call::kOpenToWrite || call == Call::kWrite || call == Call::kSync ||
             call == Call::kMakeName;
    case Fault::kBrokenDisk:
    case Fault::kStaleHandle:
    case Fault::kNotConnected:
    case Fault::kServerGone:
      return call == Call::kOpenToRead || call == Call::kOpenToWrite || call == Call::kRead ||
             call == Call::kWrite || call == Call::kSync || call == Call::kMakeName ||
             call == Call::kRemoveName || call == Call::kTruncate;
    case Fault::kReadOnly:
      return call == Call::kOpenToWrite || call == Call::kWrite || call == Call::kMakeName ||
             call == Call::kRemoveName || call == Call::kTruncate;
    case Fault::kNoAccess:
      return call == Call::kOpenToWrite || call == Call::kMakeName || call == Call::kRemoveName;
    case Fault::kNoDescriptors:
      return call == Call::kOpenToRead || call == Call::kOpenToWrite ||
             call == Call::kMakeDescriptor;
    case Fault::kShortWrite:
      return call == Call::kWrite;
    case Fault::kLargeFile:
      return call == Call::kWrite || call == Call::kTruncate;
    case Fault::kClockJump:
      return call == Call::kTime;
  }
  return false;
}

int CodeOf(Fault fault) {
  switch (fault) {
    case Fault::kNoSpace:
      return ENOSPC;
    case Fault::kBrokenDisk:
      return EIO;
    case Fault::kReadOnly:
      return EROFS;
    case Fault::kNoAccess:
      return EACCES;
    case Fault::kNoDescriptors:
      return EMFILE;
    case Fault::kNoQuota:
      return EDQUOT;
    case Fault::kStaleHandle:
      return ESTALE;
    case Fault::kNotConnected:
      return ENOTCONN;
    case Fault::kServerGone:
      return ETIMEDOUT;
    case Fault::kLargeFile:
      return EFBIG;
    case Fault::kNone:
    case Fault::kKill:
    case Fault::kShortWrite:
    case Fault::kClockJump:
      return 0;
  }
  return 0;
}

/// What a process knows of its plan.
struct Mapping {
  FaultPlan* plan = nullptr;  ///< nothing where the faults are about another program
  int trace = -1;
  const char* root = "";
};

FaultPlan* MapPlan() {
  const char* path = std::getenv(beamgrid::kFaultPlanVariable);
  if (path == nullptr) return nullptr;
  // Raw system calls: ours must not meet themselves.
  const auto fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0));
  if (fd < 0) return nullptr;
  void* memory = ::mmap(nullptr, sizeof(FaultPlan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::syscall(SYS_close, fd);
  return memory == MAP_FAILED ? nullptr : static_cast<FaultPlan*>(memory);
}

bool IsAboutUs(const FaultPlan& plan) {
  char executable[512] = {};
  if (::readlink("/proc/self/exe", executable, sizeof executable - 1) < 0) return false;
  const std::string_view name = executable;
  return name.substr(name.rfind('/') + 1) == plan.program;
}

Mapping MakeMapping() {
  FaultPlan* const plan = MapPlan();
  if (plan == nullptr) return {};
  Mapping mapping{.root = plan->root};
  if (IsAboutUs(*plan)) mapping.plan = plan;
  if (plan->trace[0] != '\0') {
    mapping.trace = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, plan->trace,
                                               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }
  return mapping;
}

const Mapping& Ours() {
  static const Mapping mapping = MakeMapping();
  return mapping;
}

FaultPlan* Plan() { return Ours().plan; }

/// A file that a call is about.
struct Subject {
  const char* path = nullptr;
  int fd = -1;
};

/// Its path, as far as it is known.
std::string_view PathOf(const Subject& subject, char (&buffer)[512]) {
  if (subject.path != nullptr) return subject.path;
  if (subject.fd < 0) return {};
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", subject.fd);
  const ssize_t size = ::readlink(link, buffer, sizeof buffer);
  return size > 0 ? std::string_view(buffer, static_cast<std::size_t>(size)) : std::string_view();
}

/// Names are relative to the root, where the programs run; a descriptor's is absolute, or it is no
/// file's ("pipe:[7]").
bool IsUnderRoot(const Subject& subject, std::string_view path, std::string_view root) {
  const bool relative = subject.path != nullptr && !path.starts_with('/');
  return relative || path.starts_with(root);
}

void NoteFirstHit(FaultPlan* plan, const char* name, std::string_view path) {
  std::snprintf(plan->first_hit, sizeof plan->first_hit, "%s %.*s", name,
                static_cast<int>(path.size()), path.data());
}

void WriteTrace(const char* line, int size) {
  if (size > 0) ::syscall(SYS_write, Ours().trace, line, static_cast<std::size_t>(size));
}

/// Before the call: where the process dies in it, nobody knows what was written.
void TraceWrite(int fd) {
  if (Ours().trace < 0) return;
  const int saved = errno;
  char buffer[512], line[600];
  const std::string_view path = PathOf({.fd = fd}, buffer);
  if (path.starts_with(Ours().root)) {
    WriteTrace(line, std::snprintf(line, sizeof line, "write\t%.*s\n",
                                   static_cast<int>(path.size()), path.data()));
  }
  errno = saved;
}

/// Passes the result of the call on.
int TraceSync(int result, int fd) {
  if (Ours().trace < 0 || result != 0) return result;
  char buffer[512], line[600];
  const std::string_view path = PathOf({.fd = fd}, buffer);
  struct stat status{};
  if (path.starts_with(Ours().root) && ::fstat(fd, &status) == 0) {
    WriteTrace(line,
               std::snprintf(line, sizeof line, "sync\t%.*s\t%lld\n", static_cast<int>(path.size()),
                             path.data(), static_cast<long long>(status.st_size)));
  }
  return result;
}

int TraceName(int result, const char* from, const char* to) {
  if (Ours().trace < 0 || result != 0) return result;
  char line[1200];
  WriteTrace(line, std::snprintf(line, sizeof line, "name\t%s\t%s\n", from, to));
  return result;
}

int TraceFolder(int result, const char* path) {
  if (Ours().trace < 0 || result != 0) return result;
  char line[600];
  WriteTrace(line, std::snprintf(line, sizeof line, "folder\t%s\n", path));
  return result;
}

/// Whether the fault happens to this call. A kill does not return.
Fault Meet(Call call, const char* name, const Subject& subject) {
  FaultPlan* const plan = Plan();
  if (plan == nullptr) return Fault::kNone;
  const int saved = errno;
  const Fault fault = plan->fault;
  char buffer[512];
  const std::string_view path = PathOf(subject, buffer);
  errno = saved;
  const bool anywhere = fault == Fault::kKill || fault == Fault::kClockJump ||
                        (fault == Fault::kNoDescriptors && call == Call::kMakeDescriptor);
  if (!Concerns(fault, call) || !(anywhere || IsUnderRoot(subject, path, plan->root)))
    return Fault::kNone;
  const std::int64_t number = ++plan->seen;
  if (number < plan->first || number - plan->first >= plan->count) return Fault::kNone;
  if (plan->hits++ == 0) NoteFirstHit(plan, name, path);
  if (fault == Fault::kKill) ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGKILL);
  return fault;
}

/// True, with errno set, where the call is to fail.
bool Fails(Call call, const char* name, const Subject& subject) {
  const int code = CodeOf(Meet(call, name, subject));
  if (code != 0) errno = code;
  return code != 0;
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}
#define REAL(name) static auto* const real = Real<decltype(::name)>(#name)

Call OpenCall(int flags) {
  return (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 ? Call::kOpenToWrite : Call::kOpenToRead;
}

Call OpenCall(const char* mode) {
  return std::strpbrk(mode, "wa+") != nullptr ? Call::kOpenToWrite : Call::kOpenToRead;
}

/// The mode_t that follows the flags where a file may be made.
#define OPEN_MODE(mode, flags)                              \
  mode_t mode = 0;                                          \
  if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {             \
    va_list rest;                                           \
    va_start(rest, flags);                                  \
    mode = static_cast<mode_t>(va_arg(rest, unsigned int)); \
    va_end(rest);                                           \
  }

/// How many of the bytes are to be written; -1: none, and errno says why.
ssize_t Allowed(const char* name, int fd, std::size_t bytes) {
  const Fault fault = Meet(Call::kWrite, name, {.fd = fd});
  TraceWrite(fd);
  if (fault == Fault::kShortWrite) return static_cast<ssize_t>(std::max<std::size_t>(bytes / 2, 1));
  const int code = CodeOf(fault);
  if (code == 0) return static_cast<ssize_t>(bytes);
  errno = code;
  return -1;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  REAL(open);
  OPEN_MODE(mode, flags);
  return Fails(OpenCall(flags), "open", {.path = path}) ? -1 : real(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  REAL(open64);
  OPEN_MODE(mode, flags);
  return Fails(OpenCall(flags), "open", {.path = path}) ? -1 : real(path, flags, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  REAL(fopen64);
  return Fails(OpenCall(mode), "fopen", {.path = path}) ? nullptr : real(path, mode);
}

ssize_t read(int fd, void* bytes, std::size_t size) {
  REAL(read);
  return Fails(Call::kRead, "read", {.fd = fd}) ? -1 : real(fd, bytes, size);
}

ssize_t pread64(int fd, void* bytes, std::size_t size, off64_t offset) {
  REAL(pread64);
  return Fails(Call::kRead, "pread", {.fd = fd}) ? -1 : real(fd, bytes, size, offset);
}

ssize_t write(int fd, const void* bytes, std::size_t size) {
  REAL(write);
  const ssize_t allowed = Allowed("write", fd, size);
  return allowed < 0 ? -1 : real(fd, bytes, static_cast<std::size_t>(allowed));
}

ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t offset) {
  REAL(pwrite);
  const ssize_t allowed = Allowed("pwrite", fd, size);
  return allowed < 0 ? -1 : real(fd, bytes, static_cast<std::size_t>(allowed), offset);
}

ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off64_t offset) {
  REAL(pwrite64);
  const ssize_t allowed = Allowed("pwrite", fd, size);
  return allowed < 0 ? -1 : real(fd, bytes, static_cast<std::size_t>(allowed), offset);
}

ssize_t writev(int fd, const struct iovec* pieces, int count) {
  REAL(writev);
  const Fault fault = Meet(Call::kWrite, "writev", {.fd = fd});
  TraceWrite(fd);
  if (fault == Fault::kShortWrite) return real(fd, pieces, 1);
  if (CodeOf(fault) == 0) return real(fd, pieces, count);
  errno = CodeOf(fault);
  return -1;
}

int fsync(int fd) {
  REAL(fsync);
  return Fails(Call::kSync, "fsync", {.fd = fd}) ? -1 : TraceSync(real(fd), fd);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return Fails(Call::kSync, "fdatasync", {.fd = fd}) ? -1 : TraceSync(real(fd), fd);
}

int rename(const char* from, const char* to) noexcept {
  REAL(rename);
  return Fails(Call::kMakeName, "rename", {.path = to}) ? -1 : TraceName(real(from, to), from, to);
}

int link(const char* from, const char* to) noexcept {
  REAL(link);
  return Fails(Call::kMakeName, "link", {.path = to}) ? -1 : TraceName(real(from, to), from, to);
}

int mkdir(const char* path, mode_t mode) noexcept {
  REAL(mkdir);
  return Fails(Call::kMakeName, "mkdir", {.path = path}) ? -1 : TraceFolder(real(path, mode), path);
}

int unlink(const char* path) noexcept {
  REAL(unlink);
  return Fails(Call::kRemoveName, "unlink", {.path = path}) ? -1 : real(path);
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  REAL(unlinkat);
  const bool fails = folder == AT_FDCWD ? Fails(Call::kRemoveName, "unlinkat", {.path = path})
                                        : Fails(Call::kRemoveName, "unlinkat", {.fd = folder});
  return fails ? -1 : real(folder, path, flags);
}

int remove(const char* path) noexcept {
  REAL(remove);
  return Fails(Call::kRemoveName, "remove", {.path = path}) ? -1 : real(path);
}

int ftruncate(int fd, off_t size) noexcept {
  REAL(ftruncate);
  TraceWrite(fd);
  return Fails(Call::kTruncate, "ftruncate", {.fd = fd}) ? -1 : real(fd, size);
}

int ftruncate64(int fd, off64_t size) noexcept {
  REAL(ftruncate64);
  TraceWrite(fd);
  return Fails(Call::kTruncate, "ftruncate", {.fd = fd}) ? -1 : real(fd, size);
}

int close(int fd) {
  REAL(close);
  static_cast<void>(Meet(Call::kClose, "close", {.fd = fd}));
  return real(fd);
}

int dup(int fd) noexcept {
  REAL(dup);
  return Fails(Call::kMakeDescriptor, "dup", {}) ? -1 : real(fd);
}

int pipe2(int* ends, int flags) noexcept {
  REAL(pipe2);
  return Fails(Call::kMakeDescriptor, "pipe", {}) ? -1 : real(ends, flags);
}

int socketpair(int domain, int type, int protocol, int* ends) noexcept {
  REAL(socketpair);
  return Fails(Call::kMakeDescriptor, "socketpair", {}) ? -1 : real(domain, type, protocol, ends);
}

int eventfd(unsigned int value, int flags) noexcept {
  REAL(eventfd);
  return Fails(Call::kMakeDescriptor, "eventfd", {}) ? -1 : real(value, flags);
}

int memfd_create(const char* name, unsigned int flags) noexcept {
  REAL(memfd_create);
  return Fails(Call::kMakeDescriptor, "memfd_create", {}) ? -1 : real(name, flags);
}

pid_t fork() noexcept {
  REAL(fork);
  static_cast<void>(Meet(Call::kProcess, "fork", {}));
  return real();
}

int execve(const char* path, char* const* arguments, char* const* environment) noexcept {
  REAL(execve);
  static_cast<void>(Meet(Call::kProcess, "execve", {.path = path}));
  return real(path, arguments, environment);
}

int clock_gettime(clockid_t clock, struct timespec* now) noexcept {
  REAL(clock_gettime);
  const int result = real(clock, now);
  if (result == 0 && clock == CLOCK_REALTIME &&
      Meet(Call::kTime, "clock_gettime", {}) == Fault::kClockJump) {
    now->tv_sec += Plan()->clock_seconds;
  }
  return result;
}

int gettimeofday(struct timeval* now, void* zone) noexcept {
  REAL(gettimeofday);
  const int result = real(now, zone);
  if (result == 0 && Meet(Call::kTime, "gettimeofday", {}) == Fault::kClockJump) {
    now->tv_sec += Plan()->clock_seconds;
  }
  return result;
}

time_t time(time_t* out) noexcept {
  REAL(time);
  time_t now = real(nullptr);
  if (Meet(Call::kTime, "time", {}) == Fault::kClockJump) now += Plan()->clock_seconds;
  if (out != nullptr) *out = now;
  return now;
}

}  // extern "C"
