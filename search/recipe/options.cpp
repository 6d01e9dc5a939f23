#include <algorithm>
#include <optional>
#include <set>

#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "search/recipe/components.h"
#include "search/recipe/sections.h"

namespace beamgrid {
namespace {

/// `zip = ["hidden", "layers"]`: options given as lists that vary together.
class Zip {
 public:
  Zip(const toml::node& node, std::string path, Mistakes& mistakes)
      : node_(node), path_(std::move(path)), mistakes_(mistakes) {}

  bool Apply(const ComponentInfo& component, std::vector<OptionAxis>& axes,
             const std::set<std::string>& wrong_lists) {
    const std::optional<std::vector<std::string>> names = ReadNames();
    if (!names || !CheckNames(*names, component, axes, wrong_lists)) return false;
    Tie(*names, axes);
    return true;
  }

 private:
  std::optional<std::vector<std::string>> ReadNames() {
    std::vector<std::string> names;
    const toml::array* list = node_.as_array();
    bool fine = list != nullptr && list->size() >= 2;
    for (std::size_t i = 0; fine && i < list->size(); ++i) {
      const auto* name = (*list)[i].as_string();
      fine = name != nullptr;
      if (fine) names.push_back(name->get());
    }
    if (fine) return names;
    Add("must be a list of two or more option names: zip = [\"hidden\", \"layers\"]");
    return std::nullopt;
  }

  bool CheckNames(const std::vector<std::string>& names, const ComponentInfo& component,
                  const std::vector<OptionAxis>& axes, const std::set<std::string>& wrong_lists) {
    bool fine = true;
    std::set<std::string> seen;
    std::set<std::size_t> lengths;
    for (const std::string& name : names) {
      if (!seen.insert(name).second) {
        fine = Add("names '" + name + "' twice");
      } else if (component.FindOption(name) == nullptr) {
        fine = Add("'" + name + "' is no option of '" + component.name + "'" +
                   Suggestion(name, OptionNames(component)));
      } else if (const auto axis = FindAxis(axes, name); axis != axes.end()) {
        lengths.insert(axis->steps.size());
      } else {
        // A list with a wrong value has been reported, and its length is unknown.
        fine = wrong_lists.contains(name) ? false : Add("'" + name + "' is not given as a list");
      }
    }
    if (fine && lengths.size() > 1) {
      std::vector<std::string> counts;
      for (const std::string& name : names) {
        counts.push_back(name + " has " + std::to_string(FindAxis(axes, name)->steps.size()));
      }
      fine = Add("the lists must be of one length: " + Join(counts));
    }
    return fine;
  }

  static void Tie(const std::vector<std::string>& names, std::vector<OptionAxis>& axes) {
    OptionAxis tied;
    std::size_t place = axes.size();
    for (const std::string& name : names) {
      const auto axis = FindAxis(axes, name);
      // In the place of the first: the order of the axes is the order of the variants.
      place = std::min(place, static_cast<std::size_t>(axis - axes.begin()));
      tied.names.push_back(name);
      tied.steps.resize(axis->steps.size());
      for (std::size_t i = 0; i < axis->steps.size(); ++i) {
        tied.steps[i].push_back(axis->steps[i].front());
      }
    }
    axes[place] = std::move(tied);
    std::erase_if(axes, [&names](const OptionAxis& axis) {
      return axis.names.size() == 1 &&
             std::find(names.begin(), names.end(), axis.names.front()) != names.end();
    });
  }

  static std::vector<OptionAxis>::const_iterator FindAxis(const std::vector<OptionAxis>& axes,
                                                          const std::string& name) {
    return std::find_if(axes.begin(), axes.end(),
                        [&name](const OptionAxis& axis) { return axis.names.front() == name; });
  }

  bool Add(std::string message) {
    mistakes_.Add(node_.source(), path_, std::move(message));
    return false;
  }

