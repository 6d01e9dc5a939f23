// What has changed in a recipe is told in words, whichever key it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "search/recipe.h"
#include "search/recipe_changes.h"
#include "search/recipe_keys.h"
#include "search/strategy.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace changes_test {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// One key before and after, in a recipe that is otherwise the same, and what is said of it.
struct KeyChange {
  std::string then, now;
  std::vector<std::string> words;
  ChangeEffect effect;
};

constexpr char kData[] =
    "[data]\nformat = \"segment\"\ntrain = \"t*\"\nvalidate = \"v*\"\nclasses = 10\n";

std::vector<RecipeChange> Changes(const std::string& then, const std::string& now) {
  const Catalogue catalogue = CatalogueWithFrom();
  return RecipeChanges(ParseRecipe(then, "then.toml", catalogue),
                       ParseRecipe(now, "now.toml", catalogue), catalogue);
}

std::vector<std::string> TextsOf(const std::vector<RecipeChange>& changes) {
  std::vector<std::string> texts;
  for (const RecipeChange& change : changes) texts.push_back(change.text);
  return texts;
}

/// The words for changes of what stands behind the head of a recipe.
std::vector<std::string> Words(const std::string& then, const std::string& now) {
  return TextsOf(Changes(RecipeHead() + then, RecipeHead() + now));
}

std::string WithData(const std::string& from, const std::string& to) {
  std::string data = kData;
  if (!from.empty()) data.replace(data.find(from), from.size(), to);
  return data;
}

/// A whole recipe: its root, [study], [data] and the rest.
std::string Whole(const std::string& root, const std::string& study, const std::string& data,
                  const std::string& rest) {
  return "beamgrid = 1\n" + root + "[study]\nname = \"s\"\n" + study + data + rest;
}
std::string Root(const std::string& lines) { return Whole(lines, "", kData, ""); }
std::string Study(const std::string& lines) { return Whole("", lines, kData, ""); }
std::string Data(const std::string& from, const std::string& to) {
  return Whole("", "", WithData(from, to), "");
}
std::string MoreData(const std::string& lines) { return Whole("", "", kData + lines, ""); }
std::string Rest(const std::string& lines) { return Whole("", "", kData, lines); }
std::string Greedy(const std::string& lines) {
  return Rest("[search]\nstrategy = \"greedy\"\n" + lines);
}

