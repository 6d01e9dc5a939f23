#pragma once
// Who holds which units of the machine's devices, and who may take the next ones. Pure: no file,
// lock or clock.
//
// Free units go to the waiting study that comes first by
//     served + lease * held / priority,
// served being the unit-seconds that it had while others waited, divided by its priority, and lease
// how long one lasts about. So in the long run studies that compete get unit-seconds in proportion
// to their priorities, whatever the lengths of their trials; the second term, what is taken already
// but not yet served, keeps the present shares near that too, and gives one that comes anew the
// next free unit. What is used while nobody waits costs nothing. Nobody is preempted. The units for
// one who comes first and wants more than are free are collected: nobody overtakes it with them.

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace beamgrid {

/// A living orchestrator.
struct ShareOwner {
  std::string id;  ///< its own among all
  std::string study;
  std::int64_t pid = 0;
  std::int64_t priority = 1;
};

/// One owner's part of one device.
struct ShareClaim {
  ShareOwner owner;
  std::string device;
  std::int64_t capacity = 1;  ///< units that the machine has, as the owner counts them
  std::int64_t held = 0;      ///< units
  std::int64_t wanted = 0;    ///< units of the lease that it waits for; 0: it does not wait
  double active_at = 0;       ///< when it last asked or gave back, seconds
  double served = 0;          ///< unit-seconds / priority
  double used = 0;            ///< unit-seconds, all of them
  std::int64_t ended = 0;     ///< units given back
};

class ShareTable {
 public:
  /// How long a lease lasts where none has ended yet.
  static constexpr double kLeaseSeconds = 60;
  /// A wish counts so long after it was last uttered; a study without claims is forgotten after it.
  static constexpr double kWishSeconds = 5;

  /// Brings the table to the time `now`, the first thing to be done whenever it is looked at.
  /// Claims of owners that are not alive are gone, their units free.
  void Advance(double now, const std::function<bool(const std::string& owner)>& is_alive);

  /// The units that the owner got: all that it wants or, where it wants more, all that the device
  /// has (the highest `capacity` that a claim names); 0: it waits from now on.
  [[nodiscard]] std::int64_t Take(const ShareOwner& owner, const std::string& device,
                                  std::int64_t capacity, std::int64_t units);
  /// What the owner knows best: units given back since, or a table that was lost.
  void SetHeld(const ShareOwner& owner, const std::string& device, std::int64_t capacity,
               std::int64_t units);
  void StopWaiting(const std::string& owner, const std::string& device);
  void Remove(const std::string& owner);

  [[nodiscard]] const std::vector<ShareClaim>& claims() const { return claims_; }

  /// {"at": seconds, "claims": [...]}. An empty table of text that is none.
  [[nodiscard]] std::string Text() const;
  [[nodiscard]] static ShareTable FromText(const std::string& text);

 private:
  [[nodiscard]] ShareClaim* Find(const std::string& owner, const std::string& device);
  /// The claim, made where there is none.
  ShareClaim& Enter(const ShareOwner& owner, const std::string& device, std::int64_t capacity);
  [[nodiscard]] double ServedAtEntry(const std::string& device) const;
  [[nodiscard]] std::int64_t Capacity(const std::string& device) const;
  /// The mean over the study whose leases last longest: nothing can be evened out faster.
  [[nodiscard]] double LeaseSeconds(const std::string& device) const;
  /// Where the claim stands among those that wait: the lowest comes first.
  [[nodiscard]] double Place(const ShareClaim& claim) const;
  /// Units that are free and not meant for somebody who comes before `claim`.
  [[nodiscard]] std::int64_t FreeFor(const ShareClaim& claim, std::int64_t capacity) const;
  /// Seconds since the table's time in which a study other than `claim`'s waited for its device.
  [[nodiscard]] double ContendedSeconds(const ShareClaim& claim, double now) const;

  double at_ = 0;
  std::vector<ShareClaim> claims_;
};

}  // namespace beamgrid
