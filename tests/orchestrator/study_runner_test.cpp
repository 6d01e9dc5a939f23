// Studies from recipe to record with fake workers: reuse, retries, refusals, interrupts and the
// death of the orchestrator at every one of its steps.

#include "orchestrator/study_runner.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "registry/error.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/fake_executor.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAre;

constexpr char kFourModels[] =
    "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n"
    "[resources]\ndevices = [\"cpu\"]\nretries = 1\n";

AttemptOutcome Complete(double gap) {
  return {.complete = true,
          .result = {.metrics = {.gap = gap}, .parameters = 1, .size_bytes = 4, .device = "cpu"}};
}

std::string ComponentOf(const TrialFile& trial, const std::string& criterion) {
  return trial.spec.model.parts.at(criterion).component;
}

/// A machine that others use until they are said to have left.
class FakeResources : public Resources {
 public:
  TrialNeeds Needs(const ModelSpec& model, std::int64_t) override {
    return {.seconds = seconds_of ? seconds_of(model) : 0};
  }
  void Learn(const ModelSpec&, const TrialResult&) override { ++learnt; }
  bool Take(TrialId trial, const Slot&, const TrialNeeds&) override {
    ++asked;
    if (in_use > 0) {
      --in_use;
      return false;
    }
    return taken.insert(trial).second;
  }
  void GiveBack(TrialId trial) override { taken.erase(trial); }

  std::function<double(const ModelSpec&)> seconds_of;
  std::set<TrialId> taken;
  int in_use = 0;  ///< so many times a device is refused
  int asked = 0, learnt = 0;
};

class StudyRunnerTest : public ::testing::Test {
 protected:
  /// The seeds stand before [data], in [study].
  static std::string RecipeText(const std::string& name, const std::string& rest,
                                const std::string& seeds = "[1, 2]") {
    std::string head = RecipeHead();
    const std::string study = "name = \"test\"\n";
    head.replace(head.find(study), study.size(),
                 "name = \"" + name + "\"\nseeds = " + seeds + "\n");
    return head + rest;
  }

  DataSpec Data() const {
    return {.format = "frame",
            .train = {"/data/train.tfrecord"},
            .validate = {"/data/validate.tfrecord"},
            .classes = 10,
            .features = {{"rgb", 1024}, {"audio", 128}},
            .digest = "d1"};
  }

  StudyResult Run(const std::string& recipe_text, FakeExecutor& executor, Fuse* fuse = nullptr) {
    const Recipe recipe = ParseRecipe(recipe_text, "r.toml", catalogue_);
    DataSpec data = Data();
    data.on_error = recipe.data.on_error;
    Store store(folder_ / "test.db", OpenMode::kReadWrite);
    FakeCounter counter(size_of_, fuse);
    RecordingDisplay display(fuse);
    resources_.taken.clear();  // died with the orchestrator
    StudyRunner runner(recipe, catalogue_, data,
                       {.database = folder_ / "test.db",
                        .runs = folder_ / "runs",
                        .slots = std::vector<Slot>(slots_, {"cpu", 1})},
                       {.store = &store,
                        .executor = &executor,
                        .counter = &counter,
                        .display = &display,
                        .clock = [this] { return now_ += 10ms; },
                        .resources = &resources_});
    runner_ = &runner;
    const StudyResult result = runner.Run();
    events_ = display.events;
    state_ = display.last;
    counted_ = counter.counted;
    return result;
  }
  StudyResult Run(const std::string& recipe_text) {
    FakeExecutor executor(world_, outcome_of_);
    return Run(recipe_text, executor);
  }

  std::vector<TrialRecord> Trials(const std::string& study) const {
    const Store store(folder_ / "test.db", OpenMode::kReadOnly);
    return store.Trials(store.FindStudy(study)->id);
  }
  std::vector<std::string> Notes(const std::string& study, const std::string& name,
                                 std::int64_t seed) const {
    const Store store(folder_ / "test.db", OpenMode::kReadOnly);
    return store.Notes(store.FindStudy(study)->id, name, seed);
  }
  void ExpectAllComplete(const std::string& study, std::size_t count) const {
    const std::vector<TrialRecord> trials = Trials(study);
    EXPECT_EQ(trials.size(), count);
    for (const TrialRecord& trial : trials) {
      EXPECT_EQ(trial.state, TrialState::kComplete) << trial.name << " " << trial.seed;
    }
  }

