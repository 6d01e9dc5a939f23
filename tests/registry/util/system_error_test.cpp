#include "registry/util/system_error.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <system_error>

namespace beamgrid {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(SystemErrors, SayFileReasonAndFix) {
  const SystemError full("runs/model.pt", "cannot write", ENOSPC);
  EXPECT_EQ(full.code(), ENOSPC);
  EXPECT_THAT(full.what(), AllOf(HasSubstr("runs/model.pt: cannot write: No space left"),
                                 HasSubstr("; make room on the disk")));
  EXPECT_EQ(full.path(), "runs/model.pt");
  EXPECT_EQ(full.reason(), "cannot write: No space left on device");
  EXPECT_STREQ(SystemError("gone", "cannot read", ENOENT).what(),
               "gone: cannot read: No such file or directory");
}

TEST(SystemErrors, WhatIsNotTheFilesOwnFaultIsTheMachines) {
  for (const int code : {0, ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, EINVAL, ENXIO}) {
    EXPECT_FALSE(IsMachineFault(code)) << code;
    EXPECT_EQ(FixForSystemError(code), "") << code;
  }
  for (const int code : {ENOSPC, EDQUOT, EROFS, EACCES, EPERM, EMFILE, ENFILE, EIO, EFBIG, ENOMEM,
                         EAGAIN, ESTALE, ENOTCONN, ETIMEDOUT, EBUSY, EREMOTEIO, EPROTO, 4095}) {
    EXPECT_TRUE(IsMachineFault(code)) << code;
    EXPECT_THAT(FixForSystemError(code), HasSubstr("run again")) << code;
  }
}

TEST(SystemErrors, LimitsAreNamedByTheirCommand) {
  EXPECT_THAT(FixForSystemError(EFBIG), HasSubstr("ulimit -f"));
  EXPECT_THAT(FixForSystemError(EAGAIN), HasSubstr("ulimit -u"));
  EXPECT_THAT(FixForSystemError(ENOMEM), HasSubstr("ulimit -v"));
  EXPECT_THAT(FixForSystemError(ESTALE), HasSubstr("its server answers"));
}

TEST(SystemErrors, TheCodeOfAnyExceptionIsFound) {
  EXPECT_EQ(SystemCode(SystemError("f", "cannot read", EIO)), EIO);
  EXPECT_EQ(SystemCode(std::filesystem::filesystem_error(
                "rename", std::error_code(ENOSPC, std::generic_category()))),
            ENOSPC);
  EXPECT_EQ(SystemCode(std::system_error(EMFILE, std::system_category())), EMFILE);
  EXPECT_EQ(SystemCode(std::runtime_error("no code")), 0);
  EXPECT_EQ(SystemCode(std::ios_base::failure("no code of the system")), 0);
}

}  // namespace
}  // namespace beamgrid
