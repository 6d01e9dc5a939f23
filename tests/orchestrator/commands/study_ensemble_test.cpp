// ensemble over studies, and over files beside them.

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "orchestrator/commands/reported_ensemble.h"
#include "orchestrator/commands/study_ensemble.h"
#include "registry/store/upkeep.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "reports/page/section.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/reports/page/page_support.h"
#include "tests/search/ensemble/ensemble_support.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StudyPoolTest : public CommandTest {
 protected:
  StudyPoolTest() : models_(PlantPool({.models = 4, .videos = 60, .list_length = 12}, 3)) {
    for (EnsembleModel& model : models_) {
      model.predictions.top_k = 12;
      WritePredictionsCsv(Path(model.name + ".csv"), model.predictions);
    }
  }

  /// Adds a complete trial with these predictions to the study; `hidden` makes it another one.
  void Add(const std::string& study, std::int64_t hidden, const Predictions& predictions) const {
    Store store(Path("b.db"), OpenMode::kReadWrite);
    StudyRecord record = ExampleStudy(study);
    record.recipe_text = "beamgrid = 1\n[data]\nholdout = 0.5\n";
    const StudyId id = store.OpenStudy(record);
    const TrialId trial = store.AddTrials(id, {ExampleNewTrial(hidden)}).front();
    if (store.Trial(trial).state == TrialState::kComplete) return;
    const std::string folder = Path("runs/" + std::to_string(hidden));
    std::filesystem::create_directories(folder);
    const std::string file = folder + "/predictions.bin";
    WritePredictions(file, predictions);
    AttemptOutcome outcome = ExampleSuccess();
    outcome.result().artifacts = {
        {.name = "predictions",
         .path = "predictions.bin",
         .bytes = static_cast<std::int64_t>(std::filesystem::file_size(file)),
         .hash = HashFile(file)}};
    store.FinishAttempt(trial, store.BeginAttempt(trial, folder, "cpu", 1), outcome,
                        TrialState::kComplete);
  }
  /// The int8 form of the study's first trial.
  void AddForm(const std::string& study, const Predictions& predictions) const {
    Store store(Path("b.db"), OpenMode::kReadWrite);
    const StudyId id = store.FindStudy(study)->id;
    const TrialRecord base = store.Trials(id).front();
    NewTrial form{.name = base.name + "@int8", .spec = store.Spec(base.id), .size_bytes = 77};
    form.spec.model.train["epochs"] = std::int64_t{0};
    form.spec.model.train["precision"] = "int8";
    form.spec.model.train["from"] = base.fingerprint;
    form.spec.warm_start = base.fingerprint;
    form.fingerprint = Fingerprint(form.spec);
    const TrialId trial = store.AddTrials(id, {form}).front();
    store.StopCounting(id, {trial}, "it is the int8 form of " + base.name);
    const std::string folder = Path("runs/form");
    std::filesystem::create_directories(folder);
    WritePredictions(folder + "/predictions.bin", predictions);
    AttemptOutcome outcome = ExampleSuccess();
    outcome.result().artifacts = {{.name = "predictions",
                                   .path = "predictions.bin",
                                   .bytes = static_cast<std::int64_t>(
                                       std::filesystem::file_size(folder + "/predictions.bin")),
                                   .hash = HashFile(folder + "/predictions.bin")}};
    store.FinishAttempt(trial, store.BeginAttempt(trial, folder, "cpu", 1), outcome,
                        TrialState::kComplete);
  }
  [[nodiscard]] Called Ensemble(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "ensemble");
    arguments.insert(arguments.end(),
                     {"--db", Path("b.db"), "--weights", "uniform", "--size-limit", "1GiB"});
    return Call(arguments);
  }
  [[nodiscard]] const Predictions& Of(std::size_t model) const {
    return models_[model].predictions;
  }

  std::vector<EnsembleModel> models_;
};

