// One Gaussian process against the dense formulas, and its hyperparameters against what is planted.
#include "search/surrogate/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <cmath>

#include "search/surrogate/hyperparameters.h"
#include "tests/search/surrogate/planted_scores.h"

namespace beamgrid {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using testing::DoubleNear;

/// The formula of the header, term by term.
double SlowCovariance(const std::vector<Part>& parts, const Hyperparameters& h, const Levels& a,
                      const Levels& b) {
  const std::size_t n = a.size();
  double total = 0;
  double pairs = 0;
  double additive = 0;
  double pairwise = 0;
  double local = 1;
  const auto like = [&](std::size_t p) {
    const Likeness s = parts[p].likeness(a[p], b[p]);
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

/// Scores of models drawn at random, as they are.
struct Drawn {
  std::vector<Levels> models;
  VectorXd scores;
  std::vector<double> errors;
};
Drawn DrawnOf(const std::vector<Observation>& observations) {
  Drawn drawn;
  drawn.scores.resize(static_cast<Index>(observations.size()));
  for (const Observation& observation : observations) {
    drawn.scores[static_cast<Index>(drawn.models.size())] = observation.score;
    drawn.models.push_back(observation.levels);
    drawn.errors.push_back(1.0 / static_cast<double>(observation.repeats));
  }
  return drawn;
}

Hyperparameters SomeHyperparameters() {
  return {.additive = 0.7,
          .pairwise = 0.4,
          .local = 0.2,
          .identity = 0.03,
          .noise = 0.05,
          .by_place = 0.6,
          .relevance = {0.5, 1.5, 0.8, 1.1, 0.3}};
}

std::vector<Part> MixedParts() {
  std::vector<Part> parts = PlainParts(3, 4);
  parts.push_back(NumericPart("n", {1, 2, 4, 8}));
  parts.push_back(NumericPart("m", {8, 1, 2, 4}));
  return parts;
}

Process ProcessOf(const std::vector<Part>& parts, const Hyperparameters& hyper) {
  return {std::make_shared<const std::vector<Part>>(parts), hyper};
}

TEST(Process, CovarianceIsTheFormulaAndPositiveDefinite) {
  Planted planted(5, 4, 1);
  const Process process = ProcessOf(MixedParts(), SomeHyperparameters());
  std::vector<Levels> models;
  for (int i = 0; i < 60; ++i) models.push_back(planted.Draw());
  MatrixXd k(60, 60);
  for (int i = 0; i < 60; ++i) {
    for (int j = 0; j < 60; ++j) {
      const Levels& left = models[static_cast<std::size_t>(i)];
      const Levels& right = models[static_cast<std::size_t>(j)];
      k(i, j) = process.Covariance(left, right);
      EXPECT_THAT(
          k(i, j),
          DoubleNear(SlowCovariance(MixedParts(), SomeHyperparameters(), left, right), 1e-12));
    }
  }
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(k);
  EXPECT_GT(solver.eigenvalues().minCoeff(), -1e-10);
}

TEST(Process, PredictionIsThatOfTheDenseFormula) {
  Planted planted(5, 4, 2);
  std::vector<Observation> observations = planted.Observe(20, Additive, 0.2);
  observations[3].repeats = 4;
  const Drawn drawn = DrawnOf(observations);
  const Hyperparameters h = SomeHyperparameters();
  Process process = ProcessOf(MixedParts(), h);
  process.Condition(drawn.models, drawn.scores, drawn.errors);
  const Index n = drawn.scores.size();
  MatrixXd k(n, n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      k(i, j) = SlowCovariance(MixedParts(), h, drawn.models[static_cast<std::size_t>(i)],
                               drawn.models[static_cast<std::size_t>(j)]);
    }
    k(i, i) += h.noise * drawn.errors[static_cast<std::size_t>(i)];
  }
  const MatrixXd inverse = k.inverse();
  std::vector<Levels> models;
  for (int t = 0; t < 20; ++t) models.push_back(planted.Draw());
  const Process::Moments moments = process.Predict(Pool(5, models));
  for (Index t = 0; t < 20; ++t) {
    const Levels& model = models[static_cast<std::size_t>(t)];
    VectorXd with(n);
    for (Index i = 0; i < n; ++i) {
      with[i] = SlowCovariance(MixedParts(), h, model, drawn.models[static_cast<std::size_t>(i)]);
    }
    EXPECT_NEAR(moments.mean[t], with.dot(inverse * drawn.scores), 1e-5);
    EXPECT_NEAR(moments.variance[t],
                SlowCovariance(MixedParts(), h, model, model) - with.dot(inverse * with), 1e-5);
  }
}

TEST(Process, SupposedModelIsAsOneThatWasMeasuredJustAsExpected) {
  Planted planted(5, 4, 3);
  Drawn drawn = DrawnOf(planted.Observe(15, Additive, 0.1));
  Process process = ProcessOf(MixedParts(), SomeHyperparameters());
  process.Condition(drawn.models, drawn.scores, drawn.errors);
  Process measured = process;
  const Levels model = planted.Draw();
  drawn.models.push_back(model);
  drawn.errors.push_back(1);
  drawn.scores.conservativeResize(16);
  drawn.scores[15] = process.Predict(Pool(5, {model})).mean[0];
  measured.Condition(drawn.models, drawn.scores, drawn.errors);
  process.Suppose(model);
  const Pool others(5, {model, planted.Draw(), planted.Draw()});
  const Process::Moments supposed = process.Predict(others);
  EXPECT_TRUE(supposed.mean.isApprox(measured.Predict(others).mean, 1e-9));
  EXPECT_TRUE(supposed.variance.isApprox(measured.Predict(others).variance, 1e-6));
}

Hyperparameters Fitted(const std::vector<Part>& parts, const Drawn& drawn) {
  return MostLikely(LikenessesOf(parts, drawn.models), drawn.scores, drawn.errors, {});
}

/// The logarithm of prior times likelihood that both ways to hyperparameters are about, from the
/// dense formulas.
double SlowLikelihood(const std::vector<Part>& parts, const Hyperparameters& h,
                      const Drawn& drawn) {
  const Index n = drawn.scores.size();
  MatrixXd k(n, n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      k(i, j) = SlowCovariance(parts, h, drawn.models[static_cast<std::size_t>(i)],
                               drawn.models[static_cast<std::size_t>(j)]);
    }
    k(i, i) += h.noise * drawn.errors[static_cast<std::size_t>(i)];
  }
  return -0.5 * drawn.scores.dot(k.inverse() * drawn.scores) - 0.5 * std::log(k.determinant());
}

/// The scores less their mean, in units of their deviation.
void Standardise(VectorXd& scores) {
  scores.array() -= scores.mean();
  scores /= std::sqrt(scores.squaredNorm() / static_cast<double>(scores.size()));
}

TEST(Hyperparameters, LikelyOnesFitWhatIsPlanted) {
  const auto fitted = [](double (*truth)(const Levels&)) {
    Planted planted(6, 4, 4);
    Drawn drawn = DrawnOf(planted.Observe(80, truth, 0.05));
    Standardise(drawn.scores);
    return Fitted(PlainParts(6, 4), drawn);
  };
  const Hyperparameters additive = fitted(Additive);
  EXPECT_GT(additive.additive, 4 * additive.pairwise);
  const Hyperparameters pairwise = fitted(Pairwise);
  EXPECT_GT(pairwise.pairwise, 4 * pairwise.additive);
}

TEST(Hyperparameters, DrawnOnesAreAsLikelyAsTheBestAndNotTheSame) {
  Planted planted(5, 4, 4);
  Drawn drawn = DrawnOf(planted.Observe(40, Additive, 0.3));
  Standardise(drawn.scores);
  const std::vector<Part> parts = MixedParts();
  const double expected = SlowLikelihood(parts, ExpectedHyperparameters(5), drawn);
  const double best = SlowLikelihood(parts, Fitted(parts, drawn), drawn);
  EXPECT_GT(best, expected);
  const std::vector<Hyperparameters> draws =
      DrawLikely(LikenessesOf(parts, drawn.models), drawn.scores, drawn.errors, {}, 20);
  ASSERT_EQ(draws.size(), 20);
  double mean = 0;
  for (std::size_t i = 0; i < draws.size(); ++i) {
    mean += SlowLikelihood(parts, draws[i], drawn) / 20;
    if (i > 0) {
      EXPECT_NE(draws[i].noise, draws[i - 1].noise);
    }
  }
  // Of 11 hyperparameters a draw loses some half each, less where the prior alone says.
  EXPECT_GT(mean, best - 11);
}

TEST(Hyperparameters, DrawsOfWhatNothingWasObservedOfAreThePrior) {
  const std::vector<Part> parts = PlainParts(2, 3);
  const std::vector<Hyperparameters> draws =
      DrawLikely(LikenessesOf(parts, {}), VectorXd(0), {}, {}, 400);
  const Hyperparameters expected = ExpectedHyperparameters(2);
  double mean = 0;
  double squares = 0;
  for (const Hyperparameters& draw : draws) {
    const double off = std::log(draw.additive / expected.additive);
    mean += off / 400;
    squares += off * off / 400;
  }
  EXPECT_NEAR(mean, 0, 0.2);
  EXPECT_NEAR(std::sqrt(squares), 1, 0.15);
}

TEST(RankScale, NearnessIsThatOfMaternAndFallsWithRanks) {
  const RankScale scale = RanksOf({1, 10, 100, 100, 1000});
  EXPECT_THAT(scale.ranks, testing::ElementsAre(0, 1, 2, 2, 3));
  EXPECT_DOUBLE_EQ(scale.reach, 1.5);
  EXPECT_DOUBLE_EQ(scale.Nearness(2, 3), 1);
  EXPECT_NEAR(scale.Nearness(0, 1), 0.7277627414, 1e-9);
  EXPECT_DOUBLE_EQ(scale.Nearness(1, 2), scale.Nearness(1, 0));
  EXPECT_GT(scale.Nearness(0, 2), scale.Nearness(0, 4));
}

}  // namespace
}  // namespace beamgrid
