// Studies whose recipe stays while its content changes: which trials count, and what becomes of
// attempts that saw two contents.

#include "tests/orchestrator/study/study_runner_fixture.h"

#include <map>
#include <set>
#include <utility>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kGreedy[] =
    "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n"
    "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", \"classifier\"]\n"
    "[resources]\ndevices = [\"cpu\"]\n";

/// Files that change when the test says so.
class FakeWatch : public ContentWatch {
 public:
  std::optional<std::string> Change() override {
    ++looks;
    return change;
  }
  std::string DataStamp() const override { return stamp; }

  std::optional<std::string> change;
  std::string stamp = "as they were";
  int looks = 0;
};

class StudyContentTest : public StudyRunnerTest {
 protected:
  /// What a trial measures follows from the data that it is trained on.
  StudyContentTest() {
    accept_changes_ = true;
    outcome_of_ = [](const TrialFile& trial) {
      return Complete(trial.spec.data.digest == "d1" ? 0.5 : 0.25);
    };
  }
  void UseOtherData() {
    digest_ = "d2";
    train_files_ = {"/data/train.tfrecord", "/data/train2.tfrecord"};
  }
  void UseFirstData() {
    digest_ = "d1";
    train_files_ = {"/data/train.tfrecord"};
  }
  /// Of the trials that count.
  std::set<std::string> Digests(const std::string& study) const {
    const Store store(folder_ / "test.db", OpenMode::kReadOnly);
    std::set<std::string> digests;
    for (const TrialRecord& trial : store.Trials(store.FindStudy(study)->id)) {
      digests.insert(store.Spec(trial.id).data.digest);
    }
    return digests;
  }
  /// Expects that each name and seed is there once, as the views count.
  void ExpectEachSeedOnce(const std::string& study, std::size_t trials, double gap) const {
    const Store store(folder_ / "test.db", OpenMode::kReadOnly);
    std::set<std::pair<std::string, std::int64_t>> seen;
    for (const TrialRecord& trial : store.Trials(store.FindStudy(study)->id)) {
      EXPECT_TRUE(seen.emplace(trial.name, trial.seed).second) << trial.name;
    }
    EXPECT_EQ(seen.size(), trials);
    const auto rows = store
                          .Query(
                              "SELECT sum(seeds), min(lowest), max(highest) FROM leaderboard"
                              " WHERE study = :study",
                              {{"study", study}})
                          .rows;
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0][0], static_cast<std::int64_t>(trials));
    EXPECT_EQ(rows[0][1], gap);
    EXPECT_EQ(rows[0][2], gap);
  }
};

TEST_F(StudyContentTest, TrialsOfOtherDataAreNoFurtherSeeds) {
  const std::string recipe = RecipeText("s", kFourModels);
  EXPECT_EQ(Run(recipe).complete, 8);
  UseOtherData();
  const StudyResult other = Run(recipe);
  EXPECT_EQ(other.complete, 8);
  EXPECT_EQ(other.reused, 0);
  ExpectEachSeedOnce("s", 8, 0.25);
  EXPECT_THAT(events_,
              Contains("data: train has train2.tfrecord besides (2 files, were 1); 8 trials that "
                       "were trained on other data no longer count"));
  EXPECT_THAT(Trials("s", Counting::kAll), SizeIs(16));

  UseFirstData();
  const StudyResult back = Run(recipe);
  EXPECT_EQ(back.attempts, 0) << "what was trained is not trained again";
  EXPECT_EQ(back.reused, 8);
  ExpectEachSeedOnce("s", 8, 0.5);
  EXPECT_THAT(events_, Contains(HasSubstr("data: train lacks train2.tfrecord (1 file, were 2)")));

  EXPECT_EQ(Run(recipe).reused, 8);
  EXPECT_THAT(events_, Each(Not(HasSubstr("no longer count"))));
}

TEST_F(StudyContentTest, FinishedTrialsOfOtherDataDoNotLeaveUnasked) {
  accept_changes_ = false;
  const std::string recipe = RecipeText("s", kFourModels);
  (void)Run(recipe);
  UseOtherData();
  EXPECT_THAT([&] { (void)Run(recipe); },
              ThrowsMessage<UsageError>(
                  AllOf(HasSubstr("8 finished trials of study 's' would no longer count\n"),
                        HasSubstr("data: train has train2.tfrecord besides (2 files, were 1); 8 "
                                  "trials that were trained on other data no longer count\n"),
                        HasSubstr("\n0 trials stay, 8 are new, 8 are no longer asked for (8 of "
                                  "them complete)\n"),
                        HasSubstr("--accept-changes"), HasSubstr("--set study.name=NAME"))));
  ExpectEachSeedOnce("s", 8, 0.5);
  UseFirstData();
  EXPECT_EQ(Run(recipe).attempts, 0);
}

