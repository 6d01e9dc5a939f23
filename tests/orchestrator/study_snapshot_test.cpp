#include "orchestrator/study_snapshot.h"

#include "orchestrator/study/run_note.h"
#include "registry/store/upkeep.h"
#include "registry/util/json.h"
#include "tests/orchestrator/study/study_runner_fixture.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace study_snapshot_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A state that has something in each of its members.
ProgressState WholeState() {
  ProgressState state{.study = "s",
                      .objective = "map",
                      .planned = 20,
                      .complete = 5,
                      .reused = 2,
                      .failed = 3,
                      .refused = 4,
                      .waiting = 6,
                      .best_name = "MC",
                      .best = 0.1,
                      .devices = {{"cuda:0", 2}, {"cpu", 1}},
                      .elapsed = 90'500ms,
                      .began_training = 500ms,
                      .resumed_work = 0.25,
                      .failed_before = 1,
                      .waiting_since = 7ms,
                      .stopping = true};
  state.running[TrialId{8}] = {.name = "M",
                               .seed = 1,
                               .device = "cuda:0",
                               .epoch = 3,
                               .epochs = 5,
                               .examples = 500,
                               .total_examples = 1000,
                               .resumed_examples = 100,
                               .loss = 12.5,
                               .latest = 0.25,
                               .latest_epoch = 2,
                               .objective = 0.5,
                               .best_epoch = 1,
                               .examples_per_second = 1234.5};
  state.running[TrialId{9}] = {.name = "N", .seed = 2, .device = "cuda:1"};
  state.ahead = WorkAhead{.waiting_seconds = 300,
                          .longest_seconds = 100,
                          .later_seconds = 50,
                          .slots = 2,
                          .running = {{TrialId{8}, {.seconds = 100, .until = 0.5}}}};
  return state;
}

class StudySnapshotTest : public StudyRunnerTest {
 protected:
  /// A study of three trials, one of them complete.
  StudyId AddStudy() {
    Store store(database_, OpenMode::kReadWrite);
    const StudyId study = store.OpenStudy(ExampleStudy("s"));
    const auto trials =
        store.AddTrials(study, {ExampleNewTrial(1), ExampleNewTrial(2), ExampleNewTrial(3)});
    const std::int64_t attempt = store.BeginAttempt(trials[1], "1", "cpu", 1);
    store.FinishAttempt(trials[1], attempt, ExampleSuccess(0.75), TrialState::kComplete);
    return study;
  }
  void AddNote(StudyId study, const std::string& noted_at, const char* ending = nullptr) {
    Store store(database_, OpenMode::kReadWrite);
    boost::json::object row{{"study", static_cast<std::int64_t>(study)},
                            {"noted_at", noted_at},
                            {"ending", nullptr},
                            {"progress", CanonicalJson(ToJson(WholeState()))}};
    if (ending != nullptr) row["ending"] = ending;
    static_cast<void>(RecordUpkeep(store).Insert("study_run", row));
  }
  [[nodiscard]] StudySnapshot Take(
      std::chrono::system_clock::time_point now = std::chrono::system_clock::time_point(0s)) const {
    const RunningStudies running(database_);
    const Store store(database_, OpenMode::kReadOnly);
    return TakeSnapshot(store, running, store.FindStudy("s").value(), now);
  }
};

TEST_F(StudySnapshotTest, ANoteIsReadAsItWasWritten) {
  const StudyId study = AddStudy();
  Store store(database_, OpenMode::kReadWrite);
  EXPECT_FALSE(LastRunNote(store, study).has_value());
  NoteRun(store, study, {});
  NoteRun(store, study, WholeState(), "interrupted");
  const RunNote note = LastRunNote(store, study).value();
  EXPECT_EQ(CanonicalJson(ToJson(note.progress)), CanonicalJson(ToJson(WholeState())));
  EXPECT_EQ(Eta(note.progress), Eta(WholeState()));
  EXPECT_EQ(note.ending, "interrupted");
  EXPECT_THAT(note.noted_at, HasSubstr("T"));
}

TEST_F(StudySnapshotTest, ANoteOfAnotherFormIsAnErrorThatNamesTheKey) {
  const StudyId study = AddStudy();
  Store store(database_, OpenMode::kReadWrite);
  static_cast<void>(RecordUpkeep(store).Insert(
      "study_run", {{"study", static_cast<std::int64_t>(study)}, {"progress", "{\"study\":1}"}}));
  EXPECT_THROW(static_cast<void>(LastRunNote(store, study)), Error);
}

TEST_F(StudySnapshotTest, AWatcherSeesWhatTheRunShows) {
  int compared = 0;
  watch_state_ = [&](const ProgressState& shown) {
    const StudySnapshot seen = Take();
    EXPECT_EQ(seen.run, RunState::kRunning);
    EXPECT_THAT(seen.run_text, StartsWith("run by pid "));
    EXPECT_EQ(seen.progress.devices.size(), 1U);
    EXPECT_LE(seen.progress.complete, shown.complete);
    // A turn may end before the next note is due.
    const bool same =
        seen.progress.complete == shown.complete && seen.progress.waiting == shown.waiting &&
        seen.progress.running.size() == shown.running.size() && seen.progress.best == shown.best;
    compared += same ? 1 : 0;
  };
  Run(RecipeText("s", kFourModels));
  EXPECT_GE(compared, 3);
  const StudySnapshot ended = Take();
  EXPECT_EQ(ended.run, RunState::kEnded);
  EXPECT_THAT(ended.run_text, StartsWith("ended at "));
  EXPECT_EQ(ended.progress.complete, 8);
  EXPECT_EQ(ended.progress.waiting, 0);
  EXPECT_TRUE(ended.progress.running.empty());
  EXPECT_EQ(ended.progress.best, 0.5);
}

