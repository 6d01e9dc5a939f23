#include "search/recipe_keys.h"

#include <algorithm>
#include <stdexcept>

#include "registry/criteria.h"
#include "registry/scoring/metrics.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "search/ensemble/ensemble.h"
#include "search/recipe.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

using Names = std::vector<std::string>;

constexpr std::int64_t kMostSeeds = 1000;
constexpr std::int64_t kMostClasses = 1'048'576;
constexpr std::int64_t kWidestFeature = 65'536;
constexpr std::int64_t kMostFrames = 65'536;
constexpr double kLargestWeight = 1e6;

OptionInfo Setting(std::string name, OptionType type, std::string help) {
  OptionInfo setting;
  setting.name = std::move(name);
  setting.type = type;
  setting.help = std::move(help);
  return setting;
}

RecipeKey Integer(std::string name, std::int64_t fallback, std::int64_t minimum,
                  std::int64_t maximum, std::string help) {
  RecipeKey key{.setting = Setting(std::move(name), OptionType::kInteger, std::move(help))};
  key.setting.default_value = fallback;
  key.setting.minimum = static_cast<double>(minimum);
  key.setting.maximum = static_cast<double>(maximum);
  key.takes = "an integer, " + AllowedText(key.setting);
  key.fallback = std::to_string(fallback);
  return key;
}

RecipeKey Number(std::string name, double fallback, double minimum, double maximum,
                 std::string help) {
  RecipeKey key{.setting = Setting(std::move(name), OptionType::kNumber, std::move(help))};
  key.setting.default_value = fallback;
  key.setting.minimum = minimum;
  key.setting.maximum = maximum;
  key.takes = "a number, " + AllowedText(key.setting);
  key.fallback = CanonicalJson(fallback);
  return key;
}

RecipeKey Text(std::string name, const std::string& fallback, const Names& words,
               std::string help) {
  RecipeKey key{.setting = Setting(std::move(name), OptionType::kString, std::move(help))};
  key.setting.default_value = fallback;
  for (const std::string& word : words) key.setting.choices.emplace_back(word);
  key.takes = AllowedText(key.setting);
  key.fallback = CanonicalJson(OptionValue(fallback));
  return key;
}

/// A key with a reader of its own.
RecipeKey Own(std::string name, std::string takes, std::string fallback, std::string help) {
  return {.setting = Setting(std::move(name), OptionType::kString, std::move(help)),
          .takes = std::move(takes),
          .fallback = std::move(fallback)};
}

RecipeKey Required(RecipeKey key) {
  key.fallback = "required";
  return key;
}

RecipeKey Default(RecipeKey key, std::string fallback) {
  key.fallback = std::move(fallback);
  return key;
}

RecipeKey Takes(RecipeKey key, std::string takes) {
  key.takes = std::move(takes);
  return key;
}

const char kComponentOptions[] = "as `beamgrid components NAME` lists them";

RecipeSection RootSection() {
  return {"",
          "before the first section",
          "",
          {Required(Own("beamgrid", "1", "", "The version of the recipe format.")),
           Own("plugins", "a file or a list of files, relative to the recipe", "none",
               "Shared libraries with more components.")}};
}

RecipeSection StudySection() {
  return {"study",
          "[study]",
          "What is searched for, and under which name.",
          {Required(Own("name", "1..100 letters, digits, - and _", "",
                        "The study's name in the record, in commands and in the runs folder.")),
           Text("description", "", {}, "For people; `beamgrid studies` shows it."),
           Text("objective", kMetrics->name, MetricNames(),
                "The metric that is maximised; it also picks a trial's best epoch."),
           Own("seeds", "a list of integers from 0 on, or { min = 1, max = 5 }", "[1]",
               "Every model is trained once per seed; with min and max, further seeds only of "
               "those that may still be the best.")}};
}

RecipeSection SeedsSection() {
  return {
      "study.seeds",
      "[study.seeds]",
      "Racing of seeds, usually on one line: seeds = { min = 1, max = 5 }. Where candidates are "
      "compared, a further seed is trained of the best and of those whose 95 % interval "
      "overlaps the best one's, until one is left or all have max.",
      {Integer("min", 1, 1, kMostSeeds, "The seeds that every model begins with, from 1 on."),
       Required(Integer("max", kMostSeeds, 1, kMostSeeds, "The most seeds of a model."))}};
}

