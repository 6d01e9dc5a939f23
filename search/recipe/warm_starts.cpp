// What training settings name beside the recipe: trials that others start from (`from`) and files
// of predictions that they learn from (`teacher`), in [train] and wherever else such settings may
// stand.
#include <algorithm>
#include <functional>

#include "search/recipe/sections.h"
#include "search/recipe/warm_start_name.h"

namespace beamgrid {
namespace {

/// Is given a text with its place, none of them empty.
using TakeText =
    std::function<void(const std::string& text, const toml::node& node, const std::string& key)>;

/// Passes on the texts of one setting; what is no text has been refused.
class SettingReader {
 public:
  SettingReader(std::string setting, TakeText take)
      : setting_(std::move(setting)), take_(std::move(take)) {}

  void ReadAll(const toml::node& recipe) const {
    const toml::node_view<const toml::node> whole(recipe);
    ReadTable(whole["train"], "train");
    ReadTable(whole["grid"]["train"], "grid.train");
    ReadTable(whole["search"]["baseline"]["train"], "search.baseline.train");
    const toml::array* stages = whole["search"]["stage"].as_array();
    for (std::size_t i = 0; stages != nullptr && i < stages->size(); ++i) {
      ReadTable(toml::node_view<const toml::node>((*stages)[i])["fix"]["train"],
                "search.stage[" + std::to_string(i) + "].fix.train");
    }
  }

 private:
  /// Reads `train`: a table of training settings, or anything else, which has been refused.
  void ReadTable(const toml::node_view<const toml::node> train, const std::string& path) const {
    const toml::node* value = train[setting_].node();
    if (value == nullptr) return;
    const std::string key = path + "." + setting_;
    const toml::array* list = value->as_array();
    if (list == nullptr) return ReadValue(*value, key);
    for (std::size_t i = 0; i < list->size(); ++i) {
      ReadValue((*list)[i], key + "[" + std::to_string(i) + "]");
    }
  }

  void ReadValue(const toml::node& node, const std::string& key) const {
    const auto* text = node.as_string();
    if (text != nullptr && !text->get().empty()) take_(text->get(), node, key);
  }

  std::string setting_;
  TakeText take_;
};

/// Adds the text with its place, each text once: however many variants name it, it is looked up
/// once.
template <typename Reference>
void AddOnce(const std::string& text, const toml::node& node, const std::string& key,
             const Mistakes& mistakes, std::vector<Reference>& references) {
  if (std::ranges::find(references, text, &Reference::text) != references.end()) return;
  references.push_back({text, mistakes.PlaceOf(node.source()), key});
}

}  // namespace

void ReadWarmStarts(Section& root, Recipe& recipe) {
  Mistakes& mistakes = root.mistakes();
  SettingReader("from", [&](const std::string& text, const toml::node& node,
                            const std::string& key) {
    if (!ParseWarmStartName(text)) {
      mistakes.Add(node.source(), key,
                   "is \"" + text +
                       "\", must name a finished trial as STUDY/NAME (each seed starts from the "
                       "same seed), STUDY/NAME/SEED, STUDY/* (each model's twin) or 8 to 32 "
                       "digits of a fingerprint");
      return;
    }
    AddOnce(text, node, key, mistakes, recipe.warm_starts);
  }).ReadAll(root.table());
}

void ReadTeachers(Section& root, Recipe& recipe) {
  SettingReader("teacher", [&](const std::string& text, const toml::node& node,
                               const std::string& key) {
    AddOnce(text, node, key, root.mistakes(), recipe.teachers);
  }).ReadAll(root.table());
}

}  // namespace beamgrid
