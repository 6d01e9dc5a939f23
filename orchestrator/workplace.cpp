#include "orchestrator/workplace.h"

#include <optional>
#include <utility>

#include "orchestrator/machine/cluster_resources.h"
#include "orchestrator/machine/device_memory.h"
#include "orchestrator/machine/devices.h"
#include "orchestrator/machine/machine_resources.h"
#include "orchestrator/slurm/given_up.h"
#include "orchestrator/slurm/pilots_lock.h"
#include "orchestrator/slurm/slurm_executor.h"
#include "orchestrator/workers/process.h"
#include "orchestrator/workers/worker_environment.h"
#include "registry/store/place.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

std::chrono::milliseconds LongestSilence(const Recipe& recipe) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(recipe.resources.heartbeat_timeout_seconds));
}

/// ThisMachine is processes of this machine, which other studies use too.
class ThisMachine : public Workplace {
 public:
  explicit ThisMachine(const WorkplaceParts& parts)
      : share_(ShareOf(parts)),
        resources_(
            *parts.data, parts.slots->slots, parts.slots->cores,
            [store = parts.store] { return ForecastFrom(*store); }, memory_,
            share_ ? &*share_ : nullptr, parts.tell),
        executor_({.trainer = parts.trainer,
                   .environment = CurrentEnvironment(),
                   .processor_flags = ProcessorFlags(),
                   .silence = LongestSilence(*parts.recipe)}) {}

  Resources& resources() override { return resources_; }
  Executor& executor() override { return executor_; }
  std::map<std::string, std::int64_t> Memory() override { return resources_.Budgets(); }
  std::string Summary() override { return resources_.Summary(); }

 private:
  static std::optional<MachineShare> ShareOf(const WorkplaceParts& parts) {
    try {
      return std::optional<MachineShare>(std::in_place, DefaultShareFolder(), parts.recipe->name,
                                         parts.recipe->resources.priority, parts.share,
                                         parts.clock);
    } catch (const Error& error) {
      parts.tell(NotShared(error));
      return std::nullopt;
    }
  }

  DeviceMemory memory_;
  std::optional<MachineShare> share_;
  MachineResources resources_;
  LocalExecutorBesideSlurm executor_;
};

/// Cluster is the jobs that Slurm gives the study.
class Cluster : public Workplace {
 public:
  explicit Cluster(const WorkplaceParts& parts)
      : lock_(parts.store->runs() / parts.recipe->name),
        resources_(*parts.data, parts.recipe->resources,
                   [store = parts.store] { return ForecastFrom(*store); }),
        executor_(client_, {.study = parts.recipe->name,
                            .study_folder = parts.store->runs() / parts.recipe->name,
                            .settings = parts.recipe->resources.slurm,
                            .limit = FindPartitionLimit({}, parts.recipe->resources.slurm),
                            .threads = parts.slots->slots.front().threads,
                            .program = std::filesystem::read_symlink("/proc/self/exe"),
                            .trainer = RealPath(parts.trainer),
                            .silence = LongestSilence(*parts.recipe),
                            .tell = parts.tell,
                            .clock = parts.clock}) {}

  Resources& resources() override { return resources_; }
  Executor& executor() override { return executor_; }
  std::map<std::string, std::int64_t> Memory() override { return {}; }
  std::string Summary() override { return resources_.Summary(); }

 private:
  PilotsLock lock_;
  SlurmClient client_;
  ClusterResources resources_;
  SlurmExecutor executor_;
};

}  // namespace

WorkSlots FindWorkSlots(const ResourceSettings& resources, const std::filesystem::path& trainer) {
  if (resources.executor == ExecutorKind::kSlurm) return {.slots = ClusterSlots(resources)};
  const MachineDevices machine = LookAtMachine(resources, trainer);
  return {.slots = MakeSlots(resources, machine), .cores = machine.cores};
}

std::unique_ptr<Workplace> MakeWorkplace(const WorkplaceParts& parts) {
  if (parts.recipe->resources.executor == ExecutorKind::kSlurm) {
    return std::make_unique<Cluster>(parts);
  }
  return std::make_unique<ThisMachine>(parts);
}

}  // namespace beamgrid