RecipeSection DataSection() {
  return {
      "data",
      "[data]",
      "The records. In names of files `~` and $NAME count as in a shell, here and in all sections.",
      {Required(Text("format", "frame", {"video", "frame", "segment"}, "What the records hold.")),
       Required(Own("train", "a pattern or a list of patterns (*, ?, [a-z], {a,b})", "",
                    "Files to train on, relative to the recipe.")),
       Required(Own("validate", "a pattern or a list of patterns", "",
                    "Files to measure on; they also choose the best epoch.")),
       Takes(Number("holdout", 0.5, 0, 1,
                    "The share of the validation videos that ensembles are not chosen on but "
                    "measured on."),
             "a number, at least 0 and less than 1"),
       Required(Integer("classes", 0, 1, kMostClasses,
                        "The number of classes; labels are 0 to classes - 1.")),
       Own("features", "a table of names and widths: { rgb = 1024 }",
           "those of YouTube-8M's files of the format",
           "The features of the records, in the order in which they are joined."),
       Own("frame_types", "a table of features and types: { rgb = \"float32\" }", "uint8 for each",
           "What the frames of features are; not where format = \"video\", whose features are "
           "floats."),
       Own("normalise",
           "\"l2_joint\", \"l2\", \"standardise\", \"none\", or a table with one of the last three "
           "for each feature",
           "\"l2_joint\"",
           "What is done to the features before a model sees them. l2_joint divides a frame by its "
           "length over all features together, as the YouTube-8M starter code does; the others are "
           "listed at [data.normalise]."),
       Integer("max_frames", 300, 1, kMostFrames,
               "Later frames of a video are left out; of no meaning where format = \"video\"."),
       Text("frame_alignment", "cut", WordsOf(kFrameAlignments),
            "What the frames of a video are whose features differ in their number: those that all "
            "have, from the first on (cut), or as many as the longest has, with the nearest frame "
            "of each other feature, as if all lasted equally long (nearest)."),
       Text("on_error", "stop", {"stop", "skip"},
            "What a damaged record does: stop the study, or be left out and counted. What "
            "contradicts the recipe (widths, labels out of range) stops it in any case."),
       Text("unrated", "ignore", {"ignore", "negative"},
            "Segments only: what a class that nobody rated is to the loss."),
       Text("labels", "multi_label", {"multi_label", "multi_class"},
            "Whether a video has one or more labels, or exactly one (for the classifier softmax, "
            "the loss categorical_cross_entropy, and accuracies in tables)."),
       Text("group", "", {},
            "A text of each validation record's context, such as the subject or the day: the "
            "intervals of tables and ensembles draw whole groups of videos, and an ensemble's "
            "holdout has whole groups. Changes no trial."),
       Text("video_weight", "", {},
            "A float of each record's context, 0 or more, that multiplies the video's loss in "
            "training and in the validation loss. Metrics weigh all videos alike."),
       Number("class_weight", 1.0, 0, kLargestWeight,
              "The weight of weighted_classes in the loss; all others have 1."),
       Own("weighted_classes", "a list of classes, or a file whose first column is Index", "none",
           "The classes that class_weight is for.")}};
}

RecipeSection FeaturesSection() {
  return {"data.features",
          "[data.features]",
          "Usually on one line: features = { rgb = 1024, audio = 128 }.",
          {Required(Integer("NAME", 1, 1, kWidestFeature,
                            "A feature's name in the records, and its width."))}};
}

RecipeSection FrameTypesSection() {
  return {
      "data.frame_types",
      "[data.frame_types]",
      "Usually on one line: frame_types = { rgb = \"float32\", audio = \"uint8\" }. In a record's "
      "feature list, one frame of a feature of width W is: uint8, a string of W bytes, the 8-bit "
      "code of YouTube-8M; float32, a float_list of W values; float16, a string of 2 W bytes, "
      "little-endian IEEE 754 halves.",
      {Text("NAME", "uint8", WordsOf(kFrameTypes), "The type of a feature of data.features.")}};
}

RecipeSection NormaliseSection() {
  return {
      "data.normalise",
      "[data.normalise]",
      "One word for each feature: normalise = { rgb = \"l2\", audio = \"standardise\" }; one word "
      "for all: normalise = \"l2\". standardise: each number minus its mean, by its standard "
      "deviation, over all frames of the training examples, as they are used; a number that never "
      "varies becomes 0. Both are shipped with the model.",
      {Required(Text("NAME", "none", WordsOf(kNormalisations),
                     "What is done to a feature of data.features."))}};
}

