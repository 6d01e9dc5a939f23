#include "orchestrator/kept_answer.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "orchestrator/study/run_note.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace kept_answer_test {

namespace fs = std::filesystem;

class LinesDisplay : public ProgressDisplay {
 public:
  void Event(const std::string& line) override { lines.push_back(line); }
  void Update(const ProgressState& state) override { last = state; }
  std::vector<std::string> lines;
  ProgressState last;
};

/// A study of one complete trial, whose last run had nothing to do.
class KeptAnswerTest : public testing::Test {
 protected:
  KeptAnswerTest() {
    ::setenv("BEAMGRID_CACHE_DIR", (folder_ / "cache").c_str(), 1);
    std::ofstream(folder_ / "program") << "one";
    NewTrial trial = ExampleNewTrial();
    trial_ = store_.AddTrials(study_, {trial})[0];
    AttemptOutcome outcome = ExampleSuccess();
    outcome.result().artifacts.clear();
    const fs::path directory = folder_ / "runs/1";
    fs::create_directories(directory);
    fs::last_write_time(directory, fs::file_time_type::clock::now() - std::chrono::hours(1));
    store_.FinishAttempt(trial_, store_.BeginAttempt(trial_, directory, "cpu", 1), outcome,
                         TrialState::kComplete);
    run_ = {
        .study = "study", .planned = 2, .reused = 1, .refused = 1, .best_name = "MC", .best = 0.5};
    Note();
    recipe_.path = folder_ / "recipe.toml";
    recipe_.text = "the recipe";
    recipe_.name = "study";
  }
  ~KeptAnswerTest() override { ::unsetenv("BEAMGRID_CACHE_DIR"); }

  void Note(const std::string& ending = "complete") { NoteRun(store_, study_, run_, ending); }
  [[nodiscard]] KeptAnswer Answer(const std::string& form = "text") const {
    KeptAnswer answer(form);
    answer.SetSubject({.recipe = &recipe_,
                       .catalogue = &catalogue_,
                       .data = data_,
                       .files = files_,
                       .slots = slots_,
                       .database = folder_ / "record.db",
                       .program = folder_ / "program"});
    return answer;
  }
  /// Offers a run that had nothing to do and keeps what it printed.
  void Keep(std::vector<std::string> lines = {}) {
    KeptAnswer answer = Answer();
    answer.Offer({.study = study_,
                  .reused = 1,
                  .refused = static_cast<std::int64_t>(lines.size()),
                  .decisions = {"temporal = gru"}},
                 std::move(lines));
    answer.Keep(store_, answer.Key(store_), {"printed\nin two lines\n", "a remark", 8});
  }
  [[nodiscard]] bool Finds(const std::string& form = "text") { return Answer(form).Find(store_); }

  TemporaryFolder folder_;
  Store store_{folder_ / "record.db", OpenMode::kReadWrite};
  StudyId study_ = store_.OpenStudy(ExampleStudy());
  TrialId trial_{};
  ProgressState run_;
  Recipe recipe_;
  Catalogue catalogue_ = TestCatalogue();
  DataSpec data_{.format = "frame", .train = {"/a"}, .validate = {"/b"}, .digest = "d"};
  std::vector<NamedFile> files_ = {{"script.pt", "/script.pt", "hash"}};
  std::vector<Slot> slots_ = {{"cpu", 1}};
};

TEST_F(KeptAnswerTest, RepeatsWhatWasToldPrintedAndNoted) {
  run_.refused = 0;
  Note();
  Keep();
  KeptAnswer answer = Answer();
  ASSERT_TRUE(answer.Find(store_));
  EXPECT_EQ(answer.printed().data, "printed\nin two lines\n");
  EXPECT_EQ(answer.printed().remark, "a remark");
  EXPECT_EQ(answer.printed().remark_at, 8);
  LinesDisplay display;
  const StudyResult result = answer.Repeat(store_, display, std::chrono::milliseconds(7));
  EXPECT_EQ(result.study, study_);
  EXPECT_EQ(result.reused, 1);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.decisions, testing::ElementsAre("temporal = gru"));
  EXPECT_EQ(display.last.best_name, "MC");
  const auto note = LastRunNote(store_, study_);
  EXPECT_EQ(note->ending, "complete");
  EXPECT_EQ(note->progress.planned, 2);
  EXPECT_EQ(note->progress.elapsed.count(), 7);
  EXPECT_TRUE(Finds()) << "a repetition is a run that had nothing to do";
}

