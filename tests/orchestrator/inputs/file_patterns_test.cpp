#include "orchestrator/inputs/file_patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <tuple>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FilePatternsTest : public ::testing::Test {
 protected:
  void Make(const std::vector<std::string>& names) const {
    for (const std::string& name : names) WriteFileAtomically(folder_ / name, name);
  }
  /// What the pattern finds from `folder` on, without the test's own folder.
  std::vector<std::string> Find(const std::string& pattern, const std::string& folder = ".") const {
    std::vector<std::string> names;
    for (const std::string& file : ExpandGlob(pattern, folder_ / folder)) {
      names.push_back(fs::path(file).lexically_relative(folder_.path()).string());
    }
    return names;
  }
  TemporaryFolder folder_;
};

TEST_F(FilePatternsTest, FilesAreSortedByNameAndFoldersAreNone) {
  Make({"b/train10.tfrecord", "b/train2.tfrecord", "a/train3.tfrecord", "a/trainer.txt",
        "b/train9.tfrecord/inside", "a/.train.tfrecord"});
  EXPECT_THAT(Find("*/train*.tfrecord"),
              ElementsAre("b/train10.tfrecord", "b/train2.tfrecord", "a/train3.tfrecord"));
  EXPECT_THAT(Find("b/train?.tfrecord"), ElementsAre("b/train2.tfrecord"));
  EXPECT_THAT(Find("*/*.tfrecord"), testing::Not(testing::Contains("a/.train.tfrecord")));
  EXPECT_THAT(Find((folder_ / "a/trainer.txt").string(), "elsewhere"),
              ElementsAre("a/trainer.txt"));
  EXPECT_THAT(Find("b//./train2.tfrecord"), ElementsAre("b/train2.tfrecord"));
  for (const char* nothing : {"none*", "", "b", "a/trainer.txt/x", "none/*"}) {
    EXPECT_THAT(Find(nothing), IsEmpty()) << nothing;
  }
}

TEST_F(FilePatternsTest, BracesAreAlternatives) {
  Make({"a/x1", "b/x1", "b/x2", "c/x1"});
  EXPECT_THAT(Find("{a,c}/x1"), ElementsAre("a/x1", "c/x1"));
  EXPECT_THAT(Find("{a/x1,b/x[2]}"), ElementsAre("a/x1", "b/x2"));
  EXPECT_THAT(Find("{{a,b},c}/x1"), ElementsAre("a/x1", "b/x1", "c/x1"));
  EXPECT_THAT(Find("{b}/x*"), ElementsAre("b/x1", "b/x2"));
  EXPECT_THAT(Find("{a,b}/../b/x2"), ElementsAre("b/x2", "b/x2"));
  EXPECT_THAT(Find("{a/x1"), IsEmpty());
}

TEST_F(FilePatternsTest, TheFoldersOwnNameIsNoPattern) {
  for (const std::string folder :
       {"yt8m[2018]", "q?", "st*r", "a{b,c}", R"(back\slash)", "{}", "[", "~x", "$HOME"}) {
    Make({folder + "/train0", folder + "/sub/train1"});
    // What the names would match, were they patterns.
    Make({"yt8m2/train9", "qX/train9", "star/train9", "ab/train9", "backslash/train9"});
    EXPECT_THAT(Find("train*", folder), ElementsAre(folder + "/train0")) << folder;
    EXPECT_THAT(Find("*/train*", folder), ElementsAre(folder + "/sub/train1")) << folder;
    EXPECT_THAT(Find("{sub}/train[1]", folder), ElementsAre(folder + "/sub/train1")) << folder;
  }
}

TEST_F(FilePatternsTest, WhatIsThereByThatNameComesFirst) {
  Make({"train1.tfrecord"});
  EXPECT_THAT(Find("train[1].tfrecord"), ElementsAre("train1.tfrecord"));
  Make({"train[1].tfrecord", "a*/x", "ab/x", "{p,q}", "p", R"(\[)", "["});
  EXPECT_THAT(Find("train[1].tfrecord"), ElementsAre("train[1].tfrecord"));
  EXPECT_THAT(Find("a*/x"), ElementsAre("a*/x"));
  EXPECT_THAT(Find("a*/*"), ElementsAre("a*/x")) << "a folder, too";
  EXPECT_THAT(Find((folder_ / "a*/*").string()), ElementsAre("a*/x")) << "in an absolute path, too";
  EXPECT_THAT(Find("{p,q}"), ElementsAre("{p,q}"));
  EXPECT_THAT(Find(R"(\[)"), ElementsAre(R"(\[)"));
}

TEST_F(FilePatternsTest, ABackslashTakesASignAsItIs) {
  Make({"x[1]", "x1", "x*"});
  EXPECT_THAT(Find(R"(x\[1\])"), ElementsAre("x[1]"));
  EXPECT_THAT(Find(R"(x\*)"), ElementsAre("x*"));
}

TEST_F(FilePatternsTest, AFolderOfThatNameHidesNoFile) {
  Make({"t[1]/inside", "t1"});
  EXPECT_THAT(Find("t[1]"), ElementsAre("t1")) << "a folder is no file";
  EXPECT_THAT(Find("t[1]/*"), ElementsAre("t[1]/inside"));
}

TEST_F(FilePatternsTest, WhatMatchesAndCannotBeReadIsNotLeftOut) {
  fs::create_directories(folder_ / "lost");
  WriteFileAtomically(folder_ / "lost/train1.tfrecord", "1");
  fs::create_symlink(folder_ / "lost/none", folder_ / "lost/train2.tfrecord");
  const auto expand = [&](const std::string& pattern) {
    return ErrorText<Error>([&] { std::ignore = ExpandGlob(pattern, folder_.path()); });
  };
  for (const char* pattern : {"lost/train*.tfrecord", "lost/train2.tfrecord"}) {
    EXPECT_THAT(expand(pattern), HasSubstr("lost/train2.tfrecord: is a link to what is not there"));
  }
  fs::remove(folder_ / "lost/train2.tfrecord");
  ASSERT_EQ(::mkfifo((folder_ / "lost/train2.tfrecord").c_str(), 0600), 0);
  for (const char* pattern : {"lost/train*.tfrecord", "lost/train2.tfrecord"}) {
    EXPECT_THAT(expand(pattern), HasSubstr("lost/train2.tfrecord: is no regular file"));
  }
  fs::remove(folder_ / "lost/train2.tfrecord");
  EXPECT_THAT(expand("lost/{train1,train7}.tfrecord"),
              AllOf(HasSubstr("no file matches"), HasSubstr("lost/train7.tfrecord")));
  fs::create_directories(folder_ / "lost/a");
  WriteFileAtomically(folder_ / "lost/a/x", "1");
  EXPECT_EQ(ExpandGlob("lost/*/{x,y}", folder_.path()).size(), 1U) << "one folder of many";
}

TEST_F(FilePatternsTest, LinksAreFollowed) {
  Make({"real/x1"});
  fs::create_directory_symlink(folder_ / "real", folder_ / "link");
  EXPECT_THAT(Find("link/x*"), ElementsAre("link/x1"));
}

}  // namespace
}  // namespace beamgrid