RecipeSection TrainSection() {
  return {"train",
          "[train]",
          "How every model is trained.",
          {Own("OPTION", "as `beamgrid components train` lists them", "the option's own",
               "Among them epochs, batch, learning_rate, patience (early stopping), arithmetic "
               "(\"bf16\": products of matrices in bfloat16, faster where the machine has it), "
               "from (the weights of a finished trial) and teacher (a file of predictions to learn "
               "from beside the truth).")}};
}

RecipeSection GridCriterionSection() {
  Names defaults;
  for (const std::string& criterion : AllCriteria()) {
    if (IsSingle(criterion)) defaults.push_back(DefaultComponent(criterion));
  }
  return {"grid.CRITERION",
          "[[grid.CRITERION]]",
          "One candidate each; CRITERION is one of multimodal, temporal, classifier, "
          "label_processing, loss. A criterion that is left out has its default: " +
              Join(defaults) + ".",
          {Required(Own("use", "a component's name; `beamgrid components` lists them", "",
                        "The component.")),
           Own("zip", "a list of two or more options", "none",
               "Options whose lists vary together: 512 with 2, 1024 with 1, and no other pairs."),
           Own("OPTION", kComponentOptions, "the option's own",
               "A list is expanded into variants, one for each value.")}};
}

RecipeSection GridExtrasSection() {
  return {"grid.extras",
          "[grid.extras]",
          "Extras are switched; a list is expanded, as in layer_norm = [false, true].",
          {Own("EXTRA", "false, true, a value of its first option, a table of options", "off",
               "An extra; `beamgrid components extras` lists them.")}};
}

RecipeSection GridTrainSection() {
  return {"grid.train",
          "[grid.train]",
          "Training settings that vary.",
          {Own("OPTION", "as in [train]; a list is expanded", "that of [train]",
               "A training setting.")}};
}

RecipeSection ExcludeSection() {
  return {"exclude",
          "[[exclude]]",
          "Models that are never tried: those for which all keys of one [[exclude]] hold.",
          {Own("CRITERION", "a component's name, or a table: { use = \"netvlad\", clusters = 128 }",
               "any", "The component that the model has, and its options."),
           Own("extras.EXTRA", "true, false, or a value", "any", "As in [grid.extras]."),
           Own("train.OPTION", "a value", "any", "As in [train].")}};
}

/// Returns the names of the strategies that take the option as it is described.
Names OwnersOf(const OptionInfo& option) {
  Names owners;
  for (const StrategyInfo& strategy : Strategies()) {
    const auto same = std::ranges::find(strategy.options, option.name, &OptionInfo::name);
    if (same != strategy.options.end() && same->help == option.help &&
        AllowedText(*same) == AllowedText(option) && same->default_value == option.default_value) {
      owners.push_back(strategy.name);
    }
  }
  std::ranges::sort(owners);
  return owners;
}

RecipeSection SearchSection() {
  Names strategies;
  std::vector<RecipeKey> own;
  for (const StrategyInfo& strategy : Strategies()) {
    strategies.push_back(strategy.name);
    for (OptionInfo option : strategy.options) {
      const Names owners = OwnersOf(option);
      // One line for all that have it alike.
      if (owners.front() != strategy.name) continue;
      option.help.insert(0, Join(owners) + ": ");
      own.push_back({.setting = option,
                     .takes = AllowedText(option),
                     .fallback = CanonicalJson(option.default_value)});
    }
  }
  std::ranges::sort(strategies);
  std::ranges::stable_sort(own, {}, [](const RecipeKey& key) { return key.setting.help; });
  RecipeSection section{
      "search",
      "[search]",
      "How the grid is searched; docs/search.md says which strategy to take when.",
      {Text("strategy", "grid", strategies, "Which models are tried, and in which order."),
       Own("order", "a list of criteria", "those with more than one candidate",
           "beam, greedy: the criteria, the first one first."),
       Integer("passes", 1, 1, 100, "greedy: how often it goes through the criteria.")}};
  section.keys.insert(section.keys.end(), own.begin(), own.end());
  return section;
}

RecipeSection BaselineSection() {
  return {"search.baseline",
          "[search.baseline]",
          "What the criteria are held at while another one varies; without it, their first "
          "candidate.",
          {Own("CRITERION", "a table: { use = \"moe\", experts = 2 }", "the first candidate",
               "A single criterion."),
           Own("extras", "a table: { dropout = 0.2 }", "the first candidates",
               "The extras that are on."),
           Own("train", "a table: { batch = 128 }", "that of [train]", "Training settings.")}};
}