  TemporaryFolder folder_;
  Catalogue catalogue_ = TestCatalogue();
  FakeWorld world_;
  FakeExecutor::OutcomeOf outcome_of_ = [](const TrialFile&) { return Complete(0.5); };
  FakeCounter::SizeOf size_of_;
  std::size_t slots_ = 2;
  FakeResources resources_;
  std::chrono::milliseconds now_{0};
  StudyRunner* runner_ = nullptr;  ///< valid while one runs
  std::vector<std::string> events_;
  ProgressState state_;
  int counted_ = 0;
};

TEST_F(StudyRunnerTest, RunsEveryTrialOnceAndRecordsIt) {
  FakeExecutor executor(world_, outcome_of_);
  const StudyResult result = Run(RecipeText("s", kFourModels), executor);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.complete, 8);
  EXPECT_EQ(result.attempts, 8);
  EXPECT_EQ(executor.most_running(), 2U);
  EXPECT_THAT(world_.trained, AllOf(SizeIs(8), Each(Pair(::testing::_, 1))));
  ExpectAllComplete("s", 8);
  EXPECT_EQ(counted_, 4);  // once a model, not once a seed
  EXPECT_EQ(state_.complete, 8);
  EXPECT_EQ(state_.planned, 8);
  EXPECT_TRUE(state_.running.empty());
}

TEST_F(StudyRunnerTest, TrialFilesSayAllThatAWorkerNeeds) {
  (void)Run(RecipeText("s", kFourModels, "[7]"));
  ASSERT_EQ(world_.trial_files.size(), 4U);
  const TrialFile& trial = world_.trial_files[0];
  EXPECT_EQ(trial.study, "s");
  EXPECT_EQ(trial.spec.seed, 7);
  EXPECT_EQ(trial.spec.data.digest, "d1");
  EXPECT_EQ(trial.fingerprint, Fingerprint(trial.spec));
  EXPECT_EQ(trial.resume_from, "");
  EXPECT_TRUE(world_.finished.begin()->first.starts_with((folder_ / "runs/s").string()));
}

TEST_F(StudyRunnerTest, RunningAgainRepeatsNothing) {
  const std::string recipe = RecipeText("s", kFourModels);
  (void)Run(recipe);
  const StudyResult again = Run(recipe);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.attempts, 0);
  EXPECT_EQ(again.reused, 8);
  EXPECT_EQ(counted_, 0);
  EXPECT_THAT(world_.trained, Each(Pair(::testing::_, 1)));
  EXPECT_EQ(state_.best, 0.5);
}

TEST_F(StudyRunnerTest, TrialsAreReusedAcrossStudiesWithANote) {
  (void)Run(RecipeText("first", kFourModels));
  const StudyResult second =
      Run(RecipeText("second",
                     "[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"blstm\"\n"
                     "[[grid.classifier]]\nuse = \"moe\"\n"));
  EXPECT_EQ(second.reused, 2);
  EXPECT_EQ(second.complete, 2);
  EXPECT_THAT(world_.trained, AllOf(SizeIs(10), Each(Pair(::testing::_, 1))));
  ExpectAllComplete("second", 4);
  EXPECT_THAT(Notes("second", Trials("second")[0].name, 1), ElementsAre(HasSubstr("reused")));
  EXPECT_THAT(Notes("first", Trials("first")[0].name, 1), IsEmpty());
}

TEST_F(StudyRunnerTest, AnotherRecipeOfTheSameNameIsRefused) {
  (void)Run(RecipeText("s", kFourModels));
  EXPECT_THROW((void)Run(RecipeText("s", "[[grid.temporal]]\nuse = \"mean\"\n")), UsageError);
}

