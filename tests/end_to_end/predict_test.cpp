// `beamgrid predict`: what a study found, at work on record files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <map>
#include <sstream>
#include <thread>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"
#include "tests/support/await.h"

namespace beamgrid {
namespace predict_test {

using ::testing::HasSubstr;

/// The lines of a file of predictions by their ids.
std::map<std::string, std::string> Rows(const std::filesystem::path& path) {
  std::map<std::string, std::string> rows;
  std::istringstream lines(ReadText(path));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    rows[line.substr(0, line.find(','))] = line.substr(line.find(',') + 1);
  }
  return rows;
}

class PredictTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new StudyFolder;
    folder_->WriteRecipe({});
    const Ended run = folder_->Run({"run", "recipe.toml"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  static void TearDownTestSuite() { delete folder_; }

  static Ended Succeed(const std::vector<std::string>& arguments) {
    Ended ended = folder_->Run(arguments);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return ended;
  }
  static boost::json::object Json(const std::vector<std::string>& arguments) {
    return ParseJson(Succeed(arguments).out).as_object();
  }
  /// Refused with this code and words, and nothing is written.
  static void ExpectRefusal(const std::vector<std::string>& arguments, int code,
                            const std::string& words) {
    std::vector<std::string> command = {"predict"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    command.insert(command.end(), {"--out", "refused.csv"});
    const Ended ended = folder_->Run(command);
    EXPECT_EQ(ended.exit_code, code) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(words));
    EXPECT_FALSE(std::filesystem::exists(folder_->path() / "refused.csv"));
    EXPECT_THAT(folder_->HalfWritten(), ::testing::IsEmpty());
  }

  static inline StudyFolder* folder_ = nullptr;
};

TEST_F(PredictTest, AnEnsembleGivesItsOwnPredictionsAgainAndTheirScore) {
  const boost::json::object ensemble =
      Json({"ensemble", "small", "--holdout", "0", "--out", "recorded.csv", "--json"});
  const boost::json::object report =
      Json({"predict", "small:ensemble", "data", "--out", "all.csv", "--json"});
  EXPECT_GT(report.at("videos").to_number<std::int64_t>(), 24);
  EXPECT_EQ(report.at("members").as_array().size(), ensemble.at("members").as_array().size());
  const std::string validate = folder_->DataFile("validate").string();
  Succeed({"predict", "small:ensemble", validate, "--out", "predicted.csv"});
  EXPECT_EQ(Rows(folder_->path() / "predicted.csv"), Rows(folder_->path() / "recorded.csv"));
  const double score =
      Json({"score", "--predictions", "predicted.csv", "--truth", validate, "--json"})
          .at("gap")
          .to_number<double>();
  EXPECT_NEAR(score, ensemble.at("selection").at("gap").to_number<double>(), 1e-9);
}

TEST_F(PredictTest, ATrialGivesItsRecordedScore) {
  const std::string validate = folder_->DataFile("validate").string();
  const boost::json::array trials =
      ParseJson(Succeed({"trials", "small", "--json"}).out).as_array();
  ASSERT_FALSE(trials.empty());
  for (const boost::json::value& trial : trials) {
    const std::string name = "small/" + std::string(trial.at("name").as_string()) + "/" +
                             std::to_string(trial.at("seed").to_number<std::int64_t>());
    Succeed({"predict", name, validate, "--out", "one.csv"});
    const boost::json::object score =
        Json({"score", "--predictions", "one.csv", "--truth", validate, "--json"});
    EXPECT_NEAR(score.at("gap").to_number<double>(), trial.at("gap").to_number<double>(), 1e-9)
        << name;
  }
}

TEST_F(PredictTest, OfSegmentsItGivesTheRecordedMapAndTheEnsemblesOwnFile) {
  // More classes than a video's list has labels: a class's ranking has its segments all the same.
  Succeed({"data", "synth", "--out", "segments", "--videos", "120", "--classes", "40", "--format",
           "segment", "--features", "rgb=16,audio=8", "--max-frames", "30", "--seed", "4"});
  folder_->WriteRecipe({.study = "name = \"segments\"\nobjective = \"segment_map\"",
                        .data = "format = \"segment\"\ntrain = [\"segments/train*.tfrecord\"]\n"
                                "validate = [\"segments/validate*.tfrecord\"]\nclasses = 40\n"
                                "features = { rgb = 16, audio = 8 }",
                        .grid = "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 3]\n",
                        .rest = ""},
                       "segments.toml");
  Succeed({"run", "segments.toml"});
  const boost::json::array trials =
      ParseJson(Succeed({"trials", "segments", "--json"}).out).as_array();
  ASSERT_EQ(trials.size(), 2U);
  const auto map_of = [](const std::string& file) {
    return Json({"score", "--predictions", file, "--truth", "segments/validate0000.tfrecord",
                 "--json"})
        .at("segment_map")
        .to_number<double>();
  };
  const std::string validate = "segments/validate0000.tfrecord";
  for (const boost::json::value& trial : trials) {
    const std::string name = "segments/" + std::string(trial.at("name").as_string());
    Succeed({"predict", name, validate, "--out", "map.csv"});
    EXPECT_NEAR(map_of("map.csv"), trial.at("segment_map").to_number<double>(), 1e-12) << name;
  }
  Succeed({"ensemble", "segments", "--holdout", "0", "--out", "recorded.csv"});
  Succeed({"predict", "segments:ensemble", validate, "--out", "predicted.csv"});
  EXPECT_EQ(ReadText(folder_->path() / "predicted.csv"),
            ReadText(folder_->path() / "recorded.csv"));
  Succeed({"predict", "segments:ensemble", validate, "--top-k", "2", "--out", "two.csv"});
  EXPECT_LT(map_of("two.csv"), map_of("predicted.csv"));
}

TEST_F(PredictTest, NamesTheClassesForPeople) {
  const std::string validate = folder_->DataFile("validate").string();
  WriteText(folder_->path() / "names.csv", "Index,Name\n0,\"rain, hail\"\n1,a \"b\"\n");
  Succeed({"predict", "small:ensemble", validate, "--names", "names.csv", "--top-k", "12", "--out",
           "named.csv"});
  const std::string text = ReadText(folder_->path() / "named.csv");
  EXPECT_TRUE(text.starts_with("VideoId,Label,Name,Confidence\n")) << text.substr(0, 200);
  EXPECT_THAT(text, HasSubstr(",0,\"rain, hail\",0."));
  EXPECT_THAT(text, HasSubstr(",1,\"a \"\"b\"\"\",0."));
  EXPECT_THAT(text, HasSubstr(",2,,0."));
  ExpectRefusal({"small:ensemble", validate, "--names", "auto"}, 2, "no vocabulary");
  ExpectRefusal({"small:ensemble", validate, "--names", "gone.csv"}, 1, "gone.csv: cannot open");
}

TEST_F(PredictTest, RefusesWhatCannotBe) {
  const std::string validate = folder_->DataFile("validate").string();
  ExpectRefusal({"small:ensemble", "gone"}, 2, "gone");
  ExpectRefusal({"smal:ensemble", validate}, 2, "no study 'smal'");
  ExpectRefusal({"small:99", validate}, 2, "has no ensemble 99; there are");
  ExpectRefusal({"small/nobody", validate}, 2, "nobody");
  ExpectRefusal({"small:ensemble", validate, validate}, 2, "is in the files twice");
  ExpectRefusal({"small:ensemble", validate, "--device", "cuda:7"}, 2, "cuda:7");
  WriteText(folder_->path() / "cut.tfrecord", ReadText(validate).substr(0, 500));
  ExpectRefusal({"small:ensemble", "cut.tfrecord"}, 2, "cut.tfrecord");
  Succeed({"data", "synth", "--out", "wide", "--videos", "20", "--classes", "12", "--features",
           "rgb=20,audio=8", "--max-frames", "5"});
  ExpectRefusal({"small:ensemble", "wide"}, 2, "rgb");
  ExpectRefusal({"small:ensemble", validate, "--db", "other.db"}, 2, "other.db");
}

TEST_F(PredictTest, WritesOverNothingThatOthersNeed) {
  const std::string validate = folder_->DataFile("validate").string();
  const auto refused = [&](const std::string& out, const std::string& words) {
    const Ended ended = folder_->Run({"predict", "small:ensemble", validate, "--out", out});
    EXPECT_EQ(ended.exit_code, 2) << out << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(words));
    return ended;
  };
  const std::string before = ReadText(validate);
  refused(validate, "is read too");
  EXPECT_EQ(ReadText(validate), before);
  const std::string shard = folder_->DataFile("train").string();
  const std::string training = ReadText(shard);
  refused(shard, "is there, and is no earlier output of this command");
  EXPECT_EQ(ReadText(shard), training);
  refused("recipe.toml", "is there, and is no earlier output of this command");
  refused("beamgrid.db", "is the database");
  refused("runs/mine.csv", "lies in the folder of the runs");
  refused("data", "is a folder");
  refused("/dev/null", "is a device or a pipe");
  // As /dev/stdout is where it is a pipe: a link to what has no path.
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  refused("/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(ends[1]),
          "is a device or a pipe");
  for (const int end : ends) close(end);
  WriteText(folder_->path() / "truth.csv", "VideoId,Labels\na,1\n");
  refused("truth.csv", "is there, and is no earlier output of this command");
  EXPECT_EQ(ReadText(folder_->path() / "truth.csv"), "VideoId,Labels\na,1\n");
  refused("nowhere/mine.csv", "has no folder to lie in");
  refused("", "must be the path of a file");
  const Ended ensemble = folder_->Run({"ensemble", "small", "--out", "beamgrid.db"});
  EXPECT_EQ(ensemble.exit_code, 2);
  EXPECT_THAT(ensemble.err, HasSubstr("is the database"));
  Succeed({"studies"});
  std::filesystem::create_symlink("target.csv", folder_->path() / "link.csv");
  Succeed({"predict", "small:ensemble", validate, "--out", "link.csv"});
  EXPECT_TRUE(std::filesystem::is_symlink(folder_->path() / "link.csv"));
  EXPECT_FALSE(ReadText(folder_->path() / "target.csv").empty());
  Succeed({"predict", "small:ensemble", validate, "--out", "link.csv"});
}

TEST_F(PredictTest, InterruptedItEndsWhateverItsTrainersDo) {
  const std::filesystem::path stuck = folder_->path() / "stuck";
  WriteText(stuck,
            "#!/bin/sh\necho $$ >started.part && mv started.part started\nexec sleep 1000\n");
  std::filesystem::permissions(stuck, std::filesystem::perms::owner_all);
  std::vector<std::string> command = {"/usr/bin/env", "BEAMGRID_TRAINER=" + stuck.string()};
  const auto predict = BeamgridCommand(
      {"predict", "small:ensemble", folder_->DataFile("validate").string(), "--out", "no.csv"});
  command.insert(command.end(), predict.begin(), predict.end());
  Process process(command, folder_->path());
  Await("the trainer", [&] { return std::filesystem::exists(folder_->path() / "started"); });
  process.Signal(SIGINT);
  const Ended ended = process.Wait();
  EXPECT_EQ(ended.exit_code, 130) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("no.csv is not written"));
  EXPECT_FALSE(std::filesystem::exists(folder_->path() / "no.csv"));
}

