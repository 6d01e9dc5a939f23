// The database file: who may open it, how it migrates, what is in force.

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "registry/store/database.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SchemaTest : public testing::Test {
 protected:
  void Execute(const std::string& sql) {
    SQLite::Database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
  }
  std::string Refusal(OpenMode mode = OpenMode::kReadWrite) {
    return ErrorText<Error>([&] { Store(path_, mode); });
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "beamgrid.db";
};

TEST_F(SchemaTest, WritesAreDurable) {
  Database database(path_, OpenMode::kReadWrite);
  constexpr int kFull = 2;
  EXPECT_EQ(database.connection().execAndGet("PRAGMA synchronous").getInt(), kFull);
  EXPECT_EQ(database.connection().execAndGet("PRAGMA journal_mode").getString(), "wal");
  EXPECT_EQ(database.connection().execAndGet("PRAGMA foreign_keys").getInt(), 1);
  EXPECT_EQ(database.connection().execAndGet("PRAGMA busy_timeout").getInt(), 10'000);
}

TEST_F(SchemaTest, EveryTableIsStrict) {
  Database database(path_, OpenMode::kReadWrite);
  SQLite::Statement tables(
      database.connection(),
      "SELECT name, strict FROM pragma_table_list"
      " WHERE type = 'table' AND schema = 'main' AND name NOT LIKE 'sqlite_%'");
  int count = 0;
  for (; tables.executeStep(); ++count) {
    EXPECT_EQ(tables.getColumn(1).getInt(), 1) << tables.getColumn(0).getString();
  }
  EXPECT_GE(count, 9);
}

/// The schema and two steps that nobody has taken yet: one that copies a table which others refer
/// to, as SQLite changes a CHECK, and one that adds a column.
std::vector<std::string> StepsToCome() {
  std::vector<std::string> steps = Migrations();
  steps.emplace_back(
      "CREATE TABLE attempt_new (trial INTEGER NOT NULL REFERENCES trial (id),"
      " number INTEGER NOT NULL, outcome TEXT NOT NULL, directory TEXT NOT NULL,"
      " device TEXT NOT NULL, threads INTEGER NOT NULL, pid INTEGER NOT NULL,"
      " started_at TEXT NOT NULL, finished_at TEXT, exit_code INTEGER NOT NULL,"
      " message TEXT NOT NULL, log_tail TEXT NOT NULL, data_stamp TEXT NOT NULL DEFAULT '',"
      " begun INTEGER NOT NULL DEFAULT 1,"
      " PRIMARY KEY (trial, number)) STRICT, WITHOUT ROWID;"
      "INSERT INTO attempt_new SELECT * FROM attempt;"
      "DROP TABLE attempt;"
      "ALTER TABLE attempt_new RENAME TO attempt;");
  steps.emplace_back("ALTER TABLE study ADD COLUMN owner TEXT NOT NULL DEFAULT 'nobody';");
  return steps;
}

TEST_F(SchemaTest, AnOlderDatabaseMigratesAndKeepsItsRows) {
  const std::vector<std::string> steps = StepsToCome();
  for (std::size_t version = 1; version < steps.size(); ++version) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(path_.string() + suffix);
    }
    for (std::size_t step = 0; step < version; ++step) Execute(steps[step]);
    Execute("PRAGMA application_id = 1111970372; PRAGMA user_version = " + std::to_string(version));
    Execute(
        "INSERT INTO study VALUES (5, 'old', '', 'gap', '', 'digest', '2026-01-01T00:00:00Z');"
        "INSERT INTO trial (id, fingerprint, name, seed, state, spec, canonical, parameters,"
        " size_bytes) VALUES (7, 'f', 'm', 1, 'complete', '{\"model\":{}}', '', 1, 2);"
        "INSERT INTO study_trial (study, position, trial, name) VALUES (5, 1, 7, 'm');"
        "INSERT INTO attempt (trial, number, outcome, directory, device, threads, pid, started_at,"
        " finished_at, exit_code, message, log_tail) VALUES (7, 1, 'complete', 'runs/1', 'cpu', 1,"
        " 0, 'then', 'then', 0, '', '');"
        "INSERT INTO result (trial, attempt, gap, videos, best_epoch, parameters, size_bytes,"
        " examples, peak_memory_bytes, skipped_records, device, threads, program_version,"
        " libtorch_version) VALUES (7, 1, 0.5, 9, 1, 1, 2, 3, 4, 0, 'cpu', 1, 'p', 'l')");
    for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kReadWrite, OpenMode::kReadOnly}) {
      Database database(path_, mode, steps);
      const auto answer = [&](const std::string& sql) {
        return database.connection().execAndGet(sql).getString();
      };
      EXPECT_EQ(answer("SELECT id FROM study WHERE name = 'old'"), "5");
      EXPECT_EQ(answer("SELECT state FROM trials"), "complete");
      EXPECT_EQ(answer("SELECT study FROM trials"), "old");
      EXPECT_EQ(answer("SELECT gap FROM trials"), "0.5");
      EXPECT_EQ(answer("SELECT directory FROM attempt WHERE trial = 7"), "runs/1");
      EXPECT_EQ(answer("SELECT owner FROM study"), "nobody");
      EXPECT_EQ(answer("SELECT count(*) FROM recipe_history WHERE study = 5 AND position = 1 AND"
                       " recipe_digest = 'digest' AND begun_at = '2026-01-01T00:00:00Z'"),
                version < 7 ? "1" : "0");
      EXPECT_EQ(answer("PRAGMA foreign_keys"), "1");
    }
  }
}

