#pragma once
// One table of a recipe while it is read: keys are asked for by name, and those that nobody asked
// for are mistakes. What is wrong goes to Mistakes; the reader gets a usable value and goes on.

#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/catalogue.h"
#include "search/recipe/mistakes.h"

namespace beamgrid {

/// Returns a TOML value as an option's value; nothing for tables, dates and numbers that are not
/// finite.
[[nodiscard]] std::optional<OptionValue> ToOptionValue(const toml::node& node);

/// Returns the value as the recipe would write it, cut where it is long: for messages.
[[nodiscard]] std::string Shown(const OptionValue& value);
/// Returns "a table", "a date", ...: for messages about values of a wrong kind.
[[nodiscard]] std::string KindOf(const toml::node& node);

/// Returns the keys of a table in the order they are written (toml++ sorts them by name).
[[nodiscard]] std::vector<std::pair<const toml::key*, const toml::node*>> WrittenOrder(
    const toml::table& table);

/// Returns the value in the option's type, or a mistake under `key` and nothing.
[[nodiscard]] std::optional<OptionValue> ReadOption(const OptionInfo& option,
                                                    const toml::node& node, const std::string& key,
                                                    Mistakes& mistakes);

/// Section is one table of a recipe while it is read. Not thread-safe.
class Section {
 public:
  /// Begins to read `table`. `path` is the table's key in messages ("grid.temporal[0]"); empty for
  /// the root.
  Section(const toml::table& table, std::string path, Mistakes& mistakes);

  /// Returns the node of `key`, or null. The key is known from then on. A key that is not in
  /// recipe_keys.h is a bug: std::logic_error.
  const toml::node* Find(std::string_view key);
  /// Returns the node of `key`; where it is missing, adds a mistake that says what it is for, and
  /// returns null.
  const toml::node* Require(std::string_view key, std::string_view purpose);
  /// Returns the table of `key`, or null (with a mistake where it is something else).
  const toml::table* FindTable(std::string_view key);
  /// Returns the tables of [[key]]; null where they are absent or, with a mistake, something else.
  const toml::array* FindTables(std::string_view key);
  /// Returns the setting of `key`, which recipe_keys.h describes; its default where it is absent or
  /// wrong.
  OptionValue Read(std::string_view key);
  std::string ReadWord(std::string_view key);
  std::int64_t ReadInteger(std::string_view key);

  /// Adds a mistake for every key that was not asked for, but for those that were `told` already.
  void RefuseOthers(const std::vector<std::string>& told = {}) const;

  /// Returns whether a mistake of `key` was added, or of an unknown key that is likely `key`
  /// misspelt: what follows from the default in its place is then no mistake of its own.
  [[nodiscard]] bool IsMistaken(std::string_view key) const;

  /// Returns "grid.temporal[0].clusters".
  [[nodiscard]] std::string PathOf(std::string_view key) const;
  void Mistake(const toml::node& node, std::string_view key, std::string message) const;
  /// Adds a mistake of the table itself.
  void Mistake(std::string message) const;

  [[nodiscard]] const toml::table& table() const { return *table_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Mistakes& mistakes() const { return *mistakes_; }

 private:
  const toml::table* table_;
  std::string path_;
  Mistakes* mistakes_;
  std::vector<std::string> known_;
};

}  // namespace beamgrid