TEST_F(StudyRunnerTest, AFailureIsRetriedAndThenForGood) {
  outcome_of_ = [](const TrialFile& trial) -> AttemptOutcome {
    if (ComponentOf(trial, "temporal") == "gru" && trial.spec.seed == 2) {
      return {.failure = FailureKind::kCrashed, .message = "boom", .log_tail = "last words"};
    }
    return Complete(0.5);
  };
  const StudyResult result = Run(RecipeText("s", kFourModels));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.failed, 2);
  EXPECT_EQ(result.complete, 6);
  EXPECT_EQ(result.attempts, 10);
  EXPECT_THAT(result.failures, ElementsAre(HasSubstr("seed 2: crashed: boom"), HasSubstr("boom")));
  for (const TrialRecord& trial : Trials("s")) {
    if (trial.state == TrialState::kComplete) continue;
    EXPECT_EQ(trial.state, TrialState::kFailed);
    EXPECT_EQ(trial.attempts, 2);
    EXPECT_EQ(trial.failure_log, "last words");
    EXPECT_THAT(Notes("s", trial.name, 2), ElementsAre(HasSubstr("tried again")));
  }
}

TEST_F(StudyRunnerTest, TheNextRunTriesFailedTrialsAfreshExceptDivergedOnes) {
  outcome_of_ = [](const TrialFile& trial) -> AttemptOutcome {
    const bool lstm = ComponentOf(trial, "temporal") == "lstm";
    return {.failure = lstm ? FailureKind::kDiverged : FailureKind::kOutOfMemory};
  };
  EXPECT_EQ(Run(RecipeText("s", kFourModels, "[1]")).attempts, 2 + 2 * 2);
  outcome_of_ = [](const TrialFile&) { return Complete(0.5); };
  const StudyResult again = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(again.complete, 2);
  EXPECT_EQ(again.failed, 2);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.failures, Each(HasSubstr("diverged")));
}

TEST_F(StudyRunnerTest, AFlakyWorkerSucceedsOnItsRetryFromItsCheckpoint) {
  outcome_of_ = [this](const TrialFile& trial) -> AttemptOutcome {
    if (trial.attempt == 1) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "runs")) {
        if (entry.path().filename() == kTrialFile) {
          WriteFileAtomically(entry.path().parent_path() / kLastCheckpoint, "weights");
        }
      }
      return {.failure = FailureKind::kHung};
    }
    return Complete(trial.resume_from.ends_with("/1/last.checkpoint") ? 0.9 : 0.1);
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.attempts, 8);
  for (const TrialRecord& trial : Trials("s")) EXPECT_EQ(trial.result->metrics.gap, 0.9);
}

TEST_F(StudyRunnerTest, ModelsBeyondTheEnsemblesLimitAreRefused) {
  size_of_ = [](const ModelSpec& model) -> CountAnswer {
    const bool large = model.parts.at("classifier").options.at("experts") == OptionValue(4);
    return ModelSize{1, large ? 2'000'000 : 1'000};
  };
  const std::string recipe =
      RecipeText("s", std::string(kFourModels) + "[ensemble]\nsize_limit = \"1MB\"\n");
  const StudyResult result = Run(recipe);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.complete, 4);
  EXPECT_EQ(result.refused, 4);
  ExpectAllComplete("s", 4);
  EXPECT_THAT(events_, Contains(HasSubstr("refused: 2000000 bytes are more than")));
  (void)Run(recipe);
  const std::string line = *std::find_if(events_.begin(), events_.end(), [](const auto& event) {
    return event.find("refused") != std::string::npos;
  });
  EXPECT_THAT(Notes("s", line.substr(0, line.find(' ')), 1), ElementsAre(HasSubstr("refused")));
}

TEST_F(StudyRunnerTest, ModelsThatTheTrainerRefusesAreNotStarted) {
  size_of_ = [](const ModelSpec& model) -> CountAnswer {
    if (model.parts.at("temporal").component == "gru") return "gru needs frames";
    return ModelSize{1, 4};
  };
  const StudyResult result = Run(RecipeText("s", kFourModels));
  EXPECT_EQ(result.refused, 4);
  EXPECT_EQ(result.complete, 4);
  EXPECT_THAT(events_, Contains(HasSubstr("the trainer refuses it: gru needs frames")));
}