TEST_F(StudySnapshotTest, SaysHowARunEndedThatIsToGoOn) {
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [&] { runner_->Interrupt(); };
  const std::string recipe = RecipeText("s", kFourModels);
  Run(recipe, executor);
  EXPECT_EQ(Take().run, RunState::kStopped);
  EXPECT_THAT(Take().run_text, StartsWith("interrupted at "));
  EXPECT_THAT(Take().run_text, HasSubstr("goes on with it"));

  Fuse fuse(12);
  FakeExecutor dying(world_, outcome_of_, &fuse);
  EXPECT_THROW(Run(recipe, dying, &fuse), Killed);
  EXPECT_EQ(Take().run, RunState::kStopped);
  EXPECT_THAT(Take().run_text,
              StartsWith("nobody runs it here; its last run was killed, broke off or "));
  EXPECT_TRUE(Take().progress.running.empty()) << "nobody is at work";

  outcome_of_ = [](const TrialFile&) {
    return AttemptOutcome{
        AttemptFailure{.kind = FailureKind::kEnvironment, .message = "the disk is full"}};
  };
  Run(recipe);
  EXPECT_EQ(Take().run, RunState::kStopped);
  EXPECT_THAT(Take().run_text, HasSubstr(": the disk is full"));
}

TEST_F(StudySnapshotTest, WithoutANoteTheTrialsTell) {
  AddStudy();
  StudySnapshot snapshot = Take();
  EXPECT_EQ(snapshot.run, RunState::kStopped);
  EXPECT_THAT(snapshot.run_text, StartsWith("nobody runs it"));
  EXPECT_EQ(snapshot.progress.complete, 1);
  EXPECT_EQ(snapshot.progress.waiting, 2);
  EXPECT_EQ(snapshot.progress.best_name, "MC-BLSTM2");
  EXPECT_EQ(snapshot.progress.best, 0.75);
  {
    const StudyLock lock(database_, "s");
    snapshot = Take();
    EXPECT_EQ(snapshot.run, RunState::kRunning);
    EXPECT_THAT(snapshot.run_text, HasSubstr("; it is starting"));
  }
}

TEST_F(StudySnapshotTest, ANoteOfTheRunBeforeIsNotTakenForThisOne) {
  const StudyId study = AddStudy();
  AddNote(study, "2001-01-01T00:00:00.000Z");
  const StudyLock lock(database_, "s");
  EXPECT_THAT(Take().run_text, HasSubstr("; it is starting"));
  EXPECT_EQ(Take().progress.running.size(), 0U);
  AddNote(study, "2200-01-01T00:00:00.000Z");
  EXPECT_EQ(Take().progress.running.size(), 2U);
  AddNote(study, "2200-01-01T00:00:00.000Z", "complete");
  EXPECT_EQ(Take().progress.running.size(), 0U);
}

TEST_F(StudySnapshotTest, TimeGoesOnAfterTheNote) {
  const StudyId study = AddStudy();
  const StudyLock lock(database_, "s");
  // 2200-01-01T00:00:10Z
  const std::chrono::system_clock::time_point now(7'258'118'410s);
  AddNote(study, "2200-01-01T00:00:00.000Z");
  EXPECT_EQ(Take(now).progress.elapsed, 100'500ms);
  AddNote(study, "2200-01-01T00:01:00.000Z");
  EXPECT_EQ(Take(now).progress.elapsed, 90'500ms) << "a clock that goes back takes nothing away";
}

TEST_F(StudySnapshotTest, TheLastLineSaysWhyItDoesNotGoOn) {
  const StudyId study = AddStudy();
  AddNote(study, "2026-01-01T00:00:00.000Z", "complete");
  EXPECT_THAT(RenderSnapshot(Take(), 60, 20, Colour::kNo),
              ElementsAre("30.0 trials/h", "best trial: gap 0.7500  MC-BLSTM2",
                          "s  1 done  2 waiting  1m30s so far  4 refused",
                          "ended at 2026-01-01T00:00:00.000Z"));
  const std::vector<std::string> narrow = RenderSnapshot(Take(), 20, 20, Colour::kNo);
  EXPECT_EQ(narrow.end()[-2], "ended at");
  EXPECT_EQ(narrow.end()[-1], "  2026-01-01T00:00:0");
}

TEST_F(StudySnapshotTest, TheJsonHasWhatIsDerivedFromTheState) {
  const StudyId study = AddStudy();
  AddNote(study, "2200-01-01T00:00:00.000Z");
  auto json = ToJson(Take());
  EXPECT_EQ(json.at("run"), "stopped");
  EXPECT_TRUE(json.at("eta_seconds").is_null());
  EXPECT_TRUE(json.at("examples_per_second").is_null());
  const StudyLock lock(database_, "s");
  json = ToJson(Take());
  EXPECT_EQ(json.at("run"), "running");
  EXPECT_EQ(json.at("examples_per_second"), 1234.5);
  EXPECT_EQ(json.at("eta_seconds"), Eta(WholeState())->count());
  EXPECT_NEAR(json.at("trials_per_hour").as_double(), 4.75 * 3600 / 90, 1e-9);
}

}  // namespace study_snapshot_test
}  // namespace beamgrid
