// Every command of docs/guide.md but those of its last section (tests/slow), in their order, in an
// empty folder.

#include <gtest/gtest.h>

#include "tests/end_to_end/guide.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

TEST(Guide, EachCommandDoesWhatItIsThereFor) {
  const TemporaryFolder folder;
  std::vector<GuideSection> sections = SectionsOfGuide();
  ASSERT_EQ(sections.size(), 11U);
  sections.pop_back();
  for (const GuideSection& section : sections) {
    SCOPED_TRACE(section.title);
    FollowGuide(section, folder.path());
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace beamgrid
