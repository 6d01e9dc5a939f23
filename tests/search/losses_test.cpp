#include <gtest/gtest.h>

#include "search/strategy.h"

namespace beamgrid {
namespace {

TEST(Losses, TellWhatFailedFromWhatWasRefused) {
  Losses losses;
  losses.Count({.name = "good", .model = {}, .objective = 0.5});
  EXPECT_EQ(losses.Text(), "");
  EXPECT_EQ(losses.After("; "), "");
  losses.Count({.name = "failed", .model = {}});
  EXPECT_EQ(losses.After("; "), "; 1 failed");
  EXPECT_EQ(losses.OfAll(), "all of 1 candidate failed");
  losses.Count({.name = "large", .model = {}, .is_refused = true});
  losses.Count({.name = "larger", .model = {}, .is_refused = true});
  EXPECT_EQ(losses.Text(), "1 failed, 2 refused");
  EXPECT_EQ(losses.OfAll(), "all of 3 candidates came to nothing (1 failed, 2 refused)");
  losses.failed = 0;
  EXPECT_EQ(losses.OfAll(), "all of 2 candidates are refused");
  EXPECT_EQ(losses.all(), 2U);
}

}  // namespace
}  // namespace beamgrid