const std::map<std::string, KeyChange>& KeyChanges() {
  using enum ChangeEffect;
  static const std::map<std::string, KeyChange> changes = {
      {"plugins",
       {Root("plugins = \"a.so\"\n"),
        Root("plugins = \"b/a.so\"\n"),
        {"plugins: a.so is gone", "plugins: b/a.so is new"},
        kSearch}},
      {"study.description",
       {Study(""),
        Study("description = \"two\\nlines\"\n"),
        {"study.description: none -> two\\nlines"},
        kConduct}},
      {"study.objective",
       {Study(""), Study("objective = \"map\"\n"), {"study.objective: gap -> map"}, kEveryTrial}},
      {"study.seeds",
       {Study("seeds = [1, 2]\n"), Study("seeds = [3, 2, 1]\n"), {"seeds: 3 is new"}, kAdds}},
      {"study.seeds.min",
       {Study("seeds = { min = 1, max = 3 }\n"),
        Study("seeds = { min = 2, max = 3 }\n"),
        {"study.seeds.min: 1 -> 2"},
        kAdds}},
      {"study.seeds.max",
       {Study("seeds = { max = 3 }\n"),
        Study("seeds = { max = 5 }\n"),
        {"seeds: 4 is new", "seeds: 5 is new"},
        kAdds}},
      {"data.format",
       {Data("", ""), Data("segment", "frame"), {"data.format: segment -> frame"}, kEveryTrial}},
      {"data.train",
       {Data("", ""),
        Data("\"t*\"", "[\"t*\", \"a*\"]"),
        {"data.train: t* -> a*, t*"},
        kEveryTrial}},
      {"data.validate",
       {Data("", ""), Data("\"v*\"", "\"w*\""), {"data.validate: v* -> w*"}, kEveryTrial}},
      {"data.holdout",
       {MoreData(""), MoreData("holdout = 0.25\n"), {"data.holdout: 0.5 -> 0.25"}, kConduct}},
      {"data.classes",
       {Data("", ""),
        Data("classes = 10", "classes = 11"),
        {"data.classes: 10 -> 11"},
        kEveryTrial}},
      {"data.features.NAME",
       {MoreData("features = { rgb = 8 }\n"),
        MoreData("features = { rgb = 8, audio = 4 }\n"),
        {"data.features: rgb = 8 -> rgb = 8, audio = 4"},
        kEveryTrial}},
      {"data.frame_types.NAME",
       {MoreData("frame_types = { audio = \"uint8\" }\n"),
        MoreData("frame_types = { rgb = \"float16\" }\n"),
        {"data.frame_types: rgb = uint8, audio = uint8 -> rgb = float16, audio = uint8"},
        kEveryTrial}},
      {"data.frame_types",
       {MoreData(""),
        MoreData("frame_types = { rgb = \"float32\", audio = \"float16\" }\n"),
        {"data.frame_types: rgb = uint8, audio = uint8 -> rgb = float32, audio = float16"},
        kEveryTrial}},
      {"data.normalise",
       {MoreData(""),
        MoreData("normalise = \"l2\"\n"),
        {"data.normalise: l2_joint -> audio = l2, rgb = l2"},
        kEveryTrial}},
      {"data.normalise.NAME",
       {MoreData("normalise = \"none\"\n"),
        MoreData("normalise = { rgb = \"standardise\", audio = \"none\" }\n"),
        {"data.normalise: audio = none, rgb = none -> audio = none, rgb = standardise"},
        kEveryTrial}},
      {"data.labels",
       {Data("\"segment\"", "\"frame\""),
        Data("\"segment\"", "\"frame\"\nlabels = \"multi_class\""),
        {"data.labels: multi_label -> multi_class"},
        kEveryTrial}},
      {"data.video_weight",
       {Data("\"segment\"", "\"frame\""),
        Data("\"segment\"", "\"frame\"\nvideo_weight = \"w\""),
        {"data.video_weight: none -> w"},
        kEveryTrial}},
      {"data.frame_alignment",
       {MoreData(""),
        MoreData("frame_alignment = \"nearest\"\n"),
        {"data.frame_alignment: cut -> nearest"},
        kEveryTrial}},
      {"data.group",
       {MoreData(""),
        MoreData("group = \"subject\"\n"),
        {"data.group: none -> subject"},
        kConduct}},
      {"data.max_frames",
       {MoreData(""), MoreData("max_frames = 30\n"), {"data.max_frames: 300 -> 30"}, kEveryTrial}},
      {"data.on_error",
       {MoreData(""),
        MoreData("on_error = \"skip\"\n"),
        {"data.on_error: stop -> skip"},
        kEveryTrial}},
      {"data.unrated",
       {MoreData(""),
        MoreData("unrated = \"negative\"\n"),
        {"data.unrated: ignore -> negative"},
        kEveryTrial}},
      {"data.class_weight",
       {MoreData("weighted_classes = [1]\nclass_weight = 2\n"),
        MoreData("weighted_classes = [1]\nclass_weight = 2.5\n"),
        {"data.class_weight: 2 -> 2.5"},
        kEveryTrial}},
      {"data.weighted_classes",
       {MoreData("weighted_classes = [2, 1]\nclass_weight = 2\n"),
        MoreData("weighted_classes = \"list.csv\"\nclass_weight = 2\n"),
        {"data.weighted_classes: 1, 2 -> list.csv"},
        kEveryTrial}},
      {"train.OPTION",
       {Rest(""),
        Rest("[train]\nlearning_rate = 0.0005\n"),
        {"train.learning_rate: 0.001 -> 0.0005"},
        kEveryTrial}},
      {"grid.CRITERION.use",
       {Rest("[[grid.temporal]]\nuse = \"lstm\"\n"),
        Rest("[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"gru\"\n"),
        {"temporal: gru is new"},
        kAdds}},
      {"grid.CRITERION.zip",
       {Rest("[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2]\nlayers = [1, 2]\n"),
        Rest("[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2]\nlayers = [1, 2]\n"
             "zip = [\"hidden\", \"layers\"]\n"),
        {"temporal: gru with hidden = 1, layers = 2 is gone",
         "temporal: gru with hidden = 2, layers = 1 is gone"},
        kTakesAway}},
      {"grid.CRITERION.OPTION",
       {Rest("[[grid.temporal]]\nuse = \"netvlad\"\n"),
        Rest("[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, 128]\n"),
        {"temporal: netvlad with clusters = 128 is new"},
        kAdds}},
      {"grid.extras.EXTRA",
       {Rest(""),
        Rest("[grid.extras]\ndropout = [false, 0.2]\n"),
        {"extras.dropout: on with rate = 0.2 is new"},
        kAdds}},
      {"grid.train.OPTION",
       {Rest("[train]\nepochs = 3\n"),
        Rest("[train]\nepochs = 3\n[grid.train]\nepochs = [3, 4]\n"),
        {"grid.train.epochs: 4 is new"},
        kAdds}},
      {"exclude.CRITERION",
       {Rest(""),
        Rest("[[exclude]]\ntemporal = { use = \"gru\", layers = 2 }\n"),
        {"exclude: temporal = gru with temporal.layers = 2 is new"},
        kTakesAway}},
      {"exclude.extras.EXTRA",
       {Rest("[[exclude]]\nextras.dropout = true\n"),
        Rest(""),
        {"exclude: extras.dropout = true is gone"},
        kAdds}},
      {"exclude.train.OPTION",
       {Rest(""),
        Rest("[[exclude]]\ntrain.batch = 1\n"),
        {"exclude: train.batch = 1 is new"},
        kTakesAway}},
      {"search.strategy", {Rest(""), Greedy(""), {"search.strategy: grid -> greedy"}, kSearch}},
      {"search.order",
       {Greedy("order = [\"temporal\", \"loss\"]\n"),
        Greedy("order = [\"loss\", \"temporal\"]\n"),
        {"search.order: temporal, loss -> loss, temporal"},
        kSearch}},
      {"search.passes",
       {Greedy("passes = 1\n"), Greedy("passes = 2\n"), {"search.passes: 1 -> 2"}, kSearch}},
      {"search.baseline.CRITERION",
       {Greedy(""),
        Greedy("[search.baseline]\nclassifier = { use = \"moe\", experts = 4 }\n"),
        {"search.baseline.classifier: none -> moe with experts = 4"},
        kSearch}},
      {"search.baseline.extras",
       {Greedy("[search.baseline]\nextras = { dropout = 0.2 }\n"),
        Greedy("[search.baseline]\nextras = {}\n"),
        {"search.baseline.extras: dropout with rate = 0.2 -> no extras"},
        kSearch}},
      {"search.baseline.train",
       {Greedy("[search.baseline]\ntrain = { batch = 1 }\n"),
        Greedy("[search.baseline]\ntrain = { batch = 2 }\n"),
        {"search.baseline.train: batch = 1 -> batch = 2"},
        kSearch}},
      {"search.stage.vary",
       {Greedy("[[search.stage]]\nvary = \"temporal\"\n"),
        Greedy("[[search.stage]]\nvary = \"loss\"\n"),
        {"search.stage[0]: vary temporal -> vary loss"},
        kSearch}},
      {"search.stage.fix",
       {Greedy("[[search.stage]]\nvary = \"temporal\"\n"),
        Greedy("[[search.stage]]\nvary = \"temporal\"\nfix = { loss = { use = \"huber\" } }\n"),
        {"search.stage[0]: vary temporal -> vary temporal, fix loss at huber"},
        kSearch}},
      {"resources.devices",
       {Rest(""),
        Rest("[resources]\ndevices = [\"cpu\"]\n"),
        {"resources.devices: auto -> cpu"},
        kConduct}},
      {"resources.slots_per_device",
       {Rest(""),
        Rest("[resources]\nslots_per_device = 2\n"),
        {"resources.slots_per_device: auto -> 2"},
        kConduct}},
      {"resources.threads_per_worker",
       {Rest(""),
        Rest("[resources]\nthreads_per_worker = 2\n"),
        {"resources.threads_per_worker: 1 -> 2"},
        kConduct}},
      {"resources.timeout",
       {Rest(""),
        Rest("[resources]\ntimeout = \"90s\"\n"),
        {"resources.timeout: none -> 90 s"},
        kConduct}},
      {"resources.heartbeat_timeout",
       {Rest(""),
        Rest("[resources]\nheartbeat_timeout = \"90s\"\n"),
        {"resources.heartbeat_timeout: 60 s -> 90 s"},
        kConduct}},
      {"resources.stall_timeout",
       {Rest(""),
        Rest("[resources]\nstall_timeout = \"90s\"\n"),
        {"resources.stall_timeout: 600 s -> 90 s"},
        kConduct}},
      {"resources.retries",
       {Rest(""), Rest("[resources]\nretries = 2\n"), {"resources.retries: 1 -> 2"}, kConduct}},
      {"resources.priority",
       {Rest(""), Rest("[resources]\npriority = 2\n"), {"resources.priority: 1 -> 2"}, kConduct}},
      {"resources.executor",
       {Rest(""),
        Rest("[resources]\nexecutor = \"slurm\"\n"),
        {"resources.executor: local -> slurm"},
        kConduct}},
      {"resources.slurm.jobs",
       {Rest(""),
        Rest("[resources.slurm]\njobs = 2\n"),
        {"resources.slurm.jobs: 8 -> 2"},
        kConduct}},
      {"resources.slurm.partition",
       {Rest(""),
        Rest("[resources.slurm]\npartition = \"gpu\"\n"),
        {"resources.slurm.partition: none -> gpu"},
        kConduct}},
      {"resources.slurm.account",
       {Rest(""),
        Rest("[resources.slurm]\naccount = \"lab\"\n"),
        {"resources.slurm.account: none -> lab"},
        kConduct}},
      {"resources.slurm.qos",
       {Rest(""),
        Rest("[resources.slurm]\nqos = \"high\"\n"),
        {"resources.slurm.qos: none -> high"},
        kConduct}},
      {"resources.slurm.constraint",
       {Rest(""),
        Rest("[resources.slurm]\nconstraint = \"a100\"\n"),
        {"resources.slurm.constraint: none -> a100"},
        kConduct}},
      {"resources.slurm.gres",
       {Rest(""),
        Rest("[resources.slurm]\ngres = \"gpu:1\"\n"),
        {"resources.slurm.gres: none -> gpu:1"},
        kConduct}},
      {"resources.slurm.cpus",
       {Rest(""),
        Rest("[resources.slurm]\ncpus = 4\n"),
        {"resources.slurm.cpus: none -> 4"},
        kConduct}},
      {"resources.slurm.memory",
       {Rest(""),
        Rest("[resources.slurm]\nmemory = \"1GiB\"\n"),
        {"resources.slurm.memory: none -> 1073741824 bytes"},
        kConduct}},
      {"resources.slurm.time",
       {Rest(""),
        Rest("[resources.slurm]\ntime = \"1h\"\n"),
        {"resources.slurm.time: none -> 3600 s"},
        kConduct}},
      {"resources.slurm.arguments",
       {Rest(""),
        Rest("[resources.slurm]\narguments = [\"--exclusive\", \"--nice=1\"]\n"),
        {"resources.slurm.arguments: none -> --exclusive, --nice=1"},
        kConduct}},
      {"resources.slurm.prologue",
       {Rest(""),
        Rest("[resources.slurm]\nprologue = \"module load cuda\"\n"),
        {"resources.slurm.prologue: none -> module load cuda"},
        kConduct}},
      {"resources.slurm.idle",
       {Rest(""),
        Rest("[resources.slurm]\nidle = \"2m\"\n"),
        {"resources.slurm.idle: 60 s -> 120 s"},
        kConduct}},
      {"ensemble.size_limit",
       {Rest("[ensemble]\n"),
        Rest("[ensemble]\nsize_limit = \"1GB\"\n"),
        {"ensemble.size_limit: 1073741824 bytes -> 1000000000 bytes"},
        kConduct}},
      {"ensemble.members",
       {Rest(""),
        Rest("[ensemble]\nmembers = 3\n"),
        {"ensemble: is asked for now", "ensemble.members: 6 -> 3"},
        kConduct}},
      {"ensemble.beam_width",
       {Rest("[ensemble]\n"),
        Rest("[ensemble]\nbeam_width = 3\n"),
        {"ensemble.beam_width: 8 -> 3"},
        kConduct}},
      {"ensemble.combine",
       {Rest("[ensemble]\n"),
        Rest("[ensemble]\ncombine = \"votes\"\n"),
        {"ensemble.combine: logits -> votes"},
        kConduct}},
      {"ensemble.weights",
       {Rest("[ensemble]\n"),
        Rest("[ensemble]\nweights = \"gap\"\n"),
        {"ensemble.weights: auto -> gap"},
        kConduct}},
      {"table.vary",
       {Rest("[[table]]\nvary = \"temporal\"\n"),
        Rest("[[table]]\nvary = \"loss\"\n"),
        {"table: 'temporal' (vary = temporal) is gone", "table: 'loss' (vary = loss) is new"},
        kConduct}},
      {"table.title",
       {Rest(""),
        Rest("[[table]]\nvary = \"temporal\"\ntitle = \"T\"\n"),
        {"table: 'T' (vary = temporal) is new"},
        kConduct}},
      {"table.reference",
       {Rest(""),
        Rest("[[table]]\nvary = \"temporal\"\nreference = \"kim18/2\"\n"),
        {"table: 'temporal' (vary = temporal, reference = kim18/2) is new"},
        kConduct}},
      {"table.by",
       {Rest(""),
        Rest("[[table]]\nvary = \"temporal\"\nby = \"classifier\"\n"),
        {"table: 'temporal' (vary = temporal, by = classifier) is new"},
        kConduct}},
      {"table.rows",
       {Rest(""),
        Rest("[[table]]\nvary = \"temporal\"\nrows = \"average\"\n"),
        {"table: 'temporal' (vary = temporal, rows = average) is new"},
        kConduct}},
      {"table.fix",
       {Rest(""),
        Rest("[[table]]\nvary = \"temporal\"\nfix = \"classifier = logistic\"\n"),
        {"table: 'temporal' (vary = temporal, fix = classifier = logistic) is new"},
        kConduct}},
      {"table.baseline",
       {Rest(""),
        Rest("[[table]]\nvary = \"temporal\"\nbaseline = \"temporal = mean\"\n"),
        {"table: 'temporal' (vary = temporal, baseline = temporal = mean) is new"},
        kConduct}},
      {"table.layout",
       {Rest(""),
        Rest("[[table]]\nvary = \"temporal\"\nreference = \"kim18/2\"\nlayout = \"paper\"\n"),
        {"table: 'temporal' (vary = temporal, reference = kim18/2, layout = paper) is new"},
        kConduct}},
  };
  return changes;
}

