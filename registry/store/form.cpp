#include "registry/store/form.h"

#include <exception>

#include "registry/util/json.h"

namespace beamgrid {
namespace {

constexpr char kAsTrained[] = "fp32";

/// Returns the training settings; none of a trial whose model nobody can read any more.
boost::json::object TrainSettingsOf(const TrialRecord& trial) try {
  return ParseJson(trial.model_json).at("train").as_object();
} catch (const std::exception&) {
  return {};
}

}  // namespace

std::string PrecisionOf(const TrialRecord& trial) {
  const boost::json::object train = TrainSettingsOf(trial);
  const boost::json::value* precision = train.if_contains("precision");
  return precision == nullptr ? kAsTrained : std::string(precision->as_string());
}

bool IsForm(const TrialRecord& trial) {
  const boost::json::object train = TrainSettingsOf(trial);
  const boost::json::value* epochs = train.if_contains("epochs");
  return epochs != nullptr && *epochs == 0;
}

}  // namespace beamgrid
