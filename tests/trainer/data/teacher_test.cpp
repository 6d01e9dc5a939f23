#include "trainer/data/teacher.h"

#include <gmock/gmock.h>

#include "registry/util/error.h"
#include "registry/util/input_error.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"

namespace beamgrid {
namespace teacher_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TeacherTest : public testing::Test {
 protected:
  NamedFile File(const std::string& rows) const {
    WriteBytes(folder_ / "t.csv", "VideoId,LabelConfidencePairs\n" + rows);
    return LookAtFile("t.csv", folder_.path());
  }
  std::string Refusal(const std::string& rows) const {
    return ErrorText<InputError>([&] { Teacher(File(rows), 5); });
  }
  DataSpec Train(const std::vector<ExampleContent>& videos) const {
    std::vector<std::string> payloads;
    for (std::size_t i = 0; i < videos.size(); ++i) payloads.push_back(Encode(videos[i], i));
    WriteRecords(folder_ / "train0", payloads);
    DataSpec spec = SmallSpec();
    spec.train = {(folder_ / "train0").string()};
    return spec;
  }

  TemporaryFolder folder_;
};

TEST_F(TeacherTest, FindsTheListOfEachVideo) {
  const Teacher teacher(File("b,4 0.75 0 0.25\na,\nc,1 1\n"), 5);
  EXPECT_EQ(teacher.Size(), 3);
  const auto found = teacher.Find("b");
  ASSERT_TRUE(found);
  EXPECT_THAT(found->classes, ElementsAre(4, 0));
  EXPECT_THAT(found->probabilities, ElementsAre(0.75F, 0.25F));
  ASSERT_TRUE(teacher.Find("a"));
  EXPECT_THAT(teacher.Find("a")->classes, IsEmpty());
  EXPECT_THAT(teacher.Find("c")->probabilities, ElementsAre(1.0F));
  for (const char* other : {"", "aa", "d", "B"}) EXPECT_FALSE(teacher.Find(other)) << other;
}

TEST_F(TeacherTest, IsRefusedWithTheLineOfWhatItMayNotHold) {
  const std::string second = (folder_ / "t.csv").string() + ":2: ";
  EXPECT_EQ(Refusal("a,5 0.5\n"), second + "label 5 is none of the data's 5 classes, 0..4");
  EXPECT_THAT(Refusal("a,1 1.01\n"), HasSubstr(second + "confidence 1.01 of label 1"));
  EXPECT_THAT(Refusal("a,1 nan\n"), HasSubstr(second + "confidence 'nan'"));
  EXPECT_THAT(Refusal("a,1 inf\n"), HasSubstr(second + "confidence 'inf'"));
  EXPECT_THAT(Refusal("a,1 -0.5\n"), HasSubstr(second + "confidence -0.5"));
  EXPECT_THAT(Refusal("a,1 0.5 1 0.25\n"), HasSubstr(second + "label 1 is repeated"));
  EXPECT_THAT(Refusal("a 1 0.5\n"), HasSubstr(second + "must be 'id,list'"));
  EXPECT_THAT(Refusal("a,1 0.5\na,2 0.5\n"), HasSubstr(":3: video 'a' is repeated"));
}

TEST_F(TeacherTest, IsTheFileThatWasLookedAt) {
  const NamedFile file = File("a,1 0.5\n");
  WriteBytes(folder_ / "t.csv", "VideoId,LabelConfidencePairs\na,1 0.25\n");
  EXPECT_THAT(ErrorText<Error>([&] { Teacher(file, 5); }),
              HasSubstr("t.csv: has changed since the trial was planned"));
  std::filesystem::remove(folder_ / "t.csv");
  EXPECT_THAT(ErrorText<Error>([&] { Teacher(file, 5); }),
              HasSubstr("t.csv: there is no such file"));
}

TEST_F(TeacherTest, OfAModelIsWhatItsTrainingSettingNames) {
  ModelSpec model;
  EXPECT_FALSE(TeacherOf(model)) << "an older trial";
  model.train["teacher"] = "";
  EXPECT_FALSE(TeacherOf(model));
  const NamedFile file = File("a,1 0.5\n");
  model.train["teacher"] = ToJson(file);
  EXPECT_EQ(TeacherOf(model), file);
}

TEST_F(TeacherTest, MustCoverWhatTrainingUses) {
  const DataSpec spec =
      Train({SmallVideo("a", 2, {1}), SmallVideo("b", 1, {3}), SmallVideo("a", 1, {2})});
  const Teacher whole(File("b,1 0.5\na,2 0.5\nof_validate,1 1\n"), 5);
  const TeacherCoverage all = CoverageOf(whole, spec);
  EXPECT_EQ(all.lists, 3);
  EXPECT_EQ(all.examples, 3);
  EXPECT_EQ(all.missing, 0);
  EXPECT_EQ(ProblemOf(all), "") << "lists of other videos do no harm";
  const TeacherCoverage some = CoverageOf(Teacher(File("b,1 0.5\n"), 5), spec);
  EXPECT_EQ(some.missing, 2);
  EXPECT_THAT(ProblemOf(some), HasSubstr("has no list for 2 of 3 training examples ('a', 'a') "
                                         "among its 1 list; predict for all files of data.train"));
}

TEST_F(TeacherTest, NamesTheFirstOfManyThatAreMissing) {
  const TeacherCoverage coverage{
      .lists = 9, .examples = 200, .missing = 50, .first_missing = {"x", "y", "z"}};
  EXPECT_THAT(ProblemOf(coverage),
              HasSubstr("50 of 200 training examples ('x', 'y', 'z' and 47 more)"));
}

// What training passes over needs no list.
TEST_F(TeacherTest, DamagedRecordsThatAreSkippedNeedNoList) {
  DataSpec spec = Train({SmallVideo("a", 2, {1}), SmallVideo("b", 1, {3})});
  std::string bytes = ReadFile(folder_ / "train0");
  bytes[20] ^= 1;
  WriteBytes(folder_ / "train0", bytes);
  const Teacher teacher(File("b,1 0.5\n"), 5);
  EXPECT_THROW((void)CoverageOf(teacher, spec), DataError);
  spec.on_error = "skip";
  const TeacherCoverage coverage = CoverageOf(teacher, spec);
  EXPECT_EQ(coverage.examples, 1);
  EXPECT_EQ(coverage.missing, 0);
}

}  // namespace teacher_test
}  // namespace beamgrid