TEST(RecipeChanges, EveryKeyIsToldInWords) {
  for (const auto& [path, change] : KeyChanges()) {
    const std::vector<RecipeChange> changes = Changes(change.then, change.now);
    EXPECT_EQ(TextsOf(changes), change.words) << path;
    for (const RecipeChange& one : changes) EXPECT_EQ(one.effect, change.effect) << path;
    EXPECT_EQ(Changes(change.now, change.then).size(), change.words.size()) << path << " back";
    EXPECT_THAT(Changes(change.now, change.now), IsEmpty()) << path;
  }
}

/// A value of the option that is not its default, as TOML.
std::string AnotherValue(const OptionInfo& option) {
  for (const OptionValue& choice : option.choices) {
    if (choice != option.default_value) return CanonicalJson(choice);
  }
  if (option.type == OptionType::kBool) return option.default_value.as_bool() ? "false" : "true";
  // Next to the default, where an option is least at odds with others.
  double other = option.default_value.to_number<double>() + 2;
  if (option.maximum && other > *option.maximum) other = *option.minimum;
  if (option.type == OptionType::kInteger) {
    return std::to_string(static_cast<std::int64_t>(other));
  }
  return CanonicalJson(other);
}

TEST(RecipeChanges, NoKeyOfTheReferenceIsForgotten) {
  std::set<std::string> of_strategies;
  for (const StrategyInfo& strategy : Strategies()) {
    const std::string head =
        "[train]\nepochs = 1000\n[search]\nstrategy = \"" + strategy.name + "\"\n";
    for (const OptionInfo& option : strategy.options) {
      of_strategies.insert("search." + option.name);
      EXPECT_THAT(Words(head, head + option.name + " = " + AnotherValue(option) + "\n"),
                  Contains(StartsWith("search." + option.name + ": ")));
    }
  }
  for (const RecipeSection& section : RecipeSections()) {
    for (const RecipeKey& key : section.keys) {
      const std::string path = (section.name.empty() ? "" : section.name + ".") + key.setting.name;
      // The format's version is one; the name says which study it is; features have a section.
      if (path == "beamgrid" || path == "study.name" || path == "data.features") continue;
      if (of_strategies.contains(path)) continue;
      EXPECT_TRUE(KeyChanges().contains(path)) << path << " needs a line in KeyChanges";
    }
  }
}

