#include "search/surrogate/surrogate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <cmath>
#include <functional>
#include <random>

#include "search/surrogate/hyperparameters.h"

namespace beamgrid {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::Gt;
using testing::Lt;

std::vector<Part> PlainParts(std::size_t parts, std::int64_t levels) {
  std::vector<Part> all;
  for (std::size_t i = 0; i < parts; ++i) {
    all.push_back(PlainPart("p" + std::to_string(i), levels));
  }
  return all;
}

/// Models drawn at random, and what a function of their levels and noise make of them.
class Planted {
 public:
  using Truth = std::function<double(const Levels&)>;

  Planted(std::size_t parts, std::int64_t levels, std::uint64_t seed)
      : parts_(parts), levels_(levels), random_(seed) {}

  Levels Draw() {
    Levels model;
    for (std::size_t i = 0; i < parts_; ++i) {
      model.push_back(static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(levels_)));
    }
    return model;
  }

  std::vector<Observation> Observe(std::size_t count, const Truth& truth, double noise) {
    std::vector<Observation> all;
    for (std::size_t i = 0; i < count; ++i) {
      const Levels model = Draw();
      all.push_back({model, truth(model) + noise * Normal(), 1});
    }
    return all;
  }

  double Normal() {
    // The sum of twelve uniform ones: near enough, and the same everywhere.
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random_() >> 11) * 0x1p-53;
    return sum;
  }

 private:
  std::size_t parts_;
  std::int64_t levels_;
  std::mt19937_64 random_;
};

double Additive(const Levels& model) {
  double sum = 0;
  for (std::size_t i = 0; i < model.size(); ++i) {
    sum += static_cast<double>((model[i] * 7 + static_cast<std::int64_t>(i)) % 4);
  }
  return sum;
}

/// Only pairs matter: by itself each part is worth the same on average.
double Pairwise(const Levels& model) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < model.size(); i += 2) {
    sum += model[i] % 2 == model[i + 1] % 2 ? 1 : -1;
  }
  return sum;
}

/// The formula of the header, term by term.
double SlowCovariance(const Surrogate& surrogate, const Levels& a, const Levels& b) {
  const Hyperparameters& h = surrogate.hyperparameters();
  const std::size_t n = a.size();
  double total = 0;
  double pairs = 0;
  double additive = 0;
  double pairwise = 0;
  double local = 1;
  const auto like = [&](std::size_t p) {
    const Likeness s = surrogate.parts()[p].likeness(a[p], b[p]);
    return (1 - h.by_place) * s.by_name + h.by_place * s.by_place;
  };
  for (std::size_t p = 0; p < n; ++p) {
    total += h.relevance[p];
    additive += h.relevance[p] * like(p);
    local *= 1 - (1 - std::exp(-h.relevance[p])) * (1 - like(p));
    for (std::size_t q = 0; q < p; ++q) {
      pairs += h.relevance[p] * h.relevance[q];
      pairwise += h.relevance[p] * h.relevance[q] * like(p) * like(q);
    }
  }
  return kLevelVariance + h.additive * additive / total + h.pairwise * pairwise / pairs +
         h.local * local + (a == b ? h.identity : 0);
}

