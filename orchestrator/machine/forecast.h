#pragma once
// What a trial will need: memory on its device and time. The estimate from its sizes
// (need_estimate.h), corrected by what was measured for its like. Pure: no file, process or clock.
//
//   the same model was measured    its highest peak, its median time. The same: all but the seed
//     on this kind of device       and those training settings that cost nothing (learning rate)
//   models of the same components  the estimate x the median of measured/estimated over (up to)
//     were                         the three nearest in parameters
//   others were                    the estimate x that median over all
//   none was                       the estimate
// On top comes a margin, 10 % of what was measured and 20 % of what was only estimated.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/machine/need_estimate.h"
#include "registry/model_spec.h"
#include "registry/outcome.h"

namespace beamgrid {

/// Forecast holds what was measured and says what a trial will need. Not thread-safe; owned by one
/// thread. A forecast costs O(models measured).
class Forecast {
 public:
  /// Takes in a complete trial, of the record or of this run. What was not measured (an attempt
  /// that only had to evaluate) is passed over.
  void Learn(const ModelSpec& model, const DataSpec& data, const TrialResult& result);

  /// Need is a forecast.
  struct Need {
    std::int64_t memory_bytes = 0;  ///< with the margin
    double seconds = 0;             ///< nothing measured: only the order of trials means something
    std::string memory_text;        ///< the arithmetic, one line, for people
    std::string seconds_text;
  };
  /// Returns what a trial will need. `device_kind`: "cpu" or "cuda"; a device's name will do.
  [[nodiscard]] Need Of(const ModelSpec& model, const DataSpec& data, std::int64_t parameters,
                        const std::string& device_kind) const;

 private:
  /// Measured is what was measured of one model on one kind of device, over its seeds.
  struct Measured {
    std::string device_kind;
    std::set<std::string> components;
    NeedEstimate estimate;
    std::vector<std::int64_t> peaks;          ///< bytes, one a trial
    std::vector<double> seconds_per_example;  ///< one a trial
  };
  /// Ratio is measured/estimated of others.
  struct Ratio {
    double value = 1;
    std::string source;  ///< for people; empty: nothing was measured
  };
  /// Likes is the models that a trial is corrected by.
  struct Likes {
    bool same_parts = false;
    std::vector<const Measured*> models;
  };
  /// Quantity says what is forecast.
  enum class Quantity { kMemory, kTime };

  [[nodiscard]] const Measured* FindSame(const std::string& key) const;
  [[nodiscard]] Likes LikesOf(const Measured& trial, Quantity quantity) const;
  [[nodiscard]] Ratio RatioFor(const Measured& trial, Quantity quantity) const;
  void ForecastMemory(const Measured& trial, const Measured* same, const ModelSpec& model,
                      Need* need) const;
  void ForecastTime(const Measured& trial, const Measured* same, const ModelSpec& model,
                    const std::string& digest, Need* need) const;

  std::map<std::string, Measured> models_;              ///< by all that decides the need
  std::map<std::string, std::int64_t> epoch_examples_;  ///< by the data's digest
};

}  // namespace beamgrid
