// `ensemble` on files: what it finds out beside the members, and files that it refuses.

#include <gmock/gmock.h>

#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/search/ensemble/ensemble_support.h"

namespace beamgrid {
namespace ensemble_command_test {

using ::testing::HasSubstr;
using ::testing::Not;

class EnsembleCommandTest : public CommandTest {
 protected:
  EnsembleCommandTest() {
    const auto models = PlantPool({.models = 5, .videos = 50, .classes = 20, .list_length = 12}, 3);
    std::string truth = "VideoId,Labels\n";
    for (const VideoPrediction& video : models[0].predictions.videos) {
      truth += video.id + ",";
      for (const std::int32_t label : video.labels) truth += std::to_string(label) + " ";
      truth += "\n";
    }
    Write("truth.csv", truth);
    for (const EnsembleModel& model : models) {
      // Long names: a table must fit a terminal all the same.
      files_.push_back(
          Path("a_model_with_a_name_as_long_as_those_of_studies_" + model.name + ".csv"));
      WritePredictionsCsv(files_.back(), model.predictions);
    }
  }
  [[nodiscard]] std::vector<std::string> Arguments(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"ensemble", "--predictions"};
    arguments.insert(arguments.end(), files_.begin(), files_.end());
    arguments.insert(arguments.end(), {"--truth", Path("truth.csv"), "--weights", "uniform"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  [[nodiscard]] Called Ensemble(const std::vector<std::string>& more) const {
    return Call(Arguments(more));
  }
  /// Calls it with one more file, whose third line is `row`; it must be refused, and write nothing.
  [[nodiscard]] std::string Refusal(const std::string& row) const {
    const std::string text = ReadFile(files_[0]);
    const std::size_t second = text.find('\n', text.find('\n') + 1) + 1;
    const std::string bad =
        Write("bad.csv", text.substr(0, second) + row + text.substr(text.find('\n', second)));
    const Called called = Call({"ensemble", "--predictions", files_[1], bad, "--truth",
                                Path("truth.csv"), "--out", Path("out.csv")});
    EXPECT_EQ(called.exit_code, 2) << called.err;
    EXPECT_EQ(called.out, "");
    EXPECT_FALSE(std::filesystem::exists(Path("out.csv")));
    return called.err;
  }
  [[nodiscard]] std::string Third() const { return Path("bad.csv") + ":3: "; }

  std::vector<std::string> files_;
  const std::vector<std::string> all_ = {"--sizes",   "10,20,30,40,50", "--size-limit",
                                         "100",       "--holdout",      "0.4",
                                         "--certify", "--frontier",     "--why"};
};

TEST_F(EnsembleCommandTest, SaysWhatIsLostBetweenTheParts) {
  const Called with = Ensemble({"--holdout", "0.4"});
  EXPECT_THAT(with.out, ::testing::ContainsRegex("selection GAP 0\\.[0-9]+ on [0-9]+ videos, "
                                                 "holdout GAP 0\\.[0-9]+ on [0-9]+: shrinkage "));
  EXPECT_THAT(with.out, ::testing::ContainsRegex("95 % interval -?0\\.[0-9]+ to "));
  const Called without = Ensemble({});
  EXPECT_THAT(without.out, HasSubstr("too high for a test score"));
  EXPECT_THAT(without.out, Not(HasSubstr("shrinkage")));
}

TEST_F(EnsembleCommandTest, FilesMayHaveGroups) {
  std::string text = "VideoId,subject\n";
  std::size_t row = 0;
  for (const auto& [id, labels] : ReadTruthCsv(Path("truth.csv"))) {
    text += id + ",s" + std::to_string(row++ / 2) + "\n";
  }
  const std::string groups = Write("groups.csv", text);
  const Called called = Ensemble({"--holdout", "0.4", "--groups", groups, "--json"});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  const auto json = called.Json();
  EXPECT_EQ(json.at("groups").at("by"), "subject");
  EXPECT_EQ(
      json.at("groups").at("selection").as_int64() + json.at("groups").at("holdout").as_int64(),
      25);
  EXPECT_THAT(Ensemble({"--holdout", "0.4", "--groups", groups}).out,
              HasSubstr("groups (subject), not videos, are held out"));
  const auto refusal = [&](const std::string& table) {
    return Ensemble({"--groups", Write("groups.csv", table)}).err;
  };
  EXPECT_THAT(refusal("VideoId,subject\nx,s1\n"), HasSubstr("is of no known subject"));
  EXPECT_THAT(refusal("VideoId,a,b\nx,s1,2\n"), HasSubstr("no column is called group"));
  EXPECT_THAT(refusal("VideoId,group\nx,\n"), HasSubstr("groups.csv:2: to which group"));
  EXPECT_THAT(refusal("VideoId,group\nx,1\nx,2\n"),
              HasSubstr("groups.csv:3: the video 'x' is of group '2', in line 2 of '1'"));
}

TEST_F(EnsembleCommandTest, AGainThatMayBeChanceIsNotShown) {
  const auto json = Ensemble({"--holdout", "0.4", "--json", "--why"}).Json();
  const std::string text = Ensemble({"--holdout", "0.4"}).out;
  const double low = json.at("holdout").at("interval").at(0).to_number<double>();
  const double high = json.at("holdout").at("interval").at(1).to_number<double>();
  ASSERT_GT(json.at("members").as_array().size(), 1U);
  EXPECT_EQ(json.at("why").at("gain_shown").as_bool(), low > 0);
  EXPECT_EQ(text.find("is not shown") != std::string::npos, low <= 0 && high >= 0) << text;
  // Of itself no model is better.
  const std::string alone = Ensemble({"--holdout", "0.4", "--members", "1"}).out;
  EXPECT_THAT(alone, HasSubstr("no gain: the ensemble is the best single model"));
  // Two videos held out tell nothing.
  EXPECT_THAT(Ensemble({"--holdout", "0.05"}).out, HasSubstr("is not shown: "));
}

TEST_F(EnsembleCommandTest, AllFindingsFitATerminal) {
  const Called called = CallAtTerminal(80, Arguments(all_));
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_LE(WidestLine(called.out), 80U) << called.out;
  EXPECT_THAT(called.out, HasSubstr("certificate: "));
  EXPECT_THAT(called.out, HasSubstr("Frontier"));
  EXPECT_THAT(called.out, HasSubstr("Why these"));
  EXPECT_THAT(called.out, HasSubstr("disagree"));
  const Called plain = CallAtTerminal(80, Arguments({"--holdout", "0.4"}));
  EXPECT_LE(WidestLine(plain.out), 80U) << plain.out;
  EXPECT_THAT(plain.out, Not(HasSubstr("certificate")));
  EXPECT_THAT(plain.out, Not(HasSubstr("Why these")));
}

TEST_F(EnsembleCommandTest, FindingsAreInJson) {
  std::vector<std::string> arguments = all_;
  arguments.emplace_back("--json");
  const auto json = Ensemble(arguments).Json();
  EXPECT_EQ(json.at("certificate").at("optimum"), json.at("certificate").at("best_gap"));
  EXPECT_EQ(json.at("frontier").at("complete"), true);
  EXPECT_EQ(json.at("frontier").at("sets"), json.at("certificate").at("sets"));
  EXPECT_FALSE(json.at("frontier").at("points").at(0).at("holdout_gap").is_null());
  EXPECT_EQ(json.at("why").at("members").as_array().size(), json.at("members").as_array().size());
  EXPECT_EQ(json.at("why").at("resamples"), 100);
  const auto plain = Ensemble({"--json"}).Json();
  for (const char* key : {"certificate", "frontier", "why"}) {
    EXPECT_FALSE(plain.as_object().contains(key)) << key;
  }
}

TEST_F(EnsembleCommandTest, AFrontierNeedsSizesAndASearch) {
  const Called sizes = Ensemble({"--frontier"});
  EXPECT_EQ(sizes.exit_code, 2);
  EXPECT_THAT(sizes.err, HasSubstr("--frontier needs the sizes of the files: give --sizes"));
  for (const char* option : {"--certify", "--frontier"}) {
    EXPECT_EQ(Ensemble({option, "--take", "x"}).exit_code, 2) << option;
  }
}

// ---- What is refused --------------------------------------------------------------------------

TEST_F(EnsembleCommandTest, RefusesBadListsWithTheirPlace) {
  EXPECT_THAT(Refusal("v1000,1 nan"), HasSubstr(Third() + "confidence 'nan' of label 1"));
  EXPECT_THAT(Refusal("v1000,1 inf"), HasSubstr(Third() + "confidence 'inf' of label 1"));
  EXPECT_THAT(Refusal("v1001,1 1.5"), HasSubstr(Third() + "confidence 1.5 of label 1"));
  EXPECT_THAT(Refusal("v1001,1 -0.5"), HasSubstr(Third() + "confidence -0.5 of label 1"));
  EXPECT_THAT(Refusal("v1001,1 0.2 3 0.4"), HasSubstr(Third() + "the list must be best first"));
  EXPECT_THAT(Refusal("v1001,1 0.2 1 0.1"), HasSubstr(Third() + "label 1 is repeated"));
  EXPECT_THAT(Refusal("v1001,1 0.2 3"), HasSubstr(Third() + "label 3 has no confidence"));
  EXPECT_THAT(Refusal("v1001,-1 0.2"), HasSubstr(Third() + "label '-1'"));
  EXPECT_THAT(Refusal("v1000,1 0.5"), HasSubstr(Third() + "video 'v1000' is repeated, it was in "
                                                          "line 2"));
  EXPECT_THAT(Refusal("other,1 0.5"), HasSubstr("'bad' lacks 1 of 50, such as 'v1001'"));
}

TEST_F(EnsembleCommandTest, RefusesSizesThatAreNoneOrNotOneForEachFile) {
  const auto refusal = [&](const std::vector<std::string>& more) {
    const Called called = Ensemble(more);
    EXPECT_EQ(called.exit_code, 2) << called.out;
    return called.err;
  };
  EXPECT_THAT(refusal({"--sizes", "1,2,3"}), HasSubstr("3 sizes for 5 prediction files; there "
                                                       "must be one for each, in their order"));
  EXPECT_THAT(refusal({"--sizes", "1", "2,3", "much 4 5"}),
              HasSubstr("--sizes, of " + files_[2] + ": '3much' must be a size"));
  EXPECT_THAT(refusal({"--sizes", "1,2,3,-4,5"}), HasSubstr(files_[3] + ": '-4' must be a size"));
  EXPECT_THAT(refusal({"--sizes", "1,2,3,4,1e30"}), HasSubstr("'1e30' must be a size"));
  EXPECT_THAT(refusal({"--sizes", "1,2,3,4,5e18", "--size-limit", "9e18"}),
              HasSubstr(files_[4] + ": '5e18' is too much, must be at most 1 PiB"));
  EXPECT_THAT(refusal({"--sizes", "5M,5M,5M,5M,4M", "--size-limit", "1M"}),
              HasSubstr("none of the 5 models fits within size_limit = 1000000 bytes; the "
                        "smallest, '"));
  EXPECT_THAT(refusal({"--members", "0"}), HasSubstr("'0' must be a whole number from 1"));
  EXPECT_THAT(refusal({"--beam-width", "many"}), HasSubstr("'many' must be a whole number from 1"));
}

TEST_F(EnsembleCommandTest, SizesMayHaveSpacesEverywhere) {
  const auto size_of = [&](const std::vector<std::string>& sizes) {
    std::vector<std::string> more = {"--size-limit", "1GiB", "--members", "5", "--json", "--sizes"};
    more.insert(more.end(), sizes.begin(), sizes.end());
    const Called called = Ensemble(more);
    EXPECT_EQ(called.exit_code, 0) << called.err;
    return called.out;
  };
  const std::string expected = size_of({"1KiB", "2KiB", "3KiB", "4KiB", "5KiB"});
  EXPECT_EQ(size_of({"1KiB 2KiB 3KiB 4KiB 5KiB"}), expected);
  EXPECT_EQ(size_of({"1", "KiB", "2", "KiB", "3KiB,4 KiB", "5KiB"}), expected);
  EXPECT_EQ(size_of({"1024, 2048 , 3 kib,4KiB 5 KiB,"}), expected);
}

TEST_F(EnsembleCommandTest, TakenMembersAndTheirWeightsTakeCommas) {
  Write("x.csv", ReadFile(files_[0]));
  Write("y,z.csv", ReadFile(files_[1]));
  const auto taken = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"ensemble",        "--predictions", Path("x.csv"),
                                          Path("y,z.csv"),   files_[2],       "--truth",
                                          Path("truth.csv"), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  };
  const std::string third = std::filesystem::path(files_[2]).stem().string();
  const std::string expected = taken({"--take", "x", third, "--take-weights", "1", "3"}).out;
  EXPECT_EQ(taken({"--take", "x," + third, "--take-weights", "1,3"}).out, expected);
  EXPECT_THAT(taken({"--take", "y,z"}).out, HasSubstr("\"name\":\"y,z\"")) << "a file's own name";
  const Called word = taken({"--take", "x", "--take-weights", "heavy"});
  EXPECT_EQ(word.exit_code, 2);
  EXPECT_THAT(word.err, HasSubstr("--take-weights: 'heavy' must be a number"));
}

TEST_F(EnsembleCommandTest, DestroysNoneOfItsFiles) {
  const std::string before = ReadFile(files_[0]);
  for (const std::string& out : {files_[0], Path("truth.csv"), Path(".") + "/truth.csv"}) {
    const Called called = Ensemble({"--out", out});
    EXPECT_EQ(called.exit_code, 2) << out;
    EXPECT_THAT(called.err, HasSubstr("--out: " + out + " is read too; name another file"));
  }
  EXPECT_EQ(ReadFile(files_[0]), before);
  EXPECT_THAT(Ensemble({"--out", Path("")}).err, HasSubstr("is a folder; name a file"));
  const Called twice =
      Call({"ensemble", "--predictions", files_[0], files_[0], "--truth", Path("truth.csv")});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.err, HasSubstr("--predictions: " + files_[0] + " is named twice"));
}

}  // namespace ensemble_command_test
}  // namespace beamgrid
