// Stands in for NVIDIA's management library. The GPUs are what FAKE_NVML says when it is
// initialised: "uuid,name,total,free,divided" each, semicolons between them. Without it there is no
// driver. A total of 0 makes questions about a GPU's memory fail.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

namespace {

enum Status { kSuccess = 0, kInvalidArgument = 2, kNotFound = 6, kDriverNotLoaded = 9 };

struct Gpu {
  std::string uuid, name;
  unsigned long long total = 0, free = 0;
  unsigned divided = 0;
};
std::vector<Gpu> gpus;

struct Memory {
  unsigned long long total, free, used;
};

void* HandleOf(std::size_t index) { return &gpus[index]; }
const Gpu& GpuOf(void* handle) { return *static_cast<Gpu*>(handle); }

int CopyText(const std::string& text, char* buffer, unsigned size) {
  if (text.size() >= size) return kInvalidArgument;
  std::strcpy(buffer, text.c_str());
  return kSuccess;
}

}  // namespace

extern "C" {

int nvmlInit_v2() {
  gpus.clear();
  const char* described = std::getenv("FAKE_NVML");
  if (described == nullptr) return kDriverNotLoaded;
  std::istringstream text(described);
  for (std::string line; std::getline(text, line, ';');) {
    std::istringstream fields(line);
    Gpu gpu;
    char comma = 0;
    std::getline(fields, gpu.uuid, ',');
    std::getline(fields, gpu.name, ',');
    fields >> gpu.total >> comma >> gpu.free >> comma >> gpu.divided;
    gpus.push_back(gpu);
  }
  return kSuccess;
}
int nvmlShutdown() { return kSuccess; }
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(gpus.size());
  return kSuccess;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  if (index >= gpus.size()) return kInvalidArgument;
  *device = HandleOf(index);
  return kSuccess;
}
int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    if (gpus[i].uuid != uuid) continue;
    *device = HandleOf(i);
    return kSuccess;
  }
  return kNotFound;
}
int nvmlDeviceGetUUID(void* device, char* uuid, unsigned size) {
  return CopyText(GpuOf(device).uuid, uuid, size);
}
int nvmlDeviceGetName(void* device, char* name, unsigned size) {
  return CopyText(GpuOf(device).name, name, size);
}
int nvmlDeviceGetMemoryInfo(void* device, Memory* memory) {
  const Gpu& gpu = GpuOf(device);
  if (gpu.total == 0) return kInvalidArgument;
  *memory = {gpu.total, gpu.free, gpu.total - gpu.free};
  return kSuccess;
}
int nvmlDeviceGetMigMode(void* device, unsigned* current, unsigned* pending) {
  *current = *pending = GpuOf(device).divided;
  return kSuccess;
}

}  // extern "C"
