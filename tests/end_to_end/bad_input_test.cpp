// Bad input with real processes: one clear message with a place, the right exit code, and nothing
// half-written.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A study of one quick trial.
RecipeText QuickRecipe() {
  RecipeText recipe;
  recipe.study = "name = \"small\"";
  recipe.grid = "";
  recipe.rest = "";
  return recipe;
}

class BadInput : public ::testing::Test {
 protected:
  /// A study that was refused leaves no trace.
  void ExpectNothingLeft() const {
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "runs"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "beamgrid.db"));
    EXPECT_THAT(folder_.HalfWritten(), IsEmpty());
  }
  void FlipByteInTheMiddle(const std::filesystem::path& file) const {
    std::string bytes = ReadText(file);
    bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
    WriteText(file, bytes);
  }
  const StudyFolder folder_;
};

TEST_F(BadInput, EveryMistakeOfARecipeAtOnceWithItsPlace) {
  RecipeText recipe = QuickRecipe();
  recipe.grid =
      "[[grid.temporal]]\nuse = \"lstmm\"\n[[grid.classifier]]\nuse = \"moe\"\nexpert = 2\n"
      "[[grid.multimodal]]\nuse = \"attention\"\nwindow = -1\n";
  recipe.train = "epochs = 0\nbatch = 16";
  folder_.WriteRecipe(recipe);
  for (const char* command : {"check", "plan", "run"}) {
    const Ended ended = folder_.Run({command, "recipe.toml"});
    EXPECT_EQ(ended.exit_code, 2) << command;
    EXPECT_THAT(ended.err, ContainsRegex("recipe.toml:[0-9]+:[0-9]+: .*lstmm.*lstm"));
    EXPECT_THAT(ended.err, ContainsRegex("recipe.toml:[0-9]+:[0-9]+: .*expert.*experts"));
    EXPECT_THAT(ended.err, ContainsRegex("recipe.toml:[0-9]+:[0-9]+: .*window"));
    EXPECT_THAT(ended.err, ContainsRegex("recipe.toml:[0-9]+:[0-9]+: .*epochs"));
  }
  ExpectNothingLeft();
}

