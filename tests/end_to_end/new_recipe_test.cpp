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

/// Returns an .npy file of float32 of the shape "(6, 2)" or "(3,)".
std::string Npy(const std::string& shape, const std::vector<float>& values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
  header += std::string(117 - header.size(), ' ') + "\n";
  return std::string("\x93NUMPY\x01\0\x76\0", 10) + header +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

TEST(NewRecipe, OfFeaturesAtRatesOfTheirOwnTakesAllTheirFrames) {
  const StudyFolder folder;
  std::string labels = "id,label,part\n";
  std::filesystem::create_directory(folder.path() / "picture");
  std::filesystem::create_directory(folder.path() / "text");
  for (int i = 0; i < 60; ++i) {
    // The first frame, all that the picture has in common with the text's one vector, says nothing.
    const float sign = i % 2 == 0 ? 1 : -1;
    std::vector<float> picture = {0, 0};
    for (int frame = 1; frame < 6; ++frame) picture.insert(picture.end(), {sign, -sign});
    const std::string file = "v" + std::to_string(i) + ".npy";
    WriteText(folder.path() / "picture" / file, Npy("(6, 2)", picture));
    WriteText(folder.path() / "text" / file, Npy("(3,)", {1, 0.5F, 0.25F}));
    labels +=
        "v" + std::to_string(i) + (i % 2 == 0 ? ",cat," : ",dog,") + (i < 40 ? "train\n" : "val\n");
  }
  WriteText(folder.path() / "labels.csv", labels);
  const Ended imported = folder.Run(
      {"data", "import", "--features", "picture=picture", "--features", "text=text", "--labels",
       "labels.csv", "--split-column", "part", "--allow-unequal-frames", "--out", "own"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  ASSERT_EQ(folder.Run({"new", "first.toml", "--data", "own"}).exit_code, 0);
  const std::vector<std::string> small = {
      "--set", "study.seeds=[1]", "--set", "train.learning_rate=0.1", "--set", "train.epochs=5"};
  const auto best = [&](const std::string& study, const std::vector<std::string>& more) {
    std::vector<std::string> run = {"run", "first.toml", "--set", "study.name=" + study};
    run.insert(run.end(), small.begin(), small.end());
    run.insert(run.end(), more.begin(), more.end());
    const Ended ended = folder.Run(run);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return folder
        .Run({"trials", study, "--sort", "accuracy:desc", "--limit", "1", "--columns", "accuracy"})
        .out;
  };
  EXPECT_NE(best("nearest", {}).find("1.0"), std::string::npos);
  EXPECT_NE(best("cut", {"--set", "data.frame_alignment=cut"}).find("0.5"), std::string::npos);
  ASSERT_EQ(folder.Run({"export", "1", "--out", "model"}).exit_code, 0);
  EXPECT_NE(ReadText(folder.path() / "model/README.md").find("frame `(2*t + 1)*n // (2*N)`"),
            std::string::npos);
}

}  // namespace
}  // namespace beamgrid
