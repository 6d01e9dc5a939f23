// studies, trials, show, explain, query on a database that the test filled.

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>

#include "registry/scoring/predictions.h"
#include "registry/util/files.h"
#include "tests/orchestrator/commands/record_commands_fixture.h"
#include "tests/support/record.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

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

TEST_F(RecordCommandsTest, ListingsFitTheTerminalAndAreCompleteElsewhere) {
  UseFakeTrainer();
  const std::vector<std::vector<std::string>> listings = {{"trials", "small"},
                                                          {"trials", "small", "--all"},
                                                          {"studies"},
                                                          {"du"},
                                                          {"du", "small"},
                                                          {"query", "--list"},
                                                          {"query", "leaderboard"},
                                                          {"query", "SELECT * FROM trials"},
                                                          {"strategies"},
                                                          {"strategies", "greedy"},
                                                          {"components"},
                                                          {"show", "small/MC-BLSTM-MoE2/1"}};
  for (std::vector<std::string> arguments : listings) {
    const bool of_record = arguments[0] != "components" && arguments[0] != "strategies";
    if (of_record && arguments.back() != "--list")
      arguments.insert(arguments.end(), {"--db", database_});
    const Called piped = Call(arguments);
    EXPECT_EQ(piped.exit_code, 0) << arguments[0] << piped.err;
    EXPECT_EQ(CallAtTerminal(2000, arguments).out.find("…"), std::string::npos);
    if (arguments[0] == "show") continue;  // long lines of it are values, which stay whole
    for (const std::size_t width : {40U, 80U}) {
      const Called narrow = CallAtTerminal(width, arguments);
      EXPECT_LE(WidestLine(narrow.out), width) << arguments[0] << "\n" << narrow.out;
    }
    EXPECT_EQ(piped.out.find("for want of width"), std::string::npos);
  }
  const std::string trials = CallAtTerminal(80, {"trials", "small", "--db", database_}).out;
  EXPECT_THAT(trials, HasSubstr("MC-BLSTM-h256-MoE2"));
  EXPECT_THAT(trials, HasSubstr("0.81250"));
  EXPECT_THAT(trials, HasSubstr("(for want of width without attempts, "));
}

/// The names and seeds of a listing: "MC-BLSTM-MoE2/1".
std::vector<std::string> Listed(const Called& called) {
  std::vector<std::string> names;
  const auto json = called.Json();
  for (const auto& trial : json.as_array()) {
    names.push_back(std::string(trial.at("name").as_string()) + "/" +
                    std::to_string(trial.at("seed").as_int64()));
  }
  return names;
}

TEST_F(RecordCommandsTest, TrialsCanBeChosen) {
  const auto chosen = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"trials", "small", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return Listed(OnRecord(arguments));
  };
  const std::string a = "MC-BLSTM-MoE2/1";
  const std::string b = "MC-BLSTM-MoE2/2";
  const std::string c = "MC-BLSTM-h256-MoE2/1";
  EXPECT_THAT(chosen({}), ElementsAre(a, b, c));
  EXPECT_THAT(chosen({"--where", "temporal = 'blstm' and gap > 0.8"}), ElementsAre(a));
  EXPECT_THAT(chosen({"--where", "gap > 0.8 OR seed = 2 -- both"}), ElementsAre(a, b));
  EXPECT_THAT(chosen({"--where", "failure LIKE 'diverged: %'"}), ElementsAre(b));
  EXPECT_THAT(chosen({"--state", "failed,waiting"}), ElementsAre(b, c));
  EXPECT_THAT(chosen({"--state", "complete", "--where", "seed = 2"}), ElementsAre());
  EXPECT_THAT(chosen({"--sort", "seed:desc,name"}), ElementsAre(b, a, c));
  EXPECT_THAT(chosen({"--sort", "attempts desc", "--limit", "1"}), ElementsAre(b));
  EXPECT_THAT(chosen({"--sort", "gap"}), ElementsAre(a, b, c)) << "what has none stands last";
  EXPECT_THAT(chosen({"--sort", "gap:asc"}), ElementsAre(a, b, c));
}

