// Studies beside others: devices that are in use, whose turn it is on them, and trials that another
// study is training.

#include "registry/store/study_lock.h"
#include "tests/orchestrator/study/study_runner_fixture.h"

#include <algorithm>
#include <memory>

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using StudySharingTest = StudyRunnerTest;

TEST_F(StudySharingTest, DevicesInUseByOthersAreAskedAgain) {
  resources_.in_use = 5;
  const StudyResult result = Run(RecipeText("s", kFourModels));
  EXPECT_EQ(result.complete, 8);
  EXPECT_EQ(result.attempts, 8) << "a refusal is no attempt";
  EXPECT_EQ(resources_.asked, 13);
  EXPECT_EQ(resources_.learnt, 8);
  EXPECT_THAT(resources_.taken, IsEmpty());
  EXPECT_THAT(events_, Contains(HasSubstr("shared with other studies")).Times(1));
}

TEST_F(StudySharingTest, WhoHoldsADeviceIsSaidAgainWhenOthersDo) {
  resources_.in_use = 5;
  resources_.refusal = [this] { return resources_.in_use > 1 ? "held by a" : "held by b"; };
  EXPECT_EQ(Run(RecipeText("s", kFourModels)).complete, 8);
  EXPECT_THAT(events_, Contains("cpu: held by a").Times(1));
  EXPECT_THAT(events_, Contains("cpu: held by b").Times(1));
}

TEST_F(StudySharingTest, TheLongestExpectedStartsFirst) {
  resources_.seconds_of = [](const ModelSpec& model) {
    return model.parts.at("temporal").component == "gru" ? 100.0 : 1.0;
  };
  resources_.in_use = 1;  // so that all wait when the first is chosen
  (void)Run(RecipeText("s", kFourModels, "[1]"));
  ASSERT_EQ(world_.started.size(), 4U);
  EXPECT_THAT(world_.started[0], HasSubstr("GRU"));
  EXPECT_THAT(world_.started[1], HasSubstr("GRU"));
}

TEST_F(StudySharingTest, WaitingTrialsAreForecastAgainWhenSomethingIsMeasured) {
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

TEST_F(StudySharingTest, ATrialThatAnotherStudyIsTrainingIsWaitedForAndReused) {
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
  const TrialId trial = other.AddTrials(study, {{.name = "LSTM",
                                                 .fingerprint = Fingerprint(shared),
                                                 .spec = shared,
                                                 .parameters = 1,
                                                 .size_bytes = 4}})[0];
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

TEST_F(StudySharingTest, ATrialOfAnotherStudysDeadOrchestratorIsTakenOver) {
  (void)Run(RecipeText("s", "[[grid.temporal]]\nuse = \"lstm\"\n", "[1]"));
  TrialSpec shared = world_.trial_files.at(0).spec;
  shared.seed = 2;
  {
    Store other(folder_ / "test.db", OpenMode::kReadWrite);
    const StudyId study = other.OpenStudy({.name = "other", .recipe_digest = "x"});
    const TrialId trial = other.AddTrials(study, {{.name = "LSTM",
                                                   .fingerprint = Fingerprint(shared),
                                                   .spec = shared,
                                                   .parameters = 1,
                                                   .size_bytes = 4}})[0];
    (void)other.BeginAttempt(trial, (folder_ / "runs/other/LSTM-s2/1").string(), "cpu", 1);
  }
  const StudyResult result = Run(RecipeText("t", "[[grid.temporal]]\nuse = \"lstm\"\n", "[2]"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.complete, 1);
  EXPECT_EQ(world_.reconciled, 1);
  EXPECT_EQ(Trials("t")[0].attempts, 2);
}

}  // namespace
}  // namespace beamgrid
