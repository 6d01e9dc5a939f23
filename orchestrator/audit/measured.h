#pragma once
// What a trial's result is to the last bit, however often and wherever its attempts were stopped,
// and how two of them differ. One list for `dump --canonical` and `verify`.

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "registry/outcome.h"

namespace beamgrid {

/// Returns metrics, losses, epochs, sizes, examples, skipped records, and bytes and hash of every
/// artifact. Not in it: times, rates, memory, device, threads, versions and paths. A number that is
/// not finite is null.
[[nodiscard]] boost::json::object Measured(const TrialResult& result);

/// Difference is one value that two sides have differently, as JSON text; "nothing" where one side
/// lacks it.
struct Difference {
  std::string what;  ///< "metrics.gap", "epochs[1].train_loss", "artifacts.model.hash"
  std::string recorded, now;
  bool operator==(const Difference&) const = default;
};

/// Returns the values in which two objects differ, each by its path.
[[nodiscard]] std::vector<Difference> Differences(const boost::json::object& recorded,
                                                  const boost::json::object& now);

/// Returns what of the environment differs: program, LibTorch, device (its kind and model, not its
/// number) and threads.
[[nodiscard]] std::vector<Difference> EnvironmentDifferences(const TrialResult& recorded,
                                                             const TrialResult& now);

/// Returns the environment for people: "beamgrid 0.1.0, LibTorch 1.13.1, cpu, 1 thread".
[[nodiscard]] std::string EnvironmentText(const TrialResult& result);

}  // namespace beamgrid