TEST_F(RecordCommandsTest, TrialsShowTheColumnsThatAreAskedFor) {
  const auto rows = OnRecord({"trials", "small", "--columns", "name,seed", "gap", "--json"}).Json();
  ASSERT_EQ(rows.as_array().size(), 3U);
  EXPECT_THAT(KeysOf(rows.at(0)), ElementsAre("gap", "name", "seed"));
  EXPECT_EQ(rows.at(0).at("gap"), 0.8125);
  EXPECT_EQ(OnRecord({"trials", "small", "--columns", "seed,id", "--state", "failed"}).out,
            "seed  id\n   2   2\n");
}

TEST_F(RecordCommandsTest, EveryKeyOfTheListingCanBeSortedBy) {
  const auto json = OnRecord({"trials", "small", "--json"}).Json();
  for (const std::string& key : KeysOf(json.at(0))) {
    const Called called = OnRecord({"trials", "small", "--sort", key, "--columns", key, "--json"});
    EXPECT_EQ(called.exit_code, 0) << called.err;
    if (called.exit_code != 0) continue;
    auto left = called.Json().as_array();
    EXPECT_EQ(left.size(), 3U);
    for (const auto& trial : json.as_array()) {
      // SQL has no truth but 1.
      boost::json::value value = trial.at(key);
      if (value.is_bool()) value = value.get_bool() ? 1 : 0;
      EXPECT_THAT(left, testing::Contains(boost::json::value{{key, value}})) << key;
    }
  }
}

