#pragma once
// A device in ordinary memory that carries the grid of growth_grid.h out thread by thread, in an
// order that differs from one step to the next: what depends on who comes first comes out wrong.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "search/ensemble/gpu/device.h"

namespace beamgrid::gpu {

/// EmulatedTeam is the threads of a block, one after the other.
class EmulatedTeam {
 public:
  template <typename Body>
  void Threads(const Body& body) const {
    InSomeOrder(kWarps * kLanes, [&](int thread) { body(thread, kWarps * kLanes); });
  }
  template <typename Body>
  void Warps(const Body& body) const {
    InSomeOrder(kWarps, body);
  }
  template <typename Body>
  void Lanes(const Body& body) const {
    InSomeOrder(kLanes, [&](int lane) { body(lane, kLanes); });
  }

 private:
  template <typename Body>
  void InSomeOrder(int count, const Body& body) const {
    // Every so many'th, round and round: an odd step meets each of a power of two once.
    const int step = static_cast<int>(random_() % 16) * 2 + 1;
    const int first = static_cast<int>(random_() % static_cast<unsigned>(count));
    for (int i = 0; i < count; ++i) body((first + i * step) % count);
  }
  mutable std::mt19937 random_{5};
};

/// EmulatedMachine is what a test says of a device and sees of it.
struct EmulatedMachine {
  std::int64_t shared_bytes = 200'000;
  std::size_t memory_bytes = std::size_t{1} << 30;
  int passes_until_failure = 1'000'000;
  int opened = 0, passes = 0;
  std::size_t allocated = 0;  ///< bytes at this time
};

class EmulatedDevice : public Device {
 public:
  explicit EmulatedDevice(EmulatedMachine& machine) : machine_(machine) { ++machine_.opened; }

  [[nodiscard]] std::string name() const override { return "emulated GPU"; }
  [[nodiscard]] std::int64_t shared_bytes() const override { return machine_.shared_bytes; }
  [[nodiscard]] void* Allocate(std::size_t bytes) override {
    if (machine_.allocated + bytes > machine_.memory_bytes) throw DeviceError("memory is full");
    void* const memory = std::malloc(bytes);
    // As a device leaves it: full of what was there before.
    std::memset(memory, 0xa5, bytes);
    machine_.allocated += bytes;
    sizes_[memory] = bytes;
    return memory;
  }
  void Free(void* memory) noexcept override {
    if (memory == nullptr) return;
    machine_.allocated -= sizes_[memory];
    sizes_.erase(memory);
    std::free(memory);
  }
  void Fill(void* memory, unsigned char byte, std::size_t bytes) override {
    std::memset(memory, byte, bytes);
  }
  void Upload(void* to, const void* from, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  void Download(void* to, const void* from, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  void Score(const PoolView& pool, const PlanView& plan) override {
    ++machine_.passes;
    if (machine_.passes > machine_.passes_until_failure) throw DeviceError("the kernel failed");
    const auto bytes = static_cast<std::size_t>(WorkspaceBytes(pool.labels, pool.longest));
    // In words, so that it begins where the widest number may.
    std::vector<std::uint64_t> memory(bytes / 8 + 1, 0xa5a5a5a5a5a5a5a5);
    const Workspace work = LaidOut(reinterpret_cast<unsigned char*>(memory.data()), pool);
    const EmulatedTeam team;
    for (std::int64_t video = 0; video < pool.videos; ++video) {
      VideoScorer<EmulatedTeam>(team, pool, plan, work, video).ScoreAll();
    }
    // Nothing was written behind the block's memory.
    const auto* const end = reinterpret_cast<const unsigned char*>(memory.data()) + bytes;
    for (std::size_t i = 0; i < (bytes / 8 + 1) * 8 - bytes; ++i) {
      if (end[i] != 0xa5) throw std::logic_error("written behind the workspace");
    }
  }

 private:
  EmulatedMachine& machine_;
  std::map<void*, std::size_t> sizes_;
};

/// An offer of the machine's device for pools of any size; what it warns of is added to `warnings`.
inline DeviceOffer Offered(EmulatedMachine& machine, std::vector<std::string>& warnings) {
  return {.open = [&machine] { return std::make_unique<EmulatedDevice>(machine); },
          .fewest_lists = 0,
          .warn = [&warnings](const std::string& why) { warnings.push_back(why); }};
}

}  // namespace beamgrid::gpu