TEST_F(StudyPoolTest, OfOneStudyIsStoredAndNamesMembersAsBefore) {
  Add("one", 1, Of(0));
  Add("one", 2, Of(1));
  const Called called = Ensemble({"one"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("stored with study one"));
  EXPECT_THAT(called.out, HasSubstr("MC-BLSTM1/s1"));
  EXPECT_THAT(called.out, Not(HasSubstr("one/MC-BLSTM1")));
}

TEST_F(StudyPoolTest, WhatNothingCanKeepIsToldAllTheSame) {
  Add("one", 1, Of(0));
  Add("one", 2, Of(1));
  SQLite::Database(Path("b.db"), SQLite::OPEN_READWRITE)
      .exec("CREATE TRIGGER full BEFORE INSERT ON ensemble BEGIN SELECT RAISE(ABORT, 'full'); END");
  const Called called = Ensemble({"one", "--out", Path("out.csv")});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr("full"));
  EXPECT_THAT(called.out, HasSubstr("MC-BLSTM1/s1"));
  EXPECT_FALSE(std::filesystem::exists(Path("out.csv")));
  EXPECT_FALSE(Ensemble({"one", "--json"}).Json().at("members").as_array().empty());
}

TEST_F(StudyPoolTest, TheRecordKeepsWhichTrialsTheMembersAre) {
  Add("one", 1, Of(0));
  const auto printed = Ensemble({"one", "--json"}).Json();
  EXPECT_EQ(KeysOf(printed.at("members").at(0)),
            (std::vector<std::string>{"name", "size_bytes", "weight"}));
  EXPECT_EQ(Ensemble({"one"}).exit_code, 0);
  Store store(Path("b.db"), OpenMode::kReadOnly);
  const StudyId study = store.FindStudy("one")->id;
  ASSERT_EQ(store.Ensembles(study).size(), 1U) << "the second time it is the same";
  const auto kept = ParseJson(store.Ensembles(study)[0].json);
  EXPECT_EQ(kept.at("members").at(0).at("fingerprint").as_string(),
            store.Trials(study)[0].fingerprint);
}

TEST_F(StudyPoolTest, FormsAreModelsWhereTheirPrecisionIsAskedFor) {
  Add("one", 1, Of(0));
  AddForm("one", Of(1));
  const Store store(Path("b.db"), OpenMode::kReadOnly);
  const StudyRecord study = store.FindStudy("one").value();
  const auto names = [&](const Forms& forms) {
    std::vector<std::string> members;
    for (const auto& [name, fingerprint] :
         StudyPool(store, study, SeedChoice::kAll, EnsembleModels(), forms).fingerprints) {
      members.push_back(name);
    }
    return members;
  };
  EXPECT_EQ(names({}), (std::vector<std::string>{"MC-BLSTM1/s1"}));
  EXPECT_EQ(names({"fp16"}), (std::vector<std::string>{"MC-BLSTM1/s1"}));
  EXPECT_EQ(names({"fp16", "int8"}),
            (std::vector<std::string>{"MC-BLSTM1/s1", "MC-BLSTM1@int8/s1"}));
  // Without --forms it is no candidate, whatever is recorded.
  EXPECT_THAT(Ensemble({"one"}).out, Not(HasSubstr("@int8")));
}

