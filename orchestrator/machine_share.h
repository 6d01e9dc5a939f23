#pragma once
// Several studies (processes) on one machine: together they never use more than its devices have,
// and share them by priority (share_rule.h).
//
// Each orchestrator writes what it holds and wants into a file of its own, in a folder that all
// orchestrators of this user know, and holds an flock on it while it lives: where the kernel has
// released the lock, the orchestrator is dead and its units are free. All is read and written under
// one more lock, held for microseconds. Without such a folder (none can be made, or it is not safe)
// everybody gets what they ask for.
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

/// $BEAMGRID_SHARE_DIR, else $XDG_RUNTIME_DIR/beamgrid, else /tmp/beamgrid-<uid>.
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

/// One thread's, its leases included. Nothing throws and nothing blocks for longer than some
/// milliseconds.
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
