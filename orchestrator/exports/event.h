#pragma once
// The protobuf messages of TensorBoard's event files, as bytes: tensorflow/core/util/event.proto,
// tensorflow/core/framework/summary.proto and tensorboard/plugins/hparams/plugin_data.proto, as far
// as scalars and hyperparameters need them.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace beamgrid {

/// Scalar is a number of a step under its tag; event files hold it in 32 bits.
using Scalar = std::pair<std::string, double>;

/// Hyperparameters are a trial's settings by name.
using Hyperparameters = std::map<std::string, std::variant<double, bool, std::string>>;

/// SessionEnd says how a trial ended; the numbers are those of hparams/api.proto.
enum class SessionEnd { kUnknown = 0, kSuccess = 1, kFailure = 2, kRunning = 3 };

/// Returns the event that every file begins with. Times are seconds since 1970.
[[nodiscard]] std::string VersionEvent(double wall_time);

/// Returns the event of the numbers of one step.
[[nodiscard]] std::string ScalarsEvent(double wall_time, std::int64_t step,
                                       const std::vector<Scalar>& scalars);

/// Returns the event that states a trial's settings. Trials of one `group` are shown as one line.
[[nodiscard]] std::string SettingsEvent(double wall_time, const Hyperparameters& settings,
                                        const std::string& group);

/// Returns the event that says how the trial ended.
[[nodiscard]] std::string EndEvent(double wall_time, SessionEnd end);

}  // namespace beamgrid