TEST_F(StudyPoolTest, AFormOfAnUnknownPrecisionIsRefusedBeforeAnythingIsRead) {
  const Called called = Ensemble({"one", "--forms", "fp16,int9"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("--forms: 'int9' must be one of fp16, bf16, int8"));
}

TEST_F(StudyPoolTest, FilesThatWereGivenUpAreSaidInOneLine) {
  for (const std::int64_t model : {1, 2, 3, 4}) {
    Add("one", 10 * model, Of(static_cast<std::size_t>(model - 1)));
  }
  const auto give_up = [&](std::int64_t hidden) {
    Store store(Path("b.db"), OpenMode::kReadWrite);
    const TrialRecord trial = *store.FindByFingerprint(ExampleNewTrial(hidden).fingerprint);
    RecordUpkeep(store).GiveUpFile(trial, store.Artifacts(trial.id).at(0));
    std::filesystem::remove(std::filesystem::path(trial.directory) / "predictions.bin");
  };
  give_up(10);
  EXPECT_THAT(
      Ensemble({"one"}).err,
      HasSubstr("warning: MC-BLSTM10/s1 is left out of the ensemble: `prune` gave the "
                "predictions file up; `beamgrid verify one NAME --repair` makes it again\n"));
  give_up(20);
  give_up(30);
  const Called called = Ensemble({"one"});
  EXPECT_EQ(called.exit_code, 0);
  EXPECT_THAT(
      called.err,
      HasSubstr("warning: 3 trials (MC-BLSTM10/s1, MC-BLSTM20/s1, MC-BLSTM30/s1) are left out "
                "of the ensemble: `prune` gave the predictions files up; `beamgrid verify one "
                "NAME --repair` makes them again\n"));
  EXPECT_EQ(std::ranges::count(called.err, '\n'), 2) << called.err;
}

TEST_F(StudyPoolTest, TheReportsFrontierIsThatOfTheCommand) {
  for (std::size_t i = 0; i < models_.size(); ++i) {
    Add("one", 64 + static_cast<std::int64_t>(i), models_[i].predictions);
  }
  const Store store(Path("b.db"), OpenMode::kReadOnly);
  StudyFacts facts{.study = *store.FindStudy("one")};
  facts.trials = store.Trials(facts.study.id);
  AddEnsembleFact(facts, store);
  ASSERT_TRUE(facts.frontier);
  EXPECT_EQ(facts.frontier->missing, "");
  const auto json = Ensemble({"one", "--frontier", "--json"}).Json().at("frontier");
  EXPECT_EQ(facts.frontier->sets, json.at("sets").as_int64());
  const auto& points = json.at("points").as_array();
  ASSERT_EQ(facts.frontier->points.size(), points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const FrontierFact& point = facts.frontier->points[i];
    EXPECT_EQ(point.size_bytes, points[i].at("size_bytes").as_int64());
    EXPECT_EQ(point.selection_gap, points[i].at("selection_gap").as_double());
    EXPECT_EQ(*point.holdout_gap, points[i].at("holdout_gap").as_double());
    EXPECT_EQ(point.members.size(), points[i].at("members").as_array().size());
  }
  const std::string shown = TextOfSection(EnsembleSection(facts));
  EXPECT_THAT(shown, AllOf(HasSubstr("GAP of the best ensemble for each limit of size"),
                           HasSubstr("`beamgrid ensemble one --frontier` has the same")));
}

TEST_F(StudyPoolTest, AFrontierThatCannotBeSaysWhy) {
  Add("one", 64, models_[0].predictions);
  Add("one", 65, models_[1].predictions);
  std::filesystem::remove_all(Path("runs"));
  const Store store(Path("b.db"), OpenMode::kReadOnly);
  StudyFacts facts{.study = *store.FindStudy("one")};
  facts.trials = store.Trials(facts.study.id);
  AddEnsembleFact(facts, store);
  ASSERT_TRUE(facts.frontier);
  EXPECT_TRUE(facts.frontier->points.empty());
  EXPECT_THAT(TextOfSection(EnsembleSection(facts)),
              AllOf(HasSubstr("What other limits of size would give is not shown: "),
                    HasSubstr("predictions")));
}

TEST_F(StudyPoolTest, OfManyDamagedFilesTheFirstAreExplained) {
  for (std::int64_t hidden = 1; hidden <= 6; ++hidden) Add("one", hidden, Of(0));
  for (int hidden = 1; hidden <= 5; ++hidden) {
    std::filesystem::remove(Path("runs/" + std::to_string(hidden) + "/predictions.bin"));
  }
  const Called called = Ensemble({"one"});
  EXPECT_THAT(called.err, HasSubstr("warning: MC-BLSTM3/s1 is left out of the ensemble: "));
  EXPECT_THAT(called.err,
              HasSubstr("warning: 2 trials (MC-BLSTM4/s1, MC-BLSTM5/s1) are left out as well, for "
                        "files that are not those recorded; `beamgrid verify one --files` lists"));
}

TEST_F(StudyPoolTest, SaysTheGapOfBothPartsAndOfAllVideos) {
  Add("one", 1, Of(0));
  const auto json = Ensemble({"one", "--json"}).Json();
  const auto& single = json.at("best_single");
  EXPECT_EQ(single.at("all_videos"), 60);
  EXPECT_EQ(single.at("videos").as_int64() + json.at("selection").at("videos").as_int64(), 60);
  EXPECT_NEAR(single.at("gap_of_all_videos").as_double(), ScoreOf(Of(0)).gap, 1e-9);
  EXPECT_THAT(Ensemble({"one"}).out, HasSubstr("on all 60 videos, what `trials`"));
}

TEST_F(StudyPoolTest, OfSeveralStudiesTakesATrialOfBothOnce) {
  Add("one", 1, Of(0));
  Add("two", 1, Of(0));
  Add("two", 2, Of(1));
  const Called called = Ensemble({"one", "two", "--json"});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.err, HasSubstr("not stored"));
  EXPECT_THAT(called.out, Not(HasSubstr("two/MC-BLSTM1/s1")));
  EXPECT_THAT(called.out, HasSubstr("one/MC-BLSTM1/s1"));
  Store store(Path("b.db"), OpenMode::kReadOnly);
  EXPECT_TRUE(store.Ensembles(store.FindStudy("one")->id).empty());
}

