#include "registry/scoring/probabilities_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/files.h"
#include "registry/util/input_error.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace probabilities_csv_test {

using testing::HasSubstr;

class ProbabilitiesCsv : public testing::Test {
 protected:
  /// Reads a file whose third line is `row`.
  [[nodiscard]] Predictions Read(const std::string& row) const {
    WriteFileAtomically(file_, "VideoId,LabelConfidencePairs\nv,3 0.5\n" + row + "\n");
    return ReadProbabilitiesCsv(file_);
  }
  [[nodiscard]] std::string Refusal(const std::string& row) const {
    return ErrorText<InputError>([&] { static_cast<void>(Read(row)); });
  }
  [[nodiscard]] std::string Third() const { return file_.string() + ":3: "; }

 protected:
  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "p.csv";
};

TEST_F(ProbabilitiesCsv, AreReadAsPredictionsAre) {
  const Predictions read = Read("w,1 1 7 0.5 2 0.5 4 0");
  ASSERT_EQ(read.videos.size(), 2U);
  ASSERT_EQ(read.videos[1].top.size(), 4U);
  EXPECT_EQ(read.videos[1].top[1].label, 2) << "equal confidences by label";
  EXPECT_EQ(read.top_k, 4);
  EXPECT_TRUE(Read("w,").videos[1].top.empty());
}

TEST_F(ProbabilitiesCsv, RefuseWhatNobodyCanAverageWithItsPlace) {
  EXPECT_EQ(Refusal("w,1 1.5 2 0.5"),
            Third() + "confidence 1.5 of label 1 must be a probability, 0..1");
  EXPECT_EQ(Refusal("w,1 0.5 2 -0.25"),
            Third() + "confidence -0.25 of label 2 must be a probability, 0..1");
  EXPECT_EQ(Refusal("w,1 0.5 9 0.75"),
            Third() + "the list must be best first: label 9 with 0.75 comes after 0.5");
  EXPECT_THAT(Refusal("w,1 nan"), HasSubstr(Third() + "confidence 'nan'"));
  EXPECT_THAT(Refusal("w,1 0.5 1 0.25"), HasSubstr(Third() + "label 1 is repeated"));
  EXPECT_THAT(Refusal("v,1 0.5"), HasSubstr(Third() + "video 'v' is repeated"));
}

TEST_F(ProbabilitiesCsv, RefuseListsThatAreTooLong) {
  std::string row = "w,";
  for (std::size_t label = 0; label < kLongestList; ++label) row += std::to_string(label) + " 0 ";
  EXPECT_EQ(Read(row).videos[1].top.size(), kLongestList);
  EXPECT_THAT(Refusal(row + "99999 0"),
              HasSubstr(Third() + "the list has 10001 labels, at most 10000 are read"));
}

using Lists = std::vector<std::pair<std::string, std::vector<ScoredLabelDouble>>>;

TEST_F(ProbabilitiesCsv, AreGivenListByListInTheirOrder) {
  static_cast<void>(Read("a,1 0.5 7 0.5 2 0.25"));
  Lists lists;
  ReadProbabilityLists(
      file_, 8, [&](std::string_view id, const auto& list) { lists.emplace_back(id, list); });
  ASSERT_EQ(lists.size(), 2U);
  EXPECT_EQ(lists[0].first, "v");
  EXPECT_EQ(lists[1].first, "a");
  ASSERT_EQ(lists[1].second.size(), 3U);
  EXPECT_EQ(lists[1].second[1].label, 7);
  EXPECT_EQ(lists[1].second[2].score, 0.25);
}

TEST_F(ProbabilitiesCsv, OfDataWithFewerClassesAreRefusedWithTheirPlace) {
  const auto refusal = [&](const std::string& row, std::int64_t classes) {
    static_cast<void>(Read("w,1 0.5"));
    WriteFileAtomically(file_, ReadFile(file_) + row + "\n");
    return ErrorText<InputError>(
        [&] { ReadProbabilityLists(file_, classes, [](std::string_view, const auto&) {}); });
  };
  EXPECT_EQ(refusal("x,8 0.5", 8),
            file_.string() + ":4: label 8 is none of the data's 8 classes, 0..7");
  EXPECT_EQ(refusal("x,1 1.5", 8),
            file_.string() + ":4: confidence 1.5 of label 1 must be a probability, 0..1");
  EXPECT_THAT(refusal("v,1 0.5", 8), HasSubstr(":4: video 'v' is repeated, it was in line 2"));
}

}  // namespace probabilities_csv_test
}  // namespace beamgrid
