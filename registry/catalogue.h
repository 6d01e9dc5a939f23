#pragma once
// The component catalogue as data: what `beamgrid-trainer describe` prints and recipes are checked
// against. The trainer fills it from its components' Describe lists; the other side only reads it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model_spec.h"
#include "registry/named_file.h"

namespace beamgrid {

/// A value of kFile is what ToJson(NamedFile) makes; it has no default: null.
enum class OptionType { kBool, kInteger, kNumber, kString, kList, kFile };

/// One option of a component.
struct OptionInfo {
  std::string name;
  OptionType type = OptionType::kNumber;
  OptionValue default_value;
  std::optional<double> minimum;  ///< inclusive; numbers only
  std::optional<double> maximum;  ///< inclusive
  std::vector<OptionValue>
      choices;  ///< where not empty, the value must be one of these (or within min..max if also
                ///< given: attention's window is an odd integer or "all")
  std::string help;
  std::string tag;  ///< name piece: tag "C" makes clusters = 64 read C64; empty: `name=value`
  bool always_named = false;  ///< in the name even at its default (moe's experts: MoE2)
};

/// One component of one criterion. Criterion "train" has a single component "train": the training
/// settings.
struct ComponentInfo {
  std::string criterion;
  std::string name;
  std::string label;   ///< name piece of paper-style names ("BLSTM", "MoE"); empty: not in the name
  std::string source;  ///< paper and section
  std::string help;
  std::vector<OptionInfo>
      options;  ///< in the order of the component's Describe list; an extra's first option is
                ///< the one that `dropout = 0.2` in a recipe sets
  std::optional<NamedFile> plugin;  ///< the shared library that it came with; nothing: built in
  /// How many features of the data it works for.
  std::int64_t least_features = 1;
  std::optional<std::int64_t> most_features;

  /// Null if it has no option of that name.
  [[nodiscard]] const OptionInfo* FindOption(std::string_view option) const;
};

/// All components, sorted by criterion (its role, then the order of the pipeline) and name.
struct Catalogue {
  std::string trainer_version;
  std::string libtorch_version;
  std::vector<ComponentInfo> components;

  /// Null if there is none.
  [[nodiscard]] const ComponentInfo* Find(std::string_view criterion, std::string_view name) const;
  [[nodiscard]] std::vector<const ComponentInfo*> OfCriterion(std::string_view criterion) const;
};

/// {"trainer_version", "libtorch_version", "components": [<as `components --json` prints it, plus
/// label, tag, minimum...>]}
[[nodiscard]] boost::json::object ToJson(const Catalogue& catalogue);
[[nodiscard]] Catalogue CatalogueFromJson(const boost::json::value& json);

/// "1..4096", "one of a, b", "true or false": for messages and `components`.
[[nodiscard]] std::string AllowedText(const OptionInfo& option);

/// "two features", "two or more features": how many features of the data it works for.
[[nodiscard]] std::string FeatureCountText(const ComponentInfo& component);
/// Whether it works for so many.
[[nodiscard]] bool TakesFeatures(const ComponentInfo& component, std::size_t count);

/// The value in the option's own type, or why it is not allowed ("must be 1..4096").
struct CheckedOption {
  OptionValue value;
  std::string error;  ///< empty: fine
};
/// For a file the text of its path is right too: the value then has neither path nor hash.
[[nodiscard]] CheckedOption CheckOption(const OptionInfo& option, const OptionValue& value);

/// The plugins that the model's components came with, each once, sorted by hash.
[[nodiscard]] std::vector<NamedFile> PluginsOf(const Catalogue& catalogue, const ModelSpec& model);

/// All options at their defaults.
[[nodiscard]] Options DefaultOptions(const ComponentInfo& component);

}  // namespace beamgrid
