#pragma once
// Components in a recipe: the tables and values that name one and set its options.

#include <optional>
#include <string>
#include <vector>

#include "search/recipe/section.h"
#include "search/variants.h"

namespace beamgrid {

/// Lists says whether an option may be given as a list of values.
enum class Lists { kExpand, kRefuse };

/// Returns the component that `node` names, or null and a mistake with the nearest spelling.
const ComponentInfo* FindComponent(const Catalogue& catalogue, const std::string& criterion,
                                   const toml::node& node, const std::string& path,
                                   Mistakes& mistakes);

/// Returns the extra of that name, or null and a mistake with the nearest spelling.
const ComponentInfo* FindExtra(const Catalogue& catalogue, const toml::key& key,
                               const std::string& path, Mistakes& mistakes);

[[nodiscard]] std::vector<std::string> OptionNames(const ComponentInfo& component);
/// Adds the mistake of naming an option that the component does not have.
void RefuseOption(const ComponentInfo& component, const toml::key& key, const std::string& path,
                  Mistakes& mistakes);

/// Returns the value of an option that at least one of `components` has and takes; nothing and a
/// mistake where none does.
[[nodiscard]] std::optional<OptionValue> ReadOptionOfAny(
    const std::vector<const ComponentInfo*>& components, const toml::key& key,
    const toml::node& node, const std::string& path, Mistakes& mistakes);

/// Adds a mistake for each file that the component needs and `node` (a table, or a value that
/// stands for one) does not name.
void RequireFiles(const ComponentInfo& component, const toml::node& node, const std::string& path,
                  Mistakes& mistakes);

/// Reads the options that `table` sets, over the component's defaults; `use` is skipped, `zip` is
/// read.
[[nodiscard]] VariantSet ReadOptions(const ComponentInfo& component, const toml::table& table,
                                     const std::string& path, Lists lists, Mistakes& mistakes);

/// Reads `{ use = "netvlad", clusters = [64, 128] }`; nothing after a mistake about `use`,
/// beside which what no component of the criterion takes is told too.
[[nodiscard]] std::optional<VariantSet> ReadComponent(const Catalogue& catalogue,
                                                      const std::string& criterion,
                                                      const toml::table& table,
                                                      const std::string& path, Lists lists,
                                                      Mistakes& mistakes);

/// Reads one value of an extra: false, 0 and 0.0 are off, `true` is on with its defaults, a table
/// sets its options, anything else sets its first option. Outer nothing: a mistake; inner nothing:
/// off.
[[nodiscard]] std::optional<std::optional<VariantSet>> ReadExtra(const ComponentInfo& component,
                                                                 const toml::node& node,
                                                                 const std::string& path,
                                                                 Lists lists, Mistakes& mistakes);

}  // namespace beamgrid
