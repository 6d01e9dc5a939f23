#include "trainer/training/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <torch/version.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "registry/util/error.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"

#ifdef BEAMGRID_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDACachingAllocator.h>
#endif

namespace beamgrid::trainer {
namespace {

/// A function of whatever BLAS this process loaded, or null.
template <typename Function>
Function* Loaded(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

/// Activations of tens of MB come and go with every step. As mappings of their own the kernel would
/// hand them out page by page each time, zeroed; kept in the heap they are reused as they are. The
/// price is memory that stays taken between trials, which ReleaseMemory gives back.
void KeepFreedMemory() {
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

/// Throws SystemError where the process may not map so many bytes more.
void RequireRoom(std::size_t bytes, int protection, int flags, const std::string& why) {
  void* const room = ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (room == MAP_FAILED) throw SystemError("OpenBLAS", why, errno);
  ::munmap(room, bytes);
}

/// "Intel(R) Xeon(R) Processor"; empty where the system does not say.
std::string ProcessorModel() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

/// The processor with the kernels that multiply matrices: others sum in another order.
std::string CpuName() {
  static const std::string model = ProcessorModel();  // a page for each core, made when it is read
  const std::string core = Blas().core;
  return "cpu" + (model.empty() ? "" : " " + model) + (core.empty() ? "" : ", OpenBLAS " + core);
}

/// The bytes that a line of /proc/self/status names, which are in kB there; 0 where there is none.
std::int64_t StatusBytes(std::string_view key) {
  std::ifstream status("/proc/self/status");
  constexpr std::int64_t kKibibyte = 1024;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return kKibibyte * std::atoll(line.c_str() + key.size());
  }
  return 0;
}

/// The peak in bytes that the kernel would not forget; 0 where it did.
std::int64_t earlier_peak = 0;
std::int64_t shared_bytes = 0;

}  // namespace

torch::Device ParseDevice(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  constexpr std::string_view kPrefix = "cuda:";
  std::optional<int> index;
  if (name.starts_with(kPrefix)) index = ParseNumber<int>(name.substr(kPrefix.size()));
  if (!index || *index < 0) throw UsageError("device = " + name + ": must be cpu or cuda:N");
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (*index >= count) {
    // It was there when the study began: one that is gone is no fault of the trial.
    throw Error("device = " + name + ": this process sees " + std::to_string(count) +
                " GPUs; see beamgrid-trainer doctor, then run again");
  }
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(*index)};
}

void RequireBlasBuffers() {
  constexpr std::size_t kBuffer = 129UL << 20;  // its BUFFER_SIZE, 128 MiB, and what is around it
  constexpr std::size_t kStacks = 64UL << 20;   // of the threads that LibTorch starts
  auto* threads = Loaded<int()>("openblas_get_num_threads");
  if (threads == nullptr) return;
  const auto count = static_cast<std::size_t>(std::max(threads(), 1));
  RequireRoom(kBuffer, PROT_READ | PROT_WRITE, 0, "cannot have the 128 MiB of its buffer");
  // Addresses only: a limit on them (ulimit -v) is what keeps the others from theirs.
  RequireRoom(kBuffer * count + kStacks, PROT_NONE, MAP_NORESERVE,
              "cannot have the 128 MiB of its buffer for each of its threads");
}

void PrepareProcess(std::int64_t threads) {
  KeepFreedMemory();
  // Sums of products with denormals take the processor many times as long, and what is below 1e-38
  // decides about nothing here.
  at::globalContext().setFlushDenormal(true);
  // Once: a worker that serves keeps its buffers.
  [[maybe_unused]] static const bool has_room = (RequireBlasBuffers(), true);
  torch::set_num_threads(static_cast<int>(threads));
  // A second call would throw. One thread, since nothing here runs two operators side by side.
  [[maybe_unused]] static const bool once = (at::set_num_interop_threads(1), true);
  // OpenBLAS has threads of its own, which LibTorch's setting does not reach: a worker would take
  // all cores of the machine for its products.
  if (auto* set = Loaded<void(int)>("openblas_set_num_threads")) {
    set(static_cast<int>(threads));
  }
  // cuBLAS gives the same bits every time only with a workspace of fixed size.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
#if TORCH_VERSION_MAJOR >= 2
  // Else cuBLAS may add partial sums of a bf16 product in bf16.
  at::globalContext().setAllowBF16ReductionCuBLAS(false);
#endif
  // Only warned about: a user's component may use an operation that has no deterministic kernel.
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  at::globalContext().setDeterministicCuDNN(true);
  // Benchmarking picks the kernel that was fastest a moment ago: another one in another run.
  at::globalContext().setBenchmarkCuDNN(false);
}

std::string DeviceName(torch::Device device, Arithmetic arithmetic) {
  if (device.is_cpu()) {
    // A processor's name does not tell whether it has the instruction.
    const bool has_own = arithmetic == Arithmetic::kBf16 && MultipliesBf16(device);
    return CpuName() + (has_own ? ", oneDNN bf16" : "");
  }
  const std::vector<GpuInfo> gpus = Gpus();
  const auto index = static_cast<std::size_t>(device.index());
  return device.str() + (index < gpus.size() ? " " + gpus[index].name : "");
}

std::int64_t PeakMemoryBytes([[maybe_unused]] torch::Device device) {
#ifdef BEAMGRID_CUDA
  if (device.is_cuda()) {
    // Reserved, not allocated: what the allocator holds in reserve no other process can have.
    return c10::cuda::CUDACachingAllocator::getDeviceStats(device.index()).reserved_bytes[0].peak;
  }
#endif
  const std::int64_t peak = StatusBytes("VmHWM:");
  return (peak > earlier_peak ? peak : ResidentBytes()) + shared_bytes;
}

void CountShared(std::int64_t bytes) { shared_bytes = bytes; }

void ForgetPeakMemory([[maybe_unused]] torch::Device device) {
#ifdef BEAMGRID_CUDA
  if (device.is_cuda()) {
    static_cast<void>(torch::empty({1}, device));  // the allocator exists from its first use on
    return c10::cuda::CUDACachingAllocator::resetPeakStats(device.index());
  }
#endif
  // "5" resets the peak (proc(5)); a container may forbid it.
  const bool forgotten = static_cast<bool>(std::ofstream("/proc/self/clear_refs") << "5\n"
                                                                                  << std::flush);
  earlier_peak = forgotten ? 0 : StatusBytes("VmHWM:");
}

void ReleaseMemory([[maybe_unused]] torch::Device device) {
#ifdef BEAMGRID_CUDA
  if (device.is_cuda()) c10::cuda::CUDACachingAllocator::emptyCache();
#endif
  // A few MiB stay: given back and taken again, page by page, they would cost a short trial a tenth
  // of its time.
  constexpr std::size_t kKept = 32UL << 20;
  if (::mallinfo2().fordblks > kKept) ::malloc_trim(0);
}

std::int64_t ResidentBytes() { return StatusBytes("VmRSS:"); }

std::vector<GpuInfo> Gpus() {
  std::vector<GpuInfo> gpus;
#ifdef BEAMGRID_CUDA
  const auto count = static_cast<int>(torch::cuda::device_count());
  for (int i = 0; i < count; ++i) {
    const auto* properties = at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(i));
    gpus.push_back({.name = properties->name,
                    .memory_bytes = static_cast<std::int64_t>(properties->totalGlobalMem)});
  }
#endif
  return gpus;
}

BlasInfo Blas() {
  BlasInfo info;
  // Looked up at run time: which BLAS is loaded is the machine's choice, not the build's.
  if (auto* config = Loaded<char*()>("openblas_get_config")) {
    info.library = config();
    if (auto* core = Loaded<char*()>("openblas_get_corename")) info.core = core();
  } else {
    info.library =
        "LibTorch's own (" + at::show_config().substr(0, at::show_config().find('\n')) + ")";
  }
  // The names of OpenBLAS's kernels by the instructions that they need. An OpenBLAS that is older
  // than the processor does not recognise it and takes the kernels of a far older one.
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
    info.expected = "SkylakeX";
  } else if (__builtin_cpu_supports("avx2") != 0) {
    info.expected = "Haswell";
  }
  return info;
}

}  // namespace beamgrid::trainer