TEST_F(StudyContentTest, FilesOfTheSameNamesWithOtherContentAreOtherData) {
  const std::string recipe = RecipeText("s", kFourModels);
  (void)Run(recipe);
  digest_ = "d2";
  (void)Run(recipe);
  ExpectEachSeedOnce("s", 8, 0.25);
  EXPECT_THAT(events_, Contains(HasSubstr("the same names, what is in them is another; 8 trials")));
}

TEST_F(StudyContentTest, ASeedThatWasTrainedOnOtherDataIsNotMixedWithNewOnes) {
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [&] {
    if (world_.started.size() >= 2) runner_->Interrupt();
  };
  slots_ = 1;
  const std::string recipe = RecipeText("s", "[resources]\ndevices = [\"cpu\"]\n", "[1, 2, 3]");
  EXPECT_LT(Run(recipe, executor).complete, 3);
  UseOtherData();
  EXPECT_EQ(Run(recipe).complete, 3);
  ExpectEachSeedOnce("s", 3, 0.25);
}

TEST_F(StudyContentTest, AGreedyStudyDecidesByTheDataAsTheyAreNow) {
  // On the first data LSTM wins, on the other GRU: the second stages are of different models.
  outcome_of_ = [](const TrialFile& trial) {
    const bool lstm = ComponentOf(trial, "temporal") == "lstm";
    const bool first = trial.spec.data.digest == "d1";
    return Complete(lstm == first ? 0.75 : 0.25);
  };
  const std::string recipe = RecipeText("s", kGreedy, "[1]");
  EXPECT_EQ(Run(recipe).complete, 3);
  UseOtherData();
  const StudyResult other = Run(recipe);
  EXPECT_EQ(other.complete, 3);
  EXPECT_THAT(other.decisions, Contains(HasSubstr("GRU wins")));
  EXPECT_THAT(Digests("s"), ElementsAre("d2"));
  EXPECT_THAT(Trials("s"), SizeIs(3));
}

TEST_F(StudyContentTest, ARunThatIsKilledEarlyLeavesNoMixture) {
  const std::string recipe = RecipeText(
      "s", "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n", "[1, 2]");
  std::int64_t steps = 0;
  for (std::int64_t kill_at = 1; steps == 0 || kill_at <= steps; ++kill_at) {
    SCOPED_TRACE("killed at step " + std::to_string(kill_at));
    std::filesystem::remove_all(folder_ / "runs");
    for (const char* file : {"test.db", "test.db-wal", "test.db-shm"}) {
      std::filesystem::remove(folder_ / file);
    }
    world_ = {};
    UseFirstData();
    EXPECT_EQ(Run(recipe).complete, 4);
    UseOtherData();
    Fuse fuse(kill_at);
    try {
      FakeExecutor executor(world_, outcome_of_, &fuse);
      (void)Run(recipe, executor, &fuse);
      steps = fuse.burnt();
    } catch (const Killed&) {
    }
    EXPECT_THAT(Digests("s"), SizeIs(testing::Le(1U)));
    (void)Run(recipe);
    ExpectEachSeedOnce("s", 4, 0.25);
    EXPECT_THAT(world_.trained, AllOf(SizeIs(8), Each(testing::Pair(testing::_, 1))));
  }
  EXPECT_GT(steps, 10);
}

TEST_F(StudyContentTest, WhatTheStudyDoesNotAskForCountsNoLonger) {
  const std::string recipe = RecipeText("s", kFourModels, "[1]");
  EXPECT_EQ(Run(recipe).complete, 4);
  {
    Store store(folder_ / "test.db", OpenMode::kReadWrite);
    TrialSpec spec = world_.trial_files.at(0).spec;
    spec.seed = 7;
    (void)store.AddTrials(store.FindStudy("s")->id,
                          {{.name = "Older", .fingerprint = Fingerprint(spec), .spec = spec}});
  }
  EXPECT_EQ(Run(recipe).reused, 4);
  ExpectEachSeedOnce("s", 4, 0.5);
  EXPECT_THAT(events_, Contains(HasSubstr("no longer counted: 1 trial of earlier runs")));
}

