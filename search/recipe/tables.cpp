// [[table]]: the tables that are printed at a study's end. What they name is looked up here, before
// days of training and not behind them.

#include <algorithm>
#include <set>

#include "registry/util/error.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "search/condition.h"
#include "search/recipe/sections.h"
#include "search/varied.h"

namespace beamgrid {
namespace {

std::string ReadReference(Section& table) {
  const std::string reference = table.ReadWord("reference");
  const std::size_t slash = reference.find('/');
  const bool fine = reference.empty() ||
                    (slash != std::string::npos && slash > 0 && slash + 1 < reference.size());
  if (fine) return reference;
  table.Mistake(*table.table().get("reference"), "reference",
                "is " + Shown(OptionValue(reference)) +
                    ", must name a paper and its table, with a slash between: \"kim18/2\"");
  return "";
}

std::string TextOf(const OptionValue& value) {
  return value.is_string() ? std::string(value.as_string()) : boost::json::serialize(value);
}

/// VariedCheck says where what a table varies or holds fixed is nothing that the recipe's models
/// have.
class VariedCheck {
 public:
  VariedCheck(const toml::node& node, std::string path, const Catalogue* catalogue,
              const Recipe& recipe, Mistakes& mistakes)
      : node_(node),
        path_(std::move(path)),
        catalogue_(catalogue),
        recipe_(recipe),
        mistakes_(mistakes) {}

  /// Without a catalogue the criterion alone is looked at.
  void Check(const Varied& varied) const {
    if (!CheckCriterion(varied.criterion, node_.source(), path_, mistakes_)) return;
    if (catalogue_ == nullptr) return;
    if (varied.criterion == "train") return CheckSettings(varied.names);
    if (varied.of_options()) return CheckOptions(varied);
    for (const std::string& name : varied.names) static_cast<void>(CheckExtra(name));
  }

  /// Of a condition the names are looked at, not the values of options.
  void Check(const Condition& condition) const {
    if (catalogue_ == nullptr) return;
    const std::string& criterion = condition.criterion;
    if (criterion == "train") return CheckSettings({condition.option});
    if (!condition.option.empty()) {
      return CheckOptions(
          {.criterion = criterion, .extra = condition.component, .names = {condition.option}});
    }
    if (criterion == "extras") {
      if (!condition.component.empty()) static_cast<void>(CheckExtra(condition.component));
      return;
    }
    const std::set<std::string> found = ComponentsOf(criterion);
    const std::vector<std::string> known(found.begin(), found.end());
    const std::string name = TextOf(condition.value);
    if (known.empty() || found.contains(name)) return;
    Add("none of the models has " + criterion + "=" + name + Suggestion(name, known) +
        "; they have " + Join(known));
  }

 private:
  void Add(const std::string& message) const { mistakes_.Add(node_.source(), path_, message); }

  void CheckSettings(const std::vector<std::string>& names) const {
    const ComponentInfo* train = catalogue_->Find("train", "train");
    if (train == nullptr) return;
    for (const std::string& name : names) {
      if (train->FindOption(name) != nullptr) continue;
      const std::vector<std::string> known = OptionNames({train});
      Add("unknown training setting '" + name + "'" + Suggestion(name, known) +
          "; known: " + Join(known));
    }
  }

  [[nodiscard]] bool CheckExtra(const std::string& name) const {
    std::vector<std::string> known;
    for (const ComponentInfo* extra : catalogue_->OfCriterion("extras")) {
      known.push_back(extra->name);
    }
    if (std::ranges::find(known, name) == known.end()) {
      Add("unknown extra '" + name + "'" + Suggestion(name, known) + "; known: " + Join(known));
      return false;
    }
    if (ComponentsOf("extras").contains(name)) return true;
    Add("none of the models has the extra '" + name + "': [grid.extras] does not name it");
    return false;
  }

  void CheckOptions(const Varied& varied) const {
    const bool is_extra = varied.criterion == "extras";
    if (is_extra && !CheckExtra(varied.extra)) return;
    std::vector<const ComponentInfo*> components;
    for (const std::string& name : ComponentsOf(varied.criterion)) {
      if (is_extra && name != varied.extra) continue;
      const ComponentInfo* component = catalogue_->Find(varied.criterion, name);
      if (component != nullptr) components.push_back(component);
    }
    const std::vector<std::string> known = OptionNames(components);
    for (const std::string& name : varied.names) {
      if (std::ranges::find(known, name) != known.end()) continue;
      Add("none of the models has the option '" + name + "' of " +
          (is_extra ? varied.extra : varied.criterion) + Suggestion(name, known) +
          (known.empty() ? "; they have none" : "; they have " + Join(known)));
    }
  }

  [[nodiscard]] static std::vector<std::string> OptionNames(
      const std::vector<const ComponentInfo*>& components) {
    std::vector<std::string> names;
    for (const ComponentInfo* component : components) {
      for (const OptionInfo& option : component->options) {
        if (std::ranges::find(names, option.name) == names.end()) names.push_back(option.name);
      }
    }
    return names;
  }

  /// Returns the components of a criterion that the recipe names anywhere.
  [[nodiscard]] std::set<std::string> ComponentsOf(const std::string& criterion) const {
    std::set<std::string> names;
    for (const ExtraAxis& extra : recipe_.extras) {
      if (criterion == "extras") names.insert(extra.name);
    }
    if (const auto sets = recipe_.grid.find(criterion); sets != recipe_.grid.end()) {
      for (const VariantSet& set : sets->second) names.insert(set.component);
    }
    AddFixed(recipe_.search.baseline, criterion, names);
    for (const Stage& stage : recipe_.search.stages) AddFixed(stage.fix, criterion, names);
    return names;
  }
  static void AddFixed(const Fixed& fixed, const std::string& criterion,
                       std::set<std::string>& names) {
    if (const auto part = fixed.parts.find(criterion); part != fixed.parts.end()) {
      names.insert(part->second.component);
    }
    if (criterion != "extras" || !fixed.extras) return;
    for (const auto& [extra, options] : *fixed.extras) names.insert(extra);
  }

