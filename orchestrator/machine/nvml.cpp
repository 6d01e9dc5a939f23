#include "orchestrator/machine/nvml.h"

#include <dlfcn.h>

#include <array>

namespace beamgrid {
namespace {

using Device = void*;  // nvmlDevice_t
using Status = int;    // nvmlReturn_t
constexpr Status kSuccess = 0;

/// MemoryInfo is nvmlMemory_t, in bytes.
struct MemoryInfo {
  unsigned long long total, free, used;
};

/// TextBuffer holds NVML_DEVICE_UUID_V2_BUFFER_SIZE and NVML_DEVICE_NAME_V2_BUFFER_SIZE bytes.
using TextBuffer = std::array<char, 96>;

}  // namespace

struct Nvml::Functions {
  void* library = nullptr;
  Status (*init)() = nullptr;
  Status (*shutdown)() = nullptr;
  Status (*count)(unsigned*) = nullptr;
  Status (*by_index)(unsigned, Device*) = nullptr;
  Status (*by_uuid)(const char*, Device*) = nullptr;
  Status (*uuid)(Device, char*, unsigned) = nullptr;
  Status (*name)(Device, char*, unsigned) = nullptr;
  Status (*memory)(Device, MemoryInfo*) = nullptr;
  Status (*mig_mode)(Device, unsigned* current, unsigned* pending) = nullptr;  ///< may be missing
  bool ready = false;

  explicit Functions(const std::string& path)
      : library(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (library == nullptr) return;
    // All or none: a driver that lacks one of them is older than what we were written for.
    const bool complete =
        Find("nvmlInit_v2", &init) && Find("nvmlShutdown", &shutdown) &&
        Find("nvmlDeviceGetCount_v2", &count) && Find("nvmlDeviceGetHandleByIndex_v2", &by_index) &&
        Find("nvmlDeviceGetHandleByUUID", &by_uuid) && Find("nvmlDeviceGetUUID", &uuid) &&
        Find("nvmlDeviceGetName", &name) && Find("nvmlDeviceGetMemoryInfo", &memory);
    // Drivers before MIG have no such function, and no divided GPU.
    static_cast<void>(Find("nvmlDeviceGetMigMode", &mig_mode));
    ready = complete && init() == kSuccess;
  }
  ~Functions() {
    if (ready) shutdown();
    if (library != nullptr) ::dlclose(library);
  }
  Functions(const Functions&) = delete;
  Functions& operator=(const Functions&) = delete;

  template <typename Function>
  bool Find(const char* symbol, Function* function) {
    *function = reinterpret_cast<Function>(::dlsym(library, symbol));
    return *function != nullptr;
  }

  [[nodiscard]] static std::string Text(Status (*read)(Device, char*, unsigned), Device device) {
    TextBuffer text{};
    const bool known = read(device, text.data(), static_cast<unsigned>(text.size())) == kSuccess;
    text.back() = 0;
    return known ? text.data() : "";
  }

  [[nodiscard]] Gpu Describe(unsigned index) const {
    Device device = nullptr;
    if (by_index(index, &device) != kSuccess) return {};
    unsigned current = 0, pending = 0;
    const bool divided =
        mig_mode != nullptr && mig_mode(device, &current, &pending) == kSuccess && current != 0;
    return {.uuid = Text(uuid, device), .name = Text(name, device), .divided = divided};
  }
};

Nvml::Nvml(const std::string& library) : functions_(std::make_unique<Functions>(library)) {
  unsigned count = 0;
  if (!functions_->ready || functions_->count(&count) != kSuccess) return;
  // One that does not answer keeps its place: the numbers of the others depend on it.
  for (unsigned index = 0; index < count; ++index) gpus_.push_back(functions_->Describe(index));
}

Nvml::~Nvml() = default;

std::optional<MemoryState> Nvml::Memory(const std::string& uuid) const {
  Device device = nullptr;
  MemoryInfo info{};
  if (!functions_->ready || functions_->by_uuid(uuid.c_str(), &device) != kSuccess ||
      functions_->memory(device, &info) != kSuccess) {
    return std::nullopt;
  }
  return MemoryState{.total_bytes = static_cast<std::int64_t>(info.total),
                     .free_bytes = static_cast<std::int64_t>(info.free)};
}

}  // namespace beamgrid
