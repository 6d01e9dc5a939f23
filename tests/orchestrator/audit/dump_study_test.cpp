// Records of one study that came about in different ways.

#include "orchestrator/audit/dump_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "registry/util/json.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAfterAll[] = "2999-01-01T00:00:00Z";
constexpr char kBeforeAll[] = "1999-01-01T00:00:00Z";

class DumpStudyTest : public ::testing::Test {
 protected:
  /// A database with one study.
  struct Record {
    Store store{":memory:", OpenMode::kReadWrite};
    StudyId study = store.OpenStudy(ExampleStudy());

    [[nodiscard]] std::string Dump(DumpForm form) const {
      std::ostringstream out;
      DumpStudy(out, store, store.FindStudy("study").value(), form);
      return out.str();
    }
    [[nodiscard]] std::string Canonical() const { return Dump(DumpForm::kCanonical); }
    TrialId Add(std::int64_t hidden, std::int64_t seed = 1) {
      return store.AddTrials(study, {ExampleNewTrial(hidden, seed)}).at(0);
    }
    void End(TrialId trial, const AttemptOutcome& outcome, TrialState next) {
      store.FinishAttempt(trial, store.BeginAttempt(trial, "runs/a", "cpu", 1), outcome, next);
    }
  };

  static std::vector<boost::json::value> Lines(const std::string& text) {
    std::vector<boost::json::value> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(ParseJson(line));
    return lines;
  }
};

TEST_F(DumpStudyTest, TellsWhichVideosBelongTogether) {
  Record record;
  EXPECT_EQ(record.Dump(DumpForm::kWhole).find("video_groups"), std::string::npos);
  const VideoGroups groups("subject", {{"v1", "s1"}});
  record.store.SetVideoGroups(record.study, &groups);
  const auto lines = Lines(record.Dump(DumpForm::kWhole));
  const auto found = std::ranges::find_if(
      lines, [](const auto& line) { return line.at("kind") == "video_groups"; });
  ASSERT_NE(found, lines.end());
  EXPECT_EQ(found->at("by"), "subject");
  EXPECT_EQ(found->at("videos").at("v1"), "s1");
}

TEST_F(DumpStudyTest, TellsWhatClassesAreCalled) {
  Record record;
  EXPECT_EQ(record.Dump(DumpForm::kWhole).find("class_names"), std::string::npos);
  record.store.SetClassNames(record.study, "d1", {"cat", "dog"});
  const auto lines = Lines(record.Dump(DumpForm::kWhole));
  const auto found = std::ranges::find_if(
      lines, [](const auto& line) { return line.at("kind") == "class_names"; });
  ASSERT_NE(found, lines.end());
  EXPECT_EQ(found->at("data"), "d1");
  EXPECT_EQ(found->at("names").at(1), "dog");
}

TEST_F(DumpStudyTest, OrderIdsAttemptsAndEnvironmentDoNotCount) {
  Record straight;
  const TrialId first = straight.Add(256), second = straight.Add(512);
  straight.End(first, ExampleSuccess(0.25), TrialState::kComplete);
  straight.End(second, ExampleSuccess(0.5), TrialState::kComplete);

  Record winding;
  const StudyId other = winding.store.OpenStudy(ExampleStudy("other"));
  winding.store.AddTrials(other, {ExampleNewTrial(128)});
  const TrialId late = winding.Add(512), early = winding.Add(256);
  winding.End(late, ExampleFailure(), TrialState::kWaiting);
  winding.End(late, ExampleFailure(FailureKind::kInterrupted), TrialState::kWaiting);
  AttemptOutcome elsewhere = ExampleSuccess(0.5);
  elsewhere.result().device = "cpu";
  elsewhere.result().wall_seconds = 1000;
  winding.End(late, elsewhere, TrialState::kComplete);
  winding.End(early, ExampleSuccess(0.25), TrialState::kComplete);
  winding.store.AddNote(winding.study, "MC-BLSTM512", 1, "retried");

  EXPECT_EQ(winding.Canonical(), straight.Canonical());
  EXPECT_NE(winding.Dump(DumpForm::kWhole), straight.Dump(DumpForm::kWhole));
}

TEST_F(DumpStudyTest, AResultThatDiffersInTheLastBitShows) {
  Record one, other;
  one.End(one.Add(512), ExampleSuccess(0.1 + 0.2), TrialState::kComplete);
  other.End(other.Add(512), ExampleSuccess(0.3), TrialState::kComplete);
  EXPECT_NE(one.Canonical(), other.Canonical());
  EXPECT_THAT(one.Canonical(), HasSubstr("0.30000000000000004"));
}