TEST(RecipeChanges, WhatSaysTheSameIsNoChange) {
  const std::string then =
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [8, 16]\n[[grid.temporal]]\nuse = \"lstm\"\n"
      "[grid.extras]\nlayer_norm = [false, true]\n[train]\nepochs = 3\n";
  const std::string now =
      "# a comment\n[train]\nepochs   =   3\nbatch = 128\n"
      "[grid.extras]\nlayer_norm = [true, false]\ndropout = false\n"
      "[[grid.temporal]]\nuse = \"lstm\"\n"
      "[[grid.temporal]]\nhidden = 16\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"gru\"\nhidden = "
      "8\n"
      "[search]\nstrategy = \"grid\"\n";
  EXPECT_THAT(Words(then, now), IsEmpty());
  EXPECT_THAT(Changes(Study("seeds = [1, 2]\n"), Study("seeds = [2, 1]\n")), IsEmpty());
  EXPECT_THAT(Changes(Data("\"t*\"", "[\"a\", \"b\"]"), Data("\"t*\"", "[\"b\", \"a\"]")),
              IsEmpty());
  std::string renamed = RecipeHead() + then;
  renamed.replace(renamed.find("\"test\""), 6, "\"other\"");
  EXPECT_THAT(TextsOf(Changes(RecipeHead() + then, renamed)), IsEmpty());
}

