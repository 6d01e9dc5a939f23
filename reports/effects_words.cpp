#include "reports/effects_words.h"

#include <algorithm>

#include "registry/util/small_numbers.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr int kEffectDigits = 4;

std::string EffectNumber(double value, Signedness sign) {
  return sign == Signedness::kPlain ? VisibleText(value, kEffectDigits)
                                    : SignedText(value, kEffectDigits);
}

}  // namespace

std::string ShareText(double share) { return FixedText(100 * share, 0) + " %"; }

std::string IntervalText(const Estimate& estimate, Signedness sign) {
  if (!estimate.interval) return "";
  return EffectNumber(estimate.interval->low, sign) + " .. " +
         EffectNumber(estimate.interval->high, sign);
}

std::string ValueText(const Estimate& estimate, Signedness sign) {
  return EffectNumber(estimate.value, sign);
}

std::string EstimateText(const Estimate& estimate, Signedness sign) {
  const std::string interval = IntervalText(estimate, sign);
  return ValueText(estimate, sign) + (interval.empty() ? "" : " (" + interval + ")");
}

std::string LevelName(const StudyEffects& made, std::size_t factor, std::int32_t level) {
  return made.factors[factor].levels[static_cast<std::size_t>(level)];
}

namespace {

std::string TiedNames(const StudyEffects& made, std::size_t factor) {
  const auto name = [&](std::size_t other) { return made.factors[other].name; };
  return Join(made.effects.factors[factor].tied_to, ", ", name);
}

}  // namespace

std::string FactorName(const StudyEffects& made, std::size_t factor) {
  const FactorEffects& effects = made.effects.factors[factor];
  const bool stands_for_all = effects.told && effects.confounded;
  return made.factors[factor].name + (stands_for_all ? " with " + TiedNames(made, factor) : "");
}

std::string NotToldText(const StudyEffects& made, std::size_t factor) {
  if (made.effects.factors[factor].told) return "";
  return "cannot be told apart from " + TiedNames(made, factor);
}

std::string BestLevelText(const StudyEffects& made, std::size_t factor) {
  if (const std::string why = NotToldText(made, factor); !why.empty()) return why;
  const FactorEffects& effects = made.effects.factors[factor];
  const auto others = std::ranges::count_if(effects.levels, &LevelEffect::may_be_best) - 1;
  return LevelName(made, factor, effects.best) +
         (others < 1 ? "" : " (or " + CountText(static_cast<std::size_t>(others), "other") + ")");
}

std::string HeadText(const StudyEffects& made) {
  const Effects& effects = made.effects;
  return std::string(made.metric->heading) +
         " by part: " + EstimateText(effects.mean, Signedness::kPlain) + " on average over " +
         std::to_string(effects.grid_points) + " combinations, " +
         (effects.method == EffectsMethod::kExact
              ? "all measured"
              : std::to_string(effects.measured) + " measured" +
                    (effects.looked_at < effects.measured
                         ? ", of which " + std::to_string(effects.looked_at) + " were looked at"
                         : std::string()) +
                    ", the others as a Gaussian process expects them") +
         "; intervals are of 95 %";
}

std::string FactorShareText(const StudyEffects& made, std::size_t factor) {
  if (const std::string why = NotToldText(made, factor); !why.empty()) return why;
  return made.shares_known ? ShareText(made.effects.factors[factor].share) + " of the variance"
                           : "share of the variance " + std::string(kSharesNotKnown);
}

std::string PairText(const StudyEffects& made, const PairEffect& pair) {
  return (made.shares_known ? ShareText(pair.share) + "  " : "") + FactorName(made, pair.first) +
         " x " + FactorName(made, pair.second) + ": " +
         LevelName(made, pair.first, pair.first_level) + " with " +
         LevelName(made, pair.second, pair.second_level) + " " +
         EstimateText(pair.strongest, Signedness::kSigned);
}

std::string VarianceText(const StudyEffects& made) {
  const Effects& effects = made.effects;
  const std::string seeds = effects.noise ? FixedText(*effects.noise, kEffectDigits) : "";
  if (!made.shares_known) {
    return "how much combinations differ, and the shares of that variance: " +
           std::string(kSharesNotKnown) +
           (seeds.empty() ? "" : "; seeds differ by " + seeds + " (standard deviation)");
  }
  if (effects.deviation == 0) {
    return "combinations differ by no more than their seeds do" +
           (seeds.empty() ? "" : ": by " + seeds + " (standard deviation)");
  }
  double pairs = 0;
  for (const PairEffect& pair : effects.pairs) pairs += pair.share;
  std::string text;
  // Of one part there is no pair, and of two no three.
  if (made.factors.size() > 1) text = "of the variance: pairs " + ShareText(pairs);
  if (made.factors.size() > 2) {
    text += ", three and more together " + ShareText(effects.higher_share);
  }
  return text + (text.empty() ? "" : "; ") + "combinations differ by " +
         FixedText(effects.deviation, kEffectDigits) + " (standard deviation)" +
         (seeds.empty() ? "" : ", seeds by " + seeds);
}

std::string HighestText(const StudyEffects& made) {
  return (made.best_is_trained   ? "highest, trained: "
          : made.best_is_refused ? "expected highest, refused by the study: "
                                 : "expected highest, not trained: ") +
         made.best + " " + EstimateText(made.effects.best_score, Signedness::kPlain) +
         (made.effects.method == EffectsMethod::kExact ? ", a little too high for being the highest"
                                                       : "");
}

std::string WhyUntrained(const StudyEffects& made) {
  return made.best_is_refused ? "refused" : "not trained";
}

std::string LossText(const StudyEffects& made) {
  const Effects& effects = made.effects;
  if (!effects.one_at_a_time) return "";
  const OneAtATime& one = *effects.one_at_a_time;
  const std::string start =
      "one at a time from " + made.baseline + " would have chosen " + made.chosen;
  if (!one.allowed) return start + ", which is excluded";
  if (one.chosen == effects.best) {
    const std::string highest = made.best_is_trained
                                    ? ", the highest"
                                    : ", expected to be the highest, " + WhyUntrained(made);
    if (!one.loss->interval) return start + highest;
    const double most = one.loss->interval->high;
    return start + highest + "; " +
           (most <= 0 ? "no other can be better"
                      : "others may still be better, by up to " + FixedText(most, kEffectDigits)) +
           " (95 % interval)";
  }
  return start + " and lost " + EstimateText(*one.loss, Signedness::kPlain) + " against " +
         made.best + (made.best_is_trained ? "" : ", which was " + WhyUntrained(made));
}

std::vector<const PairEffect*> PairsThatMatter(const StudyEffects& made) {
  std::vector<const PairEffect*> matter;
  for (const PairEffect& pair : made.effects.pairs) {
    if (pair.matters) matter.push_back(&pair);
  }
  std::ranges::stable_sort(matter,
                           [](const auto* a, const auto* b) { return a->share > b->share; });
  return matter;
}

}  // namespace beamgrid