TEST_F(DumpStudyTest, TheCanonicalLinesAreTheStudyAndItsTrialsInOrderOfNameAndSeed) {
  Record record;
  record.End(record.Add(512, 2), ExampleSuccess(), TrialState::kComplete);
  record.End(record.Add(512, 1), ExampleFailure(FailureKind::kDiverged), TrialState::kFailed);
  record.Add(256);
  const auto lines = Lines(record.Canonical());
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].at("kind"), "study");
  EXPECT_EQ(lines[0].at("recipe_digest"), "digest of study");
  EXPECT_EQ(lines[1].at("name"), "MC-BLSTM256");
  EXPECT_EQ(lines[1].at("state"), "waiting");
  EXPECT_TRUE(lines[1].at("result").is_null());
  EXPECT_EQ(lines[2].at("seed"), 1);
  EXPECT_EQ(lines[2].at("state"), "failed");
  EXPECT_EQ(lines[2].at("failure"), "diverged");
  EXPECT_EQ(lines[3].at("result").at("artifacts").at("model").at("hash"), "aa");
  EXPECT_TRUE(lines[3].at("result").at("metrics").at("segment_map").is_null());
  EXPECT_EQ(CanonicalJson(lines[3].at("spec")), CanonicalText(ExampleTrial(512, 2)));
  EXPECT_THAT(record.Canonical(), Not(HasSubstr("/data/")));
  EXPECT_THAT(record.Canonical(), Not(HasSubstr("killed by signal")));
}

TEST_F(DumpStudyTest, ATrialThatRecoveredIsOneThatNeverFailed) {
  Record calm, rough;
  calm.End(calm.Add(512), ExampleSuccess(), TrialState::kComplete);
  const TrialId trial = rough.Add(512);
  rough.End(trial, ExampleFailure(), TrialState::kFailed);
  rough.store.SetState(trial, TrialState::kWaiting);
  rough.End(trial, ExampleSuccess(), TrialState::kComplete);
  EXPECT_EQ(calm.Canonical(), rough.Canonical());
}

TEST_F(DumpStudyTest, TheLastEnsembleIsTheOneWhateverTheClocksSaid) {
  Record record;
  record.End(record.Add(512), ExampleSuccess(), TrialState::kComplete);
  for (const auto& [time, json] :
       {std::pair(kAfterAll, R"({"gap":0.1})"), std::pair(kBeforeAll, R"({"gap":0.3})")}) {
    record.store.AddEnsemble(record.study, {.created_at = time, .json = json});
  }
  const auto lines = Lines(record.Canonical());
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[2].at("ensemble").at("gap"), 0.3);
  EXPECT_EQ(Lines(record.Dump(DumpForm::kWhole)).size(), 5U);
}

TEST_F(DumpStudyTest, TheWholeHasAttemptsTimesEnvironmentPathsAndNotes) {
  Record record;
  const TrialId trial = record.Add(512);
  record.End(trial, ExampleFailure(), TrialState::kWaiting);
  record.End(trial, ExampleSuccess(), TrialState::kComplete);
  record.store.AddNote(record.study, "MC-BLSTM512", 1, "retried after attempt 1");
  record.store.AddNote(record.study, "MC-BLSTM9999", 1, "refused: too large");
  const auto lines = Lines(record.Dump(DumpForm::kWhole));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0].at("description"), "what it is for");
  EXPECT_EQ(lines[0].at("recipe_text"), "beamgrid = 1");
  EXPECT_EQ(lines[1].at("kind"), "recipe");
  EXPECT_EQ(lines[1].at("recipe_text"), "beamgrid = 1");
  EXPECT_TRUE(lines[1].at("changes").as_array().empty());
  const auto& attempts = lines[2].at("attempts").as_array();
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_EQ(attempts[0].at("outcome"), "crashed");
  EXPECT_EQ(attempts[0].at("log_tail"), "last line");
  EXPECT_FALSE(attempts[1].at("finished_at").is_null());
  EXPECT_EQ(lines[2].at("result").at("device"), "cuda:0 NVIDIA H200");
  EXPECT_EQ(lines[2].at("result").at("epochs").as_array().size(), 3U);
  EXPECT_EQ(lines[2].at("spec").at("data").at("train").at(0), "/data/train0.tfrecord");
  EXPECT_EQ(lines[3].at("text"), "retried after attempt 1");
  EXPECT_EQ(lines[4].at("name"), "MC-BLSTM9999");
}

}  // namespace
}  // namespace beamgrid