  const toml::node& node_;
  std::string path_;
  const Catalogue* catalogue_;
  const Recipe& recipe_;
  Mistakes& mistakes_;
};

std::string ReadVaried(Section& section, const std::string& key, const Catalogue* catalogue,
                       const Recipe& recipe) {
  const toml::node* node = section.Find(key);
  std::string vary = section.ReadWord(key);
  if (node == nullptr || !node->is_string()) return vary;
  VariedCheck(*node, section.PathOf(key), catalogue, recipe, section.mistakes())
      .Check(SplitVaried(vary));
  return vary;
}

/// Reads conditions; a text without an equals sign is a label where that may be.
std::string ReadConditions(Section& section, const std::string& key, bool may_be_label,
                           const Catalogue* catalogue, const Recipe& recipe) {
  std::string text = section.ReadWord(key);
  const toml::node* node = section.table().get(key);
  if (node == nullptr || !node->is_string()) return text;
  if (text.empty()) section.Mistake(*node, key, "is empty, must name a row or be left out");
  if (text.empty() || (may_be_label && text.find('=') == std::string::npos)) return text;
  try {
    const VariedCheck check(*node, section.PathOf(key), catalogue, recipe, section.mistakes());
    for (const Condition& condition : ParseConditions(text)) check.Check(condition);
  } catch (const UsageError& error) {
    section.Mistake(*node, key, error.what());
  }
  return text;
}

/// Says of options of `beamgrid table` that a recipe says with `rows` how; returns these keys.
std::vector<std::string> RefuseRowsAsKeys(const Section& section) {
  std::vector<std::string> told;
  for (const auto& [rows, word] : kTableRows) {
    std::string underscored = word;
    std::ranges::replace(underscored, '-', '_');
    for (const std::string& key : {std::string(word), underscored}) {
      const toml::node* node = section.table().get(key);
      if (node == nullptr || std::ranges::find(told, key) != told.end()) continue;
      section.Mistake(*node, key,
                      "is no key, but a kind of rows: rows = \"" + std::string(word) + "\"");
      told.push_back(key);
    }
  }
  return told;
}

void CheckTable(const Section& section, const TableSettings& table) {
  const auto mistake = [&](const char* key, const std::string& message) {
    if (const toml::node* node = section.table().get(key)) section.Mistake(*node, key, message);
  };
  const bool one_off = table.rows == TableRows::kLeaveOneOut || table.rows == TableRows::kSwapOne;
  if (table.rows == TableRows::kAverage && table.vary.empty()) {
    mistake("rows", "'average' needs vary: what the rows differ in");
  }
  if (table.rows == TableRows::kCriteria && !(table.vary + table.by).empty()) {
    mistake("rows", "'criteria' shows them all: it has no place beside vary or by");
  }
  if (!table.by.empty() && (table.vary.empty() || one_off)) {
    mistake("by", one_off ? "has no place beside rows = '" +
                                std::string(WordFor(kTableRows, table.rows)) + "'"
                          : "needs vary: columns need rows");
  } else if (!table.by.empty() && SplitVaried(table.vary).Overlaps(SplitVaried(table.by))) {
    mistake("by", "is '" + table.by + "', which the rows vary already");
  }
  if (!table.by.empty() && !table.reference.empty()) {
    mistake("reference", "has no column in a table of rows and columns (by)");
  }
  if (table.layout == TableLayout::kPaper && table.reference.empty()) {
    mistake("layout", "'paper' needs a reference: which table of a paper");
  } else if (table.layout == TableLayout::kPaper && one_off) {
    mistake("layout", "'paper' has no place beside rows = '" +
                          std::string(WordFor(kTableRows, table.rows)) + "'");
  }
}

}  // namespace

void ReadTables(Section& root, const Catalogue* catalogue, Recipe& recipe) {
  const toml::array* entries = root.FindTables("table");
  for (std::size_t i = 0; entries != nullptr && i < entries->size(); ++i) {
    Section section(*(*entries)[i].as_table(), "table[" + std::to_string(i) + "]", root.mistakes());
    TableSettings settings;
    settings.vary = ReadVaried(section, "vary", catalogue, recipe);
    settings.by = ReadVaried(section, "by", catalogue, recipe);
    settings.rows = ValueOf(kTableRows, "rows", section.ReadWord("rows"));
    settings.fix = ReadConditions(section, "fix", false, catalogue, recipe);
    settings.baseline = ReadConditions(section, "baseline", true, catalogue, recipe);
    settings.title = section.ReadWord("title");
    if (!section.table().contains("title")) {
      settings.title = settings.vary.empty() ? "models" : settings.vary;
    }
    settings.reference = ReadReference(section);
    if (const toml::node* reference = section.table().get("reference")) {
      settings.reference_place = root.mistakes().PlaceOf(reference->source());
    }
    settings.layout = ValueOf(kTableLayouts, "layout", section.ReadWord("layout"));
    CheckTable(section, settings);
    section.RefuseOthers(RefuseRowsAsKeys(section));
    recipe.tables.push_back(std::move(settings));
  }
}

}  // namespace beamgrid
