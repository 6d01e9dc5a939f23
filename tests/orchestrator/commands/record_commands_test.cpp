// studies, trials, show, explain, query on a database that the test filled.

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>

#include "tests/orchestrator/commands/command_test_support.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

class RecordCommandsTest : public CommandTest {
 protected:
  RecordCommandsTest() { FillStore(database_); }
  [[nodiscard]] Called OnRecord(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--db", database_});
    return Call(arguments);
  }
  const std::string database_ = Path("filled.db");
};

TEST_F(RecordCommandsTest, StudiesCountsTrialsByState) {
  const auto json = OnRecord({"studies", "--json"}).Json();
  ASSERT_EQ(json.as_array().size(), 2U);
  EXPECT_EQ(json.at(0).at("name"), "small");
  EXPECT_EQ(json.at(0).at("trials").at("complete"), 1);
  EXPECT_EQ(json.at(0).at("trials").at("failed"), 1);
  EXPECT_EQ(json.at(0).at("trials").at("waiting"), 1);
  EXPECT_EQ(json.at(1).at("trials").at("complete"), 1);
  EXPECT_THAT(OnRecord({"studies"}).out, HasSubstr("three trials"));
}

TEST_F(RecordCommandsTest, TrialsHasTheFixedShape) {
  const auto json = OnRecord({"trials", "small", "--json"}).Json();
  ASSERT_EQ(json.as_array().size(), 3U);
  for (const auto& trial : json.as_array()) {
    EXPECT_THAT(KeysOf(trial),
                IsSupersetOf({"id", "name", "fingerprint", "seed", "state", "gap", "hit_at_1",
                              "perr", "map", "parameters", "size_bytes", "examples_per_second",
                              "wall_seconds", "attempts", "device", "failure"}));
  }
  const auto& complete = json.at(0);
  EXPECT_EQ(complete.at("state"), "complete");
  EXPECT_EQ(complete.at("gap"), 0.8125);
  EXPECT_EQ(complete.at("hit_at_1"), 0.875);
  EXPECT_EQ(complete.at("perr"), 0.75);
  EXPECT_EQ(complete.at("map"), 0.5);
  EXPECT_EQ(complete.at("attempts"), 1);
  EXPECT_TRUE(complete.at("failure").is_null());
  const auto& failed = json.at(1);
  EXPECT_EQ(failed.at("state"), "failed");
  EXPECT_EQ(failed.at("seed"), 2);
  EXPECT_TRUE(failed.at("gap").is_null());
  EXPECT_EQ(failed.at("attempts"), 2);
  EXPECT_THAT(std::string(failed.at("failure").as_string()), HasSubstr("not finite"));
  EXPECT_EQ(json.at(2).at("state"), "waiting");
}

TEST_F(RecordCommandsTest, TrialsAsTextAlignsTheSameNumbers) {
  const Called called = OnRecord({"trials", "small"});
  EXPECT_EQ(called.exit_code, 0);
  EXPECT_THAT(called.out, HasSubstr("0.81250"));
  EXPECT_THAT(called.out, HasSubstr("MC-BLSTM-h256-MoE2"));
}

TEST_F(RecordCommandsTest, AnUnknownStudyIsRefusedWithThoseThereAre) {
  for (const char* command : {"trials", "table", "ensemble"}) {
    UseFakeTrainer();
    const Called called = OnRecord({command, "smal"});
    EXPECT_EQ(called.exit_code, 2) << command;
    EXPECT_THAT(called.err,
                HasSubstr("no study 'smal' in " + database_ + "; studies: small, other"))
        << command;
  }
}

TEST_F(RecordCommandsTest, AMissingDatabaseIsRefusedAndNotMade) {
  const std::string missing = Path("missing.db");
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"studies"},
                                                    {"trials", "x"},
                                                    {"show", "1"},
                                                    {"explain", "1"},
                                                    {"query", "SELECT 1"},
                                                    {"ensemble", "x"}}) {
    std::vector<std::string> full = arguments;
    full.insert(full.end(), {"--db", missing});
    const Called called = Call(full);
    EXPECT_EQ(called.exit_code, 2) << arguments[0];
    EXPECT_THAT(called.err, HasSubstr(missing)) << arguments[0];
    EXPECT_FALSE(std::filesystem::exists(missing));
  }
}

