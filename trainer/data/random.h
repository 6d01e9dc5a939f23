#pragma once
// Random numbers that are the same on every machine and with every standard library (whose
// distributions are not).

#include <cstdint>
#include <utility>
#include <vector>

namespace beamgrid {

/// Random is SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators",
/// 2014): passes BigCrush, any seed is good. Not thread-safe.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  /// A stream of its own for each pair: Random(seed, epoch), Random(seed, video). The stream's
  /// number is spread over all bits by an odd factor, and mixed, so that neighbours have nothing in
  /// common.
  Random(std::uint64_t seed, std::uint64_t stream) : state_(seed) {
    state_ = Next() ^ (stream * 0xD1B54A32D192ED03U);
    state_ = Next();
  }

  /// Uniform in [0, 2^64). The constants are the paper's.
  std::uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
  }

  /// Uniform in [0, bound), exactly (Lemire: "Fast Random Integer Generation in an Interval",
  /// 2019).
  std::uint32_t Below(std::uint32_t bound) {
    // The upper half of the product is the result. 2^32 is no multiple of most bounds: products
    // whose lower half is below the remainder would make some results likelier and are drawn again.
    std::uint64_t product = (Next() >> 32) * bound;
    const std::uint32_t reject_below = (0U - bound) % bound;
    while (static_cast<std::uint32_t>(product) < reject_below) product = (Next() >> 32) * bound;
    return static_cast<std::uint32_t>(product >> 32);
  }

  /// Uniform in [0, 1): the upper 53 bits, as many as a double holds, so that 1 is never rounded
  /// to.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  /// True with this probability.
  bool Chance(double probability) { return Uniform() < probability; }

  /// Mean 0, standard deviation 1, nearly normal: the sum of four uniforms. No logarithm or cosine,
  /// which differ between maths libraries.
  double Normal() {
    const std::uint64_t bits = Next();
    double sum = 0;
    for (int part = 0; part < 4; ++part) {
      sum += static_cast<double>((bits >> (16 * part)) & 0xFFFFU);
    }
    constexpr double kMean = 2.0 * 65535.0;
    constexpr double kDeviation = 37837.22723720648;  // sqrt(4 * (65536^2 - 1) / 12)
    return (sum - kMean) / kDeviation;
  }

 private:
  std::uint64_t state_;
};

/// Puts the values into a random order, each as likely as any other (Fisher-Yates).
template <typename Value>
void Shuffle(std::vector<Value>& values, Random& random) {
  for (std::size_t left = values.size(); left > 1; --left) {
    std::swap(values[left - 1], values[random.Below(static_cast<std::uint32_t>(left))]);
  }
}

}  // namespace beamgrid
