// Attempts by pilots in the jobs of a fake cluster: what is asked for, reported and left, and what
// becomes of it where jobs, pilots or workers end at any moment.

#include <cstdlib>

#include "orchestrator/interrupts.h"
#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/slurm/given_up.h"
#include "orchestrator/slurm/pilot.h"
#include "orchestrator/slurm/pilots_lock.h"
#include "registry/util/error.h"
#include "tests/orchestrator/slurm/slurm_fixture.h"

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// No test: the process of a job.
TEST(PilotProcess, CarriesOutTheFolderOfTheEnvironment) {
  const char* folder = std::getenv("BEAMGRID_TEST_PILOT");
  if (folder == nullptr) GTEST_SKIP() << "the jobs of other tests are this one";
  Pilot pilot(folder, PilotName());
  const InterruptSignals signals([&pilot] { pilot.Stop(); });
  pilot.Run();
}

class SlurmExecutorTest : public SlurmTest {};

TEST_F(SlurmExecutorTest, OneJobCarriesOutManyShortTrials) {
  settings_.jobs = 1;
  Start();
  for (std::int64_t trial = 1; trial <= 5; ++trial) Submit(Key(trial));
  for (std::int64_t trial = 1; trial <= 5; ++trial) {
    const AttemptOutcome outcome = Wait(Key(trial));
    ASSERT_TRUE(outcome.complete()) << outcome.failure().message;
    EXPECT_EQ(outcome.result().metrics.gap, 0.5);
    ASSERT_THAT(heard_[Key(trial)].messages, SizeIs(1));
    EXPECT_TRUE(std::holds_alternative<Finished>(heard_[Key(trial)].messages[0]));
  }
  EXPECT_EQ(slurm_.submitted(), 1U);
  executor_.reset();
  EXPECT_TRUE(std::filesystem::is_empty(StudyFolder() / "slurm"));
}

TEST_F(SlurmExecutorTest, ThereAreAsManyJobsAsTrialsAndAtMostSoMany) {
  settings_.jobs = 3;
  PatientTrainer();
  Start();
  Submit(Key(1));
  Submit(Key(2));
  WaitForMessage(Key(1));
  WaitForMessage(Key(2));
  EXPECT_EQ(slurm_.submitted(), 2U);
  for (std::int64_t trial = 3; trial <= 5; ++trial) Submit(Key(trial));
  WaitForMessage(Key(3));
  EXPECT_EQ(slurm_.submitted(), 3U);
  for (std::int64_t trial = 1; trial <= 5; ++trial) Release(Key(trial));
  for (std::int64_t trial = 1; trial <= 5; ++trial) EXPECT_TRUE(Wait(Key(trial)).complete());
  EXPECT_EQ(slurm_.submitted(), 3U);
}

TEST_F(SlurmExecutorTest, TheIntentIsOnTheDiskBeforeSlurmIsAsked) {
  std::vector<JobRequest> requests;
  slurm_.on_submit = [&](const JobRequest& request) {
    const auto folder = request.script.parent_path();
    EXPECT_EQ(folder.filename(), request.name);
    EXPECT_EQ(folder.parent_path(), StudyFolder() / "slurm");
    EXPECT_NO_THROW((void)ReadPilotSettings(folder));
    EXPECT_THAT(ReadFile(request.script), HasSubstr("export MODULE=cuda\nexec "));
    requests.push_back(request);
  };
  settings_.prologue = "export MODULE=cuda";
  settings_.time_seconds = 7200;
  settings_.memory_bytes = std::int64_t{4} << 30;
  settings_.partition = "long";
  Start();
  Submit(Key(1));
  EXPECT_FALSE(Wait(Key(1)).complete() && requests.empty());
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_THAT(requests[0].name, ::testing::StartsWith("beamgrid-s-"));
  EXPECT_EQ(requests[0].settings.partition, "long");
  EXPECT_EQ(requests[0].settings.time_seconds, 7200);
  EXPECT_EQ(requests[0].settings.memory_bytes, std::int64_t{4} << 30);
  EXPECT_EQ(requests[0].settings.cpus, 1);
  EXPECT_EQ(requests[0].warning, 120s);
}

