// Videos that belong together and videos without labels, from tables to results.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace groups_end_test {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// 240 videos of 60 subjects with a vector each, of two classes.
void WriteTables(const std::filesystem::path& folder) {
  std::string vectors = "id,a,b,c\n", labels = "id,labels,subject\n";
  for (int i = 0; i < 240; ++i) {
    const std::string id = "v" + std::to_string(i);
    const int subject = i % 60;
    const bool cat = i % 2 == 0;
    vectors += id + "," + std::to_string(cat ? 0.5 + 0.01 * (subject % 7) : -0.3) + "," +
               std::to_string(0.1 * (i % 11)) + ",1\n";
    labels += id + "," + (cat ? "cat" : "dog") + ",s" + std::to_string(subject) + "\n";
  }
  WriteText(folder / "vectors.csv", vectors);
  WriteText(folder / "labels.csv", labels);
}

constexpr char kRecipe[] = R"(beamgrid = 1
[study]
name = "grouped"
seeds = [1, 2]
[data]
format = "video"
train = ["data/train-*.tfrecord"]
validate = ["data/validate-*.tfrecord"]
classes = 2
features = { vector = 3 }
GROUP
[train]
epochs = 1
batch = 16
[[grid.classifier]]
use = "logistic"
[[grid.classifier]]
use = "moe"
experts = 2
[ensemble]
members = 2
[resources]
devices = ["cpu"]
slots_per_device = 2
[[table]]
title = "Classifier"
vary = "classifier"
)";

std::string RecipeWith(const std::string& group) {
  std::string text = kRecipe;
  return text.replace(text.find("GROUP"), 5, group);
}

TEST(GroupsEnd, AreResampledAndHeldOutAsAWholeOnceTheRecipeNamesThem) {
  const StudyFolder folder;
  std::filesystem::remove_all(folder.path() / "data");
  WriteTables(folder.path());
  const Ended imported =
      folder.Run({"data", "import", "--features", "vector=vectors.csv", "--labels", "labels.csv",
                  "--group", "subject", "--holdout", "0.5", "--out", "data"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("group = \"subject\""));

  WriteText(folder.path() / "r.toml", RecipeWith(""));
  const Ended alone = folder.Run({"run", "r.toml"});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_THAT(alone.out, AllOf(HasSubstr(" videos and of the seeds"), Not(HasSubstr("subject"))));

  WriteText(folder.path() / "r.toml", RecipeWith("group = \"subjct\""));
  const Ended wrong = folder.Run({"run", "r.toml"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("r.toml:11:"), HasSubstr("has no text 'subjct'"),
                               HasSubstr("did you mean 'subject'?")));

  // Nothing is trained again: the groups change no trial.
  WriteText(folder.path() / "r.toml", RecipeWith("group = \"subject\""));
  const Ended grouped = folder.Run({"run", "r.toml"});
  ASSERT_EQ(grouped.exit_code, 0) << grouped.err;
  EXPECT_THAT(grouped.err, HasSubstr("nothing to do: all 4 trials are complete"));
  EXPECT_THAT(grouped.out, AllOf(HasSubstr("groups (subject) of the "),
                                 HasSubstr("groups (subject), not videos, are held out")));
  const auto table = ParseJson(folder.Run({"table", "grouped", "--json"}).out);
  EXPECT_EQ(table.at("groups").at("by"), "subject");
  EXPECT_GE(table.at("groups").at("number").as_int64(), 20);

  // The record is enough.
  std::filesystem::remove_all(folder.path() / "data");
  const auto again = ParseJson(folder.Run({"table", "grouped", "--json"}).out);
  EXPECT_EQ(again, table);
  const auto ensemble = ParseJson(folder.Run({"ensemble", "grouped", "--json"}).out);
  EXPECT_EQ(ensemble.at("groups").at("by"), "subject");
}

TEST(GroupsEnd, ThatTrainingHasSeenAreSaidBesideEveryNumber) {
  const StudyFolder folder;
  std::filesystem::remove_all(folder.path() / "data");
  WriteTables(folder.path());
  std::string labels = "id,labels,subject,part\n";
  for (int i = 0; i < 240; ++i) {  // each subject has two videos for training and two for the rest
    labels += "v" + std::to_string(i) + (i % 2 == 0 ? ",cat,s" : ",dog,s") +
              std::to_string(i % 60) + (i < 120 ? ",train\n" : ",validate\n");
  }
  WriteText(folder.path() / "labels.csv", labels);
  ASSERT_EQ(
      folder
          .Run({"data", "import", "--features", "vector=vectors.csv", "--labels", "labels.csv",
                "--split-column", "part", "--group", "subject", "--out", "data"})
          .exit_code,
      0);
  WriteText(folder.path() / "r.toml", RecipeWith("group = \"subject\""));
  const std::string note = "60 groups (subject) of the validation videos are in training, too";
  const Ended run = folder.Run({"run", "r.toml"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr(note));
  EXPECT_THAT(run.out, HasSubstr(note)) << "the table's note";
  // The record is enough.
  std::filesystem::remove_all(folder.path() / "data");
  for (const std::vector<std::string>& command : {std::vector<std::string>{"table", "grouped"},
                                                  {"table", "grouped", "--resamples", "0"},
                                                  {"table", "grouped", "--format", "latex"},
                                                  {"table", "grouped", "--ensemble"},
                                                  {"ensemble", "grouped"}}) {
    const Ended told = folder.Run(command);
    ASSERT_EQ(told.exit_code, 0) << told.err;
    EXPECT_THAT(told.out, HasSubstr(note)) << command.back();
  }
  ASSERT_EQ(folder.Run({"report", "grouped", "--out", "page.html"}).exit_code, 0);
  EXPECT_THAT(ReadText(folder.path() / "page.html"), HasSubstr(note));
}

TEST(GroupsEnd, VideosWithoutLabelsArePredictedAndNeverTrainedOn) {
  const StudyFolder folder;
  std::filesystem::remove_all(folder.path() / "data");
  WriteTables(folder.path());
  ASSERT_EQ(folder
                .Run({"data", "import", "--features", "vector=vectors.csv", "--labels",
                      "labels.csv", "--out", "data"})
                .exit_code,
            0);
  WriteText(folder.path() / "r.toml", RecipeWith(""));
  ASSERT_EQ(folder.Run({"run", "r.toml"}).exit_code, 0);
  const Ended imported =
      folder.Run({"data", "import", "--features", "vector=vectors.csv", "--out", "new"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  std::vector<std::string> arguments = {"predict", "grouped:ensemble", "--out", "p.csv"};
  for (const auto& file : std::filesystem::directory_iterator(folder.path() / "new")) {
    if (file.path().extension() == ".tfrecord") arguments.push_back(file.path().string());
  }
  const Ended predicted = folder.Run(arguments);
  ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
  std::istringstream lines(ReadText(folder.path() / "p.csv"));
  int rows = -1;
  for (std::string line; std::getline(lines, line);) ++rows;
  EXPECT_EQ(rows, 240);
  std::string text = RecipeWith("");
  text.replace(text.find("data/train-*"), 12, "new/test-*");
  WriteText(folder.path() / "r.toml", text);
  const Ended refused = folder.Run({"run", "r.toml"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("has no labels: files of the test set cannot be trained on"));
}

}  // namespace groups_end_test
}  // namespace beamgrid
