// examples/python on a study: the record in pandas and DuckDB, an exported model at work.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"
#include "tests/support/python.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kScript = BEAMGRID_SOURCE_DIR "/examples/python/record_and_model.py";

std::string Rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4f", value);
  return text;
}

TEST(PythonExample, PrintsWhatTheRecordSaysAndScoresVideos) {
  const std::string python = PythonWith("torch, numpy, pandas");
  if (python.empty()) {
    GTEST_SKIP() << "python3 lacks torch or pandas; $BEAMGRID_PYTHON names one that has both "
                    "(scripts/setup --python)";
  }
  const StudyFolder folder;
  ASSERT_EQ(folder.Run({"run", "recipe.toml"}).exit_code, 0);
  const auto script = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/usr/bin/env", python, kScript});
    return Process(arguments, folder.path()).Wait();
  };
  const Ended alone = script({});
  EXPECT_EQ(alone.exit_code, 1);
  EXPECT_THAT(alone.err, HasSubstr("model: no exported model; `beamgrid export"));

  ASSERT_EQ(folder.Run({"export", "small/MC-LSTM-h8-MoE2/s2", "--out", "model"}).exit_code, 0);
  const Ended ended = script({});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  double sum = 0, best = 0;
  const auto trials = ParseJson(folder.Run({"trials", "small", "--json"}).out);
  ASSERT_EQ(trials.as_array().size(), 8U);
  for (const auto& trial : trials.as_array()) {
    const std::string name(trial.at("name").as_string());
    const double gap = trial.at("gap").as_double();
    EXPECT_THAT(ended.out, ContainsRegex("small +" + name + " +[12] complete")) << name;
    if (name.find("LSTM") == std::string::npos) continue;
    sum += gap;
    best = std::max(best, gap);
  }
  // Four trials have an LSTM; pandas leaves zeros at the ends away.
  EXPECT_THAT(ended.out, ContainsRegex("lstm +4 +" + Rounded(sum / 4).substr(0, 5)));
  // The last of two epochs, of both seeds.
  const auto curve =
      ParseJson(folder
                    .Run({"query",
                          "SELECT avg(gap) AS gap FROM curves WHERE epoch = 2 AND name = "
                          "'MC-Mean-MoE2'",
                          "--json"})
                    .out);
  EXPECT_THAT(ended.out, ContainsRegex("MC-Mean-MoE2 +0[.][0-9]+ +" +
                                       Rounded(curve.at(0).at("gap").as_double()).substr(0, 5)));
  EXPECT_THAT(ended.out, AllOf(HasSubstr("GAP by extras"), HasSubstr("none"),
                               ContainsRegex("own probabilities: [0-9.]+e-0[6-9]"),
                               ContainsRegex("video 2: label [0-9]+ 0[.][0-9]{4}, label")));
  if (PythonWith("duckdb").empty()) {
    EXPECT_THAT(ended.out, HasSubstr("DuckDB is not installed"));
  } else {
    EXPECT_THAT(ended.out, AllOf(HasSubstr("by DuckDB"), Not(HasSubstr("not installed"))));
    EXPECT_THAT(ended.out, ContainsRegex("small +lstm +[a-z]+ +2 +" + Rounded(best).substr(0, 5)));
  }
}

TEST(PythonExample, NamesARecordThatIsNotThere) {
  const std::string python = PythonWith("numpy, pandas");
  if (python.empty()) GTEST_SKIP() << "python3 has no pandas; $BEAMGRID_PYTHON names one that has";
  const TemporaryFolder folder;
  const Ended ended =
      Process({"/usr/bin/env", python, kScript, "nowhere.db"}, folder.path()).Wait();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("nowhere.db: there is no such record"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "nowhere.db"));
}

}  // namespace
}  // namespace beamgrid
