#include "orchestrator/devices.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "orchestrator/trainer_client.h"
#include "registry/error.h"
#include "registry/json.h"

namespace beamgrid {
namespace {

/// N of "cuda:N", or nothing.
std::optional<std::int64_t> CudaIndex(std::string_view device) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!device.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = device.substr(kPrefix.size());
  std::int64_t index = -1;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), index);
  if (error != std::errc() || end != digits.end() || index < 0) return std::nullopt;
  return index;
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

std::int64_t SlotsOn(const std::string& device, const ResourceSettings& resources,
                     const MachineDevices& machine) {
  if (resources.slots_per_device > 0) return resources.slots_per_device;
  if (device != "cpu") return 1;
  return std::max<std::int64_t>(1, machine.cores / resources.threads_per_worker);
}

/// Cores that this process may use: fewer than the machine has under taskset or in a container.
std::int64_t UsableCores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return std::max(1, CPU_COUNT(&cores));
}

/// WSL shows its GPUs as /dev/dxg.
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
  return {.cores = UsableCores(),
          .cuda_devices = !only_cpu && KernelShowsGpu() ? CudaDevicesOf(trainer) : 0};
}

std::vector<Slot> MakeSlots(const ResourceSettings& resources, const MachineDevices& machine) {
  const std::vector<std::string> devices = DeviceNames(resources, machine);
  std::int64_t most = 0;
  for (const std::string& device : devices) {
    most = std::max(most, SlotsOn(device, resources, machine));
  }
  std::vector<Slot> slots;
  for (std::int64_t round = 0; round < most; ++round) {
    for (const std::string& device : devices) {
      if (round < SlotsOn(device, resources, machine)) {
        slots.push_back({device, resources.threads_per_worker});
      }
    }
  }
  return slots;
}

}  // namespace beamgrid
