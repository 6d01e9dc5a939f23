#include <gmock/gmock.h>

#include "registry/store/named_queries.h"
#include "registry/store/store.h"
#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Row = std::vector<boost::json::value>;

TEST(StoreMoment, WhatIsReadIsOfOneMomentWhateverOthersWrite) {
  const TemporaryFolder folder;
  Store writer(folder / "r.db", OpenMode::kReadWrite);
  const StudyId study = writer.OpenStudy(ExampleStudy("s"));
  const Store reader(folder / "r.db", OpenMode::kReadOnly);
  std::size_t first = 0, second = 0, inner = 0;
  reader.AsOfOneMoment([&] {
    first = reader.Trials(study).size();
    (void)writer.AddTrials(study, {ExampleNewTrial(512, 1)});
    second = reader.Trials(study).size();
    reader.AsOfOneMoment([&] { inner = reader.Query("SELECT * FROM trials").rows.size(); });
  });
  EXPECT_EQ(first, 0U);
  EXPECT_EQ(second, 0U);
  EXPECT_EQ(inner, 0U);
  EXPECT_EQ(reader.Trials(study).size(), 1U);
  EXPECT_THROW(reader.AsOfOneMoment([] { throw UsageError("x"); }), UsageError);
  EXPECT_EQ(reader.Trials(study).size(), 1U) << "and ends with what it throws";
}

/// Two studies that share one trial; three models, one of them with two seeds.
class QueryTest : public testing::Test {
 protected:
  QueryTest() {
    NewTrial bare = ExampleNewTrial(2);
    bare.spec.model.parts["temporal"] = {.component = "mean", .options = {}};
    bare.spec.model.extras["dropout"] = {{"rate", 0.2}};
    bare.name = "MC-mean";
    bare.fingerprint = Fingerprint(bare.spec);
    const auto ids =
        store_.AddTrials(study_, {ExampleNewTrial(512, 1), ExampleNewTrial(512, 2), bare,
                                  ExampleNewTrial(1024, 1), ExampleNewTrial(4, 1)});
    Finish(ids[0], ExampleSuccess(0.5), TrialState::kComplete);
    Finish(ids[1], ExampleSuccess(0.25), TrialState::kComplete);
    Finish(ids[2], ExampleSuccess(0.75), TrialState::kComplete);
    Finish(ids[3], ExampleFailure(), TrialState::kFailed);
    (void)store_.AddTrials(other_, {ExampleNewTrial(512, 1)});
  }

  void Finish(TrialId id, const AttemptOutcome& outcome, TrialState next) {
    store_.FinishAttempt(id, store_.BeginAttempt(id, "runs", "cpu", 1), outcome, next);
  }
  Store::Table Named(const std::string& name, const std::string& study) {
    for (const NamedQuery& query : NamedQueries()) {
      if (query.name == name) return store_.Query(query.sql, {{"study", study}});
    }
    ADD_FAILURE() << "no query " << name;
    return {};
  }
  std::string Refusal(const std::string& sql) {
    return ErrorText<UsageError>([&] { (void)store_.Query(sql); });
  }

  Store store_{":memory:", OpenMode::kReadWrite};
  StudyId study_ = store_.OpenStudy(ExampleStudy("one"));
  StudyId other_ = store_.OpenStudy(ExampleStudy("two"));
};

TEST_F(QueryTest, AnswersColumnsAndRowsInTheirTypes) {
  const Store::Table table = store_.Query("SELECT 1 AS a, 0.5 AS b, 'x' AS c, NULL AS d, x'0aff'");
  EXPECT_THAT(table.columns, ElementsAre("a", "b", "c", "d", "x'0aff'"));
  EXPECT_THAT(table.rows, ElementsAre(Row{1, 0.5, "x", nullptr, "0aff"}));
}

