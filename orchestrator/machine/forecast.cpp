#include "orchestrator/machine/forecast.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iterator>
#include <tuple>
#include <utility>

#include "registry/named_file.h"
#include "registry/training_time.h"
#include "registry/util/json.h"
#include "registry/util/small_numbers.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

// A peak differs from seed to seed; an estimate also misses what the formula does not know.
constexpr double kMeasuredMargin = 1.10;
constexpr double kEstimatedMargin = 1.20;
constexpr std::size_t kNearest = 3;
/// A training that differs by more in length tells less of another.
constexpr double kAsLong = 2;
/// Percentiles of fewer would be those of chance.
constexpr std::size_t kLeastForSpread = 5;
/// Added to both sides of a ratio: peaks of one small model differ by so much from seed to seed and
/// with the data that is mapped; a ratio of two smaller figures would say nothing.
constexpr double kNoiseBytes = 64.0 * (1 << 20);
/// Where nothing was measured these only order the trials, so their size hardly matters.
constexpr double kCpuSecondsPerOperation = 1e-10;
constexpr double kCudaSecondsPerOperation = 1e-12;
constexpr std::int64_t kAssumedExamples = 10'000;

// ---- The arithmetic as people read it in `explain`: one line each, no full stop ----------------

std::string Memory(std::int64_t bytes) {
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  if (mebibytes < 10) return SizeText(bytes);
  return mebibytes < 1024 ? FixedText(mebibytes, 0) + " MiB"
                          : FixedText(mebibytes / 1024, 2) + " GiB";
}

std::string Percent(double margin) { return FixedText((margin - 1) * 100, 0) + " %"; }

/// Words a measured forecast. `outside`: of the process, where a peak does not count it (GPU), else
/// 0.
std::string MeasuredMemoryText(std::int64_t bytes, std::int64_t outside, std::int64_t peak,
                               std::size_t trials, double margin) {
  std::string text = "needs about " + Memory(bytes) + ": ";
  if (outside > 0) text += Memory(outside) + " process + ";
  return text + Memory(peak) + ", the peak of " + CountText(trials, "trial") +
         " of this model, + " + Percent(margin);
}

/// Words an estimated forecast. `ratio`: measured/estimated of others; `source`: of which; empty:
/// of none.
std::string EstimatedMemoryText(std::int64_t bytes, const NeedEstimate& estimate,
                                const std::string& copies, double ratio, const std::string& source,
                                double margin) {
  const std::string model = std::to_string(estimate.copies) + " x " +
                            Memory(estimate.parameter_bytes) + " of parameters + " +
                            Memory(estimate.activation_bytes) + " of activations";
  const std::string factor = FixedText(ratio, 2);
  return "needs about " + Memory(bytes) + ": " + Memory(estimate.process_bytes) + " process + " +
         (source.empty() ? model : factor + " x (" + model + ")") + ", + " + Percent(margin) +
         "; " + (source.empty() ? "nothing like it was measured" : factor + " " + source) + "; " +
         std::to_string(estimate.copies) + " copies: " + copies;
}

/// Words a forecast of time. `source`: where the seconds per example are from.
std::string TimeText(double seconds, double seconds_per_example, double examples,
                     const std::string& source) {
  std::array<char, 32> each{};
  std::snprintf(each.data(), each.size(), "%.3g ms", seconds_per_example * 1000);
  const std::string time = ShortTimeText(seconds);
  return (time.starts_with("less") ? "takes " : "takes about ") + time + ": " +
         FixedText(examples, 0) + " examples x " + each.data() + ", " + source;
}

// ---- What was measured -------------------------------------------------------------------------

/// The training settings that change what a trial needs; the others change what it learns.
constexpr std::string_view kSettingsThatCost[] = {"optimizer",           "batch",     "ema",
                                                  "average_checkpoints", "precision", "arithmetic"};

