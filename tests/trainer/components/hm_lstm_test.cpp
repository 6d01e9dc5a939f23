// The hierarchical multiscale LSTM against its equations in plain loops.

#include "tests/trainer/components/recurrent_reference.h"

namespace beamgrid::trainer {
namespace hm_lstm_test {

using namespace reference;  // the whole test is written in its words

constexpr std::int64_t kWidth = 3;
constexpr std::int64_t kCells = 2;

Sequence Input() { return contract::RandomSequence({9, 1, 6, 4}, 10, kWidth); }

double HardSigmoid(double slope, double x) {
  return std::max(0.0, std::min(1.0, (slope * x + 1) / 2));
}

/// The boundaries of each video as they were decided once. The straight-through gradient is that of
/// a forward pass in which each boundary is the decision plus the change of its hard sigmoid:
/// central differences need this, for the decision itself has no gradient.
struct Decision {
  double z, soft;
};
using Decisions = std::vector<Decision>;  ///< in the order of their making

class Boundaries {
 public:
  Boundaries(double slope, Decisions& made) : slope_(slope), made_(made) {}

  double Next(double x) {
    const double soft = HardSigmoid(slope_, x);
    if (next_ == made_.size()) made_.push_back({soft > 0.5 ? 1.0 : 0.0, soft});
    const Decision& decision = made_[next_++];
    return decision.z + soft - decision.soft;
  }

 private:
  double slope_;
  Decisions& made_;
  std::size_t next_ = 0;
};

struct LayerValues {
  Vector h, c;
  double z = 0;
};

/// s = below x + own [h; above] + bias.
Vector Sums(const Arrays& arrays, const std::string& layer, const Vector& x, const Vector& seen) {
  const Array &below = arrays.at(layer + ".below"), &own = arrays.at(layer + ".own");
  Vector sums = arrays.at(layer + ".bias").values;
  for (std::size_t row = 0; row < sums.size(); ++row) {
    for (std::size_t j = 0; j < x.size(); ++j) sums[row] += below(row, j) * x[j];
    for (std::size_t j = 0; j < seen.size(); ++j) sums[row] += own(row, j) * seen[j];
  }
  return sums;
}

void Update(LayerValues& layer, const Vector& sums, double below, Boundaries& boundaries) {
  const std::size_t n = layer.h.size();
  for (std::size_t i = 0; i < n; ++i) {
    const double added = Sigmoid(sums[n + i]) * std::tanh(sums[3 * n + i]);
    const double updated = Sigmoid(sums[i]) * layer.c[i] + added;
    const double copy = (1 - layer.z) * (1 - below);
    layer.c[i] = layer.z * added + (1 - layer.z) * below * updated + copy * layer.c[i];
    const double shown = Sigmoid(sums[2 * n + i]) * std::tanh(layer.c[i]);
    layer.h[i] = (1 - copy) * shown + copy * layer.h[i];
  }
  if (sums.size() > 4 * n) layer.z = boundaries.Next(sums[4 * n]);
}

Vector Times(Vector values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

/// The top layer's states.
Matrix States(const Arrays& arrays, const Matrix& video, Boundaries boundaries) {
  LayerValues bottom{Vector(kCells, 0.0), Vector(kCells, 0.0)}, top = bottom;
  Matrix states;
  for (const Vector& x : video) {
    Vector seen = bottom.h;
    Append(seen, Times(top.h, bottom.z));
    Update(bottom, Sums(arrays, "bottom", x, seen), 1, boundaries);
    Update(top, Sums(arrays, "top", Times(bottom.h, bottom.z), top.h), bottom.z, boundaries);
    states.push_back(top.h);
  }
  return states;
}

struct Reference {
  std::vector<Decisions> made = std::vector<Decisions>(4);

  Forward Embeddings(double slope, const std::string& pool) {
    return [this, slope, pool](const Arrays& arrays, const Videos& videos) {
      Matrix embeddings;
      for (std::size_t b = 0; b < videos.size(); ++b) {
        embeddings.push_back(Pool(States(arrays, videos[b], Boundaries(slope, made[b])), pool));
      }
      return embeddings;
    };
  }

  /// Shares of boundaries, and of the hard sigmoids that are neither 0 nor 1.
  [[nodiscard]] std::pair<double, double> Shares() const {
    double count = 0, ones = 0, soft = 0;
    for (const Decisions& decisions : made) {
      for (const Decision& decision : decisions) {
        count += 1;
        ones += decision.z;
        soft += decision.soft > 0 && decision.soft < 1 ? 1 : 0;
      }
    }
    return {ones / count, soft / count};
  }
};

TEST(HmLstm, FollowsTheEquations) {
  for (const char* pool : {"last", "mean", "max"}) {
    for (const bool top_boundary : {true, false}) {
      SCOPED_TRACE(pool);
      const auto module = MakeTemporal("hm_lstm",
                                       {{"hidden", kCells},
                                        {"pool", pool},
                                        {"top_boundary", top_boundary},
                                        {"final_slope", 2.0},
                                        {"annealing_steps", 0}},
                                       kWidth);
      Reference reference;
      ExpectMatches(*module, RowsOf(*module), reference.Embeddings(2, pool), Input());
      const auto [ones, soft] = reference.Shares();
      EXPECT_GT(ones, 0.1);
      EXPECT_LT(ones, 0.9) << "both kinds of steps are in the test";
      EXPECT_GT(soft, 0.2) << "boundaries with a gradient are in the test";
    }
  }
}

TEST(HmLstm, SlopeGrowsWithTheStepsOfTraining) {
  const auto module = MakeTemporal(
      "hm_lstm", {{"hidden", kCells}, {"final_slope", 5.0}, {"annealing_steps", 4}}, kWidth);
  const Sequence input = Input();
  module->train();
  for (const double slope : {1, 2, 3, 4, 5, 5}) {
    SCOPED_TRACE(slope);
    const torch::Tensor steps = module->named_buffers()["steps"].clone();
    module->zero_grad();
    Reference reference;
    ExpectMatches(*module, RowsOf(*module), reference.Embeddings(slope, "last"), input);
    EXPECT_EQ((module->named_buffers()["steps"] - steps).item<std::int64_t>(), 1);
  }
  module->eval();
  const torch::Tensor steps = module->named_buffers()["steps"].clone();
  module->forward({input.frames.to(torch::kDouble), input.mask, input.lengths}, {});
  EXPECT_TRUE(module->named_buffers()["steps"].equal(steps)) << "evaluation does not count";
}

/// A bias of the bottom layer's boundary that decides it.
void DecideBoundaries(Temporal& module, double bias) {
  const torch::NoGradGuard no_gradient;
  module.named_parameters()["bottom.bias"].slice(0, 4 * kCells).fill_(bias);
}

TEST(HmLstm, TopLayerSleepsWithoutBoundaries) {
  const auto module =
      MakeTemporal("hm_lstm", {{"hidden", kCells}, {"top_boundary", false}}, kWidth);
  DecideBoundaries(*module, -100);
  EXPECT_EQ(module->forward(Input(), {}).abs().max().item<double>(), 0);
  DecideBoundaries(*module, 100);
  EXPECT_GT(module->forward(Input(), {}).abs().min().item<double>(), 0);
}

TEST(HmLstm, HasTheSizeOfTheFormula) {
  EXPECT_EQ(CountRecurrent("hm_lstm", {}), 21'509'250);
  EXPECT_EQ(CountRecurrent("hm_lstm", {{"top_boundary", false}}), 21'509'250 - 2049);
}

}  // namespace hm_lstm_test
}  // namespace beamgrid::trainer
