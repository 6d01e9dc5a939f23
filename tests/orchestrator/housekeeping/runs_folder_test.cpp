#include "orchestrator/housekeeping/runs_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

class RunsFolderDeletionTest : public ::testing::Test {
 protected:
  RunsFolderDeletionTest() {
    WriteFileAtomically(folder_ / "runs/s/t/1/model.pt", "weights");
    WriteFileAtomically(folder_ / "elsewhere/1/model.pt", "precious");
  }
  void ExpectElsewhereUntouched() const {
    EXPECT_EQ(ReadFile(folder_ / "elsewhere/1/model.pt"), "precious");
  }

  TemporaryFolder folder_;
  RunsFolder runs_{folder_ / "runs"};
};

TEST_F(RunsFolderDeletionTest, DeletesWithTheFoldersThatAreEmptyThen) {
  WriteFileAtomically(folder_ / "runs/s/u/1/model.pt", "weights");
  runs_.Delete(folder_ / "runs/s/t/1/model.pt");
  EXPECT_FALSE(fs::exists(folder_ / "runs/s/t"));
  EXPECT_TRUE(fs::exists(folder_ / "runs/s/u/1/model.pt"));
  runs_.Delete(folder_ / "runs/s/u/1");
  EXPECT_FALSE(fs::exists(folder_ / "runs/s"));
  EXPECT_TRUE(fs::exists(folder_ / "runs"));
  runs_.Delete(folder_ / "runs/s/u/1");  // it is fine that it is gone
}

TEST_F(RunsFolderDeletionTest, WhatSomebodyBeganIsFinishedUpToTheRunsFolder) {
  fs::remove_all(folder_ / "runs/s/t");  // and killed before he came to the study's folder
  runs_.Delete(folder_ / "runs/s/t/1");
  EXPECT_FALSE(fs::exists(folder_ / "runs/s"));
  EXPECT_TRUE(fs::exists(folder_ / "runs"));
}

TEST_F(RunsFolderDeletionTest, NothingOutsideIsDeleted) {
  for (const fs::path& outside :
       {folder_ / "elsewhere/1", folder_ / "runs/../elsewhere/1", folder_ / "runs", folder_.path(),
        fs::path("/"), folder_ / "runs/.", folder_ / "runsaway/x"}) {
    EXPECT_THAT(runs_.Obstacle(outside), HasSubstr("does not lie below the runs folder"))
        << outside;
    EXPECT_THAT(ErrorText<Error>([&] { runs_.Delete(outside); }), HasSubstr("does not lie below"))
        << outside;
  }
  ExpectElsewhereUntouched();
}

TEST_F(RunsFolderDeletionTest, ALinkIsDeletedItself) {
  fs::create_directory_symlink(folder_ / "elsewhere", folder_ / "runs/s/link");
  fs::create_directory_symlink(folder_ / "elsewhere/1", folder_ / "runs/s/t/2");
  fs::create_symlink(folder_ / "elsewhere/1/model.pt", folder_ / "runs/s/t/1/linked.pt");
  runs_.Delete(folder_ / "runs/s/link/1");
  runs_.Delete(folder_ / "runs/s/t/2");
  runs_.Delete(folder_ / "runs/s/t/1");
  EXPECT_FALSE(fs::exists(fs::symlink_status(folder_ / "runs/s")));
  ExpectElsewhereUntouched();
}

TEST_F(RunsFolderDeletionTest, BehindTheLinkOfAStudyOrAboveAFileNothingIsDeleted) {
  fs::create_directories(folder_ / "disk/t/1");
  fs::create_directory_symlink(folder_ / "disk", folder_ / "runs/far");
  fs::create_directory_symlink(folder_ / "elsewhere", folder_ / "runs/s/link");
  for (const char* path : {"runs/far/t/1", "runs/far/t/1/model.pt", "runs/s/link/1/model.pt"}) {
    EXPECT_THAT(runs_.Obstacle(folder_ / path), HasSubstr("is reached by the link")) << path;
    EXPECT_THROW(runs_.Delete(folder_ / path), Error) << path;
  }
  EXPECT_TRUE(fs::exists(folder_ / "runs/far/t/1"));
  ExpectElsewhereUntouched();
}

TEST_F(RunsFolderDeletionTest, TheRunsFolderItselfMayBeALink) {
  fs::create_directory_symlink(folder_ / "runs", folder_ / "here");
  const RunsFolder linked(folder_ / "here");
  linked.Delete(folder_ / "here/s/t/1/model.pt");
  WriteFileAtomically(folder_ / "runs/s/t/1/model.pt", "weights");
  linked.Delete(folder_ / "runs/s/t/1");
  EXPECT_FALSE(fs::exists(folder_ / "runs/s"));
}

TEST_F(RunsFolderDeletionTest, WhatCannotBeDeletedIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may delete anything";
  fs::permissions(folder_ / "runs/s/t/1", fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT(ErrorText<Error>([&] { runs_.Delete(folder_ / "runs/s/t/1"); }),
              HasSubstr("cannot delete"));
  fs::permissions(folder_ / "runs/s/t/1", fs::perms::owner_all);
}

}  // namespace
}  // namespace beamgrid
