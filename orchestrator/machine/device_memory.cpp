#include "orchestrator/machine/device_memory.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "orchestrator/machine/nvml.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr std::string_view kCuda = "cuda:";

/// Returns N of "cuda:N".
std::optional<std::size_t> GpuNumber(std::string_view device) {
  if (!device.starts_with(kCuda)) return std::nullopt;
  return ParseNumber<std::size_t>(device.substr(kCuda.size()));
}

std::optional<std::string> Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

/// Returns item `number` of a comma-separated list.
std::optional<std::string> Item(std::string_view list, std::size_t number) {
  for (; number > 0; --number) {
    const auto comma = list.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    list.remove_prefix(comma + 1);
  }
  const std::string item = Trimmed(list.substr(0, list.find(',')));
  return item.empty() ? std::nullopt : std::optional(item);
}

}  // namespace

MemorySources SystemMemorySources() {
  MemorySources sources;
  sources.visible_devices = Environment("CUDA_VISIBLE_DEVICES");
  sources.device_order = Environment("CUDA_DEVICE_ORDER");
  return sources;
}

DeviceMemory::DeviceMemory(MemorySources sources) : sources_(std::move(sources)) {}
DeviceMemory::~DeviceMemory() = default;

const Nvml& DeviceMemory::LoadedNvml() {
  if (!nvml_) nvml_ = std::make_unique<Nvml>(sources_.nvml);
  return *nvml_;
}

std::optional<MemoryState> DeviceMemory::Of(const std::string& device) {
  if (device == "cpu") return ReadHostMemory(sources_);
  const std::optional<std::size_t> number = GpuNumber(device);
  const std::optional<std::string> uuid = number ? FindUuid(*number) : std::nullopt;
  return uuid ? LoadedNvml().Memory(*uuid) : std::nullopt;
}

std::string DeviceMemory::Identity(const std::string& device) {
  const std::optional<std::size_t> number = GpuNumber(device);
  if (!number) return device;
  if (const std::optional<std::string> uuid = FindUuid(*number)) return *uuid;
  if (!sources_.visible_devices) return device;
  const std::optional<std::string> item = Item(*sources_.visible_devices, *number);
  if (!item) return device;
  // Two studies with other CUDA_VISIBLE_DEVICES must not take one GPU for two.
  return ParseNumber<std::size_t>(*item) ? std::string(kCuda) + *item : *item;
}

std::optional<std::string> DeviceMemory::FindUuid(std::size_t number) {
  if (!sources_.visible_devices) return UuidAt(number);
  const std::optional<std::string> item = Item(*sources_.visible_devices, number);
  if (!item) return std::nullopt;
  const std::optional<std::size_t> index = ParseNumber<std::size_t>(*item);
  return index ? UuidAt(*index) : Complete(*item);
}

/// Returns the UUID of a GPU by CUDA's number. CUDA numbers the fastest GPU first unless it is told
/// otherwise, NVML follows the bus: only among GPUs of one kind the two are the same.
std::optional<std::string> DeviceMemory::UuidAt(std::size_t index) {
  const std::vector<Nvml::Gpu>& gpus = LoadedNvml().gpus();
  const bool one_order =
      sources_.device_order == "PCI_BUS_ID" ||
      std::ranges::all_of(gpus, [&](const auto& gpu) { return gpu.name == gpus[0].name; });
  if (index >= gpus.size() || !one_order) return std::nullopt;
  // Any: CUDA shows one part of a divided GPU, and the numbers of those behind it shift.
  const bool divided = std::ranges::any_of(gpus, [](const auto& gpu) { return gpu.divided; });
  if (divided || gpus[index].uuid.empty()) return std::nullopt;
  return gpus[index].uuid;
}

/// Returns the whole UUID: CUDA takes the first digits of one for the whole where they fit one GPU
/// alone.
std::optional<std::string> DeviceMemory::Complete(const std::string& start_of_uuid) {
  if (start_of_uuid.starts_with("MIG-")) return start_of_uuid;
  std::optional<std::string> found;
  for (const Nvml::Gpu& gpu : LoadedNvml().gpus()) {
    if (gpu.uuid.empty() || !gpu.uuid.starts_with(start_of_uuid)) continue;
    if (found) return std::nullopt;
    found = gpu.uuid;
  }
  return found;
}

}  // namespace beamgrid
