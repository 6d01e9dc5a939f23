#pragma once
// How much memory a device has and how much of it is free, whoever uses the rest.

#include <memory>
#include <optional>
#include <string>

#include "orchestrator/machine/host_memory.h"

namespace beamgrid {

class Nvml;

/// MemorySources is where to look; the defaults are the system's.
struct MemorySources : HostMemoryFiles {
  std::string nvml = "libnvidia-ml.so.1";
  /// Values of CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER; nullopt: not set.
  std::optional<std::string> visible_devices;
  std::optional<std::string> device_order;
};
/// Returns the defaults with this process's environment.
[[nodiscard]] MemorySources SystemMemorySources();

/// DeviceMemory answers what is free on a device. The CPU's memory comes from host_memory.h, a
/// GPU's from NVML (nvml.h). What cannot be known is nullopt, and harms nothing. Not thread-safe;
/// owned by one thread. A question costs some file reads (CPU) or microseconds (GPU); the first one
/// about a GPU loads NVML.
class DeviceMemory {
 public:
  explicit DeviceMemory(MemorySources sources = SystemMemorySources());
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// Returns the memory of `device`: "cpu" or "cuda:N", N counted as the trainer counts: among
  /// CUDA_VISIBLE_DEVICES. Nothing too where it is not certain which GPU N is: GPUs of several
  /// kinds in CUDA's own order (CUDA_DEVICE_ORDER=PCI_BUS_ID settles that), or one that is divided
  /// (MIG) and named by a number.
  [[nodiscard]] std::optional<MemoryState> Of(const std::string& device);

  /// Returns one name for a device whatever CUDA_VISIBLE_DEVICES says: "cpu", a GPU's UUID
  /// ("GPU-8932f937-..."), or, where NVML does not know it, what CUDA_VISIBLE_DEVICES calls it
  /// ("cuda:3").
  [[nodiscard]] std::string Identity(const std::string& device);

 private:
  [[nodiscard]] const Nvml& LoadedNvml();
  /// Returns the UUID of GPU `number`; nothing where NVML does not know or it is not certain.
  [[nodiscard]] std::optional<std::string> FindUuid(std::size_t number);
  [[nodiscard]] std::optional<std::string> UuidAt(std::size_t index);
  [[nodiscard]] std::optional<std::string> Complete(const std::string& start_of_uuid);

  MemorySources sources_;
  std::unique_ptr<Nvml> nvml_;  ///< null: nobody has asked for a GPU
};

}  // namespace beamgrid