  const toml::node& node_;
  std::string path_;
  Mistakes& mistakes_;
};

/// Ties the axes that `zip` names into one, in the place of the first. `wrong_lists`: options whose
/// lists have mistakes of their own, already reported. False after a mistake; `axes` as they were.
bool ApplyZip(const toml::node& zip, const ComponentInfo& component, const std::string& path,
              const std::set<std::string>& wrong_lists, std::vector<OptionAxis>& axes,
              Mistakes& mistakes) {
  return Zip(zip, path, mistakes).Apply(component, axes, wrong_lists);
}

/// Returns the axis of an option given as a list, or nothing where a value is wrong.
std::optional<OptionAxis> ReadList(const OptionInfo& option, const toml::array& list,
                                   const std::string& path, Mistakes& mistakes) {
  if (list.empty()) {
    mistakes.Add(list.source(), path, "the list is empty; give at least one value");
    return std::nullopt;
  }
  OptionAxis axis{{option.name}, {}};
  bool complete = true;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string key = path + "[" + std::to_string(i) + "]";
    std::optional<OptionValue> value = ReadOption(option, list[i], key, mistakes);
    // Goes on after a wrong value: all of them are told at once.
    complete = complete && value.has_value();
    if (value) axis.steps.push_back({std::move(*value)});
  }
  if (!complete) return std::nullopt;
  return axis;
}

void CheckRepeats(const OptionAxis& axis, const toml::node& node, const std::string& path,
                  Mistakes& mistakes) {
  std::set<std::string> seen;
  for (const std::vector<OptionValue>& step : axis.steps) {
    boost::json::array values(step.begin(), step.end());
    if (seen.insert(CanonicalJson(values)).second) continue;
    const OptionValue shown = step.size() == 1 ? step.front() : OptionValue(values);
    mistakes.Add(node.source(), path, "gives the same variant twice: " + Shown(shown));
  }
}

class OptionsReader {
 public:
  OptionsReader(const ComponentInfo& component, const toml::table& table, const std::string& path,
                Lists lists, Mistakes& mistakes)
      : component_(component), table_(table), path_(path), lists_(lists), mistakes_(mistakes) {}

  VariantSet Read() {
    set_ = {.component = component_.name, .fixed = DefaultOptions(component_)};
    for (const auto& [key, node] : WrittenOrder(table_)) {
      if (!IsReserved(key->str())) ReadOne(*key, *node);
    }
    const toml::node* zip = lists_ == Lists::kExpand ? table_.get("zip") : nullptr;
    const bool zipped = zip == nullptr || ApplyZip(*zip, component_, path_ + ".zip", wrong_lists_,
                                                   set_.axes, mistakes_);
    for (const OptionAxis& axis : set_.axes) {
      for (const std::string& name : axis.names) set_.fixed.erase(name);
      const std::string key = axis.names.size() > 1 ? "zip" : axis.names.front();
      if (zipped) CheckRepeats(axis, *table_.get(key), path_ + "." + key, mistakes_);
    }
    RequireFiles(component_, table_, path_, mistakes_);
    return std::move(set_);
  }

 private:
  [[nodiscard]] bool IsReserved(std::string_view key) const {
    if (key == "zip") return lists_ == Lists::kExpand;
    return key == "use" && IsSingle(component_.criterion);
  }

  void ReadOne(const toml::key& key, const toml::node& node) {
    const std::string name(key.str());
    const std::string path = path_ + "." + name;
    const OptionInfo* option = component_.FindOption(name);
    if (option == nullptr) return RefuseOption(component_, key, path, mistakes_);
    const toml::array* list = node.as_array();
    if (list != nullptr && lists_ == Lists::kRefuse && option->type != OptionType::kList) {
      mistakes_.Add(node.source(), path,
                    "is a list, must be one value, " + AllowedText(*option) +
                        ": lists are expanded under [grid" + (path_ == "train" ? ".train" : "") +
                        "] only");
      return;
    }
    if (list == nullptr || lists_ == Lists::kRefuse) {
      std::optional<OptionValue> value = ReadOption(*option, node, path, mistakes_);
      if (value) set_.fixed[name] = std::move(*value);
      return;
    }
    std::optional<OptionAxis> axis = ReadList(*option, *list, path, mistakes_);
    if (axis) {
      set_.axes.push_back(std::move(*axis));
    } else {
      wrong_lists_.insert(name);
    }
  }

  const ComponentInfo& component_;
  const toml::table& table_;
  const std::string& path_;
  Lists lists_;
  Mistakes& mistakes_;
  VariantSet set_;
  std::set<std::string> wrong_lists_;
};

}  // namespace

void RequireFiles(const ComponentInfo& component, const toml::node& node, const std::string& path,
                  Mistakes& mistakes) {
  const toml::table* table = node.as_table();
  for (const OptionInfo& option : component.options) {
    const bool needed = option.type == OptionType::kFile && option.default_value.is_null();
    if (!needed) continue;
    if (table != nullptr && table->contains(option.name)) continue;
    mistakes.Add(node.source(), path + "." + option.name, "is missing: " + option.help);
  }
}

VariantSet ReadOptions(const ComponentInfo& component, const toml::table& table,
                       const std::string& path, Lists lists, Mistakes& mistakes) {
  return OptionsReader(component, table, path, lists, mistakes).Read();
}

}  // namespace beamgrid
