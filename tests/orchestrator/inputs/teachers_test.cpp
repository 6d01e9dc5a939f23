#include "orchestrator/inputs/teachers.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "orchestrator/inputs/data_files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"
#include "trainer/data/digest.h"

namespace beamgrid {
namespace teachers_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A recipe's data beside it, three training videos, and its teachers.
class TeachersTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("BEAMGRID_CACHE_DIR", (folder_ / "cache").c_str(), 1);
    Write("train0", {"a", "b", "c"});
    Write("validate0", {"v"});
    recipe_.path = (folder_ / "r.toml").string();
    recipe_.data = {.format = "frame",
                    .train = {"train0"},
                    .validate = {"validate0"},
                    .classes = 5,
                    .features = {{"rgb", 4}, {"audio", 2}},
                    .max_frames = 300,
                    .on_error = "stop"};
    recipe_.teachers = {{.text = "t.csv", .place = {"r.toml", 7, 11}, .key = "train.teacher"}};
  }
  void TearDown() override { ::unsetenv("BEAMGRID_CACHE_DIR"); }

  void Write(const std::string& name, const std::vector<std::string>& ids) const {
    std::vector<std::string> payloads;
    for (const std::string& id : ids) payloads.push_back(Encode(SmallVideo(id)));
    WriteRecords(folder_ / name, payloads);
  }
  void WriteTeacher(const std::string& rows) const {
    WriteFileAtomically(folder_ / "t.csv", "VideoId,LabelConfidencePairs\n" + rows);
  }
  [[nodiscard]] DataSpec Data() const {
    DataSpec data = FindDataFiles(recipe_);
    data.digest = DataDigest(data);
    return data;
  }
  [[nodiscard]] std::vector<std::string> Mistakes(
      CensusOptions::Reading reading = CensusOptions::Reading::kWhatIsNew) const {
    std::vector<std::string> lines;
    for (const Diagnostic& mistake : TeacherMistakes(recipe_, Data(), reading)) {
      lines.push_back(ToString(mistake));
    }
    return lines;
  }
  [[nodiscard]] std::string At(const std::string& message) const {
    return "r.toml:7:11: train.teacher: " + (folder_ / "t.csv").string() + message;
  }

  TemporaryFolder folder_;
  Recipe recipe_;
};

TEST_F(TeachersTest, OneWithAListForEachTrainingVideoIsSound) {
  WriteTeacher("c,1 0.5\na,\nb,4 1 2 0.25\n");
  EXPECT_THAT(Mistakes(), IsEmpty());
  WriteTeacher("c,1 0.5\na,\nb,4 1 2 0.25\nv,1 1\nsomewhere,0 1\n");
  EXPECT_THAT(Mistakes(), IsEmpty()) << "lists of other videos are not used";
  recipe_.teachers.clear();
  std::filesystem::remove(folder_ / "t.csv");
  EXPECT_THAT(Mistakes(), IsEmpty());
}

TEST_F(TeachersTest, WhatIsWrongIsToldWithItsPlace) {
  EXPECT_THAT(Mistakes(), ElementsAre(At(": there is no such file")));
  WriteTeacher("a,1 0.5\nb,1 0.5\n");
  EXPECT_THAT(Mistakes(),
              ElementsAre(HasSubstr(At(": has no list for 1 of 3 training examples ('c')"))));
  WriteTeacher("a,1 0.5\nb,5 0.5\nc,1 1\n");
  EXPECT_THAT(Mistakes(), ElementsAre(At(":3: label 5 is none of the data's 5 classes, 0..4")));
  WriteTeacher("a,1 0.5\nb,1 2\nc,1 1\n");
  EXPECT_THAT(Mistakes(), ElementsAre(HasSubstr(At(":3: confidence 2 of label 1"))));
}

TEST_F(TeachersTest, AStudyDoesNotBeginWithOneThatDoesNotSuit) {
  WriteTeacher("a,1 0.5\nb,1 0.5\n");
  const ReadingVoice silent{.warn = [](const std::string&) {}, .show_progress = false};
  EXPECT_THAT(ErrorText<RecipeError>([&] { (void)CheckedData(recipe_, silent); }),
              HasSubstr("has no list for 1 of 3 training examples"));
  WriteTeacher("a,1 0.5\nb,1 0.5\nc,1 0.5\n");
  EXPECT_EQ(CheckedData(recipe_, silent).train.size(), 1U);
}

// The note is of these lists and these videos.
TEST_F(TeachersTest, WhatWasFoundSoundIsNotReadAgainUntilEitherSideChanges) {
  WriteTeacher("a,1 0.5\nb,1 0.5\nc,1 0.5\n");
  EXPECT_THAT(Mistakes(), IsEmpty());
  const auto notes = [&] {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder_ / "cache")) {
      count += file.path().filename().string().starts_with("teacher-") ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(notes(), 1U);
  EXPECT_THAT(Mistakes(), IsEmpty());
  EXPECT_THAT(Mistakes(CensusOptions::Reading::kEverything), IsEmpty());
  EXPECT_EQ(notes(), 1U);
  WriteTeacher("a,1 0.5\nb,1 0.5\nx,1 0.5\n");
  EXPECT_THAT(Mistakes(), ElementsAre(HasSubstr("('c')")));
  WriteTeacher("a,1 0.5\nb,1 0.5\nc,1 0.5\n");
  Write("train0", {"a", "b", "c", "d"});
  EXPECT_THAT(Mistakes(), ElementsAre(HasSubstr("('d')")));
  EXPECT_EQ(notes(), 1U);
}

}  // namespace teachers_test
}  // namespace beamgrid
