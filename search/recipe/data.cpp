// [data]
#include <algorithm>
#include <set>

#include "registry/util/text.h"
#include "search/recipe/sections.h"

namespace beamgrid {
namespace {

/// Returns what YouTube-8M's own files hold: features of the frames' pictures and sound, for whole
/// videos their means.
std::vector<Feature> UsualFeatures(const std::string& format) {
  if (format == "video") return {{"mean_rgb", 1024}, {"mean_audio", 128}};
  return {{"rgb", 1024}, {"audio", 128}};
}

std::vector<Feature> ReadFeatures(Section& data, const std::string& format) {
  const toml::table* table = data.FindTable("features");
  if (table == nullptr) return UsualFeatures(format);
  if (table->empty()) {
    data.Mistake(*table, "features", "is empty, must name a feature and its width: { rgb = 1024 }");
    return UsualFeatures(format);
  }
  std::vector<Feature> features;
  Section section(*table, data.PathOf("features"), data.mistakes());
  for (const auto& [key, node] : WrittenOrder(*table)) {
    const std::string name(key->str());
    features.emplace_back(name, section.ReadInteger(name));
  }
  return features;
}

/// Adds a mistake where `name` is no feature of the recipe.
bool IsFeature(const std::string& name, const std::vector<Feature>& features,
               const toml::node& node, const Section& section) {
  std::vector<std::string> names;
  for (const Feature& feature : features) names.push_back(feature.first);
  if (std::ranges::find(names, name) != names.end()) return true;
  section.Mistake(node, name, "is no feature of data.features: " + RefusalOf(name, names));
  return false;
}

std::map<std::string, FrameType> ReadFrameTypes(Section& data, const DataSettings& settings) {
  const toml::table* table = data.FindTable("frame_types");
  if (table == nullptr || data.IsMistaken("features")) return {};
  if (settings.format == "video") {
    data.Mistake(*table, "frame_types",
                 "is for frames: with data.format = \"video\" every feature is a list of floats; "
                 "leave it out");
    return {};
  }
  std::map<std::string, FrameType> types;
  Section section(*table, data.PathOf("frame_types"), data.mistakes());
  for (const auto& [key, node] : WrittenOrder(*table)) {
    const std::string name(key->str());
    const FrameType type =
        FindValue(kFrameTypes, section.ReadWord(name)).value_or(FrameType::kUint8);
    // Those of the default type are left out: naming it changes no identity.
    if (IsFeature(name, settings.features, *node, section) && type != FrameType::kUint8) {
      types.emplace(name, type);
    }
  }
  return types;
}

constexpr char kJointly[] = "l2_joint";

std::map<std::string, Normalisation> SameForAll(const std::string& word,
                                                const DataSettings& settings) {
  std::map<std::string, Normalisation> all;
  const auto one = FindValue(kNormalisations, word);
  if (!one) return all;
  for (const Feature& feature : settings.features) all.emplace(feature.first, *one);
  return all;
}

std::map<std::string, Normalisation> ReadNormalise(Section& data, const DataSettings& settings) {
  const toml::node* node = data.Find("normalise");
  if (node == nullptr) return {};
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    std::vector<std::string> words = WordsOf(kNormalisations);
    words.insert(words.begin(), kJointly);
    const auto* text = node->as_string();
    if (text != nullptr && std::ranges::find(words, text->get()) != words.end()) {
      return SameForAll(text->get(), settings);
    }
    data.Mistake(*node, "normalise",
                 text == nullptr ? "is " + KindOf(*node) + ", must be " + Join(words) +
                                       " or a table of features: { rgb = \"l2\" }"
                                 : "is '" + text->get() + "', " + RefusalOf(text->get(), words));
    return {};
  }
  if (data.IsMistaken("features")) return {};
  std::map<std::string, Normalisation> all = SameForAll("none", settings);
  Section section(*table, data.PathOf("normalise"), data.mistakes());
  for (const auto& [key, value] : WrittenOrder(*table)) {
    const std::string name(key->str());
    const std::string word = section.ReadWord(name);
    if (IsFeature(name, settings.features, *value, section)) {
      all[name] = FindValue(kNormalisations, word).value_or(Normalisation::kNone);
    }
  }
  for (const Feature& feature : settings.features) {
    section.Require(feature.first, "none, l2 or standardise: what is done to the feature");
  }
  return all;
}

/// Reads what a video's labels are, and what it weighs.
void ReadLabelKind(Section& data, DataSettings& settings) {
  settings.multi_class = data.ReadWord("labels") == "multi_class";
  settings.video_weight = data.ReadWord("video_weight");
  if (settings.format != "segment") return;
  if (settings.multi_class) {
    data.Mistake(
        *data.table().get("labels"), "labels",
        "is \"multi_class\", which data.format = \"segment\" cannot be: a segment is rated "
        "class by class");
  }
  if (!settings.video_weight.empty()) {
    data.Mistake(*data.table().get("video_weight"), "video_weight",
                 "is for whole videos: data.format = \"segment\" has data.unrated and "
                 "data.class_weight");
  }
}

std::string ReadFormat(Section& data) {
  if (data.Require("format", "what the records hold, one of video, frame, segment") == nullptr) {
    return "frame";
  }
  return data.ReadWord("format");
}

std::int64_t ReadClasses(Section& data) {
  if (data.Require("classes", "the number of classes (YouTube-8M of 2018: 3862)") == nullptr) {
    return 0;
  }
  return data.ReadInteger("classes");
}

std::vector<std::string> ReadGlobs(Section& data, const std::string& key, const char* purpose,
                                   Place& place) {
  const toml::node* node = data.Require(key, purpose);
  if (node == nullptr) return {};
  place = data.mistakes().PlaceOf(node->source());
  return Words(ReadWords(*node, data.PathOf(key), data.mistakes()));
}

double ReadHoldout(Section& data) {
  const double holdout = data.Read("holdout").as_double();
  if (holdout < 1) return holdout;
  data.Mistake(*data.table().get("holdout"), "holdout",
               "is 1.0, must be at least 0 and less than 1: nothing would be left to select on");
  return 0.5;
}

/// Returns what the data would have to be for the objective to be measured; empty: they are.
std::string LackedByObjective(const Recipe& recipe) {
  const DataSettings& data = recipe.data;
  switch (recipe.objective->needs) {
    case Metric::Needs::kLabels:
      return "";
    case Metric::Needs::kRatedSegments:
      if (data.format == "segment") return "";
      return "which only data.format = \"segment\" has; the format is '" + data.format + "'";
    case Metric::Needs::kOneLabel:
      break;
  }
  if (!data.multi_class) {
    return "which only videos of one label each have (data.labels = \"multi_class\"); of those "
           "with "
           "several \"hit_at_1\" is the share whose best class is true";
  }
  if (recipe.objective->value == &Metrics::top_5 && data.classes > 0 &&
      data.classes <= kTopClasses) {
    return "which is always 1 where there are no more than " + std::to_string(kTopClasses) +
           " classes; take \"accuracy\"";
  }
  return "";
}

/// Adds a mistake where the objective cannot be measured on such data. After all of `data` was
/// read.
void CheckObjective(Section& root, const Section& data, const Recipe& recipe) {
  if (data.IsMistaken("format") || data.IsMistaken("labels")) return;
  const std::string lacked = LackedByObjective(recipe);
  if (lacked.empty()) return;
  const toml::table* study = root.table()["study"].as_table();
  root.mistakes().Add(study->get("objective")->source(), "study.objective",
                      "is '" + std::string(recipe.objective->name) + "', " + lacked);
}

}  // namespace