TEST_F(SlurmExecutorTest, WorkersFailAsTheyDoHere) {
  Trainer("echo reason >> $dir/worker.log; " + Say(Failed{FailureKind::kDiverged, "loss is nan"}) +
          "; exit 4");
  Start();
  Submit(Key(1));
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kDiverged);
  EXPECT_EQ(outcome.failure().message, "loss is nan");
  EXPECT_EQ(outcome.failure().log_tail, "reason");
  EXPECT_EQ(outcome.exit_code, 4);
  // The pilot is as good as before.
  Trainer(EndWell());
  Submit(Key(2));
  EXPECT_TRUE(Wait(Key(2)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmExecutorTest, WhoIsCancelledWritesACheckpoint) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  EXPECT_TRUE(executor_->Cancel(Key(1), 30s));
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_EQ(outcome.failure().message, "stopped with the study");
  EXPECT_TRUE(std::filesystem::exists(Directory(Key(1)) / kLastCheckpoint));
  EXPECT_FALSE(executor_->Cancel(Key(1), 30s));
  EXPECT_THAT(slurm_.cancelled(), ::testing::IsEmpty());
}

TEST_F(SlurmExecutorTest, WhatWaitsForAJobEndsAtOnce) {
  slurm_.starts_jobs = false;
  Start();
  Submit(Key(1));
  PollUntil([&] { return slurm_.submitted() == 1; });
  EXPECT_TRUE(executor_->Cancel(Key(1), 30s));
  EXPECT_EQ(Wait(Key(1)).failure().kind, FailureKind::kInterrupted);
  // A job that waits when the study is over is not left in the queue.
  executor_.reset();
  EXPECT_THAT(slurm_.cancelled(), ::testing::ElementsAre(slurm_.NameOf(0)));
}

TEST_F(SlurmExecutorTest, AJobThatDoesNotStopIsEndedAndBelievedNoMore) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  const pid_t pilot = slurm_.PidOf(0);
  ::kill(pilot, SIGSTOP);
  EXPECT_TRUE(executor_->Cancel(Key(1), 0ms));
  EXPECT_EQ(Wait(Key(1), 1s).failure().kind, FailureKind::kInterrupted);
  PollUntil([&] { return slurm_.cancelled().contains(slurm_.NameOf(0)); });
  const pid_t worker = WorkerOf(Key(1));
  Release(Key(1));
  ::kill(pilot, SIGCONT);
  AwaitGone(worker);
  // Whatever it wrote, its end is the orchestrator's.
  EXPECT_EQ(ReadEnd(Directory(Key(1)))->by, "the orchestrator");
}

TEST_F(SlurmExecutorTest, AKilledWorkerCostsItsAttemptOnly) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  ::kill(WorkerOf(Key(1)), SIGKILL);
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.exit_code, -SIGKILL);
  EXPECT_THAT(outcome.failure().message, HasSubstr("SIGKILL"));
  Release(Key(1, 2));
  Submit(Key(1, 2));
  EXPECT_TRUE(Wait(Key(1, 2)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmExecutorTest, AKilledJobIsLostAfterAWhileAndTheTrialGoesOnInAnother) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  const pid_t worker = WorkerOf(Key(1));
  slurm_.KillJob(0);
  const AttemptOutcome outcome = Wait(Key(1), 2s);
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_THAT(outcome.failure().message, HasSubstr("is gone from Slurm's queue"));
  EXPECT_GE(leapt_, 60s);
  AwaitGone(worker);
  Release(Key(1, 2));
  Submit(Key(1, 2));
  EXPECT_TRUE(Wait(Key(1, 2)).complete());
  EXPECT_EQ(slurm_.submitted(), 2U);
}

TEST_F(SlurmExecutorTest, ByItsFinalStateAJobIsLostSooner) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  slurm_.KillJob(0, "NODE_FAIL");
  EXPECT_THAT(Wait(Key(1), 1s).failure().message, HasSubstr("NODE_FAIL"));
  EXPECT_LT(leapt_, 60s);
}

