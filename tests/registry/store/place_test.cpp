// Records that are moved and copied, with their runs folder and their data.

#include "registry/store/place.h"

#include <gmock/gmock.h>

#include <fstream>

#include "registry/store/database.h"
#include "registry/util/files.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

class PlaceTest : public testing::Test {
 protected:
  PlaceTest() {
    fs::create_directories(project_ / "data");
    for (const char* file : {"train0.tfrecord", "validate0.tfrecord", "module.pt"}) {
      WriteFileAtomically(project_ / "data" / file, file);
    }
  }

  /// A trial that reads files of the project.
  [[nodiscard]] NewTrial ReadingTrial(const fs::path& project) const {
    NewTrial trial = ExampleNewTrial();
    trial.spec.data.train = {(project / "data/train0.tfrecord").string()};
    trial.spec.data.validate = {(project / "data/validate0.tfrecord").string(), "/elsewhere/v"};
    const NamedFile module{"m.pt", (project / "data/module.pt").string(), "hash"};
    trial.spec.model.parts["classifier"] = {"script", {{"file", ToJson(module)}}};
    trial.spec.model.plugins = {module};
    trial.fingerprint = Fingerprint(trial.spec);
    return trial;
  }
  TrialId FillIn(const fs::path& database) const {
    Store store(database, OpenMode::kReadWrite);
    const StudyId study = store.OpenStudy(ExampleStudy());
    const TrialId trial = store.AddTrials(study, {ReadingTrial(project_)})[0];
    (void)store.BeginAttempt(trial, (store.runs() / "study/trial/1").string(), "cpu", 1);
    store.RememberRuns();
    return trial;
  }
  static void ExpectFilesIn(const fs::path& project, const fs::path& database, TrialId trial) {
    const Store store(database, OpenMode::kReadOnly);
    const TrialRecord record = store.Trial(trial);
    const fs::path directory = project / "runs/study/trial/1";
    EXPECT_EQ(record.directory, directory);
    EXPECT_EQ(store.OpenAttempts()[0].directory, directory);
    EXPECT_EQ(store.Attempts(trial)[0].directory, directory);
    const TrialSpec spec = store.Spec(trial);
    const std::string module = (project / "data/module.pt").string();
    EXPECT_EQ(spec.data.train[0], project / "data/train0.tfrecord");
    EXPECT_EQ(spec.data.validate[0], project / "data/validate0.tfrecord");
    EXPECT_EQ(spec.data.validate[1], "/elsewhere/v");
    EXPECT_EQ(spec.model.plugins[0].path, module);
    const auto model = ModelSpecFromJson(ParseJson(record.model_json));
    EXPECT_EQ(NamedFileFrom(model.parts.at("classifier").options.at("file"))->path, module);
    EXPECT_EQ(Fingerprint(spec), record.fingerprint);
  }

  const TemporaryFolder folder_;
  const fs::path project_ = folder_ / "project";
};

TEST_F(PlaceTest, AMovedProjectFindsItsFilesInItsNewPlace) {
  const TrialId trial = FillIn(project_ / "b.db");
  ExpectFilesIn(project_, project_ / "b.db", trial);
  fs::create_directories(folder_ / "deep/er");
  fs::rename(project_, folder_ / "deep/er/moved");
  ExpectFilesIn(folder_ / "deep/er/moved", folder_ / "deep/er/moved/b.db", trial);
}

TEST_F(PlaceTest, ACopyReadsTheCopiesThoughTheOriginalsAreThere) {
  const TrialId trial = FillIn(project_ / "b.db");
  fs::copy(project_, folder_ / "copy", fs::copy_options::recursive);
  ExpectFilesIn(folder_ / "copy", folder_ / "copy/b.db", trial);
  ExpectFilesIn(project_, project_ / "b.db", trial);
}

TEST_F(PlaceTest, DataThatStayedBehindAreReadWhereTheyAre) {
  const TrialId trial = FillIn(project_ / "b.db");
  fs::create_directories(folder_ / "moved");
  fs::rename(project_ / "b.db", folder_ / "moved/b.db");
  const Store store(folder_ / "moved/b.db", OpenMode::kReadOnly);
  EXPECT_EQ(store.Spec(trial).data.train[0], project_ / "data/train0.tfrecord");
  EXPECT_EQ(store.Trial(trial).directory, folder_ / "moved/runs/study/trial/1");
}

TEST_F(PlaceTest, ASpecIsFoundWhereItsStudyLastRead) {
  const TrialId trial = FillIn(project_ / "b.db");
  fs::create_directory(folder_ / "other");
  fs::copy(project_ / "data", folder_ / "other/data", fs::copy_options::recursive);
  {
    Store store(project_ / "b.db", OpenMode::kReadWrite);
    const StudyId study = store.OpenStudy(ExampleStudy());
    EXPECT_EQ(store.AddTrials(study, {ReadingTrial(folder_ / "other")})[0], trial);
  }
  const Store store(project_ / "b.db", OpenMode::kReadOnly);
  EXPECT_EQ(store.Spec(trial).data.train[0], folder_ / "other/data/train0.tfrecord");
}

