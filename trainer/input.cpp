#include "trainer/input.h"

#include "trainer/data/quantise.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

constexpr double kNormFloor = 1e-12;

/// A tensor over memory that it does not own; only read.
template <typename T>
torch::Tensor View(const std::vector<T>& values, torch::IntArrayRef shape, torch::ScalarType type) {
  return torch::from_blob(const_cast<T*>(values.data()), shape, type);
}

torch::Tensor Copied(const torch::Tensor& view, torch::Device device) {
  return view.to(device, view.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
}

torch::Tensor FrameMask(const Sequence& sequence, std::int64_t frames, torch::Device device) {
  const torch::Tensor index = torch::arange(frames, torch::TensorOptions(device));
  return index.unsqueeze(0) < sequence.lengths.to(device).unsqueeze(1);
}

/// The true classes as positions in the flattened [batch, classes] matrix.
torch::Tensor LabelPositions(const Batch& batch, std::int64_t classes) {
  torch::Tensor positions =
      torch::empty({static_cast<std::int64_t>(batch.labels.size())}, torch::kLong);
  auto* next = positions.data_ptr<std::int64_t>();
  for (std::int64_t video = 0; video < batch.Size(); ++video) {
    for (const std::int32_t label : batch.LabelsOf(video)) *next++ = video * classes + label;
  }
  return positions;
}

torch::Tensor LabelMatrix(const Batch& batch, std::int64_t classes, torch::Device device) {
  const torch::Tensor positions = LabelPositions(batch, classes).to(device);
  torch::Tensor labels = torch::zeros({batch.Size(), classes}, device);
  labels.view({-1}).index_fill_(0, positions, 1);
  return labels;
}

}  // namespace

torch::Tensor DequantiseAndNormalise(const torch::Tensor& codes, const torch::Tensor& mask) {
  torch::Tensor frames = codes.to(torch::kFloat);
  frames.mul_(kDequantiseScale).add_(kDequantiseOffset);
  const torch::Tensor norm =
      torch::linalg_vector_norm(frames, 2, torch::IntArrayRef{-1}, /*keepdim=*/true);
  // Dividing and zeroing in one pass: frames are finite, so padding times 0 is 0.
  return frames.mul_(mask.unsqueeze(-1) / norm.clamp_min(std::sqrt(kNormFloor)));
}

DeviceBatch ToDevice(const Batch& batch, std::int64_t classes, torch::Device device) {
  const std::int64_t videos = batch.Size();
  DeviceBatch result;
  result.input.lengths =
      Copied(View(batch.lengths, {videos}, torch::kLong), torch::Device(torch::kCPU));
  result.input.mask = FrameMask(result.input, batch.longest, device);
  if (batch.frames.empty()) {
    const torch::Tensor features =
        Copied(View(batch.features, {videos, 1, batch.width}, torch::kFloat), device);
    result.input.frames = L2Normalise(features, -1);
  } else {
    const torch::Tensor codes =
        View(batch.frames, {videos, batch.longest, batch.width}, torch::kByte);
    result.input.frames = DequantiseAndNormalise(codes.to(device), result.input.mask);
  }
  result.targets.labels = LabelMatrix(batch, classes, device);
  return result;
}

}  // namespace beamgrid::trainer