TEST_F(SlurmExecutorTest, TheAccountingTellsWhereTheQueueForgets) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  slurm_.Set([&](FakeSlurm& slurm) {
    slurm.ended_states[StudyFolder().string()] = "";  // there is one
  });
  slurm_.KillJob(0);
  slurm_.Set(
      [name = slurm_.NameOf(0)](FakeSlurm& slurm) { slurm.ended_states[name] = "OUT_OF_MEMORY"; });
  const AttemptOutcome outcome = Wait(Key(1), 1s);
  EXPECT_EQ(outcome.failure().kind, FailureKind::kOutOfMemory);
  EXPECT_THAT(outcome.failure().message, HasSubstr("OUT_OF_MEMORY"));
}

TEST_F(SlurmExecutorTest, AResultThatWasReadyWhenTheJobDiedCounts) {
  // The worker kills its pilot, and dies with it.
  Trainer(LeaveResult() + "\nkill -9 $PPID; sleep 60");
  Start();
  Submit(Key(1));
  PollUntil([&] { return std::filesystem::exists(Directory(Key(1)) / kResultFile); });
  slurm_.KillJob(0);
  EXPECT_TRUE(Wait(Key(1), 2s).complete());
}

TEST_F(SlurmExecutorTest, AJobThatIsStartedAgainTakesNothingUpThatItHadBegun) {
  PatientTrainer();
  settings_.jobs = 1;
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  const pid_t worker = WorkerOf(Key(1));
  slurm_.StartJob(0);
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_THAT(outcome.failure().message, HasSubstr("started again by Slurm"));
  EXPECT_TRUE(IsGone(worker));
  EXPECT_EQ(heard_[Key(1)].messages.size(), 1U);
  Release(Key(1, 2));
  Submit(Key(1, 2));
  EXPECT_TRUE(Wait(Key(1, 2)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmExecutorTest, WhatAJobHadBegunDoesNotWaitForItsNextStart) {
  PatientTrainer();
  settings_.jobs = 1;
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  slurm_.KillJob(0, "PENDING");
  EXPECT_THAT(Wait(Key(1), 1s).failure().message, HasSubstr("waits to be started again"));
  Release(Key(1, 2));
  Submit(Key(1, 2));
  for (int turn = 0; turn < 5; ++turn) Poll();
  EXPECT_EQ(slurm_.submitted(), 1U);  // the one that waits is ours
  slurm_.StartJob(0);
  EXPECT_TRUE(Wait(Key(1, 2)).complete());
}

TEST_F(SlurmExecutorTest, AJobThatTheQueueForgetsForAWhileIsNotLost) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  slurm_.With(0, [](FakeSlurm::Job& job) { job.hidden = true; });
  for (int leap = 0; leap < 5; ++leap) {
    const int looks = slurm_.looks();
    PollUntil([&] { return slurm_.looks() > looks + 1; });
    leapt_ += 10s;
  }
  slurm_.With(0, [](FakeSlurm::Job& job) { job.hidden = false; });
  for (int leap = 0; leap < 20; ++leap) {
    const int looks = slurm_.looks();
    PollUntil([&] { return slurm_.looks() > looks + 1; });
    leapt_ += 10s;
  }
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmExecutorTest, AJobThatNoQueueShowsIsNotLostWhileItsPilotSpeaks) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  slurm_.With(0, [](FakeSlurm::Job& job) { job.hidden = true; });
  const auto reports = StudyFolder() / "slurm" / slurm_.NameOf(0) / kReports;
  for (int leap = 0; leap < 30; ++leap) {
    const auto size = std::filesystem::file_size(reports);
    PollUntil([&] { return std::filesystem::file_size(reports) > size; });
    Poll();
    leapt_ += 10s;
  }
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
}

TEST_F(SlurmExecutorTest, WhereSlurmDoesNotAnswerNothingIsLost) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  slurm_.Set([](FakeSlurm& slurm) { slurm.answers = false; });
  for (int leap = 0; leap < 30; ++leap) {
    const int looks = slurm_.looks();
    PollUntil([&] { return slurm_.looks() > looks + 1; });
    leapt_ += 15s;
  }
  EXPECT_THAT(told_, ::testing::ElementsAre(HasSubstr("Slurm does not answer (Unable to contact")));
  slurm_.Set([](FakeSlurm& slurm) { slurm.answers = true; });
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  PollUntil([&] { return told_.size() == 2; });
  EXPECT_EQ(told_[1], "Slurm answers again");
}

