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
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/machine/need_estimate.h"
#include "registry/model_spec.h"
#include "registry/outcome.h"

namespace beamgrid {

/// Returns the examples that a complete trial had in one epoch; 0: unknown. A result of the record
/// has no epochs: then only of a training that was not stopped early.
[[nodiscard]] std::int64_t EpochExamples(const ModelSpec& model, const TrialResult& result);

/// Forecast holds what was measured and says what a trial will need. Not thread-safe; owned by one
/// thread. A forecast costs O(log models measured), of a trial of parts that were not measured yet
/// O(models measured).
class Forecast {
 public:
  Forecast() = default;
  Forecast(Forecast&&) = default;
  Forecast& operator=(Forecast&&) = default;
  // A plain copy would refer to the models of the original.
  Forecast(const Forecast&) = delete;
  Forecast& operator=(const Forecast&) = delete;

  /// Returns a forecast that knows the same and learns by itself.
  [[nodiscard]] Forecast Copy() const;

  /// Takes in a complete trial, of the record or of this run. What was not measured (an attempt
  /// that only had to evaluate) is passed over.
  void Learn(const ModelSpec& model, const DataSpec& data, const TrialResult& result);

  /// Notes how many examples an epoch of these data has, for data that were not trained on yet.
  void KnowExamples(const std::string& digest, std::int64_t examples);

  /// Basis is what the seconds of a forecast are from; the further down, the better they are known.
  /// The same model trained more than twice as long, or as short, counts as one of the same parts,
  /// for what each trial and each epoch cost beside the examples is not known.
  enum class Basis { kNothing, kOtherParts, kSameParts, kSameModel };
  /// Need is a forecast.
  struct Need {
    std::int64_t memory_bytes = 0;  ///< with the margin
    double seconds = 0;             ///< nothing measured: only the order of trials means something
    Basis basis = Basis::kNothing;  ///< kNothing also where the number of examples is assumed
    std::string memory_text;        ///< the arithmetic, one line, for people
    std::string seconds_text;
  };
  /// Returns what a trial will need. `device_kind`: "cpu" or "cuda"; a device's name will do.
  [[nodiscard]] Need Of(const ModelSpec& model, const DataSpec& data, std::int64_t parameters,
                        const std::string& device_kind) const;

  /// Spread says how far measured trials were from what a forecast would have said of them.
  struct Spread {
    double low = 1, middle = 1, high = 1;  ///< measured / forecast
    std::size_t trials = 0;  ///< whose 10th, 50th and 90th percentile these are; 0: assumed
  };
  /// Returns the spread of forecasts on such a basis: each trial of the record is compared with
  /// what the others say of it. From fewer than five trials nothing can be told, and it is assumed
  /// to be wide: a factor of 1.5 for the same model, of 2 for the same parts, of 4 for others.
  /// Never less than 10 % to either side. Costs O(trials measured).
  [[nodiscard]] Spread SpreadOf(Basis basis, const std::string& device_kind) const;
  /// True if the seconds of trials on these data and such a device are a forecast and no guess.
  [[nodiscard]] bool KnowsTimes(const DataSpec& data, const std::string& device_kind) const;
  /// Returns the number of trials whose time was measured on devices of this kind.
  [[nodiscard]] std::size_t Trials(const std::string& device_kind) const;
  /// Returns how many of these were trained on these data.
  [[nodiscard]] std::size_t TrialsOn(const DataSpec& data, const std::string& device_kind) const;

 private:
  /// Time is what was measured of one trial.
  struct Time {
    double seconds_per_example = 0;
    std::int64_t examples = 0;
    std::int64_t epochs = 0;  ///< that it was to have
    std::string digest;       ///< of its data
  };
  /// Measured is what was measured of one model on one kind of device, over its seeds.
  struct Measured {
    std::string device_kind;
    std::set<std::string> components;
    NeedEstimate estimate;
    std::vector<std::int64_t> peaks;          ///< bytes, one a trial
    std::vector<double> seconds_per_example;  ///< one a trial
    std::vector<Time> times;                  ///< one a trial
  };
  /// Ratio is measured/estimated of others.
  struct Ratio {
    double value = 1;
    std::string source;  ///< for people; empty: nothing was measured
    bool same_parts = false;
  };
  /// Likes is the models that a trial is corrected by.
  struct Likes {
    bool same_parts = false;
    std::vector<const Measured*> models;
  };
  /// Quantity says what is forecast.
  enum class Quantity { kMemory, kTime };
  /// BySize is measured models by the bytes of their parameters, then by their keys in models_.
  using BySize = std::map<std::int64_t, std::map<std::string_view, const Measured*>>;
  /// SameParts is the models that have one quantity measured, by device kind and components.
  using SameParts = std::map<std::pair<std::string, std::set<std::string>>, BySize>;

  [[nodiscard]] static bool Knows(const Measured& model, Quantity quantity);
  /// Lists a model among those of its parts.
  void List(std::string_view key, const Measured& model);
  /// Takes it out, before anything changes by which it is listed.
  void Unlist(std::string_view key, const Measured& model);

  [[nodiscard]] const Measured* FindSame(const std::string& key) const;
  /// Returns (up to) the three that are nearest in size.
  [[nodiscard]] static std::vector<const Measured*> NearestOf(const BySize& models,
                                                              std::int64_t parameter_bytes);
  [[nodiscard]] Likes LikesOf(const Measured& trial, Quantity quantity) const;
  [[nodiscard]] Ratio RatioFor(const Measured& trial, Quantity quantity) const;
  /// Returns the share of a whole training that the trial was: less than 1 where it stopped early.
  [[nodiscard]] double ShareTrained(const Time& time) const;
  /// Returns the examples of the whole training that the trial was to have.
  [[nodiscard]] double WholeExamples(const Time& time) const;
  void ForecastMemory(const Measured& trial, const Measured* same, const ModelSpec& model,
                      Need* need) const;
  void ForecastTime(const Measured& trial, const Measured* same, const ModelSpec& model,
                    const std::string& digest, Need* need) const;

  std::map<std::string, Measured> models_;              ///< by all that decides the need
  std::map<Quantity, SameParts> same_parts_;            ///< refers to models_
  std::map<std::string, std::int64_t> epoch_examples_;  ///< by the data's digest
};

}  // namespace beamgrid
