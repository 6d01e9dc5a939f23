#pragma once
// How members' scores of one video become the ensemble's: the arithmetic that the search's fast
// path, the weights and Combine share.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "search/ensemble/ensemble.h"
#include "search/ensemble/model_lists.h"

namespace beamgrid {

/// Combination is the arithmetic of the domain in which scores are averaged.
class Combination {
 public:
  explicit Combination(ScoreDomain domain) : domain_(domain) {}

  /// True if scores are averaged as logits.
  [[nodiscard]] bool logits() const { return domain_ == ScoreDomain::kLogits; }
  /// True if members vote.
  [[nodiscard]] bool votes() const { return domain_ == ScoreDomain::kVotes; }
  /// Returns a probability in the domain of the mean, counted from its lower end (so never
  /// negative): logit(p) - logit(1e-6), p, or the vote.
  [[nodiscard]] double Term(double probability) const;
  /// Returns the inverse of Term, of a mean of terms; of votes the share that is for the label.
  [[nodiscard]] double Probability(double term) const;
  /// Returns the largest value of Term.
  [[nodiscard]] double largest_term() const;

 private:
  ScoreDomain domain_;
};

/// Returns std::llround of a number that is not negative, which is a call into a library.
[[nodiscard]] inline std::int64_t Rounded(double number) {
  const auto whole = static_cast<std::int64_t>(number);
  return whole + (number - static_cast<double>(whole) >= 0.5 ? 1 : 0);
}

inline constexpr double kSmallestProbability = 1e-6;  ///< clamp of logits, and 1 - it above

/// Returns what a label that `video` does not list counts as, as a term.
[[nodiscard]] double FloorTerm(const VideoPrediction& video, const Combination& combination,
                               Missing missing);

/// Returns the same of one list of stored ones.
[[nodiscard]] double FloorTerm(const ModelLists& lists, ModelLists::Range list,
                               const Combination& combination, Missing missing);

/// VideoTerms is one video's terms: a row per label that any member lists, a column per member.
struct VideoTerms {
  std::vector<std::int32_t> labels;  ///< ascending
  std::vector<double> terms;         ///< [labels, members]
};
/// Rows says which labels get a row: those that a member lists, or the true ones as well.
enum class Rows { kListed, kListedAndTrue };
/// Returns the terms of one video, for which each of `members` has its list; `missing` is of each.
[[nodiscard]] VideoTerms GatherTerms(std::span<const VideoPrediction* const> members,
                                     const Combination& combination,
                                     std::span<const Missing> missing, Rows rows);

/// Returns the ensemble's list of one video, best first, equal scores by lower label, cut to
/// `top_k`. Weights are >= 0 and not all 0. Terms are summed in units of 1e-12, so that sums do not
/// depend on the order of the members and scores that are equal on paper (0.3 + 0.5 and 0.4 + 0.4)
/// stay equal.
[[nodiscard]] VideoPrediction CombineVideo(std::span<const VideoPrediction* const> members,
                                           const std::vector<double>& weights,
                                           const Combination& combination,
                                           std::span<const Missing> missing, int top_k);

}  // namespace beamgrid