TEST_F(StudyContentTest, ATrialOfAnotherModelUnderTheSameNameIsReplaced) {
  const std::string recipe = RecipeText("s", "[resources]\ndevices = [\"cpu\"]\n", "[1]");
  EXPECT_EQ(Run(recipe).complete, 1);
  const TrialFile file = world_.trial_files.at(0);
  {
    Store store(folder_ / "test.db", OpenMode::kReadWrite);
    TrialSpec spec = file.spec;
    spec.model.train["decay"] = 0.5;
    (void)store.AddTrials(store.FindStudy("s")->id,
                          {{.name = file.name, .fingerprint = Fingerprint(spec), .spec = spec}});
  }
  EXPECT_EQ(Run(recipe).reused, 1);
  ASSERT_THAT(Trials("s"), SizeIs(1));
  EXPECT_EQ(Trials("s")[0].fingerprint, file.fingerprint);
  EXPECT_THAT(Trials("s", Counting::kAll), SizeIs(2));
  EXPECT_THAT(events_, Contains(HasSubstr("no longer counted: 1 trial of earlier runs")));
  EXPECT_THAT(events_,
              Contains("0 trials stay, 1 of earlier recipes or data counts again, 0 are new, "
                       "1 is no longer asked for"));
}

// ---- While it runs -----------------------------------------------------------------------------

TEST_F(StudyContentTest, WhatWasMeasuredWhileTheDataChangedIsNotRecorded) {
  FakeWatch watch;
  watch_ = &watch;
  FakeExecutor executor(world_, outcome_of_);
  int polls = 0;
  executor.on_poll = [&] {
    if (++polls != 2) return;
    watch.change = "/data/train.tfrecord: has changed";
    executor.held = {world_.started.back()};  // this one is cancelled and writes a checkpoint
  };
  const std::string recipe = RecipeText("s", kFourModels, "[1]");
  const StudyResult result = Run(recipe, executor);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.stopped_because, "/data/train.tfrecord: has changed");
  EXPECT_EQ(result.complete, 2) << "those before the change";
  EXPECT_EQ(result.failed, 0);
  EXPECT_THAT(events_, Contains("the study stops: /data/train.tfrecord: has changed"));
  for (const TrialRecord& trial : Trials("s")) {
    EXPECT_THAT(trial.state, AnyOf(TrialState::kComplete, TrialState::kWaiting));
    EXPECT_EQ(trial.failed_attempts, 0);
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "runs")) {
    EXPECT_NE(entry.path().filename(), kLastCheckpoint);
  }

  // With the old content back, nothing goes on from what has seen the other.
  watch.change.reset();
  world_.trial_files.clear();
  EXPECT_EQ(Run(recipe).complete, 2);
  for (const TrialFile& trial : world_.trial_files) EXPECT_EQ(trial.resume_from, "");
}

TEST_F(StudyContentTest, WhatWasInterruptedGoesOnWhenItsDataComeBack) {
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [&] {
    if (world_.started.empty()) return;
    executor.held = {world_.started.back()};  // it writes a checkpoint when it is cancelled
    runner_->Interrupt();
  };
  slots_ = 1;
  const std::string recipe = RecipeText("s", "[resources]\ndevices = [\"cpu\"]\n", "[1]");
  EXPECT_TRUE(Run(recipe, executor).interrupted);
  UseOtherData();
  EXPECT_EQ(Run(recipe).complete, 1);
  EXPECT_EQ(world_.trial_files.back().resume_from, "") << "it is of other data";
  UseFirstData();
  EXPECT_EQ(Run(recipe).complete, 1);
  EXPECT_THAT(world_.trial_files.back().resume_from, HasSubstr(kLastCheckpoint));
  ExpectEachSeedOnce("s", 1, 0.5);
}

