// Studies whose record and files are moved, copied and shared.

#include "orchestrator/study/runs_folder.h"
#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "tests/orchestrator/study/study_runner_fixture.h"
#include "tests/support/error_text.h"
#include "tests/support/specs.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kOneModel[] = "[[grid.temporal]]\nuse = \"lstm\"\n";

class StudyPlaceTest : public StudyRunnerTest {
 protected:
  /// Leaves a trial that was interrupted after its first checkpoint.
  void Interrupted() {
    FakeExecutor executor(world_, outcome_of_);
    executor.held.insert("MC-LSTM-Logistic");
    executor.on_poll = [this] { runner_->Interrupt(); };
    EXPECT_EQ(Run(RecipeText("s", kOneModel, "[1]"), executor).exit_code, 130);
  }
  void Move(const std::string& from, const std::string& to) {
    for (const fs::path& file :
         std::vector<fs::path>{"test.db", "test.db-wal", "test.db-shm", "runs"}) {
      if (fs::exists(folder_ / from / file)) fs::rename(folder_ / from / file, folder_ / to / file);
    }
  }
};

TEST_F(StudyPlaceTest, AnInterruptedTrialGoesOnInTheNewPlace) {
  Interrupted();
  fs::create_directories(folder_ / "away");
  Move("", "away");
  // As a project that was moved to where the fixture looks for it.
  fs::create_directories(folder_ / "moved");
  Move("away", "moved");
  database_ = folder_ / "moved/test.db";
  EXPECT_EQ(Run(RecipeText("s", kOneModel, "[1]")).complete, 1);
  const fs::path resumed = world_.trial_files.at(1).resume_from;
  EXPECT_TRUE(resumed.string().starts_with((folder_ / "moved/runs/s").string())) << resumed;
  EXPECT_FALSE(fs::exists(folder_ / "runs")) << "the old place is left alone";
  EXPECT_THAT(events_, Contains(HasSubstr("attempt 2, from its checkpoint")));
}

TEST_F(StudyPlaceTest, ATrialWhoseFolderIsGoneSaysThatItStartsOver) {
  Interrupted();
  fs::remove_all(folder_ / "runs");
  EXPECT_EQ(Run(RecipeText("s", kOneModel, "[1]")).complete, 1);
  EXPECT_EQ(world_.trial_files.at(1).resume_from, "");
  EXPECT_THAT(events_, Contains(HasSubstr("attempt 2, from the beginning")));
}

TEST_F(StudyPlaceTest, ARenamedStudyGoesOnUnderItsNewName) {
  Interrupted();
  {
    Store store(folder_ / "test.db", OpenMode::kReadWrite);
    RecordUpkeep(store).RenameStudy(store.FindStudy("s")->id, "t");
  }
  EXPECT_EQ(Run(RecipeText("t", kOneModel, "[1]")).complete, 1);
  EXPECT_TRUE(world_.trial_files.at(1).resume_from.ends_with("/1/last.checkpoint"));
  const StudyResult again = Run(RecipeText("t", kOneModel, "[1]"));
  EXPECT_EQ(again.attempts, 0);
  EXPECT_EQ(again.reused, 1);
  const Store store(folder_ / "test.db", OpenMode::kReadOnly);
  EXPECT_EQ(store.Studies().size(), 1U);
}

TEST_F(StudyPlaceTest, AnAttemptIsNotMadeWhereSomethingIsStillToBeDeleted) {
  Run(RecipeText("s", kOneModel, "[1]"));
  const std::string old = Trials("s").at(0).directory;
  {
    Store store(folder_ / "test.db", OpenMode::kReadWrite);
    RecordUpkeep upkeep(store);
    upkeep.RemoveStudy(store.FindStudy("s")->id);
    upkeep.RemoveTrial(TrialId{1});
  }
  fs::remove_all(old);  // deleted, and whoever did it killed before it could say so
  Run(RecipeText("s", kOneModel, "[1]"));
  EXPECT_EQ(Trials("s").at(0).directory, old + ".2");
}

TEST_F(StudyPlaceTest, TwoRecordsInOneRunsFolderNeverShareADirectory) {
  // A copy of the record: its next attempts would have the same names.
  Interrupted();
  fs::copy(folder_ / "test.db", folder_ / "copy.db");
  FakeExecutor executor(world_, outcome_of_);
  executor.on_poll = [&, done = false]() mutable {
    if (std::exchange(done, true)) return;
    // While the first one's worker is at work, the other record's study runs to its end.
    database_ = folder_ / "copy.db";
    EXPECT_EQ(Run(RecipeText("s", kOneModel, "[1]")).complete, 1);
  };
  EXPECT_EQ(Run(RecipeText("s", kOneModel, "[1]"), executor).complete, 1);
  const auto last_directory = [this](const char* name) {
    const Store store(folder_ / name, OpenMode::kReadOnly);
    return store.Trials(store.FindStudy("s")->id)[0].directory;
  };
  EXPECT_THAT(last_directory("test.db"), HasSubstr("/runs/s/MC-LSTM-Logistic-s1-"));
  EXPECT_NE(last_directory("test.db"), last_directory("copy.db"));
}