TEST_F(StudyRunnerTest, DamagedDataStopTheStudy) {
  outcome_of_ = [](const TrialFile&) -> AttemptOutcome {
    return {.failure = FailureKind::kBadData, .message = "train0.tfrecord: byte 17: bad CRC"};
  };
  FakeExecutor executor(world_, outcome_of_);
  const StudyResult result = Run(RecipeText("s", kFourModels), executor);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.stopped_because, "train0.tfrecord: byte 17: bad CRC");
  EXPECT_EQ(result.attempts, 2);  // those that ran already
  EXPECT_EQ(executor.cancelled().size(), 1U);
  EXPECT_FALSE(result.interrupted);
}

TEST_F(StudyRunnerTest, DataErrorsThatAreToBeSkippedDoNotStopIt) {
  outcome_of_ = [](const TrialFile&) -> AttemptOutcome {
    return {.failure = FailureKind::kBadData, .message = "contradiction"};
  };
  std::string recipe = RecipeText("s", kFourModels);
  recipe.replace(recipe.find("classes = 10\n"), 13, "classes = 10\non_error = \"skip\"\n");
  const StudyResult result = Run(recipe);
  EXPECT_EQ(result.failed, 8);
  EXPECT_EQ(result.stopped_because, "");
}

TEST_F(StudyRunnerTest, OutOfMemoryIsTriedAgainAlone) {
  std::map<std::string, int> tries;
  outcome_of_ = [&tries](const TrialFile& trial) -> AttemptOutcome {
    const bool large = ComponentOf(trial, "temporal") == "lstm";
    if (!large || ++tries[trial.fingerprint] > 1) return Complete(0.5);
    return {.failure = FailureKind::kOutOfMemory, .message = "no memory left"};
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.attempts, 6);
  ExpectAllComplete("s", 4);
  EXPECT_THAT(world_.alone, SizeIs(2));
  const std::string name = Trials("s")[0].name;
  EXPECT_THAT(Notes("s", name, 1),
              Contains(AllOf(HasSubstr("no memory left"), HasSubstr("alone on its device"))));
}

TEST_F(StudyRunnerTest, OutOfMemoryAloneIsFinalWhateverTheRetries) {
  outcome_of_ = [](const TrialFile&) -> AttemptOutcome {
    return {.failure = FailureKind::kOutOfMemory, .message = "no memory left"};
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[1]"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.failed, 4);
  EXPECT_EQ(result.attempts, 8);
}

TEST_F(StudyRunnerTest, AMachinesFaultStopsTheStudyAndCostsNothing) {
  const std::pair<FailureKind, std::string> kFaults[] = {{FailureKind::kStartFailed, "[1]"},
                                                         {FailureKind::kEnvironment, "[2]"}};
  for (const auto& [fault, seeds] : kFaults) {
    const FailureKind kind = fault;
    outcome_of_ = [kind](const TrialFile&) -> AttemptOutcome {
      return {.failure = kind, .message = "/runs: disk full; make room"};
    };
    const StudyResult result = Run(RecipeText(ToString(kind), kFourModels, seeds));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.failed, 0);
    EXPECT_LE(result.attempts, 2);
    EXPECT_THAT(result.stopped_because, HasSubstr("make room"));
    for (const TrialRecord& trial : Trials(ToString(kind))) {
      EXPECT_EQ(trial.state, TrialState::kWaiting);
      EXPECT_EQ(trial.failed_attempts, 0);
    }
    outcome_of_ = [](const TrialFile&) { return Complete(0.5); };
    EXPECT_EQ(Run(RecipeText(ToString(kind), kFourModels, seeds)).exit_code, 0);
  }
}

TEST_F(StudyRunnerTest, DevicesInUseByOthersAreAskedAgain) {
  resources_.in_use = 5;
  const StudyResult result = Run(RecipeText("s", kFourModels));
  EXPECT_EQ(result.complete, 8);
  EXPECT_EQ(result.attempts, 8) << "a refusal is no attempt";
  EXPECT_EQ(resources_.asked, 13);
  EXPECT_EQ(resources_.learnt, 8);
  EXPECT_THAT(resources_.taken, IsEmpty());
  EXPECT_THAT(events_, Contains(HasSubstr("shared with other studies")).Times(1));
}

