#include "registry/model_spec.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "registry/added_options.h"
#include "registry/criteria.h"
#include "registry/scoring/metrics.h"
#include "registry/util/files.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace json = boost::json;

constexpr char kUse[] = "use";
constexpr char kExtras[] = "extras";
constexpr char kTrain[] = "train";
constexpr char kPlugins[] = "plugins";
constexpr char kFrom[] = "from";

/// Stands first in the canonical text; raise it when the text's meaning changes.
constexpr std::int64_t kCanonicalFormat = 1;

json::object SortedObject(const std::map<std::string, json::value>& members) {
  json::object object;
  for (const auto& [key, value] : members) object[key] = value;
  return object;
}

json::object ToJson(const Variant& variant) {
  std::map<std::string, json::value> members = variant.options;
  members[kUse] = json::string(variant.component);
  return SortedObject(members);
}

json::array FeatureJson(const Feature& feature) {
  return {json::string(feature.first), feature.second};
}

Options OptionsFrom(const JsonReader& reader) {
  Options options;
  for (const auto& member : reader.object()) options.emplace(member.key(), member.value());
  return options;
}

Variant VariantFrom(const JsonReader& reader) {
  Variant variant{.component = reader.Text(kUse), .options = OptionsFrom(reader)};
  variant.options.erase(kUse);
  return variant;
}

std::vector<std::string> TextsFrom(const JsonReader& reader, const char* key) {
  std::vector<std::string> texts;
  for (const json::value& item : reader.List(key)) {
    if (!item.is_string()) {
      throw std::invalid_argument(reader.PathOf(key) + ": must be a list of texts");
    }
    texts.emplace_back(item.get_string());
  }
  return texts;
}

std::vector<Feature> FeaturesFrom(const JsonReader& reader) {
  std::vector<Feature> features;
  for (const json::value& item : reader.List("features")) {
    const json::array* pair = item.if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_int64()) {
      throw std::invalid_argument(reader.PathOf("features") +
                                  ": must be a list of [name, width] pairs");
    }
    features.emplace_back((*pair)[0].get_string(), (*pair)[1].get_int64());
  }
  return features;
}

/// Words by feature, of features that `data` has.
template <typename Value, std::size_t size>
std::map<std::string, Value> WordsByFeature(const JsonReader& reader, const char* key,
                                            const DataSpec& data,
                                            const Word<Value> (&table)[size]) {
  std::map<std::string, Value> values;
  if (!reader.Has(key)) return values;
  const JsonReader words = reader.Object(key);
  for (const auto& member : words.object()) {
    const std::string name = member.key();
    const std::optional<Value> value = FindValue(table, words.Text(name.c_str()));
    if (!value || std::ranges::find(data.features, name, &Feature::first) == data.features.end()) {
      throw std::invalid_argument(words.PathOf(name) +
                                  ": must be a feature of the data and one of " +
                                  Join(WordsOf(table)));
    }
    values.emplace(name, *value);
  }
  return values;
}

template <typename Value, std::size_t size>
json::object ByFeatureJson(const std::map<std::string, Value>& values,
                           const Word<Value> (&table)[size]) {
  json::object object;
  for (const auto& [feature, value] : values) object[feature] = WordFor(table, value);
  return object;
}

bool IsModelKey(std::string_view key) { return FindCriterion(key) != nullptr || key == kPlugins; }

std::vector<std::int32_t> ClassesFrom(const JsonReader& reader, const char* key) {
  std::vector<std::int32_t> classes;
  for (const json::value& item : reader.List(key)) {
    if (!item.is_int64() || !std::in_range<std::int32_t>(item.get_int64())) {
      throw std::invalid_argument(reader.PathOf(key) + ": must be a list of classes");
    }
    classes.push_back(static_cast<std::int32_t>(item.get_int64()));
  }
  return classes;
}

/// Refuses numbers that arrays are made by and that are larger than a recipe lets them be: a
/// damaged file must not cost memory.
void RequireAmount(const JsonReader& reader, std::string_view key, std::int64_t number,
                   std::int64_t least, std::int64_t most) {
  if (number >= least && number <= most) return;
  throw std::invalid_argument(reader.PathOf(key) + ": must be " + std::to_string(least) + ".." +
                              std::to_string(most) + ", is " + std::to_string(number));
}

