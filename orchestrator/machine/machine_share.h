#pragma once
// Several studies (processes) on one machine: together they never use more than its devices have,
// and share them by priority (share_table.h says how).
//
// All orchestrators of this user know one folder. A table there says who holds and wants what; it
// is read and replaced under a lock that is held for microseconds. Each orchestrator keeps a file
// of its own there locked: where the kernel has released that lock, it is dead and its units are
// free. Where there can be no such folder everybody gets what they ask for.
//
// A unit of the CPU is a core, a worker takes as many as it has threads; a unit of a GPU is a
// worker.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace beamgrid {

/// $BEAMGRID_SHARE_DIR, else /tmp/beamgrid-<uid>: $XDG_RUNTIME_DIR is not the same for all of a
/// user's sessions, and goes when the last one ends, which a study may outlive.
[[nodiscard]] std::filesystem::path DefaultShareFolder();

/// Units of a device, given back when this ends. May outlive its MachineShare.
class SlotLease {
 public:
  SlotLease() = default;  ///< of nothing
  SlotLease(SlotLease&&) = default;
  SlotLease& operator=(SlotLease&&) = default;
  ~SlotLease() = default;

 private:
  friend class MachineShare;
  explicit SlotLease(std::shared_ptr<void> units) : units_(std::move(units)) {}
  std::shared_ptr<void> units_;  ///< its deleter gives them back
};

/// Seconds from some fixed point, the same for all processes of the machine; never goes back.
using MonotonicSeconds = std::function<double()>;
[[nodiscard]] double SecondsSinceBoot();

/// One thread's, its leases included. Nothing throws, and nothing blocks for longer than 0.1 s.
class MachineShare {
 public:
  /// A wish counts so long after it was last uttered: ask once a second while there is one.
  static constexpr double kWishSeconds = 5;

  MachineShare(std::filesystem::path folder, std::string study, std::int64_t priority,
               MonotonicSeconds now = SecondsSinceBoot);
  ~MachineShare();
  MachineShare(const MachineShare&) = delete;
  MachineShare& operator=(const MachineShare&) = delete;

  /// Why nothing is shared; empty where it is. For one warning.
  [[nodiscard]] const std::string& problem() const;

  /// Takes `units` of the `capacity` that the machine has of `device` (DeviceMemory::Identity;
  /// where studies name different capacities, the highest counts). Nothing where they are taken or
  /// it is somebody else's turn: then this study waits for them until it gets some, calls
  /// StopWaiting, or has not asked for kWishSeconds. More units than there are: the whole device.
  [[nodiscard]] std::optional<SlotLease> TryTake(const std::string& device, std::int64_t capacity,
                                                 std::int64_t units = 1);
  void StopWaiting(const std::string& device);

  /// Another living study's part of a device.
  struct Neighbour {
    std::string study;
    std::int64_t pid = 0, priority = 1, held = 0;
    bool waits = false;
  };
  /// As of the last TryTake on `device`; for `explain` and "waits for ...".
  [[nodiscard]] std::vector<Neighbour> Neighbours(const std::string& device) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace beamgrid