TEST(RecipeChanges, SeedsThatAreRacedForAreToldBesideAList) {
  const std::string race = Study("seeds = { min = 1, max = 3 }\n");
  EXPECT_EQ(Changes(Study("seeds = [1, 2]\n"), race),
            (std::vector<RecipeChange>{
                {"seeds: 3 is new", ChangeEffect::kAdds},
                {"seeds: each model begins with 1 seed now, and only those that may be the best "
                 "get more",
                 ChangeEffect::kSearch}}));
  EXPECT_EQ(Changes(race, Study("seeds = [1, 2, 3]\n")),
            (std::vector<RecipeChange>{
                {"seeds: each model has all of them now; it began with 1 seed, and only those "
                 "that might be the best got more",
                 ChangeEffect::kAdds}}));
}

TEST(RecipeChanges, AVariantThatTakesAnothersPlaceIsGoneAndNew) {
  EXPECT_THAT(Words("[[grid.temporal]]\nuse = \"gru\"\n", "[[grid.temporal]]\nuse = \"lstm\"\n"),
              ElementsAre("temporal: gru is gone", "temporal: lstm is new"));
  // At its default, and told, for the other one is of the same component.
  EXPECT_THAT(Words("[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, 128]\n",
                    "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = 128\n"),
              ElementsAre("temporal: netvlad with clusters = 64 is gone"));
  EXPECT_THAT(
      Words("[grid.extras]\ndropout = true\n", "[grid.extras]\ndropout = 0.2\n"),
      ElementsAre("extras.dropout: on is gone", "extras.dropout: on with rate = 0.2 is new"));
  EXPECT_THAT(Words("", "[grid.extras]\nlayer_norm = true\n"),
              ElementsAre("extras.layer_norm: off is gone", "extras.layer_norm: on is new"));
}

