// Forms of a study's trials in other precisions: made, chosen, predicted with, exported, tidied up.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"
#include "tests/support/python.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

/// A study with a model that is large enough for tables of int8, and a small one.
class StudyWithForms : public StudyFolder {
 public:
  StudyWithForms() {
    RecipeText recipe;
    recipe.grid =
        "[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = \"lstm\"\nhidden = 80\n";
    WriteRecipe(recipe);
    const Ended run = Run({"run", "recipe.toml"});
    if (run.exit_code != 0) throw std::runtime_error(run.err);
  }
  [[nodiscard]] boost::json::value Json(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const Ended ended = Run(arguments);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return ParseJson(ended.out);
  }
  [[nodiscard]] std::vector<std::string> Forms() const {
    std::vector<std::string> names;
    const auto rows = Json({"query", "SELECT name, seed FROM every_trial WHERE name LIKE '%@%'"});
    for (const auto& row : rows.as_array()) {
      names.push_back(std::string(row.at("name").as_string()) + "/s" +
                      std::to_string(row.at("seed").as_int64()));
    }
    std::ranges::sort(names);
    return names;
  }
};

TEST(Forms, AreModelsOfTheirOwnWithTheNumbersThatWereMeasured) {
  const StudyWithForms study;
  const std::string before = study.Run({"table", "small", "--vary", "temporal"}).out;
  const Ended made = study.Run({"ensemble", "small", "--forms", "fp16,int8"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  // The mean's model has no tensor for a table.
  EXPECT_EQ(study.Forms(), (std::vector<std::string>{
                               "MC-LSTM-h80-Logistic@fp16/s1", "MC-LSTM-h80-Logistic@fp16/s2",
                               "MC-LSTM-h80-Logistic@int8/s1", "MC-LSTM-h80-Logistic@int8/s2",
                               "MC-Mean-Logistic@fp16/s1", "MC-Mean-Logistic@fp16/s2"}));
  EXPECT_EQ(study.Run({"table", "small", "--vary", "temporal"}).out, before);
  EXPECT_THAT(study.Run({"run", "recipe.toml"}).err, HasSubstr("nothing to do"));
  // The second time nothing is made.
  EXPECT_THAT(study.Run({"ensemble", "small", "--forms", "int8,fp16"}).err,
              Not(HasSubstr("instead of")));

  // Members of three precisions, combined, predicted with and exported.
  const Ended taken = study.Run({"ensemble", "small", "--forms", "fp16,int8", "--take",
                                 "MC-LSTM-h80-Logistic@int8/s1", "MC-LSTM-h80-Logistic@fp16/s2",
                                 "MC-Mean-Logistic/s1", "--out", "chosen.csv"});
  ASSERT_EQ(taken.exit_code, 0) << taken.err;
  EXPECT_THAT(taken.out, HasSubstr("MC-LSTM-h80-Logistic@int8/s1"));
  const auto recorded = study.Json({"ensembles", "small"});
  std::int64_t bytes = 0;
  for (const auto& member : recorded.as_array().back().at("members").as_array()) {
    bytes += member.at("size_bytes").as_int64();
  }
  EXPECT_EQ(recorded.as_array().back().at("size_bytes").as_int64(), bytes);
  const Ended predicted =
      study.Run({"predict", "small:ensemble", study.DataFile("validate").string(), "--out",
                 "predicted.csv", "--top-k", "100"});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
  const auto score = [&](const std::string& file) {
    return study
        .Json({"score", "--predictions", file, "--truth", study.DataFile("validate").string()})
        .at("gap")
        .as_double();
  };
  EXPECT_EQ(score("predicted.csv"), score("chosen.csv"));
  const Ended student = study.Run(
      {"distil", "small:ensemble", "--out", "d", "--model", "small/MC-LSTM-h80-Logistic@fp16/2"});
  EXPECT_EQ(student.exit_code, 2);
  EXPECT_THAT(student.err, HasSubstr("is the fp16 form of a trial, and was not trained itself"));
  const auto exported = study.Json({"export", "small:ensemble", "--out", "winner"});
  std::int64_t weights = 0;
  for (const auto& model : exported.at("models").as_array()) {
    weights += model.at("weight_bytes").as_int64();
  }
  EXPECT_EQ(weights, bytes);
  const std::string python = PythonWith("torch, numpy");
  if (python.empty()) GTEST_SKIP() << "python3 has no torch; $BEAMGRID_PYTHON names one that has";
  const Ended tested =
      Process({"/usr/bin/env", python, "winner/modeling.py", "--self-test"}, study.path()).Wait();
  EXPECT_EQ(tested.exit_code, 0) << tested.out << tested.err;
}

TEST(Forms, HousekeepingKnowsThem) {
  const StudyWithForms study;
  ASSERT_EQ(
      study.Run({"ensemble", "small", "--forms", "int8", "--take", "MC-LSTM-h80-Logistic@int8/s1"})
          .exit_code,
      0);
  const Ended verified = study.Run({"verify", "small", "--sample", "all"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("equal  MC-LSTM-h80-Logistic@int8 seed 2"));
  ASSERT_EQ(study.Run({"backup", "copy.db", "--files"}).exit_code, 0);
  EXPECT_EQ(study.Run({"verify", "small", "--files", "--db", "copy.db"}).exit_code, 0);
  // A member keeps its weights; another form and the model that lost give theirs up.
  const Ended pruned = study.Run({"prune", "small", "--keep", "0", "--yes"});
  ASSERT_EQ(pruned.exit_code, 0) << pruned.err;
  EXPECT_EQ(
      study
          .Run({"predict", "small:ensemble", study.DataFile("validate").string(), "--out", "p.csv"})
          .exit_code,
      0);
  EXPECT_EQ(study.Run({"export", "small/MC-LSTM-h80-Logistic@int8/2", "--out", "gone"}).exit_code,
            1);
  EXPECT_EQ(study.Run({"verify", "small", "--sample", "all"}).exit_code, 0)
      << "what a form was made of may be given up";
  // Into an empty record, with their files.
  ASSERT_EQ(study.Run({"rename", "small", "other", "--db", "copy.db", "--yes"}).exit_code, 0);
  const Ended merged = study.Run({"merge", "copy.db", "--yes"});
  ASSERT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_THAT(study.Run({"trials", "other", "--all"}).out,
              AllOf(HasSubstr("MC-LSTM-h80-Logistic@int8"), HasSubstr("it is the int8 form of")));
  ASSERT_EQ(study.Run({"rm", "small", "--yes"}).exit_code, 0);
  ASSERT_EQ(study.Run({"rm", "other", "--yes"}).exit_code, 0);
  std::vector<std::string> left;
  for (const auto& entry : fs::recursive_directory_iterator(study.path() / "runs")) {
    if (entry.is_regular_file()) left.push_back(entry.path().string());
  }
  EXPECT_EQ(left, std::vector<std::string>());
}

TEST(Forms, OneThatIsKilledLeavesNothingAndTheNextGoesOn) {
  const StudyWithForms study;
  WriteText(study.path() / "trainer",
            "#!/bin/sh\n[ \"$1\" = serve ] && kill -9 $PPID && exit 1\nexec '" +
                Binary("beamgrid-trainer") + "' \"$@\"\n");
  fs::permissions(study.path() / "trainer", fs::perms::owner_all);
  Process killed({"/usr/bin/env", "BEAMGRID_TRAINER=" + (study.path() / "trainer").string(),
                  Binary("beamgrid"), "ensemble", "small", "--forms", "int8"},
                 study.path());
  EXPECT_EQ(killed.Wait().exit_code, -9);
  EXPECT_EQ(study.Forms(), std::vector<std::string>());
  EXPECT_EQ(study.Run({"verify", "small", "--files"}).exit_code, 0);
  const Ended made = study.Run({"ensemble", "small", "--forms", "int8"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("finished what an earlier command was stopped at"));
  EXPECT_EQ(study.Forms(), (std::vector<std::string>{"MC-LSTM-h80-Logistic@int8/s1",
                                                     "MC-LSTM-h80-Logistic@int8/s2"}));
  EXPECT_EQ(study.HalfWritten(), std::vector<std::string>());
}

TEST(Forms, RefusesWhatIsNoForm) {
  const StudyFolder folder;
  const Ended ended = folder.Run({"ensemble", "small", "--forms", "int4"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, HasSubstr("--forms: 'int4' must be one of fp16, bf16, int8"));
}

}  // namespace
}  // namespace beamgrid