TEST(Surrogate, CovarianceIsTheFormulaAndPositiveDefinite) {
  Planted planted(5, 4, 1);
  std::vector<Part> parts = PlainParts(3, 4);
  parts.push_back(NumericPart("n", {1, 2, 4, 8}));
  parts.push_back(NumericPart("m", {8, 1, 2, 4}));
  Surrogate surrogate(parts);
  surrogate.Fit(planted.Observe(30, Additive, 0.1));
  std::vector<Levels> models;
  for (int i = 0; i < 60; ++i) models.push_back(planted.Draw());
  Eigen::MatrixXd k(60, 60);
  for (int i = 0; i < 60; ++i) {
    for (int j = 0; j < 60; ++j) {
      const Levels& left = models[static_cast<std::size_t>(i)];
      const Levels& right = models[static_cast<std::size_t>(j)];
      k(i, j) = surrogate.Covariance(left, right);
      EXPECT_THAT(k(i, j), DoubleNear(SlowCovariance(surrogate, left, right), 1e-12));
    }
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(k);
  EXPECT_GT(solver.eigenvalues().minCoeff(), -1e-10);
}

TEST(Surrogate, PredictionIsThatOfTheDenseFormula) {
  Planted planted(4, 3, 2);
  Surrogate surrogate(PlainParts(4, 3));
  std::vector<Observation> observations = planted.Observe(20, Additive, 0.2);
  observations[3].repeats = 4;
  surrogate.Fit(observations);
  const Hyperparameters& h = surrogate.hyperparameters();
  const Scale& scale = surrogate.scale();
  const auto n = static_cast<Eigen::Index>(observations.size());
  Eigen::MatrixXd k(n, n);
  Eigen::VectorXd y(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const Observation& observation = observations[static_cast<std::size_t>(i)];
    y[i] = scale.Scaled(observation.score);
    for (Eigen::Index j = 0; j < n; ++j) {
      k(i, j) = SlowCovariance(surrogate, observation.levels,
                               observations[static_cast<std::size_t>(j)].levels);
    }
    k(i, i) += h.noise / static_cast<double>(observation.repeats);
  }
  const Eigen::MatrixXd inverse = k.inverse();
  for (int t = 0; t < 20; ++t) {
    const Levels model = planted.Draw();
    Eigen::VectorXd with(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      with[i] = SlowCovariance(surrogate, model, observations[static_cast<std::size_t>(i)].levels);
    }
    const Prediction prediction = surrogate.Predict(model);
    const double variance = SlowCovariance(surrogate, model, model) - with.dot(inverse * with);
    EXPECT_NEAR(prediction.mean, scale.centre + scale.unit * with.dot(inverse * y), 1e-5);
    EXPECT_NEAR(prediction.sd, scale.unit * std::sqrt(variance), 1e-5);
  }
}

TEST(Surrogate, OneModelAPoolAndAJointAgree) {
  Planted planted(4, 3, 3);
  Surrogate surrogate(PlainParts(4, 3));
  surrogate.Fit(planted.Observe(25, Pairwise, 0.1));
  surrogate.Suppose(planted.Draw());
  std::vector<Levels> models;
  for (int i = 0; i < 10; ++i) models.push_back(planted.Draw());
  const std::vector<Prediction> pool = surrogate.Predict(Pool(4, models));
  const Surrogate::Joint joint = surrogate.PredictJointly(models);
  for (std::size_t i = 0; i < models.size(); ++i) {
    const auto at = static_cast<Eigen::Index>(i);
    EXPECT_NEAR(surrogate.Predict(models[i]).mean, pool[i].mean, 1e-9);
    EXPECT_NEAR(surrogate.Predict(models[i]).sd, pool[i].sd, 1e-9);
    EXPECT_NEAR(joint.mean[at], pool[i].mean, 1e-9);
    EXPECT_NEAR(joint.covariance(at, at), pool[i].sd * pool[i].sd, 1e-9);
  }
}

TEST(Surrogate, GradientLeadsToWeightsThatFitWhatIsPlanted) {
  const auto fitted = [](double (*truth)(const Levels&)) {
    Planted planted(6, 4, 4);
    Surrogate surrogate(PlainParts(6, 4));
    surrogate.Fit(planted.Observe(80, truth, 0.05));
    return surrogate.hyperparameters();
  };
  const Hyperparameters additive = fitted(Additive);
  EXPECT_GT(additive.additive, 4 * additive.pairwise);
  const Hyperparameters pairwise = fitted(Pairwise);
  EXPECT_GT(pairwise.pairwise, 4 * pairwise.additive);
}

TEST(Surrogate, FindsThePartsThatMatter) {
  Planted planted(5, 3, 5);
  Surrogate surrogate(PlainParts(5, 3));
  const auto truth = [](const Levels& model) {
    return static_cast<double>(model[1]) + 2 * static_cast<double>(model[3] % 2);
  };
  surrogate.Fit(planted.Observe(60, truth, 0.1));
  const std::vector<double>& relevance = surrogate.hyperparameters().relevance;
  for (const std::size_t quiet : {0, 2, 4}) {
    EXPECT_GT(relevance[1], 2 * relevance[quiet]);
    EXPECT_GT(relevance[3], 2 * relevance[quiet]);
  }
}

TEST(Surrogate, LearnsWhetherNumbersCountByDistance) {
  const auto by_place = [](const std::function<double(std::int64_t)>& worth) {
    Planted planted(3, 9, 6);
    std::vector<Part> parts;
    for (int i = 0; i < 3; ++i) parts.push_back(NumericPart("n", {1, 2, 3, 4, 5, 6, 7, 8, 9}));
    Surrogate surrogate(parts);
    const auto truth = [&](const Levels& m) { return worth(m[0]) + worth(m[1]) + worth(m[2]); };
    surrogate.Fit(planted.Observe(60, truth, 0.05));
    return surrogate.hyperparameters().by_place;
  };
  const double smooth =
      by_place([](std::int64_t level) { return std::sin(0.3 * static_cast<double>(level)); });
  const double rough = by_place([](std::int64_t level) { return level % 2 == 0 ? 1.0 : -1.0; });
  EXPECT_GT(smooth, 0.8);
  EXPECT_LT(rough, 0.5);
}

TEST(Surrogate, FindsTheSeedNoise) {
  Planted planted(4, 3, 7);
  for (const double noise : {0.1, 0.8}) {
    std::vector<Observation> observations;
    for (int i = 0; i < 20; ++i) {
      const Levels model = planted.Draw();
      for (int seed = 0; seed < 4; ++seed) {
        observations.push_back({model, Additive(model) + noise * planted.Normal(), 1});
      }
    }
    Surrogate surrogate(PlainParts(4, 3));
    surrogate.Fit(observations);
    EXPECT_GT(surrogate.seed_noise(), 0.75 * noise);
    EXPECT_LT(surrogate.seed_noise(), 1.33 * noise);
  }
}

TEST(Surrogate, FindsTheSeedNoiseInTheSpreadOfSeeds) {
  Planted planted(4, 3, 11);
  for (const double noise : {0.05, 1.0}) {
    std::vector<Observation> observations;
    for (int i = 0; i < 20; ++i) {
      const Levels model = planted.Draw();
      std::vector<double> scores;
      for (int seed = 0; seed < 4; ++seed) {
        scores.push_back(Additive(model) + noise * planted.Normal());
      }
      Observation observation{model, (scores[0] + scores[1] + scores[2] + scores[3]) / 4, 4};
      for (const double score : scores) {
        observation.squares += (score - observation.score) * (score - observation.score);
      }
      observations.push_back(observation);
    }
    Surrogate surrogate(PlainParts(4, 3));
    surrogate.Fit(observations);
    EXPECT_GT(surrogate.seed_noise(), 0.75 * noise);
    EXPECT_LT(surrogate.seed_noise(), 1.33 * noise);
  }
}

TEST(Surrogate, SupposedModelTeachesNothingMoreAndChangesNoMean) {
  Planted planted(4, 3, 8);
  Surrogate surrogate(PlainParts(4, 3));
  surrogate.Fit(planted.Observe(15, Additive, 0.1));
  const Levels model = planted.Draw();
  const Levels other = planted.Draw();
  const Prediction before = surrogate.Predict(model);
  const Prediction beside = surrogate.Predict(other);
  surrogate.Suppose(model);
  EXPECT_DOUBLE_EQ(surrogate.Predict(model).mean, before.mean);
  EXPECT_DOUBLE_EQ(surrogate.Predict(other).mean, beside.mean);
  EXPECT_LT(surrogate.Predict(model).sd, 0.8 * before.sd);
  EXPECT_LE(surrogate.Predict(other).sd, beside.sd);
}

TEST(Surrogate, HoldsWithScoresThatAreAllEqualOneOrNone) {
  for (const std::size_t count : {0, 1, 2, 30}) {
    Planted planted(3, 3, 9);
    Surrogate surrogate(PlainParts(3, 3));
    surrogate.Fit(planted.Observe(count, [](const Levels&) { return 0.5; }, 0));
    const Prediction prediction = surrogate.Predict(planted.Draw());
    EXPECT_TRUE(std::isfinite(prediction.mean)) << count;
    EXPECT_TRUE(std::isfinite(prediction.sd)) << count;
    if (count > 0) {
      EXPECT_NEAR(prediction.mean, 0.5, 1e-9);
    }
  }
}

TEST(Surrogate, HoldsWithOnePartAndWithNone) {
  Surrogate one(PlainParts(1, 3));
  one.Fit({{{0}, 1.0, 1}, {{1}, 2.0, 1}, {{2}, 3.0, 1}});
  EXPECT_GT(one.Predict({2}).mean, one.Predict({0}).mean);
  Surrogate none({});
  none.Fit({{{}, 0.4, 1}, {{}, 0.6, 1}});
  EXPECT_NEAR(none.Predict(Levels{}).mean, 0.5, 0.05);
}

TEST(Surrogate, SameObservationsGiveTheSameAnswerToTheLastBit) {
  const auto answer = [] {
    Planted planted(5, 4, 10);
    Surrogate surrogate(PlainParts(5, 4));
    surrogate.Fit(planted.Observe(40, Pairwise, 0.3));
    const Prediction prediction = surrogate.Predict(planted.Draw());
    return std::pair(prediction.mean, prediction.sd);
  };
  EXPECT_EQ(answer(), answer());
}

TEST(Scale, DrawsFailuresInAndGoesBackToTheScore) {
  const Scale scale = ScaleOf({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1e6});
  EXPECT_DOUBLE_EQ(scale.centre, 5);
  EXPECT_DOUBLE_EQ(scale.unit, 4);
  EXPECT_GT(scale.Scaled(-1e6), -15);
  for (const double score : {-1e6, -3.0, 1.0, 5.0, 9.0, 30.0}) {
    EXPECT_NEAR(scale.Score(scale.Scaled(score)), score, 1e-6 * std::abs(score));
  }
  EXPECT_LT(scale.Scaled(-1e6), scale.Scaled(-1e5));
}

TEST(Scale, HasAUnitWhereMostScoresAreEqual) {
  EXPECT_DOUBLE_EQ(ScaleOf({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3}).unit, 2);
  EXPECT_DOUBLE_EQ(ScaleOf({1, 1, 1, 0.5}).unit, 0.35);
  EXPECT_DOUBLE_EQ(ScaleOf({1, 1, 1}).unit, 1);
  EXPECT_DOUBLE_EQ(ScaleOf({}).unit, 1);
}

TEST(ExpectedGain, IsTheMeanOfWhatIsAbove) {
  EXPECT_NEAR(ExpectedGain({0, 1}, 0), 0.3989422804, 1e-9);
  EXPECT_NEAR(ExpectedGain({2, 0.001}, 0), 2, 1e-9);
  EXPECT_DOUBLE_EQ(ExpectedGain({2, 0}, 1), 1);
  EXPECT_DOUBLE_EQ(ExpectedGain({1, 0}, 2), 0);
  EXPECT_GE(ExpectedGain({-50, 1}, 0), 0);
}

}  // namespace
}  // namespace beamgrid