TEST_F(StudyContentTest, WhatFailsOnDataThatChangedIsNoFailureOfTheTrial) {
  FakeWatch watch;
  watch_ = &watch;
  outcome_of_ = [&](const TrialFile&) -> AttemptOutcome {
    watch.change = "/data/train.tfrecord: has changed";
    return {AttemptFailure{.kind = FailureKind::kDiverged, .message = "loss inf"}};
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(result.failed, 0);
  EXPECT_EQ(result.exit_code, 1);
  for (const TrialRecord& trial : Trials("s")) EXPECT_EQ(trial.state, TrialState::kWaiting);
}

/// The orchestrator dies when its worker has finished.
TEST_F(StudyContentTest, AResultOfADeadOrchestratorCountsOnlyForTheDataThatItSaw) {
  enum class Meanwhile { kNothing, kTouched, kOtherData };
  for (const Meanwhile meanwhile :
       {Meanwhile::kNothing, Meanwhile::kTouched, Meanwhile::kOtherData}) {
    SCOPED_TRACE(static_cast<int>(meanwhile));
    std::filesystem::remove_all(folder_ / "runs");
    for (const char* file : {"test.db", "test.db-wal", "test.db-shm"}) {
      std::filesystem::remove(folder_ / file);
    }
    world_ = {};
    UseFirstData();
    FakeWatch watch;
    watch_ = &watch;
    slots_ = 1;
    const std::string recipe = RecipeText("s", "[resources]\ndevices = [\"cpu\"]\n", "[1]");
    FakeExecutor executor(world_, outcome_of_);
    executor.on_poll = [&] { executor.unreadable = {world_.started.at(0)}; };
    EXPECT_THROW((void)Run(recipe, executor), Error);
    ASSERT_THAT(world_.trained, SizeIs(1));

    if (meanwhile == Meanwhile::kTouched) watch.stamp = "touched";
    if (meanwhile == Meanwhile::kOtherData) UseOtherData();
    const StudyResult result = Run(recipe);
    EXPECT_EQ(result.attempts, meanwhile == Meanwhile::kNothing ? 0 : 1);
    EXPECT_EQ(Trials("s").at(0).result->metrics.gap,
              meanwhile == Meanwhile::kOtherData ? 0.25 : 0.5);
    EXPECT_EQ(Trials("s", Counting::kAll).at(0).state == TrialState::kComplete,
              meanwhile != Meanwhile::kOtherData);
    if (meanwhile == Meanwhile::kTouched) {
      const auto said = Contains(HasSubstr("touched or replaced after it began"));
      EXPECT_THAT(Notes("s", Trials("s")[0].name, 1), said);
      EXPECT_THAT(events_, said);
    }
  }
}

// ---- Trials that have failed are tried again ---------------------------------------------------

class StudyRetryTest : public StudyRunnerTest {
 protected:
  /// LSTM diverges, GRU crashes, until `mended_`.
  StudyRetryTest() {
    outcome_of_ = [this](const TrialFile& trial) -> AttemptOutcome {
      if (mended_) return Complete(0.5);
      const bool lstm = ComponentOf(trial, "temporal") == "lstm";
      return {AttemptFailure{.kind = lstm ? FailureKind::kDiverged : FailureKind::kCrashed,
                             .message = "boom"}};
    };
  }
  const std::string recipe_ = RecipeText("s", kFourModels, "[1]");
  bool mended_ = false;
};

TEST_F(StudyRetryTest, ADivergedTrialIsTriedAgainOnlyWhenItIsAskedFor) {
  EXPECT_EQ(Run(recipe_).failed, 4);
  mended_ = true;
  EXPECT_EQ(Run(recipe_).complete, 2) << "the crashed ones";
  retry_ = {"crashed"};
  EXPECT_EQ(Run(recipe_).complete, 0);
  EXPECT_THAT(events_, Contains(HasSubstr("--retry crashed: there is nothing to try again")));
  retry_ = {"diverged"};
  EXPECT_EQ(Run(recipe_).complete, 2);
  EXPECT_THAT(events_, Contains(AllOf(HasSubstr("--retry diverged: tries again"), HasSubstr("LSTM"),
                                      HasSubstr("seed 1"))));
  ExpectAllComplete("s", 4);
  for (const TrialRecord& trial : Trials("s")) EXPECT_GE(trial.attempts, 2);
}

TEST_F(StudyRetryTest, OneThatFailsAgainHasAllItsTries) {
  EXPECT_EQ(Run(recipe_).failed, 4);
  outcome_of_ = [](const TrialFile& trial) -> AttemptOutcome {
    if (trial.attempt == 2) return {AttemptFailure{.kind = FailureKind::kCrashed}};
    return Complete(0.5);
  };
  retry_ = {"failed"};
  const StudyResult result = Run(recipe_);
  EXPECT_EQ(result.exit_code, 0) << "a crash after the old failure leaves one retry";
  ExpectAllComplete("s", 4);
}

TEST_F(StudyRetryTest, ATrialIsNamedAsElsewhere) {
  EXPECT_EQ(Run(recipe_).failed, 4);
  mended_ = true;
  const std::string name = Trials("s")[0].name;
  ASSERT_THAT(name, HasSubstr("LSTM"));
  retry_ = {"s/" + name + "/1", name + "#2"};
  EXPECT_THAT([&] { (void)Run(recipe_); },
              ThrowsMessage<UsageError>(AllOf(HasSubstr("'" + name + "#2' must be one of failed"),
                                              HasSubstr("diverged"))));
  retry_ = {name + "#1"};
  EXPECT_EQ(Run(recipe_).complete, 3);
  EXPECT_EQ(Trials("s")[0].state, TrialState::kComplete);
}

}  // namespace
}  // namespace beamgrid
