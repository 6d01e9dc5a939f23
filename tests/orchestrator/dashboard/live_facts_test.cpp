#include "orchestrator/dashboard/live_facts.h"

#include <gmock/gmock.h>

#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace live_facts_test {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

/// A record of one study in which a test puts trials into states.
class LiveFactsTest : public testing::Test {
 protected:
  TrialId Add(std::int64_t hidden, std::int64_t seed) {
    return store_.AddTrials(study_.id, {ExampleNewTrial(hidden, seed)})[0];
  }
  void Begin(TrialId trial, const std::string& device = "cpu") {
    attempt_ = store_.BeginAttempt(trial, "d" + std::to_string(++folders_), device, 1);
  }
  void Complete(TrialId trial, double gap) {
    Begin(trial);
    store_.FinishAttempt(trial, attempt_, ExampleSuccess(gap), TrialState::kComplete);
  }
  [[nodiscard]] LiveStudy Live(const Target& target = {}) const {
    return ReadLiveStudy(store_, running_, study_, target, std::chrono::system_clock::now());
  }
  [[nodiscard]] std::vector<std::string> Names(const Target& target) const {
    std::vector<std::string> names;
    for (const RankedFact& model : Live(target).ranked) names.push_back(model.name);
    return names;
  }

  const TemporaryFolder folder_;
  Store store_{folder_ / "r.db", OpenMode::kReadWrite};
  RunningStudies running_{folder_ / "r.db"};
  StudyRecord study_ = [this] {
    StudyRecord study = ExampleStudy();
    study.id = store_.OpenStudy(study);
    return study;
  }();
  std::int64_t attempt_ = 0;
  int folders_ = 0;
};

TEST_F(LiveFactsTest, OfAStudyWithoutTrialsNothingIsKnown) {
  const LiveStudy live = Live();
  EXPECT_EQ(live.trials(), 0);
  EXPECT_THAT(live.running, IsEmpty());
  EXPECT_THAT(live.ranked, IsEmpty());
  EXPECT_FALSE(live.leader || live.best);
  EXPECT_FALSE(live.now.running());
}

TEST_F(LiveFactsTest, TellsRunningTrialsAsTheViewDoes) {
  const TrialId trial = Add(512, 1);
  Begin(trial, "cuda:1");
  for (const std::int64_t epoch : {1, 2, 3}) {
    EpochResult result{.epoch = epoch, .train_loss = 1, .validate_loss = 2};
    result.metrics = NotMeasured(9);
    result.metrics.gap = epoch == 2 ? 0.6 : 0.5;
    store_.RecordEpoch(trial, result, /*just_ended=*/true);
  }
  const Store::Table view = store_.Query(
      "SELECT name, seed, device, epoch, epochs, best_objective, seconds_per_epoch FROM running");
  ASSERT_THAT(view.rows, SizeIs(1));
  const LiveStudy live = Live();
  ASSERT_THAT(live.running, SizeIs(1));
  const RunningFact& running = live.running[0];
  EXPECT_EQ(running.name, view.rows[0][0].as_string());
  EXPECT_EQ(running.seed, view.rows[0][1].as_int64());
  EXPECT_EQ(running.device, "cuda:1");
  EXPECT_EQ(running.epoch(), 3);
  EXPECT_EQ(running.epochs, view.rows[0][4].as_int64());
  EXPECT_EQ(running.best, 0.6);
  ASSERT_TRUE(running.seconds_per_epoch);
  EXPECT_THAT(*running.seconds_per_epoch, DoubleNear(view.rows[0][6].as_double(), 1e-3));
  EXPECT_THAT(running.curve, SizeIs(3));
  EXPECT_EQ(running.curve[1].objective, 0.6);
}

TEST_F(LiveFactsTest, WhatWaitsInAClustersQueueIsNotAtWork) {
  const TrialId trial = Add(512, 1);
  Begin(trial);
  store_.NoteQueued(trial, attempt_);
  LiveStudy live = Live();
  EXPECT_THAT(live.running, IsEmpty());
  EXPECT_EQ(live.Count(TrialState::kRunning), 0);
  EXPECT_EQ(live.Count(TrialState::kWaiting), 1);
  ASSERT_THAT(live.waiting, SizeIs(1));
  EXPECT_EQ(live.waiting[0].trial, static_cast<std::int64_t>(trial));
  store_.NoteBegun(trial, attempt_, std::chrono::seconds(5));
  live = Live();
  EXPECT_THAT(live.running, SizeIs(1));
  EXPECT_EQ(live.Count(TrialState::kRunning), 1);
  EXPECT_THAT(live.waiting, IsEmpty());
}

