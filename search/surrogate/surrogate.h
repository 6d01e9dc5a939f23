#pragma once
// What a study has measured, as a Gaussian process over the parts of a model. It says of any model
// what score to expect and how sure that is, and which parts matter. Pure and deterministic: the
// same observations in the same order give the same answers to the last bit.
//
// With s_p the likeness of two models in part p (1: the same, 0: nothing in common), r_p the part's
// relevance and R = sum of r_p, two models covary by
//   k = additive * sum_p r_p s_p / R                                  each part by itself
//     + pairwise * sum_{p<q} r_p r_q s_p s_q / sum_{p<q} r_p r_q      two parts together
//     + local    * prod_p (1 - (1 - exp(-r_p)) (1 - s_p))             whatever is left, nearby
//     + identity * [the same model]                                   this one model
// (Duvenaud et al. 2011, "Additive Gaussian Processes", cut off after the pairs), and an
// observation is the model's score with noise / repeats as the variance of its error. The weights
// and the relevances are those that make the observations most likely, under priors that hold them
// near equal parts where the observations do not say otherwise.

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace beamgrid {

/// Likeness of two levels of a part, each from 0 to 1: as names (1 if the same, and between for two
/// variants of one component), and as places on a scale, where they are numbers. The surrogate
/// learns which of the two counts.
struct Likeness {
  double by_name = 0;
  double by_place = 0;
};

/// Part is one thing that models differ in. `likeness` must be a positive semidefinite function of
/// two levels, with {1, 1} for a level and itself.
struct Part {
  std::string name;
  std::int64_t levels = 0;
  std::function<Likeness(std::int64_t, std::int64_t)> likeness;
};

/// RankScale is the places of numbers among the distinct ones, and the distance in ranks over which
/// likeness falls to 1/e.
struct RankScale {
  std::vector<double> ranks;
  double reach = 1;
};
[[nodiscard]] RankScale RanksOf(const std::vector<double>& values);

/// Returns a part whose levels have nothing in common.
[[nodiscard]] Part PlainPart(std::string name, std::int64_t levels);
/// Returns a part whose levels are numbers: how alike two are falls with the distance between them,
/// measured in ranks.
[[nodiscard]] Part NumericPart(std::string name, const std::vector<double>& values);

/// A model as the surrogate sees it: the level of each part, in the order of the parts.
using Levels = std::vector<std::int64_t>;

/// Observation is the mean score of one model over `repeats` seeds. One model may be observed more
/// than once. Scores are finite; larger is better.
struct Observation {
  Levels levels;
  double score = 0;
  std::int64_t repeats = 1;
  double squares = 0;  ///< of what each seed's score is off the mean, summed: 0 for one seed
};

/// Hyperparameters are what the fit chose, in units of the scaled score (`Scale`).
struct Hyperparameters {
  double additive = 0.5, pairwise = 0.25, local = 0.25, identity = 0.02;
  double noise = 0.05;            ///< variance of one seed's score around the model's
  double by_place = 0.5;          ///< how much of a part's likeness is that of places; 0 to 1
  std::vector<double> relevance;  ///< one per part, their mean near 1
};

/// Scale is how scores become what the process models: (score - centre) / unit, and what lies below
/// `floor` drawn towards it, so that a few models that did not learn at all do not decide.
struct Scale {
  double centre = 0, unit = 1;

  [[nodiscard]] double Scaled(double score) const;
  [[nodiscard]] double Score(double scaled) const;
};

/// Prediction is the score that a model would have on average over all seeds: normal with this mean
/// and standard deviation, in units of the score.
struct Prediction {
  double mean = 0, sd = 0;
};

/// Pool is a list of models whose levels are looked up once, to predict them many times.
class Pool {
 public:
  Pool() = default;
  Pool(std::size_t parts, const std::vector<Levels>& models);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class Surrogate;
  std::size_t size_ = 0;
  std::vector<std::vector<std::int64_t>> levels_;  ///< per part: its levels that occur
  std::vector<std::vector<std::uint32_t>>
      digits_;  ///< per part: of each model, the place in levels_
};

/// Surrogate is the process. Legal order of calls: Fit, then the rest; Suppose may add to it.
class Surrogate {
 public:
  explicit Surrogate(std::vector<Part> parts);

  /// Takes the observations in the place of all earlier ones and chooses the hyperparameters. Costs
  /// some 100 n^3 operations for n observations.
  void Fit(const std::vector<Observation>& observations);
  /// Takes the observations and keeps the hyperparameters and the scale (of an earlier Fit, or
  /// those given here).
  void Condition(const std::vector<Observation>& observations);
  void Condition(const std::vector<Observation>& observations, Hyperparameters hyperparameters,
                 Scale scale);
  /// Adds a model whose score is not known yet, as if it had been measured just as expected: means
  /// stay, and what it would teach is no more to be learned.
  void Suppose(const Levels& levels);

  /// Returns what to expect of models.
  [[nodiscard]] Prediction Predict(const Levels& model) const;
  [[nodiscard]] std::vector<Prediction> Predict(const Pool& pool) const;
  /// Returns the joint normal of several models, in units of the score (and its square).
  struct Joint {
    Eigen::VectorXd mean;
    Eigen::MatrixXd covariance;
  };
  [[nodiscard]] Joint PredictJointly(const std::vector<Levels>& models) const;

  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  [[nodiscard]] const Hyperparameters& hyperparameters() const { return hyper_; }
  [[nodiscard]] const Scale& scale() const { return scale_; }
  /// Returns the standard deviation of a score between seeds, in units of the score.
  [[nodiscard]] double seed_noise() const;
  /// Returns the logarithm of the observations' likelihood under the hyperparameters (scaled).
  [[nodiscard]] double LogLikelihood() const;
  /// Returns the prior covariance of two models, scaled.
  [[nodiscard]] double Covariance(const Levels& left, const Levels& right) const;

 private:
  void Factorise();
  [[nodiscard]] Eigen::MatrixXd CovarianceWith(const Pool& pool) const;  ///< [known, models]
  [[nodiscard]] double PriorVariance() const;

  std::vector<Part> parts_;
  Hyperparameters hyper_;
  Scale scale_;
  std::vector<Levels> known_;   ///< observed models, then supposed ones
  std::vector<double> errors_;  ///< of each: the variance of its error, in units of hyper_.noise
  Eigen::VectorXd scores_;      ///< scaled, of the observed ones
  Eigen::MatrixXd factor_;      ///< lower triangle of Cholesky of all known
  Eigen::VectorXd weights_;     ///< of the observed ones
};

/// Returns the scale of the scores: centre their median, unit from there to the 90th percentile
/// (or, where many scores are equal, the next measure of spread that is not 0).
[[nodiscard]] Scale ScaleOf(const std::vector<double>& scores);

/// Returns the mean of max(0, x - best) for x normal: what is gained over `best` on average.
[[nodiscard]] double ExpectedGain(const Prediction& prediction, double best);

}  // namespace beamgrid