std::vector<PlacedWord> ReadWords(const toml::node& node, const std::string& path,
                                  Mistakes& mistakes) {
  std::vector<PlacedWord> words;
  std::set<std::string> seen;
  const auto read_one = [&](const toml::node& one, const std::string& key) {
    const auto* text = one.as_string();
    if (text == nullptr || text->get().empty()) {
      mistakes.Add(one.source(), key,
                   "is " + (text != nullptr ? std::string("empty") : KindOf(one)) +
                       ", must be text that is not empty");
    } else if (!seen.insert(text->get()).second) {
      mistakes.Add(one.source(), key, "'" + text->get() + "' is in the list already");
    } else {
      words.push_back({text->get(), &one, key});
    }
  };
  const toml::array* list = node.as_array();
  if (list == nullptr) {
    read_one(node, path);
    return words;
  }
  if (list->empty())
    mistakes.Add(node.source(), path, "the list is empty; give at least one value");
  for (std::size_t i = 0; i < list->size(); ++i) {
    read_one((*list)[i], path + "[" + std::to_string(i) + "]");
  }
  return words;
}

std::vector<std::string> Words(const std::vector<PlacedWord>& words) {
  std::vector<std::string> texts;
  for (const PlacedWord& word : words) texts.push_back(word.word);
  return texts;
}

void ReadData(Section& root, Recipe& recipe) {
  const toml::table* table = root.FindTable("data");
  if (table == nullptr) {
    if (!root.table().contains("data")) {
      root.mistakes().Add(root.table().source(), "data",
                          "the section is missing: it gives format, train, validate and classes");
    }
    return;
  }
  Section data(*table, "data", root.mistakes());
  DataSettings& settings = recipe.data;
  settings.format = ReadFormat(data);
  settings.train = ReadGlobs(data, "train", "the training files, globs relative to the recipe",
                             settings.train_place);
  settings.validate =
      ReadGlobs(data, "validate", "the validation files, globs relative to the recipe",
                settings.validate_place);
  settings.holdout = ReadHoldout(data);
  settings.classes = ReadClasses(data);
  settings.features = ReadFeatures(data, settings.format);
  settings.frame_types = ReadFrameTypes(data, settings);
  settings.normalise = ReadNormalise(data, settings);
  settings.max_frames = data.ReadInteger("max_frames");
  settings.frame_alignment = *FindValue(kFrameAlignments, data.ReadWord("frame_alignment"));
  // Whatever is written: both are parts of the identity and must not differ for no reason.
  if (settings.format == "video") {
    settings.max_frames = 1;
    settings.frame_alignment = FrameAlignment::kCut;
  }
  settings.on_error = data.ReadWord("on_error");
  settings.group = data.ReadWord("group");
  if (const toml::node* group = data.table().get("group")) {
    settings.group_place = data.mistakes().PlaceOf(group->source());
  }
  ReadLabelKind(data, settings);
  ReadLossWeights(data, settings);
  data.RefuseOthers();
  CheckObjective(root, data, recipe);
}

}  // namespace beamgrid