TEST_F(BadInput, BrokenToml) {
  WriteText(folder_.path() / "recipe.toml", "beamgrid = 1\n[study\nname = \"x\"\n");
  const Ended ended = folder_.Run({"run", "recipe.toml"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, ContainsRegex("recipe.toml:[0-9]+:[0-9]+: "));
  ExpectNothingLeft();
}

TEST_F(BadInput, GlobsThatMatchNothing) {
  RecipeText recipe = QuickRecipe();
  recipe.data.replace(recipe.data.find("data/train"), 10, "date/train");
  folder_.WriteRecipe(recipe);
  const Ended ended = folder_.Run({"run", "recipe.toml"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, AllOf(ContainsRegex("recipe.toml:[0-9]+"), HasSubstr("date/train")));
  ExpectNothingLeft();
}

/// Recipes whose data section contradicts the records: what is replaced, by what, and what the
/// message must name.
struct Contradiction {
  const char* name;
  const char* from;
  const char* to;
  const char* named;
};

class ContradictionTest : public BadInput, public ::testing::WithParamInterface<Contradiction> {};

TEST_P(ContradictionTest, IsRefusedBeforeAnythingStarts) {
  RecipeText recipe = QuickRecipe();
  const std::string from = GetParam().from;
  recipe.data.replace(recipe.data.find(from), from.size(), GetParam().to);
  folder_.WriteRecipe(recipe);
  for (const char* command : {"check", "run"}) {
    const Ended ended = folder_.Run({command, "recipe.toml"});
    EXPECT_EQ(ended.exit_code, 2) << command;
    EXPECT_THAT(ended.err, AllOf(HasSubstr(GetParam().named), HasSubstr(".tfrecord: byte 0")));
  }
  ExpectNothingLeft();
}

INSTANTIATE_TEST_SUITE_P(
    All, ContradictionTest,
    ::testing::Values(Contradiction{"Width", "rgb = 16", "rgb = 32", "rgb"},
                      Contradiction{"Missing", "audio = 8", "sound = 8", "sound"},
                      Contradiction{"Format", "\"frame\"", "\"video\"", "rgb"},
                      Contradiction{"Classes", "classes = 12", "classes = 1", "classes"}),
    [](const auto& test) { return test.param.name; });

TEST_F(BadInput, AFlippedByteStopsTheStudyWithFileAndOffset) {
  folder_.WriteRecipe(QuickRecipe());
  const auto file = folder_.DataFile("train");
  FlipByteInTheMiddle(file);
  const Ended ended = folder_.Run({"run", "recipe.toml"});
  EXPECT_EQ(ended.exit_code, 2) << "before the first step";
  EXPECT_THAT(ended.err, ContainsRegex(file.filename().string() + ": byte [0-9]+"));
  EXPECT_THAT(ended.err, ContainsRegex("recipe.toml:[0-9]+:[0-9]+: data.train"));
  ExpectNothingLeft();

  const Ended verify = folder_.Run({"data", "verify", "data"});
  EXPECT_EQ(verify.exit_code, 2);
  EXPECT_THAT(verify.out, ContainsRegex(file.filename().string() + ": byte [0-9]+"));
}

TEST_F(BadInput, AFlippedByteIsSkippedAndCountedWhereTheRecipeSaysSo) {
  RecipeText recipe = QuickRecipe();
  recipe.data += "\non_error = \"skip\"";
  folder_.WriteRecipe(recipe);
  FlipByteInTheMiddle(folder_.DataFile("train"));
  const Ended ended = folder_.Run({"run", "recipe.toml"});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.err, ContainsRegex("1 of [0-9]+ training records is skipped: "));
  EXPECT_THAT(folder_.Run({"trials", "small"}).err, HasSubstr("skipped as damaged"));
  const auto trials = ParseJson(folder_.Run({"trials", "small", "--json"}).out);
  const std::string id = std::to_string(trials.at(0).at("id").as_int64());
  const auto shown = ParseJson(folder_.Run({"show", id, "--json"}).out);
  EXPECT_EQ(shown.at("result").at("skipped_records"), 1);
}

TEST_F(BadInput, ACutOffFileStopsTheStudyWithItsPlace) {
  folder_.WriteRecipe(QuickRecipe());
  const auto file = folder_.DataFile("validate");
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 5);
  const Ended ended = folder_.Run({"run", "recipe.toml"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, ContainsRegex(file.filename().string() + ": byte [0-9]+"));
  ExpectNothingLeft();
}

TEST_F(BadInput, TwoRecipesOfOneName) {
  folder_.WriteRecipe(QuickRecipe());
  ASSERT_EQ(folder_.Run({"run", "recipe.toml"}).exit_code, 0);
  RecipeText other = QuickRecipe();
  other.train += "\ndecay = 0.9";
  folder_.WriteRecipe(other, "other.toml");
  const Ended ended = folder_.Run({"run", "other.toml"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, HasSubstr("small"));
  EXPECT_EQ(ParseJson(folder_.Run({"trials", "small", "--json"}).out).as_array().size(), 1U);
}

TEST_F(BadInput, FoldersThatCannotBeWritten) {
  folder_.WriteRecipe(QuickRecipe());
  WriteText(folder_.path() / "file", "");
  const Ended database = folder_.Run({"run", "recipe.toml", "--db", "file/x.db"});
  EXPECT_EQ(database.exit_code, 1);
  EXPECT_THAT(database.err, HasSubstr("file/x.db"));
  const Ended runs = folder_.Run({"run", "recipe.toml", "--runs", "file/runs"});
  EXPECT_EQ(runs.exit_code, 1);
  EXPECT_THAT(runs.err, HasSubstr("file/runs"));
  EXPECT_THAT(folder_.HalfWritten(), IsEmpty());
}

}  // namespace
}  // namespace beamgrid
