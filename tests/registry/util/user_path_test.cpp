#include "registry/util/user_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

class UserPathTest : public testing::Test {
 protected:
  UserPathTest() {
    setenv("HOME", "/home/me", 1);
    setenv("BEAMGRID_TEST_DATA", "/data/[2018]", 1);
    setenv("BEAMGRID_TEST_EMPTY", "", 1);
    unsetenv("BEAMGRID_TEST_UNSET");
  }
  ~UserPathTest() override {
    setenv("HOME", home_.c_str(), 1);
    unsetenv("BEAMGRID_TEST_DATA");
    unsetenv("BEAMGRID_TEST_EMPTY");
  }
  static std::string Refusal(const std::string& name) {
    return ErrorText<Error>([&] { static_cast<void>(ExpandUserPath(name)); });
  }

  const std::string home_ = std::getenv("HOME") == nullptr ? "/" : std::getenv("HOME");
};

TEST_F(UserPathTest, PutsHomeAndVariablesIn) {
  EXPECT_EQ(ExpandUserPath("~"), "/home/me");
  EXPECT_EQ(ExpandUserPath("~/a"), "/home/me/a");
  EXPECT_EQ(ExpandUserPath("~root/a"), "/root/a");
  EXPECT_EQ(ExpandUserPath("$BEAMGRID_TEST_DATA/a*"), "/data/[2018]/a*");
  EXPECT_EQ(ExpandUserPath("x/${BEAMGRID_TEST_DATA}b"), "x//data/[2018]b");
  EXPECT_EQ(ExpandUserPath("~/$HOME"), "/home/me//home/me");
}

TEST_F(UserPathTest, LeavesAllElse) {
  for (const char* name : {"", "a", "a~", "a/~/b", "a$", "a$/b", "a$1", "{a,b}*?[c]"}) {
    EXPECT_EQ(ExpandUserPath(name), name);
  }
  EXPECT_EQ(ExpandUserPath("a$$HOME"), "a$HOME");
}

TEST_F(UserPathTest, WithoutHomeAsksTheSystem) {
  unsetenv("HOME");
  EXPECT_EQ(ExpandUserPath("~").front(), '/');
}

TEST_F(UserPathTest, QuotesWhatItPutsInAndNothingElse) {
  const auto quote = [](const std::string& value) { return "<" + value + ">"; };
  EXPECT_EQ(ExpandUserPath("~/$BEAMGRID_TEST_DATA/[a]", quote), "</home/me>/</data/[2018]>/[a]");
}

TEST_F(UserPathTest, SaysWhatIsWrong) {
  EXPECT_THAT(Refusal("$BEAMGRID_TEST_UNSET/a"),
              HasSubstr("\"$BEAMGRID_TEST_UNSET/a\": the environment variable BEAMGRID_TEST_UNSET "
                        "is not set"));
  EXPECT_THAT(Refusal("${BEAMGRID_TEST_EMPTY}/a"), HasSubstr("is empty"));
  EXPECT_THAT(Refusal("${HOME"), HasSubstr("has no '}'"));
  EXPECT_THAT(Refusal("${HOME:-x}"), HasSubstr("no name of a variable"));
  EXPECT_THAT(Refusal("${}"), HasSubstr("no name of a variable"));
  EXPECT_THAT(Refusal("~nobody-of-this-name/a"), HasSubstr("no user 'nobody-of-this-name'"));
}

TEST_F(UserPathTest, AFileOfExactlyThatNameComesFirst) {
  const TemporaryFolder folder;
  for (const char* name : {"~", "$BEAMGRID_TEST_UNSET", "a$HOME"}) {
    std::ofstream(folder / name) << "x";
    EXPECT_EQ(UserPath(name, folder.path()), name);
    EXPECT_EQ(UserPath((folder / name).string()), (folder / name).string());
  }
  EXPECT_EQ(UserPath("~/b", folder.path()), "/home/me/b");
}

}  // namespace
}  // namespace beamgrid
