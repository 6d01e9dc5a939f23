#include "orchestrator/study/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace beamgrid {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

/// Two trials at work in the middle of a study.
ProgressState SomeState() {
  ProgressState state{.study = "kim2018",
                      .planned = 20,
                      .complete = 5,
                      .reused = 2,
                      .failed = 1,
                      .waiting = 10,
                      .best_name = "MC-BLSTM-MoE2",
                      .best = 0.84211,
                      .devices = {{"cuda:0", 2}, {"cuda:1", 1}},
                      .elapsed = 185'000ms};
  state.running[TrialId{8}] = {.name = "MC-GRU-MoE4",
                               .seed = 1,
                               .device = "cuda:0",
                               .epoch = 3,
                               .epochs = 5,
                               .examples = 500,
                               .total_examples = 1000,
                               .loss = 12.3456,
                               .latest = 0.8123,
                               .latest_epoch = 2,
                               .objective = 0.8130,
                               .best_epoch = 1,
                               .examples_per_second = 1234.5};
  state.running[TrialId{9}] = {.name = "MS-NetVLAD-C64-MoE4", .seed = 12, .device = "cuda:1"};
  return state;
}

TEST(RenderProgress, ShowsTrialsDevicesTheBestAndTotalsInAWideTerminal) {
  EXPECT_THAT(
      RenderProgress(SomeState(), 200, 20, Colour::kNo),
      ElementsAre(
          "MC-GRU-MoE4          s1   epoch 3/5   50%  gap 0.8123  of epoch 2  best 0.8130 in 1  "
          "loss 12.346  1234 ex/s  cuda:0",
          "MS-NetVLAD-C64-MoE4  s12  starting" + std::string(75, ' ') + "cuda:1",
          "cuda:0 1/2  cuda:1 1/1  1234 ex/s  97.3 trials/h",
          "best trial: gap 0.8421  MC-BLSTM-MoE2",
          "kim2018  8/20 done  1 failed  eta 5m27s  2 running  10 waiting  3m05s "
          "so far  2 reused"));
}

TEST(RenderProgress, SaysWhatJobsOfAClusterWaitFor) {
  ProgressState state = SomeState();
  state.queued = 3;
  state.queued_for = "Slurm: no node has enough free for it yet (Resources)";
  const std::vector<std::string> lines = RenderProgress(state, 80, 20, Colour::kNo);
  EXPECT_EQ(lines.at(lines.size() - 2),
            "3 trials wait for Slurm: no node has enough free for it yet (Resources)");
  EXPECT_EQ(RenderProgress(state, 30, 20, Colour::kNo).at(lines.size() - 2),
            "3 trials wait for Slurm: no ..");
  state.queued = 0;
  EXPECT_EQ(QueueText(state), "");
}

TEST(Eta, IsOverTheJobsThatHaveBegun) {
  ProgressState state = SomeState();
  state.running.erase(TrialId{9});
  state.ahead = WorkAhead{.waiting_seconds = 600, .slots = 3};
  EXPECT_EQ(Eta(state), 200s);
  state.queued = 2;
  EXPECT_EQ(Eta(state), 600s);
  // Where none has, how long the queue takes is not known.
  state.running.clear();
  EXPECT_EQ(Eta(state), std::nullopt);
}

TEST(TrialsPerHour, CountsNoTimeInWhichAllWaitedInAQueue) {
  ProgressState state{.complete = 5, .elapsed = 3h, .began_training = 1h};
  EXPECT_EQ(TrialsPerHour(state), 2.5);
  state.queued_time = 1h;
  EXPECT_EQ(TrialsPerHour(state), 5);
}

TEST(RenderProgress, ShowsTheEssentialsAt80And40Columns) {
  EXPECT_THAT(
      RenderProgress(SomeState(), 80, 20, Colour::kNo),
      ElementsAre("MC-GRU-MoE4          s1   epoch 3/5   50%  gap 0.8123  best 0.8130 in 1",
                  "MS-NetVLAD-C64-MoE4  s12  starting",
                  "cuda:0 1/2  cuda:1 1/1  1234 ex/s  97.3 trials/h",
                  "best trial: gap 0.8421  MC-BLSTM-MoE2",
                  "kim2018  8/20 done  1 failed  eta 5m27s  2 running  10 waiting  3m05s so far"));
  EXPECT_THAT(
      RenderProgress(SomeState(), 40, 20, Colour::kNo),
      ElementsAre("MC-GRU-MoE4   s1   epoch 3/5  gap 0.8123", "MS-NetVLAD..  s12  starting",
                  "cuda:0 1/2  cuda:1 1/1  1234 ex/s", "best trial: gap 0.8421  MC-BLSTM-MoE2",
                  "kim2018  8/20 done  1 failed  eta 5m27s"));
  EXPECT_THAT(RenderProgress(SomeState(), 20, 20, Colour::kNo),
              ElementsAre("MC-GRU..  epoch 3/5", "MS-Net..  starting", "cuda:0 1/2",
                          "best trial 0.8421", "kim2018  8/20 done"));
}

TEST(RenderProgress, WhereThereIsRoomTheLeaderboardAndWhatWaitsStandThere) {
  ProgressState state = SomeState();
  state.leaders = {{"MC-BLSTM-MoE2", 0.84, 2}, {"MC-GRU-MoE2", 0.8312, 1}};
  state.next = {{"MC-GRU-MoE4", 2}, {"MC-BLSTM-MoE4", 1}};
  const std::vector<std::string> lines = RenderProgress(state, 60, 20, Colour::kNo);
  ASSERT_EQ(lines.size(), 9U);
  EXPECT_EQ(lines[2], "best models, by the mean of their seeds:");
  EXPECT_EQ(lines[3], "1.  gap 0.8400  2 seeds   MC-BLSTM-MoE2");
  EXPECT_EQ(lines[4], "2.  gap 0.8312  1 seed    MC-GRU-MoE2");
  EXPECT_EQ(lines[5], "next: MC-GRU-MoE4 s2, MC-BLSTM-MoE4 s1");
  EXPECT_EQ(RenderProgress(state, 60, 9, Colour::kNo), lines);
  EXPECT_THAT(RenderProgress(state, 60, 8, Colour::kNo),
              ElementsAre(lines[0], lines[1], lines[7], lines[8]))
      << "devices and throughput come first";
}

TEST(RenderProgress, GivesTrialsTwoThirdsOfTheLines) {
  EXPECT_THAT(RenderProgress(SomeState(), 20, 6, Colour::kNo).size(), 4U);
  EXPECT_THAT(RenderProgress(SomeState(), 20, 3, Colour::kNo),
              ElementsAre("MC-GRU..  epoch 3/5", "MS-Net..  starting", "kim2018  8/20 done"));
  ProgressState many = SomeState();
  many.devices.assign(9, {"cuda:0", 2});
  EXPECT_EQ(RenderProgress(many, 80, 20, Colour::kNo)[2],
            "9 devices 2/18  1234 ex/s  97.3 trials/h");
}

TEST(RenderProgress, ThePaceIsThatOfTheTrialsOfThisRun) {
  EXPECT_EQ(TrialsPerHour({.reused = 3, .elapsed = 60'000ms}), std::nullopt);
  EXPECT_EQ(TrialsPerHour({.complete = 2, .elapsed = 0ms}), std::nullopt);
  EXPECT_EQ(
      TrialsPerHour(
          {.complete = 2, .elapsed = 70'000ms, .began_training = 10'000ms, .resumed_work = 0.5}),
      90);
}

TEST(RenderProgress, CutsBetweenCharactersAndShowsWhatATerminalWouldObey) {
  ProgressState state{.study = "\u65e5\u672c\u8a9e"};
  state.running[TrialId{1}] = {.name = "\033[2Jcaf\u00e9", .device = "cpu"};
  state.running[TrialId{2}] = {
      .name = "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9",
      .device = "cpu"};
  EXPECT_THAT(RenderProgress(state, 20, 20, Colour::kNo),
              ElementsAre("\\x1b[2..  starting", "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9..  starting",
                          "\u65e5\u672c\u8a9e  0 done"));
  EXPECT_EQ(RenderProgress(state, 5, 1, Colour::kNo).back(), "\u65e5..");
}

TEST(RenderProgress, NoLineIsWiderOrBlockHigherThanAsked) {
  ProgressState state = SomeState();
  for (std::int64_t id = 10; id < 40; ++id) {
    state.running[TrialId{id}] = state.running.at(TrialId{8});
  }
  state.study = std::string(300, 's');
  for (int width = 1; width < 140; ++width) {
    for (int height = 1; height < 40; height += 7) {
      const std::vector<std::string> lines = RenderProgress(state, width, height, Colour::kNo);
      EXPECT_LE(lines.size(), static_cast<std::size_t>(height));
      for (const std::string& line : lines) {
        EXPECT_LE(line.size(), static_cast<std::size_t>(width)) << line;
      }
    }
  }
}

TEST(RenderProgress, CountsTheTrialsThatFindNoRoom) {
  ProgressState state = SomeState();
  state.running[TrialId{10}] = state.running.at(TrialId{9});
  const std::vector<std::string> lines = RenderProgress(state, 100, 3, Colour::kNo);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[1], "... and 2 more running");
}

TEST(RenderProgress, ColoursDoNotChangeTheText) {
  const std::vector<std::string> plain = RenderProgress(SomeState(), 100, 20, Colour::kNo);
  std::vector<std::string> coloured = RenderProgress(SomeState(), 100, 20, Colour::kYes);
  EXPECT_NE(coloured, plain);
  for (std::string& line : coloured) {
    for (std::size_t at = line.find('\033'); at != std::string::npos; at = line.find('\033')) {
      line.erase(at, line.find('m', at) - at + 1);
    }
  }
  EXPECT_EQ(coloured, plain);
}

TEST(RenderProgress, AnUnknownTotalAndAStopAreSaid) {
  ProgressState state{.study = "s", .complete = 3, .refused = 1, .stopping = true};
  EXPECT_THAT(RenderProgress(state, 100, 20, Colour::kNo),
              ElementsAre("s  3 done  stopping  0s so far  1 refused"));
}

TEST(RenderProgress, WhatIsRefusedIsNeitherDoneNorToBeDone) {
  ProgressState state{.study = "s", .planned = 17, .refused = 3};
  EXPECT_THAT(RenderProgress(state, 100, 20, Colour::kNo),
              ElementsAre("s  0/14 done  14 waiting  0s so far  3 refused"));
  state.complete = 15;
  EXPECT_THAT(RenderProgress(state, 100, 20, Colour::kNo),
              ElementsAre("s  15/15 done  eta 0s  0s so far  3 refused"));
}

TEST(RenderProgress, AStudyThatWaitsForOthersSaysForHowLong) {
  ProgressState state{.study = "s", .elapsed = 185'000ms, .waiting_since = 5'000ms};
  EXPECT_THAT(RenderProgress(state, 100, 20, Colour::kNo),
              ElementsAre("s  0 done  waits for others 3m00s  3m05s so far"));
}

TEST(Eta, FollowsTheShareOfWorkDone) {
  ProgressState state{.planned = 10, .complete = 4, .elapsed = 40'000ms};
  EXPECT_EQ(Eta(state), 60s);
  state.running[TrialId{1}] = {.examples = 50, .total_examples = 100};
  state.running[TrialId{2}] = {.examples = 50, .total_examples = 100};
  EXPECT_EQ(Eta(state), 40s);
  state.reused = 5;  // they cost nothing
  EXPECT_EQ(Eta(state), 0s);
}

TEST(Eta, IsUnknownBeforeAnySign) {
  EXPECT_EQ(Eta({.planned = 10, .elapsed = 1'000ms}), std::nullopt);
  EXPECT_EQ(Eta({.complete = 4, .elapsed = 1'000ms}), std::nullopt);
  EXPECT_EQ(Eta({.planned = 10, .reused = 9, .elapsed = 1'000ms}), std::nullopt);
}

TEST(Eta, IsUnknownUntilMoreThanTheStartWasMeasured) {
  ProgressState state{.planned = 12, .elapsed = 3'000ms};
  state.running[TrialId{1}] = {.examples = 32, .total_examples = 10'000};
  EXPECT_EQ(Eta(state), std::nullopt) << "three seconds of loading are no speed";
  state.running[TrialId{1}].examples = 500;
  EXPECT_EQ(Eta(state), 717s);
  // Of a trial that takes days a minute tells enough.
  state.running[TrialId{1}].examples = 32;
  state.elapsed = 60'000ms;
  EXPECT_TRUE(Eta(state).has_value());
  // Failures alone measure nothing: the first ones often come at once.
  EXPECT_EQ(Eta({.planned = 12, .failed = 3, .elapsed = 1'000ms}), std::nullopt);
}

TEST(Eta, CountsOnlyWhatThisRunDidAndTheTimeThatItTook) {
  ProgressState state{.planned = 2, .elapsed = 110'000ms, .began_training = 100'000ms};
  state.running[TrialId{1}] = {.examples = 600, .total_examples = 1000, .resumed_examples = 500};
  // A tenth of a trial in ten seconds; 1.4 trials are left.
  EXPECT_EQ(Eta(state), 140s);
  state.running[TrialId{1}].examples = 500;
  EXPECT_EQ(Eta(state), std::nullopt) << "resumed, nothing done yet";
  EXPECT_EQ(Eta({.planned = 3, .complete = 2, .elapsed = 10'000ms, .resumed_work = 1.5}), 20s);
  EXPECT_EQ(
      Eta({.planned = 3, .complete = 1, .failed = 1, .elapsed = 10'000ms, .failed_before = 1}),
      10s);
}

TEST(Eta, OfYearsIsNone) {
  EXPECT_EQ(Eta({.planned = std::numeric_limits<std::int64_t>::max(),
                 .complete = 1,
                 .elapsed = 10'000ms}),
            std::nullopt);
}

TEST(Eta, IsTheForecastOverTheSlotsOnceSomethingWasMeasured) {
  ProgressState state{.planned = 12, .elapsed = 1'000ms};
  state.running[TrialId{1}] = {.examples = 500, .total_examples = 1000};
  state.ahead = WorkAhead{.waiting_seconds = 300,
                          .longest_seconds = 100,
                          .later_seconds = 50,
                          .slots = 2,
                          .running = {{TrialId{1}, {.seconds = 100}}}};
  // 300 s that wait, 50 s of what comes later, half of 100 s at work.
  EXPECT_EQ(Eta(state), 200s);
  // No sooner than the longest trial ends.
  state.ahead->longest_seconds = 250;
  EXPECT_EQ(Eta(state), 250s);
  state.ahead->longest_seconds = 0;
  state.ahead->running[TrialId{1}].seconds = 1000;
  EXPECT_EQ(Eta(state), 500s);
  // It pauses after three quarters: a quarter of 1000 s is left.
  state.ahead->running[TrialId{1}].until = 0.75;
  EXPECT_EQ(Eta(state), 300s);
  // One that has begun and said nothing yet lacks all of it.
  state.running.clear();
  EXPECT_EQ(Eta(state), 750s);
}

TEST(Eta, CountsOnlyTheSlotsThatOthersLeave) {
  ProgressState state{.planned = 12, .elapsed = 1'000ms, .waiting_since = 500ms};
  state.running[TrialId{1}] = {.total_examples = 1000};
  state.ahead = WorkAhead{.waiting_seconds = 300, .slots = 4};
  EXPECT_EQ(Eta(state), 300s);
  state.running.clear();
  EXPECT_EQ(Eta(state), 300s);
  state.waiting_since.reset();
  EXPECT_EQ(Eta(state), 75s);
}

TEST(Eta, OfAForecastOfYearsIsNone) {
  ProgressState state{.planned = 12, .elapsed = 1'000ms};
  state.ahead = WorkAhead{.later_seconds = 1e300};
  EXPECT_EQ(Eta(state), std::nullopt);
}

}  // namespace
}  // namespace beamgrid