RecipeSection StageSection() {
  return {"search.stage",
          "[[search.stage]]",
          "greedy: the stages one by one, instead of order.",
          {Required(Text("vary", "", {}, "The criterion that the stage varies.")),
           Own("fix", "a table as [search.baseline]", "nothing",
               "What the stage holds, instead of the best so far.")}};
}

RecipeSection ResourcesSection() {
  const ResourceSettings defaults;
  return {"resources",
          "[resources]",
          "What a study may use of the machine. None of it makes another trial.",
          {Text("executor", WordFor(kExecutors, defaults.executor), WordsOf(kExecutors),
                "Where trials run: on this machine, or as jobs of a Slurm cluster "
                "([resources.slurm])."),
           Own("devices", "\"auto\", or a list of \"cpu\" and \"cuda:N\"", "\"auto\"",
               "Where trials run; auto: all GPUs, else the CPU."),
           Takes(Default(Integer("slots_per_device", defaults.slots_per_device, 1, 1024,
                                 "The most workers on one device; auto: as many as fit."),
                         "\"auto\""),
                 "\"auto\", or an integer, 1..1024"),
           Integer("threads_per_worker", defaults.threads_per_worker, 1, 1024,
                   "Threads of each worker: a part of what makes a result repeatable."),
           Own("timeout", "a time from 1s on: \"90s\", \"30m\", \"6h\", \"2d\"", "none",
               "The longest that an attempt may take."),
           Own("heartbeat_timeout", "a time from 1s on", "\"60s\"",
               "A worker that says nothing for so long is taken for hung."),
           Own("stall_timeout", "a time from 1s on", "\"600s\"",
               "A worker whose training stands still for so long is taken for hung."),
           Integer("retries", defaults.retries, 0, 100, "How often a failed trial is tried again."),
           Integer("priority", defaults.priority, 1, 100,
                   "This study's share of a machine that several studies use, as a weight.")}};
}

RecipeSection SlurmSection() {
  const SlurmSettings defaults;
  const char word[] = "text without spaces";
  const char cluster[] = "the cluster's own";
  return {"resources.slurm",
          "[resources.slurm]",
          "The jobs of a study whose executor is \"slurm\". None of it makes another trial.",
          {Integer("jobs", defaults.jobs, 1, 10'000,
                   "The most jobs of the study at once, waiting ones included; each carries out "
                   "one trial at a time."),
           Own("partition", word, cluster, "Where the jobs go: sbatch --partition."),
           Own("account", word, cluster, "Who is charged: sbatch --account."),
           Own("qos", word, cluster, "The quality of service: sbatch --qos."),
           Own("constraint", word, "none", "Features that a node must have: sbatch --constraint."),
           Own("gres", "text as in \"gpu:1\", \"gpu:a100:1\"", "none: trials run on the CPU",
               "What a job needs beside processors: sbatch --gres. With gpu, shard or mps in it "
               "trials run on that GPU."),
           Default(Integer("cpus", defaults.cpus, 1, 1024, "The processors of a job."),
                   "threads_per_worker"),
           Own("memory", "a size: \"16GiB\"", "the trials' forecast, with room",
               "The memory of a job: sbatch --mem, rounded up to whole MiB."),
           Own("time", "a time from 60s on: \"30m\", \"12h\"", "the trials' forecast, with room",
               "The time limit of a job, rounded up to whole minutes. A trial that meets it goes "
               "on from its checkpoint in the next job."),
           Own("arguments", "a list of texts: [\"--reservation=lab\", \"--exclusive\"]", "none",
               "Further arguments of sbatch, each with its value in one text."),
           Own("prologue", "text: lines of sh", "none",
               "What runs on the node before the worker, as in \"module load cuda\"; where it "
               "fails, the job ends."),
           Own("idle", "a time from 1s on", "\"60s\"",
               "A job that gets no trial for so long ends. Short trials share a job, so that each "
               "does not wait in the queue.")}};
}

RecipeSection EnsembleSection() {
  const EnsembleQuestion defaults;
  return {"ensemble",
          "[ensemble]",
          "The ensemble that is made at the study's end; without the section, none is.",
          {Own("size_limit", "a size: \"1GiB\" (1024), \"500MB\" or \"1G\" (1000), 1e9", "\"1GiB\"",
               "The most bytes of all members together."),
           Integer("members", defaults.members, 1, kMostEnsembleMembers, "The most members."),
           Integer("beam_width", defaults.beam_width, 1, 100'000,
                   "The sets that the search keeps at each size."),
           Text("combine", WordFor(kScoreDomains, defaults.combine), WordsOf(kScoreDomains),
                "What of the members' scores is averaged."),
           Text("weights", WordFor(kWeightings, defaults.weights), WordsOf(kWeightings),
                "The members' weights; auto: the best of the others on the selection videos.")}};
}

