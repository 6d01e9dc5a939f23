#pragma once
// A Gaussian process over the parts of a model with given hyperparameters. It knows nothing of
// units: scores are scaled.
//
// With s_p the likeness of two models in part p (1: the same, 0: nothing in common), r_p the part's
// relevance and R = sum of r_p, two models covary by
//   k = additive * sum_p r_p s_p / R                                  each part by itself
//     + pairwise * sum_{p<q} r_p r_q s_p s_q / sum_{p<q} r_p r_q      two parts together
//     + local    * prod_p (1 - (1 - exp(-r_p)) (1 - s_p))             whatever is left, nearby
//     + identity * [the same model]                                   this one model
// (Duvenaud et al. 2011, "Additive Gaussian Processes", cut off after the pairs), and an
// observation is the model's score with noise / repeats as the variance of its error.

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <vector>

#include "search/surrogate/parts.h"

namespace beamgrid {

/// Fixed variance of the process's level: the scores' centre is only about that of all models.
inline constexpr double kLevelVariance = 1.0;

/// Hyperparameters are the weights of the terms, in units of the scaled score, squared.
struct Hyperparameters {
  double additive = 0.5, pairwise = 0.25, local = 0.25, identity = 0.02;
  double noise = 0.05;            ///< variance of one seed's score around the model's
  double by_place = 0.5;          ///< how much of a part's likeness is that of places; 0 to 1
  std::vector<double> relevance;  ///< one per part, their mean near 1
};

/// Pool is a list of models whose levels are looked up once, to predict them many times.
class Pool {
 public:
  Pool() = default;
  Pool(std::size_t parts, const std::vector<Levels>& models);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class Process;
  std::size_t size_ = 0;
  std::vector<std::vector<std::int64_t>> levels_;  ///< per part: its levels that occur
  std::vector<std::vector<std::uint32_t>>
      digits_;  ///< per part: of each model, the place in levels_
};

/// Process is what is known of the models under some hyperparameters.
class Process {
 public:
  using Parts = std::shared_ptr<const std::vector<Part>>;
  Process(Parts parts, Hyperparameters hyperparameters);

  /// Takes what was observed, in the place of all earlier observations: scaled scores, and the
  /// variances of their errors in units of the noise.
  void Condition(const std::vector<Levels>& models, const Eigen::VectorXd& scores,
                 const std::vector<double>& errors);
  /// Adds a model whose score is not known yet, as if it had been measured just as expected: means
  /// stay, and what it would teach is no more to be learned.
  void Suppose(const Levels& levels);

  /// Moments are of each model's score over all seeds: its mean, and its variance.
  struct Moments {
    Eigen::VectorXd mean, variance;
  };
  [[nodiscard]] Moments Predict(const Pool& pool) const;
  /// Returns the prior covariance of two models.
  [[nodiscard]] double Covariance(const Levels& left, const Levels& right) const;
  [[nodiscard]] const Hyperparameters& hyperparameters() const { return hyper_; }

 private:
  [[nodiscard]] Eigen::MatrixXd CovarianceWith(const Pool& pool) const;  ///< [known, models]
  [[nodiscard]] double PriorVariance() const;

  Parts parts_;
  Hyperparameters hyper_;
  std::vector<Levels> known_;  ///< observed models, then supposed ones
  Eigen::MatrixXd factor_;     ///< lower triangle of Cholesky of all known
  Eigen::VectorXd weights_;    ///< of the observed ones
};

}  // namespace beamgrid
