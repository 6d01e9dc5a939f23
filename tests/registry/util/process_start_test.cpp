#include "registry/util/process_start.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>

#include "registry/util/files.h"
#include "registry/util/system_error.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

/// The exit status of a child process that does `work`; 255 where it threw or was killed.
template <typename Work>
int StatusOfChild(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      ::_exit(work());
    } catch (...) {
      ::_exit(255);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

bool IsNullDevice(int fd) {
  struct stat opened{}, null{};
  return ::fstat(fd, &opened) == 0 && ::stat("/dev/null", &null) == 0 &&
         opened.st_rdev == null.st_rdev;
}

TEST(ProcessStart, ClosedStandardDescriptorsAreOpenedOnTheNullDevice) {
  // Each subset of the three: bit n stands for descriptor n.
  for (int closed = 1; closed < 8; ++closed) {
    const int wrong = StatusOfChild([closed] {
      int open_ones = 0;
      for (int fd = 0; fd < 3; ++fd) {
        if ((closed >> fd & 1) != 0) ::close(fd);
        if ((closed >> fd & 1) == 0 && IsNullDevice(fd)) open_ones |= 1 << fd;
      }
      PrepareStart();
      int null = 0;
      for (int fd = 0; fd < 3; ++fd) null |= IsNullDevice(fd) ? 1 << fd : 0;
      return null ^ (closed | open_ones);
    });
    EXPECT_EQ(wrong, 0) << closed;
  }
}

TEST(ProcessStart, AFileBeyondTheLimitIsAnErrorAndNoDeath) {
  const TemporaryFolder folder;
  EXPECT_EQ(StatusOfChild([&folder] {
              PrepareStart();
              const struct rlimit limit{.rlim_cur = 1024, .rlim_max = 1024};
              ::setrlimit(RLIMIT_FSIZE, &limit);
              try {
                WriteFileAtomically(folder / "large", std::string(5000, 'x'));
              } catch (const SystemError& error) {
                return error.code() == EFBIG ? 0 : 1;
              }
              return 2;
            }),
            0);
}

TEST(ProcessStart, ACopyIsAboveTheStandardDescriptorsAndClosesWithExec) {
  const UniqueFd copy = CopyAboveStandard(STDIN_FILENO);
  EXPECT_GT(copy.get(), STDERR_FILENO);
  EXPECT_EQ(::fcntl(copy.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_THROW((void)CopyAboveStandard(-1), SystemError);
}

TEST(ProcessStart, WhatIsTakenNobodyElseReadsOrWrites) {
  EXPECT_EQ(StatusOfChild([] {
              int in[2], out[2];
              if (::pipe(in) != 0 || ::pipe(out) != 0) return 1;
              ::dup2(in[0], STDIN_FILENO);
              ::dup2(out[1], STDOUT_FILENO);
              const UniqueFd input = TakeStandardInput();
              const UniqueFd output = TakeStandard(STDOUT_FILENO, STDERR_FILENO);
              char byte = 0;
              if (::write(in[1], "q", 1) != 1) return 2;
              if (::read(STDIN_FILENO, &byte, 1) != 0) return 3;  // a user's code: the end at once
              if (::read(input.get(), &byte, 1) != 1 || byte != 'q') return 4;
              if (::write(STDOUT_FILENO, "", 0) != 0) return 5;  // goes to the log
              if (::write(output.get(), "a", 1) != 1) return 6;
              if (::read(out[0], &byte, 1) != 1 || byte != 'a') return 7;
              return 0;
            }),
            0);
}

}  // namespace
}  // namespace beamgrid
