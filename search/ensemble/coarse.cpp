// Compiled once for each instruction set, of which the best one is chosen when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/ensemble/coarse.cpp"
#include "search/ensemble/coarse.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace beamgrid {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using FloatLanes = hn::ScalableTag<float>;
using Floats = hn::Vec<FloatLanes>;

/// Returns log(x) of a positive, normal x, to about 1e-7 of the result.
///
/// Source: Moshier, Cephes mathematical library, logf: x = 2^e (1 + f) with 1 + f in [1/sqrt(2),
/// sqrt(2)), log(1 + f) = f - f^2/2 + f^3 P(f).
HWY_INLINE Floats Log(Floats x) {
  const FloatLanes d;
  const hn::RebindToSigned<FloatLanes> di;
  // From sqrt(1/2) on: the exponent goes up by one where the mantissa is above it.
  const auto root_half = hn::Set(di, 0x3f3504f3);
  const auto from_root = hn::Sub(hn::BitCast(di, x), root_half);
  const Floats exponent = hn::ConvertTo(d, hn::ShiftRight<23>(from_root));
  const auto mantissa = hn::Add(hn::And(from_root, hn::Set(di, 0x7fffff)), root_half);
  const Floats f = hn::Sub(hn::BitCast(d, mantissa), hn::Set(d, 1.0F));
  constexpr float kFactors[] = {-1.1514610310e-1F, 1.1676998740e-1F,  -1.2420140846e-1F,
                                1.4249322787e-1F,  -1.6668057665e-1F, 2.0000714765e-1F,
                                -2.4999993993e-1F, 3.3333331174e-1F};
  Floats p = hn::Set(d, 7.0376836292e-2F);
  for (const float factor : kFactors) p = hn::MulAdd(p, f, hn::Set(d, factor));
  const Floats square = hn::Mul(f, f);
  const Floats rest = hn::MulAdd(hn::Mul(p, f), square, hn::Mul(square, hn::Set(d, -0.5F)));
  return hn::MulAdd(exponent, hn::Set(d, 0.693147180559945F), hn::Add(rest, f));
}

/// Puts terms of the values into `terms`: values that odds(vector) turns into p / (1 - p).
template <typename Odds>
HWY_INLINE void FillTerms(const float* values, std::size_t count, float least_odds,
                          float least_logit, float* terms, const Odds& odds) {
  const FloatLanes d;
  // Odds and not scores are clamped: a float next to 1 has few bits left for its distance to 1.
  const Floats least = hn::Set(d, least_odds), most = hn::Set(d, 1 / least_odds);
  const auto fill = [&](const float* from, float* to) HWY_ATTR {
    const Floats clamped = hn::Min(hn::Max(odds(hn::LoadU(d, from)), least), most);
    // Below 0 by rounding at most.
    const Floats term = hn::Sub(Log(clamped), hn::Set(d, least_logit));
    hn::StoreU(hn::Max(term, hn::Zero(d)), d, to);
  };
  const std::size_t step = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + step <= count; i += step) fill(values + i, terms + i);
  if (i == count) return;
  if (count >= step && values != terms) {
    // The last ones once more: the values are still there.
    fill(values + (count - step), terms + (count - step));
    return;
  }
  float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  std::copy(values + i, values + count, rest);
  fill(rest, rest);
  std::copy(rest, rest + (count - i), terms + i);
}

void OddsToTerms(const float* odds, std::size_t count, float least_odds, float least_logit,
                 float* terms) {
  FillTerms(odds, count, least_odds, least_logit, terms, [](Floats x) HWY_ATTR { return x; });
}

void ScoresToTerms(const float* scores, std::size_t count, float least_odds, float least_logit,
                   float* terms) {
  FillTerms(scores, count, least_odds, least_logit, terms,
            [](Floats p) HWY_ATTR { return hn::Div(p, hn::Sub(hn::Set(FloatLanes(), 1.0F), p)); });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace beamgrid
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beamgrid {
namespace {

HWY_EXPORT(OddsToTerms);
HWY_EXPORT(ScoresToTerms);

constexpr double kLeastOdds = kSmallestProbability / (1 - kSmallestProbability);
const float kLeastLogit = static_cast<float>(std::log(kLeastOdds));

void LogitTerms(std::span<const float> scores, float* terms) {
  HWY_DYNAMIC_DISPATCH(ScoresToTerms)
  (scores.data(), scores.size(), static_cast<float>(kLeastOdds), kLeastLogit, terms);
}

void LogitTerms(std::span<const double> scores, float* terms) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    terms[i] = static_cast<float>(scores[i] / (1 - scores[i]));
  }
  HWY_DYNAMIC_DISPATCH(OddsToTerms)
  (terms, scores.size(), static_cast<float>(kLeastOdds), kLeastLogit, terms);
}

}  // namespace

void CoarseTerms(const ModelLists& lists, ModelLists::Range list, const Combination& combination,
                 std::vector<float>& terms) {
  terms.resize(list.end - list.begin);
  const auto fill_from = [&](const auto& scores) {
    if (combination.logits()) return LogitTerms(scores, terms.data());
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = static_cast<float>(scores[i]);
  };
  if (lists.needs_doubles()) {
    fill_from(lists.doubles().subspan(list.begin, terms.size()));
  } else {
    fill_from(lists.floats().subspan(list.begin, terms.size()));
  }
}

double CoarseError(const Combination& combination) { return combination.logits() ? 2e-5 : 1e-7; }

}  // namespace beamgrid
#endif  // HWY_ONCE