void CheckAmounts(const JsonReader& reader, const DataSpec& data) {
  constexpr std::int64_t kMost = 65536;
  RequireAmount(reader, "classes", data.classes, 0, kMaxClasses);
  RequireAmount(reader, "max_frames", data.max_frames, 1, kMost);
  for (const auto& [name, width] : data.features) {
    RequireAmount(reader, "features", width, 1, kMost);
  }
  for (const std::int32_t label : data.weighted_classes) {
    RequireAmount(reader, "weighted_classes", label, 0, data.classes - 1);
  }
}

DataSpec DataFrom(const JsonReader& reader) {
  DataSpec data = {.format = reader.Text("format"),
                   .train = TextsFrom(reader, "train"),
                   .validate = TextsFrom(reader, "validate"),
                   .classes = reader.Integer("classes"),
                   .features = FeaturesFrom(reader),
                   .max_frames = reader.Integer("max_frames"),
                   .on_error = reader.Text("on_error"),
                   .digest = reader.Text("digest")};
  data.frame_types = WordsByFeature(reader, "frame_types", data, kFrameTypes);
  data.normalise = WordsByFeature(reader, "normalise", data, kNormalisations);
  if (!data.normalise.empty() && data.normalise.size() != data.features.size()) {
    throw std::invalid_argument(reader.PathOf("normalise") + ": must name every feature");
  }
  if (reader.Has("multi_class")) data.multi_class = reader.Boolean("multi_class");
  if (reader.Has("video_weight")) data.video_weight = reader.Text("video_weight");
  if (reader.Has("frame_alignment")) {
    const std::string word = reader.Text("frame_alignment");
    const auto alignment = FindValue(kFrameAlignments, word);
    if (!alignment) {
      throw std::invalid_argument(reader.PathOf("frame_alignment") + ": '" + word +
                                  "', must be one of " + Join(WordsOf(kFrameAlignments)));
    }
    data.frame_alignment = *alignment;
  }
  if (reader.Has("unrated")) data.unrated = reader.Text("unrated");
  if (reader.Has("weighted_classes")) {
    data.weighted_classes = ClassesFrom(reader, "weighted_classes");
    data.class_weight = reader.Number("class_weight");
  }
  CheckAmounts(reader, data);
  return data;
}

std::vector<NamedFile> PluginsFrom(const JsonReader& reader) {
  std::vector<NamedFile> plugins;
  if (!reader.Has(kPlugins)) return plugins;
  for (const json::value& item : reader.List(kPlugins)) {
    const std::optional<NamedFile> plugin = NamedFileFrom(item);
    if (!plugin) {
      throw std::invalid_argument(reader.PathOf(kPlugins) +
                                  ": must be a list of {\"file\", \"hash\", \"path\"}");
    }
    plugins.push_back(*plugin);
  }
  return plugins;
}

ModelSpec ModelFrom(const JsonReader& reader) {
  for (const auto& member : reader.object()) {
    // A misspelt criterion that is passed over would be another model.
    if (!IsModelKey(member.key())) {
      throw std::invalid_argument(reader.PathOf(member.key()) + ": is not a criterion");
    }
  }
  ModelSpec model;
  for (const Criterion& criterion : kCriteria) {
    if (!criterion.single()) continue;
    model.parts.emplace(criterion.name, VariantFrom(reader.Object(criterion.name)));
  }
  const JsonReader extras = reader.Object(kExtras);
  for (const auto& member : extras.object()) {
    model.extras.emplace(member.key(), OptionsFrom(extras.Object(member.key())));
  }
  model.train = OptionsFrom(reader.Object(kTrain));
  model.plugins = PluginsFrom(reader);
  return model;
}

/// Drops how a recipe names the trial to start from: that says nothing about the result, `start`
/// does.
void EraseReference(const TrialSpec& trial, json::object& train) {
  const json::value* reference = train.if_contains(kFrom);
  if (reference == nullptr) return;
  if (*reference != "" && trial.warm_start.empty()) {
    throw std::logic_error("train.from is not resolved: " + CanonicalJson(*reference));
  }
  train.erase(kFrom);
}

}  // namespace