TEST_F(QueryTest, TakesParametersAsData) {
  const char* sql = "SELECT count(*) FROM study WHERE name = :name";
  EXPECT_EQ(store_.Query(sql, {{"name", "one"}}).rows[0][0], 1);
  EXPECT_EQ(store_.Query(sql, {{"name", "' OR 1 --"}}).rows[0][0], 0);
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)store_.Query(sql); }),
              HasSubstr("the parameter :name has no value; only :study may have one"))
      << "it would be null, and equal to nothing, in silence";
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)store_.Query("SELECT ?"); }),
              HasSubstr("the parameter ? has no value"));
  EXPECT_EQ(store_.Query("SELECT :study IS NULL").rows[0][0], 1);
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)store_.Query("SELECT 1", {{"name", "x"}}); }),
              HasSubstr("has no parameter :name"));
}

TEST_F(QueryTest, OnlyReads) {
  for (const char* sql :
       {"DELETE FROM trial", "INSERT INTO study SELECT * FROM study", "UPDATE trial SET seed = 9",
        "DROP TABLE trial", "CREATE TABLE x (y)", "CREATE TEMP TABLE x (y)", "ATTACH 'y.db' AS y",
        "PRAGMA user_version = 0", "PRAGMA journal_mode = DELETE", "BEGIN IMMEDIATE", "COMMIT",
        "VACUUM", "REINDEX", "UPDATE sqlite_master SET name = 'x'", "SAVEPOINT s",
        "WITH a AS (SELECT 1) DELETE FROM trial", "SELECT * FROM pragma_journal_mode"}) {
    EXPECT_THAT(Refusal(sql), AnyOf(HasSubstr("only SELECT is allowed"),
                                    HasSubstr("sqlite_master may not be modified")))
        << sql;
  }
  EXPECT_EQ(store_.Trials(study_).size(), 5U);
  EXPECT_FALSE(std::filesystem::exists("y.db"));
}

TEST_F(QueryTest, ListsTheColumnsOfATable) {
  EXPECT_EQ(store_.Query("SELECT name FROM pragma_table_info('trials') WHERE cid = 0").rows[0][0],
            "study");
}

TEST_F(QueryTest, TheStoreWritesOnAfterAQuery) {
  (void)Refusal("DELETE FROM trial");
  (void)store_.Query("SELECT * FROM trials");
  EXPECT_NO_THROW(store_.AddNote(study_, "m", 1, "still writing"));
}

TEST_F(QueryTest, MistakesAreToldInSqlitesWords) {
  EXPECT_THAT(Refusal("SELEC 1"), HasSubstr("near \"SELEC\": syntax error"));
  EXPECT_THAT(Refusal("SELECT * FROM trils"), HasSubstr("no such table: trils"));
  EXPECT_THAT(Refusal(""), HasSubstr("no statement"));
  EXPECT_THAT(Refusal("-- nothing"), HasSubstr("no statement"));
  EXPECT_THAT(Refusal("SELECT 1; DELETE FROM trial"), HasSubstr("only one statement"));
  EXPECT_THAT(Refusal("SELECT abs(-9223372036854775808)"), HasSubstr("integer overflow"));
  EXPECT_EQ(store_.Query("SELECT 1; \n").rows.size(), 1U);
}

TEST_F(QueryTest, TrialsHaveAColumnPerCriterion) {
  const Store::Table table = store_.Query(
      "SELECT name, seed, multimodal, temporal, classifier, extras, label_processing, loss, gap,"
      " objective, failure_kind FROM trials WHERE study = 'one' ORDER BY position");
  ASSERT_EQ(table.rows.size(), 5U);
  EXPECT_EQ(table.rows[0], (Row{"MC-BLSTM512", 1, "concat", "blstm", "moe", nullptr, "none",
                                "cross_entropy", 0.5, 0.5, nullptr}));
  EXPECT_EQ(table.rows[2][3], "mean");
  EXPECT_EQ(table.rows[2][5], "dropout");
  EXPECT_EQ(table.rows[3][10], "crashed");
}

TEST_F(QueryTest, LeaderboardIsTheMeanOverSeeds) {
  const Store::Table table = Named("leaderboard", "one");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0], (Row{"one", 1, "MC-mean", 1, 0.75, 0.75, 0.75, 8000, 2000}));
  EXPECT_EQ(table.rows[1], (Row{"one", 2, "MC-BLSTM512", 2, 0.375, 0.25, 0.5, 2048000, 512000}));
}

