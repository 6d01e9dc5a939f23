// Studies that halve and that race seeds: no epoch twice, the same answer after any death, and what
// was let go is told as such.

#include "orchestrator/study/study_plan.h"
#include "tests/orchestrator/study/study_runner_fixture.h"

namespace beamgrid {
namespace study_halving_test {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr std::int64_t kEpochs = 9;

const std::string kNine =
    "[train]\nepochs = 9\n"
    "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
    "[search]\nstrategy = \"halving\"\neta = 3\n";

class StudyHalvingTest : public StudyRunnerTest {
 protected:
  StudyHalvingTest() {
    outcome_of_ = [this](const TrialFile& trial) { return End(trial); };
  }

  static double Experts(const TrialFile& trial) {
    return trial.spec.model.parts.at("classifier").options.at("experts").to_number<double>();
  }

  /// Of each model the curve rises and then falls a little, so that the best epoch is no end.
  static double Score(const TrialFile& trial, std::int64_t epoch) {
    const double peak = epoch <= 7 ? static_cast<double>(epoch) : 14.0 - static_cast<double>(epoch);
    return 0.05 * Experts(trial) + 0.01 * peak;
  }

  static std::int64_t EndOf(const TrialFile& trial) {
    return trial.until_epoch > 0 ? std::min(trial.until_epoch, kEpochs) : kEpochs;
  }

  std::vector<Message> Say(const TrialFile& trial) {
    std::int64_t& epoch = epoch_of_[trial.fingerprint];
    if (trial.resume_from.empty()) epoch = 0;
    std::vector<Message> said = {Started{.pid = 4'000'000,
                                         .parameters = 1,
                                         .size_bytes = 4,
                                         .epochs = kEpochs,
                                         .train_examples = 10,
                                         .resumed_examples = 10 * epoch}};
    const auto result = [&](std::int64_t of) {
      return EpochResult{.epoch = of, .metrics = {.gap = Score(trial, of)}};
    };
    for (std::int64_t earlier = 1; earlier <= epoch; ++earlier) {
      said.emplace_back(Evaluated{.epoch = result(earlier), .earlier = true});
    }
    while (epoch < EndOf(trial)) {
      ++trained_[{trial.fingerprint, ++epoch}];
      said.emplace_back(Evaluated{.epoch = result(epoch)});
    }
    return said;
  }

  AttemptOutcome End(const TrialFile& trial) {
    if (EndOf(trial) < kEpochs) {
      return {AttemptFailure{.kind = FailureKind::kInterrupted, .message = "paused"}};
    }
    TrialResult result{.metrics = {.gap = Score(trial, 7)},
                       .best_epoch = 7,
                       .parameters = 1,
                       .size_bytes = 4,
                       .device = "cpu"};
    for (std::int64_t epoch = 1; epoch <= kEpochs; ++epoch) {
      result.epochs.push_back({.epoch = epoch, .metrics = {.gap = Score(trial, epoch)}});
    }
    return {result};
  }

  StudyResult RunHalving(const std::string& recipe, Fuse* fuse = nullptr) {
    FakeExecutor executor(world_, outcome_of_, fuse);
    executor.says = [this](const TrialFile& trial) { return Say(trial); };
    return Run(recipe, executor, fuse);
  }

  std::map<std::string, std::int64_t> epoch_of_;  ///< by fingerprint: where the checkpoint stands
  std::map<std::pair<std::string, std::int64_t>, int> trained_;  ///< by fingerprint and epoch
};

std::map<std::string, TrialState> StatesOf(const std::vector<TrialRecord>& trials) {
  std::map<std::string, TrialState> states;
  for (const TrialRecord& trial : trials) {
    states[trial.name + " " + std::to_string(trial.seed)] = trial.state;
  }
  return states;
}

TEST_F(StudyHalvingTest, TrainsNoEpochTwiceAndLetsGoWhatIsBehind) {
  const std::string recipe = RecipeText("s", kNine, "[1]");
  const StudyResult result = RunHalving(recipe);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.complete, 1);
  EXPECT_THAT(result.decisions, Contains(HasSubstr("rung 1, epoch 1: 3 of 9 models go on")));
  // 9 models for one epoch, 3 for two more, 1 for the last six.
  EXPECT_THAT(trained_, AllOf(SizeIs(9 + 3 * 2 + 6), Each(Pair(::testing::_, 1))));
  for (const auto& [label, state] : StatesOf(Trials("s"))) {
    EXPECT_EQ(state, label == "MC-Mean-MoE9 1" ? TrialState::kComplete : TrialState::kPruned)
        << label;
  }
  EXPECT_THAT(Notes("s", "MC-Mean-MoE8", 1),
              ElementsAre("asked for: rung 1: every candidate is trained to epoch 1",
                          "asked for: rung 2: place 2 after epoch 1 has it trained on to epoch 3",
                          "it was let go after epoch 3 with 0.43000 (0.41000 a rung before): place "
                          "2 of 3, of which 1 went "
                          "on"));
  for (const TrialRecord& trial : Trials("s")) EXPECT_EQ(trial.failed_attempts, 0);