TEST_F(SlurmExecutorTest, AStateThatWeDoNotKnowEndsNothing) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  for (const char* state : {"FROBNICATED", "PREEMPTED", "SUSPENDED", "COMPLETING"}) {
    slurm_.With(0, [&](FakeSlurm::Job& job) { job.state = state; });
    for (int leap = 0; leap < 20; ++leap) {
      const int looks = slurm_.looks();
      PollUntil([&] { return slurm_.looks() > looks + 1; });
      leapt_ += 10s;
    }
  }
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_THAT(slurm_.cancelled(), ::testing::IsEmpty());
}

TEST_F(SlurmExecutorTest, AJobWithoutAPilotIsEndedThoughSlurmListsIt) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  slurm_.KillJob(0, "RUNNING");  // slurmstepd was killed, say
  PollUntil([&] { return slurm_.cancelled().contains(slurm_.NameOf(0)); }, 2s);
  EXPECT_GE(leapt_, 180s);
  EXPECT_EQ(Wait(Key(1), 2s).failure().kind, FailureKind::kInterrupted);
}

TEST_F(SlurmExecutorTest, AJobThatWasGivenUpAndComesBackIsEnded) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  const pid_t worker = WorkerOf(Key(1));
  ::kill(slurm_.PidOf(0), SIGSTOP);
  slurm_.With(0, [](FakeSlurm::Job& job) { job.hidden = true; });
  EXPECT_EQ(Wait(Key(1), 2s).failure().kind, FailureKind::kInterrupted);
  slurm_.With(0, [](FakeSlurm::Job& job) { job.hidden = false; });
  PollUntil([&] { return slurm_.cancelled().contains(slurm_.NameOf(0)); });
  // It trained on unseen, and even finishes.
  Release(Key(1));
  ::kill(slurm_.PidOf(0), SIGCONT);
  AwaitGone(worker);
  for (int turn = 0; turn < 5; ++turn) Poll();
  EXPECT_EQ(ReadEnd(Directory(Key(1)))->by, "the orchestrator");
}

TEST_F(SlurmExecutorTest, AnAnswerOfSbatchThatIsLostCostsNothing) {
  slurm_.loses_answers = true;
  Start();
  Submit(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmExecutorTest, AJobThatWasNeverQueuedIsAskedForAgain) {
  slurm_.loses_answers = true;
  slurm_.starts_jobs = false;
  Start();
  Submit(Key(1));
  PollUntil([&] { return slurm_.submitted() == 1; });
  slurm_.With(0, [](FakeSlurm::Job& job) { job.hidden = true; });
  slurm_.Set([](FakeSlurm& slurm) { slurm.starts_jobs = true; });
  EXPECT_TRUE(Wait(Key(1), 2s).complete());
  EXPECT_EQ(slurm_.submitted(), 2U);
}

TEST_F(SlurmExecutorTest, AJobThatSlurmHoldsBecauseItsNodeFailedIsReplaced) {
  slurm_.starts_jobs = false;
  Start();
  Submit(Key(1));
  PollUntil([&] { return slurm_.submitted() == 1; });
  slurm_.With(0, [](FakeSlurm::Job& job) { job.reason = "launch failed requeued held"; });
  slurm_.Set([](FakeSlurm& slurm) { slurm.starts_jobs = true; });
  EXPECT_TRUE(Wait(Key(1), 1s).complete());
  EXPECT_THAT(slurm_.cancelled(), ::testing::Contains(slurm_.NameOf(0)));
  EXPECT_EQ(slurm_.submitted(), 2U);
  EXPECT_THAT(told_, ::testing::Contains(HasSubstr("is held")).Times(1));
}

TEST_F(SlurmExecutorTest, WhyNoJobBeginsIsSaidOnceForEachReason) {
  slurm_.starts_jobs = false;
  Start();
  Submit(Key(1));
  Submit(Key(2));
  PollUntil([&] { return slurm_.submitted() == 2; });
  const auto all_wait_for = [&](const std::string& reason) {
    for (const std::size_t i : {0, 1}) {
      slurm_.With(i, [&](FakeSlurm::Job& job) { job.reason = reason; });
    }
    const int looks = slurm_.looks();
    PollUntil([&] { return slurm_.looks() > looks + 5; });
  };
  all_wait_for("Resources");
  all_wait_for("JobHeldAdmin");
  EXPECT_THAT(told_, ::testing::ElementsAre(HasSubstr("no node has enough free"),
                                            HasSubstr("an administrator holds it")));
  EXPECT_THAT(slurm_.cancelled(), ::testing::IsEmpty());
}

TEST_F(SlurmExecutorTest, ARefusalOfSbatchIsTheMachinesFault) {
  slurm_.refusal = "invalid partition specified: nowhere";
  Start();
  Submit(Key(1));
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kEnvironment);
  EXPECT_THAT(outcome.failure().message, HasSubstr("nowhere"));
}

