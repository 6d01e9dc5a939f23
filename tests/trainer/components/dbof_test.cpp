#include "tests/trainer/components/temporal_reference.h"
#include "tests/trainer/trial.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace dbof_test {

using reference::AllRows;
using reference::Apart;
using reference::Arrays;
using reference::BatchNormalise;
using reference::CountOf;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::LinearRows;
using reference::MakeTemporal;
using reference::Matrix;
using reference::MaxRow;
using reference::MeanRow;
using reference::PaperFeatures;
using reference::RowsOf;
using reference::Sigmoid;
using reference::Statistics;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

Matrix Activate(Matrix rows, const std::string& activation) {
  for (Vector& row : rows) {
    for (double& x : row)
      x = activation == "sigmoid" ? Sigmoid(x) : std::min(std::max(x, 0.0), 6.0);
  }
  return rows;
}

reference::Forward Dbof(const std::string& activation, const std::string& pooling,
                        Statistics statistics) {
  return [=](const Arrays& arrays, const Videos& videos) {
    const auto layer = [&](const std::string& name, const std::string& norm, const Matrix& rows) {
      return Activate(BatchNormalise(arrays, norm, LinearRows(arrays, name, rows), statistics),
                      activation);
    };
    const Matrix rows = layer("to_clusters", "cluster_norm",
                              BatchNormalise(arrays, "input_norm", AllRows(videos), statistics));
    Matrix pooled;
    for (const Matrix& video : Apart(rows, videos)) {
      pooled.push_back(pooling == "max" ? MaxRow(video) : MeanRow(video));
    }
    return layer("to_hidden", "hidden_norm", pooled);
  };
}

struct Structure {
  const char* activation;
  const char* pooling;
};

std::shared_ptr<Temporal> Make(const Structure& structure, std::int64_t sample_frames) {
  const auto module = MakeTemporal("dbof",
                                   {{"clusters", 4},
                                    {"hidden", 3},
                                    {"activation", structure.activation},
                                    {"pooling", structure.pooling},
                                    {"sample_frames", sample_frames}},
                                   kWidth);
  // Large enough to be cut at 6.
  const torch::NoGradGuard no_gradient;
  for (auto& item : module->named_parameters()) {
    if (item.key() == "cluster_norm.weight") item.value().mul_(9);
  }
  return module;
}

class DbofTest : public ::testing::TestWithParam<Structure> {};

TEST_P(DbofTest, FollowsTheEquationsInEvaluation) {
  const auto module = Make(GetParam(), 30);
  module->eval();
  EXPECT_EQ(module->output_width(), 3);
  ExpectMatches(*module, RowsOf(*module),
                Dbof(GetParam().activation, GetParam().pooling, Statistics::kRunning),
                contract::RandomSequence(kLengths, kFrames, kWidth));
}

TEST_P(DbofTest, FollowsTheEquationsInTrainingWithAllFrames) {
  const auto module = Make(GetParam(), 0);
  ExpectMatches(*module, RowsOf(*module),
                Dbof(GetParam().activation, GetParam().pooling, Statistics::kOfTheBatch),
                contract::RandomSequence(kLengths, kFrames, kWidth));
}

INSTANTIATE_TEST_SUITE_P(Structures, DbofTest,
                         ::testing::Values(Structure{"relu6", "max"}, Structure{"relu6", "mean"},
                                           Structure{"sigmoid", "max"},
                                           Structure{"sigmoid", "mean"}),
                         [](const auto& info) {
                           return std::string(info.param.activation) + "_" + info.param.pooling;
                         });

TEST(Dbof, SamplesInTrainingOnly) {
  const Structure structure = {"relu6", "mean"};
  const Sequence input = contract::RandomSequence({30, 1, 9}, 30, kWidth);
  const auto sampling = Make(structure, 4);
  EXPECT_FALSE(sampling->forward(input, {}).equal(sampling->forward(input, {})));

  const auto all = Make(structure, 0), fresh = Make(structure, 4);
  all->eval();
  fresh->eval();
  EXPECT_TRUE(all->forward(input, {}).equal(fresh->forward(input, {})));
}

TEST(Dbof, NeverSamplesPadding) {
  // A frame is that frame, however often it is drawn.
  const Structure structure = {"relu6", "max"};
  const Sequence input =
      contract::Padded(contract::RandomSequence({1, 1, 1}, 1, kWidth), 9, /*value=*/std::nan(""));
  const Sequence alone{input.frames.slice(1, 0, 1), input.mask.slice(1, 0, 1), input.lengths};
  EXPECT_TRUE(Make(structure, 8)
                  ->forward(input, {})
                  .allclose(Make(structure, 0)->forward(alone, {}), 1e-4, 1e-5));
}

TEST(Dbof, HasTheSizesOfTheStarterCode) {
  EXPECT_EQ(CountOf("dbof", {}, PaperFeatures()), 17'867'264);
  const ModelSize size = MeasureModel(
      MakeModel({.parts = {{"temporal", {"dbof", {}}}, {"classifier", {"moe", {{"experts", 2}}}}}}),
      PaperData());
  EXPECT_EQ(size.parameters, 17'867'264 + 19'781'164);
}

}  // namespace dbof_test
}  // namespace beamgrid::trainer
