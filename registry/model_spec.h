#pragma once
// What a trial is made of, as plain values: the parts of the model, the training settings, the data
// and the seed. Everybody shares these types; nobody here reads files or knows what a component
// does.

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/frame_type.h"
#include "registry/named_file.h"
#include "registry/util/json.h"  // CanonicalJson, ParseJson

namespace beamgrid {

/// One option's value: bool, integer, double, string or a list of these. Numbers are already in the
/// type that the catalogue declares (a `number` option is a double even where the recipe says `1`).
using OptionValue = boost::json::value;

/// Options by name. Complete (defaults included) and checked wherever a ModelSpec holds them.
using Options = std::map<std::string, OptionValue>;

/// A component with its options fixed.
struct Variant {
  std::string component;
  Options options;
  bool operator==(const Variant&) const = default;
};

/// One model and how it is trained.
struct ModelSpec {
  std::map<std::string, Variant> parts;  ///< criterion -> variant, for each single criterion
  std::map<std::string, Options>
      extras;     ///< the extras that are on, by name; an extra that is off is absent
  Options train;  ///< training settings (catalogue criterion "train"); epochs is the budget
  /// Shared libraries that components of it come with, sorted by hash (PluginsOf). A plugin that it
  /// does not use is not here.
  std::vector<NamedFile> plugins;
  bool operator==(const ModelSpec&) const = default;
};

/// A named input of the records and its width, in the order of concatenation.
using Feature = std::pair<std::string, std::int64_t>;

/// What the trial reads. Paths say where the files are; `digest` says what they are.
struct DataSpec {
  std::string format;                 ///< "video" | "frame" | "segment"
  std::vector<std::string> train;     ///< absolute paths, sorted by file name
  std::vector<std::string> validate;  ///< absolute paths, sorted by file name
  std::int64_t classes = 0;
  std::vector<Feature> features;
  /// By feature, of those whose frames are not kUint8; empty at the video level.
  std::map<std::string, FrameType> frame_types;
  /// By feature, of all of them; empty: a frame is divided by its length over all features
  /// together, as in the YouTube-8M starter code.
  std::map<std::string, Normalisation> normalise;
  std::int64_t max_frames = 300;
  /// What is done where the features of a video differ in their number of frames.
  FrameAlignment frame_alignment = FrameAlignment::kCut;
  std::string on_error = "stop";  ///< "stop" | "skip" for damaged records
  /// With format "segment": whether a class that nobody rated a segment for is left out of the loss
  /// ("ignore") or counts as a negative ("negative", as in the YouTube-8M starter code).
  std::string unrated = "ignore";
  std::vector<std::int32_t> weighted_classes;  ///< sorted, none twice
  double class_weight = 1;                     ///< of these in the loss; all others weigh 1
  bool multi_class = false;                    ///< a video has exactly one label; else one or more
  /// A float of a record's context that multiplies the video's loss; empty: all weigh 1.
  std::string video_weight;
  std::string digest;  ///< hex hash over the files' names and whole contents
  bool operator==(const DataSpec&) const = default;
};

/// The type of a feature's frames.
[[nodiscard]] FrameType FrameTypeOf(const DataSpec& data, const std::string& feature);

/// Everything that defines a trial's result.
struct TrialSpec {
  ModelSpec model;
  DataSpec data;
  std::string objective = "gap";  ///< chooses the best epoch
  std::int64_t seed = 1;
  /// Fingerprint of the trial whose weights this one starts from; empty: initial values. The
  /// setting `from` of model.train names it for people.
  std::string warm_start;
  bool operator==(const TrialSpec&) const = default;
};

/// JSON object of a model: {"multimodal": {"use": "concat", ...options}, ..., "extras": {name:
/// {...}}, "train": {...}}, keys sorted, and "plugins" where it uses some. This is the `spec` of
/// `plan --json`.
[[nodiscard]] boost::json::object ToJson(const ModelSpec& model);
/// Inverse of ToJson. Throws std::invalid_argument naming the key that is missing or of a wrong
/// type.
[[nodiscard]] ModelSpec ModelSpecFromJson(const boost::json::value& json);

/// The same for the data and the whole trial (paths included: this is what trial.json carries).
[[nodiscard]] boost::json::object ToJson(const DataSpec& data);
[[nodiscard]] DataSpec DataSpecFromJson(const boost::json::value& json);
[[nodiscard]] boost::json::object ToJson(const TrialSpec& trial);
[[nodiscard]] TrialSpec TrialSpecFromJson(const boost::json::value& json);

/// Text that is equal for equal trials and differs otherwise: compact JSON, keys sorted, shortest
/// numbers, no paths (the data's digest and files' hashes stand for them), and for the setting
/// `from` the fingerprint that it stands for. The first member names the format:
/// {"beamgrid_trial":1,...}.
[[nodiscard]] std::string CanonicalText(const TrialSpec& trial);

/// XXH3-128 of the canonical text, 32 hex digits.
[[nodiscard]] std::string Fingerprint(const TrialSpec& trial);

}  // namespace beamgrid
