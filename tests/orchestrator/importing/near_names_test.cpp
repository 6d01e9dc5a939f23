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

}  // namespace near_names_test
}  // namespace beamgrid
