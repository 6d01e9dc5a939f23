// The recipe that `beamgrid new` writes, with the trainer that is there: it runs, and so would the
// larger search that it has as a comment.

#include <gtest/gtest.h>

#include <sstream>

#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

/// Returns a recipe with the comment that is its larger search made part of it.
std::string WithLargerSearch(const std::string& recipe) {
  std::istringstream lines(recipe);
  std::string text;
  bool larger = false;
  for (std::string line; std::getline(lines, line);) {
    if (larger) line = line.substr(std::min<std::size_t>(2, line.size()));
    if (line.starts_with("# The larger search")) larger = true;
    text += line + "\n";
  }
  EXPECT_TRUE(larger);
  return text;
}

TEST(NewRecipe, IsSoundForEachFormat) {
  const StudyFolder folder;
  for (const char* format : {"frame", "video"}) {
    const std::string data = std::string("data-") + format, recipe = std::string(format) + ".toml";
    ASSERT_EQ(folder
                  .Run({"data", "synth", "--out", data, "--videos", "60", "--classes", "6",
                        "--format", format, "--features", "rgb=8,audio=4", "--max-frames", "6"})
                  .exit_code,
              0);
    const Ended made = folder.Run({"new", recipe, "--data", data});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const Ended check = folder.Run({"check", recipe});
    EXPECT_EQ(check.exit_code, 0) << check.out << check.err;
    WriteText(folder.path() / ("larger-" + recipe),
              WithLargerSearch(ReadText(folder.path() / recipe)));
    const Ended larger = folder.Run({"check", "larger-" + recipe});
    EXPECT_EQ(larger.exit_code, 0) << larger.out << larger.err;
    const Ended run =
        folder.Run({"run", recipe, "--set", "train.epochs=1", "--set", "study.seeds=[1]"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
  }
}

}  // namespace
}  // namespace beamgrid
