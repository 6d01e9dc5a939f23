#include "orchestrator/machine/cluster_resources.h"

#include <utility>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Slurm shows a job the devices that it has given it, from 0 on.
std::string DeviceOf(const SlurmSettings& slurm) { return slurm.AsksForGpu() ? "cuda:0" : "cpu"; }

}  // namespace

std::vector<Slot> ClusterSlots(const ResourceSettings& resources) {
  const SlurmSettings& slurm = resources.slurm;
  const Slot slot{.device = DeviceOf(slurm),
                  .threads = slurm.cpus > 0 ? slurm.cpus : resources.threads_per_worker,
                  .shared = false};
  return std::vector<Slot>(static_cast<std::size_t>(slurm.jobs), slot);
}

ClusterResources::ClusterResources(const DataSpec& data, const ResourceSettings& resources,
                                   MakeForecast make_forecast)
    : data_(data),
      make_forecast_(std::move(make_forecast)),
      device_(DeviceOf(resources.slurm)),
      jobs_(resources.slurm.jobs) {}

std::string ClusterResources::Summary() const {
  return "at most " + CountText(static_cast<std::size_t>(jobs_), "Slurm job") + " on " + device_;
}

TrialNeeds ClusterResources::Needs(const ModelSpec& model, std::int64_t parameters) {
  const Forecast::Need need = Known().Of(model, data_, parameters, device_);
  const Forecast::Need before = before_ ? before_->Of(model, data_, parameters, device_) : need;
  return {.memory_bytes = {{device_, need.memory_bytes}},
          .seconds = need.seconds,
          .measured = need.basis >= Forecast::Basis::kSameParts,
          .seconds_before = before.basis >= Forecast::Basis::kSameParts ? before.seconds : 0};
}

void ClusterResources::Learn(const ModelSpec& model, const TrialResult& result) {
  if (!before_) before_ = Known().Copy();
  Known().Learn(model, data_, result);
}

Forecast& ClusterResources::Known() {
  if (!forecast_) forecast_ = make_forecast_();
  return *forecast_;
}

}  // namespace beamgrid
