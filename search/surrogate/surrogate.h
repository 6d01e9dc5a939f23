#pragma once
// What a study has measured, as a Gaussian process over the parts of a model. It says of any model
// what score to expect and how sure that is, and which parts matter. Pure and deterministic: the
// same observations in the same order give the same answers to the last bit.
//
// The process has hyperparameters (Process): how much each part matters, and how much parts do by
// themselves or together. Of a few dozen scores they cannot be told exactly, and the likeliest ones
// alone are too sure of themselves. So several processes are kept, with hyperparameters drawn from
// what the scores leave open, and what is expected is their average (Snoek et al. 2012, "Practical
// Bayesian Optimization of Machine Learning Algorithms").

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "search/surrogate/parts.h"
#include "search/surrogate/process.h"

namespace beamgrid {

/// Observation is the mean score of one model over `repeats` seeds. One model may be observed more
/// than once. Scores are finite; larger is better.
struct Observation {
  Levels levels;
  double score = 0;
  std::int64_t repeats = 1;
  double squares = 0;  ///< of what each seed's score is off the mean, summed: 0 for one seed
};

/// Scale is how scores become what the process models: (score - centre) / unit, and what lies below
/// `floor` drawn towards it, so that a few models that did not learn at all do not decide.
struct Scale {
  double centre = 0, unit = 1;

  [[nodiscard]] double Scaled(double score) const;
  [[nodiscard]] double Score(double scaled) const;
};

/// Prediction is the score that a model would have on average over all seeds: normal with this mean
/// and standard deviation, in units of the score. Below the scale's floor it is drawn towards it,
/// as what was observed is: Outlook is what to tell people.
struct Prediction {
  double mean = 0, sd = 0;
};

/// Outlook is a prediction as a score: as likely above `middle` as below, and in 95 of 100 cases
/// between `low` and `high`.
struct Outlook {
  double middle = 0, low = 0, high = 0;
};

/// Surrogate is the average of the processes. Legal order of calls: Fit, then the rest; Suppose may
/// add to it.
class Surrogate {
 public:
  explicit Surrogate(std::vector<Part> parts);

  /// Takes the observations in the place of all earlier ones and draws the hyperparameters. Costs
  /// some 200 n^3 operations for n observations.
  void Fit(const std::vector<Observation>& observations);
  /// Takes the observations and keeps the hyperparameters and the scale of the last Fit.
  void Condition(const std::vector<Observation>& observations);
  /// Adds a model whose score is not known yet, as if it had been measured just as expected: means
  /// stay, and what it would teach is no more to be learned.
  void Suppose(const Levels& levels);

  /// Returns what to expect of models.
  [[nodiscard]] Prediction Predict(const Levels& model) const;
  [[nodiscard]] std::vector<Prediction> Predict(const Pool& pool) const;
  [[nodiscard]] Outlook OutlookOf(const Prediction& prediction) const;

  [[nodiscard]] const std::vector<Part>& parts() const { return *parts_; }
  [[nodiscard]] const std::vector<Process>& processes() const { return processes_; }
  [[nodiscard]] const Scale& scale() const { return scale_; }
  /// Returns the standard deviation of a score between seeds, in units of the score.
  [[nodiscard]] double seed_noise() const;
  /// Returns how much each part matters beside the others, on average over the processes.
  [[nodiscard]] std::vector<double> relevance() const;

 private:
  Process::Parts parts_;
  std::vector<Process> processes_;
  Scale scale_;
};

/// Returns the scale of the scores: centre their median, unit from there to the 90th percentile
/// (or, where many scores are equal, the next measure of spread that is not 0).
[[nodiscard]] Scale ScaleOf(const std::vector<double>& scores);

/// Returns the mean of max(0, x - best) for x normal: what is gained over `best` on average.
[[nodiscard]] double ExpectedGain(const Prediction& prediction, double best);

}  // namespace beamgrid
