#include "orchestrator/study/study_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/support/fake_executor.h"

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WaitingTest : public ::testing::Test {
 protected:
  /// A refusal a second for so long, as a full device gives them.
  void WaitFor(std::chrono::seconds time, const std::string& why = "held by 'a'") {
    for (const auto end = now_ + time; now_ < end; now_ += 1s) {
      events_.OnDeviceInUse("cpu", why, now_);
    }
  }
  std::vector<std::string> Told() { return std::exchange(display_.events, {}); }

  Recipe recipe_;
  RecordingDisplay display_;
  StudyEvents events_{recipe_, display_};
  std::chrono::milliseconds now_{0};
};

TEST_F(WaitingTest, IsSaidAtOnceAndEverMoreRarelyForHowLong) {
  WaitFor(60s);
  EXPECT_THAT(Told(), ElementsAre("cpu: held by 'a'"));
  WaitFor(60s);
  EXPECT_THAT(Told(), ElementsAre("cpu: waiting for 1m00s: held by 'a'"));
  WaitFor(121s);
  EXPECT_THAT(Told(), ElementsAre("cpu: waiting for 2m00s: held by 'a'",
                                  "cpu: waiting for 4m00s: held by 'a'"));
  WaitFor(24h);
  EXPECT_THAT(Told(), SizeIs(::testing::Lt(32U)));
}

TEST_F(WaitingTest, OthersWhoHaveComeAreSaidAtOnce) {
  WaitFor(10s);
  WaitFor(10s, "held by 'b'");
  WaitFor(10s);
  EXPECT_THAT(Told(), ElementsAre("cpu: held by 'a'", "cpu: held by 'b'"));
}

TEST(QueuedTrials, CostThePaceNoTimeWhereAllAreQueued) {
  Recipe recipe;
  RecordingDisplay display;
  StudyEvents events(recipe, display);
  events.OnStarted(TrialId{1}, {"MC", 1}, {"cpu", 1}, {});
  events.Show(0, 10s);
  events.OnMessage(TrialId{1}, Started{.epochs = 1, .train_examples = 10});
  events.OnStarted(TrialId{2}, {"MS", 1}, {"cpu", 1},
                   {.number = 2, .resumes = true, .queued = true});
  events.Show(0, 20s);
  EXPECT_EQ(display.last.queued_time, 0s) << "the first is at work";
  events.OnInterrupted(TrialId{1}, {"MC", 1});
  events.Show(0, 50s);
  EXPECT_EQ(display.last.queued_time, 30s);
  EXPECT_EQ(display.last.queued, 1);
  events.OnBegun(TrialId{2}, "n1");
  events.OnBegun(TrialId{2}, "n1");
  events.Show(0, 90s);
  EXPECT_EQ(display.last.queued_time, 30s);
  EXPECT_EQ(display.last.queued, 0);
  EXPECT_EQ(display.last.running.size(), 1U);
  EXPECT_THAT(display.events,
              ElementsAre("MC seed 1: started on cpu", "MC seed 1: stopped; `run` goes on with it",
                          "MS seed 1: started on cpu of n1, attempt 2, from its checkpoint"));
}

TEST_F(WaitingTest, ATrialThatStartsThereEndsTheWait) {
  WaitFor(59s);
  events_.OnStarted(TrialId{1}, {"MC", 1}, {"cpu", 1}, {});
  (void)Told();
  WaitFor(59s);
  EXPECT_THAT(Told(), IsEmpty());
  events_.Show(1, now_);
  EXPECT_EQ(display_.last.waiting_since, 59s);
}

TEST_F(WaitingTest, TheTimeBeforeTheFirstTrainingIsToldApart) {
  events_.Show(2, 90s);
  events_.OnStarted(TrialId{1}, {"MC", 1}, {"cpu", 1}, {.resumes = true});
  events_.OnMessage(TrialId{1}, Started{.epochs = 2, .train_examples = 50, .resumed_examples = 40});
  events_.Show(1, 95s);
  EXPECT_EQ(display_.last.began_training, 90s);
  EXPECT_EQ(display_.last.running.at(TrialId{1}).resumed_examples, 40);
  events_.OnComplete(TrialId{1}, {"MC", 1}, {});
  events_.OnStarted(TrialId{2}, {"MC", 2}, {"cpu", 1}, {});
  events_.OnMessage(TrialId{2}, Started{.epochs = 2, .train_examples = 50});
  events_.OnFailedBefore({"MC", 3}, "diverged");
  events_.Show(0, 99s);
  EXPECT_EQ(display_.last.began_training, 90s);
  EXPECT_DOUBLE_EQ(display_.last.resumed_work, 0.4);
  EXPECT_EQ(display_.last.failed_before, 1);
}

}  // namespace
}  // namespace beamgrid