TEST(RecipeChanges, ManyOfOneKindAreCounted) {
  EXPECT_THAT(
      Words("[[grid.temporal]]\nuse = \"gru\"\n",
            "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2, 3, 4, 5, 6, 1024]\n"),
      ElementsAre("temporal: 6 are new: gru with hidden = 1, gru with hidden = 2, gru with hidden "
                  "= 3 and 3 more"));
  const std::string options = "hidden = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]\n";
  const std::string many = "[[grid.temporal]]\nuse = \"netvlad\"\n" + options +
                           "frame_projection = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]\n"
                           "clusters = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ";
  EXPECT_THAT(Words(many + "12]\n", many + "12, 13]\n"),
              ElementsAre("temporal: 2496 variants -> 2704"));
  EXPECT_THAT(Words(many + "12]\n", many + "13]\n"),
              ElementsAre("temporal: others among its 2496 variants"));
}

TEST(RecipeChanges, TrainingSettingsThatVaryAreComparedByWhatIsTried) {
  const std::string train = "[train]\nepochs = 3\n";
  EXPECT_THAT(Words(train + "[grid.train]\nepochs = [3, 4]\n", "[train]\nepochs = 4\n"),
              ElementsAre("grid.train.epochs: 3 is gone"));
  EXPECT_THAT(Words(train + "[grid.train]\nepochs = [3, 4]\n",
                    "[train]\nepochs = 9\n[grid.train]\nepochs = [4, 3]\n"),
              ElementsAre("train.epochs: 3 -> 9 (of no effect: [grid.train] says what is tried)"));
  EXPECT_THAT(
      Words("[grid.train]\nepochs = [3, 4]\ndecay = [0.5, 0.9]\nzip = [\"epochs\", \"decay\"]\n",
            "[grid.train]\nepochs = [3, 4]\ndecay = [0.5, 0.8]\nzip = [\"epochs\", \"decay\"]\n"),
      ElementsAre("grid.train.decay with epochs: decay = 0.9 with epochs = 4 is gone",
                  "grid.train.decay with epochs: decay = 0.8 with epochs = 4 is new"));
  EXPECT_THAT(
      Words("[grid.train]\nepochs = [3, 4]\ndecay = [0.5, 0.9]\n",
            "[grid.train]\nepochs = [3, 4]\ndecay = [0.5, 0.9]\nzip = [\"epochs\", \"decay\"]\n"),
      Contains(HasSubstr("vary together now")));
}