TEST_F(SlurmExecutorTest, WhereSlurmTakesNoJobNowItIsAskedAgain) {
  slurm_.refusal = "Unable to contact slurm controller";
  slurm_.refuses_as = Submission::kNotNow;
  Start();
  Submit(Key(1));
  PollUntil([&] { return !told_.empty(); });
  EXPECT_THAT(told_[0], HasSubstr("Unable to contact slurm controller; it is asked again"));
  slurm_.Set([](FakeSlurm& slurm) { slurm.refusal.clear(); });
  EXPECT_TRUE(Wait(Key(1), 1s).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmExecutorTest, ARefusalBesideOtherJobsOnlyMeansFewerOfThem) {
  settings_.jobs = 2;
  Start();
  Submit(Key(1));
  ASSERT_TRUE(Wait(Key(1)).complete());
  slurm_.Set([](FakeSlurm& slurm) { slurm.refusal = "QOSMaxSubmitJobPerUserLimit"; });
  for (std::int64_t trial = 2; trial <= 5; ++trial) Submit(Key(trial));
  for (std::int64_t trial = 2; trial <= 5; ++trial) EXPECT_TRUE(Wait(Key(trial)).complete());
  EXPECT_THAT(told_, ::testing::ElementsAre(HasSubstr("QOSMaxSubmitJobPerUserLimit")));
}

TEST_F(SlurmExecutorTest, JobsThatEndBeforeTheyBeginStopTheStudyWithTheirWords) {
  std::filesystem::remove(folder_ / "beamgrid");
  settings_.jobs = 1;
  Start();
  Submit(Key(1));
  const AttemptOutcome outcome = Wait(Key(1), 1s);
  EXPECT_EQ(outcome.failure().kind, FailureKind::kEnvironment);
  EXPECT_THAT(outcome.failure().message, HasSubstr("No such file or directory"));
  EXPECT_THAT(outcome.failure().message, HasSubstr((folder_ / "beamgrid").string()));
  EXPECT_EQ(slurm_.submitted(), 3U);
}

TEST_F(SlurmExecutorTest, WhoRanOutOfMemoryGetsMore) {
  std::vector<SlurmSettings> asked;
  slurm_.on_submit = [&](const JobRequest& request) { asked.push_back(request.settings); };
  settings_.jobs = 1;
  settings_.memory_bytes = std::int64_t{2} << 30;
  Start();
  Submit(Key(1));
  ASSERT_TRUE(Wait(Key(1)).complete());
  Submit(Key(2), {.device = "cpu", .alone = true});
  ASSERT_TRUE(Wait(Key(2), 10ms).complete());
  Submit(Key(3));
  ASSERT_TRUE(Wait(Key(3)).complete());
  ASSERT_THAT(asked, SizeIs(2));  // the first pilot made room, the second is large enough for all
  EXPECT_EQ(asked[1].memory_bytes, std::int64_t{4} << 30);
}

TEST_F(SlurmExecutorTest, APilotThatGetsNothingLeaves) {
  settings_.idle_seconds = 0.2;
  Start();
  Submit(Key(1));
  ASSERT_TRUE(Wait(Key(1)).complete());
  PollUntil([&] { return std::filesystem::is_empty(StudyFolder() / "slurm"); });
  Submit(Key(2));
  EXPECT_TRUE(Wait(Key(2)).complete());
  EXPECT_EQ(slurm_.submitted(), 2U);
}

TEST_F(SlurmExecutorTest, AJobThatIsToldToEndWritesACheckpoint) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  ::kill(slurm_.PidOf(0), SIGTERM);  // preempted, or its time is nearly over
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_TRUE(std::filesystem::exists(Directory(Key(1)) / kLastCheckpoint));
  Release(Key(1, 2));
  Submit(Key(1, 2));
  EXPECT_TRUE(Wait(Key(1, 2)).complete());
  EXPECT_EQ(slurm_.submitted(), 2U);
}

