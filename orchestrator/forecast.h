#pragma once
// What a trial will need: memory on its device and time. An estimate from the model's size and
// shape, corrected by what was measured for its like. Pure: no file, process or clock.
//
// Memory = process + 4 bytes x parameters x copies + activations; all but the process is then
// multiplied with the correction:
//   the same model was measured (another seed or learning rate)  its highest peak, no arithmetic
//   other models were measured on this kind of device            the median of measured/estimated
//       over those that share the most components with it; among equals, those nearest in size
//   none was                                                     1
// and with a margin that is the larger the less is known. Time: seconds per example in the same
// way, x epochs x examples of an epoch.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "registry/model_spec.h"
#include "registry/outcome.h"

namespace beamgrid {

/// The arithmetic of one estimate, before any correction.
struct NeedEstimate {
  std::int64_t process_bytes = 0;     ///< a worker that holds no model
  std::int64_t parameter_bytes = 0;   ///< of one copy of all parameters
  std::int64_t copies = 0;            ///< weights, gradients, moments, averages ...
  std::int64_t activation_bytes = 0;  ///< of one batch
  double operations = 0;              ///< of one example, forward; in no particular unit

  [[nodiscard]] std::int64_t model_bytes() const {
    return parameter_bytes * copies + activation_bytes;
  }
};

/// `device_kind`: "cpu" or "cuda"; a device's name ("cuda:1", "cuda:0 NVIDIA H200") will do.
[[nodiscard]] NeedEstimate EstimateNeed(const ModelSpec& model, const DataSpec& data,
                                        std::int64_t parameters, const std::string& device_kind);

/// One thread's. Learning costs O(log models), a forecast O(models measured).
class Forecast {
 public:
  /// A complete trial, of the record or of this run. Values that were not measured (0, as after an
  /// attempt that only evaluated) are passed over.
  void Learn(const ModelSpec& model, const DataSpec& data, const TrialResult& result);

  struct Need {
    std::int64_t memory_bytes = 0;
    double seconds = 0;       ///< only the order means something where nothing was measured
    std::string memory_text;  ///< the arithmetic, one line, for people
    std::string seconds_text;
  };
  [[nodiscard]] Need Of(const ModelSpec& model, const DataSpec& data, std::int64_t parameters,
                        const std::string& device_kind) const;

 private:
  /// What was measured of one model, over its seeds.
  struct Measured {
    std::string device_kind;
    std::set<std::string> components;  ///< "temporal=lstm", "extras=dropout"
    std::int64_t parameters = 0;
    NeedEstimate estimate;
    std::int64_t peak_bytes = 0;              ///< the highest; 0: unknown
    std::vector<double> seconds_per_example;  ///< one a trial
    std::int64_t trials = 0;
  };
  struct Correction {
    double factor = 1;
    std::string because;  ///< "as measured for ..."; empty: nothing was
  };

  std::map<std::string, Measured> models_;              ///< by what decides the need
  std::map<std::string, std::int64_t> epoch_examples_;  ///< by the data's digest
};

}  // namespace beamgrid
