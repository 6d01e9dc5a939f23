#pragma once
// How much memory a device has and how much of it is free, whoever uses the rest. The CPU's comes
// from /proc/meminfo and the control group's limits, a GPU's from NVML, NVIDIA's management
// library, which is loaded when the first GPU is asked for. No such library, no permission, a GPU
// it does not know: nothing is known, and nothing breaks.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace beamgrid {

struct MemoryState {
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;  ///< what a new process could still use
};

/// Where to look; the defaults are the system's.
struct MemorySources {
  std::filesystem::path meminfo = "/proc/meminfo";
  std::filesystem::path own_cgroup = "/proc/self/cgroup";
  std::filesystem::path cgroups = "/sys/fs/cgroup";
  std::string nvml = "libnvidia-ml.so.1";
  /// Values of CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER; nullopt: not set.
  std::optional<std::string> visible_devices;
  std::optional<std::string> device_order;
};
/// The defaults with this process's environment.
[[nodiscard]] MemorySources SystemMemorySources();

/// One thread's. A call costs some file reads (CPU) or microseconds (GPU).
class DeviceMemory {
 public:
  explicit DeviceMemory(MemorySources sources = SystemMemorySources());
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// `device`: "cpu" or "cuda:N", N counted as the trainer counts: among CUDA_VISIBLE_DEVICES.
  [[nodiscard]] std::optional<MemoryState> Of(const std::string& device);

  /// One name for a device whatever CUDA_VISIBLE_DEVICES says: "cpu", a GPU's UUID
  /// ("GPU-8932f937-..."), or, where NVML does not know it, its index in the machine's list as far
  /// as CUDA_VISIBLE_DEVICES tells ("cuda:3").
  [[nodiscard]] std::string Identity(const std::string& device);

 private:
  struct Nvml;
  Nvml* LoadedNvml();  ///< null: not there

  MemorySources sources_;
  bool tried_ = false;
  std::unique_ptr<Nvml> nvml_;
};

}  // namespace beamgrid