TEST_F(RecordCommandsTest, AFileThatIsNoDatabaseIsAnError) {
  const std::string path = Write("notes.txt", std::string(4096, 'x'));
  const Called called = Call({"studies", "--db", path});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr(path));
}

TEST_F(RecordCommandsTest, ADatabaseOfANewerVersionIsAnErrorAndStaysAsItIs) {
  {
    SQLite::Database raw(database_, SQLite::OPEN_READWRITE);
    raw.exec("PRAGMA user_version = 999");
  }
  const Called called = OnRecord({"trials", "small"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr(database_));
  EXPECT_THAT(called.err, HasSubstr("newer"));
  SQLite::Database raw(database_, SQLite::OPEN_READONLY);
  EXPECT_EQ(raw.execAndGet("PRAGMA user_version").getInt(), 999);
}

TEST_F(RecordCommandsTest, ShowFindsATrialByEachOfItsNames) {
  const auto listed = OnRecord({"trials", "small", "--json"}).Json();
  const std::string fingerprint(listed.at(0).at("fingerprint").as_string());
  const std::string id = std::to_string(listed.at(0).at("id").as_int64());
  for (const std::string& name :
       {id, fingerprint, fingerprint.substr(0, 10), std::string("small/MC-BLSTM-MoE2/1"),
        std::string("other/MC-BLSTM-MoE2")}) {
    const auto json = OnRecord({"show", name, "--json"}).Json();
    EXPECT_EQ(json.at("fingerprint").as_string(), fingerprint) << name;
    EXPECT_EQ(json.at("epochs").as_array().size(), 2U);
    EXPECT_EQ(json.at("artifacts").at(0).at("name"), "predictions");
    EXPECT_EQ(json.at("result").at("best_epoch"), 2);
    EXPECT_EQ(json.at("spec").at("model").at("temporal").at("use"), "blstm");
  }
}

TEST_F(RecordCommandsTest, ShowAsTextHasTheEpochs) {
  const Called called = OnRecord({"show", "small/MC-BLSTM-MoE2/1"});
  EXPECT_THAT(called.out, HasSubstr("spec.model.temporal.use: blstm"));
  EXPECT_THAT(called.out, HasSubstr("epochs:"));
}

TEST_F(RecordCommandsTest, ShowSaysHowFarARunningTrialIs) {
  const std::string name = "small/MC-BLSTM-h256-MoE2/1";
  EXPECT_TRUE(OnRecord({"show", name, "--json"}).Json().at("running").is_null());
  {
    Store store(database_, OpenMode::kReadWrite);
    const TrialId trial = store.Trials(store.FindStudy("small")->id).at(2).id;
    (void)store.BeginAttempt(trial, "runs/d", "cpu", 1);
    EXPECT_THAT(OnRecord({"show", name}).out,
                HasSubstr("now: no epoch of 5 has ended, begun at 2"));
    store.RecordEpoch(trial, {.epoch = 1, .train_loss = NAN, .metrics = {.gap = 0.5}}, true);
    store.RecordEpoch(trial, {.epoch = 2, .metrics = {.gap = 0.25}}, true);
  }
  const Called shown = OnRecord({"show", name});
  EXPECT_THAT(shown.out, HasSubstr("now: epoch 2 of 5 has ended, objective 0.25000 (best 0.50000);"
                                   " 0.0s an epoch, at most "));
  const auto json = OnRecord({"show", name, "--json"}).Json();
  EXPECT_EQ(json.at("running").at("epoch"), 2);
  EXPECT_EQ(json.at("epochs").as_array().size(), 2U);
  EXPECT_TRUE(json.at("epochs").at(0).at("train_loss").is_null()) << "no loss is NaN";
  EXPECT_THAT(OnRecord({"query", "running"}).out, HasSubstr("MC-BLSTM-h256-MoE2"));
}

TEST_F(RecordCommandsTest, AnAmbiguousNameIsRefusedWithTheCandidates) {
  const Called called = OnRecord({"show", "small/MC-BLSTM-MoE2"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("names 2 trials"));
  EXPECT_THAT(called.err, HasSubstr("small/MC-BLSTM-MoE2/1"));
  EXPECT_THAT(called.err, HasSubstr("small/MC-BLSTM-MoE2/2"));
}

TEST_F(RecordCommandsTest, AnUnknownTrialIsRefusedWithTheNearest) {
  const Called called = OnRecord({"explain", "small/MC-BLSTM-MoE3/1"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("did you mean small/MC-BLSTM-MoE2/1?"));
  EXPECT_EQ(OnRecord({"show", "999"}).exit_code, 2);
}

TEST_F(RecordCommandsTest, ExplainSaysWhyATrialFailed) {
  const Called called = OnRecord({"explain", "small/MC-BLSTM-MoE2/2"});
  EXPECT_EQ(called.exit_code, 0);
  EXPECT_THAT(called.out, HasSubstr("is failed: 2 attempts failed and no retries are left"));
  EXPECT_THAT(called.out, HasSubstr("note: retried after attempt 1: diverged"));
  EXPECT_THAT(called.out, HasSubstr("the loss is not finite at example 640"));
  EXPECT_THAT(called.out, HasSubstr("loss inf"));
  const auto json = OnRecord({"explain", "small/MC-BLSTM-MoE2/2", "--json"}).Json();
  EXPECT_EQ(json.at("attempts").as_array().size(), 2U);
  EXPECT_EQ(json.at("attempts").at(1).at("exit_code"), 4);
  EXPECT_EQ(json.at("state"), "failed");
}

TEST_F(RecordCommandsTest, ExplainSaysWhyATrialWaits) {
  EXPECT_THAT(OnRecord({"explain", "small/MC-BLSTM-h256-MoE2"}).out,
              HasSubstr("it has not been started"));
}

TEST_F(RecordCommandsTest, QueryAnswersInThreeForms) {
  const std::string sql = "SELECT 1 AS one, 'a,\"b' AS two, NULL AS three";
  EXPECT_EQ(OnRecord({"query", sql, "--csv"}).out, "one,two,three\n1,\"a,\"\"b\",\n");
  const auto json = OnRecord({"query", sql, "--json"}).Json();
  EXPECT_EQ(json.at(0).at("one"), 1);
  EXPECT_EQ(json.at(0).at("two"), "a,\"b");
  EXPECT_TRUE(json.at(0).at("three").is_null());
  EXPECT_THAT(OnRecord({"query", sql}).out, HasSubstr("one  two"));
}

TEST_F(RecordCommandsTest, EveryNamedQueryRuns) {
  const auto list = Call({"query", "--list", "--json"}).Json();
  ASSERT_FALSE(list.as_array().empty());
  for (const auto& query : list.as_array()) {
    const std::string name(query.at("name").as_string());
    EXPECT_EQ(OnRecord({"query", name}).exit_code, 0) << name;
  }
}

TEST_F(RecordCommandsTest, QueryRefusesWhatIsWrongOrWouldWrite) {
  EXPECT_EQ(OnRecord({"query", "SELECT FROM"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"query", "CREATE TABLE t(x)"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"query", "leaderbord"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"query"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"query", "SELECT name FROM sqlite_schema WHERE name = 't'", "--json"}).out,
            "[]\n");
}

TEST_F(RecordCommandsTest, AnEnsembleNeedsThePredictionsThatWereRecorded) {
  const Called called = OnRecord({"ensemble", "small"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr("runs/a/predictions.bin"));
  EXPECT_THAT(called.err, Not(HasSubstr("stored")));
}

}  // namespace
}  // namespace beamgrid
