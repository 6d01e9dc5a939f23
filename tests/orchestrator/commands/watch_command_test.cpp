// watch on a record that the test filled.

#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "orchestrator/commands/command_line.h"
#include "orchestrator/study/run_note.h"
#include "registry/store/study_lock.h"
#include "tests/orchestrator/commands/record_commands_fixture.h"

namespace beamgrid {
namespace watch_command_test {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class WatchCommandTest : public RecordCommandsTest {
 protected:
  /// Notes a run with one trial at work.
  void NoteARun(const std::string& ending = "") const {
    Store store(database_, OpenMode::kReadWrite);
    ProgressState state{.study = "small", .planned = 3, .complete = 1, .waiting = 1};
    state.devices = {{"cuda:0", 2}};
    state.elapsed = std::chrono::hours(2);
    state.running[TrialId{2}] = {.name = "MC-BLSTM-MoE2",
                                 .seed = 2,
                                 .device = "cuda:0",
                                 .epoch = 2,
                                 .epochs = 10,
                                 .examples = 15,
                                 .total_examples = 100,
                                 .latest = 0.75,
                                 .latest_epoch = 1,
                                 .objective = 0.75,
                                 .best_epoch = 1};
    NoteRun(store, store.FindStudy("small")->id, state, ending);
  }
};

TEST_F(WatchCommandTest, AStudyThatNobodyRunsIsShownOnceAndSaysSo) {
  const Called never = OnRecord({"watch", "small"});
  EXPECT_EQ(never.exit_code, 0) << never.err;
  EXPECT_THAT(never.out,
              AllOf(HasSubstr("best trial: gap 0.8125  MC-BLSTM-MoE2\n"),
                    HasSubstr("small  2 done  1 failed  1 waiting"),
                    EndsWith("nobody runs it; `beamgrid run` of its recipe goes on with it\n")));
  NoteARun("complete");
  EXPECT_THAT(OnRecord({"watch", "small"}).out, HasSubstr("\nended at 2"));
}

TEST_F(WatchCommandTest, OnceShowsARunAsItIs) {
  const StudyLock lock(database_, "small");
  NoteARun();
  const Called once = OnRecord({"watch", "small", "--once"});
  EXPECT_EQ(once.exit_code, 0) << once.err;
  EXPECT_THAT(once.out, HasSubstr("MC-BLSTM-MoE2  s2  epoch 2/10   15%  gap 0.7500  of epoch 1  "
                                  "cuda:0\ncuda:0 1/2  0.5 trials/h\n"));
  EXPECT_THAT(once.out, HasSubstr("small  1/3 done"));
  const Called narrow = CallAtTerminal(40, {"watch", "small", "--once", "--db", database_});
  EXPECT_LE(WidestLine(narrow.out), 40U);
  EXPECT_THAT(narrow.out, HasSubstr("epoch 2/10"));
}

TEST_F(WatchCommandTest, JsonIsOneLook) {
  const StudyLock lock(database_, "small");
  NoteARun();
  const auto json = OnRecord({"watch", "small", "--json"}).Json();
  EXPECT_THAT(KeysOf(json),
              IsSupersetOf({"study", "run", "run_text", "noted_at", "planned", "complete", "failed",
                            "waiting", "running", "devices", "best", "eta_seconds",
                            "examples_per_second", "trials_per_hour"}));
  EXPECT_EQ(json.at("run"), "running");
  EXPECT_EQ(json.at("running").at(0).at("objective"), 0.75);
}

TEST_F(WatchCommandTest, ARecordThatGoesWhileItIsWatchedIsNoMistakeOfWhoWatches) {
  const StudyLock lock(database_, "small");
  NoteARun();
  // Its first line is the sign that it has looked.
  struct Remover : std::stringbuf {
    explicit Remover(std::string database) : path(std::move(database)) {}
    int sync() override {
      std::filesystem::remove(path);
      return 0;
    }
    std::string path;
  } lines(database_);
  std::ostream out(&lines);
  std::ostringstream err;
  EXPECT_EQ(RunCommandLine({"watch", "small", "--interval", "0.1", "--db", database_}, out, err),
            1);
  EXPECT_THAT(err.str(), AllOf(HasSubstr("study 'small' is gone from " + database_),
                               HasSubstr("deleted, moved or renamed")));
}

TEST_F(WatchCommandTest, WhatIsNotThereIsRefused) {
  EXPECT_THAT(OnRecord({"watch", "smal"}).err, HasSubstr("no study 'smal'"));
  EXPECT_EQ(OnRecord({"watch", "smal"}).exit_code, 2);
  const Called missing = Call({"watch", "small", "--db", Path("none.db")});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("no database"));
  EXPECT_EQ(OnRecord({"watch", "small", "--interval", "0"}).exit_code, 2);
}

}  // namespace watch_command_test
}  // namespace beamgrid
