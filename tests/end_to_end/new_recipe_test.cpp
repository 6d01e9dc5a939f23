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

TEST(NewRecipe, IsSoundForClassesThatExcludeEachOther) {
  const StudyFolder folder;
  std::string vectors = "id,a,b\n", labels = "id,label\n";
  for (int i = 0; i < 60; ++i) {
    const std::string id = "v" + std::to_string(i);
    vectors += id + "," + std::to_string(i % 3) + "," + std::to_string(i % 2) + "\n";
    labels += id + (i % 3 == 0 ? ",cat\n" : i % 3 == 1 ? ",dog\n" : ",eel\n");
  }
  WriteText(folder.path() / "vectors.csv", vectors);
  WriteText(folder.path() / "labels.csv", labels);
  ASSERT_EQ(folder
                .Run({"data", "import", "--features", "clip=vectors.csv", "--labels", "labels.csv",
                      "--out", "own"})
                .exit_code,
            0);
  ASSERT_EQ(folder.Run({"new", "first.toml", "--data", "own"}).exit_code, 0);
  const Ended check = folder.Run({"check", "first.toml"});
  EXPECT_EQ(check.exit_code, 0) << check.out << check.err;
  EXPECT_EQ((check.out + check.err).find("note"), std::string::npos) << check.out << check.err;
  WriteText(folder.path() / "larger.toml",
            WithLargerSearch(ReadText(folder.path() / "first.toml")));
  const Ended larger = folder.Run({"check", "larger.toml"});
  EXPECT_EQ(larger.exit_code, 0) << larger.out << larger.err;
  const Ended run = folder.Run({"run", "first.toml", "--set", "study.seeds=[1]"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("accuracy"), std::string::npos) << run.out;
}

}  // namespace
}  // namespace beamgrid