TEST_F(RecordCommandsTest, NamesOfAStudyThatWasNamedAreSuggestedAlone) {
  const Called called = OnRecord({"show", "other/BLSTM-h256/1"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("no trial 'other/BLSTM-h256/1'"));
  EXPECT_THAT(called.err, Not(HasSubstr("small/"))) << "its trials are of another study";
  EXPECT_THAT(OnRecord({"show", "smal/BLSTM-h256/1"}).err, HasSubstr("small/MC-BLSTM-h256"));
}

TEST_F(RecordCommandsTest, AWrongSelectionIsRefusedWithTheNearestColumn) {
  const auto refusal = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"trials", "small"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Called called = OnRecord(arguments);
    EXPECT_EQ(called.exit_code, 2);
    EXPECT_EQ(called.out, "");
    return called.err;
  };
  EXPECT_THAT(refusal({"--sort", "gpa"}),
              HasSubstr("--sort: no column 'gpa'; did you mean 'gap'?"));
  EXPECT_THAT(refusal({"--sort", "-gap"}),
              HasSubstr("--sort: '-gap': the order stands behind the column: gap:asc has the "
                        "smallest first, gap:desc the largest; without either metrics stand best "
                        "first"));
  EXPECT_THAT(refusal({"--sort", "seed,+gap"}), HasSubstr("gap:desc the largest"));
  EXPECT_THAT(refusal({"--sort", "-gpa"}), HasSubstr("did you mean 'gap'?"));
  EXPECT_THAT(refusal({"--where", "gpa > 0.5"}),
              HasSubstr("--where: no such column: gpa; did you mean 'gap'?"));
  EXPECT_THAT(refusal({"--sort", "gap:up"}), HasSubstr("'gap:up' must be COLUMN, COLUMN:asc"));
  EXPECT_THAT(refusal({"--columns", "nam"}), HasSubstr("--columns: no column 'nam'; did you mean"));
  EXPECT_THAT(refusal({"--where", "gpa > 0.8"}),
              HasSubstr("--where: no such column: gpa; did you mean 'gap'?"));
  EXPECT_THAT(refusal({"--where", "temporal = blstm"}), HasSubstr("temporal = 'blstm'"));
  EXPECT_THAT(refusal({"--where", "tempral = 'blstm'"}),
              AllOf(HasSubstr("did you mean 'temporal'?"), HasSubstr("as in temporal = 'netvlad'"),
                    Not(HasSubstr("'tempral'"))));
  // SQLite would compare the word with the number, and every trial would do.
  EXPECT_THAT(refusal({"--where", "\"gpa\" > 0.8"}), HasSubstr("no column 'gpa'"));
  EXPECT_THAT(refusal({"--where", "temporal = 'x"}), HasSubstr("a quote is not closed\n"
                                                               "  temporal = 'x\n"
                                                               "             ^\n"));
  EXPECT_THAT(refusal({"--where", "gap >"}), HasSubstr("something is missing at its end\n"
                                                       "  gap >\n"
                                                       "       ^\n"
                                                       "it must be an SQL condition on the "
                                                       "columns "));
  EXPECT_THAT(refusal({"--where", "gap > (0.8"}), HasSubstr("this bracket is not closed\n"
                                                            "  gap > (0.8\n"
                                                            "        ^\n"));
  EXPECT_THAT(refusal({"--where", "gap > 0.8) OR (1"}), HasSubstr("this bracket closes none"));
  EXPECT_THAT(refusal({"--where", "seed = 1\nand gap > > 0.8"}),
              HasSubstr("near \">\": syntax error\n"
                        "  and gap > > 0.8\n"
                        "            ^\n"));
  EXPECT_THAT(refusal({"--where", "seed # 1"}), HasSubstr("unrecognized token: \"#\"\n"));
  EXPECT_THAT(refusal({"--where", "1; DROP TABLE trial"}), HasSubstr("\n   ^\n"));
  EXPECT_THAT(refusal({"--where", "1); DROP TABLE trial"}),
              HasSubstr("this bracket closes none\n"));
  EXPECT_THAT(refusal({"--where", "gap > :least"}),
              HasSubstr("--where: the parameter :least has no value"));
  // What is generated around it is nobody's concern.
  for (const char* where :
       {"gap >", "temporal = 'x", "gap > (0.8", "seed # 1", "1); DROP", "gpa"}) {
    const std::string text = refusal({"--where", where});
    EXPECT_THAT(text, Not(HasSubstr("ORDER BY"))) << where;
    EXPECT_THAT(text, Not(HasSubstr("position\n"))) << where;
  }
  EXPECT_THAT(refusal({"--state", "finished"}), HasSubstr("must be one of waiting, running"));
  EXPECT_THAT(refusal({"--limit", "0"}), HasSubstr("--limit"));
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

TEST_F(RecordCommandsTest, QueryAnswersInThreeForms) {
  const std::string sql = "SELECT 1 AS one, 'a,\"b' AS two, NULL AS three";
  EXPECT_EQ(OnRecord({"query", sql, "--csv"}).out, "one,two,three\n1,\"a,\"\"b\",\n");
  const std::string endless = "SELECT 9e999 AS most, -9e999 AS least, 1 AS one";
  EXPECT_EQ(OnRecord({"query", endless, "--csv"}).out, "most,least,one\ninf,-inf,1\n");
  EXPECT_THAT(OnRecord({"query", endless}).out, HasSubstr("-inf"));
  EXPECT_THAT(OnRecord({"query", endless, "--json"}).err, HasSubstr("not finite"));
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

TEST_F(RecordCommandsTest, EveryNamedQueryCanBeNarrowedToAStudy) {
  const auto list = Call({"query", "--list", "--json"}).Json();
  for (const auto& query : list.as_array()) {
    const std::string name(query.at("name").as_string());
    const Called called = OnRecord({"query", name, "--study", "other", "--json"});
    EXPECT_EQ(called.exit_code, 0) << name << called.err;
    const auto rows = called.Json();
    for (const auto& row : rows.as_array()) {
      const auto* study = row.as_object().if_contains("study");
      EXPECT_TRUE(study == nullptr || *study == "other") << name;
    }
  }
  EXPECT_EQ(OnRecord({"query", "progress", "--json"}).Json().as_array().size(), 4U);
  EXPECT_EQ(OnRecord({"query", "progress", "--study", "other", "--json"}).Json().as_array().size(),
            1U);
}

TEST_F(RecordCommandsTest, AStudyOfAQueryMustBeThereAndAskedFor) {
  const Called unknown = OnRecord({"query", "progress", "--study", "othr"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("no study 'othr'"));
  const Called unused = OnRecord({"query", "SELECT 1 AS one", "--study", "other"});
  EXPECT_EQ(unused.exit_code, 2);
  EXPECT_THAT(unused.err, HasSubstr(":study"));
  EXPECT_EQ(OnRecord({"query", "SELECT :study AS s", "--study", "other", "--csv"}).out,
            "s\nother\n");
  EXPECT_EQ(Call({"query", "--list", "--study", "other"}).exit_code, 2);
}

TEST_F(RecordCommandsTest, QueryRefusesWhatIsWrongOrWouldWrite) {
  EXPECT_EQ(OnRecord({"query", "SELECT FROM"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"query", "CREATE TABLE t(x)"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"query", "leaderbord"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"query"}).exit_code, 2);
  EXPECT_EQ(OnRecord({"query", "SELECT name FROM sqlite_schema WHERE name = 't'", "--json"}).out,
            "[]\n");
}

TEST_F(RecordCommandsTest, TrialsThatDoNotCountAreListedWhereTheyAreAskedFor) {
  {
    Store store(database_, OpenMode::kReadWrite);
    const StudyRecord study = store.FindStudy("small").value();
    store.StopCounting(study.id, {store.Trials(study.id)[1].id}, "it was trained on other data");
  }
  const Called counted = OnRecord({"trials", "small"});
  EXPECT_THAT(counted.out, Not(HasSubstr("failed")));
  EXPECT_THAT(counted.err, HasSubstr("1 trial does not count now"));
  EXPECT_THAT(counted.err, HasSubstr("--all lists it"));
  const Called all = OnRecord({"trials", "small", "--all"});
  EXPECT_THAT(all.out, HasSubstr("no: it was trained on other data"));
  EXPECT_EQ(all.err, "");
  EXPECT_EQ(OnRecord({"trials", "small", "--json"}).Json().as_array().size(), 2U);
  const auto json = OnRecord({"trials", "small", "--all", "--json"}).Json();
  EXPECT_EQ(json.at(0).at("counts"), true);
  EXPECT_EQ(json.at(1).at("counts"), false);
  EXPECT_EQ(json.at(1).at("not_counted"), "it was trained on other data");

  // A name means what counts; the others are there by id, digits, and where nothing else has it.
  const std::string id = std::to_string(json.at(1).at("id").as_int64());
  EXPECT_EQ(OnRecord({"show", "small/MC-BLSTM-MoE2", "--json"}).Json().at("seed"), 1);
  EXPECT_EQ(OnRecord({"show", "small/MC-BLSTM-MoE2/2", "--json"}).Json().at("counts"), false);
  EXPECT_THAT(OnRecord({"show", id}).out, HasSubstr("not_counted: it was trained on other data"));
  EXPECT_THAT(OnRecord({"explain", id}).out,
              HasSubstr("it does not count in study small: it was trained on other data"));

  EXPECT_THAT(OnRecord({"dump", "small", "--canonical"}).out, Not(HasSubstr("\"seed\":2")));
  EXPECT_THAT(OnRecord({"dump", "small"}).out, HasSubstr("it was trained on other data"));
  EXPECT_EQ(OnRecord({"studies", "--json"}).Json().at(0).at("trials").at("failed"), 0);
  EXPECT_EQ(OnRecord({"query", "SELECT count(*) AS n FROM trials WHERE study = 'small'", "--json"})
                .Json()
                .at(0)
                .at("n"),
            2);
}

/// A study of three complete trials with their predictions: two videos, and each model is right on
/// another one.
class StudyEnsembleTest : public CommandTest {
 protected:
  StudyEnsembleTest() {
    Store store(database_, OpenMode::kReadWrite);
    StudyRecord study = ExampleStudy("three");
    study.recipe_text = "beamgrid = 1\n[study]\nname = \"three\"\n";
    study_ = store.OpenStudy(study);
    for (const std::int64_t seed : {1, 2, 3}) {
      const TrialId id = store.AddTrials(study_, {ExampleNewTrial(512, seed)})[0];
      Predictions predictions{.classes = 2, .top_k = 2};
      for (int video = 0; video < 40; ++video) {
        const bool right = video % 3 != seed - 1;
        predictions.videos.push_back(
            {.id = "v" + std::to_string(100 + video),
             .top = {{.label = right ? video % 2 : 1 - video % 2, .score = right ? 0.9 : 0.6},
                     {.label = right ? 1 - video % 2 : video % 2, .score = right ? 0.1 : 0.2}},
             .labels = {video % 2}});
      }
      WritePredictions(File(seed), predictions);
      AttemptOutcome outcome = ExampleSuccess(0.5 + 0.1 * static_cast<double>(seed));
      outcome.result().artifacts = {
          {.name = "predictions",
           .path = "predictions.bin",
           .bytes = static_cast<std::int64_t>(std::filesystem::file_size(File(seed))),
           .hash = HashFile(File(seed))}};
      store.FinishAttempt(id,
                          store.BeginAttempt(id, Path("runs/" + std::to_string(seed)), "cpu", 1),
                          outcome, TrialState::kComplete);
    }
  }
  std::string File(std::int64_t seed) const {
    const std::string folder = Path("runs/" + std::to_string(seed));
    std::filesystem::create_directories(folder);
    return folder + "/predictions.bin";
  }
  [[nodiscard]] Called Ensemble(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"ensemble", "three", "--db", database_, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call(arguments);
  }

  const std::string database_ = Path("three.db");
  StudyId study_{};
};

TEST_F(StudyEnsembleTest, WhatIsThereIsUsedAndWhatIsNotIsSaid) {
  const Called whole = Ensemble();
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_FALSE(whole.Json().as_object().contains("left_out"));
  std::filesystem::remove(File(2));
  Write("runs/3/predictions.bin", "damaged");
  const Called rest = Ensemble();
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  const auto json = rest.Json();
  ASSERT_EQ(json.at("members").as_array().size(), 1U);
  EXPECT_EQ(json.at("members").at(0).at("name"), "MC-BLSTM512/s1");
  ASSERT_EQ(json.at("left_out").as_array().size(), 2U);
  EXPECT_EQ(json.at("left_out").at(0).at("name"), "MC-BLSTM512/s2");
  const std::string why(json.at("left_out").at(0).at("why").as_string());
  EXPECT_THAT(why, HasSubstr(File(2)));
  EXPECT_THAT(why, HasSubstr("is gone"));
  EXPECT_THAT(why, HasSubstr("`beamgrid verify three --repair`"));
  EXPECT_THAT(rest.err, HasSubstr("warning: MC-BLSTM512/s2 is left out of the ensemble: "));
  EXPECT_THAT(rest.err, HasSubstr("warning: MC-BLSTM512/s3 is left out of the ensemble: "));
  // What is kept says so as well, and only as long as it is true.
  const Store store(database_, OpenMode::kReadOnly);
  EXPECT_THAT(store.Ensembles(study_).back().json, HasSubstr("left_out"));
}

TEST_F(StudyEnsembleTest, TheBestSeedIsTheBestOneWithItsFile) {
  EXPECT_EQ(Ensemble({"--seeds", "best"}).Json().at("members").at(0).at("name"), "MC-BLSTM512/s3");
  std::filesystem::remove(File(3));
  const auto json = Ensemble({"--seeds", "best"}).Json();
  EXPECT_EQ(json.at("members").at(0).at("name"), "MC-BLSTM512/s2");
  EXPECT_EQ(json.at("left_out").at(0).at("name"), "MC-BLSTM512/s3");
}

TEST_F(StudyEnsembleTest, ATrialThatDoesNotCountIsNoMember) {
  Store(database_, OpenMode::kReadWrite).StopCounting(study_, {TrialId{2}}, "it is old");
  const boost::json::value answer = Ensemble().Json();
  for (const auto& member : answer.at("members").as_array()) {
    EXPECT_NE(member.at("name"), "MC-BLSTM512/s2");
  }
}

TEST_F(RecordCommandsTest, AnEnsembleNeedsThePredictionsThatWereRecorded) {
  const Called called = OnRecord({"ensemble", "small"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr("runs/a/predictions.bin"));
  EXPECT_THAT(called.err, Not(HasSubstr("stored")));
}

}  // namespace
}  // namespace beamgrid