std::string KeyOf(const ModelSpec& model, const DataSpec& data, const std::string& device_kind) {
  boost::json::object key = ToJson(model);
  boost::json::object train;
  for (const auto& [name, value] : model.train) {
    if (std::ranges::find(kSettingsThatCost, name) != std::end(kSettingsThatCost)) {
      train[name] = value;
    }
  }
  key["train"] = std::move(train);
  boost::json::object features;
  for (const auto& [name, width] : data.features) features[name] = width;
  key["data"] = {{"format", data.format},
                 {"classes", data.classes},
                 {"max_frames", data.format == "video" ? 1 : data.max_frames},
                 {"features", std::move(features)},
                 {"floats", !data.frame_types.empty()}};
  key["device"] = device_kind;
  // By content: a module that moved to another folder needs what it needed.
  return CanonicalJson(WithHashesForFiles(key));
}

std::set<std::string> ComponentsOf(const ModelSpec& model, const DataSpec& data) {
  std::set<std::string> components = {"data=" + data.format};
  for (const auto& [criterion, variant] : model.parts) {
    // A video-level model has no temporal part, whatever the spec says.
    if (criterion == "temporal" && data.format == "video") continue;
    components.insert(criterion + '=' + variant.component);
  }
  for (const auto& [name, options] : model.extras) components.insert("extras=" + name);
  return components;
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Returns the value below which a share of the sorted values lies, between two of them in
/// proportion.
double Percentile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// Returns the median of all values but the one at `index`.
double MedianWithout(std::vector<double> values, std::size_t index) {
  values.erase(values.begin() + static_cast<std::ptrdiff_t>(index));
  return Median(std::move(values));
}

std::int64_t Rounded(double value) { return static_cast<std::int64_t>(std::llround(value)); }

/// Returns the bytes of a peak that belong to the model: LibTorch counts the whole process on a
/// CPU, only its own tensors on a GPU.
double ModelBytes(std::int64_t peak, const NeedEstimate& estimate, const std::string& kind) {
  return static_cast<double>(kind == "cuda" ? peak : peak - estimate.process_bytes);
}

/// Returns the seconds of a whole trial for each example, evaluation included; 0: unknown.
double SecondsPerExample(const TrialResult& result) {
  if (result.examples <= 0 || result.examples_per_second <= 0) return 0;
  return TrainingSeconds(result) / static_cast<double>(result.examples);
}

std::int64_t EpochsOf(const ModelSpec& model) {
  const auto found = model.train.find("epochs");
  return found == model.train.end() || !found->second.is_int64()
             ? 1
             : std::max<std::int64_t>(1, found->second.as_int64());
}

}  // namespace

std::int64_t EpochExamples(const ModelSpec& model, const TrialResult& result) {
  if (!result.epochs.empty()) {
    return result.examples / static_cast<std::int64_t>(result.epochs.size());
  }
  return result.stopped_early ? 0 : result.examples / EpochsOf(model);
}

void Forecast::Learn(const ModelSpec& model, const DataSpec& data, const TrialResult& result) {
  const std::string kind = DeviceKind(result.device);
  const auto [entry, is_new] = models_.try_emplace(KeyOf(model, data, kind));
  Measured& measured = entry->second;
  if (!is_new) Unlist(entry->first, measured);
  measured.device_kind = kind;
  measured.components = ComponentsOf(model, data);
  measured.estimate = EstimateNeed(model, data, result.parameters, kind);
  if (result.peak_memory_bytes > 0) measured.peaks.push_back(result.peak_memory_bytes);
  const double seconds = SecondsPerExample(result);
  if (seconds > 0) {
    measured.seconds_per_example.push_back(seconds);
    measured.times.push_back({seconds, result.examples, EpochsOf(model), data.digest});
  }
  List(entry->first, measured);
  const std::int64_t examples = EpochExamples(model, result);
  if (examples > 0) epoch_examples_[data.digest] = examples;
}

