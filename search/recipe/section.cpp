#include "search/recipe/section.h"

#include <algorithm>
#include <cmath>

#include "registry/util/nearest_spelling.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "search/recipe_keys.h"

namespace beamgrid {
namespace {

constexpr std::size_t kShownCharacters = 60;

/// Returns the file that was looked at, or a mistake and nothing.
std::optional<OptionValue> FoundFile(const OptionValue& value, const toml::node& node,
                                     const std::string& key, Mistakes& mistakes) {
  if (!mistakes.find_file()) return value;
  try {
    return ToJson(mistakes.find_file()(NamedFileFrom(value)->name));
  } catch (const Error& error) {
    if (IsMachineFault(SystemCode(error))) throw;
    mistakes.Add(node.source(), key, error.what());
    return std::nullopt;
  }
}

}  // namespace

std::optional<OptionValue> ToOptionValue(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return OptionValue(value->get());
  if (const auto* value = node.as_integer()) return OptionValue(value->get());
  if (const auto* value = node.as_string()) return OptionValue(value->get());
  if (const auto* value = node.as_floating_point()) {
    if (!std::isfinite(value->get())) return std::nullopt;
    return OptionValue(value->get());
  }
  const toml::array* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  boost::json::array list;
  for (const toml::node& element : *array) {
    std::optional<OptionValue> value = ToOptionValue(element);
    if (!value) return std::nullopt;
    list.push_back(std::move(*value));
  }
  return OptionValue(std::move(list));
}

std::string Shown(const OptionValue& value) {
  std::string text = CanonicalJson(value);
  if (text.size() > kShownCharacters) text = text.substr(0, kShownCharacters) + "...";
  return text;
}

std::string KindOf(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return std::isfinite(node.as_floating_point()->get()) ? "a number"
                                                            : "a number that is not finite";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

std::vector<std::pair<const toml::key*, const toml::node*>> WrittenOrder(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, node] : table) entries.emplace_back(&key, &node);
  std::stable_sort(entries.begin(), entries.end(), [](const auto& left, const auto& right) {
    return left.first->source().begin < right.first->source().begin;
  });
  return entries;
}

std::optional<OptionValue> ReadOption(const OptionInfo& option, const toml::node& node,
                                      const std::string& key, Mistakes& mistakes) {
  const std::optional<OptionValue> value = ToOptionValue(node);
  if (!value) {
    const bool list = node.is_array();
    mistakes.Add(node.source(), key,
                 "is " + (list ? "a list with values that cannot be used" : KindOf(node)) +
                     ", must be " + AllowedText(option));
    return std::nullopt;
  }
  CheckedOption checked = CheckOption(option, *value);
  if (checked.error.empty() && NamedFileFrom(checked.value)) {
    return FoundFile(checked.value, node, key, mistakes);
  }
  if (checked.error.empty()) return std::move(checked.value);
  mistakes.Add(node.source(), key, "is " + Shown(*value) + ", " + checked.error);
  return std::nullopt;
}

Section::Section(const toml::table& table, std::string path, Mistakes& mistakes)
    : table_(&table), path_(std::move(path)), mistakes_(&mistakes) {}

const toml::node* Section::Find(std::string_view key) {
  RequireRecipeKey(path_, key);
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  return table_->get(key);
}

const toml::node* Section::Require(std::string_view key, std::string_view purpose) {
  const toml::node* node = Find(key);
  if (node == nullptr) {
    mistakes_->Add(table_->source(), PathOf(key), "is missing: " + std::string(purpose));
  }
  return node;
}

const toml::table* Section::FindTable(std::string_view key) {
  const toml::node* node = Find(key);
  if (node == nullptr || node->is_table()) return node == nullptr ? nullptr : node->as_table();
  const std::string name = PathOf(key);
  Mistake(*node, key,
          node->is_array_of_tables() ? "write [" + name + "] with single brackets, once"
                                     : "is " + KindOf(*node) + ", must be a table: [" + name + "]");
  return nullptr;
}

const toml::array* Section::FindTables(std::string_view key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return nullptr;
  const toml::array* array = node->as_array();
  if (array != nullptr && array->is_array_of_tables()) return array;
  if (array != nullptr && array->empty()) return nullptr;
  Mistake(*node, key,
          "is " + (array != nullptr ? "a list with values that are not tables" : KindOf(*node)) +
              ", must be one or more tables, each under [[" + PathOf(key) + "]]");
  return nullptr;
}

OptionValue Section::Read(std::string_view key) {
  const OptionInfo& setting = RecipeKeyOf(path_, key).setting;
  const toml::node* node = Find(key);
  if (node == nullptr) return setting.default_value;
  return ReadOption(setting, *node, PathOf(key), *mistakes_).value_or(setting.default_value);
}

std::string Section::ReadWord(std::string_view key) { return std::string(Read(key).as_string()); }

std::int64_t Section::ReadInteger(std::string_view key) { return Read(key).as_int64(); }

void Section::RefuseOthers(const std::vector<std::string>& told) const {
  for (const auto& [key, node] : *table_) {
    if (std::ranges::find(known_, key.str()) != known_.end()) continue;
    if (std::ranges::find(told, key.str()) != told.end()) continue;
    std::string message = "unknown key '";
    message.append(key.str()).append("'").append(Suggestion(key.str(), known_));
    // Misspelt is not missing.
    const std::string meant = NearestSpelling(key.str(), known_);
    if (!table_->contains(meant)) mistakes_->Withdraw(PathOf(meant));
    mistakes_->Add(key.source(), PathOf(key.str()), message + "; known here: " + Join(known_));
  }
}

bool Section::IsMistaken(std::string_view key) const {
  if (mistakes_->Has(PathOf(key))) return true;
  if (table_->contains(key)) return false;
  return std::ranges::any_of(*table_, [&](const auto& entry) {
    const std::string_view other = entry.first.str();
    return std::ranges::find(known_, other) == known_.end() &&
           NearestSpelling(other, {std::string(key)}) == key;
  });
}

std::string Section::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void Section::Mistake(const toml::node& node, std::string_view key, std::string message) const {
  mistakes_->Add(node.source(), PathOf(key), std::move(message));
}

void Section::Mistake(std::string message) const {
  mistakes_->Add(table_->source(), path_, std::move(message));
}

}  // namespace beamgrid
