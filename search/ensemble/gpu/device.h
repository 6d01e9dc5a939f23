#pragma once
// A machine beside the processor that carries out growth_grid.h: memory of its own, and a grid.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "search/ensemble/gpu/growth_grid.h"

namespace beamgrid::gpu {

/// DeviceError says why a device cannot go on: its memory does not suffice, or its driver failed.
/// Nothing is wrong with the question: the processor can answer it.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Device is the few things that are asked of it, each done before the call returns. All but the
/// first two throw DeviceError. Not thread-safe.
class Device {
 public:
  virtual ~Device() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  /// Returns the bytes that the threads of a block can share.
  [[nodiscard]] virtual std::int64_t shared_bytes() const = 0;

  [[nodiscard]] virtual void* Allocate(std::size_t bytes) = 0;
  /// Must not throw; null does nothing.
  virtual void Free(void* memory) noexcept = 0;
  virtual void Fill(void* memory, unsigned char byte, std::size_t bytes) = 0;
  virtual void Upload(void* to, const void* from, std::size_t bytes) = 0;
  virtual void Download(void* to, const void* from, std::size_t bytes) = 0;
  /// Scores all growths of the plan in all videos (VideoScorer); all pointers are into its memory.
  virtual void Score(const PoolView& pool, const PlanView& plan) = 0;
};

/// DeviceOffer is a device that a search may use where its pool is large enough to pay for it.
struct DeviceOffer {
  /// Returns a device, or null where there is none. Asked for large pools only, because a driver
  /// takes a second to start; none: the processor does it all.
  std::function<std::unique_ptr<Device>()> open;
  /// Lists, of all models and videos together, from which on it pays.
  std::size_t fewest_lists = 1'000'000;
  /// Told in one line why the processor goes on instead; none: nobody is told.
  std::function<void(const std::string&)> warn;
};

/// Returns the first CUDA device; null where there is none, or no driver, or beamgrid was built
/// without CUDA.
[[nodiscard]] std::unique_ptr<Device> FirstCudaDevice();

}  // namespace beamgrid::gpu
