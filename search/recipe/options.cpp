#include <set>

#include "search/recipe/components.h"
#include "search/recipe/sections.h"
#include "search/recipe/zip.h"

namespace beamgrid {
namespace {

/// The axis of an option given as a list, or nothing where a value is wrong.
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
    const OptionInfo* option = FindOption(component_, name);
    if (option == nullptr) return RefuseOption(component_, key, path, mistakes_);
    const toml::array* list = node.as_array();
    if (list != nullptr && lists_ == Lists::kRefuse && option->type != OptionType::kList) {
      mistakes_.Add(node.source(), path,
                    "is a list, must be one value, " + AllowedText(*option) +
                        ": lists are expanded under [grid] only");
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
    if (option.type != OptionType::kFile) continue;
    if (table != nullptr && table->contains(option.name)) continue;
    mistakes.Add(node.source(), path + "." + option.name, "is missing: " + option.help);
  }
}

VariantSet ReadOptions(const ComponentInfo& component, const toml::table& table,
                       const std::string& path, Lists lists, Mistakes& mistakes) {
  return OptionsReader(component, table, path, lists, mistakes).Read();
}

}  // namespace beamgrid
