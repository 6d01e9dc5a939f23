#pragma once
// Learning curves as event files that TensorBoard reads.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// TensorBoardReport says what was written.
struct TensorBoardReport {
  struct Run {
    std::string folder;  ///< what TensorBoard calls the run
    std::string name;
    std::int64_t seed = 0;
    std::size_t epochs = 0;
  };
  std::vector<Run> runs;
  std::size_t without_epochs = 0;  ///< trials of which no epoch has ended: they have no run
  [[nodiscard]] std::size_t epochs() const;
};

/// Writes a folder with one run for each of the trials: the losses and metrics of each epoch
/// (train/loss, validate/loss, validate/gap, ...) and the trial's settings as hyperparameters,
/// seeds of one model as one group.
///
/// An epoch has the time at which it ended. One whose time was not recorded has that of the next
/// one, or of the trial's end, and 0 where there is none of these.
///
/// The same record gives the same bytes. The folder is there whole or not at all; UsageError as
/// CheckExportFolder (`--tensorboard`) has it, and where no epoch of these trials has ended.
[[nodiscard]] TensorBoardReport WriteTensorBoard(const Store& store,
                                                 const std::vector<TrialRecord>& trials,
                                                 const std::filesystem::path& out);

}  // namespace beamgrid
