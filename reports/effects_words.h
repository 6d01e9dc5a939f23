#pragma once
// What a study learnt, in words: the same on the terminal and on a page.

#include <string>
#include <vector>

#include "reports/study_effects.h"

namespace beamgrid {

/// In the place of shares of the variance where they are not known (StudyEffects::shares_known).
inline constexpr char kSharesNotKnown[] = "not known: too few combinations";

/// Signedness says whether a number that is not negative gets a plus.
enum class Signedness { kPlain, kSigned };

/// Returns "72 %".
[[nodiscard]] std::string ShareText(double share);
/// Returns "0.0012 .. 0.0090"; empty where the interval is not known.
[[nodiscard]] std::string IntervalText(const Estimate& estimate, Signedness sign);
/// Returns "0.0041" or "+0.0041".
[[nodiscard]] std::string ValueText(const Estimate& estimate, Signedness sign);
/// Returns "0.0041 (0.0012 .. 0.0090)".
[[nodiscard]] std::string EstimateText(const Estimate& estimate, Signedness sign);

[[nodiscard]] std::string LevelName(const StudyEffects& made, std::size_t factor,
                                    std::int32_t level);
/// Returns "classifier", or "classifier with train.learning_rate" where its effects are those of
/// both.
[[nodiscard]] std::string FactorName(const StudyEffects& made, std::size_t factor);
/// Returns "cannot be told apart from classifier"; empty where the factor has effects.
[[nodiscard]] std::string NotToldText(const StudyEffects& made, std::size_t factor);
/// Returns "netvlad clusters=16 (or 2 others)" where as many may be better.
[[nodiscard]] std::string BestLevelText(const StudyEffects& made, std::size_t factor);

// Sentences, without the full stop.
/// What the numbers are over: "GAP by part: 0.5993 (...) on average over 12 combinations, ...".
[[nodiscard]] std::string HeadText(const StudyEffects& made);
/// "72 % of the variance", or that it is not known.
[[nodiscard]] std::string FactorShareText(const StudyEffects& made, std::size_t factor);
/// "3 %  temporal x classifier: blstm with logistic +0.0167".
[[nodiscard]] std::string PairText(const StudyEffects& made, const PairEffect& pair);
/// How the variance divides.
[[nodiscard]] std::string VarianceText(const StudyEffects& made);
/// Which combination is the highest, and whether it was trained.
[[nodiscard]] std::string HighestText(const StudyEffects& made);
/// What one part after the other would have lost; empty where that is not known.
[[nodiscard]] std::string LossText(const StudyEffects& made);

/// Returns the pairs that do more than their parts, the largest share first.
[[nodiscard]] std::vector<const PairEffect*> PairsThatMatter(const StudyEffects& made);

}  // namespace beamgrid
