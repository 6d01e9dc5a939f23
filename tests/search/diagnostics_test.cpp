#include "search/diagnostics.h"

#include <gtest/gtest.h>

namespace beamgrid {
namespace {

TEST(Diagnostic, ReadsPlaceKeyMessage) {
  EXPECT_EQ(ToString({{"a.toml", 3, 7}, "data.classes", "is 0"}), "a.toml:3:7: data.classes: is 0");
}

TEST(Diagnostic, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(ToString({{"a.toml", 3, 0}, "", "not valid"}), "a.toml:3: not valid");
  EXPECT_EQ(ToString({{"a.toml", 0, 0}, "study", "is missing"}), "a.toml: study: is missing");
  EXPECT_EQ(ToString({{"", 0, 0}, "", "is missing"}), "is missing");
}

TEST(RecipeError, HoldsAllDiagnostics) {
  const RecipeError error({{{"a", 1, 2}, "x", "one"}, {{"a", 2, 1}, "y", "two"}});
  EXPECT_STREQ(error.what(), "a:1:2: x: one\na:2:1: y: two");
  EXPECT_EQ(error.diagnostics().size(), 2U);
}

}  // namespace
}  // namespace beamgrid