  trained_.clear();
  const StudyResult again = RunHalving(recipe);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.decisions, result.decisions);
  EXPECT_THAT(trained_, SizeIs(0));
}

TEST_F(StudyHalvingTest, DeathAtEveryStepEndsInTheSameAnswer) {
  const std::string recipe =
      RecipeText("s",
                 "[train]\nepochs = 9\n[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3]\n"
                 "[search]\nstrategy = \"halving\"\neta = 3\nmin_epochs = 3\n",
                 "[1, 2]");
  const StudyResult undisturbed = RunHalving(recipe);
  const auto states = StatesOf(Trials("s"));
  std::int64_t steps = 0;
  for (std::int64_t kill_at = 1; steps == 0 || kill_at <= steps; ++kill_at) {
    SCOPED_TRACE("killed at step " + std::to_string(kill_at));
    std::filesystem::remove_all(folder_ / "runs");
    for (const char* file : {"test.db", "test.db-wal", "test.db-shm"}) {
      std::filesystem::remove(folder_ / file);
    }
    world_ = {};
    trained_.clear();
    epoch_of_.clear();
    Fuse fuse(kill_at);
    try {
      (void)RunHalving(recipe, &fuse);
      steps = fuse.burnt();
      break;
    } catch (const Killed&) {
    }
    const StudyResult result = RunHalving(recipe);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.decisions, undisturbed.decisions);
    EXPECT_EQ(StatesOf(Trials("s")), states);
  }
  EXPECT_GT(steps, 50);
}

TEST_F(StudyHalvingTest, OfAModelWithASeedThatFailsNothingWaitsAtTheEnd) {
  FakeExecutor executor(world_, [this](const TrialFile& trial) -> AttemptOutcome {
    if (Experts(trial) == 9 && trial.spec.seed == 2) {
      return {AttemptFailure{.kind = FailureKind::kDiverged, .message = "NaN"}};
    }
    return End(trial);
  });
  executor.says = [this](const TrialFile& trial) {
    return Experts(trial) == 9 && trial.spec.seed == 2 ? std::vector<Message>() : Say(trial);
  };
  EXPECT_EQ(Run(RecipeText("s", kNine, "[1, 2]"), executor).failed, 1);
  auto states = StatesOf(Trials("s"));
  EXPECT_EQ(states.at("MC-Mean-MoE9 1"), TrialState::kPruned);
  EXPECT_EQ(states.at("MC-Mean-MoE9 2"), TrialState::kFailed);
  for (const auto& [label, state] : states) EXPECT_NE(state, TrialState::kWaiting) << label;
  EXPECT_THAT(Notes("s", "MC-Mean-MoE9", 1),
              Contains("it was let go after epoch 1: another seed of it failed"));
}

TEST_F(StudyHalvingTest, AnotherStudyTrainsOnWhatWasLetGo) {
  (void)RunHalving(RecipeText("s", kNine, "[1]"));
  std::string grid = RecipeText("grid", kNine, "[1]");
  const std::string search = "strategy = \"halving\"\neta = 3";
  grid.replace(grid.find(search), search.size(), "strategy = \"grid\"");
  trained_.clear();
  EXPECT_EQ(RunHalving(grid).complete, 8);
  // Of 9 x 9 epochs in all: what the first study trained is not trained again.
  EXPECT_THAT(trained_, AllOf(SizeIs(81 - 21), Each(Pair(::testing::_, 1))));
  ExpectAllComplete("grid", 9);
  // What the trials came to later does not change what the first study decided.
  EXPECT_THAT(RunHalving(RecipeText("s", kNine, "[1]")).decisions,
              Contains(HasSubstr("rung 2, epoch 3: 1 of 3 models goes on; best: MC-Mean-MoE9 with "
                                 "0.48000")));
}

