// Orchestrators come and go: what the next one finds of the jobs of the one before, and what it
// does not take for its own.

#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/slurm/given_up.h"
#include "orchestrator/slurm/pilots_lock.h"
#include "registry/util/error.h"
#include "tests/orchestrator/slurm/slurm_fixture.h"

namespace beamgrid {
namespace slurm_adoption_test {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SlurmAdoptionTest : public SlurmTest {};

TEST_F(SlurmAdoptionTest, TheNextOrchestratorAdoptsWhatIsAtWork) {
  StartAtWork();
  StartAnew();
  ASSERT_TRUE(executor_->CanAdopt(Key(1), Directory(Key(1))));
  EXPECT_FALSE(executor_->CanAdopt(Key(9), Directory(Key(9))));
  executor_->Adopt(Key(1), Directory(Key(1)));
  WaitForMessage(Key(1));  // once more
  EXPECT_TRUE(std::holds_alternative<Started>(heard_[Key(1)].messages[0]));
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmAdoptionTest, AnAdoptedAttemptCanHaveEndedInTheMeantime) {
  StartAtWork();
  StartAnew();
  ASSERT_TRUE(executor_->CanAdopt(Key(1), Directory(Key(1))));
  Release(Key(1));
  PollUntil([&] { return ReadEnd(Directory(Key(1))).has_value(); });
  executor_->Adopt(Key(1), Directory(Key(1)));
  EXPECT_TRUE(Wait(Key(1)).complete());
}

TEST_F(SlurmAdoptionTest, AnAdoptedAttemptWhoseJobIsGoneGoesOnElsewhere) {
  StartAtWork();
  executor_.reset();
  slurm_.KillJob(0);
  heard_.clear();
  Start();
  ASSERT_TRUE(executor_->CanAdopt(Key(1), Directory(Key(1))));
  executor_->Adopt(Key(1), Directory(Key(1)));
  EXPECT_EQ(Wait(Key(1), 2s).failure().kind, FailureKind::kInterrupted);
}

TEST_F(SlurmAdoptionTest, WhatIsNotAdoptedStopsBehindACheckpoint) {
  StartAtWork();
  const pid_t worker = WorkerOf(Key(1));
  StartAnew();
  const AttemptOutcome outcome = executor_->Reconcile(Key(1), Directory(Key(1)), 7);
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_TRUE(std::filesystem::exists(Directory(Key(1)) / kLastCheckpoint));
  EXPECT_TRUE(IsGone(worker));
}

TEST_F(SlurmAdoptionTest, WhatWasOrderedAndNotBegunNeverIs) {
  Start();
  WriteOrdered(Directory(Key(1)), "beamgrid-s-0");
  const AttemptOutcome outcome = executor_->Reconcile(Key(1), Directory(Key(1)), 0);
  EXPECT_THAT(outcome.failure().message, HasSubstr("before it was begun"));
  EXPECT_FALSE(Claim(Directory(Key(1)), "beamgrid-s-0"));
}

TEST_F(SlurmAdoptionTest, WhatIsTakenOverBeganWhenItWasClaimed) {
  StartAtWork();
  const std::unique_ptr<SlurmExecutor> killed = std::move(executor_);  // stands still
  const auto claim = Directory(Key(1)) / "claim.json";
  std::filesystem::last_write_time(claim, std::filesystem::last_write_time(claim) - 1h);
  heard_.clear();
  Start();
  executor_->Adopt(Key(1), Directory(Key(1)));
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_GE(heard_[Key(1)].begun->ago, 1h);
  EXPECT_LT(heard_[Key(1)].begun->ago, 2h);
}

TEST_F(SlurmAdoptionTest, WhatIsSaidWhileItIsTakenOverIsHeardOnce) {
  // The pilot's part is played by hand: what it says comes before, between and after.
  slurm_.Set([](FakeSlurm& slurm) { slurm.starts_jobs = false; });
  Start();
  Submit(Key(1));
  PollUntil([&] { return slurm_.submitted() == 1; });
  const std::string pilot = slurm_.NameOf(0);
  GrowingLines reports(StudyFolder() / "slurm" / pilot / kReports);
  const auto say = [&](Report::What what, const std::string& text) {
    (void)reports.Add(ToLine(Report{.what = what, .key = Key(1), .text = text}));
  };
  const std::vector<std::pair<Report::What, std::string>> lines = {
      {Report::What::kTook, Directory(Key(1))},
      {Report::What::kHeard, ToLine(Started{.pid = 7})},
      {Report::What::kHeard, ToLine(Evaluated{.epoch = {.epoch = 1}})}};
  ASSERT_TRUE(Claim(Directory(Key(1)), pilot));
  (void)reports.Add(ToLine(Report{.what = Report::What::kBegun, .text = "n1"}));
  std::vector<std::unique_ptr<SlurmExecutor>> killed;
  for (std::size_t before = 0; before <= lines.size(); ++before) {
    for (std::size_t until = before; until <= lines.size(); ++until) {
      SCOPED_TRACE(std::to_string(before) + " said before, " + std::to_string(until) + " in all");
      std::filesystem::resize_file(
          reports.path(), ToLine(Report{.what = Report::What::kBegun, .text = "n1"}).size() + 1);
      const auto say_those = [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) say(lines[i].first, lines[i].second);
      };
      say_those(0, before);
      killed.push_back(std::move(executor_));
      heard_.clear();
      Start();
      ASSERT_TRUE(executor_->CanAdopt(Key(1), Directory(Key(1))));
      say_those(before, until);
      executor_->Adopt(Key(1), Directory(Key(1)));
      say_those(until, lines.size());
      PollUntil([&] { return heard_[Key(1)].messages.size() >= 2; });
      Poll();
      EXPECT_TRUE(heard_[Key(1)].begun.has_value());
      ASSERT_EQ(heard_[Key(1)].messages.size(), 2U);
      EXPECT_TRUE(std::holds_alternative<Started>(heard_[Key(1)].messages[0]));
      EXPECT_EQ(std::get<Evaluated>(heard_[Key(1)].messages[1]).earlier, before == lines.size());
    }
  }
}

TEST_F(SlurmAdoptionTest, FilesThatAreNoneOfOursAreTheEndOfTheirAttemptAlone) {
  Start();
  const auto reconciled = [&](std::int64_t trial, const std::string& end, const std::string& claim,
                              const std::string& ordered) {
    const auto directory = Directory(Key(trial));
    WriteFileAtomically(directory / "ordered.json", ordered);
    WriteFileAtomically(directory / "claim.json", claim);
    if (!end.empty()) WriteFileAtomically(directory / "end.json", end);
    WriteFileAtomically(directory / kResultFile,
                        CanonicalJson(ToJson(TrialResult{.metrics = {.gap = 0.5}})));
    EXPECT_FALSE(executor_->CanAdopt(Key(trial), directory));
    return executor_->Reconcile(Key(trial), directory, 0);
  };
  const std::string pilot = "{\"pilot\": \"beamgrid-s-0\"}";
  const AttemptOutcome garbage = reconciled(1, "{}", pilot, pilot);
  EXPECT_EQ(garbage.failure().kind, FailureKind::kInterrupted);
  EXPECT_THAT(garbage.failure().message, HasSubstr("end.json is none of ours"));
  // What is no JSON at all may be a file that is half seen: it is waited for.
  const auto leap = std::chrono::milliseconds(1s);
  leap_each_look_ = leap;
  const AttemptOutcome unreadable = reconciled(2, "what", pilot, pilot);
  EXPECT_EQ(unreadable.failure().kind, FailureKind::kInterrupted);
  EXPECT_THAT(unreadable.failure().message, HasSubstr("could not be seen: end.json"));
  // Who carries it out is not known, and nobody may have ended it: its files decide.
  for (const char* nobody : {"{}", "[]", "{\"pilot\": 5}", "{\"pilot\": \"../x\"}"}) {
    EXPECT_TRUE(reconciled(3, "", nobody, nobody).complete()) << nobody;
    EXPECT_EQ(ReadEnd(Directory(Key(3)))->by, "an orchestrator");
    std::filesystem::remove_all(Directory(Key(3)));
  }
  EXPECT_FALSE(std::filesystem::exists(StudyFolder() / "slurm" / kOrders));
  EXPECT_FALSE(std::filesystem::exists(StudyFolder() / "x"));
}

TEST_F(SlurmAdoptionTest, AnAttemptOfThisMachineIsReconciledAsOne) {
  Start();
  WriteFileAtomically(Directory(Key(1)) / kResultFile,
                      CanonicalJson(ToJson(TrialResult{.metrics = {.gap = 0.5}})));
  EXPECT_TRUE(executor_->Reconcile(Key(1), Directory(Key(1)), 0).complete());
  EXPECT_FALSE(executor_->Reconcile(Key(2), Directory(Key(2)), 0).complete());
}

TEST_F(SlurmAdoptionTest, TheNextOrchestratorUsesTheJobsThatAreThere) {
  Start();
  Submit(Key(1));
  ASSERT_TRUE(Wait(Key(1)).complete());
  // As if it had been killed: nobody tells the pilots to leave.
  const auto folder = StudyFolder() / "slurm" / slurm_.NameOf(0);
  const SlurmExecutor* killed = executor_.release();
  Start();
  Submit(Key(2));
  EXPECT_TRUE(Wait(Key(2)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
  executor_.reset();
  delete killed;
}

TEST_F(SlurmAdoptionTest, JobsOfOtherSettingsGetNoFurtherTrials) {
  StartAtWork();
  slurm_.Set([](FakeSlurm& slurm) { slurm.starts_jobs = false; });
  Submit(Key(2));
  PollUntil([&] { return slurm_.submitted() == 2; });
  const std::string waits = slurm_.NameOf(1);
  const SlurmExecutor* killed = executor_.release();
  slurm_.Set([](FakeSlurm& slurm) { slurm.starts_jobs = true; });
  settings_.partition = "another";
  settings_.jobs = 4;
  heard_.clear();
  Start();
  EXPECT_THAT(told_.back(), HasSubstr("2 Slurm jobs of an earlier run, asked for with other"));
  // The one that waited might wait for ever.
  PollUntil([&] { return slurm_.cancelled().contains(waits); });
  ASSERT_TRUE(executor_->CanAdopt(Key(1), Directory(Key(1))));
  executor_->Adopt(Key(1), Directory(Key(1)));
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  Submit(Key(3));
  Release(Key(3));
  EXPECT_TRUE(Wait(Key(3)).complete());
  ASSERT_EQ(slurm_.submitted(), 3U);
  EXPECT_EQ(ClaimedBy(Directory(Key(3))), slurm_.NameOf(2));
  slurm_.With(
      2, [](const FakeSlurm::Job& job) { EXPECT_EQ(job.request.settings.partition, "another"); });
  EXPECT_FALSE(slurm_.cancelled().contains(slurm_.NameOf(0)));
  executor_.reset();
  delete killed;
}

TEST_F(SlurmAdoptionTest, ACopyOfTheFolderHasNoJobs) {
  StartAtWork();
  slurm_.Set([](FakeSlurm& slurm) { slurm.starts_jobs = false; });
  Submit(Key(2));
  PollUntil([&] { return slurm_.submitted() == 2; });
  std::filesystem::create_directory(folder_ / "copy");
  std::filesystem::copy(StudyFolder(), folder_ / "copy" / "s",
                        std::filesystem::copy_options::recursive);
  const auto directory = folder_ / "copy" / "s" / "t1" / "1";
  {
    SlurmExecutor copy(slurm_, {.study = "s",
                                .study_folder = folder_ / "copy" / "s",
                                .settings = settings_,
                                .clock = [this] { return Now(); }});
    EXPECT_FALSE(copy.CanAdopt(Key(1), directory));
    // At once: nobody is waited for.
    const AttemptOutcome outcome = copy.Reconcile(Key(1), directory, 0);
    EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  }
  EXPECT_THAT(slurm_.cancelled(), SizeIs(0));
  EXPECT_FALSE(ReadEnd(Directory(Key(1))).has_value());
  slurm_.StartJob(1);
  for (const std::int64_t trial : {1, 2}) {
    Release(Key(trial));
    EXPECT_TRUE(Wait(Key(trial)).complete());
  }
}

TEST_F(SlurmAdoptionTest, WhatWasSaidOfAnotherAttemptOfTheKeyIsNotRepeated) {
  StartAtWork();
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  // The trial was removed, and another one got its number.
  const SlurmExecutor* killed = executor_.release();
  std::filesystem::rename(StudyFolder() / "t1", folder_ / "removed");
  heard_.clear();
  Start();
  const auto directory = Directory(Key(2));
  WriteFileAtomically(directory / kTrialFile, "{\"attempt\": 1}");
  executor_->Submit(Key(1), directory, {.device = "cpu"}, Milliseconds(0));
  PollUntil([&] { return ClaimedBy(directory).has_value(); });
  const SlurmExecutor* killed_too = executor_.release();
  heard_.clear();
  Start();
  ASSERT_TRUE(executor_->CanAdopt(Key(1), directory));
  executor_->Adopt(Key(1), directory);
  WriteFileAtomically(directory / "go", "");
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_EQ(std::ranges::count_if(
                heard_[Key(1)].messages,
                [](const Message& message) { return std::holds_alternative<Started>(message); }),
            1);
  executor_.reset();
  delete killed;
  delete killed_too;
}

TEST_F(SlurmAdoptionTest, TheJobsOfAFolderHaveOneOrchestrator) {
  WriteOrdered(Directory(Key(1)), "beamgrid-s-0");
  LocalExecutorBesideSlurm local({.trainer = folder_ / "trainer"});
  {
    const PilotsLock held(StudyFolder());
    try {
      const PilotsLock other(StudyFolder());
      ADD_FAILURE() << "had by two";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("another beamgrid has the Slurm jobs of this study"));
    }
    EXPECT_THROW((void)local.Reconcile(Key(1), Directory(Key(1)), 0), Error);
    EXPECT_EQ(ClaimedBy(Directory(Key(1))), std::nullopt);
  }
  EXPECT_FALSE(local.Reconcile(Key(1), Directory(Key(1)), 0).complete());
  WriteFileAtomically(folder_ / "file", "");
  EXPECT_THROW(PilotsLock(folder_ / "file"), Error);
}

TEST_F(SlurmAdoptionTest, ARunOnThisMachineEndsWhatAJobCarriesOut) {
  StartAtWork();
  const pid_t worker = WorkerOf(Key(1));
  executor_.reset();
  LocalExecutorBesideSlurm local({.trainer = folder_ / "trainer"});
  const AttemptOutcome outcome = local.Reconcile(Key(1), Directory(Key(1)), worker);
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_TRUE(std::filesystem::exists(Directory(Key(1)) / kLastCheckpoint));
  EXPECT_TRUE(IsGone(worker));
  // One that no job has begun yet, none will.
  WriteOrdered(Directory(Key(2)), slurm_.NameOf(0));
  EXPECT_FALSE(local.Reconcile(Key(2), Directory(Key(2)), 0).complete());
  EXPECT_EQ(ClaimedBy(Directory(Key(2))), "");
  // And one of its own is as ever.
  EXPECT_FALSE(local.Reconcile(Key(3), Directory(Key(3)), 0).complete());
  EXPECT_EQ(ClaimedBy(Directory(Key(3))), std::nullopt);
}

}  // namespace slurm_adoption_test
}  // namespace beamgrid