// ---- Orchestrators come and go -----------------------------------------------------------------

TEST_F(SlurmExecutorTest, TheNextOrchestratorAdoptsWhatIsAtWork) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  executor_.reset();
  heard_.clear();
  Start();
  ASSERT_TRUE(executor_->CanAdopt(Key(1), Directory(Key(1))));
  EXPECT_FALSE(executor_->CanAdopt(Key(9), Directory(Key(9))));
  executor_->Adopt(Key(1), Directory(Key(1)));
  WaitForMessage(Key(1));  // once more
  EXPECT_TRUE(std::holds_alternative<Started>(heard_[Key(1)].messages[0]));
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmExecutorTest, AnAdoptedAttemptCanHaveEndedInTheMeantime) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  executor_.reset();
  heard_.clear();
  Start();
  ASSERT_TRUE(executor_->CanAdopt(Key(1), Directory(Key(1))));
  Release(Key(1));
  while (!ReadEnd(Directory(Key(1)))) Poll();
  executor_->Adopt(Key(1), Directory(Key(1)));
  EXPECT_TRUE(Wait(Key(1)).complete());
}

TEST_F(SlurmExecutorTest, AnAdoptedAttemptWhoseJobIsGoneGoesOnElsewhere) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  executor_.reset();
  slurm_.KillJob(0);
  Start();
  ASSERT_TRUE(executor_->CanAdopt(Key(1), Directory(Key(1))));
  executor_->Adopt(Key(1), Directory(Key(1)));
  EXPECT_EQ(Wait(Key(1), 2s).failure().kind, FailureKind::kInterrupted);
}

TEST_F(SlurmExecutorTest, WhatIsNotAdoptedStopsBehindACheckpoint) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  const pid_t worker = WorkerOf(Key(1));
  executor_.reset();
  Start();
  const AttemptOutcome outcome = executor_->Reconcile(Key(1), Directory(Key(1)), 7);
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_TRUE(std::filesystem::exists(Directory(Key(1)) / kLastCheckpoint));
  EXPECT_TRUE(IsGone(worker));
}

TEST_F(SlurmExecutorTest, WhatWasOrderedAndNotBegunNeverIs) {
  Start();
  WriteOrdered(Directory(Key(1)), "beamgrid-s-0");
  const AttemptOutcome outcome = executor_->Reconcile(Key(1), Directory(Key(1)), 0);
  EXPECT_THAT(outcome.failure().message, HasSubstr("before it was begun"));
  EXPECT_FALSE(Claim(Directory(Key(1)), "beamgrid-s-0"));
}

TEST_F(SlurmExecutorTest, AnAttemptOfThisMachineIsReconciledAsOne) {
  Start();
  WriteFileAtomically(Directory(Key(1)) / kResultFile,
                      CanonicalJson(ToJson(TrialResult{.metrics = {.gap = 0.5}})));
  EXPECT_TRUE(executor_->Reconcile(Key(1), Directory(Key(1)), 0).complete());
  EXPECT_FALSE(executor_->Reconcile(Key(2), Directory(Key(2)), 0).complete());
}