TEST_F(StudyHalvingTest, ThePlanGoesOnAsTheRunDoes) {
  const std::string recipe = RecipeText("s", kNine, "[1]");
  std::vector<std::string> trained_on;
  const auto planned = [&] {
    const Recipe parsed = ParseRecipe(recipe, "r.toml", catalogue_);
    const DataSpec data = Data();
    FakeCounter counter;
    const Store store(database_, OpenMode::kReadOnly);
    std::vector<std::string> names;
    PlanSink sink;
    const auto text = [](const StudyTrial& trial) {
      return trial.name + " to " + std::to_string(trial.until_epoch);
    };
    sink.on_trial = [&](const StudyTrial& trial) { names.push_back(text(trial)); };
    trained_on.clear();
    sink.on_trained_on = [&](const StudyTrial& trial) { trained_on.push_back(text(trial)); };
    (void)PlanStudy({.recipe = &parsed,
                     .catalogue = &catalogue_,
                     .data = &data,
                     .store = &store,
                     .counter = &counter},
                    sink);
    return names;
  };
  {
    const Store made(database_, OpenMode::kReadWrite);
  }
  EXPECT_THAT(planned(), AllOf(SizeIs(9), Each(HasSubstr(" to 1"))));
  (void)RunHalving(recipe);
  // A trial once, however far it is asked for; what it costs is told of each rung.
  EXPECT_THAT(planned(), SizeIs(9));
  EXPECT_THAT(trained_on, ElementsAre("MC-Mean-MoE9 to 3", "MC-Mean-MoE8 to 3", "MC-Mean-MoE7 to 3",
                                      "MC-Mean-MoE9 to 0"));
}

TEST_F(StudyHalvingTest, AnotherStudyOfTheSameTrialsSaysWhyItLetGo) {
  (void)RunHalving(RecipeText("s", kNine, "[1]"));
  trained_.clear();
  // All is known, so that every rung is decided at once.
  (void)RunHalving(RecipeText("other", kNine, "[1]"));
  EXPECT_THAT(trained_, SizeIs(0));
  for (const std::string experts : {"1", "6", "7", "8"}) {
    EXPECT_THAT(Notes("other", "MC-Mean-MoE" + experts, 1), Contains(HasSubstr("it was let go")))
        << experts;
  }
}

TEST_F(StudyHalvingTest, SeedsRaceInAStudy) {
  const std::string recipe =
      RecipeText("s", "[[grid.classifier]]\nuse = \"moe\"\nexperts = [1, 2, 3, 4, 5, 6]\n",
                 "{ min = 1, max = 4 }");
  // MoE5 and MoE6 differ by less than their seeds.
  outcome_of_ = [](const TrialFile& trial) {
    const double experts = Experts(trial);
    const double worth = experts >= 5 ? 0.8 + 0.0001 * experts : 0.1 * experts;
    return Complete(worth + (trial.spec.seed % 2 == 0 ? 0.001 : 0.0));
  };
  const StudyResult result = Run(recipe);
  EXPECT_EQ(result.exit_code, 0);
  std::map<std::string, int> seeds;
  for (const TrialRecord& trial : Trials("s")) ++seeds[trial.name];
  // The best four got a second seed to learn the spread.
  EXPECT_THAT(seeds, ElementsAre(Pair("MC-Mean-MoE1", 1), Pair("MC-Mean-MoE2", 1),
                                 Pair("MC-Mean-MoE3", 2), Pair("MC-Mean-MoE4", 2),
                                 Pair("MC-Mean-MoE5", 4), Pair("MC-Mean-MoE6", 4)));
  EXPECT_THAT(Notes("s", "MC-Mean-MoE5", 3), ElementsAre(HasSubstr("overlaps the best one's")));
  EXPECT_EQ(state_.planned, 14);
  EXPECT_EQ(Run(recipe).reused, 14);
}

}  // namespace study_halving_test
}  // namespace beamgrid