TEST_F(StudyPlaceTest, ADirectoryThatIsTakenBetweenRecordAndDiskIsLeftToWhoHasIt) {
  const Recipe recipe = ParseRecipe(RecipeText("s", kOneModel, "[1]"), "r.toml", catalogue_);
  Store store(folder_ / "test.db", OpenMode::kReadWrite);
  const StudyId study = store.OpenStudy({.name = "s"});
  StudyTrial trial;
  trial.name = "LSTM";
  trial.spec = ExampleTrial();
  trial.fingerprint = "0123456789";
  trial.id = store.AddTrials(study, {trial})[0];
  FakeExecutor executor(world_, outcome_of_);
  AttemptStarter starter(recipe, store, executor);
  const BegunAttempt begun = starter.Begin(trial, {"cpu", 1}, "");
  fs::create_directories(begun.directory);
  starter.Launch(begun);
  EXPECT_TRUE(fs::is_empty(begun.directory));
  EXPECT_EQ(store.Trial(trial.id).directory, begun.directory.string() + ".2");
  EXPECT_TRUE(fs::exists(begun.directory.string() + ".2/trial.json"));
}

class RunsFolderOfARecordTest : public ::testing::Test {
 protected:
  /// A record in `folder_`/project with one attempt, whose folder is in `folder_`/`runs`.
  explicit RunsFolderOfARecordTest(const std::string& runs = "project/runs") {
    fs::create_directories(folder_ / "project");
    Store store(database_, OpenMode::kReadWrite);
    EXPECT_EQ(UseRunsFolder(store, folder_ / runs), "");
    const StudyId study = store.OpenStudy({.name = "s"});
    const TrialId trial = store.AddTrials(study, {{.name = "m", .fingerprint = "f"}})[0];
    const fs::path directory = store.runs() / "s/m/1";
    (void)store.BeginAttempt(trial, directory.string(), "cpu", 1);
    fs::create_directories(directory);
  }
  std::string Use(const fs::path& named) const {
    Store store(database_, OpenMode::kReadWrite);
    return UseRunsFolder(store, named);
  }
  [[nodiscard]] fs::path Known() const { return Store(database_, OpenMode::kReadOnly).runs(); }

  const TemporaryFolder folder_;
  const fs::path database_ = folder_ / "project/b.db";
};

TEST_F(RunsFolderOfARecordTest, TheOneItHasIsUsedHoweverItIsSpelt) {
  EXPECT_EQ(Use(""), "");
  fs::create_directory_symlink(folder_ / "project", folder_ / "link");
  EXPECT_EQ(Use(folder_ / "link/../link/runs/"), "");
  EXPECT_EQ(Known(), folder_ / "project/runs");
}

TEST_F(RunsFolderOfARecordTest, AnotherOneIsRefusedWhileTheAttemptsLieInTheFirst) {
  EXPECT_THAT(
      ErrorText<UsageError>([&] { (void)Use(folder_ / "other"); }),
      AllOf(HasSubstr((folder_ / "other").string() + " holds none of this record's attempts"),
            HasSubstr((folder_ / "project/runs").string())));
  EXPECT_EQ(Known(), folder_ / "project/runs");
}

TEST_F(RunsFolderOfARecordTest, OneThatWasMovedIsNamedOnce) {
  fs::rename(folder_ / "project/runs", folder_ / "big");
  EXPECT_THAT(Use(""),
              AllOf(HasSubstr("holds none of this record's attempts"), HasSubstr("--runs")));
  EXPECT_EQ(Use(folder_ / "big"), "");
  EXPECT_EQ(Use(""), "");
  EXPECT_EQ(Known(), folder_ / "big");
}

TEST_F(RunsFolderOfARecordTest, WhereItIsGoneForGoodAnyOtherWillDo) {
  fs::remove_all(folder_ / "project/runs");
  EXPECT_THAT(Use(folder_ / "other"), HasSubstr("warning: "));
  EXPECT_EQ(Known(), folder_ / "other");
}

}  // namespace
}  // namespace beamgrid
