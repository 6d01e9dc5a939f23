#include "orchestrator/machine/need_estimate.h"

#include <algorithm>
#include <cmath>

namespace beamgrid {
namespace {

constexpr std::int64_t kFloatBytes = 4;  // training is fp32, whatever is shipped
constexpr std::int64_t kMebibyte = 1 << 20;

/// The peaks of the smallest models of docs/benchmarks.md, less four copies of their parameters:
/// LibTorch itself is 165 MiB, the rest are mapped pages of the data and buffers of BLAS.
constexpr std::int64_t kCpuProcessBytes = 256 * kMebibyte;
/// CUDA's context, the kernels of LibTorch, and the libraries' workspaces, which LibTorch's own
/// figures leave out.
constexpr std::int64_t kCudaProcessBytes = 600 * kMebibyte;

/// The values kept or made for each video and class, by classifier, probabilities and loss, forward
/// and backward.
constexpr std::int64_t kValuesPerClass = 24;
/// The values for each frame and input, and for each frame and unit of the widest layer over frames
/// (the four gates of an LSTM, their gradients).
constexpr std::int64_t kValuesPerInput = 4;
constexpr std::int64_t kValuesPerUnit = 8;
/// The values more for each frame and input where frames are read as floats: four batches are read
/// ahead, in use or kept for their memory, and as bytes they are a quarter of that.
constexpr std::int64_t kValuesOfFloatInput = 3;

/// The copies beyond what the optimiser keeps: measured on the CPU (temporaries of updates and
/// checkpoints, gaps in the heap).
constexpr std::int64_t kWorkingCopies = 2;

std::int64_t Integer(const Options& options, const std::string& name, std::int64_t otherwise) {
  const auto found = options.find(name);
  return found == options.end() || !found->second.is_int64() ? otherwise : found->second.as_int64();
}

bool IsOn(const Options& options, const std::string& name) {
  const auto found = options.find(name);
  if (found == options.end() || !found->second.is_number()) return false;
  return found->second.to_number<double>() > 0;
}

bool ShipsOther(const Options& train) {
  const auto precision = train.find("precision");
  const bool rounds = precision != train.end() && precision->second.is_string() &&
                      precision->second.as_string() != "fp32";
  return rounds || IsOn(train, "ema") || Integer(train, "average_checkpoints", 0) > 1;
}

std::int64_t InputWidth(const DataSpec& data) {
  std::int64_t width = 0;
  for (const auto& [name, feature_width] : data.features) width += feature_width;
  return width;
}

/// Guesses the units of the widest layer over the frames: the components' options mean what they
/// like, so it is the greatest whole number among those of the temporal part, but no more than the
/// side of a square matrix that holds all parameters.
double FrameUnits(const ModelSpec& model, std::int64_t parameters) {
  const auto temporal = model.parts.find("temporal");
  if (temporal == model.parts.end()) return 0;
  std::int64_t widest = 0;
  for (const auto& [name, value] : temporal->second.options) {
    if (value.is_int64()) widest = std::max(widest, value.as_int64());
  }
  return std::min(static_cast<double>(widest), std::sqrt(static_cast<double>(parameters)));
}

}  // namespace

std::string DeviceKind(const std::string& device) {
  return device.starts_with("cuda") ? "cuda" : "cpu";
}

NeedEstimate EstimateNeed(const ModelSpec& model, const DataSpec& data, std::int64_t parameters,
                          const std::string& device_kind) {
  const bool has_frames = data.format != "video";
  const auto frames = static_cast<double>(has_frames ? data.max_frames : 1);
  const auto width = static_cast<double>(InputWidth(data));
  const double units = has_frames ? FrameUnits(model, parameters) : 0;
  const auto count = static_cast<double>(parameters);
  const auto batch = static_cast<double>(Integer(model.train, "batch", 1));
  // In the machine's memory, which is the device's on the CPU alone.
  const std::int64_t of_input =
      kValuesPerInput +
      (data.frame_types.empty() || DeviceKind(device_kind) == "cuda" ? 0 : kValuesOfFloatInput);
  const double values = frames * (static_cast<double>(of_input) * width + kValuesPerUnit * units) +
                        static_cast<double>(kValuesPerClass * data.classes);
  // What a recurrent layer multiplies for each frame; no more than there are parameters.
  const double matrices = std::min(count, kValuesPerUnit * units * (units + width));
  const std::int64_t averages = (IsOn(model.train, "ema") ? 1 : 0) +
                                (Integer(model.train, "average_checkpoints", 0) > 1 ? 1 : 0);
  return {.process_bytes = DeviceKind(device_kind) == "cuda" ? kCudaProcessBytes : kCpuProcessBytes,
          .parameter_bytes = parameters * kFloatBytes,
          .copies = 4 + kWorkingCopies + averages + (ShipsOther(model.train) ? 1 : 0),
          .averages = averages,
          .activation_bytes = static_cast<std::int64_t>(batch * values * kFloatBytes),
          .operations = count + frames * (width + matrices)};
}

std::string NameCopies(const ModelSpec& model) {
  std::string names = "weights, gradients, Adam's two moments, 2 to work with";
  if (IsOn(model.train, "ema")) names += ", moving average";
  if (Integer(model.train, "average_checkpoints", 0) > 1) names += ", mean of checkpoints";
  if (ShipsOther(model.train)) names += ", weights kept while others are evaluated";
  return names;
}

}  // namespace beamgrid
