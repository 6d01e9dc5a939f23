#pragma once
// What data.normalise does to the frames on their way into the model.

#include <torch/torch.h>

#include <string_view>
#include <utility>
#include <vector>

#include "registry/model_spec.h"
#include "trainer/data/feature_statistics.h"

namespace beamgrid::trainer {

/// The tensors of data.normalise = "standardise" have names that begin so, in model.pt too. They
/// are shipped in 32 bits whatever train.precision says: they are of the data, not learnt.
inline constexpr std::string_view kStatisticsPrefix = "statistics.";

/// InputNormalisation normalises the features of frames as data.normalise says: a frame by its
/// length over all features together (default), or each feature by itself: divided by its length,
/// standardised, or left alone. Where any is standardised it has two buffers of all features' width
/// that are shipped with the model, `mean` (0 for the other features) and `deviation` (1 for them,
/// and for numbers that never vary).
class InputNormalisation : public torch::nn::Module {
 public:
  explicit InputNormalisation(const DataSpec& data);

  [[nodiscard]] bool standardises() const { return mean_.defined(); }
  /// Sets the buffers; before the module moves to a device. Call only where it standardises.
  void SetStatistics(const FeatureStatistics& statistics);

  /// Returns the frames, [B,T,W] float as the records hold them, normalised; those that `mask`
  /// [B,T] leaves out are 0. Works in place.
  [[nodiscard]] torch::Tensor Apply(torch::Tensor frames, const torch::Tensor& mask) const;

 private:
  bool video_level_ = false;
  bool jointly_ = false;
  std::vector<std::pair<std::int64_t, Normalisation>> features_;  ///< width and what is done
  torch::Tensor mean_, deviation_;                                ///< [W] float, or undefined
};

}  // namespace beamgrid::trainer
