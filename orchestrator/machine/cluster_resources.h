#pragma once
// A cluster as a study sees it: each of its jobs has a device and memory of its own, and who gets
// them is Slurm's to say.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/machine/forecast.h"
#include "orchestrator/study/resources.h"
#include "orchestrator/study/scheduler.h"
#include "search/recipe.h"

namespace beamgrid {

/// Returns a slot for each job that the study may have at once.
[[nodiscard]] std::vector<Slot> ClusterSlots(const ResourceSettings& resources);

/// ClusterResources forecasts what trials need, by the record, and refuses none of them a job. Not
/// thread-safe; owned by the study's thread.
class ClusterResources : public Resources {
 public:
  using MakeForecast = std::function<Forecast()>;

  /// Expects that `data` outlives this object. `make_forecast` is asked when a trial is to be
  /// forecast first.
  ClusterResources(const DataSpec& data, const ResourceSettings& resources,
                   MakeForecast make_forecast);

  /// Returns a line for people: "at most 8 Slurm jobs on cpu".
  [[nodiscard]] std::string Summary() const;

  [[nodiscard]] TrialNeeds Needs(const ModelSpec& model, std::int64_t parameters) override;
  void Learn(const ModelSpec& model, const TrialResult& result) override;

 private:
  [[nodiscard]] Forecast& Known();

  const DataSpec& data_;
  MakeForecast make_forecast_;
  std::optional<Forecast> forecast_;
  std::optional<Forecast> before_;  ///< what it knew before it learnt anything in this run
  std::string device_;
  std::int64_t jobs_;
};

}  // namespace beamgrid
