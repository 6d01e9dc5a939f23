// One claim and one end of an attempt, whoever tries; and files that two machines share.

#include "orchestrator/slurm/attempt_end.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/slurm/pilot_folder.h"
#include "orchestrator/slurm/shared_files.h"
#include "orchestrator/workers/process.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/half_written.h"
#include "registry/util/json.h"
#include "tests/support/temporary_folder.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace attempt_end_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr AttemptKey kKey{TrialId{3}, 2};

AttemptOutcome Failed(FailureKind kind, const std::string& message) {
  return {AttemptFailure{.kind = kind, .message = message, .log_tail = "a\nb"}, 4};
}

class AttemptEndTest : public testing::Test {
 protected:
  void LeaveResult(double gap) const {
    WriteFileAtomically(folder_ / kResultFile,
                        CanonicalJson(ToJson(TrialResult{.metrics = {.gap = gap}})));
  }
  TemporaryFolder folder_;
};

TEST_F(AttemptEndTest, OfManyThatClaimOneSucceeds) {
  for (int round = 0; round < 20; ++round) {
    const auto directory = folder_ / std::to_string(round);
    std::filesystem::create_directory(directory);
    std::vector<pid_t> pilots;
    for (int pilot = 0; pilot < 4; ++pilot) {
      pilots.push_back(::fork());
      if (pilots.back() == 0) ::_exit(Claim(directory, std::to_string(pilot)) ? 1 : 0);
    }
    std::vector<std::string> won;
    for (int pilot = 0; pilot < 4; ++pilot) {
      if (WaitFor(pilots[static_cast<std::size_t>(pilot)]) == 1)
        won.push_back(std::to_string(pilot));
    }
    EXPECT_THAT(won, ElementsAre(ClaimedBy(directory).value_or("nobody")));
    EXPECT_THAT(HalfWrittenIn(directory), IsEmpty());
  }
}

TEST_F(AttemptEndTest, WhatNobodyMayBeginNobodyDoes) {
  EXPECT_EQ(ClaimedBy(folder_.path()), std::nullopt);
  EXPECT_TRUE(Claim(folder_.path(), ""));
  EXPECT_FALSE(Claim(folder_.path(), "a pilot"));
  EXPECT_EQ(ClaimedBy(folder_.path()), "");
}

TEST_F(AttemptEndTest, TheFirstEndStays) {
  EXPECT_EQ(ReadEnd(folder_.path()), std::nullopt);
  EXPECT_TRUE(PublishEnd(folder_.path(), kKey, "n1", Failed(FailureKind::kDiverged, "nan")));
  LeaveResult(0.5);
  const AttemptOutcome complete{TrialResult{.metrics = {.gap = 0.5}}};
  EXPECT_FALSE(PublishEnd(folder_.path(), kKey, "n2", complete));
  const std::optional<AttemptEnd> end = ReadEnd(folder_.path());
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->key, kKey);
  EXPECT_EQ(end->by, "n1");
  const auto seen = SeenOutcome(folder_.path(), *end);
  const auto& outcome = std::get<AttemptOutcome>(seen);
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_EQ(outcome.failure().kind, FailureKind::kDiverged);
  EXPECT_EQ(outcome.failure().message, "nan");
  EXPECT_EQ(outcome.failure().log_tail, "a\nb");
}

TEST_F(AttemptEndTest, ACompleteOneNamesItsResult) {
  LeaveResult(0.5);
  const AttemptOutcome complete{TrialResult{.metrics = {.gap = 0.5}}};
  EXPECT_TRUE(PublishEnd(folder_.path(), kKey, "n1", complete));
  const AttemptEnd end = *ReadEnd(folder_.path());
  EXPECT_EQ(std::get<AttemptOutcome>(SeenOutcome(folder_.path(), end)).result().metrics.gap, 0.5);
  LeaveResult(0.25);
  EXPECT_THAT(std::get<std::string>(SeenOutcome(folder_.path(), end)),
              HasSubstr("not the one that end.json names"));
  std::filesystem::remove(folder_ / kResultFile);
  EXPECT_THAT(std::get<std::string>(SeenOutcome(folder_.path(), end)), HasSubstr("result.json"));
}

TEST_F(AttemptEndTest, HalfAnEndIsNone) {
  WriteFileAtomically(folder_ / "end.json", "{\"attempt\": 2, \"tri");
  EXPECT_EQ(ReadEnd(folder_.path()), std::nullopt);
  WriteFileAtomically(folder_ / "end.json", "");
  EXPECT_EQ(ReadEnd(folder_.path()), std::nullopt);
}

TEST_F(AttemptEndTest, AWholeFileThatIsNoneOfOursIsAnEndThatIsNotBelieved) {
  LeaveResult(0.5);
  WriteFileAtomically(folder_ / "end.json", "{\"attempt\": 2}");
  const std::optional<AttemptEnd> end = ReadEnd(folder_.path());
  ASSERT_TRUE(end.has_value());
  EXPECT_THAT(end->garbage, HasSubstr((folder_ / "end.json").string() + " is none of ours"));
  const auto seen = SeenOutcome(folder_.path(), *end);
  EXPECT_EQ(std::get<AttemptOutcome>(seen).failure().kind, FailureKind::kInterrupted);
  EXPECT_FALSE(PublishEnd(folder_.path(), kKey, "n1", Failed(FailureKind::kDiverged, "nan")));
}