TEST_F(StudyRunnerTest, TheLongestExpectedStartsFirst) {
  resources_.seconds_of = [](const ModelSpec& model) {
    return model.parts.at("temporal").component == "gru" ? 100.0 : 1.0;
  };
  resources_.in_use = 1;  // so that all wait when the first is chosen
  (void)Run(RecipeText("s", kFourModels, "[1]"));
  ASSERT_EQ(world_.started.size(), 4U);
  EXPECT_THAT(world_.started[0], HasSubstr("GRU"));
  EXPECT_THAT(world_.started[1], HasSubstr("GRU"));
}

TEST_F(StudyRunnerTest, WaitingTrialsAreForecastAgainWhenSomethingIsMeasured) {
  resources_.seconds_of = [this](const ModelSpec& model) {
    const bool gru = model.parts.at("temporal").component == "gru";
    return resources_.learnt > 0 && gru ? 100.0 : 1.0;
  };
  (void)Run(RecipeText("s", kFourModels, "[1, 2]"));
  ASSERT_EQ(world_.started.size(), 8U);
  EXPECT_THAT(world_.started[0], HasSubstr("LSTM"));
  const auto first_gru = std::ranges::find_if(
      world_.started, [](const std::string& name) { return name.find("GRU") != name.npos; });
  const auto last_gru =
      std::find_if(world_.started.rbegin(), world_.started.rend(),
                   [](const std::string& name) { return name.find("GRU") != name.npos; });
  EXPECT_LE(first_gru - world_.started.begin(), 3);
  EXPECT_NE(last_gru, world_.started.rbegin()) << "the short ones are left for the end";
}

