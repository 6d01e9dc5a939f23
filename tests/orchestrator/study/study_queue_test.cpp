// Attempts that wait in a cluster's queue before they begin: they are not at work, in no view.

#include "orchestrator/study/run_note.h"
#include "tests/orchestrator/study/study_runner_fixture.h"

namespace beamgrid {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class StudyQueueTest : public StudyRunnerTest {
 protected:
  StudyQueueTest() { executor_.queues = true; }

  /// Returns the states of the study's trials as people are told them.
  std::map<std::string, int> ToldStates() const {
    const Store store(database_, OpenMode::kReadOnly);
    std::map<std::string, int> states;
    for (const auto& row : store.Query("SELECT state, count(*) FROM trials GROUP BY 1").rows) {
      states[std::string(row[0].as_string())] = static_cast<int>(row[1].as_int64());
    }
    return states;
  }
  std::size_t RunningRows() const {
    const Store store(database_, OpenMode::kReadOnly);
    return store.Query("SELECT * FROM running").rows.size();
  }

  const std::string recipe_ = RecipeText("s", kFourModels);
  FakeExecutor executor_{world_, outcome_of_};
};

TEST_F(StudyQueueTest, WhatIsInTheQueueIsNotAtWork) {
  int polls = 0;
  std::vector<ProgressState> states;
  watch_state_ = [&](const ProgressState& state) { states.push_back(state); };
  executor_.on_poll = [&] {
    if (++polls == 1) {
      // Two slots: two attempts are recorded so far, and neither has begun.
      EXPECT_EQ(ToldStates(), (std::map<std::string, int>{{"waiting", 2}}));
      EXPECT_EQ(RunningRows(), 0U);
      EXPECT_THAT(states.back().running, IsEmpty());
      EXPECT_EQ(states.back().queued, 2);
      EXPECT_EQ(states.back().waiting, 8);
      EXPECT_EQ(states.back().queued_for, "Slurm: Priority");
      const Store store(database_, OpenMode::kReadOnly);
      const std::vector<TrialRecord> trials = store.Trials(store.FindStudy("s")->id);
      EXPECT_EQ(std::ranges::count(trials, true, &TrialRecord::queued), 2);
      EXPECT_EQ(std::ranges::count(trials, TrialState::kRunning, &TrialRecord::state), 2)
          << "no other study may take them";
      const auto note = LastRunNote(store, store.FindStudy("s")->id);
      ASSERT_TRUE(note);
      EXPECT_EQ(note->progress.queued, 2);
      EXPECT_THAT(note->progress.running, IsEmpty());
    }
    if (polls == 2) {
      EXPECT_EQ(ToldStates(), (std::map<std::string, int>{{"running", 2}, {"waiting", 6}}));
      EXPECT_EQ(RunningRows(), 2U);
      EXPECT_EQ(states.back().running.size(), 2U);
      EXPECT_EQ(states.back().queued, 0);
      EXPECT_EQ(states.back().waiting, 6);
    }
  };
  EXPECT_EQ(Run(recipe_, executor_).exit_code, 0);
  EXPECT_THAT(events_, Contains(HasSubstr("seed 1: started on cpu of n1")));
  EXPECT_EQ(state_.queued, 0);
  ExpectAllComplete("s", 8);
}

TEST_F(StudyQueueTest, ItsTimeIsNobodysWork) {
  // The second model never leaves the queue, and is stopped there.
  int polls = 0;
  executor_.on_poll = [&] {
    if (polls == 0) executor_.queued = {world_.trial_files.at(0).name};
    if (++polls == 40) runner_->Interrupt();
  };
  EXPECT_EQ(Run(recipe_, executor_).exit_code, 130);
  const Store store(database_, OpenMode::kReadOnly);
  int stopped = 0;
  for (const TrialRecord& trial : store.Trials(store.FindStudy("s")->id)) {
    for (const Store::AttemptRecord& attempt : store.Attempts(trial.id)) {
      EXPECT_EQ(attempt.begun, attempt.outcome == "complete");
      if (attempt.begun) continue;
      ++stopped;
      EXPECT_EQ(attempt.outcome, "interrupted");
      EXPECT_EQ(attempt.started_at, attempt.finished_at) << "it took time that nothing trained in";
    }
  }
  EXPECT_GE(stopped, 1);
  EXPECT_THAT(events_,
              Not(Contains(HasSubstr(world_.trial_files.at(0).name + " seed 1: started"))));
}

TEST_F(StudyQueueTest, WhatEndsUnheardTookTheTimeOfItsResult) {
  Store store(database_, OpenMode::kReadWrite);
  const StudyId study = store.OpenStudy({.name = "s", .objective = "gap"});
  TrialSpec spec;
  const TrialId id = store.AddTrials(study, {{.name = "m", .fingerprint = "f", .spec = spec}})[0];
  const std::int64_t attempt = store.BeginAttempt(id, "/runs/s/m/1", "cpu", 1);
  store.NoteQueued(id, attempt);
  store.FinishAttempt(id, attempt, {TrialResult{.wall_seconds = 90.5}}, TrialState::kComplete);
  EXPECT_TRUE(store.Attempts(id)[0].begun);
  const auto seconds = store.Query(
      "SELECT round((julianday(finished_at) - julianday(started_at)) * 86400, 1) FROM attempt");
  EXPECT_EQ(seconds.rows[0][0].as_double(), 90.5);
}

TEST_F(StudyQueueTest, WhatBeganAWhileAgoHasRunSinceThen) {
  Store store(database_, OpenMode::kReadWrite);
  const StudyId study = store.OpenStudy({.name = "s", .objective = "gap"});
  const TrialId id =
      store.AddTrials(study, {{.name = "m", .fingerprint = "f", .spec = TrialSpec{}}})[0];
  const std::int64_t attempt = store.BeginAttempt(id, "/runs/s/m/1", "cpu", 1);
  const std::string asked = store.Attempts(id)[0].started_at;
  store.NoteQueued(id, attempt);
  EXPECT_EQ(store.Attempts(id)[0].told_outcome(), "waiting");
  store.NoteBegun(id, attempt, std::chrono::hours(2));
  EXPECT_EQ(store.Attempts(id)[0].told_outcome(), "running");
  EXPECT_LT(store.Attempts(id)[0].started_at, asked);
  // Of one that never was in a queue nothing is changed.
  const std::string begun = store.Attempts(id)[0].started_at;
  store.NoteBegun(id, attempt, std::chrono::hours(5));
  EXPECT_EQ(store.Attempts(id)[0].started_at, begun);
}

}  // namespace
}  // namespace beamgrid