RecipeSection TableSection() {
  return {
      "table",
      "[[table]]",
      "A table that is printed at the study's end.",
      {Takes(Default(Text("vary", "", {},
                          "What the rows differ in; with rows = \"leave-one-out\" or "
                          "\"swap-one\": in this alone."),
                     "none: whole models"),
             "a criterion, or options, extras or training settings, as in \"temporal.hidden\", "
             "\"extras.dropout\", \"extras.dropout.rate\", \"train.batch+learning_rate\""),
       Takes(Default(Text("by", "", {}, "What the columns differ in, beside the rows."), "none"),
             "the same"),
       Text("rows", WordFor(kTableRows, TableRows::kVariants), WordsOf(kTableRows),
            "What a row is: a variant with all else held fixed, or averaged over all else; the "
            "baseline with one part taken back to its default, or with another in its place; a "
            "criterion with the methods that were tried."),
       Takes(Default(Text("fix", "", {}, "Only models that meet these conditions."), "none"),
             "conditions, as in \"temporal=blstm; classifier.experts=2\""),
       Takes(Default(Text("baseline", "", {}, "The row that the others are compared with."),
                     "the first; of whole models the best"),
             "its label, or conditions as in \"temporal=mean\""),
       Default(Text("title", "", {}, "The heading."), "what is varied"),
       Takes(Default(Text("reference", "", {}, "A paper's table, whose numbers stand beside ours."),
                     "none"),
             "PAPER/TABLE, as in \"kim18/2\""),
       Text("layout", WordFor(kTableLayouts, TableLayout::kOurs), WordsOf(kTableLayouts),
            "Whose rows and columns: ours, or the paper's in its order and words (needs a "
            "reference).")}};
}

bool StandsForAny(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// Returns the path without the numbers of lists' elements: "search.stage" of "search.stage[2]".
std::string WithoutNumbers(std::string_view path) {
  return std::string(path.substr(0, path.find('[')));
}

const RecipeKey* Find(std::string_view section_path, std::string_view name) {
  for (const RecipeSection& section : RecipeSections()) {
    if (section.name != WithoutNumbers(section_path)) continue;
    for (const RecipeKey& key : section.keys) {
      if (key.setting.name == name || StandsForAny(key.setting.name)) return &key;
    }
  }
  return nullptr;
}

bool IsSection(std::string_view section_path, std::string_view name) {
  const std::string path = (section_path.empty() ? "" : std::string(section_path) + ".");
  return std::ranges::any_of(RecipeSections(), [&](const RecipeSection& section) {
    // grid is one by those in it, grid.temporal by grid.CRITERION.
    return section.name == path + std::string(name) ||
           section.name.starts_with(path + std::string(name) + ".") ||
           (section.name.starts_with(path) && !path.empty() &&
            StandsForAny(section.name.substr(path.size())));
  });
}

[[noreturn]] void RefuseUnknown(std::string_view section_path, std::string_view name) {
  throw std::logic_error("the key '" + std::string(name) + "' of the recipe's section '" +
                         std::string(section_path) + "' is not in search/recipe/recipe_keys.cpp");
}

}  // namespace

const std::vector<RecipeSection>& RecipeSections() {
  static const std::vector<RecipeSection> sections = {
      RootSection(),          StudySection(),      SeedsSection(),     DataSection(),
      FeaturesSection(),      FrameTypesSection(), NormaliseSection(), TrainSection(),
      GridCriterionSection(), GridExtrasSection(), GridTrainSection(), ExcludeSection(),
      SearchSection(),        BaselineSection(),   StageSection(),     ResourcesSection(),
      SlurmSection(),         EnsembleSection(),   TableSection()};
  return sections;
}

const RecipeKey& RecipeKeyOf(std::string_view section_path, std::string_view name) {
  const RecipeKey* key = Find(section_path, name);
  if (key == nullptr) RefuseUnknown(section_path, name);
  return *key;
}

void RequireRecipeKey(std::string_view section_path, std::string_view name) {
  if (Find(section_path, name) != nullptr || IsSection(section_path, name)) return;
  RefuseUnknown(section_path, name);
}

}  // namespace beamgrid
