#include "search/surrogate/process.h"

#include <Eigen/Cholesky>
#include <cmath>
#include <map>
#include <stdexcept>

namespace beamgrid {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// What is added to the diagonal for the sake of rounding, in units of the scaled variance.
constexpr double kJitter = 1e-8;

}  // namespace

Pool::Pool(std::size_t parts, const std::vector<Levels>& models)
    : size_(models.size()), levels_(parts), digits_(parts) {
  for (std::size_t p = 0; p < parts; ++p) {
    std::map<std::int64_t, std::uint32_t> places;
    digits_[p].reserve(models.size());
    for (const Levels& model : models) {
      const auto [place, is_new] =
          places.emplace(model[p], static_cast<std::uint32_t>(levels_[p].size()));
      if (is_new) levels_[p].push_back(model[p]);
      digits_[p].push_back(place->second);
    }
  }
}

Process::Process(Parts parts, Hyperparameters hyperparameters)
    : parts_(std::move(parts)), hyper_(std::move(hyperparameters)) {}

void Process::Condition(const std::vector<Levels>& models, const VectorXd& scores,
                        const std::vector<double>& errors) {
  known_ = models;
  MatrixXd k = CovarianceWith(Pool(parts_->size(), known_));
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const auto at = static_cast<Index>(i);
    k(at, at) += hyper_.noise * errors[i] + kJitter;
  }
  const Eigen::LLT<MatrixXd> cholesky(k);
  if (cholesky.info() != Eigen::Success) {
    throw std::logic_error("surrogate: the covariance of the models is not positive definite");
  }
  factor_ = cholesky.matrixL();
  weights_ = cholesky.solve(scores);
}

void Process::Suppose(const Levels& levels) {
  const Index n = factor_.rows();
  const VectorXd row = factor_.triangularView<Eigen::Lower>().solve(
      VectorXd(CovarianceWith(Pool(parts_->size(), {levels})).col(0)));
  const double rest = PriorVariance() + hyper_.noise + kJitter - row.squaredNorm();
  MatrixXd larger = MatrixXd::Zero(n + 1, n + 1);
  larger.topLeftCorner(n, n) = factor_;
  larger.row(n).head(n) = row.transpose();
  larger(n, n) = std::sqrt(std::max(rest, kJitter));
  factor_ = std::move(larger);
  known_.push_back(levels);
}

double Process::PriorVariance() const {
  // Every model is wholly like itself.
  return kLevelVariance + hyper_.additive + (parts_->size() > 1 ? hyper_.pairwise : 0) +
         hyper_.local + hyper_.identity;
}

MatrixXd Process::CovarianceWith(const Pool& pool) const {
  const auto size = static_cast<Index>(pool.size());
  double total = 0;
  double squares = 0;
  for (const double r : hyper_.relevance) {
    total += r;
    squares += r * r;
  }
  const double pairs = total * total - squares;
  MatrixXd covariance(static_cast<Index>(known_.size()), size);
  Eigen::ArrayXd sum(size);
  Eigen::ArrayXd sum_squares(size);
  Eigen::ArrayXd local(size);
  Eigen::ArrayXd same(size);
  std::vector<double> first;
  std::vector<double> near;
  std::vector<double> equal;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    sum.setZero();
    sum_squares.setZero();
    local.setOnes();
    same.setOnes();
    for (std::size_t p = 0; p < parts_->size(); ++p) {
      const double r = hyper_.relevance[p];
      const double far = 1 - std::exp(-r);
      const std::vector<std::int64_t>& levels = pool.levels_[p];
      first.resize(levels.size());
      near.resize(levels.size());
      equal.resize(levels.size());
      for (std::size_t l = 0; l < levels.size(); ++l) {
        Likeness like{1, 1};
        equal[l] = levels[l] == known_[i][p] ? 1 : 0;
        if (equal[l] == 0) like = (*parts_)[p].likeness(known_[i][p], levels[l]);
        const double s = like.by_name + hyper_.by_place * (like.by_place - like.by_name);
        first[l] = r * s;
        near[l] = 1 - far * (1 - s);
      }
      const std::uint32_t* digit = pool.digits_[p].data();
      for (Index j = 0; j < size; ++j) {
        const std::uint32_t l = digit[j];
        const double s = first[l];
        sum[j] += s;
        sum_squares[j] += s * s;
        local[j] *= near[l];
        same[j] *= equal[l];
      }
    }
    Eigen::ArrayXd k = kLevelVariance + hyper_.local * local + hyper_.identity * same;
    if (!parts_->empty()) k += (hyper_.additive / total) * sum;
    if (parts_->size() > 1) k += (hyper_.pairwise / pairs) * (sum.square() - sum_squares);
    if (parts_->empty()) k += hyper_.additive;
    covariance.row(static_cast<Index>(i)) = k.matrix().transpose();
  }
  return covariance;
}

Process::Moments Process::Predict(const Pool& pool) const {
  MatrixXd with = CovarianceWith(pool);
  Moments moments;
  moments.mean = with.topRows(weights_.size()).transpose() * weights_;
  factor_.triangularView<Eigen::Lower>().solveInPlace(with);
  moments.variance =
      (PriorVariance() - with.colwise().squaredNorm().transpose().array()).max(0.0).matrix();
  return moments;
}

double Process::Covariance(const Levels& left, const Levels& right) const {
  double total = 0;
  double squares = 0;
  double sum = 0;
  double sum_squares = 0;
  double local = 1;
  for (std::size_t p = 0; p < parts_->size(); ++p) {
    const double r = hyper_.relevance[p];
    const Likeness like =
        left[p] == right[p] ? Likeness{1, 1} : (*parts_)[p].likeness(left[p], right[p]);
    const double s = like.by_name + hyper_.by_place * (like.by_place - like.by_name);
    total += r;
    squares += r * r;
    sum += r * s;
    sum_squares += r * r * s * s;
    local *= 1 - (1 - std::exp(-r)) * (1 - s);
  }
  double k = kLevelVariance + hyper_.local * local + (left == right ? hyper_.identity : 0);
  k += parts_->empty() ? hyper_.additive : hyper_.additive * sum / total;
  if (parts_->size() > 1) {
    k += hyper_.pairwise * (sum * sum - sum_squares) / (total * total - squares);
  }
  return k;
}

}  // namespace beamgrid
