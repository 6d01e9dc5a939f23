#include "orchestrator/data_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"
#include "trainer/data/digest.h"

namespace beamgrid {
namespace data_places_test {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A trial that studies `first` and `second` share, whose data the second one read last.
class DataPlacesTest : public testing::Test {
 protected:
  DataPlacesTest() {
    Put("one", "records");
    Put("two", "records");
    const TrialId id = store_.AddTrials(Open("first", "one").id, {In("one")}).front();
    const std::string directory = (folder_ / "attempt").string();
    std::filesystem::create_directories(directory);
    store_.FinishAttempt(id, store_.BeginAttempt(id, directory, "cpu", 1), ExampleSuccess(),
                         TrialState::kComplete);
    store_.AddTrials(Open("second", "two").id, {In("two")});
    trial_ = store_.Trial(id);
  }
  void Put(const std::string& place, const std::string& content) const {
    std::filesystem::create_directories(folder_ / place);
    WriteFileAtomically(folder_ / place / "t.tfrecord", content);
    WriteFileAtomically(folder_ / place / "v.tfrecord", content + " to measure on");
  }
  void Remove(const std::string& place) const { std::filesystem::remove_all(folder_ / place); }
  StudyRecord Open(const std::string& name, const std::string& place) {
    StudyRecord study = ExampleStudy(name);
    const std::string folder = (folder_ / place).string();
    study.recipe_text = "[data]\nformat = \"frame\"\nclasses = 3862\ntrain = \"" + folder +
                        "/t*\"\nvalidate = \"" + folder + "/v*\"\n";
    study.id = store_.OpenStudy(study);
    return study;
  }
  [[nodiscard]] DataSpec DataIn(const std::string& place) const {
    DataSpec data = ExampleTrial().data;
    data.train = {(folder_ / place / "t.tfrecord").string()};
    data.validate = {(folder_ / place / "v.tfrecord").string()};
    return data;
  }
  [[nodiscard]] NewTrial In(const std::string& place) const {
    NewTrial trial = ExampleNewTrial();
    trial.spec.data = DataIn(place);
    trial.spec.data.digest = DataDigest(trial.spec.data);
    trial.fingerprint = Fingerprint(trial.spec);
    return trial;
  }
  [[nodiscard]] DataPlaces Of(const std::string& study) const {
    return {store_, store_.FindStudy(study).value()};
  }
  [[nodiscard]] std::vector<std::string> TrainFiles(const std::string& place) const {
    return DataIn(place).train;
  }

  TemporaryFolder folder_;
  Store store_{folder_ / "r.db", OpenMode::kReadWrite};
  TrialRecord trial_;
};

TEST_F(DataPlacesTest, AreThoseOfTheStudyThatIsAskedAbout) {
  ASSERT_EQ(store_.Spec(trial_.id).data.train, TrainFiles("two")) << "as they were last read";
  EXPECT_EQ(Of("first").WithContent(trial_).train, TrainFiles("one"));
  EXPECT_EQ(Of("second").WithContent(trial_).train, TrainFiles("two"));
  EXPECT_EQ(Of("first").AsNamed(trial_).train, TrainFiles("one"));
  EXPECT_EQ(Of("first").WithContent(trial_).digest, store_.Spec(trial_.id).data.digest);
}

TEST_F(DataPlacesTest, AreAnyOtherOnesThatHoldTheSame) {
  Put("one", "something else");
  EXPECT_EQ(Of("first").WithContent(trial_).train, TrainFiles("two"));
  Remove("one");
  EXPECT_EQ(Of("first").WithContent(trial_).train, TrainFiles("two"));
  EXPECT_EQ(Of("first").AsNamed(trial_).train, TrainFiles("two"));
  Put("one", "records");
  Remove("two");
  // The second study never named the first place; the trial's own attempt read there.
  WriteFileAtomically(folder_ / "attempt/trial.json",
                      R"({"spec":{"data":{"train":[")" + TrainFiles("one").front() +
                          R"("],"validate":[")" + DataIn("one").validate.front() + R"("]}}})");
  EXPECT_EQ(Of("second").WithContent(trial_).train, TrainFiles("one"));
}

TEST_F(DataPlacesTest, ThatAreAllWrongAreToldOneByOne) {
  Put("one", "something else");
  Remove("two");
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)Of("first").WithContent(trial_); }),
              AllOf(HasSubstr("the data of study 'first' (digest "),
                    HasSubstr((folder_ / "one").string() + " (other content)"),
                    HasSubstr((folder_ / "two").string() + " ("),
                    HasSubstr("run that once (`beamgrid run` trains nothing again")));
  EXPECT_EQ(Of("second").AsNamed(trial_).train, TrainFiles("two")) << "there is no better one";
}

}  // namespace data_places_test
}  // namespace beamgrid
