#include "orchestrator/importing/near_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beamgrid {
namespace near_names_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NearNames, DifferInCaseOrBlanksAlone) {
  EXPECT_THAT(NearNames({"Dog", "cat", "dog", "DOG", "g 1", "g1\xC2\xA0", "g1"}),
              ElementsAre("'DOG', 'Dog', 'dog'", "'g 1', 'g1', 'g1\xC2\xA0'"));
  EXPECT_THAT(NearNames({"cat", "cats", "\xC3\xA9", "\xC3\x89"}), IsEmpty())
      << "letters beyond ASCII are compared as they are";
}

TEST(NearNames, WriteAccentsInOneLetterOrTwo) {
  const std::string composed = "caf\xC3\xA9", decomposed = "cafe\xCC\x81";
  const std::string ga = "\xEA\xB0\x80"
                         "1",
                    ga_in_parts =
                        "\xE1\x84\x80\xE1\x85\xA1"
                        "1";
  EXPECT_THAT(NearNames({composed, decomposed, "cafe", "caf", ga, ga_in_parts}),
              ElementsAre("'" + decomposed + "', '" + composed + "'",
                          "'" + ga_in_parts + "', '" + ga + "'"));
  EXPECT_THAT(NearNames({composed, "caf\xC3\xB4", "\xE7\x8C\xAB", "\xE7\x8A\xAC"}), IsEmpty())
      << "none is written in parts: these are other letters";
  EXPECT_THAT(NearNames({"\xCC\x81", "a"}), IsEmpty());
}

TEST(NearIds, AreTwoWritingsOfOneId) {
  const std::string composed = "caf\xC3\xA9", decomposed = "cafe\xCC\x81";
  EXPECT_THAT(NearIds({"Vid1.mp4", "x", composed, "a b"}, {"ab", "vid1", decomposed, "y"}),
              ElementsAre("'Vid1.mp4' and 'vid1'", "'" + composed + "' and '" + decomposed + "'",
                          "'a b' and 'ab'"));
  EXPECT_THAT(NearIds({"v1", "v.2"}, {"v2", "v", "v1x"}), ElementsAre("'v.2' and 'v'"));
  EXPECT_THAT(NearIds({"cafe"}, {composed}), IsEmpty());
}

}  // namespace near_names_test
}  // namespace beamgrid
