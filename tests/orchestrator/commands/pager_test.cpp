#include "orchestrator/commands/pager.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace pager_test {

class PagerTest : public ::testing::Test {
 protected:
  PagerTest() {
    setenv("TERM", "xterm", 1);
    UsePager("cat > '" + file_ + "'");
  }
  ~PagerTest() override {
    unsetenv("PAGER");
    unsetenv("LESS");
  }
  static void UsePager(const std::string& command) { setenv("PAGER", command.c_str(), 1); }
  [[nodiscard]] std::string Paged() const {
    return std::filesystem::exists(file_) ? ReadFile(file_) : "";
  }
  /// What is left to the terminal of a list of three lines where so many rows are.
  static std::string Printed(std::size_t rows) {
    std::ostringstream out;
    PagedOutput paged(out);
    paged.Hold(rows);
    paged << "one\ntwo\n" << std::flush << "three\n";
    EXPECT_EQ(out.str(), "") << "it is held until it is whole";
    paged.Show();
    paged << "more\n";
    return out.str();
  }

  TemporaryFolder folder_;
  const std::string file_ = (folder_ / "paged").string();
};

TEST_F(PagerTest, ShowsWhatFindsNoRoom) {
  EXPECT_EQ(Printed(3), "more\n");
  EXPECT_EQ(Paged(), "one\ntwo\nthree\n");
  EXPECT_STREQ(getenv("LESS"), "FRX");
}

TEST_F(PagerTest, IsNotAskedWhereTheTerminalHasRoomOrNobodyKnows) {
  EXPECT_EQ(Printed(4), "one\ntwo\nthree\nmore\n");
  std::ostringstream out;
  PagedOutput paged(out);
  paged.Hold(0);
  paged << "one\n";
  EXPECT_EQ(out.str(), "one\n");
  EXPECT_EQ(Paged(), "");
}

TEST_F(PagerTest, WithoutOneTheTerminalShowsAll) {
  const std::string all = "one\ntwo\nthree\nmore\n";
  UsePager("");
  EXPECT_EQ(Printed(2), all);
  UsePager("cat");
  EXPECT_EQ(Printed(2), all);
  UsePager("/nowhere/pager 2> /dev/null");
  EXPECT_EQ(Printed(2), all);
  for (const char* failing : {"false", "exit 3", "kill -9 $$"}) {
    UsePager(failing);
    EXPECT_EQ(Printed(2), all) << failing;
  }
  UsePager("cat > '" + file_ + "'");
  setenv("TERM", "dumb", 1);
  EXPECT_EQ(Printed(2), all);
  EXPECT_EQ(Paged(), "");
}

TEST_F(PagerTest, OneThatIsLeftEarlyIsNoMistake) {
  UsePager("head -c 1 > '" + file_ + "'");
  EXPECT_TRUE(ShowInPager(std::string(1 << 20, 'x')));
  EXPECT_EQ(Paged(), "x");
}

TEST_F(PagerTest, TheUsersOptionsOfLessStay) {
  setenv("LESS", "S", 1);
  EXPECT_TRUE(ShowInPager("x"));
  EXPECT_STREQ(getenv("LESS"), "S");
}

TEST_F(PagerTest, WhatIsHeldIsShownAtTheLatestInTheEnd) {
  std::ostringstream out;
  {
    PagedOutput paged(out);
    paged.Hold(10);
    paged << "one\n";
  }
  EXPECT_EQ(out.str(), "one\n");
}

}  // namespace pager_test
}  // namespace beamgrid