TEST_F(PlaceTest, ALinkLeadsToThePlaceOfTheFile) {
  const TrialId trial = FillIn(project_ / "b.db");
  fs::create_symlink(project_ / "b.db", folder_ / "link.db");
  ExpectFilesIn(project_, folder_ / "link.db", trial);
  fs::create_directory_symlink(project_, folder_ / "link");
  ExpectFilesIn(project_, folder_ / "link/b.db", trial);
  ExpectFilesIn(project_, folder_ / "link/../project/./b.db", trial);
}

TEST_F(PlaceTest, ANamedRunsFolderIsRememberedFromTheDatabaseOn) {
  {
    Store store(project_ / "b.db", OpenMode::kReadWrite);
    EXPECT_EQ(store.runs(), project_ / "runs");
    store.SetRuns(folder_ / "elsewhere/../big");
    store.RememberRuns();
    EXPECT_EQ(store.runs(), folder_ / "big");
  }
  fs::create_directory_symlink(folder_.path(), folder_ / "spelling");
  EXPECT_EQ(Store(folder_ / "spelling/project/b.db", OpenMode::kReadOnly).runs(), folder_ / "big");
  EXPECT_EQ(RecordPlace(":memory:").Directory("runs/1"), "runs/1");
  EXPECT_EQ(RecordPlace(":memory:").Recorded("/runs/1"), "/runs/1");
}

/// A record of the first schema, whose attempts have absolute folders.
class OldPlaceTest : public PlaceTest {
 protected:
  void MakeOld(const std::vector<std::string>& directories) {
    SQLite::Database old(path_.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    old.exec(Migrations()[0]);
    old.exec("PRAGMA application_id = 1111970372; PRAGMA user_version = 1");
    old.exec("INSERT INTO trial VALUES (7, 'f', 'm', 1, 'waiting', '{\"model\":{}}', '', 1, 2)");
    for (std::size_t i = 0; i < directories.size(); ++i) {
      SQLite::Statement attempt(old,
                                "INSERT INTO attempt VALUES (7, ?, 'interrupted', ?, 'cpu', 1, 0,"
                                " 'then', 'then', 0, '', '')");
      attempt.bind(1, static_cast<std::int64_t>(i + 1));
      attempt.bind(2, directories[i]);
      attempt.exec();
    }
  }
  [[nodiscard]] std::vector<std::string> Recorded() const {
    Database database(path_, OpenMode::kReadWrite);
    return database.Rows("SELECT directory FROM attempt ORDER BY number",
                         [](const StatementUse& row) { return row.Text("directory"); });
  }
  const fs::path path_ = project_ / "old.db";
};

TEST_F(OldPlaceTest, FoldersBecomeRelativeToTheRunsFolderOfMost) {
  MakeOld({"/a b/c%d/_runs/s/t%x/1", "/a b/c%d/_runs/s/t%x/2.2", "/other/s/t/3", "/a/b", "runs/1"});
  EXPECT_THAT(Recorded(),
              testing::ElementsAre("s/t%x/1", "s/t%x/2.2", "/other/s/t/3", "/a/b", "runs/1"));
  const Store store(path_, OpenMode::kReadOnly);
  EXPECT_EQ(store.runs(), "/a b/c%d/_runs");
  EXPECT_EQ(store.Attempts(TrialId{7})[0].directory, "/a b/c%d/_runs/s/t%x/1");
  EXPECT_EQ(store.Attempts(TrialId{7})[2].directory, "/other/s/t/3");
}

TEST_F(OldPlaceTest, ACopyOfAnOldRecordUsesItsOwnRunsFolder) {
  const fs::path original = folder_ / "original/runs";
  fs::create_directories(original / "s/t/1");
  MakeOld({(original / "s/t/1").string()});
  EXPECT_EQ(Store(path_, OpenMode::kReadOnly).runs(), original);
  fs::create_directories(project_ / "runs");
  EXPECT_EQ(Store(path_, OpenMode::kReadOnly).runs(), project_ / "runs");
}

TEST_F(OldPlaceTest, ARecordWithoutSuchFoldersKeepsWhatItHas) {
  MakeOld({"/", "", "x"});
  EXPECT_THAT(Recorded(), testing::ElementsAre("/", "", "x"));
  EXPECT_EQ(Store(path_, OpenMode::kReadOnly).runs(), project_ / "runs");
}

}  // namespace
}  // namespace beamgrid
