#pragma once
// A pool's lists in the memory of a device, and passes of growths over them.

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "search/ensemble/brackets.h"
#include "search/ensemble/for_each.h"
#include "search/ensemble/gpu/device.h"
#include "search/ensemble/growths.h"
#include "search/ensemble/top_scorer.h"

namespace beamgrid::gpu {

/// PoolShape is what a device must know of a pool.
struct PoolShape {
  std::size_t videos = 0;
  std::size_t models = 0;
  std::int32_t largest_label = 0;
  int tag_bits = 0;                  ///< of an exact key (pool.h)
  std::int64_t largest_units = 0;    ///< of a term, at most
  std::size_t longest = 0;           ///< entries of a list, at most
  std::vector<std::size_t> entries;  ///< [videos] of all models' lists
  /// Puts a model's list of a video, exact, into the list. Called by several threads at once.
  std::function<void(int model, std::size_t video, KeyList<std::int64_t>&)> decode;
  std::function<std::span<const std::int32_t>(std::size_t video)> truth;
};

/// Returns how sums up to the largest are cut into kBins.
[[nodiscard]] Binning BinningTo(std::int64_t largest_sum);

/// DevicePool finds the best labels of growths on a device, exactly as OneByOne does. Not
/// thread-safe. All but Fits throw DeviceError.
class DevicePool {
 public:
  /// True if the device's blocks and the entries' bits hold such a pool.
  [[nodiscard]] static bool Fits(const PoolShape& shape, const Device& device);

  /// Copies the lists to the device, a portion at a time; `shape` must fit.
  DevicePool(std::unique_ptr<Device> device, const PoolShape& shape, const ForEach& for_each);
  DevicePool(const DevicePool&) = delete;
  DevicePool& operator=(const DevicePool&) = delete;

  [[nodiscard]] std::string device_name() const { return device_->name(); }

  /// Counts the tops of each growth into `counts`, [growths]. `largest_sum`: units of a growth's
  /// label, at most.
  void Count(const GrowthPlan& plan, std::int64_t largest_sum, std::span<BinCounts> counts);

  /// Returns [growths] the keys of each growth's best labels in all videos, in no order.
  [[nodiscard]] std::vector<std::vector<std::int64_t>> Keys(const GrowthPlan& plan);

 private:
  /// Memory is a part of the device's memory.
  class Memory {
   public:
    Memory() = default;
    Memory(Device& device, std::size_t bytes)
        : device_(&device), at_(device.Allocate(bytes)), bytes_(bytes) {}
    Memory(Memory&& other) noexcept { *this = std::move(other); }
    Memory& operator=(Memory&& other) noexcept {
      std::swap(device_, other.device_);
      std::swap(at_, other.at_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Memory() {
      if (at_ != nullptr) device_->Free(at_);
    }
    template <typename T>
    [[nodiscard]] T* as() const {
      return static_cast<T*>(at_);
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

   private:
    Device* device_ = nullptr;
    void* at_ = nullptr;
    std::size_t bytes_ = 0;
  };
  /// DevicePlan is a plan in the device's memory.
  struct DevicePlan {
    Memory runs, members, added;
    PlanView view{};
  };

  template <typename T>
  [[nodiscard]] Memory Copied(std::span<const T> values);
  void CopyLists(const PoolShape& shape, const ForEach& for_each);
  void CopyTruth(const PoolShape& shape);
  [[nodiscard]] DevicePlan Planned(const GrowthPlan& plan);
  /// Returns memory for the results of a pass, kept from pass to pass.
  [[nodiscard]] void* Results(std::size_t bytes, unsigned char fill);

  std::unique_ptr<Device> device_;  ///< before all that lies in its memory
  PoolView view_{};
  Memory entries_, begin_, floors_, truth_, truth_begin_, results_;
};

}  // namespace beamgrid::gpu
