// Studies that nothing disturbs: each trial once, reuse of what is recorded, refused models, and
// what of the recipe reaches strategy and workers.

#include "tests/orchestrator/study/study_runner_fixture.h"

#include "registry/util/error.h"

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

TEST_F(StudyRunnerTest, TrialsThatCannotBeginYetShareTheTransactionOfTheNextEvent) {
  std::vector<std::size_t> recorded;  // trials, as each worker ends
  outcome_of_ = [&](const TrialFile&) {
    recorded.push_back(Trials("s").size());
    return Complete(0.5);
  };
  EXPECT_EQ(Run(RecipeText("s", kFourModels)).complete, 8);
  EXPECT_THAT(recorded, ElementsAre(2, 2, 8, 8, 8, 8, 8, 8));
}

TEST_F(StudyRunnerTest, WhatAWorkerSaysWaitsForAnEndButNotFiftyMilliseconds) {
  constexpr char kOneModel[] =
      "[[grid.temporal]]\nuse = \"lstm\"\n[resources]\ndevices = [\"cpu\"]\n";
  tick_ = 0ms;
  FakeExecutor executor(world_, outcome_of_);
  executor.speaks_first = true;
  bool hold = true;
  executor.says = [&](const TrialFile& trial) {
    if (hold) executor.held.insert(trial.name);
    return std::vector<Message>{Started{.pid = 7, .parameters = 1, .size_bytes = 4, .epochs = 1},
                                Evaluated{.epoch = {.epoch = 1}}};
  };
  std::vector<std::size_t> recorded;  // epochs, before each poll
  executor.on_poll = [&] {
    now_ += 49ms;
    const Store store(database_, OpenMode::kReadOnly);
    recorded.push_back(store.Query("SELECT 1 FROM epoch", {}).rows.size());
    if (recorded.size() == 4) executor.held.clear();
  };
  (void)Run(RecipeText("slow", kOneModel, "[1]"), executor);
  EXPECT_THAT(recorded, ElementsAre(0, 0, 0, 1));
  recorded.clear();
  hold = false;
  (void)Run(RecipeText("fast", kOneModel, "[2]"), executor);
  EXPECT_THAT(recorded, ElementsAre(0, 0));
  ExpectAllComplete("fast", 1);
  const Store store(database_, OpenMode::kReadOnly);
  EXPECT_THAT(store.Query("SELECT 1 FROM attempt WHERE pid = 7", {}).rows, SizeIs(2))
      << "what it said was heard before its end";
}

TEST_F(StudyRunnerTest, TrialsThatTheRecordKnowsDoNotWaitForAnEvent) {
  (void)Run(RecipeText("other", kFourModels));
  world_.started.clear();
  std::vector<std::size_t> counted;
  outcome_of_ = [&](const TrialFile&) {
    counted.push_back(Trials("s").size());
    return Complete(0.5);
  };
  const StudyResult result = Run(RecipeText("s", kFourModels, "[3, 4, 1, 2]"));
  EXPECT_EQ(result.complete, 8);
  EXPECT_EQ(result.reused, 8);
  EXPECT_EQ(counted.front(), 16U) << "two of each model are over already";
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

/// Returns what a worker says that trains up to epoch `to`, going on behind `earlier` ones.
std::vector<Message> Training(std::int64_t earlier, std::int64_t to) {
  std::vector<Message> said = {Started{.pid = 4'000'000,
                                       .parameters = 1,
                                       .size_bytes = 4,
                                       .epochs = 5,
                                       .train_examples = 10,
                                       .resumed_examples = 10 * earlier}};
  for (std::int64_t epoch = 1; epoch <= to; ++epoch) {
    said.push_back(
        Evaluated{.epoch = {.epoch = epoch, .train_loss = 1.0 / static_cast<double>(epoch)},
                  .earlier = epoch <= earlier});
  }
  return said;
}

TEST_F(StudyRunnerTest, AFinishedTrialCostsThreeStatements) {
  const auto again = [this](const std::string& name, int first, int models) {
    std::string hidden = std::to_string(first);
    for (int i = 1; i < models; ++i) hidden += ", " + std::to_string(first + i);
    const std::string recipe =
        RecipeText(name, "[[grid.temporal]]\nuse = \"gru\"\nhidden = [" + hidden +
                             "]\n[resources]\ndevices = [\"cpu\"]\n");
    EXPECT_EQ(Run(recipe).complete, 2 * models);
    const StudyResult result = Run(recipe);
    EXPECT_EQ(result.reused, 2 * models);
    EXPECT_EQ(result.attempts, 0);
    EXPECT_EQ(counted_, 0);
    return statements_;
  };
  // Its row is found, kept as it is, and refers to the study: nothing is read of each trial alone.
  const std::int64_t few = again("few", 1, 40), many = again("many", 100, 90);
  EXPECT_EQ(many - few, 3 * 2 * (90 - 40));
}

TEST_F(StudyRunnerTest, EpochsAreInTheRecordAsTheyEnd) {
  FakeExecutor executor(world_, [](const TrialFile& trial) -> AttemptOutcome {
    if (trial.attempt < 3) return {AttemptFailure{.kind = FailureKind::kCrashed, .message = "x"}};
    AttemptOutcome outcome = Complete(0.5);
    outcome.result().epochs = {{.epoch = 1}, {.epoch = 2}, {.epoch = 3}};
    return outcome;
  });
  executor.says = [](const TrialFile& trial) {
    // The first attempt gets as far as epoch 4, the second has to begin anew, the third goes on.
    return trial.attempt == 1   ? Training(0, 4)
           : trial.attempt == 2 ? Training(0, 1)
                                : Training(1, 2);
  };
  const auto recorded = [this] {
    const Store store(folder_ / "test.db", OpenMode::kReadOnly);
    return store.Epochs(Trials("s").at(0).id).size();
  };
  std::vector<std::size_t> seen;
  executor.on_poll = [&] { seen.push_back(recorded()); };
  (void)Run(RecipeText("s", "[resources]\ndevices = [\"cpu\"]\nretries = 2\n", "[1]"), executor);
  EXPECT_THAT(seen, ElementsAre(0, 4, 1));
  EXPECT_EQ(recorded(), 3U);
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

TEST_F(StudyRunnerTest, ModelsBeyondTheEnsemblesLimitAreRefused) {
  size_of_ = [](const ModelSpec& model) -> CountAnswer {
    const bool large = model.parts.at("classifier").options.at("experts") == OptionValue(4);
    return ModelSize{1, large ? 2'000'000 : 4};
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

}  // namespace
}  // namespace beamgrid