TEST_F(LiveFactsTest, AnEpochBeforeThisAttemptSaysNothingOfItsPace) {
  const TrialId trial = Add(512, 1);
  Begin(trial);
  store_.RecordEpoch(trial, {.epoch = 1, .metrics = NotMeasured(9)}, /*just_ended=*/false);
  const LiveStudy live = Live();
  EXPECT_EQ(live.running.at(0).epoch(), 1);
  EXPECT_FALSE(live.running.at(0).seconds_per_epoch || live.running.at(0).best);
}

TEST_F(LiveFactsTest, RanksAsTheViewDoesInAnyOrder) {
  Complete(Add(100, 1), 0.5);
  Complete(Add(100, 2), 0.7);
  Complete(Add(300, 1), 0.4);
  Complete(Add(200, 1), 0.9);
  Add(200, 2);
  Add(400, 1);
  const LiveStudy live = Live();
  const Store::Table view = store_.Query(
      "SELECT place, name, objective, lowest, highest, seeds"
      " FROM leaderboard ORDER BY place");
  ASSERT_THAT(live.ranked, SizeIs(view.rows.size()));
  EXPECT_EQ(live.models, 3);
  for (std::size_t i = 0; i < view.rows.size(); ++i) {
    EXPECT_EQ(live.ranked[i].place, view.rows[i][0].as_int64());
    EXPECT_EQ(live.ranked[i].name, view.rows[i][1].as_string());
    EXPECT_EQ(live.ranked[i].objective, view.rows[i][2].as_double());
    EXPECT_EQ(live.ranked[i].lowest, view.rows[i][3].as_double());
    EXPECT_EQ(live.ranked[i].highest, view.rows[i][4].as_double());
    EXPECT_EQ(live.ranked[i].seeds, view.rows[i][5].as_int64());
  }
  EXPECT_EQ(live.ranked[0].trials, 2) << "one of them waits";
  EXPECT_THAT(Names({.sort = "size"}), ElementsAre("MC-BLSTM100", "MC-BLSTM200", "MC-BLSTM300"));
  EXPECT_THAT(Names({.sort = "name", .descending = true}),
              ElementsAre("MC-BLSTM300", "MC-BLSTM200", "MC-BLSTM100"));
  EXPECT_THAT(Names({.sort = "seeds", .descending = true}),
              ElementsAre("MC-BLSTM100", "MC-BLSTM200", "MC-BLSTM300"));
  for (const Target& target : {Target{.sort = "size"}, Target{.page = 2}}) {
    const LiveStudy other = Live(target);
    ASSERT_TRUE(other.leader);
    EXPECT_EQ(other.leader->name, "MC-BLSTM200") << "whatever is shown";
    EXPECT_EQ(other.models, 3);
  }
  EXPECT_THAT(Names({.page = 2}), IsEmpty());
  ASSERT_TRUE(live.best);
  EXPECT_EQ(live.best->name, "MC-BLSTM200");
  EXPECT_THAT(live.best->curve, SizeIs(3));
}

TEST_F(LiveFactsTest, AFilterHoldsForAll) {
  Complete(Add(100, 1), 0.5);
  Complete(Add(200, 1), 0.9);
  Add(2000, 1);
  Begin(Add(201, 1));
  const LiveStudy live = Live({.filter = {.name = "blstm20", .parts = {}}});
  EXPECT_EQ(live.trials(), 3);
  EXPECT_EQ(live.Count(TrialState::kComplete), 1);
  EXPECT_THAT(live.ranked, SizeIs(1));
  EXPECT_THAT(live.waiting, SizeIs(1));
  EXPECT_THAT(live.running, SizeIs(1));
  EXPECT_THAT(live.ended, SizeIs(1));
  EXPECT_THAT(TrialsOf(store_, study_, {.name = "blstm20", .parts = {}}), SizeIs(3));
  const std::string temporal(
      store_.Query("SELECT temporal FROM trials LIMIT 1").rows[0][0].as_string());
  EXPECT_EQ(Live({.filter = {.name = "", .parts = {{"temporal", temporal}}}}).trials(), 4);
  EXPECT_EQ(Live({.filter = {.name = "", .parts = {{"temporal", "mean"}}}}).trials(), 0);
  EXPECT_EQ(Live({.filter = {.name = "", .parts = {{"extras", "zoneout"}}}}).trials(), 0);
  for (const auto& [name, variant] : ExampleTrial().model.extras) {
    EXPECT_EQ(Live({.filter = {.name = "", .parts = {{"extras", name}}}}).trials(), 4) << name;
  }
}

