#include "registry/store/upkeep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UpkeepTest : public ::testing::Test {
 protected:
  TrialId Complete() {
    const TrialId id = store_.AddTrials(study_, {ExampleNewTrial()}).at(0);
    store_.FinishAttempt(id, store_.BeginAttempt(id, Directory(), "cpu", 1), ExampleSuccess(),
                         TrialState::kComplete);
    return id;
  }
  [[nodiscard]] std::string Directory() const { return (store_.runs() / "s/t/1").string(); }

  TemporaryFolder folder_;
  Store store_{folder_ / "beamgrid.db", OpenMode::kReadWrite};
  RecordUpkeep upkeep_{store_};
  StudyId study_ = store_.OpenStudy(ExampleStudy("a"));
};

TEST_F(UpkeepTest, ANameThatIsTakenIsRefused) {
  store_.OpenStudy(ExampleStudy("b"));
  EXPECT_THAT(ErrorText<UsageError>([&] { upkeep_.RenameStudy(study_, "b"); }),
              HasSubstr("study 'b' is already in this database"));
  upkeep_.RenameStudy(study_, "c");
  EXPECT_EQ(store_.FindStudy("c")->id, study_);
}

TEST_F(UpkeepTest, ATrialThatAStudyRefersToCannotBeRemoved) {
  const TrialId id = Complete();
  EXPECT_THROW(upkeep_.RemoveTrial(id), Error);
  EXPECT_TRUE(store_.Trial(id).result) << "nothing of it is gone";
  EXPECT_THAT(store_.Trash(), IsEmpty());
  upkeep_.RemoveReference(study_, id);
  upkeep_.RemoveTrial(id);
  EXPECT_THAT(store_.Trash(), ElementsAre(Directory()));
}

TEST_F(UpkeepTest, AFileIsGivenUpAndKeptAgain) {
  const TrialId id = Complete();
  upkeep_.GiveUpFile(store_.Trial(id), store_.Artifacts(id).at(0));
  EXPECT_NE(store_.Artifacts(id).at(0).pruned_at, "");
  EXPECT_EQ(store_.Artifacts(id).at(1).pruned_at, "");
  EXPECT_TRUE(store_.IsTrash(Directory() + "/model.pt"));
  EXPECT_FALSE(store_.IsTrash(Directory()));
  upkeep_.KeepFile(id, "model");
  upkeep_.ForgetTrash(Directory() + "/model.pt");
  EXPECT_EQ(store_.Artifacts(id).at(0).pruned_at, "");
  EXPECT_THAT(store_.Trash(), IsEmpty());
}

TEST_F(UpkeepTest, RowsGoFromOneRecordToAnotherAsTheyAre) {
  Complete();
  Store other(folder_ / "other.db", OpenMode::kReadWrite);
  RecordUpkeep there(other);
  const auto row = [](const Store& store) {
    return store.Query("SELECT * FROM trial").Objects().at(0).as_object();
  };
  boost::json::object trial = row(store_);
  there.Insert("trial", trial);
  EXPECT_EQ(row(other), trial);
  boost::json::object result = store_.Query("SELECT * FROM result").Objects().at(0).as_object();
  boost::json::object attempt = store_.Query("SELECT * FROM attempt").Objects().at(0).as_object();
  there.Insert("attempt", attempt);
  there.Insert("result", result);  // numbers to the last bit, and what is NULL
  EXPECT_EQ(other.Query("SELECT * FROM result").Objects().at(0), result);
}

}  // namespace
}  // namespace beamgrid