TEST_F(StudyRunnerTest, AnInterruptStopsCleanlyAndRunGoesOn) {
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

TEST_F(StudyRunnerTest, ASecondInterruptKillsAtOnce) {
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [&] {
    runner_->Interrupt();
    runner_->Interrupt();
    executor.held = {world_.started.begin(), world_.started.end()};
  };
  EXPECT_EQ(Run(RecipeText("s", kFourModels), executor).exit_code, 130);
  EXPECT_THAT(executor.cancelled(), AllOf(SizeIs(2), Each(Pair(::testing::_, 0ms))));
}

TEST_F(StudyRunnerTest, GreedyFindsThePlantedBestOfEveryCriterion) {
  outcome_of_ = [](const TrialFile& trial) {
    double gap = 0.5;
    if (ComponentOf(trial, "temporal") == "gru") gap += 0.1;
    if (ComponentOf(trial, "multimodal") == "sum") gap += 0.05;
    if (ComponentOf(trial, "classifier") == "moe") gap += 0.2;
    return Complete(gap + 0.001 * static_cast<double>(trial.spec.seed));
  };
  const StudyResult result = Run(RecipeText(
      "s",
      "[[grid.multimodal]]\nuse = \"concat\"\n[[grid.multimodal]]\nuse = \"sum\"\n"
      "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n"
      "[[grid.temporal]]\nuse = \"mean\"\n"
      "[[grid.classifier]]\nuse = \"logistic\"\n[[grid.classifier]]\nuse = \"moe\"\n"
      "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", \"multimodal\", \"classifier\"]\n"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.decisions,
              ElementsAre(HasSubstr("temporal: GRU wins"), HasSubstr("multimodal: MS wins"),
                          HasSubstr("classifier: MoE2 wins"), HasSubstr("MS-GRU-MoE2")));
  EXPECT_EQ(state_.best_name, [&] {
    double best = 0;
    std::string name;
    for (const TrialRecord& trial : Trials("s")) {
      if (trial.result->metrics.gap > best) {
        best = trial.result->metrics.gap;
        name = trial.name;
      }
    }
    return name;
  }());
  EXPECT_THAT(world_.trained, Each(Pair(::testing::_, 1)));
}

TEST_F(StudyRunnerTest, TheTimeoutOfTheRecipeReachesTheExecutor) {
  FakeExecutor executor(world_, outcome_of_);
  (void)Run(RecipeText("s", std::string(kFourModels) + "timeout = \"1.5m\"\n"), executor);
  EXPECT_EQ(executor.timeout(), 90s);
}

/// Kills the orchestrator at its n-th step for every n, then runs again until it is done.
TEST_F(StudyRunnerTest, DeathAtEveryStepLosesNothingAndRepeatsNothing) {
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
TEST_F(StudyRunnerTest, RandomDeathsAndFailuresEndInTheSameRecord) {
  outcome_of_ = [](const TrialFile& trial) -> AttemptOutcome {
    if (trial.attempt % 2 == 1) return {.failure = FailureKind::kCrashed, .message = "flaky"};
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

TEST_F(StudyRunnerTest, ATrialThatAnotherStudyIsTrainingIsWaitedForAndReused) {
  // Another orchestrator lives: it holds its study's lock and has begun one trial of ours.
  (void)Run(RecipeText("s", "[[grid.temporal]]\nuse = \"lstm\"\n", "[1]"));
  const TrialSpec shared = [&] {
    TrialSpec spec = world_.trial_files.at(0).spec;
    spec.seed = 2;
    return spec;
  }();
  Store other(folder_ / "test.db", OpenMode::kReadWrite);
  auto other_lock = std::make_unique<StudyLock>(folder_ / "test.db", "other");
  const StudyId study = other.OpenStudy({.name = "other", .recipe_digest = "x"});
  const TrialId trial = other.AddTrials(
      study, {{.name = "LSTM", .fingerprint = Fingerprint(shared), .spec = shared}})[0];
  const auto directory = (folder_ / "runs/other/LSTM-s2/1").string();
  const std::int64_t attempt = other.BeginAttempt(trial, directory, "cpu", 1);

  FakeExecutor executor(world_, outcome_of_);
  int polls = 0;
  executor.on_poll = [&] {
    now_ += 2s;
    if (++polls == 5) other.FinishAttempt(trial, attempt, Complete(0.8), TrialState::kComplete);
  };
  const StudyResult result =
      Run(RecipeText("t", "[[grid.temporal]]\nuse = \"lstm\"\n", "[2]"), executor);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.attempts, 0);
  EXPECT_EQ(result.reused, 1);
  EXPECT_EQ(world_.reconciled, 0);
  EXPECT_EQ(Trials("t")[0].result->metrics.gap, 0.8);
}

TEST_F(StudyRunnerTest, ATrialOfAnotherStudysDeadOrchestratorIsTakenOver) {
  (void)Run(RecipeText("s", "[[grid.temporal]]\nuse = \"lstm\"\n", "[1]"));
  TrialSpec shared = world_.trial_files.at(0).spec;
  shared.seed = 2;
  {
    Store other(folder_ / "test.db", OpenMode::kReadWrite);
    const StudyId study = other.OpenStudy({.name = "other", .recipe_digest = "x"});
    const TrialId trial = other.AddTrials(
        study, {{.name = "LSTM", .fingerprint = Fingerprint(shared), .spec = shared}})[0];
    (void)other.BeginAttempt(trial, (folder_ / "runs/other/LSTM-s2/1").string(), "cpu", 1);
  }
  const StudyResult result = Run(RecipeText("t", "[[grid.temporal]]\nuse = \"lstm\"\n", "[2]"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.complete, 1);
  EXPECT_EQ(world_.reconciled, 1);
  EXPECT_EQ(Trials("t")[0].attempts, 2);
}

TEST_F(StudyRunnerTest, AHugeGridIsNeverMaterialised) {
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [&] {
    if (world_.started.size() >= 40) runner_->Interrupt();
  };
  std::string experts = "1", hidden = "1";
  for (int i = 2; i <= 64; ++i) experts += ", " + std::to_string(i);
  for (int i = 2; i <= 4'000; ++i) hidden += ", " + std::to_string(i);
  const StudyResult result =
      Run(RecipeText("s",
                     "[[grid.temporal]]\nuse = \"gru\"\nhidden = [" + hidden +
                         "]\nlayers = [1, 2, 3, 4]\n[[grid.classifier]]\n"
                         "use = \"moe\"\nexperts = [" +
                         experts + "]\n",
                     "[1]"),
          executor);
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(state_.planned, 4'000 * 4 * 64);
  EXPECT_LT(Trials("s").size(), 150U);
}

TEST_F(StudyRunnerTest, AnUnwritableRunsFolderIsAnError) {
  WriteFileAtomically(folder_ / "runs", "a file where the folder should be");
  try {
    (void)Run(RecipeText("s", kFourModels));
    FAIL() << "ran without a folder";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("cannot create the folder"), HasSubstr("--runs")));
  }
  std::filesystem::remove(folder_ / "runs");
  EXPECT_EQ(Run(RecipeText("s", kFourModels)).complete, 8);
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

TEST_F(StudyRunnerTest, WhereTheRecordCannotBeWrittenWorkersWriteTheirCheckpoints) {
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

TEST_F(StudyRunnerTest, AnInterruptWhileWorkersWriteTheirCheckpointsKillsThem) {
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

// ---- Trials that start from others --------------------------------------------------------------

class StudyStartTest : public StudyRunnerTest {
 protected:
  StudyStartTest() {
    catalogue_ = CatalogueWithFrom();
    outcome_of_ = [](const TrialFile& trial) {
      AttemptOutcome outcome = Complete(0.5);
      outcome.result.artifacts = {{.name = "model",
                                   .path = "model.pt",
                                   .bytes = 1,
                                   .hash = "hash of " + trial.fingerprint}};
      return outcome;
    };
  }
  static constexpr char kOneModel[] = "[resources]\ndevices = [\"cpu\"]\n";
};

TEST_F(StudyStartTest, EachSeedGetsTheWeightsOfItsOwnSeed) {
  ASSERT_EQ(Run(RecipeText("one", kOneModel)).exit_code, 0);
  const std::string name = Trials("one")[0].name;
  const std::string second =
      RecipeText("two", "[train]\nfrom = \"one/" + name + "\"\n" + kOneModel);
  world_.trial_files.clear();
  ASSERT_EQ(Run(second).exit_code, 0);
  ASSERT_EQ(world_.trial_files.size(), 2U);
  for (const TrialFile& file : world_.trial_files) {
    const TrialRecord source = Trials("one").at(static_cast<std::size_t>(file.spec.seed - 1));
    EXPECT_EQ(source.seed, file.spec.seed);
    EXPECT_EQ(file.spec.start, source.fingerprint);
    EXPECT_EQ(file.start_model, source.directory + "/model.pt");
    EXPECT_EQ(file.start_hash, "hash of " + source.fingerprint);
    EXPECT_EQ(file.fingerprint, Fingerprint(file.spec));
    EXPECT_NE(file.fingerprint, source.fingerprint);
  }
  EXPECT_THAT(Notes("two", Trials("two")[0].name, 1), Contains(HasSubstr("starts from one/")));

  const StudyResult again = Run(second);
  EXPECT_EQ(again.reused, 2);
  EXPECT_EQ(again.attempts, 0);
}

TEST_F(StudyStartTest, AnotherNameOfTheSameStartIsTheSameTrial) {
  ASSERT_EQ(Run(RecipeText("one", kOneModel, "[1]")).exit_code, 0);
  const TrialRecord source = Trials("one")[0];
  const auto recipe = [&](const std::string& study, const std::string& from) {
    return RecipeText(study, "[train]\nfrom = \"" + from + "\"\n" + kOneModel, "[1]");
  };
  EXPECT_EQ(Run(recipe("two", "one/" + source.name)).complete, 1);
  EXPECT_EQ(Run(recipe("three", source.fingerprint)).reused, 1);
}

TEST_F(StudyStartTest, AStartThatIsNotThereStopsTheStudyBeforeItBegins) {
  const std::string recipe =
      RecipeText("two", std::string("[train]\nfrom = \"one/A\"\n") + kOneModel);
  EXPECT_THROW((void)Run(recipe), RecipeError);
  EXPECT_THAT(world_.started, IsEmpty());
  const Store store(folder_ / "test.db", OpenMode::kReadOnly);
  EXPECT_FALSE(store.FindStudy("two"));
}

}  // namespace
}  // namespace beamgrid
