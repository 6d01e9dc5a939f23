// `beamgrid distil`: an ensemble's predictions for the training videos, learnt by one model, which
// is a trial like any other.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace distil_test {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DistilTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.WriteRecipe({});
    Succeed({"run", "recipe.toml"});
  }
  Ended Succeed(const std::vector<std::string>& arguments) const {
    Ended ended = folder_.Run(arguments);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return ended;
  }
  [[nodiscard]] std::string Refusal(const std::vector<std::string>& arguments) const {
    const Ended ended = folder_.Run(arguments);
    EXPECT_EQ(ended.exit_code, 2) << ended.out;
    EXPECT_THAT(folder_.HalfWritten(), IsEmpty());
    return ended.err;
  }
  [[nodiscard]] boost::json::array Trials(const std::string& study) const {
    return ParseJson(Succeed({"trials", study, "--json"}).out).as_array();
  }

  StudyFolder folder_;
};

TEST_F(DistilTest, TrainsOneModelOnTheEnsemblesPredictions) {
  const Ended distilled =
      Succeed({"distil", "small:ensemble", "--out", "d", "--weight", "0.3,0.7"});
  EXPECT_THAT(distilled.err, AllOf(HasSubstr("student: "), HasSubstr("by small:ensemble in ")));
  EXPECT_THAT(distilled.out, HasSubstr("tw0.7"));
  const boost::json::array trials = Trials("small_distilled");
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_NE(trials[0].at("gap"), trials[1].at("gap")) << "the weight changes nothing";
  const std::string recipe = ReadText(folder_.path() / "d/recipe.toml");
  EXPECT_THAT(recipe, AllOf(HasSubstr("teacher = \"teacher.csv\""),
                            HasSubstr("teacher_weight = [0.3, 0.7]")));
  // Again: the same predictions, and nothing is left to train.
  const std::string teacher = ReadText(folder_.path() / "d/teacher.csv");
  const Ended again = Succeed({"distil", "small:ensemble", "--out", "d", "--weight", "0.3,0.7"});
  EXPECT_THAT(again.err, HasSubstr("nothing to do: all 2 trials are complete"));
  EXPECT_EQ(ReadText(folder_.path() / "d/teacher.csv"), teacher);
  // As any other trial: trained again to the bit, and, without its teacher at hand, at work.
  EXPECT_THAT(Succeed({"verify", "small_distilled"}).err,
              HasSubstr("2 of 2 trials trained again are equal"));
  std::filesystem::rename(folder_.path() / "d/teacher.csv", folder_.path() / "d/elsewhere.csv");
  const std::string validate = folder_.DataFile("validate").string();
  const std::string name = "small_distilled/" + std::string(trials[0].at("name").as_string());
  Succeed({"predict", name, validate, "--out", "one.csv"});
  const Ended unequal = folder_.Run({"verify", "small_distilled"});
  EXPECT_EQ(unequal.exit_code, 1);
  EXPECT_THAT(unequal.out + unequal.err, HasSubstr("train.teacher"));
  Succeed({"export", name, "--out", "exported"});
  EXPECT_THAT(ReadText(folder_.path() / "exported/README.md"),
              HasSubstr("predictions for the training videos: `teacher.csv`"));
  EXPECT_THAT(Refusal({"run", "d/recipe.toml"}),
              AllOf(HasSubstr("train.teacher"), HasSubstr("there is no such file")));
  WriteText(folder_.path() / "d/teacher.csv", teacher.substr(0, teacher.size() / 2));
  EXPECT_THAT(Refusal({"check", "d/recipe.toml"}), HasSubstr("train.teacher"));
  EXPECT_THAT(Refusal({"data", "verify", "d/recipe.toml"}), HasSubstr("will not begin"));
  std::filesystem::rename(folder_.path() / "d/elsewhere.csv", folder_.path() / "d/teacher.csv");
  EXPECT_THAT(Succeed({"data", "verify", "d/recipe.toml"}).out,
              HasSubstr("train.teacher: teacher.csv: a list for every example of data.train"));
  EXPECT_THAT(Succeed({"run", "d/recipe.toml"}).err, HasSubstr("nothing to do"));
}