TEST(RecipeChanges, AWarmStartIsASetting) {
  EXPECT_THAT(Words("", "[train]\nfrom = \"a/MC-BLSTM\"\n"),
              ElementsAre("train.from: \"\" -> a/MC-BLSTM"));
  EXPECT_THAT(Words("[train]\nfrom = \"a/*\"\n",
                    "[train]\nfrom = \"a/*\"\n[grid.train]\n"
                    "from = [\"a/*\", \"\"]\n"),
              ElementsAre("grid.train.from: \"\" is new"));
}

TEST(RecipeChanges, ASearchThatIsNotToldWhereToStartStartsFromTheFirst) {
  const std::string lstm = "[[grid.temporal]]\nuse = \"lstm\"\n";
  const std::string gru = "[[grid.temporal]]\nuse = \"gru\"\n";
  const std::string greedy = "[search]\nstrategy = \"greedy\"\n";
  EXPECT_THAT(Words(lstm + gru + greedy, gru + lstm + greedy),
              ElementsAre("the search starts from temporal: lstm -> gru"));
  EXPECT_THAT(Words(lstm + gru, gru + lstm), IsEmpty());
  const std::string told = greedy + "[search.baseline]\ntemporal = { use = \"gru\" }\n";
  EXPECT_THAT(Words(lstm + gru + told, gru + lstm + told), IsEmpty());
}