TEST_F(KeptAnswerTest, AnythingElseThatItDependsOnIsAnotherAnswer) {
  run_.refused = 0;
  Note();
  Keep();
  const auto differs = [this](const char* what, auto& thing, auto other) {
    ASSERT_TRUE(Finds()) << what;
    const auto before = std::exchange(thing, other);
    EXPECT_FALSE(Finds()) << what;
    thing = before;
  };
  differs("recipe", recipe_.text, "another");
  differs("path", recipe_.path, "/elsewhere/recipe.toml");
  differs("study", recipe_.name, "another");
  differs("catalogue", catalogue_.trainer_version, "another");
  differs("data", data_.digest, "another");
  differs("files of the data", data_.train, std::vector<std::string>{"/c"});
  differs("a named file", files_[0].hash, "another");
  differs("slots", slots_, std::vector<Slot>{{"cpu", 1}, {"cpu", 1}});
  differs("threads", slots_[0].threads, 2);
  differs("start", recipe_.warm_starts, std::vector<WarmStartReference>{{.text = "other/*"}});
  EXPECT_FALSE(Finds("json"));
  EXPECT_FALSE(Finds("terminal 80"));
  EXPECT_TRUE(Finds());
  store_.SetRuns(folder_ / "others");
  EXPECT_FALSE(Finds()) << "runs folder";
  store_.SetRuns(folder_ / "runs");
  EXPECT_TRUE(Finds());
  std::ofstream(folder_ / "program") << "three";
  EXPECT_FALSE(Finds()) << "program";
}

TEST_F(KeptAnswerTest, AnythingElseThatIsRecordedIsAnotherAnswer) {
  run_.refused = 0;
  Note();
  const std::vector<std::pair<const char*, std::function<void()>>> changes = {
      {"another trial", [this] { store_.AddTrials(study_, {ExampleNewTrial(7)}); }},
      {"counting", [this] { store_.StopCounting(study_, {TrialId{2}}, "it is old"); }},
      {"an epoch", [this] { store_.ForgetEpochs(trial_); }},
      {"a note", [this] { store_.AddNote(study_, "MC", 1, "refused: too large"); }},
      {"an ensemble", [this] { store_.AddEnsemble(study_, {.json = "{}"}); }},
      {"the recorded recipe", [this] {
         StudyRecord other = ExampleStudy();
         other.description = "another";
         static_cast<void>(store_.OpenStudy(other));
       }}};
  for (const auto& [what, change] : changes) {
    Keep();
    ASSERT_TRUE(Finds()) << what;
    change();
    EXPECT_FALSE(Finds()) << what;
  }
}

TEST_F(KeptAnswerTest, AFileOfAResultThatIsAnotherIsAnotherAnswer) {
  run_.refused = 0;
  Note();
  AttemptOutcome outcome = ExampleSuccess();
  outcome.result().artifacts = {{.name = "weights", .path = "model.pt", .bytes = 3, .hash = "h"}};
  const fs::path file = folder_ / "runs/2/model.pt";
  fs::create_directories(file.parent_path());
  const auto write = [&file](int hours_ago) {
    std::ofstream(file) << "abc";
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  };
  write(1);
  const TrialId trial = store_.AddTrials(study_, {ExampleNewTrial(7)})[0];
  store_.FinishAttempt(trial, store_.BeginAttempt(trial, file.parent_path(), "cpu", 1), outcome,
                       TrialState::kComplete);
  Keep();
  ASSERT_TRUE(Finds());
  write(2);
  EXPECT_FALSE(Finds()) << "it was written again";
  Keep();
  ASSERT_TRUE(Finds());
  fs::remove(file);
  EXPECT_FALSE(Finds()) << "it is gone";
}

TEST_F(KeptAnswerTest, OnlyARunThatHadNothingToDoIsKept) {
  run_.refused = 0;
  Note();
  const auto is_kept = [this](const StudyResult& result) {
    KeptAnswer answer = Answer();
    answer.Offer(result, {});
    return answer.Key(store_).has_value();
  };
  EXPECT_TRUE(is_kept({.reused = 1}));
  EXPECT_FALSE(is_kept({.complete = 1, .reused = 1}));
  EXPECT_FALSE(is_kept({.reused = 1, .failed = 1}));
  EXPECT_FALSE(is_kept({.reused = 1, .attempts = 1}));
  EXPECT_FALSE(is_kept({.reused = 1, .interrupted = true}));
  EXPECT_FALSE(is_kept({.reused = 1, .stopped_because = "the disk"}));
  EXPECT_FALSE(is_kept({.reused = 1, .exit_code = 1}));
  EXPECT_FALSE(is_kept({.reused = 1, .refused = 1})) << "its line is not there";
  EXPECT_FALSE(is_kept({}));
  EXPECT_FALSE(Answer().Key(store_)) << "none was offered";
  Note("interrupted");
  EXPECT_FALSE(is_kept({.reused = 1}));
}

TEST_F(KeptAnswerTest, WhatHasChangedWhileItWasMadeIsNotKept) {
  run_.refused = 0;
  Note();
  KeptAnswer answer = Answer();
  answer.Offer({.reused = 1}, {});
  const auto key = answer.Key(store_);
  ASSERT_TRUE(key);
  store_.AddNote(study_, "MC", 1, "changed");
  answer.Keep(store_, key, {"printed"});
  EXPECT_FALSE(Finds());
}

TEST_F(KeptAnswerTest, RefusalsNeedTheTrainerThatRefused) {
  Keep({"MC seed 1: refused: too large"});
  EXPECT_FALSE(Finds()) << "no answer of the trainer is known";
}

}  // namespace kept_answer_test
}  // namespace beamgrid
