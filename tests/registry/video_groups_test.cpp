#include "registry/video_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/input_error.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace video_groups_test {

using testing::HasSubstr;

TEST(VideoGroups, KnowVideosAndTheirSegments) {
  const VideoGroups groups("subject", {{"a", "s1"}, {"b:2", "s2"}});
  EXPECT_EQ(groups.Of("a"), "s1");
  EXPECT_EQ(groups.Of("a:15"), "s1") << "a segment";
  EXPECT_EQ(groups.Of("b:2"), "s2") << "a colon may be part of a name";
  EXPECT_EQ(groups.Of("b:2:5"), "s2");
}

TEST(VideoGroups, AVideoWithoutAGroupIsNeverAGroupOfItsOwn) {
  const VideoGroups groups("subject", {{"a", "s1"}});
  EXPECT_THAT(ErrorText<InputError>([&] { (void)groups.Of("b"); }),
              HasSubstr("the video 'b' is of no known subject (data.group, --groups)"));
}

TEST(VideoGroups, TakeInOthersThatDoNotContradict) {
  VideoGroups groups("subject", {{"a", "s1"}});
  groups.Add(VideoGroups("subject", {{"a", "s1"}, {"b", "s2"}}));
  EXPECT_EQ(groups.Of("b"), "s2");
  EXPECT_THAT(
      ErrorText<InputError>([&] { groups.Add(VideoGroups("day", {{"b", "Monday"}})); }),
      HasSubstr(
          "'b' is of the group 's2' (subject) in one study and of 'Monday' (day) in another"));
}

}  // namespace video_groups_test
}  // namespace beamgrid
