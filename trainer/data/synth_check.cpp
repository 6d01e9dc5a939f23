#include "trainer/data/synth_check.h"

#include <set>
#include <sstream>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

/// A maximum that stands for "no limit" and is not worth saying in a message.
constexpr double kAnyNumber = 1e9;

template <typename Number>
void CheckRange(const char* name, Number value, Number minimum, Number maximum) {
  if (value >= minimum && value <= maximum) return;
  std::ostringstream text;
  text << name << " = " << value << ", must be " << minimum;
  if (static_cast<double>(maximum) < kAnyNumber) {
    text << ".." << maximum;
  } else {
    text << " or more";
  }
  throw UsageError(text.str());
}

void CheckCounts(const SynthOptions& options) {
  constexpr auto kMost = static_cast<std::int64_t>(kAnyNumber);
  CheckRange<std::int64_t>("videos", options.videos, 2, kMost);
  CheckRange<std::int64_t>("classes", options.classes, 1, 1'000'000);
  CheckRange<std::int64_t>("max-frames", options.max_frames, 1, 100'000);
  CheckRange<std::int64_t>("min-frames", options.min_frames, 1, options.max_frames);
  CheckRange<std::int64_t>("shards", options.shards, 1, 9999);
  CheckRange<std::int64_t>("audio-lag", options.audio_lag, 1, 1000);
  CheckRange<std::int64_t>("shot-frames", options.shot_frames, 1, 100'000);
  CheckRange("signal", options.signal, 0.0, 2.0);
  CheckRange("noise", options.noise, 0.0, 2.0);
  CheckRange("background", options.background, 0.0, 0.95);
  CheckRange("labels-per-video", options.labels_per_video, 1.0, 20.0);
  CheckRange("long-tail", options.long_tail, 0.0, 5.0);
  CheckRange("co-occurrence", options.co_occurrence, 0.0, 1.0);
  CheckRange("rare", options.rare, 0.0, 0.9);
  CheckRange("label-noise", options.label_noise, 0.0, 1.0);
}

void CheckPlants(const SynthPlants& plants) {
  CheckRange("lag", plants.lag, 0.0, 1.0);
  CheckRange("order", plants.order, 0.0, 1.0);
  CheckRange("salience", plants.salience, 0.0, 1.0);
  CheckRange("modes", plants.modes, 0.0, 1.0);
  CheckRange("change", plants.change, 0.0, 1.0);
  CheckRange("dependency", plants.dependency, 0.0, 1.0);
  const double sum = plants.lag + plants.order + plants.salience + plants.modes + plants.change +
                     plants.dependency;
  // 0.2 + 0.4 + 0.3 + 0.1 is a little more than 1 in binary.
  constexpr double kRounding = 1e-9;
  if (sum > 1 + kRounding) {
    std::ostringstream text;
    text << "lag + order + salience + modes + change + dependency = " << sum
         << ", must be at most 1: they are shares of the classes";
    throw UsageError(text.str());
  }
}

void CheckFeatures(const std::vector<Feature>& features) {
  std::set<std::string> names;
  for (const auto& [name, width] : features) {
    // A record's map has one entry of each name, and these two are taken.
    if (name.empty() || name == "id" || name == "labels") {
      throw UsageError("features: '" + name + "' cannot be a feature's name");
    }
    if (!names.insert(name).second) throw UsageError("features: '" + name + "' is named twice");
    CheckRange<std::int64_t>(("features: " + name).c_str(), width, 1, 65'536);
  }
}

}  // namespace

std::vector<Feature> UsualFeatures(const std::string& format) {
  if (format == "video") return {{"mean_rgb", 1024}, {"mean_audio", 128}};
  return {{"rgb", 1024}, {"audio", 128}};
}

SynthOptions CheckedSynthOptions(const SynthOptions& options) {
  SynthOptions checked = options;
  if (checked.out.empty()) throw UsageError("out: name the folder to write to");
  if (checked.format != "video" && checked.format != "frame" && checked.format != "segment") {
    throw UsageError("format = \"" + checked.format + "\", must be video, frame or segment");
  }
  if (checked.features.empty()) checked.features = UsualFeatures(checked.format);
  CheckCounts(checked);
  CheckPlants(checked.plants);
  CheckFeatures(checked.features);
  return checked;
}

}  // namespace beamgrid
