#pragma once
// The little that we ask of NVML, NVIDIA's management library, which comes with the driver. It is
// loaded at run time, so that a machine without GPUs needs nothing of it. Its functions and types
// are declared as NVIDIA documents them ("NVML API Reference Guide", Device Queries).

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/machine/host_memory.h"

namespace beamgrid {

/// Nvml is the machine's GPUs in the order of their PCI bus ids, whatever CUDA_VISIBLE_DEVICES
/// says. None where the library or the driver is not there. Not thread-safe; owned by one thread.
class Nvml {
 public:
  /// Loads the library by its name or path; never throws where it is not there.
  explicit Nvml(const std::string& library);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  /// Gpu is one GPU as NVML names it.
  struct Gpu {
    std::string uuid;      ///< "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
    std::string name;      ///< "NVIDIA H200"
    bool divided = false;  ///< in MIG mode: CUDA shows its parts instead
  };
  [[nodiscard]] const std::vector<Gpu>& gpus() const { return gpus_; }

  /// Returns the memory of a GPU ("GPU-...") or of a part of one ("MIG-...").
  [[nodiscard]] std::optional<MemoryState> Memory(const std::string& uuid) const;

 private:
  struct Functions;
  std::unique_ptr<Functions> functions_;
  std::vector<Gpu> gpus_;
};

}  // namespace beamgrid
