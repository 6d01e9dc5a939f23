#pragma once
// Who may take units of a device that several studies want. Pure.
//
// Each claim has been served so many unit-seconds, divided by its priority. Free units go to the
// waiting claim that comes first by
//     served + kHorizonSeconds * (held + wanted) / priority
// so in the long run everybody gets unit-seconds in proportion to the priorities, whatever the
// lengths of the trials; the second term keeps the present shares near them too. Nobody is
// preempted. The units for one who comes first and wants more than are free are collected: nobody
// overtakes it with them. A study that comes late, or comes back, starts level with the least
// served one: time without a wish earns nothing.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace beamgrid {

/// One study's part of one device.
struct ShareClaim {
  std::int64_t priority = 1;  ///< at least 1
  std::int64_t held = 0;      ///< units
  std::int64_t wanted = 0;    ///< units of the lease that it waits for; 0: it does not wait
  double served = 0;          ///< unit-seconds / priority, up to now
};

/// About how long a lease lasts; only damps, see above.
inline constexpr double kHorizonSeconds = 60;

/// Whether `claims[mine]` may take what it wants now. One that wants more than `capacity` gets the
/// device when it is all free.
[[nodiscard]] bool MayTake(const std::vector<ShareClaim>& claims, std::size_t mine,
                           std::int64_t capacity);

/// `served` of a claim that begins to wait or to hold, having done neither, beside `others`.
[[nodiscard]] double ServedAtEntry(double served, const std::vector<ShareClaim>& others);

}  // namespace beamgrid
