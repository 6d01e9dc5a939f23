// Studies that end too early: interrupts, the death of the orchestrator at every one of its steps,
// and a record that cannot be written.

#include "tests/orchestrator/study/study_runner_fixture.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <optional>
#include <set>

#include "orchestrator/study/study_plan.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

using StudyInterruptionTest = StudyRunnerTest;

TEST_F(StudyInterruptionTest, AnInterruptStopsCleanlyAndRunGoesOn) {
  FakeExecutor executor(world_, outcome_of_);
  int polls = 0;
  executor.on_poll = [&] {
    if (++polls == 2) {
      runner_->Interrupt();
      executor.held = {world_.started.end()[-1], world_.started.end()[-2]};
    }
  };
  const std::string recipe = RecipeText("s", kFourModels);
  const StudyResult stopped = Run(recipe, executor);
  EXPECT_EQ(stopped.exit_code, 130);
  EXPECT_TRUE(stopped.interrupted);
  EXPECT_EQ(stopped.complete, 2);
  EXPECT_EQ(executor.wakes(), 1);
  EXPECT_THAT(executor.cancelled(), AllOf(SizeIs(2), Each(Pair(::testing::_, 30'000ms))));
  EXPECT_TRUE(state_.stopping);

  const StudyResult rest = Run(recipe);
  EXPECT_EQ(rest.exit_code, 0);
  EXPECT_EQ(rest.complete, 6);
  EXPECT_EQ(rest.reused, 2);
  ExpectAllComplete("s", 8);
  EXPECT_THAT(world_.trained, Each(Pair(::testing::_, 1)));
  std::size_t resumed = 0;
  for (const TrialFile& trial : world_.trial_files) resumed += trial.resume_from.empty() ? 0 : 1;
  EXPECT_EQ(resumed, 2U);
  for (const TrialRecord& trial : Trials("s")) EXPECT_EQ(trial.failed_attempts, 0);
}

TEST_F(StudyInterruptionTest, ASecondInterruptKillsAtOnce) {
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [&] {
    runner_->Interrupt();
    runner_->Interrupt();
    executor.held = {world_.started.begin(), world_.started.end()};
  };
  EXPECT_EQ(Run(RecipeText("s", kFourModels), executor).exit_code, 130);
  EXPECT_THAT(executor.cancelled(), AllOf(SizeIs(2), Each(Pair(::testing::_, 0ms))));
}

/// Kills the orchestrator at its n-th step for every n, then runs again until it is done.
TEST_F(StudyInterruptionTest, DeathAtEveryStepLosesNothingAndRepeatsNothing) {
  slots_ = 2;
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
    bool killed = false;
    Fuse fuse(kill_at);
    try {
      FakeExecutor executor(world_, outcome_of_, &fuse);
      EXPECT_EQ(Run(recipe, executor, &fuse).exit_code, 0);
    } catch (const Killed&) {
      killed = true;
    }
    if (!killed) {
      steps = fuse.burnt();
      EXPECT_GT(steps, 20);
      continue;
    }
    const StudyResult result = Run(recipe);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.failed, 0);
    ExpectAllComplete("s", 4);
    EXPECT_THAT(world_.trained, AllOf(SizeIs(4), Each(Pair(::testing::_, 1))));
    for (const TrialRecord& trial : Trials("s")) EXPECT_EQ(trial.failed_attempts, 0);
  }
}

/// Two deaths in a row, at random steps, with failing workers: still every trial ends once.
TEST_F(StudyInterruptionTest, RandomDeathsAndFailuresEndInTheSameRecord) {
  outcome_of_ = [](const TrialFile& trial) -> AttemptOutcome {
    if (trial.attempt % 2 == 1)
      return {AttemptFailure{.kind = FailureKind::kCrashed, .message = "flaky"}};
    return Complete(0.25);
  };
  const std::string recipe = RecipeText("s", std::string(kFourModels));
  for (std::int64_t round = 0; round < 8; ++round) {
    SCOPED_TRACE(round);
    std::filesystem::remove_all(folder_ / "runs");
    for (const char* file : {"test.db", "test.db-wal", "test.db-shm"}) {
      std::filesystem::remove(folder_ / file);
    }
    world_ = {};
    for (const std::int64_t kill_at : {7 + 3 * round, 5 + 7 * round % 31}) {
      Fuse fuse(kill_at);
      try {
        FakeExecutor executor(world_, outcome_of_, &fuse);
        (void)Run(recipe, executor, &fuse);
      } catch (const Killed&) {
      }
    }
    (void)Run(recipe);
    (void)Run(recipe);  // tries again what two deaths and a crash may have used up
    ExpectAllComplete("s", 8);
    EXPECT_THAT(world_.trained, AllOf(SizeIs(8), Each(Pair(::testing::_, 1))));
  }
}

/// Makes every change of the table fail until it is destroyed.
class BrokenTable {
 public:
  BrokenTable(const std::filesystem::path& database, const std::string& table)
      : database_(database, SQLite::OPEN_READWRITE) {
    database_.exec("CREATE TRIGGER broken BEFORE UPDATE ON " + table +
                   " BEGIN SELECT RAISE(ABORT, 'no more'); END");
  }
  ~BrokenTable() { database_.exec("DROP TRIGGER broken"); }
  BrokenTable(const BrokenTable&) = delete;
  BrokenTable& operator=(const BrokenTable&) = delete;

 private:
  SQLite::Database database_;
};

TEST_F(StudyInterruptionTest, WhereTheRecordCannotBeWrittenWorkersWriteTheirCheckpoints) {
  FakeExecutor executor(world_, outcome_of_);
  std::optional<BrokenTable> broken;
  executor.on_poll = [&] {
    if (broken) return;
    executor.held = {world_.started.at(0)};
    broken.emplace(folder_ / "test.db", "trial");
  };
  const std::string recipe = RecipeText("s", kFourModels, "[1]");
  EXPECT_THAT([&] { (void)Run(recipe, executor); }, ThrowsMessage<Error>(HasSubstr("no more")));
  // The other one had ended: its files tell.
  EXPECT_THAT(executor.cancelled(), ElementsAre(Pair(::testing::_, 30'000ms)));
  EXPECT_THAT(world_.trained, SizeIs(1));
  broken.reset();

  EXPECT_EQ(Run(recipe).exit_code, 0);
  ExpectAllComplete("s", 4);
  EXPECT_THAT(world_.trained, Each(Pair(::testing::_, 1)));
  std::size_t resumed = 0;
  for (const TrialFile& trial : world_.trial_files) resumed += trial.resume_from.empty() ? 0 : 1;
  EXPECT_EQ(resumed, 1U);
}

/// A greedy study is stopped before its second stage; one candidate of the first has diverged. The
/// plan then names the very trials that the next run starts.
TEST_F(StudyInterruptionTest, ThePlanGoesOnAsTheRunDoes) {
  const std::string recipe =
      RecipeText("s",
                 "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n"
                 "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n"
                 "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", \"classifier\"]\n");
  outcome_of_ = [](const TrialFile& trial) -> AttemptOutcome {
    if (ComponentOf(trial, "temporal") == "gru") return Complete(0.5);
    return {AttemptFailure{.kind = FailureKind::kDiverged}};
  };
  FakeExecutor executor(world_, outcome_of_);
  int polls = 0;
  executor.on_poll = [&] {
    if (++polls == 2) runner_->Interrupt();
  };
  const StudyResult stopped = Run(recipe, executor);
  EXPECT_EQ(stopped.failed, 2);
  EXPECT_EQ(stopped.complete, 2);

  std::set<std::string> planned, ended;
  const Recipe parsed = ParseRecipe(recipe, "r.toml", catalogue_);
  const DataSpec data = Data();
  FakeCounter counter;
  {
    const Store store(folder_ / "test.db", OpenMode::kReadOnly);
    PlanSink sink;
    sink.on_trial = [&](const StudyTrial& trial) {
      const bool waits = PlannedState(trial) == TrialState::kWaiting;
      (waits ? planned : ended).insert(ToString(trial.label()));
    };
    const PlanTotals totals = PlanStudy({.recipe = &parsed,
                                         .catalogue = &catalogue_,
                                         .data = &data,
                                         .store = &store,
                                         .counter = &counter},
                                        sink);
    EXPECT_EQ(totals.complete, 2);
    ASSERT_THAT(totals.decisions, SizeIs(1));
    EXPECT_THAT(totals.decisions[0], HasSubstr("GRU wins"));
  }
  EXPECT_THAT(ended, SizeIs(4));
  ASSERT_THAT(planned, SizeIs(2)) << "the second stage's other classifier, for each seed";

  world_.trial_files.clear();
  EXPECT_EQ(Run(recipe).failed, 2);
  std::set<std::string> started;
  for (const TrialFile& trial : world_.trial_files) {
    started.insert(ToString(TrialLabel{trial.name, trial.spec.seed}));
  }
  EXPECT_EQ(started, planned);
}

TEST_F(StudyInterruptionTest, AnEndThatCannotBeReadIsNotWaitedFor) {
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [&] {
    if (!executor.unreadable.empty()) return;
    executor.held = {world_.started.at(0)};
    executor.unreadable = {world_.started.at(1)};
  };
  const std::string recipe = RecipeText("s", kFourModels, "[1]");
  EXPECT_THAT([&] { (void)Run(recipe, executor); },
              ThrowsMessage<Error>(HasSubstr("cannot be read")));
  EXPECT_EQ(Run(recipe).exit_code, 0);
  ExpectAllComplete("s", 4);
  EXPECT_THAT(world_.trained, Each(Pair(::testing::_, 1)));
}

TEST_F(StudyInterruptionTest, AnInterruptWhileWorkersWriteTheirCheckpointsKillsThem) {
  FakeExecutor executor(world_, outcome_of_);
  int polls = 0;
  executor.on_poll = [&] {
    executor.held = {world_.started.begin(), world_.started.end()};
    if (++polls == 1) throw Error("the record is gone");
    runner_->Interrupt();
    executor.deaf = polls < 4;
  };
  EXPECT_THROW((void)Run(RecipeText("s", kFourModels), executor), Error);
  EXPECT_THAT(executor.cancelled(), AllOf(SizeIs(2), Each(Pair(::testing::_, 0ms))));
}

}  // namespace
}  // namespace beamgrid