TEST_F(AttemptEndTest, WhoseEndNobodyHeardIsJudgedByItsFiles) {
  const AttemptOutcome lost = OutcomeUnheard(folder_.path(), FailureKind::kOutOfMemory, "gone");
  EXPECT_EQ(lost.failure().kind, FailureKind::kOutOfMemory);
  EXPECT_EQ(lost.failure().message, "gone");
  LeaveResult(0.5);
  EXPECT_TRUE(OutcomeUnheard(folder_.path(), FailureKind::kOutOfMemory, "gone").complete());
}

TEST_F(AttemptEndTest, AFolderThatRefusesIsAnError) {
  EXPECT_THROW((void)Claim(folder_ / "none", "a pilot"), Error);
  EXPECT_THROW(WriteOrdered(std::filesystem::path("/proc/none"), "a pilot"), Error);
}

using GrowingLinesTest = AttemptEndTest;

std::vector<std::string> NewLines(LineTail& tail) {
  std::vector<std::string> lines;
  (void)tail.Read([&](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

TEST_F(GrowingLinesTest, AreReadAsTheyCome) {
  LineTail tail(folder_ / "lines");
  EXPECT_EQ(tail.Read([](std::string_view) {}), LineGrowth::kNone);  // it is not there
  GrowingLines lines(folder_ / "lines");
  (void)lines.Add("one");
  EXPECT_EQ(lines.Add("two"), 8);
  EXPECT_THAT(NewLines(tail), ElementsAre("one", "two"));
  EXPECT_THAT(NewLines(tail), IsEmpty());
  (void)lines.Add("three");
  EXPECT_THAT(NewLines(tail), ElementsAre("three"));
}

TEST_F(GrowingLinesTest, OutliveAWriterThatDiesInALine) {
  WriteFileAtomically(folder_ / "lines", "one\ntw");
  LineTail tail(folder_ / "lines");
  EXPECT_THAT(NewLines(tail), ElementsAre("one"));
  GrowingLines next(folder_ / "lines");
  (void)next.Add("three");
  EXPECT_THAT(NewLines(tail), ElementsAre("tw", "three"));
}

TEST(PilotFolder, OrdersAndReportsAreReadAsTheyWereWritten) {
  const Order order{.what = Order::What::kCarryOut,
                    .key = kKey,
                    .directory = "/runs/s/a trial/2",
                    .span = std::chrono::milliseconds(1500),
                    .alone = true};
  const std::optional<Order> read = OrderFromLine(ToLine(order));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->what, order.what);
  EXPECT_EQ(read->key, order.key);
  EXPECT_EQ(read->directory, order.directory);
  EXPECT_EQ(read->span, order.span);
  EXPECT_TRUE(read->alone);
  const Report report{
      .what = Report::What::kHeard, .key = kKey, .text = ToLine(Heartbeat{}), .orders = 17};
  const std::optional<Report> heard = ReportFromLine(ToLine(report));
  ASSERT_TRUE(heard.has_value());
  EXPECT_EQ(heard->key, kKey);
  EXPECT_EQ(heard->text, report.text);
  EXPECT_EQ(heard->orders, 17);
  for (const std::string line : {"", "{", "[]", "{\"say\":\"hm\"}", "{\"do\":\"leave\"}"}) {
    EXPECT_EQ(OrderFromLine(line), std::nullopt) << line;
    EXPECT_EQ(ReportFromLine(line), std::nullopt) << line;
  }
}

TEST(PilotFolder, ACopyIsToldFromTheFolderUnderAnotherName) {
  const TemporaryFolder place;
  const auto folder = place / "a", link = place / "link", copy = place / "copy";
  std::filesystem::create_directory(folder);
  std::filesystem::create_directory_symlink(folder, link);
  std::filesystem::create_directory(copy);
  const PilotSettings settings{.folder = folder.string()};
  EXPECT_FALSE(IsElsewhere(folder, settings));
  EXPECT_FALSE(IsElsewhere(link, settings));
  EXPECT_TRUE(IsElsewhere(copy, settings));
  std::filesystem::rename(folder, place / "moved");
  EXPECT_TRUE(IsElsewhere(place / "moved", settings));
}

TEST(PilotFolder, SettingsAreReadAsTheyWereWritten) {
  const TemporaryFolder folder;
  EXPECT_THROW((void)ReadPilotSettings(folder.path()), Error);
  const PilotSettings settings{.trainer = "/opt/beamgrid-trainer",
                               .device = "cuda:0",
                               .threads = 3,
                               .silence = std::chrono::seconds(7),
                               .time = std::chrono::hours(2),
                               .memory_bytes = 12,
                               .terms = "{\"gres\":\"gpu\"}",
                               .folder = folder.path().string()};
  WritePilotSettings(folder.path(), settings);
  const PilotSettings read = ReadPilotSettings(folder.path());
  EXPECT_EQ(read.trainer, settings.trainer);
  EXPECT_EQ(read.device, settings.device);
  EXPECT_EQ(read.threads, settings.threads);
  EXPECT_EQ(read.silence, settings.silence);
  EXPECT_EQ(read.time, settings.time);
  EXPECT_EQ(read.memory_bytes, settings.memory_bytes);
  EXPECT_EQ(read.terms, settings.terms);
  EXPECT_EQ(read.folder, settings.folder);
  WriteFileAtomically(folder / "pilot.json", "{\"trainer\": 3}");
  EXPECT_THROW((void)ReadPilotSettings(folder.path()), Error);
}

}  // namespace attempt_end_test
}  // namespace beamgrid
