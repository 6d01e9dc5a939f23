// A project that is moved, copied, linked to or backed up, with real programs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// The only file of that name below a folder.
fs::path Only(const fs::path& folder, const std::string& name) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().filename() == name) found.push_back(entry.path());
  }
  EXPECT_EQ(found.size(), 1U) << name;
  return found.at(0);
}

class MovedTest : public testing::Test {
 protected:
  MovedTest() {
    RecipeText recipe;
    recipe.study = "name = \"small\"";
    recipe.grid = "[[grid.classifier]]\nuse = \"logistic\"\n";
    recipe.rest = "[ensemble]\nmembers = 1\n";
    folder_.WriteRecipe(recipe);
    EXPECT_EQ(folder_.Run({"run", "recipe.toml"}).exit_code, 0);
    fs::create_directory(other_ / "deep");
  }
  /// What a user does with a project must work there and name no other place.
  static void ExpectAtHome(const fs::path& project, const fs::path& elsewhere) {
    const std::vector<std::vector<std::string>> commands = {
        {"verify", "small", "--sample", "all"}, {"ensemble", "small"}, {"run", "recipe.toml"}};
    for (const std::vector<std::string>& command : commands) {
      const Ended ended = Beamgrid(project, command);
      EXPECT_EQ(ended.exit_code, 0) << command[0] << ": " << ended.err;
      EXPECT_THAT(ended.out + ended.err, Not(HasSubstr(elsewhere.string()))) << command[0];
    }
    const fs::path model = Only(project / "runs", "model.pt");
    const std::string whole = ReadText(model);
    WriteText(model, "damaged");
    const Ended repair = Beamgrid(project, {"verify", "small", "--repair"});
    EXPECT_EQ(repair.exit_code, 0) << repair.out << repair.err;
    EXPECT_EQ(ReadText(model), whole);
  }

  const StudyFolder folder_;
  const TemporaryFolder other_;
};

TEST_F(MovedTest, AMovedProjectWorksInItsNewPlace) {
  fs::copy(folder_.path(), other_ / "deep/project", fs::copy_options::recursive);
  fs::rename(folder_.path() / "data", folder_.path() / "gone");
  fs::rename(folder_.path() / "runs", folder_.path() / "gone too");
  ExpectAtHome(other_ / "deep/project", folder_.path());
}

TEST_F(MovedTest, ACopyLeavesTheOriginalAlone) {
  fs::copy(folder_.path(), other_ / "deep/project", fs::copy_options::recursive);
  const fs::path original = Only(folder_.path() / "runs", "model.pt");
  WriteText(original, "the original is damaged");
  ExpectAtHome(other_ / "deep/project", folder_.path());
  EXPECT_EQ(ReadText(original), "the original is damaged");
}

TEST_F(MovedTest, ABackupWithItsFilesStandsForTheProject) {
  const Ended backup = folder_.Run({"backup", (other_ / "deep/copy.db").string(), "--files"});
  ASSERT_EQ(backup.exit_code, 0) << backup.err;
  fs::rename(other_ / "deep", other_ / "archive");
  fs::rename(folder_.path() / "runs", folder_.path() / "gone");
  const std::string copy = (other_ / "archive/copy.db").string();
  for (const std::vector<std::string>& command : {std::vector<std::string>{"run", "recipe.toml"},
                                                  {"ensemble", "small"},
                                                  {"verify", "small", "--files"}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"--db", copy});
    const Ended ended = folder_.Run(arguments);
    EXPECT_EQ(ended.exit_code, 0) << command[0] << ": " << ended.err;
  }
  EXPECT_FALSE(fs::exists(folder_.path() / "runs"));
}

}  // namespace
}  // namespace beamgrid
