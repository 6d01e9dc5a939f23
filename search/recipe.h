#pragma once
// The recipe (design: format version 1) as values, checked against the catalogue. Pure: text in,
// Recipe or RecipeError out; globs and files are resolved by the orchestrator.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/catalogue.h"
#include "registry/model_spec.h"
#include "search/diagnostics.h"

namespace beamgrid {

/// One extra's candidate values: off, or on with options.
struct ExtraAxis {
  std::string name;
  std::vector<std::optional<Options>> values;  ///< nullopt: off
};

/// One training key's candidate values.
struct TrainAxis {
  std::string name;
  std::vector<OptionValue> values;
};

/// Matches specs: every condition must hold. Used by [[exclude]] and by stage.fix.
struct Condition {
  std::string path;   ///< "temporal", "temporal.clusters", "extras.zoneout", "train.batch"
  OptionValue value;  ///< a component's name, an option's value, true/false for an extra
};
using Exclusion = std::vector<Condition>;

/// What a criterion is held at: a full variant for single criteria; for "extras" the extras that
/// are on.
struct Fixed {
  std::map<std::string, Variant> parts;  ///< criterion -> variant
  std::optional<std::map<std::string, Options>> extras;
  Options train;
};

struct Stage {
  std::string vary;
  Fixed fix;
};

struct SearchSettings {
  std::string strategy = "grid";
  std::vector<std::string>
      order;  ///< greedy; empty: criteria with more than one candidate, pipeline order
  std::int64_t passes = 1;
  Fixed baseline;
  std::vector<Stage> stages;
  std::map<std::string, OptionValue>
      other;  ///< keys of other strategies (budget, beam_width...), checked by them
};

struct ResourceSettings {
  std::vector<std::string> devices;   ///< empty: "auto"
  std::int64_t slots_per_device = 0;  ///< 0: "auto"
  std::int64_t threads_per_worker = 1;
  double timeout_seconds = 0;  ///< 0: none
  std::int64_t retries = 1;
};

struct EnsembleSettings {
  std::int64_t size_limit = 1LL << 30;
  std::int64_t members = 6;
  std::int64_t beam_width = 8;
  std::string combine = "logits";   ///< logits | probabilities
  std::string weights = "learned";  ///< uniform | gap | learned
};

struct TableSettings {
  std::string title;
  std::string vary;
  std::string reference;  ///< "snuvl17/1" or empty
};

struct DataSettings {
  std::string format;
  std::vector<std::string> train, validate;  ///< globs as written
  Place train_place, validate_place;         ///< for messages about globs
  double holdout = 0.5;
  std::int64_t classes = 0;
  std::vector<Feature> features;
  std::int64_t max_frames = 300;
  std::string on_error = "stop";
};

struct Recipe {
  std::string path;  ///< for messages; globs are relative to its folder
  std::string text;
  std::string name, description, objective = "gap";
  std::vector<std::int64_t> seeds = {1};
  DataSettings data;
  Options train;  ///< complete
  std::map<std::string, std::vector<Variant>>
      grid;  ///< single criteria -> expanded variants (at least the default)
  std::vector<ExtraAxis> extras;
  std::vector<TrainAxis> train_grid;
  std::vector<Exclusion> exclusions;
  SearchSettings search;
  ResourceSettings resources;
  std::optional<EnsembleSettings>
      ensemble;  ///< absent: no [ensemble] section, no ensemble at the end
  std::vector<TableSettings> tables;
};

/// Throws RecipeError with every mistake. `path` is only for messages.
[[nodiscard]] Recipe ParseRecipe(const std::string& text, const std::string& path,
                                 const Catalogue& catalogue);

/// Digest of what the recipe means (study, data globs, grid, search; not resources, ensemble,
/// tables, comments or order of keys).
[[nodiscard]] std::string RecipeDigest(const Recipe& recipe);

/// "1GiB", "500MB", 1073741824 -> bytes; nullopt if it is neither.
[[nodiscard]] std::optional<std::int64_t> ParseSize(const std::string& text);
/// "6h", "90s", "1.5m" -> seconds.
[[nodiscard]] std::optional<double> ParseDuration(const std::string& text);

}  // namespace beamgrid