TEST_F(SlurmExecutorTest, TheNextOrchestratorUsesTheJobsThatAreThere) {
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

TEST_F(SlurmExecutorTest, JobsOfOtherSettingsGetNoFurtherTrials) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
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

TEST_F(SlurmExecutorTest, ACopyOfTheFolderHasNoJobs) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
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

TEST_F(SlurmExecutorTest, WhatWasSaidOfAnotherAttemptOfTheKeyIsNotRepeated) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  // The trial was removed, and another one got its number.
  const SlurmExecutor* killed = executor_.release();
  std::filesystem::rename(StudyFolder() / "t1", folder_ / "removed");
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

TEST_F(SlurmExecutorTest, TheJobsOfAFolderHaveOneOrchestrator) {
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

TEST_F(SlurmExecutorTest, ARunOnThisMachineEndsWhatAJobCarriesOut) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
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

TEST_F(SlurmExecutorTest, WhoFindsItsAttemptEndedByOthersStops) {
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  const pid_t worker = WorkerOf(Key(1));
  ASSERT_TRUE(PublishEnd(Directory(Key(1)), Key(1), "another orchestrator",
                         {AttemptFailure{.kind = FailureKind::kInterrupted, .message = "moved"}}));
  AwaitGone(worker);
  EXPECT_EQ(Wait(Key(1)).failure().message, "moved");
  // Its pilot is free for the next.
  Release(Key(2));
  Submit(Key(2));
  EXPECT_TRUE(Wait(Key(2)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

// ---- What is to be seen late -------------------------------------------------------------------

/// A worker's files that come one after the other, as over NFS.
class SlurmLateFilesTest : public SlurmTest {
 protected:
  void SetUp() override {
    Trainer(Say(Started{}) +
            "\nwhile [ ! -e $dir/go ]; do sleep 0.02; done\necho model > $dir/model.pt\n" +
            LeaveResultWithModel() + "\n" + Say(Finished{}) + "\n" + Say(Ready{}));
    Start();
  }
  std::string LeaveResultWithModel() const {
    WriteFileAtomically(folder_ / "model", "model\n");
    TrialResult result{.metrics = {.gap = 0.5}};
    result.artifacts = {
        {.name = "model", .path = "model.pt", .bytes = 6, .hash = HashFile(folder_ / "model")}};
    return "cat > \"$dir/result.json\" <<'END'\n" + CanonicalJson(ToJson(result)) + "\nEND";
  }
  /// Hides a file of the attempt as soon as it has ended, before the orchestrator looks.
  void HideAtTheEnd(const std::string& name) {
    Submit(Key(1));
    WaitForMessage(Key(1));
    Release(Key(1));
    while (!std::filesystem::exists(Directory(Key(1)) / "end.json")) {
      std::this_thread::sleep_for(1ms);
    }
    std::filesystem::rename(Directory(Key(1)) / name, folder_ / "hidden");
  }
  void Show(const std::string& name) const {
    std::filesystem::rename(folder_ / "hidden", Directory(Key(1)) / name);
  }
};

TEST_F(SlurmLateFilesTest, AreWaitedFor) {
  for (const std::string name : {"end.json", "result.json", "model.pt"}) {
    SCOPED_TRACE(name);
    heard_.clear();
    std::filesystem::remove_all(StudyFolder() / "t1");
    HideAtTheEnd(name);
    for (int turn = 0; turn < 10; ++turn) {
      Poll();
      leapt_ += 4s;
    }
    EXPECT_FALSE(heard_[Key(1)].outcome.has_value());
    Show(name);
    EXPECT_TRUE(Wait(Key(1)).complete());
  }
}

TEST_F(SlurmLateFilesTest, OfTheOrchestratorAreWaitedForOnTheNode) {
  WriteFileAtomically(Directory(Key(1)) / kTrialFile, "{\"attem");
  executor_->Submit(Key(1), Directory(Key(1)), {.device = "cpu"}, 0ms);
  PollUntil([&] { return OrderedPilot(Directory(Key(1))).has_value(); });
  for (int turn = 0; turn < 20; ++turn) Poll();
  EXPECT_EQ(ClaimedBy(Directory(Key(1))), std::nullopt);
  WriteTrial(Key(1));
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
}

TEST_F(SlurmLateFilesTest, ThatNeverComeCostTheTrialNoTry) {
  HideAtTheEnd("model.pt");
  const AttemptOutcome outcome = Wait(Key(1), 4s);
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_THAT(outcome.failure().message, HasSubstr("model.pt"));
}

TEST_F(SlurmLateFilesTest, AnOlderResultIsNotTakenForTheNewOne) {
  HideAtTheEnd("result.json");
  WriteFileAtomically(Directory(Key(1)) / kResultFile,
                      CanonicalJson(ToJson(TrialResult{.metrics = {.gap = 0.125}})));
  for (int turn = 0; turn < 10; ++turn) {
    Poll();
    leapt_ += 4s;
  }
  EXPECT_FALSE(heard_[Key(1)].outcome.has_value());
  Show("result.json");
  EXPECT_EQ(Wait(Key(1)).result().metrics.gap, 0.5);
}

}  // namespace
}  // namespace beamgrid