TEST_F(QueryTest, TheObjectiveIsTheStudysOwn) {
  StudyRecord study = ExampleStudy("by-map");
  study.objective = "map";
  (void)store_.AddTrials(store_.OpenStudy(study), {ExampleNewTrial(512, 1)});
  EXPECT_EQ(Named("leaderboard", "by-map").rows[0][4], 0.125);

  study = ExampleStudy("by-segments");
  study.objective = "segment_map";
  const TrialId id = store_.AddTrials(store_.OpenStudy(study), {ExampleNewTrial(77, 1)})[0];
  AttemptOutcome outcome = ExampleSuccess();
  outcome.result().metrics.segment_map = 0.25;
  store_.FinishAttempt(id, store_.BeginAttempt(id, "runs", "cpu", 1), outcome,
                       TrialState::kComplete);
  EXPECT_EQ(Named("leaderboard", "by-segments").rows[0][4], 0.25);
}

TEST_F(QueryTest, AblationGroupsByVariant) {
  const Store::Table table = Named("ablation", "one");
  EXPECT_THAT(table.rows,
              testing::IsSupersetOf(
                  {Row{"one", "temporal", "blstm", R"({"hidden":512,"layers":1})", 2, 0.375, 0.5},
                   Row{"one", "temporal", "mean", "{}", 1, 0.75, 0.75},
                   Row{"one", "classifier", "moe", R"({"experts":2})", 3, 0.5, 0.75},
                   Row{"one", "extras", "dropout", R"({"rate":0.2})", 1, 0.75, 0.75},
                   Row{"one", "extras", "none", "{}", 2, 0.375, 0.5}}));
  EXPECT_EQ(table.rows.size(), 8U);
}

TEST_F(QueryTest, OtherNamedQueriesAnswerTheirQuestions) {
  EXPECT_EQ(Named("failures", "one").rows[0][5], "crashed");
  EXPECT_EQ(Named("failures", "one").rows.size(), 1U);
  EXPECT_EQ(Named("slowest", "one").rows.size(), 3U);
  EXPECT_EQ(Named("memory", "one").rows.size(), 3U);
  EXPECT_EQ(Named("seeds", "one").rows[0].back(), 0.25);
  EXPECT_EQ(Named("seeds", "two").rows.size(), 0U);
  EXPECT_EQ(
      Named("progress", "one").rows,
      (std::vector<Row>{{"one", "complete", 3}, {"one", "failed", 1}, {"one", "waiting", 1}}));
  EXPECT_EQ(Named("shared", "two").rows[0][1], "one, two");
}

TEST_F(QueryTest, SizeVsGapKeepsOnlyWhatEachByteBuys) {
  // MC-mean is smaller and better than MC-BLSTM512, a larger model with more GAP stays.
  EXPECT_EQ(Named("size-vs-gap", "one").rows, (std::vector<Row>{{"one", "MC-mean", 8000, 0.75}}));
  const TrialId large = store_.AddTrials(study_, {ExampleNewTrial(2048, 1)})[0];
  Finish(large, ExampleSuccess(0.875), TrialState::kComplete);
  EXPECT_EQ(Named("size-vs-gap", "one").rows.size(), 2U);
}

// The first query of a connection declares json_each, which SQLite takes for a change of its
// schema.
TEST(Query, NamedQueriesRunFirstOnAReadersConnection) {
  const TemporaryFolder folder;
  (void)Store(folder / "a.db", OpenMode::kReadWrite).OpenStudy(ExampleStudy());
  for (const NamedQuery& query : NamedQueries()) {
    EXPECT_NO_THROW((void)Store(folder / "a.db", OpenMode::kReadOnly).Query(query.sql))
        << query.name;
  }
}

TEST_F(QueryTest, EveryNamedQueryRunsForAllStudiesToo) {
  for (const NamedQuery& query : NamedQueries()) {
    SCOPED_TRACE(query.name);
    EXPECT_FALSE(query.help.empty());
    EXPECT_GE(store_.Query(query.sql).rows.size(),
              store_.Query(query.sql, {{"study", "one"}}).rows.size());
    EXPECT_EQ(store_.Query(query.sql, {{"study", "no such study"}}).rows.size(), 0U);
  }
}

}  // namespace
}  // namespace beamgrid
