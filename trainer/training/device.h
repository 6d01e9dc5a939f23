#pragma once
// The device that a trial runs on, and what all of its process shares.

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/products.h"

namespace beamgrid::trainer {

/// The device of a name, "cpu" or "cuda:N". Throws UsageError for anything else and for a GPU that
/// is not there.
[[nodiscard]] torch::Device ParseDevice(const std::string& name);

/// Sets what the whole process shares: threads for OpenMP and BLAS together, kernels that give the
/// same bits every time, denormals flushed to zero. To be called before the first tensor operation
/// of a trial; may be called again.
void PrepareProcess(std::int64_t threads);

/// Throws SystemError where the process may not have the buffers that OpenBLAS takes for its first
/// product, one for each of its threads, and the stacks of the threads that LibTorch starts: the
/// one would ask for them again and again, the other wait for its threads, for ever. PrepareProcess
/// looks once.
void RequireBlasBuffers();

/// The device with its model and, on a CPU, the kernels that multiply matrices in the arithmetic,
/// both of which decide about the last bits: "cpu Intel(R) Xeon(R) Processor, OpenBLAS SkylakeX",
/// "cpu AMD EPYC, OpenBLAS SkylakeX, oneDNN bf16", "cuda:0 NVIDIA H200".
[[nodiscard]] std::string DeviceName(torch::Device device,
                                     Arithmetic arithmetic = Arithmetic::kFp32);

/// The most bytes that were in use since ForgetPeakMemory: by the process on the CPU, by LibTorch's
/// allocator on a GPU. Where the kernel does not forget a process's earlier peak, and that one was
/// higher: what is in use now.
[[nodiscard]] std::int64_t PeakMemoryBytes(torch::Device device);
/// Begins a new measurement for PeakMemoryBytes.
void ForgetPeakMemory(torch::Device device);
/// Has PeakMemoryBytes count so many bytes more on the CPU: memory that this process uses, though
/// the kernel counts it for the one of which it is a copy alone.
void CountShared(std::int64_t bytes);

/// Gives what earlier work has freed back to the system (PrepareProcess keeps it), on the device
/// too; in main memory where it is more than 32 MiB.
void ReleaseMemory(torch::Device device);

/// The bytes of main memory that the process uses now.
[[nodiscard]] std::int64_t ResidentBytes();

/// GpuInfo describes a GPU that this process sees.
struct GpuInfo {
  std::string name;
  std::int64_t memory_bytes = 0;  ///< all that it has, free or not
};
/// The GPUs by their index; empty in a build without CUDA.
[[nodiscard]] std::vector<GpuInfo> Gpus();

/// BlasInfo says what multiplies matrices on the CPU.
struct BlasInfo {
  std::string library;   ///< "OpenBLAS 0.3.21", or what LibTorch says it was built with
  std::string core;      ///< OpenBLAS's name for the processor it tunes for; empty: unknown
  std::string expected;  ///< the name that fits the processor's instructions; empty: unknown
};
[[nodiscard]] BlasInfo Blas();

}  // namespace beamgrid::trainer