/// Which models such a search draws depends on the places of the candidates.
TEST(RecipeChanges, AnotherOrderIsAChangeWhereTheSearchDraws) {
  const auto recipe = [](const std::string& temporal, const std::string& rest,
                         const std::string& search) {
    return "[[grid.temporal]]\nuse = \"lstm\"\n" + temporal + rest + "[search]\n" + search;
  };
  const std::string gru = "[[grid.temporal]]\nuse = \"gru\"\nhidden = ";
  const std::string apart = gru + "8\n" + gru + "16\n";
  const std::string extras = "[grid.extras]\ndropout = [0.2, 0.4]\n";
  const std::string other_extras = "[grid.extras]\ndropout = [0.4, 0.2]\n";
  const std::string train = "[grid.train]\nbatch = [3, 4]\n";
  const std::string other_train = "[grid.train]\nbatch = [4, 3]\n";
  const std::string order = ": the candidates are in another order, by which the search draws";
  for (const std::string search : {"strategy = \"random\"\n", "strategy = \"model\"\nbudget = 9\n",
                                   "strategy = \"halving\"\ncandidates = 4\n"}) {
    EXPECT_EQ(Changes(RecipeHead() + recipe(gru + "[8, 16]\n", train, search),
                      RecipeHead() + recipe(gru + "[16, 8]\n", other_train, search)),
              (std::vector<RecipeChange>{{"temporal" + order, ChangeEffect::kSearch},
                                         {"grid.train.batch" + order, ChangeEffect::kSearch}}))
        << search;
    EXPECT_THAT(Words(recipe("", extras, search), recipe("", other_extras, search)),
                Contains("extras.dropout" + order))
        << search;
    // The same order in other words, and what is told as new.
    EXPECT_THAT(Words(recipe(gru + "[8, 16]\n", train, search), recipe(apart, train, search)),
                IsEmpty())
        << search;
    EXPECT_THAT(
        Words(recipe(gru + "[8, 16]\n", "", search), recipe(gru + "[16, 8, 4]\n", "", search)),
        ElementsAre("temporal: gru with hidden = 4 is new"))
        << search;
  }
  for (const std::string search : {"strategy = \"grid\"\n", "strategy = \"greedy\"\n",
                                   "strategy = \"beam\"\n", "strategy = \"halving\"\n"}) {
    EXPECT_THAT(Words(recipe(gru + "[8, 16]\n", train, search),
                      recipe(gru + "[16, 8]\n", other_train, search)),
                IsEmpty())
        << search;
  }
}

TEST(RecipeChanges, ALongValueIsCut) {
  const std::string longer(300, 'x');
  const std::vector<std::string> words = TextsOf(Changes(
      Study("description = \"" + longer + "a\"\n"), Study("description = \"" + longer + "b\"\n")));
  ASSERT_EQ(words.size(), 1U);
  EXPECT_THAT(words[0], AllOf(StartsWith("study.description: has changed behind xxx"),
                              testing::SizeIs(testing::Lt(200U))));
}

/// The digest says that something is asked for that was not; then there are words for it.
TEST(RecipeChanges, WhateverHasAnotherDigestIsTold) {
  const Catalogue catalogue = CatalogueWithFrom();
  for (const auto& [path, change] : KeyChanges()) {
    const bool other = RecipeDigest(ParseRecipe(change.then, "r", catalogue)) !=
                       RecipeDigest(ParseRecipe(change.now, "r", catalogue));
    // Conduct has no digest.
    EXPECT_EQ(other, change.effect != ChangeEffect::kConduct) << path;
  }
}

TEST(RecipeChanges, EffectsHaveWords) {
  EXPECT_STREQ(ToString(ChangeEffect::kAdds), "adds");
  EXPECT_STREQ(ToString(ChangeEffect::kTakesAway), "takes away");
  EXPECT_STREQ(ToString(ChangeEffect::kEveryTrial), "every trial");
  EXPECT_STREQ(ToString(ChangeEffect::kSearch), "search");
  EXPECT_STREQ(ToString(ChangeEffect::kConduct), "conduct");
}

TEST(TextChanges, TellKeysAndEntriesWithoutACatalogue) {
  const std::string then =
      "beamgrid = 1\n[study]\nname = \"a\"\nseeds = [1]\n[train]\nepochs = 3\nbatch = 2\n"
      "[[grid.temporal]]\nuse = \"gone\"\nclusters = [1, 2]\n[[grid.temporal]]\nuse = \"gru\"\n";
  const std::string now =
      "beamgrid = 1\n[study]\nname = \"b\"\nseeds = [1, 2]\n[train]\nepochs = 4\nrate = 0.5\n"
      "[[grid.temporal]]\nuse = \"gru\"\n";
  EXPECT_THAT(TextsOf(TextChanges(then, now)),
              ElementsAre("grid.temporal: { clusters = [ 1, 2 ], use = 'gone' } is gone",
                          "study.seeds: [ 1 ] -> [ 1, 2 ]", "train.batch: 2 -> none",
                          "train.epochs: 3 -> 4", "train.rate: none -> 0.5"));
  EXPECT_THAT(TextChanges(then, "# comment\n" + then), IsEmpty());
  EXPECT_THROW((void)TextChanges(then, "= 1"), RecipeError);
}

}  // namespace changes_test
}  // namespace beamgrid
