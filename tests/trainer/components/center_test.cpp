// center against its equations in plain loops, and the way its centres move.

#include <gtest/gtest.h>

#include "tests/trainer/components/loss_reference.h"

namespace beamgrid::trainer {
namespace center_test {

using reference::Arrays;
using reference::Cells;
using reference::kLossClasses;
using reference::MakeLoss;
using reference::Matrix;
using reference::Vector;
using reference::Videos;

constexpr std::size_t kWidth = 2;

double SquaredDistance(const Arrays& arrays, const Vector& embedding, std::size_t label) {
  double sum = 0;
  for (std::size_t j = 0; j < kWidth; ++j) {
    const double difference = embedding[j] - arrays.at("centres")(label, j);
    sum += difference * difference;
  }
  return sum;
}

struct CenterCase {
  const char* form;
  Cells cells;
};

double ReferenceDistance(const Arrays& arrays, const Matrix& embeddings, const CenterCase& c) {
  double pairs = 0, over_pairs = 0, over_videos = 0;
  for (std::size_t b = 0; b < embeddings.size(); ++b) {
    double labels = 0, distance = 0;
    for (std::size_t k = 0; k < kLossClasses; ++k) {
      const double weight = reference::Labels()[b][k] * reference::WeightOf(c.cells, b, k);
      labels += weight;
      distance += weight * SquaredDistance(arrays, embeddings[b], k);
    }
    pairs += labels;
    over_pairs += distance;
    if (labels > 0) over_videos += distance / labels;
  }
  return c.form == std::string("mean") ? over_pairs / (pairs * kWidth)
                                       : over_videos / static_cast<double>(embeddings.size());
}

/// Rows hold a video's probabilities, then its embedding.
Sequence ProbabilitiesAndEmbeddings() {
  Sequence input = reference::Probabilities();
  input.frames = torch::cat({input.frames, torch::randn({3, 1, kWidth}, torch::kDouble)}, 2);
  return input;
}

class CenterTest : public ::testing::TestWithParam<CenterCase> {};

TEST_P(CenterTest, MatchesTheEquation) {
  const CenterCase c = GetParam();
  const auto module = MakeLoss("center", {{"lambda", 0.7}, {"form", c.form}});
  reference::Randomise(*module);
  const auto rows = [&](const Sequence& input) {
    const torch::Tensor row = input.frames.squeeze(1);
    return std::vector<torch::Tensor>{module->forward(
        row.slice(1, 0, kLossClasses), row.slice(1, kLossClasses), reference::TargetsOf(c.cells))};
  };
  const auto forward = [c](const Arrays& arrays, const Videos& videos) {
    double cross_entropy = 0;
    Matrix embeddings;
    for (std::size_t b = 0; b < videos.size(); ++b) {
      const Vector& row = videos[b][0];
      for (std::size_t k = 0; k < kLossClasses; ++k) {
        cross_entropy += reference::WeightOf(c.cells, b, k) / 3 *
                         reference::CrossEntropyOf(row[k], reference::Labels()[b][k]);
      }
      embeddings.emplace_back(row.begin() + kLossClasses, row.end());
    }
    return Matrix{{cross_entropy + 0.7 * ReferenceDistance(arrays, embeddings, c)}};
  };
  reference::ExpectMatches(*module, rows, forward, ProbabilitiesAndEmbeddings());
}

INSTANTIATE_TEST_SUITE_P(Variants, CenterTest,
                         ::testing::Values(CenterCase{"mean", Cells::kAlike},
                                           CenterCase{"mean", Cells::kWeighted},
                                           CenterCase{"sum", Cells::kAlike},
                                           CenterCase{"sum", Cells::kWeighted}));

TEST(CenterTest, EachOccurrenceMovesTheCentreOneAfterTheOther) {
  const auto module = MakeLoss("center", {});
  module->to(torch::kDouble);
  torch::manual_seed(8);
  Matrix centres(kLossClasses, Vector(kWidth, 0.0));  // they start at 0
  const Matrix labels = {{1, 0, 0}, {1, 1, 0}, {0, 0, 0}, {1, 0, 0}};
  for (int step = 0; step < 3; ++step) {
    const torch::Tensor embeddings = torch::randn({4, kWidth}, torch::kDouble);
    module->Remember(embeddings, {reference::TensorOf(labels)});
    for (std::size_t b = 0; b < labels.size(); ++b) {
      const Vector e = reference::ArrayOf(embeddings[static_cast<std::int64_t>(b)]).values;
      for (std::size_t k = 0; k < kLossClasses; ++k) {
        if (labels[b][k] == 0) continue;
        for (std::size_t j = 0; j < kWidth; ++j) centres[k][j] -= 0.05 * (centres[k][j] - e[j]);
      }
    }
  }
  const torch::Tensor moved = module->named_buffers()["centres"];
  EXPECT_TRUE(torch::allclose(moved, reference::TensorOf(centres), 0, 1e-12)) << moved;
  EXPECT_TRUE(module->parameters().empty()) << "centres are not trained by gradient";
}

TEST(CenterTest, ALabelOfEveryVideoOfALargeBatchStaysNearItsVideos) {
  const auto module = MakeLoss("center", {});
  for (int step = 0; step < 20; ++step) {
    module->Remember(torch::ones({512, kWidth}), {torch::ones({512, kLossClasses})});
  }
  EXPECT_TRUE(torch::allclose(module->named_buffers()["centres"], torch::ones({kLossClasses, 2})));
}

TEST(CenterTest, ACellThatNobodyRatedMovesNothing) {
  const auto module = MakeLoss("center", {});
  torch::Tensor weights = torch::ones({4, kLossClasses});
  weights.select(1, 1).zero_();
  module->Remember(torch::ones({4, kWidth}), {torch::ones({4, kLossClasses}), weights});
  const torch::Tensor centres = module->named_buffers()["centres"];
  EXPECT_EQ(centres[1].abs().max().item<double>(), 0);
  EXPECT_GT(centres[0].min().item<double>(), 0);
}

TEST(CenterTest, OfSeveralSetsTheMeanCounts) {
  const auto module = MakeLoss("center", {{"lambda", 1.0}});
  const torch::Tensor sets = torch::randn({3, 4, kWidth});
  const torch::Tensor p = torch::rand({3, kLossClasses});
  const Targets targets{reference::TargetsOf(Cells::kAlike).labels.to(torch::kFloat)};
  EXPECT_TRUE(torch::allclose(module->forward(p, sets, targets),
                              module->forward(p, sets.mean(1), targets)));
}

TEST(CenterTest, ABatchWithoutLabelsIsFinite) {
  const auto module = MakeLoss("center", {});
  const torch::Tensor embedding = torch::randn({2, kWidth}).requires_grad_();
  const Targets targets{torch::zeros({2, kLossClasses})};
  const torch::Tensor loss = module->forward(torch::rand({2, kLossClasses}), embedding, targets);
  loss.backward();
  EXPECT_TRUE(std::isfinite(loss.item<double>()));
  module->Remember(embedding, targets);
  EXPECT_EQ(module->named_buffers()["centres"].abs().max().item<double>(), 0);
}

TEST(CenterTest, RefusesAClassifierOfFrames) {
  EXPECT_THROW(MakeLoss("center", {}, /*width=*/0), SpecError);
}

}  // namespace center_test
}  // namespace beamgrid::trainer