json::object ToJson(const ModelSpec& model) {
  std::map<std::string, json::value> members;
  for (const auto& [criterion, variant] : model.parts) members[criterion] = ToJson(variant);
  json::object extras;
  for (const auto& [name, options] : model.extras) extras[name] = SortedObject(options);
  members[kExtras] = extras;
  members[kTrain] = SortedObject(model.train);
  if (!model.plugins.empty()) {
    members[kPlugins] =
        JsonList(model.plugins, [](const NamedFile& plugin) { return ToJson(plugin); });
  }
  return SortedObject(members);
}

ModelSpec ModelSpecFromJson(const json::value& value) { return ModelFrom(JsonReader(value, "")); }

namespace {

/// What says nothing is left out: data that have no segments, or no weights, keep the identity that
/// they had before there were any.
json::object JsonWithoutFiles(const DataSpec& data) {
  json::object object = {{"classes", data.classes},
                         {"digest", data.digest},
                         {"features", JsonList(data.features, FeatureJson)},
                         {"format", data.format},
                         {"max_frames", data.max_frames},
                         {"on_error", data.on_error}};
  if (!data.frame_types.empty()) {
    object["frame_types"] = ByFeatureJson(data.frame_types, kFrameTypes);
  }
  if (!data.normalise.empty()) object["normalise"] = ByFeatureJson(data.normalise, kNormalisations);
  if (data.frame_alignment != FrameAlignment::kCut) {
    object["frame_alignment"] = WordFor(kFrameAlignments, data.frame_alignment);
  }
  if (data.multi_class) object["multi_class"] = true;
  if (!data.video_weight.empty()) object["video_weight"] = data.video_weight;
  if (data.format == "segment") object["unrated"] = data.unrated;
  if (!data.weighted_classes.empty()) {
    object["weighted_classes"] =
        json::array(data.weighted_classes.begin(), data.weighted_classes.end());
    object["class_weight"] = data.class_weight;
  }
  return object;
}

json::object JsonOf(const TrialSpec& trial, json::object data) {
  json::object whole = {{"data", std::move(data)},
                        {"model", ToJson(trial.model)},
                        {"objective", trial.objective},
                        {"seed", trial.seed}};
  // Only where there is one: all other trials keep the identity that they have.
  if (!trial.warm_start.empty()) whole["start"] = trial.warm_start;
  return whole;
}

}  // namespace

json::object ToJson(const DataSpec& data) {
  json::object object = JsonWithoutFiles(data);
  object["train"] = JsonList(data.train);
  object["validate"] = JsonList(data.validate);
  return object;
}

FrameType FrameTypeOf(const DataSpec& data, const std::string& feature) {
  const auto found = data.frame_types.find(feature);
  return found == data.frame_types.end() ? FrameType::kUint8 : found->second;
}

DataSpec DataSpecFromJson(const json::value& value) { return DataFrom(JsonReader(value, "")); }

json::object ToJson(const TrialSpec& trial) { return JsonOf(trial, ToJson(trial.data)); }

TrialSpec TrialSpecFromJson(const json::value& value) {
  const JsonReader reader(value, "");
  return {.model = ModelFrom(reader.Object("model")),
          .data = DataFrom(reader.Object("data")),
          .objective = reader.Text("objective"),
          .seed = reader.Integer("seed"),
          .warm_start = reader.Has("start") ? reader.Text("start") : ""};
}

std::string CanonicalText(const TrialSpec& trial) {
  // Paths say where the data lie; the digest says what they are.
  json::object whole = JsonOf(trial, JsonWithoutFiles(trial.data));
  EraseReference(trial, whole["model"].as_object()[kTrain].as_object());
  LeaveOutAsBefore(whole["model"].as_object());
  whole["model"] = WithHashesForFiles(whole["model"]);
  whole["beamgrid_trial"] = kCanonicalFormat;
  return CanonicalJson(whole);
}

std::string Fingerprint(const TrialSpec& trial) { return HashBytes(CanonicalText(trial)); }

}  // namespace beamgrid