Forecast Forecast::Copy() const {
  Forecast copy;
  copy.models_ = models_;
  copy.epoch_examples_ = epoch_examples_;
  for (const auto& [key, model] : copy.models_) copy.List(key, model);
  return copy;
}

void Forecast::KnowExamples(const std::string& digest, std::int64_t examples) {
  // What training counted is better than what was counted before.
  if (examples > 0) epoch_examples_.try_emplace(digest, examples);
}

bool Forecast::KnowsTimes(const DataSpec& data, const std::string& device_kind) const {
  return epoch_examples_.contains(data.digest) && Trials(device_kind) > 0;
}

std::size_t Forecast::Trials(const std::string& device_kind) const {
  std::size_t trials = 0;
  for (const auto& [key, model] : models_) {
    if (model.device_kind == DeviceKind(device_kind)) trials += model.times.size();
  }
  return trials;
}

std::size_t Forecast::TrialsOn(const DataSpec& data, const std::string& device_kind) const {
  std::size_t trials = 0;
  for (const auto& [key, model] : models_) {
    if (model.device_kind != DeviceKind(device_kind)) continue;
    trials += static_cast<std::size_t>(std::ranges::count(model.times, data.digest, &Time::digest));
  }
  return trials;
}

double Forecast::WholeExamples(const Time& time) const {
  const auto examples = epoch_examples_.find(time.digest);
  if (examples == epoch_examples_.end()) return static_cast<double>(time.examples);
  return static_cast<double>(time.epochs) * static_cast<double>(examples->second);
}

double Forecast::ShareTrained(const Time& time) const {
  return static_cast<double>(time.examples) / WholeExamples(time);
}

Forecast::Spread Forecast::SpreadOf(Basis basis, const std::string& device_kind) const {
  const std::string kind = DeviceKind(device_kind);
  std::map<std::set<std::string>, std::vector<double>> by_parts;  // seconds for each operation
  for (const auto& [key, model] : models_) {
    if (model.device_kind != kind || model.times.empty()) continue;
    by_parts[model.components].push_back(Median(model.seconds_per_example) /
                                         model.estimate.operations);
  }
  // What is said of parts that were not measured: the median over models of other parts.
  std::map<std::set<std::string>, double> by_others;
  for (const auto& [parts, like] : by_parts) {
    std::vector<double> others;
    for (const auto& [other_parts, values] : by_parts) {
      if (other_parts != parts) others.insert(others.end(), values.begin(), values.end());
    }
    if (!others.empty()) by_others[parts] = Median(std::move(others));
  }
  std::vector<double> ratios;
  std::map<std::set<std::string>, std::size_t> places;  // of the model among those of its parts
  for (const auto& [key, model] : models_) {
    if (model.device_kind != kind || model.times.empty()) continue;
    const std::vector<double>& like = by_parts.at(model.components);
    const std::size_t among_like = places[model.components]++;
    const auto by_other = by_others.find(model.components);
    for (std::size_t i = 0; i < model.times.size(); ++i) {
      double forecast = 0;
      if (basis == Basis::kSameModel && model.times.size() > 1) {
        forecast = MedianWithout(model.seconds_per_example, i);
      } else if (basis == Basis::kSameParts && like.size() > 1) {
        forecast = MedianWithout(like, among_like) * model.estimate.operations;
      } else if (basis == Basis::kOtherParts && by_other != by_others.end()) {
        forecast = by_other->second * model.estimate.operations;
      }
      if (forecast <= 0) continue;
      ratios.push_back(model.times[i].seconds_per_example * ShareTrained(model.times[i]) /
                       forecast);
    }
  }
  if (ratios.size() < kLeastForSpread) {
    const double factor = basis == Basis::kSameModel ? 1.5 : basis == Basis::kSameParts ? 2 : 4;
    return {.low = 1 / factor, .middle = 1, .high = factor};
  }
  std::ranges::sort(ratios);
  const double middle = Percentile(ratios, 0.5);
  return {.low = std::min(Percentile(ratios, 0.1), middle / kMeasuredMargin),
          .middle = middle,
          .high = std::max(Percentile(ratios, 0.9), middle * kMeasuredMargin),
          .trials = ratios.size()};
}

