#include "search/ensemble/coarse.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace beamgrid {
namespace {

/// Returns log(x) of a positive, normal x, to about 1e-7 of the result. Written without branches.
///
/// Source: Moshier, Cephes mathematical library, logf: x = 2^e (1 + f) with 1 + f in [1/sqrt(2),
/// sqrt(2)), log(1 + f) = f - f^2/2 + f^3 P(f).
inline float Log(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  // From sqrt(1/2) on: the exponent goes up by one where the mantissa is above it.
  constexpr std::int32_t kRootHalf = 0x3f3504f3;
  const std::int32_t from_root = bits - kRootHalf;
  const auto exponent = static_cast<float>(from_root >> 23);
  const float f = std::bit_cast<float>((from_root & 0x7fffff) + kRootHalf) - 1;
  float p = 7.0376836292e-2F;
  p = p * f - 1.1514610310e-1F;
  p = p * f + 1.1676998740e-1F;
  p = p * f - 1.2420140846e-1F;
  p = p * f + 1.4249322787e-1F;
  p = p * f - 1.6668057665e-1F;
  p = p * f + 2.0000714765e-1F;
  p = p * f - 2.4999993993e-1F;
  p = p * f + 3.3333331174e-1F;
  return p * f * f * f - 0.5F * f * f + f + exponent * 0.693147180559945F;
}

// Odds and not scores are clamped: a float next to 1 has few bits left for its distance to 1.
constexpr double kLeastOdds = kSmallestProbability / (1 - kSmallestProbability);
const float kLeastLogit = static_cast<float>(std::log(kLeastOdds));

void OddsToTerms(std::vector<float>& odds) {
  // Floats that are not negative compare as their bits do, and whole numbers are clamped in vector
  // instructions where floats, which may be NaN, are not.
  const auto bits = [](double value) {
    return std::bit_cast<std::int32_t>(static_cast<float>(value));
  };
  const std::int32_t least = bits(kLeastOdds), most = bits(1 / kLeastOdds);
  const float least_logit = kLeastLogit;
  float* const values = odds.data();
  const std::size_t count = odds.size();
  for (std::size_t i = 0; i < count; ++i) {
    auto x = std::bit_cast<std::int32_t>(values[i]);
    x = x < least ? least : x;
    x = x > most ? most : x;
    const auto term = std::bit_cast<std::int32_t>(Log(std::bit_cast<float>(x)) - least_logit);
    // Below 0 by rounding at most: the sign is a sign of both.
    values[i] = std::bit_cast<float>(term < 0 ? 0 : term);
  }
}

}  // namespace

void CoarseTerms(const ModelLists& lists, ModelLists::Range list, const Combination& combination,
                 std::vector<float>& terms) {
  terms.resize(list.end - list.begin);
  float* const out = terms.data();
  const auto fill = [&](const auto* scores, const auto& value) {
    for (std::size_t i = 0; i < terms.size(); ++i) out[i] = static_cast<float>(value(scores[i]));
  };
  const auto fill_from = [&](const auto* scores) {
    if (!combination.logits()) return fill(scores, [](auto p) { return p; });
    fill(scores, [](auto p) { return p / (1 - p); });
    OddsToTerms(terms);
  };
  if (lists.needs_doubles()) {
    fill_from(lists.doubles().data() + list.begin);
  } else {
    fill_from(lists.floats().data() + list.begin);
  }
}

double CoarseError(const Combination& combination) { return combination.logits() ? 2e-5 : 1e-7; }

}  // namespace beamgrid