TEST_F(SchemaTest, HowManyGroupsTrainingHasSeenStandsInAColumnOfItsOwn) {
  const std::vector<std::string> steps = Migrations();
  for (std::size_t step = 0; step < 12; ++step) Execute(steps[step]);
  Execute("PRAGMA application_id = 1111970372; PRAGMA user_version = 12");
  for (const char* id : {"1", "2"}) {
    Execute("INSERT INTO study VALUES (" + std::string(id) + ", 's" + id +
            "', '', 'gap', '', 'digest', '2026-01-01T00:00:00Z')");
  }
  Execute(
      "INSERT INTO video_groups VALUES (1, 'day', '{\"\":\"3\",\"a\":\"mon\",\"b\":\"\"}'),"
      " (2, 'day', '{\"a\":\"mon\"}')");
  const Store store(path_, OpenMode::kReadWrite);
  const auto groups = store.VideoGroupsOf(StudyId{1});
  EXPECT_EQ(groups->in_training(), 3);
  EXPECT_EQ(groups->groups(),
            (std::map<std::string, std::string, std::less<>>{{"a", "mon"}, {"b", ""}}));
  EXPECT_THAT(store.SeenGroupsOf(StudyId{1}), HasSubstr("3"));
  EXPECT_EQ(store.VideoGroupsOf(StudyId{2})->in_training(), 0);
  EXPECT_EQ(store.VideoGroupsOf(StudyId{2})->groups().size(), 1U);
  EXPECT_EQ(store.SeenGroupsOf(StudyId{2}), "");
}

TEST_F(SchemaTest, OfOlderTrialsWithOneLabelHitAt1IsTheAccuracyAndTop5WasNotMeasured) {
  const std::vector<std::string> steps = StepsToCome();
  for (std::size_t step = 0; step < 8; ++step) Execute(steps[step]);
  Execute("PRAGMA application_id = 1111970372; PRAGMA user_version = 8");
  for (const auto& [id, data] : {std::pair{"1", R"({"multi_class":true})"}, {"2", "{}"}}) {
    const std::string trial = id;
    Execute(
        "INSERT INTO trial (id, fingerprint, name, seed, state, spec, canonical, parameters,"
        " size_bytes) VALUES (" +
        trial + ", 'f" + trial +
        "', 'm', 1, 'complete',"
        " '{\"model\":{},\"data\":" +
        data +
        "}', '', 1, 2);"
        "INSERT INTO attempt (trial, number, outcome, directory, device, threads, pid, started_at,"
        " finished_at, exit_code, message, log_tail) VALUES (" +
        trial +
        ", 1, 'complete', 'runs',"
        " 'cpu', 1, 0, 'then', 'then', 0, '', '');"
        "INSERT INTO result (trial, attempt, gap, hit_at_1, videos, best_epoch, parameters,"
        " size_bytes, examples, peak_memory_bytes, skipped_records, device, threads,"
        " program_version, libtorch_version) VALUES (" +
        trial + ", 1, 0.5, 0.25, 9, 1, 1, 2, 3, 4, 0, 'cpu', 1, 'p', 'l')");
  }
  Database database(path_, OpenMode::kReadWrite, steps);
  const auto answer = [&](const std::string& sql) {
    return database.connection().execAndGet(sql).getString();
  };
  EXPECT_EQ(answer("SELECT accuracy FROM trial_record WHERE id = 1"), "0.25");
  EXPECT_EQ(answer("SELECT accuracy IS NULL FROM trial_record WHERE id = 2"), "1");
  EXPECT_EQ(answer("SELECT count(top_5) FROM trial_record"), "0");
}

