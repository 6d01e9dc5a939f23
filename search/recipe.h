#pragma once
// The recipe (format version 1) as values, checked against the catalogue. Pure: text in, Recipe or
// RecipeError out; globs and files are resolved by the orchestrator.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/catalogue.h"
#include "registry/model_spec.h"
#include "registry/named_file.h"
#include "registry/scoring/metrics.h"
#include "registry/util/words.h"
#include "search/condition.h"
#include "search/diagnostics.h"
#include "search/ensemble/ensemble.h"
#include "search/recipe_source.h"
#include "search/variants.h"

namespace beamgrid {

/// ExtraAxis is one extra's candidates in the order of the recipe: off, or on with options.
struct ExtraAxis {
  std::string name;
  std::vector<std::optional<VariantSet>> values;  ///< nullopt: off

  /// Returns the number of candidates, off included; saturates.
  [[nodiscard]] std::int64_t size() const;
  /// Returns the options of candidate `index`; nothing: off.
  [[nodiscard]] std::optional<Options> At(std::int64_t index) const;
};

/// Fixed is what criteria are held at: a full variant for single criteria; for "extras" the extras
/// that are on.
struct Fixed {
  std::map<std::string, Variant> parts;  ///< criterion -> variant
  std::optional<std::map<std::string, Options>> extras;
  Options train;

  /// True if it says anything about the criterion.
  [[nodiscard]] bool Names(const std::string& criterion) const;
};

/// Stage is one step of a greedy search: the criterion that varies, and what is held meanwhile.
struct Stage {
  std::string vary;
  Fixed fix;
};

/// SearchSettings is [search]: how the grid is searched.
struct SearchSettings {
  std::string strategy = "grid";
  std::vector<std::string>
      order;  ///< greedy; empty: criteria with more than one candidate, pipeline order
  std::int64_t passes = 1;
  Fixed baseline;
  std::vector<Stage> stages;
  std::map<std::string, OptionValue>
      other;  ///< the strategy's own keys, complete (StrategyInfo::options)
};

/// ExecutorKind says where trials are carried out.
enum class ExecutorKind {
  kLocal,  ///< processes of this machine
  kSlurm,  ///< jobs of a Slurm cluster
};
inline constexpr Word<ExecutorKind> kExecutors[] = {{ExecutorKind::kLocal, "local"},
                                                    {ExecutorKind::kSlurm, "slurm"}};

/// SlurmSettings is [resources.slurm]: what the jobs ask the cluster for. An empty text or a 0
/// leaves the choice to the cluster, or to the forecast where the comment says so.
struct SlurmSettings {
  std::int64_t jobs = 8;  ///< the most of a study at once, waiting ones included
  std::string partition, account, qos, constraint;
  std::string gres;                    ///< "gpu:1"; empty: the trials run on the CPU
  std::int64_t cpus = 0;               ///< of a job; 0: ResourceSettings::threads_per_worker
  std::int64_t memory_bytes = 0;       ///< of a job; 0: as the trial's forecast
  double time_seconds = 0;             ///< of a job; 0: as the trial's forecast
  std::vector<std::string> arguments;  ///< further ones of sbatch: "--reservation=lab"
  std::string prologue;                ///< lines of sh that run on the node before the worker
  double idle_seconds = 60;            ///< a job that gets no trial for so long ends

