#include "orchestrator/workers/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineSplitterTest : public ::testing::Test {
 protected:
  std::vector<std::string> Feed(std::string_view piece) {
    std::vector<std::string> lines;
    splitter_.Feed(piece, [&lines](std::string_view line) { lines.emplace_back(line); });
    return lines;
  }
  LineSplitter splitter_{10};
};

TEST_F(LineSplitterTest, JoinsPiecesIntoLines) {
  EXPECT_THAT(Feed("ab"), IsEmpty());
  EXPECT_THAT(Feed("c\nde\n\nf"), ElementsAre("abc", "de", ""));
  EXPECT_THAT(Feed("\n"), ElementsAre("f"));
}

TEST_F(LineSplitterTest, DropsALineThatIsTooLongAndOnlyThat) {
  EXPECT_THAT(Feed("0123456789\n0123456789A\nnext\n"), ElementsAre("0123456789", "next"));
  for (int piece = 0; piece < 1000; ++piece) EXPECT_THAT(Feed("xxxxxxxx"), IsEmpty());
  EXPECT_THAT(Feed("end\nafter\n"), ElementsAre("after"));
}

}  // namespace
}  // namespace beamgrid