/// The first version counted every trial that a study had ever asked for.
TEST_F(SchemaTest, OfOlderStudiesOneTrialOfAModelAndSeedCounts) {
  Execute(Migrations()[0]);
  Execute("PRAGMA application_id = 1111970372; PRAGMA user_version = 1");
  Execute("INSERT INTO study VALUES (1, 's', '', 'gap', '', 'digest', 'then')");
  const auto add = [this](int id, const std::string& name, const std::string& data,
                          const std::string& state) {
    const std::string number = std::to_string(id);
    Execute("INSERT INTO trial VALUES (" + number + ", 'f" + number + "', '" + name + "', 1, '" +
            state + "', '{\"model\":{}}', '{\"data\":{\"digest\":\"" + data +
            "\"}}', 1, 2);"
            "INSERT INTO study_trial VALUES (1, " +
            number + ", " + number + ", '" + name + "')");
  };
  add(1, "a", "whole", "complete");
  add(2, "b", "whole", "complete");
  add(3, "a", "a file less", "complete");  // and killed then
  add(4, "b", "whole", "complete");        // of another plugin
  add(5, "c", "whole", "waiting");
  Store store(path_, OpenMode::kReadWrite);
  std::vector<std::int64_t> counted;
  std::vector<std::string> why;
  for (const auto& row :
       store.Query("SELECT trial, not_counted FROM study_trial ORDER BY position").rows) {
    if (row[1].is_null()) {
      counted.push_back(row[0].as_int64());
    } else {
      why.emplace_back(row[1].as_string());
    }
  }
  EXPECT_THAT(counted, testing::ElementsAre(1, 4, 5));
  EXPECT_THAT(why, testing::ElementsAre("another trial of this model and seed took its place",
                                        "it was trained on other data"));
}

TEST_F(SchemaTest, NoStudyCanCountASeedTwice) {
  Store store(path_, OpenMode::kReadWrite);
  const StudyId study = store.OpenStudy(ExampleStudy());
  (void)store.AddTrials(study, {ExampleNewTrial(1), ExampleNewTrial(2)});
  EXPECT_THROW(Execute("UPDATE study_trial SET name = 'one'"), SQLite::Exception);
}

TEST_F(SchemaTest, ViewsOfAnotherProgramVersionAreMadeAnew) {
  {
    Store(path_, OpenMode::kReadWrite).OpenStudy(ExampleStudy());
  }
  const std::string other =
      "DROP VIEW leaderboard; CREATE VIEW leaderboard AS SELECT 'old' AS name;";
  Execute(other + "CREATE VIEW mine AS SELECT name FROM study");
  for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kReadWrite, OpenMode::kReadOnly}) {
    Database database(path_, mode);
    EXPECT_EQ(database.connection().execAndGet("SELECT count(*) FROM leaderboard").getInt(), 0);
    EXPECT_EQ(database.connection().execAndGet("SELECT name FROM mine").getString(), "study");
  }
}

TEST_F(SchemaTest, TheBestCheckpointOfAnOlderRecordIsNoArtifactAnyMore) {
  Execute(Migrations()[0]);
  Execute("PRAGMA application_id = 1111970372; PRAGMA user_version = 1");
  Execute(
      "INSERT INTO trial VALUES (7, 'f', 'm', 1, 'complete', '{\"model\":{}}', '', 1, 2);"
      "INSERT INTO artifact VALUES (7, 'checkpoint', 'best.checkpoint', 9, 'aa');"
      "INSERT INTO artifact VALUES (7, 'model', 'model.pt', 9, 'bb')");
  const Store store(path_, OpenMode::kReadWrite);
  const std::vector<Artifact> artifacts = store.Artifacts(TrialId{7});
  ASSERT_EQ(artifacts.size(), 1U);
  EXPECT_EQ(artifacts[0].name, "model");
  EXPECT_EQ(artifacts[0].pruned_at, "");
}

TEST_F(SchemaTest, SeveralMayMakeTheSameDatabaseAtOnce) {
  for (int round = 0; round < 20; ++round) {
    const std::filesystem::path path = folder_ / (std::to_string(round) + ".db");
    std::latch together(4);
    std::atomic<int> opened{0};
    std::vector<std::jthread> openers;
    for (int i = 0; i < 4; ++i) {
      openers.emplace_back([&] {
        together.arrive_and_wait();
        try {
          const Store store(path, OpenMode::kReadWrite);
          ++opened;
        } catch (const Error& error) {
          ADD_FAILURE() << error.what();
        }
      });
    }
    openers.clear();
    EXPECT_EQ(opened, 4);
  }
}

TEST_F(SchemaTest, ReadingAnOlderDatabaseLeavesItAsItIs) {
  Execute("PRAGMA journal_mode = WAL");
  Execute(Migrations()[0]);
  Execute("PRAGMA application_id = 1111970372; PRAGMA user_version = 1");
  const std::string before = ReadFile(path_);
  {
    Database database(path_, OpenMode::kReadOnly, StepsToCome());
    EXPECT_EQ(database.connection().execAndGet("SELECT count(owner) FROM study").getInt(), 0);
    EXPECT_THROW(database.connection().exec("DELETE FROM study"), SQLite::Exception);
  }
  EXPECT_EQ(ReadFile(path_), before);
}