const Forecast::Measured* Forecast::FindSame(const std::string& key) const {
  const auto found = models_.find(key);
  return found == models_.end() ? nullptr : &found->second;
}

bool Forecast::Knows(const Measured& model, Quantity quantity) {
  return quantity == Quantity::kMemory ? !model.peaks.empty() : !model.seconds_per_example.empty();
}

void Forecast::List(std::string_view key, const Measured& model) {
  for (const Quantity quantity : {Quantity::kMemory, Quantity::kTime}) {
    if (!Knows(model, quantity)) continue;
    same_parts_[quantity][{model.device_kind, model.components}][model.estimate.parameter_bytes]
               [key] = &model;
  }
}

void Forecast::Unlist(std::string_view key, const Measured& model) {
  for (const Quantity quantity : {Quantity::kMemory, Quantity::kTime}) {
    if (!Knows(model, quantity)) continue;
    BySize& sizes = same_parts_[quantity][{model.device_kind, model.components}];
    const auto same_size = sizes.find(model.estimate.parameter_bytes);
    same_size->second.erase(key);
    if (same_size->second.empty()) sizes.erase(same_size);
  }
}

Forecast::Likes Forecast::LikesOf(const Measured& trial, Quantity quantity) const {
  if (const auto known = same_parts_.find(quantity); known != same_parts_.end()) {
    const auto same = known->second.find({trial.device_kind, trial.components});
    if (same != known->second.end() && !same->second.empty()) {
      return {.same_parts = true,
              .models = NearestOf(same->second, trial.estimate.parameter_bytes)};
    }
  }
  Likes all;
  for (const auto& [key, other] : models_) {
    if (Knows(other, quantity) && other.device_kind == trial.device_kind) {
      all.models.push_back(&other);
    }
  }
  return all;
}

std::vector<const Forecast::Measured*> Forecast::NearestOf(const BySize& models,
                                                           std::int64_t parameter_bytes) {
  // By the ratio of the sizes: a model half as large is as near as one twice as large. Of equally
  // near ones those with the least keys.
  std::vector<std::tuple<double, std::string_view, const Measured*>> near;
  const auto take = [&](const auto& same_size) {
    const double distance = std::abs(std::log(static_cast<double>(1 + same_size.first) /
                                              static_cast<double>(1 + parameter_bytes)));
    std::size_t taken = 0;
    for (const auto& [key, model] : same_size.second) {
      if (taken++ == kNearest) break;
      near.emplace_back(distance, key, model);
    }
  };
  const auto middle = models.lower_bound(parameter_bytes);
  for (auto above = middle; above != models.end() && near.size() < kNearest; ++above) take(*above);
  const std::size_t enough = near.size() + kNearest;
  for (auto below = middle; below != models.begin() && near.size() < enough;) take(*--below);
  std::ranges::sort(near);
  std::vector<const Measured*> nearest;
  for (std::size_t i = 0; i < std::min(near.size(), kNearest); ++i) {
    nearest.push_back(std::get<2>(near[i]));
  }
  return nearest;
}

Forecast::Ratio Forecast::RatioFor(const Measured& trial, Quantity quantity) const {
  const Likes likes = LikesOf(trial, quantity);
  std::vector<double> ratios;
  for (const Measured* other : likes.models) {
    const NeedEstimate& estimate = other->estimate;
    if (quantity == Quantity::kTime) {
      ratios.push_back(Median(other->seconds_per_example) / estimate.operations);
      continue;
    }
    const double measured =
        ModelBytes(*std::ranges::max_element(other->peaks), estimate, other->device_kind);
    ratios.push_back((std::max(measured, 0.0) + kNoiseBytes) /
                     (static_cast<double>(estimate.model_bytes()) + kNoiseBytes));
  }
  if (ratios.empty()) return {};
  return {.value = Median(ratios),
          .source = "as measured for " + CountText(ratios.size(), "model") + " of " +
                    (likes.same_parts
                         ? "the same parts"
                         : "other parts (the median, for none of just these parts was measured)"),
          .same_parts = likes.same_parts};
}