TEST_F(StudyPoolTest, TakesFilesBesideTheTrials) {
  Add("one", 1, Of(3));
  const Called called = Ensemble({"one", "--with", Path("model0.csv") + "," + Path("model1.csv"),
                                  "--sizes", "1G,2k", "--json"});
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, HasSubstr("\"name\":\"model0\",\"size_bytes\":1000000000"));
  // The same as of the files alone, with the truth of the study.
  std::string truth = "VideoId,Labels\n";
  for (const VideoPrediction& video : Of(0).videos) {
    truth += video.id + ",";
    for (std::size_t i = 0; i < video.labels.size(); ++i) {
      truth += (i > 0 ? " " : "") + std::to_string(video.labels[i]);
    }
    truth += "\n";
  }
  Write("truth.csv", truth);
  const auto files = Call({"ensemble", "--predictions", Path("model0.csv"), Path("model1.csv"),
                           Path("model3.csv"), "--truth", Path("truth.csv"), "--weights", "uniform",
                           "--holdout", "0.5", "--sizes", "0", "0", "0", "--json"})
                         .Json();
  const auto mixed =
      Ensemble({"one", "--with", Path("model0.csv"), Path("model1.csv"), "--json"}).Json();
  EXPECT_NEAR(mixed.at("selection").at("gap").as_double(),
              files.at("selection").at("gap").as_double(), 1e-6);
  EXPECT_EQ(mixed.at("selection").at("videos"), files.at("selection").at("videos"));
  // Of files of which no size was given the sum is not known.
  const std::string unknown = "the sizes of the files are not known (--sizes) and count as 0";
  EXPECT_THAT(CanonicalJson(mixed.at("notes")), HasSubstr(unknown));
  EXPECT_THAT(CanonicalJson(files.at("notes")), Not(HasSubstr(unknown)));
  EXPECT_THAT(called.out, Not(HasSubstr(unknown)));
}

TEST_F(StudyPoolTest, InAScratchFolderOnAnyThreadsIsTheSameAndLeavesNothing) {
  Add("one", 1, Of(0));
  Add("one", 2, Of(1));
  std::filesystem::create_directories(Path("scratch"));
  const std::string expected = Ensemble({"one", "--json"}).out;
  for (const char* threads : {"1", "3"}) {
    EXPECT_EQ(Ensemble({"one", "--json", "--threads", threads}).out, expected);
    const Called called =
        Ensemble({"one", "--json", "--threads", threads, "--scratch", Path("scratch")});
    EXPECT_EQ(called.out, expected) << called.err;
  }
  EXPECT_TRUE(std::filesystem::is_empty(Path("scratch")));
  EXPECT_EQ(Ensemble({"one", "--scratch", Path("nowhere")}).exit_code, 2);
  EXPECT_EQ(Ensemble({"one", "--threads", "0"}).exit_code, 2);
}