TEST_F(SchemaTest, ADatabaseWithoutAnythingIsNotReadAsAnEmptyRecord) {
  Execute("VACUUM");
  EXPECT_THAT(Refusal(OpenMode::kReadOnly),
              AllOf(HasSubstr("holds no record yet"), HasSubstr("beamgrid run")));
}

TEST_F(SchemaTest, OpeningAgainChangesNothing) {
  {
    Store(path_, OpenMode::kReadWrite).OpenStudy(ExampleStudy());
  }
  Store again(path_, OpenMode::kReadWrite);
  EXPECT_TRUE(again.FindStudy("study"));
}

TEST_F(SchemaTest, ANewerDatabaseIsRefusedAndLeftAlone) {
  {
    Store(path_, OpenMode::kReadWrite).OpenStudy(ExampleStudy());
  }
  Execute("PRAGMA user_version = 99");
  for (const OpenMode mode : {OpenMode::kReadWrite, OpenMode::kReadOnly}) {
    EXPECT_THAT(Refusal(mode), AllOf(HasSubstr(path_.string()), HasSubstr("schema version 99"),
                                     HasSubstr("use the newer beamgrid")));
  }
  SQLite::Database raw(path_.string());
  EXPECT_EQ(raw.execAndGet("PRAGMA user_version").getInt(), 99);
}

TEST_F(SchemaTest, AnotherProgramsDatabaseIsRefused) {
  Execute("CREATE TABLE song (title)");
  EXPECT_THAT(Refusal(), HasSubstr("is a database of another program"));
}

TEST_F(SchemaTest, AFileThatIsNoDatabaseIsRefused) {
  const std::string text(4096, 'x');
  WriteFileAtomically(path_, text);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(path_.string()), HasSubstr("name another --db")));
  EXPECT_EQ(ReadFile(path_), text);
}

TEST_F(SchemaTest, AMissingDatabaseIsNotMadeByReading) {
  EXPECT_THAT(Refusal(OpenMode::kReadOnly), HasSubstr("there is no such database"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SchemaTest, AFolderThatCannotHoldItIsNamed) {
  path_ = folder_ / "missing/beamgrid.db";
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(path_.string()), HasSubstr("folder exists")));
}

TEST_F(SchemaTest, AReaderSeesWhatIsCommittedAndChangesNothing) {
  Store writer(path_, OpenMode::kReadWrite);
  const StudyId study = writer.OpenStudy(ExampleStudy());
  Store reader(path_, OpenMode::kReadOnly);
  const TrialId id = writer.AddTrials(study, {ExampleNewTrial()})[0];
  EXPECT_EQ(reader.Trial(id).state, TrialState::kWaiting);
  writer.Together([&] {
    const std::int64_t attempt = writer.BeginAttempt(id, "runs", "cpu", 1);
    writer.FinishAttempt(id, attempt, ExampleSuccess(), TrialState::kComplete);
    EXPECT_EQ(reader.Trial(id).state, TrialState::kWaiting);
  });
  EXPECT_EQ(reader.Trial(id).state, TrialState::kComplete);
  EXPECT_THAT(ErrorText<Error>([&] { reader.AddNote(study, "m", 1, "x"); }), HasSubstr("readonly"));
}

TEST_F(SchemaTest, AWriterWaitsForNobodysReading) {
  Store writer(path_, OpenMode::kReadWrite);
  const StudyId study = writer.OpenStudy(ExampleStudy());
  (void)writer.AddTrials(study, {ExampleNewTrial(1), ExampleNewTrial(2)});
  Store reader(path_, OpenMode::kReadOnly);
  (void)reader.Trials(study);
  // A reader that kept its transaction open would see the old state for ever.
  (void)writer.AddTrials(study, {ExampleNewTrial(3)});
  EXPECT_EQ(reader.Trials(study).size(), 3U);
}

TEST_F(SchemaTest, ALockedDatabaseIsAnErrorThatSaysSo) {
  Store store(path_, OpenMode::kReadWrite);
  SQLite::Database other(path_.string(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  Database impatient(path_, OpenMode::kReadOnly);
  impatient.connection().setBusyTimeout(0);
  EXPECT_THAT(ErrorText<Error>([&] {
                impatient.Write([&] { impatient.connection().exec("DELETE FROM note"); });
              }),
              HasSubstr(path_.string()));
  other.exec("ROLLBACK");
}

}  // namespace
}  // namespace beamgrid
