// A database that goes away under a running study.

#include "orchestrator/study/rescue.h"
#include "registry/util/error.h"
#include "tests/orchestrator/study/study_runner_fixture.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

using StudyLostRecordTest = StudyRunnerTest;

TEST_F(StudyLostRecordTest, TheWorkersWriteTheirCheckpointsAndTheStudyStops) {
  FakeExecutor executor(world_, outcome_of_);
  executor.held.insert("MC-LSTM-Logistic");
  int polls = 0;
  executor.on_poll = [&polls] { ++polls; };
  lost_ = [&polls] { return polls > 2 ? "test.db: was deleted while the study ran" : ""; };
  const std::string recipe = RecipeText("s", "[[grid.temporal]]\nuse = \"lstm\"\n", "[1, 2]");
  EXPECT_THAT(ErrorText<Error>([&] { (void)Run(recipe, executor); }), HasSubstr("was deleted"));
  EXPECT_EQ(executor.cancelled().size(), 2U);
  lost_ = nullptr;
  EXPECT_EQ(Run(recipe).complete, 2);
  for (const TrialFile& file : world_.trial_files) {
    EXPECT_EQ(file.resume_from.empty(), file.attempt == 1) << "goes on from its checkpoint";
  }
}

class RescueTest : public ::testing::Test {
 protected:
  RescueTest() { store_->OpenStudy({.name = "s"}); }

  std::string Rescue() const { return RescueIfLost(files_, *store_, database_); }
  static void ExpectRecord(const fs::path& database) {
    EXPECT_TRUE(Store(database, OpenMode::kReadOnly).FindStudy("s")) << database;
  }

  const TemporaryFolder folder_;
  const fs::path database_ = folder_ / "project/b.db";
  const bool made_ = fs::create_directory(folder_ / "project");
  std::unique_ptr<Store> store_ = std::make_unique<Store>(database_, OpenMode::kReadWrite);
  const OpenDatabaseFiles files_{database_};
};

TEST_F(RescueTest, ADeletedRecordIsSavedAndCanTakeItsPlaceAgain) {
  EXPECT_EQ(Rescue(), "");
  fs::remove(database_);
  EXPECT_THAT(Rescue(), AllOf(HasSubstr("b.db: was deleted while the study ran"),
                              HasSubstr("saved in " + database_.string() + ".rescued:")));
  store_.reset();
  fs::rename(database_.string() + ".rescued", database_);
  ExpectRecord(database_);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "project"), {}), 1)
      << "a log of the old file would be applied to the new one";
}

TEST_F(RescueTest, AReplacedRecordIsSavedAndTheNewOneKept) {
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(database_.string() + suffix);
  {
    Store(database_, OpenMode::kReadWrite).OpenStudy({.name = "new"});
  }
  EXPECT_THAT(Rescue(), HasSubstr("was replaced by another file"));
  EXPECT_THAT(Rescue(), HasSubstr(".rescued+:")) << "nothing that was rescued is overwritten";
  store_.reset();
  ExpectRecord(database_.string() + ".rescued");
  EXPECT_TRUE(Store(database_, OpenMode::kReadOnly).FindStudy("new"));
}

TEST_F(RescueTest, AFolderThatIsGoneWithItLeavesAnotherPlace) {
  fs::rename(folder_ / "project", folder_ / "elsewhere");
  const std::string text = Rescue();
  const fs::path rescued = fs::temp_directory_path() / "b.db.rescued";
  EXPECT_THAT(text, HasSubstr(rescued.string()));
  const std::size_t begin = text.find(rescued.string());
  const std::string name = text.substr(begin, text.find(": put", begin) - begin);
  ExpectRecord(name);
  fs::remove(name);
}

}  // namespace
}  // namespace beamgrid
