#include "registry/scoring/segments.h"

#include <gmock/gmock.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

class SegmentsTest : public testing::Test {
 protected:
  /// Class 3 ranks a:5, b:0, c:5; class 9 ranks b:0, a:5.
  static Predictions Example() {
    return {.top_k = 2,
            .videos = {{.id = "a:5", .top = {{3, 0.9}, {9, 0.2}}},
                       {.id = "b:0", .top = {{9, 0.8}, {3, 0.5}}},
                       {.id = "c:5", .top = {{3, 0.5}}}}};
  }
  static SegmentTruth Ratings() {
    return {{"a:5", {{3}, {3}}}, {"b:0", {{}, {3, 9}}}, {"c:5", {{3, 9}, {3, 9}}}};
  }
  std::filesystem::path Path() const { return folder_ / "s.csv"; }
  std::string Refusal(const std::string& text) const {
    WriteFileAtomically(Path(), text);
    return ErrorText<InputError>([this] { (void)ReadSegmentsCsv(Path()); });
  }

  TemporaryFolder folder_;
};

TEST_F(SegmentsTest, AreWrittenInDescendingConfidence) {
  EXPECT_EQ(SegmentsCsvText(Example()), "Class,Segments\n3,a:5 b:0 c:5\n9,b:0 a:5\n");
  EXPECT_EQ(SegmentsCsvText(Example(), {3}, /*top=*/2), "Class,Segments\n3,a:5 b:0\n");
}

TEST_F(SegmentsTest, AFileThatIsReadRanksAsItWasWritten) {
  const std::string text = SegmentsCsvText(Example());
  WriteFileAtomically(Path(), text);
  EXPECT_TRUE(IsSegmentsCsv(Path()));
  const Predictions read = ReadSegmentsCsv(Path());
  EXPECT_TRUE(AreSegments(read));
  EXPECT_EQ(SegmentsCsvText(read), text);
  WriteFileAtomically(Path(), "\xEF\xBB\xBF" + text);
  EXPECT_TRUE(IsSegmentsCsv(Path())) << "as spreadsheets save it";
  EXPECT_EQ(SegmentsCsvText(ReadSegmentsCsv(Path())), text);
}

TEST_F(SegmentsTest, AreScoredByTheirRatings) {
  // Class 3: a hit, then a miss and a hit of one score: 1/1 and, in either order alike,
  // (2/2 + 2/3) / 2. Class 9: its positive is not listed.
  const double third = (1 + (1 + 2.0 / 3) / 2) / 2;
  EXPECT_DOUBLE_EQ(SegmentMap(Example(), Ratings()), (third + 0) / 2);
  const Metrics metrics = ScoreSegments(Example(), Ratings());
  EXPECT_DOUBLE_EQ(metrics.segment_map, (third + 0) / 2);
  EXPECT_EQ(metrics.videos, 3);
  EXPECT_DOUBLE_EQ(metrics.hit_at_1, 2.0 / 3);
}

TEST_F(SegmentsTest, SegmentsThatNobodyPredictedOrRatedAreFine) {
  SegmentTruth truth = Ratings();
  truth["d:0"] = {{3}, {3}};
  Predictions predictions = Example();
  predictions.videos.push_back({.id = "e:0", .top = {{3, 0.99}}});
  const double third = (1 + (1 + 2.0 / 3) / 2) / 3;
  EXPECT_DOUBLE_EQ(SegmentMap(predictions, truth), (third + 0) / 2);
  EXPECT_THAT(ErrorText<InputError>([&] { (void)ScoreSegments(predictions, truth); }),
              HasSubstr("lack 1 of the truth's 4"));
}

TEST_F(SegmentsTest, AnIdIsAVideoAndAStart) {
  for (const char* id : {"a", "a:", ":5", "a:b", "a:-5", ""}) {
    EXPECT_FALSE(AreSegments({.videos = {{.id = id}}})) << id;
  }
  EXPECT_TRUE(AreSegments({.videos = {{.id = "a:b:15"}}}));
  EXPECT_FALSE(AreSegments({}));
}

TEST_F(SegmentsTest, AWrongFileIsAnsweredWithItsLine) {
  EXPECT_THAT(Refusal("VideoId,Labels\n"), HasSubstr("s.csv:1: the first line must be"));
  EXPECT_THAT(Refusal("Class,Segments\n3\n"), HasSubstr("s.csv:2: must be 'class,segments'"));
  EXPECT_THAT(Refusal("Class,Segments\n3,a:5\n\nx,a:5\n"), HasSubstr("s.csv:4: 'x' is no class"));
  EXPECT_THAT(Refusal("Class,Segments\n3,a:5 b\n"), HasSubstr("'b' is no segment"));
  EXPECT_THAT(Refusal("Class,Segments\n3,a:5 b:0 a:5\n"), HasSubstr("'a:5' is repeated"));
  EXPECT_THAT(Refusal("Class,Segments\n3,a:5\n3,b:5\n"), HasSubstr("s.csv:3: class 3 is repeated"));
}

}  // namespace
}  // namespace beamgrid
