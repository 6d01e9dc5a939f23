// Pilots in the jobs of a fake cluster: what is asked for, what Slurm says of them and forgets, and
// who comes, leaves and is lost.

#include "orchestrator/slurm/pilots.h"

#include "orchestrator/slurm/attempt_end.h"
#include "registry/util/error.h"
#include "tests/orchestrator/slurm/slurm_fixture.h"

namespace beamgrid {
namespace pilots_test {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SlurmPilotsTest : public SlurmTest {};

TEST_F(SlurmPilotsTest, OneJobCarriesOutManyShortTrials) {
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

TEST_F(SlurmPilotsTest, ThereAreAsManyJobsAsTrialsAndAtMostSoMany) {
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

TEST_F(SlurmPilotsTest, TheIntentIsOnTheDiskBeforeSlurmIsAsked) {
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

TEST_F(SlurmPilotsTest, AJobThatTheQueueForgetsForAWhileIsNotLost) {
  StartAtWork();
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

TEST_F(SlurmPilotsTest, AJobThatNoQueueShowsIsNotLostWhileItsPilotSpeaks) {
  StartAtWork();
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

TEST_F(SlurmPilotsTest, WhereSlurmDoesNotAnswerNothingIsLost) {
  StartAtWork();
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

TEST_F(SlurmPilotsTest, ForHowLongSlurmHasNotAnsweredIsKnown) {
  slurm_.starts_jobs = false;
  Start();
  Submit(Key(1));
  PollUntil([&] { return slurm_.submitted() == 1; });
  slurm_.With(0, [](FakeSlurm::Job& job) { job.reason = "Resources"; });
  PollUntil([&] { return executor_->QueuedFor() != "Slurm"; });
  slurm_.Set([](FakeSlurm& slurm) { slurm.answers = false; });
  PollUntil([&] {
    return executor_->QueuedFor() ==
           "Slurm: it does not answer (Unable to contact slurm controller)";
  });
  PollUntil(
      [&] {
        return executor_->QueuedFor() ==
               "Slurm: it has not answered for 5 minutes (Unable to contact slurm controller)";
      },
      1s);
  EXPECT_GE(leapt_, 290s);
  slurm_.Set([](FakeSlurm& slurm) { slurm.answers = true; });
  PollUntil([&] {
    return executor_->QueuedFor() == "Slurm: no node has enough free for it yet (Resources)";
  });
}

TEST_F(SlurmPilotsTest, JobsThatCannotBeCancelledAreToldAndCancelledByTheNextRun) {
  slurm_.starts_jobs = false;
  Start();
  for (const std::int64_t trial : {1, 2}) Submit(Key(trial));
  PollUntil([&] { return slurm_.submitted() == 2; });
  slurm_.Set([](FakeSlurm& slurm) { slurm.answers = false; });
  PollUntil([&] { return !told_.empty(); });
  for (const std::int64_t trial : {1, 2}) (void)executor_->Cancel(Key(trial), 30s);
  executor_.reset();
  ASSERT_THAT(told_, SizeIs(3));
  EXPECT_THAT(told_[1], HasSubstr("it did not answer lately"));
  EXPECT_EQ(told_[2],
            "2 Slurm jobs may still be in the queue, for Slurm did not take the cancellation "
            "(Unable to contact slurm controller): each leaves as soon as it begins; to cancel "
            "before that, when Slurm answers: for job in '" +
                (StudyFolder() / "slurm").string() +
                "'/beamgrid-*; do scancel --state=PENDING --name=\"${job##*/}\"; done");
  EXPECT_THAT(slurm_.cancelled(), ::testing::IsEmpty());
  slurm_.Set([](FakeSlurm& slurm) { slurm.answers = slurm.starts_jobs = true; });
  told_.clear();
  heard_.clear();
  Start();
  Submit(Key(1, 2));
  EXPECT_TRUE(Wait(Key(1, 2), 1s).complete());
  EXPECT_THAT(slurm_.cancelled(),
              ::testing::UnorderedElementsAre(slurm_.NameOf(0), slurm_.NameOf(1)));
  EXPECT_EQ(ClaimedBy(Directory(Key(1, 2))), slurm_.NameOf(2));
  executor_.reset();
  EXPECT_THAT(told_, ::testing::IsEmpty());
}

TEST_F(SlurmPilotsTest, AJobThatIsNotWantedIsCancelledUntilItIsGone) {
  slurm_.starts_jobs = false;
  Start();
  Submit(Key(1));
  PollUntil([&] { return slurm_.submitted() == 1; });
  slurm_.Set([](FakeSlurm& slurm) { slurm.cancels = false; });
  slurm_.With(0, [](FakeSlurm::Job& job) { job.reason = "launch failed requeued held"; });
  PollUntil([&] { return slurm_.submitted() == 2; });
  slurm_.Set([](FakeSlurm& slurm) { slurm.cancels = true; });
  PollUntil([&] { return slurm_.cancelled().contains(slurm_.NameOf(0)); });
  EXPECT_FALSE(slurm_.cancelled().contains(slurm_.NameOf(1)));
  EXPECT_THAT(told_, ::testing::Contains(HasSubstr("is held")).Times(1));
}

TEST_F(SlurmPilotsTest, AStateThatWeDoNotKnowEndsNothing) {
  StartAtWork();
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

TEST_F(SlurmPilotsTest, AJobWithoutAPilotIsEndedThoughSlurmListsIt) {
  StartAtWork();
  slurm_.KillJob(0, "RUNNING");  // slurmstepd was killed, say
  PollUntil([&] { return slurm_.cancelled().contains(slurm_.NameOf(0)); }, 2s);
  EXPECT_GE(leapt_, 180s);
  EXPECT_EQ(Wait(Key(1), 2s).failure().kind, FailureKind::kInterrupted);
}

TEST_F(SlurmPilotsTest, AJobThatWasGivenUpAndComesBackIsEnded) {
  StartAtWork();
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

TEST_F(SlurmPilotsTest, AnAnswerOfSbatchThatIsLostCostsNothing) {
  slurm_.loses_answers = true;
  Start();
  Submit(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmPilotsTest, AJobThatWasNeverQueuedIsAskedForAgain) {
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

TEST_F(SlurmPilotsTest, AJobThatSlurmHoldsBecauseItsNodeFailedIsReplaced) {
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

TEST_F(SlurmPilotsTest, WhyNoJobBeginsIsSaidOnceForEachReason) {
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

TEST_F(SlurmPilotsTest, WhatTheJobsWaitForIsKnownAndWhatTheirTrialsDoNot) {
  slurm_.starts_jobs = false;
  Start();
  EXPECT_TRUE(executor_->Queues());
  Submit(Key(1));
  PollUntil([&] { return slurm_.submitted() == 1; });
  EXPECT_EQ(executor_->QueuedFor(), "Slurm");
  slurm_.With(0, [](FakeSlurm::Job& job) { job.reason = "Resources"; });
  PollUntil([&] { return executor_->QueuedFor() != "Slurm"; });
  EXPECT_EQ(executor_->QueuedFor(), "Slurm: no node has enough free for it yet (Resources)");
  EXPECT_FALSE(heard_[Key(1)].begun.has_value());
  slurm_.StartJob(0);
  EXPECT_TRUE(Wait(Key(1)).complete());
  ASSERT_TRUE(heard_[Key(1)].begun.has_value());
  EXPECT_THAT(heard_[Key(1)].begun->where, ::testing::Not(HasSubstr(",")));
  PollUntil([&] { return executor_->QueuedFor() == "Slurm"; });
}

TEST_F(SlurmPilotsTest, APrologueThatDoesNotEndIsToldOnce) {
  settings_.prologue = "echo loading a module; while [ ! -e '" + (folder_ / "loaded").string() +
                       "' ]; do sleep 0.02; done";
  Start();
  Submit(Key(1));
  PollUntil([&] { return executor_->QueuedFor() == "Slurm: its job is getting ready on n1"; });
  EXPECT_THAT(told_, ::testing::IsEmpty());
  PollUntil([&] { return !told_.empty(); }, 1s);
  EXPECT_GE(leapt_, 290s);
  for (int turn = 0; turn < 20; ++turn) {
    Poll();
    leapt_ += 60s;
  }
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_THAT(told_[0], HasSubstr("the job " + slurm_.NameOf(0) + " began on n1 5m"));
  EXPECT_THAT(told_[0],
              HasSubstr((StudyFolder() / "slurm" / slurm_.NameOf(0) / "job.log").string() +
                        "; it said last: loading a module"));
  WriteFileAtomically(folder_ / "loaded", "");
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_EQ(slurm_.submitted(), 1U);
}

TEST_F(SlurmPilotsTest, ASlowPrologueIsNotTold) {
  settings_.prologue =
      "while [ ! -e '" + (folder_ / "loaded").string() + "' ]; do sleep 0.02; done";
  Start();
  Submit(Key(1));
  PollUntil([&] { return executor_->QueuedFor() == "Slurm: its job is getting ready on n1"; });
  for (int turn = 0; turn < 20; ++turn) {
    Poll();
    leapt_ += 10s;
  }
  WriteFileAtomically(folder_ / "loaded", "");
  EXPECT_TRUE(Wait(Key(1)).complete());
  // Nor is one that has spoken, however long it works.
  leapt_ += 1h;
  const int looks = slurm_.looks();
  PollUntil([&] { return slurm_.looks() > looks + 3; });
  EXPECT_THAT(told_, ::testing::IsEmpty());
}

TEST_F(SlurmPilotsTest, JobsAreNoLongerThanThePartitionAllows) {
  std::vector<double> asked;
  slurm_.on_submit = [&](const JobRequest& request) {
    asked.push_back(request.settings.time_seconds);
  };
  limit_ = PartitionLimit{"short", 2h};
  Start();
  Submit(Key(1), {.device = "cpu", .seconds = 600});
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_THAT(told_, ::testing::IsEmpty());
  executor_.reset();
  Start();
  for (const std::int64_t trial : {2, 3}) {
    Submit(Key(trial), {.device = "cpu", .seconds = 36'000});
    EXPECT_TRUE(Wait(Key(trial)).complete());
  }
  ASSERT_THAT(asked, ::testing::Not(::testing::IsEmpty()));
  EXPECT_EQ(asked.front(), 1800);
  EXPECT_EQ(asked.back(), 7200);
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_THAT(told_[0], HasSubstr("jobs are asked for 2h00m, the most that the partition short"));
}

TEST_F(SlurmPilotsTest, ARefusalOfSbatchIsTheMachinesFault) {
  slurm_.refusal = "invalid partition specified: nowhere";
  Start();
  Submit(Key(1));
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kEnvironment);
  EXPECT_THAT(outcome.failure().message, HasSubstr("nowhere"));
}

TEST_F(SlurmPilotsTest, WhereSlurmTakesNoJobNowItIsAskedAgain) {
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

TEST_F(SlurmPilotsTest, ARefusalBesideOtherJobsOnlyMeansFewerOfThem) {
  settings_.jobs = 2;
  Start();
  Submit(Key(1));
  ASSERT_TRUE(Wait(Key(1)).complete());
  slurm_.Set([](FakeSlurm& slurm) { slurm.refusal = "QOSMaxSubmitJobPerUserLimit"; });
  for (std::int64_t trial = 2; trial <= 5; ++trial) Submit(Key(trial));
  for (std::int64_t trial = 2; trial <= 5; ++trial) EXPECT_TRUE(Wait(Key(trial)).complete());
  EXPECT_THAT(told_, ::testing::ElementsAre(HasSubstr("QOSMaxSubmitJobPerUserLimit")));
}

TEST_F(SlurmPilotsTest, AfterARefusalOneJobIsAskedForAtATime) {
  settings_.jobs = 8;
  std::vector<std::string> asked;
  slurm_.on_submit = [&](const JobRequest& request) { asked.push_back(request.name); };
  slurm_.refusal = "QOSMaxSubmitJobPerUserLimit";
  slurm_.refuses_as = Submission::kNotNow;
  Start();
  for (std::int64_t trial = 1; trial <= 8; ++trial) Submit(Key(trial));
  PollUntil([&] { return !told_.empty(); });
  const auto count = [&] {
    std::size_t calls = 0;
    slurm_.Set([&](FakeSlurm&) { calls = asked.size(); });
    return calls;
  };
  PollUntil([&] { return count() == 8; });
  PollUntil([&] { return executor_->QueuedFor() != "Slurm"; });
  EXPECT_EQ(executor_->QueuedFor(), "Slurm: sbatch refused a job: QOSMaxSubmitJobPerUserLimit");
  for (std::size_t more = 1; more <= 3; ++more) {
    leapt_ += 21s;
    PollUntil([&] { return count() == 8 + more; });
    for (int turn = 0; turn < 5; ++turn) Poll();
    EXPECT_EQ(count(), 8 + more);
  }
  slurm_.Set([](FakeSlurm& slurm) { slurm.refusal.clear(); });
  leapt_ += 21s;
  for (std::int64_t trial = 1; trial <= 8; ++trial) EXPECT_TRUE(Wait(Key(trial)).complete());
}

TEST_F(SlurmPilotsTest, ARefusalBeforeTheFirstJobIsTakenIsToldOnceOneIs) {
  int asked = 0;
  slurm_.on_submit = [&](const JobRequest&) {
    slurm_.refusal = ++asked == 1 ? "the site's wrapper has a fault" : "";
  };
  Start();
  Submit(Key(1));
  Submit(Key(2));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_TRUE(Wait(Key(2)).complete());
  EXPECT_THAT(told_, ::testing::ElementsAre("sbatch refused a job: the site's wrapper has a fault; "
                                            "the study goes on with the jobs that it has"));
}

TEST_F(SlurmPilotsTest, AJobThatSbatchRefusedAndThatIsInTheQueueIsEnded) {
  StartAtWork();
  slurm_.Set([](FakeSlurm& slurm) {
    slurm.starts_jobs = false;
    slurm.takes_what_it_refuses = true;
    slurm.refusal = "the site's wrapper has a fault";
  });
  Submit(Key(2));
  PollUntil([&] { return slurm_.submitted() == 2; });
  PollUntil([&] { return slurm_.cancelled().contains(slurm_.NameOf(1)); });
  EXPECT_FALSE(slurm_.cancelled().contains(slurm_.NameOf(0)));
  Release(Key(1));
  Release(Key(2));
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_TRUE(Wait(Key(2)).complete());
}

TEST_F(SlurmPilotsTest, ARefusalThatStopsTheStudyLeavesNoJob) {
  slurm_.starts_jobs = false;
  slurm_.takes_what_it_refuses = true;
  slurm_.refusal = "the site's wrapper has a fault";
  Start();
  Submit(Key(1));
  EXPECT_EQ(Wait(Key(1)).failure().kind, FailureKind::kEnvironment);
  executor_.reset();
  EXPECT_TRUE(slurm_.cancelled().contains(slurm_.NameOf(0)));
}

/// A cluster whose nodes have 4 GiB.
class SmallNodesTest : public SlurmTest {
 protected:
  static constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;

  SmallNodesTest() {
    slurm_.node_memory_bytes = 4 * kGibibyte;
    slurm_.on_submit = [this](const JobRequest& request) {
      const bool whole =
          ::testing::Matches(::testing::Contains("--mem=0"))(request.settings.arguments);
      asked_.push_back(whole ? "whole node"
                             : std::to_string(request.settings.memory_bytes / kGibibyte) + " GiB");
    };
  }
  std::vector<std::string> asked_;
};

TEST_F(SmallNodesTest, ATrialThatIsExpectedToNeedMoreGetsAWholeNodeAndTheOthersWhatTheyNeed) {
  settings_.jobs = 3;
  Start();
  Submit(Key(1), {.device = "cpu", .memory_bytes = 20 * kGibibyte});
  Submit(Key(2), {.device = "cpu", .memory_bytes = kGibibyte / 2});
  for (const std::int64_t trial : {1, 2}) EXPECT_TRUE(Wait(Key(trial)).complete());
  Submit(Key(3), {.device = "cpu", .memory_bytes = 30 * kGibibyte});
  Submit(Key(4), {.device = "cpu", .memory_bytes = kGibibyte});
  for (const std::int64_t trial : {3, 4}) EXPECT_TRUE(Wait(Key(trial)).complete());
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_THAT(told_[0],
              HasSubstr("no node gives 26.0 GiB, so trials that are expected to need so"));
  // One whole node for one trial that waits, and nothing that was refused before.
  EXPECT_THAT(asked_,
              ::testing::UnorderedElementsAre("26 GiB", "26 GiB", "whole node", "1 GiB", "2 GiB"));
}

TEST_F(SmallNodesTest, AJobOfAWholeNodeIsForTheTrialThatNeedsIt) {
  settings_.jobs = 3;
  slurm_.starts_jobs = false;
  Start();
  Submit(Key(1), {.device = "cpu", .memory_bytes = kGibibyte});
  Submit(Key(2), {.device = "cpu", .memory_bytes = 20 * kGibibyte});
  PollUntil([&] { return slurm_.submitted() == 2; });
  EXPECT_EQ(asked_.back(), "whole node");
  slurm_.StartJob(1);
  EXPECT_TRUE(Wait(Key(2)).complete());
  EXPECT_TRUE(Wait(Key(1)).complete()) << "it need not wait for its own job any more";
  EXPECT_EQ(slurm_.submitted(), 2U);
}

TEST_F(SlurmPilotsTest, AJobThatWaitsAndIsTooSmallForTheTrialsMakesRoom) {
  std::vector<std::int64_t> asked;
  slurm_.on_submit = [&](const JobRequest& request) {
    asked.push_back(request.settings.memory_bytes >> 30);
  };
  slurm_.starts_jobs = false;
  settings_.jobs = 2;
  constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;
  Start();
  for (const std::int64_t trial : {1, 2}) {
    Submit(Key(trial), {.device = "cpu", .memory_bytes = kGibibyte});
  }
  PollUntil([&] { return slurm_.submitted() == 2; });
  for (int turn = 0; turn < 5; ++turn) Poll();
  EXPECT_THAT(slurm_.cancelled(), ::testing::IsEmpty());
  (void)executor_->Cancel(Key(1), 30s);
  Submit(Key(3), {.device = "cpu", .memory_bytes = 8 * kGibibyte});
  PollUntil([&] { return slurm_.submitted() == 3; }, 100ms);
  EXPECT_LT(leapt_, 10s) << "of a job that is cancelled nothing is waited for";
  EXPECT_THAT(slurm_.cancelled(), SizeIs(1));
  EXPECT_THAT(asked, ::testing::ElementsAre(2, 2, 11));
  slurm_.StartJob(2);
  EXPECT_TRUE(Wait(Key(3)).complete());
  EXPECT_TRUE(Wait(Key(2)).complete());
}

TEST_F(SlurmPilotsTest, ATrialWhoseJobIsRefusedKeepsNoOtherFromOne) {
  constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;
  slurm_.on_submit = [&](const JobRequest& request) {
    const bool large = request.settings.memory_bytes > 4 * kGibibyte;
    slurm_.refusal = large ? "QOSMaxMemoryPerJob" : "";
  };
  settings_.jobs = 3;
  settings_.memory_bytes = 3 * kGibibyte;
  PatientTrainer();
  Start();
  Submit(Key(1));
  WaitForMessage(Key(1));
  Submit(Key(2), {.device = "cpu", .alone = true});
  PollUntil([&] { return !told_.empty(); });
  EXPECT_THAT(told_[0], HasSubstr("QOSMaxMemoryPerJob; the study goes on with the jobs"));
  Submit(Key(3));
  Release(Key(3));
  EXPECT_TRUE(Wait(Key(3), 1s).complete());
  EXPECT_TRUE(heard_[Key(1)].messages.size() == 1) << "it is at work yet";
  // The last one learns that no job of its size is to be had.
  Release(Key(1));
  EXPECT_TRUE(Wait(Key(1)).complete());
}

TEST_F(SmallNodesTest, WhoRanOutOfMemoryGetsAWholeNodeWhereTwiceAsMuchIsMoreThanAnyHas) {
  settings_.jobs = 1;
  settings_.memory_bytes = 3 * kGibibyte;
  Start();
  Submit(Key(1), {.device = "cpu", .alone = true});
  EXPECT_TRUE(Wait(Key(1)).complete());
  EXPECT_THAT(asked_, ::testing::ElementsAre("6 GiB", "whole node"));
}

TEST_F(SmallNodesTest, ARecipeThatAsksForMoreIsToldSo) {
  settings_.memory_bytes = 5 * kGibibyte;
  Start();
  Submit(Key(1));
  const AttemptOutcome outcome = Wait(Key(1));
  EXPECT_EQ(outcome.failure().kind, FailureKind::kEnvironment);
  EXPECT_THAT(outcome.failure().message, HasSubstr("Memory specification"));
}

TEST_F(SlurmPilotsTest, JobsThatEndBeforeTheyBeginStopTheStudyWithTheirWords) {
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

TEST_F(SlurmPilotsTest, APilotThatGetsNothingLeaves) {
  settings_.idle_seconds = 0.2;
  Start();
  Submit(Key(1));
  ASSERT_TRUE(Wait(Key(1)).complete());
  PollUntil([&] { return std::filesystem::is_empty(StudyFolder() / "slurm"); });
  Submit(Key(2));
  EXPECT_TRUE(Wait(Key(2)).complete());
  EXPECT_EQ(slurm_.submitted(), 2U);
}

}  // namespace pilots_test
}  // namespace beamgrid
