// The first CUDA device. The runtime is linked statically and finds the driver when it is first
// asked, so that beamgrid starts at once and on machines without a GPU.

#include <cuda_runtime.h>

#include <algorithm>
#include <memory>
#include <string>

#include "search/ensemble/gpu/device.h"

namespace beamgrid::gpu {
namespace {

/// CudaTeam is the threads of this block: each is one of them, and waits for the others.
struct CudaTeam {
  template <typename Body>
  __device__ void Threads(const Body& body) const {
    body(static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x));
    __syncthreads();
  }
  template <typename Body>
  __device__ void Warps(const Body& body) const {
    body(static_cast<int>(threadIdx.x) / kLanes);
    __syncthreads();
  }
  template <typename Body>
  __device__ void Lanes(const Body& body) const {
    body(static_cast<int>(threadIdx.x) % kLanes, kLanes);
    __syncwarp();
  }
};

__global__ void __launch_bounds__(kWarps* kLanes) ScoreGrowths(PoolView pool, PlanView plan) {
  extern __shared__ __align__(8) unsigned char memory[];
  const Workspace work = LaidOut(memory, pool);
  const CudaTeam team;
  for (std::int64_t video = blockIdx.x; video < pool.videos; video += gridDim.x) {
    VideoScorer<CudaTeam>(team, pool, plan, work, video).ScoreAll();
  }
}

std::string Gibibytes(std::size_t bytes) {
  const std::string tenths = std::to_string((bytes * 10 + (std::size_t{1} << 29)) >> 30);
  const std::string padded = tenths.size() < 2 ? "0" + tenths : tenths;
  return padded.substr(0, padded.size() - 1) + "." + padded.back() + " GiB";
}

class CudaDevice : public Device {
 public:
  CudaDevice(int index, const cudaDeviceProp& properties)
      : index_(index), properties_(properties) {}

  std::string name() const override { return properties_.name; }
  std::int64_t shared_bytes() const override {
    return static_cast<std::int64_t>(properties_.sharedMemPerBlockOptin);
  }

  void* Allocate(std::size_t bytes) override {
    Use();
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, bytes);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // it is told now, and not again by the next call
      std::size_t free = 0, total = 0;
      Require(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
      throw DeviceError("needs " + Gibibytes(bytes) + " of its memory at once, " + Gibibytes(free) +
                        " of " + Gibibytes(total) + " are free");
    }
    Require(status, "cudaMalloc");
    return memory;
  }
  void Free(void* memory) noexcept override { static_cast<void>(cudaFree(memory)); }
  void Fill(void* memory, unsigned char byte, std::size_t bytes) override {
    Require(cudaMemset(memory, byte, bytes), "cudaMemset");
  }
  void Upload(void* to, const void* from, std::size_t bytes) override {
    Require(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "cudaMemcpy to the device");
  }
  void Download(void* to, const void* from, std::size_t bytes) override {
    Require(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy from the device");
  }

  void Score(const PoolView& pool, const PlanView& plan) override {
    const auto shared = static_cast<std::size_t>(WorkspaceBytes(pool.labels, pool.longest));
    Require(cudaFuncSetAttribute(ScoreGrowths, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(shared)),
            "cudaFuncSetAttribute");
    int blocks = 0;  // of one multiprocessor, at once
    Require(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, ScoreGrowths, kWarps * kLanes,
                                                          shared),
            "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
    const std::int64_t all = std::int64_t{std::max(1, blocks)} * properties_.multiProcessorCount;
    const auto grid = static_cast<unsigned>(std::min(std::max<std::int64_t>(1, pool.videos), all));
    ScoreGrowths<<<grid, kWarps * kLanes, shared>>>(pool, plan);
    Require(cudaGetLastError(), "the start of the kernel");
    Require(cudaDeviceSynchronize(), "the kernel");
  }

 private:
  static void Require(cudaError_t status, const char* what) {
    if (status == cudaSuccess) return;
    throw DeviceError(std::string(what) + " failed: " + cudaGetErrorString(status));
  }
  /// The current device is a thread's own.
  void Use() const { Require(cudaSetDevice(index_), "cudaSetDevice"); }

  int index_;
  cudaDeviceProp properties_;
};

}  // namespace

std::unique_ptr<Device> FirstCudaDevice() {
  int count = 0;
  cudaDeviceProp properties;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0 ||
      cudaGetDeviceProperties(&properties, 0) != cudaSuccess) {
    return nullptr;
  }
  return std::make_unique<CudaDevice>(0, properties);
}

}  // namespace beamgrid::gpu