TEST_F(DistilTest, TheStudentsHoldoutHasNoVideoThatChoseTheTeacher) {
  RecipeText recipe;
  recipe.study = "name = \"cut\"\nseeds = [1, 2]";
  recipe.data += "\nholdout = 0.25";
  recipe.rest = "[ensemble]\nmembers = 3\nweights = \"uniform\"\nsize_limit = \"5MiB\"\n";
  folder_.WriteRecipe(recipe, "cut.toml");
  Succeed({"run", "cut.toml"});
  const auto made = [&](const std::string& study) {
    return ParseJson(Succeed({"ensemble", study, "--json"}).out);
  };
  const auto teacher = made("cut");
  Succeed({"distil", "cut:ensemble", "--out", "d"});
  EXPECT_THAT(ReadText(folder_.path() / "d/recipe.toml"),
              AllOf(HasSubstr("\nholdout = 0.25"), HasSubstr("devices = ["), HasSubstr("5MiB")));
  const auto student = made("cut_distilled");
  EXPECT_EQ(student.at("selection").at("videos"), teacher.at("selection").at("videos"));
  EXPECT_EQ(student.at("holdout").at("videos"), teacher.at("holdout").at("videos"));
  // An ensemble that was chosen on more videos than the recipe's share leaves.
  Succeed({"ensemble", "cut", "--holdout", "0.1", "--weights", "uniform"});
  EXPECT_THAT(Refusal({"distil", "cut:ensemble", "--out", "e", "--name", "other"}),
              AllOf(HasSubstr("the teacher was chosen on "), HasSubstr("data.holdout = 0.25"),
                    HasSubstr("--set data.holdout=SHARE")));
  Succeed({"distil", "cut:ensemble", "--out", "e", "--name", "other", "--set", "data.holdout=0.1",
           "--no-run"});
}

TEST_F(DistilTest, RefusesWhatRunWouldBeforeAnythingIsPredicted) {
  EXPECT_THAT(Refusal({"distil", "small:ensemble", "--out", "d", "--set", "train.epoch=4"}),
              HasSubstr("train.epoch: 'train' has no option 'epoch'; did you mean 'epochs'?"));
  EXPECT_THAT(Refusal({"distil", "small:ensemble", "--out", "d", "--weight", "0.3,0.3"}),
              HasSubstr("grid.train.teacher_weight: gives the same variant twice"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "d"));
}

TEST_F(DistilTest, AnotherTeacherIsAnotherTrial) {
  Succeed({"distil", "small:ensemble", "--out", "d"});
  const auto before = Trials("small_distilled");
  std::string teacher = ReadText(folder_.path() / "d/teacher.csv");
  const std::size_t end = teacher.rfind(' ');
  teacher.replace(end + 1, teacher.size() - end - 2, "0");
  WriteText(folder_.path() / "d/teacher.csv", teacher);
  EXPECT_THAT(Refusal({"run", "d/recipe.toml"}), HasSubstr("teacher teacher.csv has changed"));
  Succeed({"run", "d/recipe.toml", "--accept-changes"});
  EXPECT_NE(Trials("small_distilled").at(0).at("fingerprint"), before.at(0).at("fingerprint"));
}

TEST_F(DistilTest, LeavesWhatIsNotItsOwn) {
  Succeed({"distil", "small:ensemble", "--out", "d", "--no-run"});
  EXPECT_FALSE(Succeed({"studies"}).out.find("small_distilled") != std::string::npos);
  EXPECT_THAT(Refusal({"distil", "small:ensemble", "--out", "d", "--weight", "0.9"}),
              HasSubstr("d/recipe.toml is another recipe"));
  Succeed({"distil", "small:ensemble", "--out", "e", "--no-run", "--set", "train.epochs=1",
           "--name", "mine"});
  EXPECT_THAT(ReadText(folder_.path() / "e/recipe.toml"),
              AllOf(HasSubstr("epochs = 1"), HasSubstr("name = \"mine\"")));
  Succeed({"run", "e/recipe.toml"});
  const std::string train = folder_.DataFile("train").string();
  WriteText(train, ReadText(train) + ReadText(train));
  EXPECT_THAT(Refusal({"distil", "small:ensemble", "--out", "f"}),
              AllOf(HasSubstr("the data of study 'small'"), HasSubstr("(other content)")));
}

}  // namespace distil_test
}  // namespace beamgrid
