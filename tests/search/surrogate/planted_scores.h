#pragma once
// Models drawn at random, and what a planted function of their levels and noise make of them.

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "search/surrogate/surrogate.h"

namespace beamgrid {

inline std::vector<Part> PlainParts(std::size_t parts, std::int64_t levels) {
  std::vector<Part> all;
  for (std::size_t i = 0; i < parts; ++i) {
    all.push_back(PlainPart("p" + std::to_string(i), levels));
  }
  return all;
}

class Planted {
 public:
  using Truth = std::function<double(const Levels&)>;

  Planted(std::size_t parts, std::int64_t levels, std::uint64_t seed)
      : parts_(parts), levels_(levels), random_(seed) {}

  Levels Draw() {
    Levels model;
    for (std::size_t i = 0; i < parts_; ++i) {
      model.push_back(static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(levels_)));
    }
    return model;
  }

  std::vector<Observation> Observe(std::size_t count, const Truth& truth, double noise) {
    std::vector<Observation> all;
    for (std::size_t i = 0; i < count; ++i) {
      const Levels model = Draw();
      all.push_back({model, truth(model) + noise * Normal(), 1});
    }
    return all;
  }

  double Normal() {
    // The sum of twelve uniform ones: near enough, and the same everywhere.
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random_() >> 11) * 0x1p-53;
    return sum;
  }

 private:
  std::size_t parts_;
  std::int64_t levels_;
  std::mt19937_64 random_;
};

inline double Additive(const Levels& model) {
  double sum = 0;
  for (std::size_t i = 0; i < model.size(); ++i) {
    sum += static_cast<double>((model[i] * 7 + static_cast<std::int64_t>(i)) % 4);
  }
  return sum;
}

/// Only pairs matter: by itself each part is worth the same on average.
inline double Pairwise(const Levels& model) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < model.size(); i += 2) {
    sum += model[i] % 2 == model[i + 1] % 2 ? 1 : -1;
  }
  return sum;
}

}  // namespace beamgrid
