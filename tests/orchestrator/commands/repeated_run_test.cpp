// run repeats what the run before has printed exactly where nothing has changed that it depends on.
// Whether it did is told by a mark in what was kept, which only a repetition prints.

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/study/run_note.h"
#include "registry/store/upkeep.h"
#include "registry/util/cache_folder.h"
#include "registry/util/files.h"
#include "tests/orchestrator/commands/finished_study_fixture.h"

namespace beamgrid {
namespace repeated_run_test {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kMark[] = "MARK";    // in nothing that is printed
constexpr char kMarked[] = "rank";  // in every leaderboard

class RepeatedRunTest : public FinishedStudyTest {
 protected:
  RepeatedRunTest() { Age(); }

  /// Sets back when the files of the results were written: what was just written may be written
  /// again unseen.
  void Age() const {
    const auto past = fs::file_time_type::clock::now() - std::chrono::hours(1);
    for (const auto& entry : fs::recursive_directory_iterator(Path("runs"))) {
      fs::last_write_time(entry.path(), past);
    }
  }
  [[nodiscard]] std::vector<fs::path> Kept() const {
    std::vector<fs::path> kept;
    for (const auto& entry : fs::directory_iterator(Path("cache"))) {
      if (entry.path().filename().string().starts_with("answer-")) kept.push_back(entry.path());
    }
    return kept;
  }
  /// Runs until the answer is kept, and marks it. Returns what was printed without the mark.
  Called RunAndMark(const std::vector<std::string>& more = {}) const {
    static_cast<void>(Run(more));  // it records the ensemble
    Called called = Run(more);
    EXPECT_EQ(called.exit_code, 0) << called.err;
    for (const fs::path& file : Kept()) {
      std::string text = ReadCached(file).value();
      const std::size_t at = text.find(kMarked);
      if (at != std::string::npos) text.replace(at, std::string(kMarked).size(), kMark);
      WriteCached(file, text);
    }
    EXPECT_EQ(Kept().size(), 1U);
    return called;
  }
  [[nodiscard]] static bool Repeats(const Called& called) {
    return called.out.find(kMark) != std::string::npos;
  }
  /// Expects that a run after `change` does everything anew, and that the one before it would have
  /// repeated.
  void ExpectAnewAfter(const std::function<void()>& change,
                       const std::vector<std::string>& more = {}) const {
    RunAndMark();
    EXPECT_TRUE(Repeats(Run())) << "nothing has changed yet";
    change();
    const Called called = Run(more);
    EXPECT_FALSE(Repeats(called)) << called.out << called.err;
  }
};

TEST_F(RepeatedRunTest, WhatHasNotChangedIsPrintedAndRecordedAsBefore) {
  const Called first = RunAndMark();
  const std::string dump = Call({"dump", "s", "--db", database_}).out;
  Called again = Run();
  ASSERT_TRUE(Repeats(again)) << again.err;
  const std::string mark = kMark;
  again.out.replace(again.out.find(mark), mark.size(), kMarked);
  EXPECT_EQ(again.out, first.out);
  EXPECT_THAT(again.err, AllOf(HasSubstr("nothing to do: all 2 trials are complete"),
                               HasSubstr("records of the data were skipped as damaged")));
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(Call({"dump", "s", "--db", database_}).out, dump);
  const Store store(database_, OpenMode::kReadOnly);
  const std::optional<RunNote> note = LastRunNote(store, store.FindStudy("s")->id);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->ending, "complete");
  EXPECT_EQ(note->progress.reused, 2);
  EXPECT_EQ(note->progress.planned, 2);
  EXPECT_TRUE(note->progress.best);
}

TEST_F(RepeatedRunTest, NoTrainerIsAsked) {
  RunAndMark();
  fs::remove(Path("trainer-calls"));
  EXPECT_TRUE(Repeats(Run()));
  EXPECT_FALSE(fs::exists(Path("trainer-calls")));
}

TEST_F(RepeatedRunTest, JsonIsKeptBesideTheText) {
  const Called text = Run();
  static_cast<void>(Run());
  const Called json = Run({"--json"});
  EXPECT_EQ(json.exit_code, 0) << json.err;
  ASSERT_EQ(Kept().size(), 2U);
  const auto before = ReadFile(Kept().front());
  EXPECT_EQ(Run({"--json"}).out, json.out);
  EXPECT_EQ(Run().out, text.out);
  EXPECT_EQ(ReadFile(Kept().front()), before);
}

TEST_F(RepeatedRunTest, ATerminalGetsWhatFitsIt) {
  const std::vector<std::string> run = {"run", recipe_, "--db", database_, "--runs", Path("runs")};
  static_cast<void>(Run());
  for (const std::size_t columns : {40U, 100U}) {
    const std::string wide = CallAtTerminal(columns, run).out;
    EXPECT_EQ(CallAtTerminal(columns, run).out, wide);
  }
}

TEST_F(RepeatedRunTest, ARecipeWithAnotherWordIsRunAnew) {
  ExpectAnewAfter([this] { WriteRecipe("# another word\n"); });
}

TEST_F(RepeatedRunTest, AnotherEnsembleOrTableIsMade) {
  ExpectAnewAfter([this] { WriteRecipe("members = 1\n"); });
  ExpectAnewAfter([this] { WriteRecipe("[[table]]\nvary = \"temporal\"\n"); });
  ExpectAnewAfter([] {}, {"--set", "ensemble.members=2"});
}

TEST_F(RepeatedRunTest, DataThatHoldSomethingElseAreNoticed) {
  ExpectAnewAfter([this] {
    fs::rename(Path("data/train0000.tfrecord"), Path("data/away"));
    fs::rename(Path("data/train0001.tfrecord"), Path("data/train0000.tfrecord"));
    fs::rename(Path("data/away"), Path("data/train0001.tfrecord"));
  });
}

TEST_F(RepeatedRunTest, DataThatAreTouchedAreTheSame) {
  RunAndMark();
  fs::last_write_time(Path("data/train0000.tfrecord"), fs::file_time_type::clock::now());
  EXPECT_TRUE(Repeats(Run()));
}

TEST_F(RepeatedRunTest, ATrialThatIsGoneIsMissed) {
  ExpectAnewAfter([this] {
    const Called removed = Call({"rm", "1", "--db", database_, "--yes"});
    EXPECT_EQ(removed.exit_code, 0) << removed.err;
  });
}

TEST_F(RepeatedRunTest, ATrialThatIsNotFinishedIsGoneOnWith) {
  ExpectAnewAfter([this] {
    Store store(database_, OpenMode::kReadWrite);
    RecordUpkeep(store).TakeState(TrialId{2}, TrialState::kPruned);
  });
}

TEST_F(RepeatedRunTest, AMissingFolderOrFileIsMissed) {
  ExpectAnewAfter([this] { fs::rename(File(2), Path("away")); });
  fs::rename(Path("away"), File(2));
  ExpectAnewAfter([this] { fs::rename(Path("runs/1"), Path("away")); });
}

TEST_F(RepeatedRunTest, AFileOfAResultThatWasWrittenToIsReadAgain) {
  ExpectAnewAfter([this] {
    std::fstream file(File(1), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('x');
  });
}

TEST_F(RepeatedRunTest, WhatWasWrittenJustNowIsNotTrusted) {
  fs::last_write_time(File(1), fs::file_time_type::clock::now() + std::chrono::hours(1));
  static_cast<void>(Run());
  EXPECT_EQ(Run().exit_code, 0);
  EXPECT_TRUE(Kept().empty());
}

TEST_F(RepeatedRunTest, AnotherRunsFolderIsLookedInto) {
  RunAndMark();
  EXPECT_TRUE(Repeats(Run()));
  fs::copy(Path("runs"), Path("others"), fs::copy_options::recursive);
  const Called elsewhere = Call({"run", recipe_, "--db", database_, "--runs", Path("others")});
  EXPECT_EQ(elsewhere.exit_code, 0) << elsewhere.err;
  EXPECT_FALSE(Repeats(elsewhere));
}

TEST_F(RepeatedRunTest, AnEnsembleThatWasRecordedMeanwhileIsNotTheLast) {
  ExpectAnewAfter([this] {
    EXPECT_EQ(Call({"ensemble", "s", "--members", "1", "--db", database_}).exit_code, 0);
  });
}

TEST_F(RepeatedRunTest, WhoRetriesIsHeard) {
  ExpectAnewAfter([] {}, {"--retry", "failed"});
}

TEST_F(RepeatedRunTest, AnAttemptThatIsOpenIsClosed) {
  ExpectAnewAfter([this] {
    Store store(database_, OpenMode::kReadWrite);
    const TrialSpec spec = store.Spec(TrialId{1});
    // A trial of older content, which counts no more, left by an orchestrator that died.
    NewTrial older{.name = "older", .fingerprint = "older", .spec = spec};
    older.spec.seed = 3;
    const StudyId study = store.FindStudy("s")->id;
    const TrialId id = store.AddTrials(study, {older})[0];
    store.StopCounting(study, {id}, "it is old");
    static_cast<void>(store.BeginAttempt(id, Path("runs/3"), "cpu", 1));
  });
}

TEST_F(RepeatedRunTest, ADamagedCacheCostsTimeOnly) {
  const Called first = RunAndMark();
  ASSERT_EQ(Kept().size(), 1U);
  std::ofstream(Kept().front(), std::ios::app) << "x";
  const Called again = Run();
  EXPECT_EQ(again.out, first.out);
}

TEST_F(RepeatedRunTest, ARunThatLeavesSomethingOutIsNotKept) {
  fs::remove(File(2));
  static_cast<void>(Run());
  EXPECT_THAT(Run().err, HasSubstr("/s2 is left out of the ensemble"));
  EXPECT_TRUE(Kept().empty());
}

}  // namespace repeated_run_test
}  // namespace beamgrid