TEST_F(LiveFactsTest, AFilterTellsVariantsApart) {
  Complete(Add(100, 1), 0.5);
  Complete(Add(100, 2), 0.6);
  Complete(Add(200, 1), 0.9);
  const auto trials = [this](const std::string& criterion, const std::string& part) {
    return Live({.filter = {.name = "", .parts = {{criterion, part}}}}).trials();
  };
  EXPECT_EQ(trials("temporal", "blstm"), 3);
  EXPECT_EQ(trials("temporal", "blstm hidden=100"), 2);
  EXPECT_EQ(trials("temporal", "blstm hidden=100.0"), 2) << "numbers count by value";
  EXPECT_EQ(trials("temporal", "blstm hidden=1000"), 0);
  EXPECT_EQ(trials("temporal", "blstm hidden=nan"), 0);
  EXPECT_EQ(trials("temporal", "blstm none=1"), 0);
}

TEST_F(LiveFactsTest, WhatIsToComeIsAllThatTheSearchWillAskFor) {
  Complete(Add(100, 1), 0.5);
  Begin(Add(200, 1));
  Add(201, 1);
  LiveStudy live = Live();
  EXPECT_EQ(live.to_come(), 1) << "nobody has said how many there will be";
  live.now.progress.planned = 288;
  EXPECT_EQ(live.to_come(), 286);
  live.now.progress.refused = 6;
  EXPECT_EQ(live.to_come(), 280);
  live.now.progress.planned = 2;
  EXPECT_EQ(live.to_come(), 1) << "those that wait are there, whatever the plan says";
  live = Live({.filter = {.name = "blstm2", .parts = {}}});
  live.now.progress.planned = 288;
  EXPECT_EQ(live.to_come(), 1) << "of a part nobody knows how many there will be";
}

TEST_F(LiveFactsTest, WhatCountsNoMoreIsNotThere) {
  const TrialId trial = Add(100, 1);
  Complete(trial, 0.5);
  store_.StopCounting(study_.id, {trial}, "it was of other data");
  EXPECT_EQ(Live().trials(), 0);
  EXPECT_THAT(Live().ranked, IsEmpty());
}

TEST_F(LiveFactsTest, EndedAttemptsComeLatestFirst) {
  const TrialId failed = Add(100, 1);
  Begin(failed);
  store_.FinishAttempt(failed, attempt_, ExampleFailure(), TrialState::kFailed);
  Complete(Add(200, 1), 0.5);
  const LiveStudy live = Live();
  ASSERT_THAT(live.ended, SizeIs(2));
  EXPECT_EQ(live.ended[0].outcome, "complete");
  EXPECT_EQ(live.ended[0].objective, 0.5);
  EXPECT_EQ(live.ended[1].outcome, "crashed");
  EXPECT_EQ(live.ended[1].message, "killed by signal 9");
  EXPECT_FALSE(live.ended[1].objective);
  EXPECT_THAT(live.counts, testing::UnorderedElementsAre(Pair(TrialState::kFailed, 1),
                                                         Pair(TrialState::kComplete, 1)));
}

TEST_F(LiveFactsTest, AnObjectiveOfAnotherVersionIsTold) {
  study_.objective = "newer";
  EXPECT_THAT(ErrorText<UsageError>([&] { static_cast<void>(Live()); }),
              testing::HasSubstr("newer"));
}

TEST_F(LiveFactsTest, AListOfStudiesHasTheSameNumbers) {
  Complete(Add(100, 1), 0.5);
  Begin(Add(200, 1));
  const LiveStudy line = ReadStudyLine(store_, running_, study_, std::chrono::system_clock::now());
  EXPECT_EQ(line.counts, Live().counts);
  EXPECT_EQ(line.leader->name, Live().leader->name);
  EXPECT_THAT(line.running, SizeIs(1));
}

}  // namespace live_facts_test
}  // namespace beamgrid
