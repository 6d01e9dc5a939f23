#include "trainer/training/input.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "trainer/data/quantise.h"

namespace beamgrid::trainer {
namespace {

/// A tensor over memory that it does not own; only read.
template <typename T>
torch::Tensor View(const std::vector<T>& values, torch::IntArrayRef shape, torch::ScalarType type) {
  return torch::from_blob(const_cast<T*>(values.data()), shape, type);
}

/// A copy even where the view is on `device` already: on the CPU to() would hand back the view, and
/// the batch's memory is filled again by the thread that reads ahead.
torch::Tensor Copied(const torch::Tensor& view, torch::Device device) {
  return view.to(device, view.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
}

torch::Tensor FrameMask(const Sequence& sequence, std::int64_t frames, torch::Device device) {
  const torch::Tensor index = torch::arange(frames, torch::TensorOptions(device));
  return index.unsqueeze(0) < sequence.lengths.to(device).unsqueeze(1);
}

using ClassesOf = std::span<const std::int32_t> (Batch::*)(std::int64_t) const;

/// Each video's classes as positions in the flattened [batch, classes] matrix: a few numbers a
/// video cross to the device, not a dense matrix of 3862 columns.
torch::Tensor Positions(const Batch& batch, ClassesOf classes_of, std::int64_t classes) {
  std::vector<std::int64_t> positions;
  for (std::int64_t video = 0; video < batch.Size(); ++video) {
    for (const std::int32_t label : (batch.*classes_of)(video)) {
      positions.push_back(video * classes + label);
    }
  }
  // Cloned, because the view would outlive `positions`.
  return View(positions, {static_cast<std::int64_t>(positions.size())}, torch::kLong).clone();
}

/// [batch, classes]: 1 at each video's classes, `elsewhere` in all other cells.
torch::Tensor CellMatrix(const Batch& batch, ClassesOf classes_of, double elsewhere,
                         std::int64_t classes, torch::Device device) {
  const torch::Tensor positions = Positions(batch, classes_of, classes).to(device);
  torch::Tensor cells = torch::full({batch.Size(), classes}, elsewhere,
                                    torch::TensorOptions(device).dtype(torch::kFloat));
  cells.view({-1}).index_fill_(0, positions, 1);
  return cells;
}

/// Undefined where every cell weighs 1.
torch::Tensor WeightMatrix(const Batch& batch, std::int64_t classes, torch::Device device) {
  torch::Tensor weights;
  if (!batch.rated_offsets.empty() && batch.unrated_weight != 1) {
    // 0 in the cells that nobody rated: absence of a rating does not mean absence of the class.
    weights = CellMatrix(batch, &Batch::RatedOf, batch.unrated_weight, classes, device);
  }
  if (!batch.class_weights.empty()) {
    const torch::Tensor of_class =
        Copied(View(batch.class_weights, {classes}, torch::kFloat), device);
    weights = weights.defined() ? weights.mul_(of_class) : of_class.expand({batch.Size(), classes});
  }
  if (batch.video_weights.empty()) return weights;
  const torch::Tensor of_video =
      Copied(View(batch.video_weights, {batch.Size(), 1}, torch::kFloat), device);
  return weights.defined() ? weights * of_video : of_video.expand({batch.Size(), classes});
}

/// The numbers of the batch's frames, [B,T,W] float, on the device.
torch::Tensor RawFrames(const Batch& batch, torch::Device device) {
  const std::array<std::int64_t, 3> shape = {batch.Size(), batch.longest, batch.width};
  // Bytes cross to the device, a quarter of the floats that they become there.
  if (!batch.frames.empty()) {
    return Dequantised(View(batch.frames, shape, torch::kByte).to(device));
  }
  const std::vector<float>& floats =
      batch.float_frames.empty() ? batch.features : batch.float_frames;
  return Copied(View(floats, shape, torch::kFloat), device);
}

}  // namespace

torch::Tensor Dequantised(const torch::Tensor& codes) {
  return codes.to(torch::kFloat).mul_(kDequantiseScale).add_(kDequantiseOffset);
}

DeviceBatch ToDevice(const Batch& batch, std::int64_t classes, torch::Device device,
                     const InputNormalisation& normalisation) {
  const std::int64_t videos = batch.Size();
  DeviceBatch result;
  // Lengths stay on the CPU, where packing reads them; the mask says the same on the device.
  result.input.lengths =
      Copied(View(batch.lengths, {videos}, torch::kLong), torch::Device(torch::kCPU));
  result.input.mask = FrameMask(result.input, batch.longest, device);
  result.input.frames = normalisation.Apply(RawFrames(batch, device), result.input.mask);
  result.targets.labels = CellMatrix(batch, &Batch::LabelsOf, 0, classes, device);
  result.targets.weights = WeightMatrix(batch, classes, device);
  return result;
}

}  // namespace beamgrid::trainer
