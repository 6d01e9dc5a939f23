// Backups of a record with the files of its attempts.

#include "orchestrator/audit/backup.h"

#include <gmock/gmock.h>

#include "orchestrator/audit/recorded_files.h"
#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    for (const char* name : {"here", "there"}) fs::create_directory(folder_ / name);
    store_ = std::make_unique<Store>(folder_ / "here/b.db", OpenMode::kReadWrite);
    study_ = store_->OpenStudy(ExampleStudy());
  }

  /// Begins a trial's attempt in `study/<hidden>/1` of the runs folder.
  fs::path Begin(std::int64_t hidden) {
    trial_ = store_->AddTrials(study_, {ExampleNewTrial(hidden)})[0];
    const fs::path directory = store_->runs() / "study" / std::to_string(hidden) / "1";
    (void)store_->BeginAttempt(trial_, directory.string(), "cpu", 1);
    WriteFileAtomically(directory / kTrialFile, "{}");
    return directory;
  }
  fs::path AddComplete(std::int64_t hidden) {
    fs::path directory = Begin(hidden);
    const std::string weights = "weights " + std::to_string(hidden);
    WriteFileAtomically(directory / "model.pt", weights);
    WriteFileAtomically(directory / "worker.log", "words");
    AttemptOutcome outcome = ExampleSuccess();
    outcome.result().artifacts = {{.name = "model",
                                   .path = "model.pt",
                                   .bytes = std::ssize(weights),
                                   .hash = HashBytes(weights)}};
    store_->FinishAttempt(trial_, 1, outcome, TrialState::kComplete);
    return directory;
  }
  [[nodiscard]] std::vector<std::string> Left() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / "there")) {
      names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }
  Backup MakeWithFiles() const { return BackUp(*store_, to_, BackupFiles::kRecorded); }

  const TemporaryFolder folder_;
  const fs::path to_ = folder_ / "there/copy.db";
  std::unique_ptr<Store> store_;
  StudyId study_{};
  TrialId trial_{};
};

TEST_F(BackupTest, HoldsTheRecordAndItsFilesAndMovesAsAWhole) {
  AddComplete(1), AddComplete(2);
  const Backup backup = MakeWithFiles();
  EXPECT_EQ(backup.trials, 2U);
  EXPECT_EQ(backup.files, 4U);  // model.pt and trial.json of each
  EXPECT_THAT(backup.left_out, IsEmpty());
  EXPECT_THAT(Left(), ElementsAre("copy.db", "copy.db.runs"));
  fs::rename(folder_ / "there", folder_ / "moved");
  fs::remove_all(folder_ / "here/runs");
  const Store copy(folder_ / "moved/copy.db", OpenMode::kReadOnly);
  for (const TrialRecord& trial : copy.Trials(copy.FindStudy("study")->id)) {
    EXPECT_THAT(CheckedArtifact(trial, "model", "study").string(),
                HasSubstr("moved/copy.db.runs/study/"));
  }
}

TEST_F(BackupTest, WithoutFilesItRefersToTheSameOnes) {
  const fs::path directory = AddComplete(1);
  EXPECT_EQ(BackUp(*store_, to_, BackupFiles::kNone).files, 0U);
  EXPECT_THAT(Left(), ElementsAre("copy.db"));
  const Store copy(to_, OpenMode::kReadOnly);
  EXPECT_EQ(CheckedArtifact(copy.Trial(trial_), "model", "study"), directory / "model.pt");
}

TEST_F(BackupTest, ATrialAtWorkIsCopiedWithItsCheckpoint) {
  const fs::path directory = Begin(1);
  for (const char* name :
       {kLastCheckpoint, kBestCheckpoint, "model.pt", "last.checkpoint.part.7"}) {
    WriteFileAtomically(directory / name, name);
  }
  EXPECT_EQ(MakeWithFiles().files, 2U);
  const Store copy(to_, OpenMode::kReadOnly);
  const fs::path copied = copy.Attempts(trial_)[0].directory;
  EXPECT_EQ(copied, BackupRuns(to_) / "study/1/1");
  EXPECT_EQ(ReadFile(copied / kLastCheckpoint), kLastCheckpoint);
  EXPECT_EQ(ReadFile(copied / kBestCheckpoint), kBestCheckpoint);
  EXPECT_FALSE(fs::exists(copied / "model.pt"));
}

TEST_F(BackupTest, DamagedFilesAreLeftOutAndNamed) {
  AddComplete(1);
  WriteFileAtomically(AddComplete(2) / "model.pt", "another");
  fs::remove(AddComplete(3) / "model.pt");
  const Backup backup = MakeWithFiles();
  EXPECT_THAT(backup.left_out, ElementsAre(HasSubstr("study/2/1/model.pt: has another hash"),
                                           HasSubstr("study/3/1/model.pt: is gone")));
  EXPECT_FALSE(fs::exists(BackupRuns(to_) / "study/2/1/model.pt"));
  EXPECT_TRUE(fs::exists(BackupRuns(to_) / "study/1/1/model.pt"));
}

TEST_F(BackupTest, AFileThatWasGivenUpIsNotMissed) {
  fs::remove(AddComplete(1) / "model.pt");
  const TrialRecord trial = store_->Trial(trial_);
  RecordUpkeep(*store_).GiveUpFile(trial, trial.result->artifacts.at(0));
  const Backup backup = MakeWithFiles();
  EXPECT_THAT(backup.left_out, IsEmpty());
  EXPECT_EQ(backup.files, 1U);  // trial.json
}

TEST_F(BackupTest, NothingIsOverwritten) {
  AddComplete(1);
  for (const char* taken : {"copy.db", "copy.db-wal", "copy.db.runs"}) {
    WriteFileAtomically(folder_ / "there" / taken, "mine");
    EXPECT_THAT(ErrorText<UsageError>([&] { (void)MakeWithFiles(); }),
                AllOf(HasSubstr(taken), HasSubstr("is there already")));
    EXPECT_EQ(ReadFile(folder_ / "there" / taken), "mine");
    EXPECT_THAT(Left(), ElementsAre(taken));
    fs::remove(folder_ / "there" / taken);
  }
  EXPECT_THAT(ErrorText<UsageError>(
                  [&] { (void)BackUp(*store_, folder_ / "here/b.db", BackupFiles::kNone); }),
              HasSubstr("is there already"));
  EXPECT_THAT(ErrorText<UsageError>(
                  [&] { (void)BackUp(*store_, folder_ / "nowhere/b.db", BackupFiles::kNone); }),
              HasSubstr("no such folder"));
}

}  // namespace
}  // namespace beamgrid
