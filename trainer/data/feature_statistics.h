#pragma once
// Mean and standard deviation of each number of the training frames (data.normalise =
// "standardise").

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "registry/model_spec.h"
#include "trainer/data/dataset.h"

namespace beamgrid {

/// FeatureStatistics is of each number of a frame, features side by side as in a Batch. The
/// deviation is that of the frames themselves (their number divides, not one less).
struct FeatureStatistics {
  std::vector<double> mean, deviation;  ///< [width]
  bool operator==(const FeatureStatistics&) const = default;
};

/// ExactMoments adds up floats below kTooLargeFloat and their squares without rounding, as integers
/// of hundreds of bits, so that neither the order nor the number of files and threads can change a
/// bit of the result. Up to 2^40 floats.
class ExactMoments {
 public:
  /// Adds `count` times `value`.
  void Add(float value, std::uint64_t count = 1);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// To the last bit of a double or its neighbour. Of nothing: 0.
  [[nodiscard]] double Mean() const;
  /// sqrt of the mean square minus the squared mean, without cancellation; as near. Of nothing: 0.
  [[nodiscard]] double Deviation() const;

 private:
  /// Digits of base 2^32, each of which may hold a sum of many before it is carried.
  static constexpr std::size_t kSumDigits = 10, kSquareDigits = 18;
  void Carry();

  std::uint64_t count_ = 0;
  std::uint32_t added_ = 0;                            ///< since digits were carried
  std::array<std::int64_t, kSumDigits> sum_{};         ///< in units of 2^-149
  std::array<std::int64_t, kSquareDigits> squares_{};  ///< in units of 2^-298
};

/// Reads all examples of the dataset in order: the frames that training uses, those of segments as
/// often as there are segments. Throws DataError.
[[nodiscard]] FeatureStatistics MeasureFeatures(Dataset& dataset);

/// The same for data.train, read once for all trials on data of one digest: kept in `cache`
/// (CacheFolder) under a name that says all that the numbers depend on.
[[nodiscard]] FeatureStatistics TrainingStatistics(
    const DataSpec& data, const std::optional<std::filesystem::path>& cache);

}  // namespace beamgrid