void Forecast::ForecastMemory(const Measured& trial, const Measured* same, const ModelSpec& model,
                              Need* need) const {
  const NeedEstimate& estimate = trial.estimate;
  if (same != nullptr && !same->peaks.empty()) {
    // The highest and not the median: too little memory costs an attempt, too much only a slot.
    const std::int64_t peak = *std::ranges::max_element(same->peaks);
    const std::int64_t outside = trial.device_kind == "cuda" ? estimate.process_bytes : 0;
    need->memory_bytes = outside + Rounded(static_cast<double>(peak) * kMeasuredMargin);
    need->memory_text =
        MeasuredMemoryText(need->memory_bytes, outside, peak, same->peaks.size(), kMeasuredMargin);
    return;
  }
  const Ratio ratio = RatioFor(trial, Quantity::kMemory);
  need->memory_bytes = Rounded((static_cast<double>(estimate.process_bytes) +
                                static_cast<double>(estimate.model_bytes()) * ratio.value) *
                               kEstimatedMargin);
  need->memory_text = EstimatedMemoryText(need->memory_bytes, estimate, NameCopies(model),
                                          ratio.value, ratio.source, kEstimatedMargin);
}

void Forecast::ForecastTime(const Measured& trial, const Measured* same, const ModelSpec& model,
                            const std::string& digest, Need* need) const {
  const auto examples = epoch_examples_.find(digest);
  const double total =
      static_cast<double>(EpochsOf(model)) *
      static_cast<double>(examples == epoch_examples_.end() ? kAssumedExamples : examples->second);
  double per_example = 0;
  std::string source;
  if (same != nullptr && !same->seconds_per_example.empty()) {
    // The median: one trial that shared its cores with another program says little.
    per_example = Median(same->seconds_per_example);
    const bool as_long = std::ranges::any_of(same->times, [&](const Time& time) {
      const double ratio = WholeExamples(time) / total;
      return ratio >= 1 / kAsLong && ratio <= kAsLong;
    });
    need->basis = as_long ? Basis::kSameModel : Basis::kSameParts;
    source =
        "as measured for this model (" + CountText(same->seconds_per_example.size(), "trial") + ")";
  } else if (const Ratio ratio = RatioFor(trial, Quantity::kTime); !ratio.source.empty()) {
    per_example = ratio.value * trial.estimate.operations;
    need->basis = ratio.same_parts ? Basis::kSameParts : Basis::kOtherParts;
    source = "by size, " + ratio.source;
  } else {
    per_example =
        trial.estimate.operations *
        (trial.device_kind == "cuda" ? kCudaSecondsPerOperation : kCpuSecondsPerOperation);
    source = "by size alone, nothing like it was measured";
  }
  need->seconds = per_example * total;
  need->seconds_text = TimeText(need->seconds, per_example, total, source);
  if (examples == epoch_examples_.end()) {
    need->basis = Basis::kNothing;
    need->seconds_text += "; these data were not trained on yet, their number is assumed";
  }
}

Forecast::Need Forecast::Of(const ModelSpec& model, const DataSpec& data, std::int64_t parameters,
                            const std::string& device_kind) const {
  const std::string kind = DeviceKind(device_kind);
  const Measured trial = {.device_kind = kind,
                          .components = ComponentsOf(model, data),
                          .estimate = EstimateNeed(model, data, parameters, kind)};
  const Measured* same = FindSame(KeyOf(model, data, kind));
  Need need;
  ForecastMemory(trial, same, model, &need);
  ForecastTime(trial, same, model, data.digest, &need);
  return need;
}

}  // namespace beamgrid
