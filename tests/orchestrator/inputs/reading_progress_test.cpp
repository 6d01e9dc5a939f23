#include "orchestrator/inputs/reading_progress.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(ReadingText, SaysHowMuchIsLeft) {
  EXPECT_EQ(ReadingText(kGiB, 4 * kGiB, milliseconds(2000)),
            "reading the data: 1.0 GiB of 4.0 GiB, 7s left");
  EXPECT_EQ(ReadingText(kGiB, 100 * kGiB, milliseconds(4000)),
            "reading the data: 1.0 GiB of 100.0 GiB, 6m37s left");
}

TEST(ReadingText, GuessesNothingFromNothing) {
  EXPECT_EQ(ReadingText(0, kGiB, milliseconds(2000)), "reading the data: 0 B of 1.0 GiB");
  // A file that grew while it was read.
  EXPECT_EQ(ReadingText(kGiB, 1024, milliseconds(2000)), "reading the data: 1.0 GiB of 1.0 KiB");
}

TEST(ReadingProgress, IsSilentWhereReadingEndsAtOnceOrNobodyWantsToHear) {
  testing::internal::CaptureStderr();
  {
    ReadingProgress quiet(false), quick(true);
    quiet.Show(1, 2);
    quick.Show(1, 2);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace beamgrid
