#include "trainer/training/shipped_weights.h"

#include <algorithm>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "trainer/component.h"
#include "trainer/training/normalisation.h"

namespace beamgrid::trainer {
namespace {

/// Smaller tensors (biases, gains, running statistics) are not worth a table. The number is Skalic
/// and Austin 2018's.
constexpr std::int64_t kLargestUnquantised = 17'000;
/// As many as a byte can name.
constexpr std::int64_t kTableEntries = 256;
constexpr char kTableSuffix[] = ".table";
/// The greatest finite number of fp16, (2 - 2^-10) * 2^15.
constexpr double kLargestHalf = 65504;

/// Rounding the mean of a number that varies little beside it would move every frame.
bool IsStatistic(const std::string& name) { return name.starts_with(kStatisticsPrefix); }

bool IsQuantised(const torch::Tensor& tensor, Precision precision) {
  return precision == Precision::kInt8 && tensor.is_floating_point() &&
         tensor.numel() > kLargestUnquantised;
}

torch::Tensor Rounded(const torch::Tensor& tensor, Precision precision) {
  if (!tensor.is_floating_point()) return tensor;
  if (precision == Precision::kBf16) return tensor.to(torch::kBFloat16);
  // Beyond the range of fp16 the nearest is its greatest number; infinity would spoil the model.
  if (precision == Precision::kFp16) {
    return tensor.clamp(-kLargestHalf, kLargestHalf).to(torch::kHalf);
  }
  return tensor;
}

/// 256 numbers, evenly from `least` to `greatest`.
torch::Tensor Table(double least, double greatest) {
  // In double, so that the last entry is `greatest` itself once it is rounded to a float.
  const torch::Tensor steps = torch::arange(kTableEntries, torch::kDouble);
  return (steps * ((greatest - least) / (kTableEntries - 1)) + least).to(torch::kFloat);
}

torch::Tensor Codes(const torch::Tensor& tensor, double least, double greatest) {
  // All values alike: every code is 0, and entry 0 is that value. The clamp catches rounding at the
  // ends, which would wrap around in a byte.
  const double per_step = greatest > least ? (kTableEntries - 1) / (greatest - least) : 0;
  return tensor.sub(least).mul_(per_step).round_().clamp_(0, kTableEntries - 1).to(torch::kByte);
}

}  // namespace

Precision ParsePrecision(const std::string& word) {
  if (word == "fp32") return Precision::kFp32;
  if (word == "fp16") return Precision::kFp16;
  if (word == "bf16") return Precision::kBf16;
  if (word == "int8") return Precision::kInt8;
  throw SpecError("precision = " + word + ": there are fp32, fp16, bf16 and int8");
}

Precision PrecisionOf(const Options& train) {
  const auto found = train.find("precision");
  if (found == train.end()) return Precision::kFp32;
  return ParsePrecision(boost::json::value_to<std::string>(found->second));
}

std::int64_t ShippedBytes(const std::string& name, const torch::Tensor& tensor,
                          Precision precision) {
  if (IsStatistic(name)) precision = Precision::kFp32;
  constexpr auto kTableBytes = kTableEntries * static_cast<std::int64_t>(sizeof(float));
  if (IsQuantised(tensor, precision)) return tensor.numel() + kTableBytes;
  // Integers (counters of steps, buckets) are exact or wrong; they are not rounded.
  const bool halved = precision == Precision::kFp16 || precision == Precision::kBf16;
  if (halved && tensor.is_floating_point()) return 2 * tensor.numel();
  return static_cast<std::int64_t>(tensor.nbytes());
}

ShippedWeights::ShippedWeights(const NamedTensors& weights, Precision precision) {
  const torch::NoGradGuard no_gradient;
  for (const auto& [name, tensor] : weights) {
    if (IsStatistic(name)) {
      stored_.emplace_back(name, tensor);
    } else if (IsQuantised(tensor, precision)) {
      AddQuantised(name, tensor);
    } else {
      stored_.emplace_back(name, Rounded(tensor, precision));
    }
  }
}

void ShippedWeights::AddQuantised(const std::string& name, const torch::Tensor& tensor) {
  const double least = tensor.min().item<double>(), greatest = tensor.max().item<double>();
  stored_.emplace_back(name, Codes(tensor, least, greatest));
  stored_.emplace_back(name + kTableSuffix, Table(least, greatest).to(tensor.device()));
}

ShippedWeights ShippedWeights::Read(const std::filesystem::path& path) {
  const std::string bytes = ReadFile(path);
  ShippedWeights shipped;
  try {
    const auto state = torch::pickle_load({bytes.begin(), bytes.end()}).toGenericDict();
    for (const auto& item : state) {
      shipped.stored_.emplace_back(item.key().toStringRef(), item.value().toTensor());
    }
  } catch (const c10::Error&) {
    throw Error(path.string() + ": these are no weights, or the file is damaged");
  }
  return shipped;
}

std::vector<char> ShippedWeights::Pickled() const {
  c10::Dict<std::string, torch::Tensor> state;
  // Detached: where somebody else holds a tensor too, the pickle says so, and the same weights
  // would give different bytes and another hash.
  for (const auto& [name, tensor] : stored_) state.insert(name, tensor.detach().cpu());
  return torch::pickle_save(state);
}

void ShippedWeights::Write(const std::filesystem::path& path) const {
  const std::vector<char> bytes = Pickled();
  WriteFileAtomically(path, std::string_view(bytes.data(), bytes.size()));
}

const torch::Tensor* ShippedWeights::Find(const std::string& name) const {
  const auto found = std::ranges::find(stored_, name, &NamedTensors::value_type::first);
  return found == stored_.end() ? nullptr : &found->second;
}

torch::Tensor ShippedWeights::Values(const std::string& name) const {
  const torch::Tensor* tensor = Find(name);
  if (tensor == nullptr) throw Error("the shipped weights have no tensor '" + name + "'");
  const torch::Tensor* table = Find(name + kTableSuffix);
  if (table == nullptr) return *tensor;
  // index_select takes no bytes as indices.
  const torch::Tensor codes = tensor->flatten().to(torch::kInt);
  return table->index_select(0, codes).view(tensor->sizes());
}

void ShippedWeights::CopyTo(const NamedTensors& weights) const {
  const torch::NoGradGuard no_gradient;
  for (const auto& [name, target] : weights) {
    const torch::Tensor values = Values(name);
    if (values.sizes() != target.sizes() ||
        values.is_floating_point() != target.is_floating_point()) {
      throw Error("the shipped tensor '" + name + "' has not the model's shape");
    }
    torch::Tensor(target).copy_(values);
  }
}

NamedTensors ShippedWeights::Weights() const {
  NamedTensors weights;
  for (const auto& [name, tensor] : stored_) {
    // A table belongs to the tensor whose name stands before the suffix. A module of a user's may
    // have a tensor that is called so by itself.
    const bool is_table =
        name.ends_with(kTableSuffix) &&
        Find(name.substr(0, name.size() - std::string_view(kTableSuffix).size())) != nullptr;
    if (!is_table) weights.emplace_back(name, Values(name));
  }
  return weights;
}

std::int64_t ShippedWeights::Bytes() const {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : stored_) bytes += static_cast<std::int64_t>(tensor.nbytes());
  return bytes;
}

}  // namespace beamgrid::trainer
