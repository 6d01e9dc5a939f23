#include "orchestrator/machine/devices.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "orchestrator/machine/device_memory.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"

namespace beamgrid {
namespace {

/// The most trials on one GPU: beyond a few they only take turns.
constexpr std::int64_t kMostOnGpu = 4;

/// Returns N of "cuda:N", or nothing.
std::optional<std::int64_t> CudaIndex(std::string_view device) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!device.starts_with(kPrefix)) return std::nullopt;
  const auto index = ParseNumber<std::int64_t>(device.substr(kPrefix.size()));
  return index && *index >= 0 ? index : std::nullopt;
}

void CheckDevice(const std::string& device, const MachineDevices& machine) {
  if (device == "cpu") return;
  const std::optional<std::int64_t> index = CudaIndex(device);
  if (!index) {
    throw UsageError("resources.devices: \"" + device + "\" must be cpu or cuda:N");
  }
  if (*index < machine.cuda_devices) return;
  throw UsageError("resources.devices: " + device + " is not there; the trainer sees " +
                   std::to_string(machine.cuda_devices) + " CUDA devices (see `beamgrid doctor`)");
}

std::vector<std::string> DeviceNames(const ResourceSettings& resources,
                                     const MachineDevices& machine) {
  for (const std::string& device : resources.devices) CheckDevice(device, machine);
  if (!resources.devices.empty()) return resources.devices;
  std::vector<std::string> names;
  for (std::int64_t index = 0; index < machine.cuda_devices; ++index) {
    names.push_back("cuda:" + std::to_string(index));
  }
  if (names.empty()) names.emplace_back("cpu");
  return names;
}

/// Returns the slots of a device. `gpus`: those that share the cores.
std::int64_t SlotsOn(const std::string& device, std::int64_t gpus,
                     const ResourceSettings& resources, const MachineDevices& machine) {
  if (resources.slots_per_device > 0) return resources.slots_per_device;
  const std::int64_t workers =
      std::max<std::int64_t>(1, machine.cores / resources.threads_per_worker);
  if (device == "cpu") return workers;
  // Two trials that together do not fit would both fail, and nobody could have known.
  if (!machine.gpu_memory_known) return 1;
  return std::clamp<std::int64_t>(workers / gpus, 1, kMostOnGpu);
}

/// True if the kernel shows a GPU. WSL shows its GPUs as /dev/dxg.
bool KernelShowsGpu() {
  std::error_code ignored;
  return std::filesystem::exists("/dev/nvidiactl", ignored) ||
         std::filesystem::exists("/dev/dxg", ignored);
}

std::int64_t CudaDevicesOf(const std::filesystem::path& trainer) {
  const std::string text = AskTrainer(trainer, {"doctor"});
  try {
    const boost::json::value report = ParseJson(text);
    const JsonReader reader(report, "doctor");
    if (!reader.Boolean("cuda")) return 0;
    return static_cast<std::int64_t>(reader.List("devices").size());
  } catch (const std::invalid_argument& error) {
    throw Error(trainer.string() + " doctor: " + error.what() +
                "; trainer and beamgrid must be of one build");
  }
}

}  // namespace

MachineDevices LookAtMachine(const ResourceSettings& resources,
                             const std::filesystem::path& trainer) {
  const bool only_cpu = resources.devices == std::vector<std::string>{"cpu"};
  MachineDevices machine{.cores = UsableThreads()};
  if (only_cpu || !KernelShowsGpu()) return machine;
  machine.cuda_devices = CudaDevicesOf(trainer);
  machine.gpu_memory_known = machine.cuda_devices > 0 && DeviceMemory().Of("cuda:0").has_value();
  return machine;
}

std::vector<Slot> MakeSlots(const ResourceSettings& resources, const MachineDevices& machine) {
  const std::vector<std::string> devices = DeviceNames(resources, machine);
  const auto gpus = std::ssize(devices) - std::ranges::count(devices, "cpu");
  std::vector<std::int64_t> left;
  for (const std::string& device : devices) {
    left.push_back(SlotsOn(device, gpus, resources, machine));
  }
  std::vector<Slot> slots;
  const std::int64_t most = std::ranges::max(left);
  // In turn: the first trials then go to different devices instead of crowding one.
  for (std::int64_t round = 0; round < most; ++round) {
    for (std::size_t i = 0; i < devices.size(); ++i) {
      if (left[i]-- > 0) slots.push_back({devices[i], resources.threads_per_worker});
    }
  }
  return slots;
}

}  // namespace beamgrid