TEST_F(StudyPoolTest, AFileWithoutAVideoIsRefusedOrRestrictsAll) {
  Add("one", 1, Of(0));
  Predictions fewer = Of(1);
  fewer.videos.resize(50);
  WritePredictionsCsv(Path("fewer.csv"), fewer);
  const Called refused = Ensemble({"one", "--with", Path("fewer.csv")});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("'fewer' lacks 10 of 60"));
  const auto common =
      Ensemble({"one", "--with", Path("fewer.csv"), "--common-videos", "--json"}).Json();
  EXPECT_EQ(common.at("best_single").at("all_videos"), 50);
  // `trials` shows what was measured on all 60.
  EXPECT_THAT(
      Ensemble({"one", "--with", Path("fewer.csv"), "--common-videos"}).out,
      AllOf(HasSubstr("on all 50 videos that all models have"), Not(HasSubstr("`trials`"))));
}

TEST_F(StudyPoolTest, AFileOfOtherClassesIsRefused) {
  Predictions known = Of(0);
  known.classes = 40;
  Add("one", 1, known);
  Predictions other = Of(1);
  other.videos[7].top.back().label = 40;
  WritePredictionsCsv(Path("other.csv"), other);
  const Called refused = Ensemble({"one", "--with", Path("other.csv")});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err,
              HasSubstr(Path("other.csv") + ": video '" + other.videos[7].id +
                        "' lists the label 40; the studies' data have 40 classes, 0 to 39"));
  EXPECT_EQ(Ensemble({"one", "--with", Path("model1.csv")}).exit_code, 0);
}

TEST_F(StudyPoolTest, TheBestSeedsKnowTheHoldoutAndThatIsSaid) {
  Add("one", 1, Of(0));
  const std::string note =
      "--seeds best: the seed of each name was chosen on all validation videos";
  EXPECT_THAT(CanonicalJson(Ensemble({"one", "--seeds", "best", "--json"}).Json().at("notes")),
              HasSubstr(note));
  EXPECT_THAT(Ensemble({"one", "--json"}).out, Not(HasSubstr(note)));
  EXPECT_THAT(Ensemble({"one", "--seeds", "best", "--holdout", "0"}).out, Not(HasSubstr(note)));
}

TEST_F(StudyPoolTest, StudiesOfOtherVideosOrLabelsAreRefused) {
  Add("one", 1, Of(0));
  Predictions fewer = Of(1);
  fewer.videos.resize(50);
  Add("two", 2, fewer);
  const Called videos = Ensemble({"one", "two"});
  EXPECT_EQ(videos.exit_code, 2);
  EXPECT_THAT(videos.err, HasSubstr("'two/MC-BLSTM2/s1' lacks 10 of the 60 videos"));
  EXPECT_EQ(Ensemble({"one", "two", "--common-videos"}).exit_code, 0);
  Predictions other = Of(2);
  other.videos[4].labels = {0, 1, 2};
  Add("three", 3, other);
  const Called labels = Ensemble({"one", "three", "--common-videos"});
  EXPECT_EQ(labels.exit_code, 2);
  EXPECT_THAT(labels.err,
              HasSubstr("disagree on the true labels of video '" + other.videos[4].id + "'"));
}

TEST_F(StudyPoolTest, RefusesWhatDoesNotGoTogether) {
  Add("one", 1, Of(0));
  EXPECT_THAT(Ensemble({"one", "one"}).err, HasSubstr("'one' is named twice"));
  EXPECT_THAT(Ensemble({"one", "none"}).err, HasSubstr("no study 'none'"));
  EXPECT_THAT(Ensemble({"one", "--sizes", "1G"}).err, HasSubstr("1 size for 0 prediction files"));
  EXPECT_EQ(Ensemble({"--with", Path("model0.csv")}).exit_code, 2);
  EXPECT_THAT(Ensemble({"one", "--with", Path("none.csv")}).err, HasSubstr("no such file"));
}

}  // namespace
}  // namespace beamgrid