TEST_F(PredictTest, ATrainerThatHangsIsEndedAfterTheRecipesTime) {
  Succeed({"run", "recipe.toml", "--set", "resources.heartbeat_timeout=1s"});
  const std::filesystem::path stuck = folder_->path() / "hung";
  WriteText(stuck, "#!/bin/sh\nexec sleep 1000\n");
  std::filesystem::permissions(stuck, std::filesystem::perms::owner_all);
  std::vector<std::string> command = {"/usr/bin/env", "BEAMGRID_TRAINER=" + stuck.string()};
  const auto predict = BeamgridCommand(
      {"predict", "small:ensemble", folder_->DataFile("validate").string(), "--out", "no.csv"});
  command.insert(command.end(), predict.begin(), predict.end());
  const Ended ended = Process(command, folder_->path()).Wait();
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("predict` said nothing for 1"));
  EXPECT_FALSE(std::filesystem::exists(folder_->path() / "no.csv"));
  Succeed({"run", "recipe.toml"});
}

TEST_F(PredictTest, AModelFileThatIsNotTheRecordedOneIsRefused) {
  const std::string validate = folder_->DataFile("validate").string();
  const std::string trial =
      std::string(Json({"ensemble", "small", "--json"}).at("members").at(0).at("name").as_string());
  const boost::json::object shown = Json({"show", "small/" + trial, "--json"});
  const std::filesystem::path file =
      folder_->path() / std::string(shown.at("directory").as_string()) / "model.pt";
  const std::string content = ReadText(file);
  WriteText(file, content.substr(0, content.size() - 1) + "x");
  ExpectRefusal({"small/" + trial, validate}, 1, "model.pt");
  WriteText(file, content);
  Succeed({"predict", "small/" + trial, validate, "--out", "mended.csv"});
}

}  // namespace predict_test
}  // namespace beamgrid
