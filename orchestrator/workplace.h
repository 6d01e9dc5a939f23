#pragma once
// Where the trials of a study are carried out: on this machine, or by the jobs of a cluster.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/machine/machine_share.h"
#include "orchestrator/study/executor.h"
#include "orchestrator/study/resources.h"
#include "registry/store/store.h"
#include "search/recipe.h"

namespace beamgrid {

/// Workplace is what a running study needs of where it runs. Owned by the study's thread.
class Workplace {
 public:
  Workplace() = default;
  virtual ~Workplace() = default;
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  [[nodiscard]] virtual Resources& resources() = 0;
  [[nodiscard]] virtual Executor& executor() = 0;
  /// Returns the bytes that the trials of each device may use together; see Scheduler.
  [[nodiscard]] virtual std::map<std::string, std::int64_t> Memory() = 0;
  /// Returns a line for people.
  [[nodiscard]] virtual std::string Summary() = 0;
};

/// WorkSlots is the slots of a study, and the cores of this machine that it may use.
struct WorkSlots {
  std::vector<Slot> slots;
  std::int64_t cores = 1;
};

/// Returns the slots of a study. Throws UsageError for a device that is not there.
[[nodiscard]] WorkSlots FindWorkSlots(const ResourceSettings& resources,
                                      const std::filesystem::path& trainer);

/// WorkplaceParts is what a workplace is made from; all outlive it.
struct WorkplaceParts {
  const Recipe* recipe;
  const DataSpec* data;
  const Store* store;
  const WorkSlots* slots;
  std::filesystem::path trainer;
  ShareMode share;
  std::function<std::chrono::milliseconds()> clock;
  std::function<void(const std::string&)> tell;  ///< for people
};

/// Makes the workplace that the recipe names. For a cluster it may ask the queue.
[[nodiscard]] std::unique_ptr<Workplace> MakeWorkplace(const WorkplaceParts& parts);

}  // namespace beamgrid
