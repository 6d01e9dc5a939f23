#pragma once
// What the tests of the multimodal components have in common.

#include <gmock/gmock.h>

#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer::fusion {

using reference::Arrays;
using reference::Matrix;
using reference::Vector;
using reference::Videos;

inline const std::vector<Feature> kPair = {{"rgb", 3}, {"audio", 2}};
inline constexpr std::size_t kImage = 3;

/// Ragged videos of kPair's width, one of them of a single frame.
inline Sequence Input() {
  return contract::RandomSequence(reference::kLengths, reference::kFrames, 5);
}

inline Vector ImageOf(const Vector& frame) { return {frame.begin(), frame.begin() + kImage}; }
inline Vector AudioOf(const Vector& frame) { return {frame.begin() + kImage, frame.end()}; }

inline Vector Sum(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

inline void Append(Vector& values, const Vector& more) {
  values.insert(values.end(), more.begin(), more.end());
}

inline Vector Normalised(Vector values) {
  const double norm = std::sqrt(std::max(reference::Dot(values, values), 1e-12));
  for (double& value : values) value /= norm;
  return values;
}

/// Frame by frame.
using FrameFunction = std::function<Vector(const Arrays&, const Matrix& video, std::size_t t)>;
inline reference::Forward EachFrame(const FrameFunction& function) {
  return [function](const Arrays& arrays, const Videos& videos) {
    Matrix result;
    for (const Matrix& video : videos) {
      Vector values;
      for (std::size_t t = 0; t < video.size(); ++t) Append(values, function(arrays, video, t));
      result.push_back(values);
    }
    return result;
  };
}

/// Why the component cannot be built; empty if it can.
inline std::string WhyRefused(const std::string& name, const Options& set,
                              const std::vector<Feature>& features) {
  try {
    reference::MakeMultimodal(name, set, features);
  } catch (const SpecError& error) {
    return error.what();
  }
  return "";
}

/// Trainable values at the papers' widths, 1024 and 128.
inline std::int64_t Count(const std::string& name, const Options& set) {
  const WithoutMemory guard;
  const std::vector<Feature> papers = {{"rgb", 1024}, {"audio", 128}};
  std::int64_t count = 0;
  for (const torch::Tensor& parameter :
       reference::MakeMultimodal(name, set, papers)->parameters()) {
    count += parameter.numel();
  }
  return count;
}

/// As built, without random values in place of the initial ones.
inline std::shared_ptr<Multimodal> MakeInitial(const std::string& name, const Options& set,
                                               const std::vector<Feature>& features) {
  torch::manual_seed(5);
  return Makers<Multimodal>::All().at(name)({.features = features},
                                            reference::WithDefaults("multimodal", name, set));
}

}  // namespace beamgrid::trainer::fusion
