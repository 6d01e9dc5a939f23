// What goes with a study or a trial.

#include "orchestrator/housekeeping/removal_plan.h"

#include "tests/orchestrator/housekeeping/housekeeping_fixture.h"

namespace beamgrid {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class RemovalPlanTest : public HousekeepingTest {
 protected:
  RemovalPlan Plan(const RemovalQuestion& question) {
    return PlanRemoval(record_.store, LookAtRecord(record_.store), question);
  }
  void Carry(const RemovalPlan& plan) {
    CarryOut(record_.store, plan);
    EXPECT_THAT(record_.EmptyTrash().problems, IsEmpty());
  }
  std::int64_t Count(const std::string& table) {
    return record_.store.Query("SELECT count(*) FROM " + table).rows.at(0).at(0).as_int64();
  }

  StudyId a_ = record_.Study("a"), b_ = record_.Study("b");
};

TEST_F(RemovalPlanTest, AStudyGoesWithEverythingThatIsItsOwn) {
  const TrialId trial = record_.Complete(a_, 1, 0.5);
  record_.Ensemble(a_, {trial});
  record_.store.AddNote(a_, "MC-BLSTM1", 1, "a note");
  const auto directory = record_.FileOf(trial, "");
  record_.store.StopCounting(a_, {record_.Complete(a_, 2, 0.5)}, "it was trained on other data");
  Carry(Plan({.studies = {a_, b_}}));
  for (const char* table : {"study", "trial", "study_trial", "attempt", "result", "epoch",
                            "artifact", "note", "ensemble", "trash"}) {
    EXPECT_EQ(Count(table), 0) << table;
  }
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_TRUE(std::filesystem::is_empty(record_.store.runs()));
}

TEST_F(RemovalPlanTest, ATrialOfAnotherStudyStaysWithItsFiles) {
  const TrialId shared = record_.Complete(a_, 1, 0.5), own = record_.Complete(a_, 2, 0.5);
  record_.Wait(b_, 1);
  const auto gone = record_.FileOf(own, "");
  const RemovalPlan plan = Plan({.studies = {a_}});
  EXPECT_THAT(plan.staying, SizeIs(1));
  EXPECT_THAT(plan.trials, SizeIs(1));
  Carry(plan);
  EXPECT_TRUE(record_.Has(shared, kModelFile));
  EXPECT_THAT(record_.store.Trials(b_), SizeIs(1));
  EXPECT_FALSE(std::filesystem::exists(gone));
}

TEST_F(RemovalPlanTest, ATrialLeavesOneStudyOrAll) {
  const TrialId shared = record_.Complete(a_, 1, 0.5);
  record_.Wait(b_, 1);
  record_.store.AddNote(a_, "MC-BLSTM1", 1, "of a");
  record_.store.AddNote(a_, "MC-BLSTM1", 2, "of another seed");
  record_.store.AddNote(b_, "MC-BLSTM1", 1, "of b");
  Carry(Plan({.references = {{a_, shared}}}));
  EXPECT_THAT(record_.store.Trials(a_), IsEmpty());
  EXPECT_THAT(record_.store.Notes(a_, "MC-BLSTM1", 1), IsEmpty());
  EXPECT_THAT(record_.store.Notes(a_, "MC-BLSTM1", 2), SizeIs(1));
  EXPECT_THAT(record_.store.Notes(b_, "MC-BLSTM1", 1), SizeIs(1));
  EXPECT_TRUE(record_.Has(shared, kModelFile));
  Carry(Plan({.trials = {shared}}));
  EXPECT_EQ(Count("trial"), 0);
}

TEST_F(RemovalPlanTest, AnEnsembleThatWouldLoseAMemberGoes) {
  const TrialId one = record_.Complete(a_, 1, 0.5), other = record_.Complete(a_, 2, 0.5);
  record_.Ensemble(a_, {one, other});
  record_.Ensemble(a_, {other});
  const RemovalPlan plan = Plan({.references = {{a_, one}}});
  EXPECT_THAT(plan.ensembles, SizeIs(1));
  Carry(plan);
  EXPECT_THAT(record_.store.Ensembles(a_), SizeIs(1));
}

TEST_F(RemovalPlanTest, WhoStartsFromWhatGoesIsNamed) {
  const TrialId first = record_.Complete(a_, 1, 0.5);
  const TrialId second = record_.Complete(b_, 2, 0.6, 1, record_.store.Trial(first).fingerprint);
  EXPECT_THAT(Plan({.studies = {a_}}).starts, SizeIs(1));
  EXPECT_THAT(Plan({.studies = {a_, b_}}).starts, IsEmpty());
  EXPECT_THAT(Plan({.trials = {second}}).starts, IsEmpty());
}

TEST_F(RemovalPlanTest, TwoPlansAreTheSameIfTheyRemoveTheSame) {
  record_.Complete(a_, 1, 0.5);
  const RemovalPlan plan = Plan({.studies = {a_}});
  EXPECT_TRUE(plan.SameAs(Plan({.studies = {a_}})));
  record_.Wait(b_, 1);
  EXPECT_FALSE(plan.SameAs(Plan({.studies = {a_}})));
}

TEST_F(RemovalPlanTest, EveryTableThatRefersToATrialOrAStudyIsKnownHere) {
  const Store::Table tables = record_.store.Query(
      "SELECT name FROM sqlite_schema WHERE type = 'table'"
      " AND (sql LIKE '%REFERENCES trial %' OR sql LIKE '%REFERENCES study %')"
      " ORDER BY name");
  std::vector<std::string> names;
  for (const auto& row : tables.rows) names.emplace_back(row.at(0).as_string());
  // A new one is removed in store_upkeep.cpp and taken over in merge.cpp; but study_run is not,
  // which is about a run of the other record.
  EXPECT_THAT(names, ::testing::ElementsAre("artifact", "attempt", "class_names", "ensemble",
                                            "epoch", "note", "recipe_history", "result",
                                            "study_run", "study_trial", "video_groups"));
}

}  // namespace
}  // namespace beamgrid