  /// Returns whether jobs ask for a GPU, which the trials see as cuda:0.
  [[nodiscard]] bool AsksForGpu() const;
};

/// ResourceSettings is [resources]: what a study may use, and for how long.
struct ResourceSettings {
  ExecutorKind executor = ExecutorKind::kLocal;
  SlurmSettings slurm;
  std::vector<std::string> devices;   ///< empty: "auto"
  std::int64_t slots_per_device = 0;  ///< 0: "auto"
  std::int64_t threads_per_worker = 1;
  double timeout_seconds = 0;             ///< of one attempt; 0: none
  double heartbeat_timeout_seconds = 60;  ///< a worker that sends nothing for so long hangs
  double stall_timeout_seconds = 600;     ///< a worker whose training stands still so long hangs
  std::int64_t retries = 1;
  std::int64_t priority = 1;  ///< share of a machine that several studies use, as a weight
};

/// TableRows says what the rows of a table are.
enum class TableRows {
  kVariants,     ///< variants of what is varied, all else held fixed
  kAverage,      ///< variants, each the mean over the combinations of all else
  kLeaveOneOut,  ///< a model, and it with one of its parts taken back to the default
  kSwapOne,      ///< a model, and those that differ from it in one criterion
  kCriteria,     ///< the criteria, with the methods that were tried of each; no numbers
};
inline constexpr Word<TableRows> kTableRows[] = {{TableRows::kVariants, "variants"},
                                                 {TableRows::kAverage, "average"},
                                                 {TableRows::kLeaveOneOut, "leave-one-out"},
                                                 {TableRows::kSwapOne, "swap-one"},
                                                 {TableRows::kCriteria, "criteria"}};

/// TableLayout says whose rows and columns a table has.
enum class TableLayout {
  kOurs,   ///< our models, labels and columns
  kPaper,  ///< those of the paper's table, in its order and words
};
inline constexpr Word<TableLayout> kTableLayouts[] = {{TableLayout::kOurs, "ours"},
                                                      {TableLayout::kPaper, "paper"}};

/// TableSettings is one [[table]]: a table that is printed at the study's end.
struct TableSettings {
  std::string title;
  std::string vary;  ///< see search/varied.h; empty: whole models
  std::string by;    ///< likewise, of the columns; empty: none
  TableRows rows = TableRows::kVariants;
  std::string fix, baseline;  ///< see search/condition.h; empty: none
  std::string reference;      ///< "snuvl17/1" or empty
  TableLayout layout = TableLayout::kOurs;
  Place reference_place;
};

/// DataSettings is [data] as it is written; DataSpec has the files that it means.
struct DataSettings {
  std::string format;
  std::vector<std::string> train, validate;  ///< globs as written
  Place train_place, validate_place;         ///< for messages about globs
  double holdout = 0.5;
  std::int64_t classes = 0;
  std::vector<Feature> features;
  std::map<std::string, FrameType> frame_types;    ///< as in DataSpec
  std::map<std::string, Normalisation> normalise;  ///< as in DataSpec
  std::int64_t max_frames = 300;                   ///< 1 for video-level data
  std::string on_error = "stop";
  std::string unrated = "ignore";  ///< ignore | negative; of segments
  /// The classes that weigh `class_weight` in the loss, all others 1: as written, or in a file
  /// whose first column is `Index`.
  std::vector<std::int64_t> weighted_classes;
  std::string weighted_classes_file;
  Place weighted_classes_place;
  double class_weight = 1;
  FrameAlignment frame_alignment = FrameAlignment::kCut;
  bool multi_class = false;
  std::string video_weight;  ///< empty: none
  /// The text of each validation record's context by which videos belong together; empty: none.
  std::string group;
  Place group_place;
};

/// WarmStartReference is a trial that others start from, wherever the recipe names one (train.from,
/// grid.train.from, search.baseline.train.from ...): "STUDY/NAME", "STUDY/NAME/SEED", "STUDY/*" or
/// a fingerprint's digits.
struct WarmStartReference {
  std::string text;
  Place place;
  std::string key;
};

/// TeacherReference is a file of predictions that trials learn from, wherever the recipe names one
/// (train.teacher, grid.train.teacher ...).
struct TeacherReference {
  std::string text;
  Place place;
  std::string key;
};

/// PluginReference is a shared library with components, as the recipe names it.
struct PluginReference {
  std::string text;
  Place place;
  std::string key;  ///< "plugins[0]"
};

/// Recipe is a study as its author wrote it, checked and with all defaults.
struct Recipe {
  std::string path;  ///< for messages; globs and files are relative to its folder
  std::string text;  ///< RecipeSource::text
  std::string name, description;
  const Metric* objective = kMetrics;  ///< the one that its study maximises
  std::vector<std::int64_t> seeds = {1};
  /// So many of the seeds every model begins with; further ones are raced for (SeedRace).
  std::size_t least_seeds = 1;
  std::vector<PluginReference> plugins;
  DataSettings data;
  Options train;  ///< complete
  std::map<std::string, std::vector<VariantSet>>
      grid;  ///< single criteria -> their entries (at least one: the default variant)
  std::vector<ExtraAxis> extras;                ///< by name
  std::vector<OptionAxis> train_grid;           ///< in the order of the recipe
  std::vector<WarmStartReference> warm_starts;  ///< each text once; the orchestrator resolves them
  std::vector<Conditions> exclusions;           ///< a model is out where all conditions of one hold
  SearchSettings search;
  ResourceSettings resources;
  /// The question that is asked at the study's end, without the models; nothing: there is no
  /// [ensemble].
  std::optional<EnsembleQuestion> ensemble;
  std::vector<TableSettings> tables;
  std::vector<Diagnostic> remarks;         ///< what is no mistake, but hardly meant
  std::vector<TeacherReference> teachers;  ///< each text once
};

/// FindFile looks at a file that the recipe names; throws Error where it is not there.
using FindFile = std::function<NamedFile(const std::string& name)>;

/// Reads and checks a recipe. Throws RecipeError with every mistake. `path` is only for messages.
/// Without `find_file` the files that options name are taken as they are written.
[[nodiscard]] Recipe ParseRecipe(const std::string& text, const std::string& path,
                                 const Catalogue& catalogue, const FindFile& find_file = {});

[[nodiscard]] Recipe ParseRecipe(const RecipeSource& source, const Catalogue& catalogue,
                                 const FindFile& find_file = {});

/// Returns whether a study may be called so: 1 to 100 letters, digits, - and _.
[[nodiscard]] bool IsStudyName(const std::string& name);

/// Returns the recipe's plugins alone: they have to be loaded before its components can be checked.
/// Throws RecipeError where the text is not TOML; any other mistake is ParseRecipe's to tell.
[[nodiscard]] std::vector<PluginReference> PluginsOfRecipe(const std::string& text,
                                                           const std::string& path);
[[nodiscard]] std::vector<PluginReference> PluginsOfRecipe(const RecipeSource& source);

/// Returns the trials that a recipe which was checked before starts others from, as it names them
/// (`from`). Throws RecipeError where the text is not TOML.
[[nodiscard]] std::vector<std::string> WarmStartsOfRecipe(const std::string& text,
                                                          const std::string& path);

/// Returns the ensemble that a recipe which was checked before asks for, defaults where it has no
/// [ensemble]. Throws RecipeError with the mistakes of that section.
[[nodiscard]] EnsembleQuestion EnsembleOfRecipe(const std::string& text, const std::string& path);

/// Returns [resources] of a recipe which was checked before. Throws RecipeError with the mistakes
/// of that section.
[[nodiscard]] ResourceSettings ResourcesOfRecipe(const std::string& text, const std::string& path);

/// Returns a recipe of which only [study] is read. Throws RecipeError with the mistakes of that
/// section.
[[nodiscard]] Recipe StudyOfRecipe(const std::string& text, const std::string& path);

/// Returns a recipe of which only path, text, data and teachers are read: what a machine without a
/// trainer can tell. Throws RecipeError with the mistakes of [data].
[[nodiscard]] Recipe DataOfRecipe(const RecipeSource& source);

/// Returns what of path, text, data and tables can be read, whatever mistakes there are: for what
/// else is to be told beside them. Throws RecipeError where the text is not TOML.
[[nodiscard]] Recipe ReadableParts(const RecipeSource& source);

/// Returns the digest of what the recipe trains (objective, seeds, data globs, plugins, grid,
/// exclusions, search), 32 hex digits. Files count by their names, as data does by its globs. Blind
/// to names and descriptions, the order of keys and tables, comments, resources, holdout, ensemble
/// and tables, which can be made again any day from the same trials. The order of a criterion's
/// entries counts where the strategy starts from the first one.
[[nodiscard]] std::string RecipeDigest(const Recipe& recipe);

/// Returns the bytes of "1GiB", "500 MB", "1g", "1e9", "1073741824"; nullopt if it is none of these
/// or beyond 2^63-1. Capital or not, k, M, G, T with or without B are powers of 1000, Ki, Mi, Gi,
/// Ti of 1024.
[[nodiscard]] std::optional<std::int64_t> ParseSize(const std::string& text);
/// Returns the seconds of "6h", "90s", "1.5m"; nullopt for anything else, 0 and more than 1e9 s.
[[nodiscard]] std::optional<double> ParseDuration(const std::string& text);

}  // namespace beamgrid
