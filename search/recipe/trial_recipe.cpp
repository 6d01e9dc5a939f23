#include "search/trial_recipe.h"

#include <algorithm>
#include <sstream>
#include <string_view>

#include "registry/util/json.h"
#include "registry/util/text.h"
#include "search/recipe/toml_text.h"

namespace beamgrid {
namespace {

using boost::json::value;

/// Returns a value as TOML. JSON's form of texts, numbers, lists and true is TOML's too; only of a
/// text TOML escapes one character more.
std::string Toml(const value& json) {
  std::string text;
  for (const char c : CanonicalJson(json)) {
    if (c == '\x7f') {
      text += "\\u007F";
    } else {
      text += c;
    }
  }
  return text;
}

std::string TextToml(const std::string& text) { return Toml(value(text)); }

/// Returns a pattern that means the file of this name and no other.
std::string Pattern(const std::string& path) {
  if (path.find_first_of("*?[{\\") == std::string::npos) return path;
  std::string pattern;
  for (const char c : path) {
    if (std::string_view("*?[]{},\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// Returns a key that is no bare word in quotes.
std::string Key(const std::string& name) {
  const auto is_bare = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !name.empty() && std::ranges::all_of(name, is_bare) ? name : TextToml(name);
}

std::string Line(const std::string& key, const std::string& text) {
  return Key(key) + " = " + text + "\n";
}

/// What a file stands for in a recipe that lies elsewhere.
enum class FileBy { kPath, kName };

std::string OptionToml(const OptionValue& option, FileBy by) {
  const auto file = NamedFileFrom(option);
  if (file) return TextToml(by == FileBy::kPath ? file->path : file->name);
  return Toml(option);
}

/// Returns an option as [grid] has it, where a list stands for several variants.
std::string GridToml(const OptionValue& option) {
  const std::string text = OptionToml(option, FileBy::kPath);
  return option.is_array() ? "[" + text + "]" : text;
}

/// Returns the keys of [data] that are of the study and not of its trials: where its validation
/// videos are cut, and by what they belong together.
std::string CutToml(const toml::table& study) {
  std::string text;
  if (const auto holdout = study["data"]["holdout"].value<double>()) {
    text += Line("holdout", Toml(*holdout));
  }
  if (const auto group = study["data"]["group"].value<std::string>()) {
    text += Line("group", TextToml(*group));
  }
  return text;
}

/// Returns [resources], with these threads, and [ensemble], where there is one.
std::string SettingsToml(const toml::table& study, std::int64_t threads) {
  toml::table settings{{"resources", toml::table()}};
  for (const char* section : {"resources", "ensemble"}) {
    if (const auto* table = study[section].as_table()) settings.insert_or_assign(section, *table);
  }
  settings["resources"].as_table()->insert_or_assign("threads_per_worker", threads);
  std::ostringstream text;
  text << "\n" << settings << "\n";
  return text.str();
}

std::string DataToml(const DataSpec& data) {
  std::string text =
      "\n[data]\n" + Line("format", TextToml(data.format)) +
      Line("train", Toml(JsonList(data.train, Pattern))) +
      Line("validate", Toml(JsonList(data.validate, Pattern))) +
      Line("classes", std::to_string(data.classes)) +
      Line("features", "{ " + Join(data.features, ", ", [](const Feature& feature) {
                         return Key(feature.first) + " = " + std::to_string(feature.second);
                       }) + " }");
  const auto by_feature = [](const auto& words, const auto& table) {
    return "{ " +
           Join(words, ", ",
                [&](const auto& one) {
                  return Key(one.first) + " = " + TextToml(WordFor(table, one.second));
                }) +
           " }";
  };
  if (!data.frame_types.empty()) {
    text += Line("frame_types", by_feature(data.frame_types, kFrameTypes));
  }
  if (!data.normalise.empty()) {
    text += Line("normalise", by_feature(data.normalise, kNormalisations));
  }
  if (data.multi_class) text += Line("labels", TextToml("multi_class"));
  if (!data.video_weight.empty()) text += Line("video_weight", TextToml(data.video_weight));
  // Of no meaning at the video level, where the recipe's own value may be any.
  if (data.format != "video") text += Line("max_frames", std::to_string(data.max_frames));
  if (data.frame_alignment != FrameAlignment::kCut) {
    text += Line("frame_alignment", TextToml(WordFor(kFrameAlignments, data.frame_alignment)));
  }
  text += Line("on_error", TextToml(data.on_error));
  if (data.format == "segment") text += Line("unrated", TextToml(data.unrated));
  if (!data.weighted_classes.empty()) {
    text +=
        Line("weighted_classes",
             Toml(boost::json::array(data.weighted_classes.begin(), data.weighted_classes.end()))) +
        Line("class_weight", Toml(data.class_weight));
  }
  return text;
}

std::string PartToml(const std::string& criterion, const Variant& part) {
  std::string text = "\n[[grid." + Key(criterion) + "]]\n" + Line("use", TextToml(part.component));
  for (const auto& [name, option] : part.options) text += Line(name, GridToml(option));
  return text;
}

std::string ExtrasToml(const std::map<std::string, Options>& extras) {
  std::string text = "\n[grid.extras]\n";
  for (const auto& [name, options] : extras) {
    text +=
        Line(name, options.empty() ? "true" : "{ " + Join(options, ", ", [](const auto& option) {
                                                return Key(option.first) + " = " +
                                                       GridToml(option.second);
                                              }) + " }");
  }
  return text;
}

std::string TrainToml(const TrialRecipe& recipe) {
  std::string text = "\n[train]\n";
  for (const auto& [name, option] : recipe.trial.model.train) {
    text += Line(name, OptionToml(option, FileBy::kName));
  }
  if (recipe.vary.empty()) return text;
  text += "\n[grid.train]\n";
  for (const OptionAxis& axis : recipe.vary) {
    for (std::size_t i = 0; i < axis.names.size(); ++i) {
      text += Line(axis.names[i],
                   "[" + Join(axis.steps, ", ", [i](const std::vector<OptionValue>& step) {
                     return OptionToml(step[i], FileBy::kName);
                   }) + "]");
    }
  }
  return text;
}

}  // namespace

std::string TextOf(const TrialRecipe& recipe) {
  const TrialSpec& trial = recipe.trial;
  std::string text;
  for (const std::string& comment : recipe.comments) text += "# " + comment + "\n";
  text += Line("beamgrid", "1");
  if (!trial.model.plugins.empty()) {
    text += Line("plugins", Toml(JsonList(trial.model.plugins, &NamedFile::path)));
  }
  text += "\n[study]\n" + Line("name", TextToml(recipe.study)) +
          Line("description", TextToml(recipe.description)) +
          Line("objective", TextToml(trial.objective)) +
          Line("seeds", "[" + std::to_string(trial.seed) + "]");
  const toml::table study = ParseToml(RecipeSource(recipe.study_recipe, "the study's recipe"));
  text += DataToml(trial.data) + CutToml(study) + TrainToml(recipe);
  for (const auto& [criterion, part] : trial.model.parts) {
    // Video-level data have no frames to aggregate, and a recipe must not name a way.
    if (criterion != "temporal" || trial.data.format != "video") text += PartToml(criterion, part);
  }
  if (!trial.model.extras.empty()) text += ExtrasToml(trial.model.extras);
  return text + SettingsToml(study, recipe.threads);
}

}  // namespace beamgrid
