// Counts of labels and of pairs of labels in a trial's training files.

#include "trainer/label_statistics.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"

namespace beamgrid::trainer {
namespace {

class TrainingLabelsTest : public ::testing::Test {
 protected:
  TrainingLabelsTest() : data_(SmallSpec()) {
    const std::vector<ExampleContent> videos = {
        SmallVideo("v0", 1, {0, 2}), SmallVideo("v1", 2, {2, 0, 3}), SmallVideo("v2", 1, {2})};
    for (const ExampleContent& video : videos) {
      const std::filesystem::path path = folder_ / video.id;
      WriteRecords(path, {Encode(video)});
      data_.train.push_back(path.string());
    }
    data_.validate = {"/nowhere"};  // not looked at
  }

  TemporaryFolder folder_;
  DataSpec data_;
};

TEST_F(TrainingLabelsTest, CountsLabels) {
  const torch::Tensor expected = torch::tensor({2.0, 0.0, 3.0, 1.0, 0.0}, torch::kDouble);
  EXPECT_TRUE(TrainingLabels(data_).Counts().equal(expected));
}

TEST_F(TrainingLabelsTest, CountsPairs) {
  const torch::Tensor expected = torch::tensor(
      {{2, 0, 2, 1, 0}, {0, 0, 0, 0, 0}, {2, 0, 3, 1, 0}, {1, 0, 1, 1, 0}, {0, 0, 0, 0, 0}},
      torch::kDouble);
  const TrainingLabels labels(data_);
  EXPECT_TRUE(labels.CoOccurrence().equal(expected));
  EXPECT_TRUE(labels.CoOccurrence().diagonal().equal(labels.Counts()));
}

TEST_F(TrainingLabelsTest, ReadsWhenAskedAndOnce) {
  DataSpec missing = data_;
  missing.train = {"/nowhere"};
  const TrainingLabels never_asked(missing);
  const TrainingLabels labels(data_);
  const torch::Tensor counts = labels.Counts();
  for (const std::string& file : data_.train) std::filesystem::remove(file);
  EXPECT_TRUE(labels.Counts().equal(counts));
  EXPECT_EQ(labels.CoOccurrence().size(0), 5);
}

}  // namespace
}  // namespace beamgrid::trainer
