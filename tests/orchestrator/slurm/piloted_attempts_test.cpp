// Attempts by pilots in the jobs of a fake cluster: what is reported and left, and how they end
// where jobs, pilots or workers end at any moment.

#include "orchestrator/slurm/piloted_attempts.h"

#include <thread>

#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/slurm/shared_files.h"
#include "tests/orchestrator/slurm/slurm_fixture.h"
#include "tests/support/await.h"

namespace beamgrid {
namespace piloted_attempts_test {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SlurmAttemptsTest : public SlurmTest {};

TEST_F(SlurmAttemptsTest, WorkersFailAsTheyDoHere) {
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

TEST_F(SlurmAttemptsTest, WhoIsCancelledWritesACheckpoint) {
  StartAtWork();
  EXPECT_TRUE(executor_->Cancel(Key(1), 30s));
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_EQ(outcome.failure().message, "stopped with the study");
  EXPECT_TRUE(std::filesystem::exists(Directory(Key(1)) / kLastCheckpoint));
  EXPECT_FALSE(executor_->Cancel(Key(1), 30s));
  EXPECT_THAT(slurm_.cancelled(), ::testing::IsEmpty());
}

TEST_F(SlurmAttemptsTest, WhatWaitsForAJobEndsAtOnce) {
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

TEST_F(SlurmAttemptsTest, AJobThatDoesNotStopIsEndedAndBelievedNoMore) {
  StartAtWork();
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

TEST_F(SlurmAttemptsTest, AKilledWorkerCostsItsAttemptOnly) {
  StartAtWork();
  ::kill(WorkerOf(Key(1)), SIGKILL);
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.exit_code, -SIGKILL);
  EXPECT_THAT(outcome.failure().message, HasSubstr("SIGKILL"));
  EXPECT_TRUE(TryAgain().complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmAttemptsTest, AKilledJobIsLostAfterAWhileAndTheTrialGoesOnInAnother) {
  StartAtWork();
  const pid_t worker = WorkerOf(Key(1));
  slurm_.KillJob(0);
  const AttemptOutcome outcome = Wait(Key(1), 2s);
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_THAT(outcome.failure().message, HasSubstr("is gone from Slurm's queue"));
  EXPECT_GE(leapt_, 60s);
  AwaitGone(worker);
  EXPECT_TRUE(TryAgain().complete());
  EXPECT_EQ(slurm_.submitted(), 2U);
}

TEST_F(SlurmAttemptsTest, ByItsFinalStateAJobIsLostSooner) {
  StartAtWork();
  slurm_.KillJob(0, "NODE_FAIL");
  EXPECT_THAT(Wait(Key(1), 1s).failure().message, HasSubstr("NODE_FAIL"));
  EXPECT_LT(leapt_, 60s);
}

TEST_F(SlurmAttemptsTest, TheAccountingTellsWhereTheQueueForgets) {
  StartAtWork();
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

TEST_F(SlurmAttemptsTest, AResultThatWasReadyWhenTheJobDiedCounts) {
  // The worker kills its pilot, and dies with it.
  Trainer(LeaveResult() + "\nkill -9 $PPID; sleep 60");
  Start();
  Submit(Key(1));
  PollUntil([&] { return std::filesystem::exists(Directory(Key(1)) / kResultFile); });
  slurm_.KillJob(0);
  EXPECT_TRUE(Wait(Key(1), 2s).complete());
}

TEST_F(SlurmAttemptsTest, AJobThatIsStartedAgainTakesNothingUpThatItHadBegun) {
  settings_.jobs = 1;
  StartAtWork();
  const pid_t worker = WorkerOf(Key(1));
  slurm_.StartJob(0);
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_THAT(outcome.failure().message, HasSubstr("started again by Slurm"));
  EXPECT_TRUE(IsGone(worker));
  EXPECT_EQ(heard_[Key(1)].messages.size(), 1U);
  EXPECT_TRUE(TryAgain().complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmAttemptsTest, WhatAJobHadBegunDoesNotWaitForItsNextStart) {
  settings_.jobs = 1;
  StartAtWork();
  slurm_.KillJob(0, "PENDING");
  EXPECT_THAT(Wait(Key(1), 1s).failure().message, HasSubstr("waits to be started again"));
  Release(Key(1, 2));
  Submit(Key(1, 2));
  for (int turn = 0; turn < 5; ++turn) Poll();
  EXPECT_EQ(slurm_.submitted(), 1U);  // the one that waits is ours
  slurm_.StartJob(0);
  EXPECT_TRUE(Wait(Key(1, 2)).complete());
}

TEST_F(SlurmAttemptsTest, WhoRanOutOfMemoryGetsMore) {
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

TEST_F(SlurmAttemptsTest, AJobThatIsToldToEndWritesACheckpoint) {
  StartAtWork();
  ::kill(slurm_.PidOf(0), SIGTERM);  // preempted, or its time is nearly over
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
  EXPECT_EQ(outcome.failure().message,
            "the job was told to end by Slurm (its time, preemption, scancel)");
  EXPECT_TRUE(std::filesystem::exists(Directory(Key(1)) / kLastCheckpoint));
  EXPECT_TRUE(TryAgain().complete());
  EXPECT_EQ(slurm_.submitted(), 2U);
}

TEST_F(SlurmAttemptsTest, AJobThatSlurmQueuesAgainAfterItLeftIsEnded) {
  StartAtWork();
  ::kill(slurm_.PidOf(0), SIGTERM);
  EXPECT_EQ(Wait(Key(1)).failure().kind, FailureKind::kInterrupted);
  EXPECT_TRUE(TryAgain().complete());
  slurm_.With(0, [](FakeSlurm::Job& job) { job.state = "PENDING"; });
  PollUntil([&] { return slurm_.cancelled().contains(slurm_.NameOf(0)); });
  EXPECT_FALSE(slurm_.cancelled().contains(slurm_.NameOf(1)));
}

TEST_F(SlurmAttemptsTest, WhoFindsItsAttemptEndedByOthersStops) {
  StartAtWork();
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

// ---- Files that are none of ours ---------------------------------------------------------------

/// Whole JSON, and no end: keys that lack or are of another type.
constexpr const char* kNoEnds[] = {
    "{}",
    "[]",
    "17",
    "null",
    "{\"attempt\": 1}",
    "{\"attempt\": \"1\", \"trial\": 1, \"by\": \"n1\", \"exit_code\": 0, \"result\": \"x\"}",
    "{\"attempt\": 1, \"trial\": 1, \"by\": \"n1\", \"exit_code\": 0, \"result\": 5}",
    "{\"attempt\": 1, \"trial\": 1, \"by\": \"n1\", \"exit_code\": 0, \"failure\": 5}",
    "{\"attempt\": 1, \"trial\": 1, \"by\": \"n1\", \"exit_code\": 0, \"failure\": "
    "{\"kind\": \"bored\", \"message\": \"\", \"log_tail\": \"\"}}"};

TEST_F(SlurmAttemptsTest, AnEndThatIsNoneOfOursEndsItsAttemptAlone) {
  for (const char* text : kNoEnds) {
    SCOPED_TRACE(text);
    heard_.clear();
    told_.clear();
    executor_.reset();
    std::filesystem::remove_all(StudyFolder());
    StartAtWork();
    // A result that is whole, and is believed all the same by nobody.
    WriteFileAtomically(Directory(Key(1)) / kResultFile,
                        CanonicalJson(ToJson(TrialResult{.metrics = {.gap = 0.5}})));
    WriteFileAtomically(Directory(Key(1)) / "end.json", text);
    const AttemptOutcome outcome = Wait(Key(1));
    ASSERT_FALSE(outcome.complete());
    EXPECT_EQ(outcome.failure().kind, FailureKind::kInterrupted);
    EXPECT_THAT(outcome.failure().message,
                HasSubstr((Directory(Key(1)) / "end.json").string() + " is none of ours"));
    ASSERT_THAT(told_, SizeIs(1));
    EXPECT_THAT(told_[0], HasSubstr("it says does not count"));
    EXPECT_TRUE(TryAgain().complete());
  }
}

TEST_F(SlurmAttemptsTest, WhereNoEndIsOneOfOursTheMachineHasAFault) {
  // As programs of another version would write them: trials would be carried out for ever.
  Trainer("echo '{}' > $dir/end.json\n" + EndWell());
  Start();
  for (std::int64_t attempt = 1; attempt <= 3; ++attempt) {
    Submit(Key(1, attempt));
    EXPECT_EQ(Wait(Key(1, attempt)).failure().kind,
              attempt < 3 ? FailureKind::kInterrupted : FailureKind::kEnvironment);
  }
  EXPECT_THAT(told_[0], HasSubstr("must be of one version"));
}

TEST_F(SlurmAttemptsTest, AClaimThatNamesNobodyIsNobodys) {
  for (const char* text : {"{}", "[]", "{\"pilot\": 5}", "{\"pilot\": \"../../elsewhere\"}"}) {
    SCOPED_TRACE(text);
    heard_.clear();
    executor_.reset();
    std::filesystem::remove_all(StudyFolder());
    Trainer(EndWell());
    Start();
    WriteFileAtomically(Directory(Key(1)) / "claim.json", text);
    EXPECT_EQ(ClaimedBy(Directory(Key(1))), std::nullopt);
    Submit(Key(1));
    EXPECT_THAT(Wait(Key(1)).failure().message, HasSubstr("refused it"));
    EXPECT_TRUE(TryAgain().complete());
  }
}

TEST_F(SlurmAttemptsTest, LinesThatAreNoneOfOursAreNotHeard) {
  StartAtWork();
  GrowingLines reports(StudyFolder() / "slurm" / slurm_.NameOf(0) / kReports);
  for (const char* line :
       {"{}", "[]", "5", "{\"say\": 5}", "{\"say\": \"ended\", \"trial\": \"1\"}",
        "{\"say\": \"ended\", \"trial\": 1}", "{\"say\": \"heard\", \"trial\": 1, \"attempt\": 1}",
        "{\"say\": \"heard\", \"trial\": 1, \"attempt\": 1, \"text\": \"{}\"}",
        "{\"say\": \"left\", \"text\": 5}", "{\"say\": \"begun\", \"orders\": \"5\"}"}) {
    (void)reports.Add(line);
  }
  GrowingLines orders(StudyFolder() / "slurm" / slurm_.NameOf(0) / kOrders);
  for (const char* line : {"{}", "[]", "{\"do\": \"leave\"}", "{\"do\": 5}",
                           "{\"do\": \"cancel\", \"trial\": 1, \"attempt\": \"1\"}"}) {
    (void)orders.Add(line);
  }
  for (int turn = 0; turn < 10; ++turn) Poll();
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_EQ(heard_[Key(1)].messages.size(), 2U) << "of the worker: it began and has finished";
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
    beamgrid::Await(
        "end.json", [&] { return std::filesystem::exists(Directory(Key(1)) / "end.json"); },
        [] { std::this_thread::sleep_for(1ms); }, 100'000);
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

}  // namespace piloted_attempts_test
}  // namespace beamgrid
