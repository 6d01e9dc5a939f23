// The reference of a recipe's keys says what the readers do.
#include "search/recipe_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "registry/util/json.h"
#include "search/recipe.h"
#include "search/strategy.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

/// A recipe of sections, so that a test can put one key anywhere: section -> its lines.
class Written {
 public:
  Written() {
    lines_[""] = "beamgrid = 1\n";
    lines_["study"] = "name = \"test\"\n";
    lines_["data"] = "format = \"segment\"\ntrain = \"t*\"\nvalidate = \"v*\"\nclasses = 10\n";
  }

  /// Writes `key = value` in the place of what stands there.
  Written& Set(const std::string& section, const std::string& key, const std::string& value) {
    Remove(section, key);
    lines_[section] += key + " = " + value + "\n";
    return *this;
  }
  Written& Remove(const std::string& section, const std::string& key) {
    std::string& lines = lines_[section];
    const std::size_t begin = lines.find(key + " = ");
    if (begin != std::string::npos) lines.erase(begin, lines.find('\n', begin) + 1 - begin);
    return *this;
  }
  Written& Add(const std::string& section) {
    lines_[section];
    return *this;
  }

  [[nodiscard]] std::string Text() const {
    std::string text = lines_.at("");
    for (const auto& [section, lines] : lines_) {
      if (!section.empty()) text += Heading(section) + "\n" + lines;
    }
    return text;
  }

 private:
  static std::string Heading(const std::string& section) {
    for (const RecipeSection& known : RecipeSections()) {
      if (known.name == section) return known.heading;
    }
    return "[[" + section + "]]";
  }

  std::map<std::string, std::string> lines_;
};

std::string Mistakes(const std::string& text) {
  try {
    (void)ParseRecipe(text, "r.toml", TestCatalogue());
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "";
}

/// What the recipe says, without its text and places.
std::string Said(const std::string& text) {
  const Recipe recipe = ParseRecipe(text, "r.toml", TestCatalogue());
  const ResourceSettings& resources = recipe.resources;
  const DataSettings& data = recipe.data;
  boost::json::object said{{"digest", RecipeDigest(recipe)},
                           {"description", recipe.description},
                           {"holdout", data.holdout},
                           {"on_error", data.on_error},
                           {"unrated", data.unrated},
                           {"devices", boost::json::value_from(resources.devices)},
                           {"slots", resources.slots_per_device},
                           {"threads", resources.threads_per_worker},
                           {"timeout", resources.timeout_seconds},
                           {"heartbeat", resources.heartbeat_timeout_seconds},
                           {"stall", resources.stall_timeout_seconds},
                           {"retries", resources.retries},
                           {"priority", resources.priority},
                           {"executor", WordFor(kExecutors, resources.executor)},
                           {"jobs", resources.slurm.jobs},
                           {"idle", resources.slurm.idle_seconds},
                           {"passes", recipe.search.passes}};
  if (recipe.ensemble) {
    said["ensemble"] = {recipe.ensemble->size_limit, recipe.ensemble->members,
                        recipe.ensemble->beam_width, static_cast<int>(recipe.ensemble->combine),
                        static_cast<int>(recipe.ensemble->weights)};
  }
  for (const TableSettings& table : recipe.tables) {
    said["table"] = {table.title, table.vary,     table.by,        static_cast<int>(table.rows),
                     table.fix,   table.baseline, table.reference, static_cast<int>(table.layout)};
  }
  return CanonicalJson(said);
}

/// Returns a strategy that takes the key of [search].
std::string StrategyWith(const std::string& key) {
  for (const StrategyInfo& strategy : Strategies()) {
    if (std::ranges::count(strategy.uses, key) > 0 ||
        std::ranges::find(strategy.options, key, &OptionInfo::name) != strategy.options.end()) {
      return strategy.name;
    }
  }
  return "grid";
}

/// The sections that a recipe may have anywhere, with the keys that they need.
Written WithSection(const std::string& section, const std::string& key = "") {
  Written written;
  if (section == "search") written.Set("search", "strategy", "\"" + StrategyWith(key) + "\"");
  if (section == "search.stage") written.Set("search", "strategy", "\"greedy\"");
  if (section == "study.seeds") return written.Set("study.seeds", "max", "900");
  if (section == "table") written.Set("table", "vary", "\"temporal\"");
  if (section == "search.stage") written.Set("search.stage", "vary", "\"temporal\"");
  return written.Add(section);
}

/// Values of a key: sound ones, and wrong ones with what the message says.
struct Samples {
  std::vector<std::string> sound;
  std::map<std::string, std::string> wrong;
};

/// Those of the keys whose table line cannot be tried by itself: they take more, or less, than a
/// type and a range.
const std::map<std::string, Samples> kSamples = {
    {"beamgrid", {{"1"}, {{"2", "must be 1"}, {"\"1\"", "must be 1"}}}},
    {"plugins", {{"\"a.so\"", "[\"a.so\", \"b.so\"]"}, {{"[]", "empty"}, {"1", "must be text"}}}},
    {"study.name", {{"\"a-B_1\""}, {{"\"a b\"", "1..100 letters"}, {"\"\"", "1..100 letters"}}}},
    {"study.seeds",
     {{"[0]", "[1, 2]", "{ max = 3 }", "{ min = 2, max = 3 }"},
      {{"[]", "one or more"}, {"[-1]", "from 0 on"}, {"1", "list"}, {"{}", "missing"}}}},
    {"study.objective", {{"\"gap\"", "\"segment_map\""}, {{"\"gpa\"", "did you mean 'gap'"}}}},
    {"data.train", {{"\"t*\"", "[\"a\", \"b\"]"}, {{"[]", "empty"}, {"1", "must be text"}}}},
    {"data.validate", {{"\"t*\"", "[\"a\", \"b\"]"}, {{"[]", "empty"}}}},
    {"data.holdout", {{"0", "0.25", "0.999"}, {{"1", "less than 1"}, {"-0.1", "0..1"}}}},
    {"data.format", {{"\"segment\""}, {{"\"videos\"", "did you mean 'video'"}}}},
    {"data.features",
     {{"{ rgb = 1 }"}, {{"{}", "empty"}, {"1", "table"}, {"{ rgb = 0 }", "1..65536"}}}},
    {"data.frame_types",
     {{"{ rgb = \"float32\", audio = \"uint8\" }", "{}"},
      {{"{ rbg = \"float32\" }", "did you mean 'rgb'"},
       {"{ rgb = \"float\" }", "one of uint8, float32, float16"},
       {"\"float32\"", "table"}}}},
    {"data.normalise",
     {{"\"l2_joint\"", "\"l2\"", "\"none\"", "{ rgb = \"l2\", audio = \"standardise\" }"},
      {{"\"l3\"", "must be one of l2_joint, none, l2, standardise"},
       {"1", "a table of features"},
       {"{ rgb = \"l2\" }", "data.normalise.audio: is missing"},
       {"{ rgb = \"l2_joint\", audio = \"l2\" }", "one of none, l2, standardise"},
       {"{ rgb = \"l2\", audio = \"l2\", text = \"l2\" }", "is no feature of data.features"}}}},
    {"data.labels",
     {{"\"multi_label\""},
      {{"\"multi_class\"", "rated class by class"}, {"\"one\"", "multi_label, multi_class"}}}},
    {"data.video_weight", {{}, {{"\"w\"", "is for whole videos"}, {"1", "must be text"}}}},
    {"data.frame_alignment",
     {{"\"cut\"", "\"nearest\""}, {{"\"neares\"", "did you mean 'nearest'"}}}},
    {"data.group", {{"\"subject\""}, {{"1", "must be text"}}}},
    {"data.class_weight", {{}, {{"5", "needs weighted_classes"}, {"-1", "0..1000000"}}}},
    {"data.weighted_classes",
     {{}, {{"[1]", "needs class_weight"}, {"[10]", "0..9"}, {"[]", "empty list"}}}},
    {"search.order", {{"[\"temporal\"]"}, {{"[\"tmp\"]", "unknown criterion"}, {"1", "list"}}}},
    {"search.eta", {{"2", "5"}, {{"1", "2..16"}, {"17", "2..16"}, {"6", "nothing to halve"}}}},
    {"search.min_epochs", {{"1", "2"}, {{"5", "nothing to halve"}, {"0", "1..1000000"}}}},
    {"search.candidates", {{"0", "2", "1000000"}, {{"1", "none to be compared"}, {"-1", "0.."}}}},
    {"study.seeds.min", {{"1", "899"}, {{"0", "1..1000"}, {"900", "more than min"}}}},
    {"study.seeds.max", {{"2", "1000"}, {{"1", "more than min"}, {"1001", "1..1000"}}}},
    {"search.stage.vary", {{"\"temporal\""}, {{"\"tempral\"", "did you mean 'temporal'"}}}},
    {"search.stage.fix", {{"{ classifier = { use = \"moe\" } }"}, {{"1", "table"}}}},
    {"resources.devices",
     {{"\"auto\"", "[\"cpu\"]", "[\"cuda:0\", \"cuda:12\"]"}, {{"[\"gpu\"]", "no device"}}}},
    {"resources.slots_per_device",
     {{"\"auto\"", "1", "1024"}, {{"0", "1..1024"}, {"1025", "1..1024"}}}},
    {"resources.timeout",
     {{"\"90s\"", "\"30m\"", "\"6h\"", "\"2d\""}, {{"90", "with its unit"}, {"\"0s\"", "unit"}}}},
    {"resources.heartbeat_timeout", {{"\"60s\""}, {{"60", "with its unit"}}}},
    {"resources.stall_timeout", {{"\"600s\""}, {{"600", "with its unit"}}}},
    {"resources.slurm.partition", {{"\"gpu,long\"", "\"\""}, {{"\"a b\"", "without spaces"}}}},
    {"resources.slurm.account", {{"\"lab\""}, {{"\"a\\n\"", "without spaces"}}}},
    {"resources.slurm.qos", {{"\"high\""}, {{"\"\u00e9\"", "without spaces"}}}},
    {"resources.slurm.constraint", {{"\"a100&nvlink\""}, {{"1", "is an integer, must be text"}}}},
    {"resources.slurm.gres",
     {{"\"gpu\"", "\"gpu:1\"", "\"gpu:a100:1\"", "\"gpu:a100\"", "\"lustre:4,gpu:1\"",
       "\"shard:4\""},
      {{"\"gpu:2\"", "asks for 2 GPUs"}, {"\"lustre,gpu:a100:4\"", "asks for 4 GPUs"}}}},
    {"resources.slurm.memory",
     {{"\"16GiB\"", "1e9"}, {{"0", "from 1 byte on"}, {"\"1Q\"", "size"}}}},
    {"resources.slurm.time",
     {{"\"60s\"", "\"12h\""}, {{"\"59s\"", "a time of 60s to"}, {"3600", "with its unit"}}}},
    {"resources.slurm.arguments",
     {{"[]", "[\"--exclusive\"]",
       "[\"--nodelist=n[1-2]\", \"--mem-bind=local\", \"--time-min=5\"]"},
      {{"\"--exclusive\"", "must be a list of texts"},
       {"[\"-p gpu\"]", "write it long"},
       {"[\"--reservation\", \"lab\"]", "\"lab\" is no argument"},
       {"[\"--\"]", "write it long"},
       {"[\"--=x\"]", "write it long"},
       {"[\"--a=\\n\"]", "line break"},
       {"[\"--partition=gpu\"]", "write partition"},
       {"[\"--part=gpu\"]", "write partition"},
       {"[\"--mem=4G\"]", "write memory"},
       {"[\"--mem-per-cpu=4G\"]", "write memory"},
       {"[\"--array=1-9\"]", "jobs stands how many"},
       {"[\"--job-name=x\"]", "found by the names"},
       {"[\"--wait\"]", "must not wait"},
       {"[\"--quiet\"]", "read by the program"},
       {"[\"--clusters=other\"]", "the cluster of SLURM_CONF alone"},
       {"[\"--cluster-constraint=a\"]", "the cluster of SLURM_CONF alone"},
       {"[\"--uid=1000\"]", "the user who runs the study"},
       {"[\"--version\"]", "no job would ever begin"},
       {"[\"--a=1\", \"--a=1\"]", "in the list already"}}}},
    {"resources.slurm.prologue",
     {{"\"module load cuda\"", "\"\"\"\nset -e\nmodule load cuda\n\"\"\""},
      {{"[\"a\"]", "is a list"}, {"\"a\\u0000\"", "lines of sh"}}}},
    {"resources.slurm.idle", {{"\"1s\"", "\"10m\""}, {{"\"0.5s\"", "a time of 1s to"}}}},
    {"ensemble.size_limit",
     {{"\"1GiB\"", "\"500MB\"", "\"1G\"", "1e9", "1"},
      {{"0", "from 1 byte on"},
       {"\"1Q\"", "size"},
       {"0.5", "size"},
       {"-1e300", "size"},
       {"nan", "size"}}}},
    {"table.vary",
     {{"\"temporal\"", "\"train.batch\""}, {{"\"tempral\"", "did you mean 'temporal'"}}}},
    {"table.by",
     {{"\"classifier\""}, {{"\"tempral\"", "unknown criterion"}, {"\"temporal\"", "already"}}}},
    {"table.rows",
     {{"\"variants\"", "\"average\"", "\"leave-one-out\"", "\"swap-one\""},
      {{"\"criteria\"", "shows them all"}, {"\"averages\"", "did you mean 'average'"}}}},
    {"table.fix", {{"\"temporal=mean\""}, {{"\"gru\"", "must be"}, {"\"\"", "is empty"}}}},
    {"table.baseline", {{"\"temporal=mean\"", "\"gru\""}, {{"\"gru=\"", "criterion"}}}},
    {"table.layout",
     {{"\"ours\""}, {{"\"papr\"", "did you mean"}, {"\"paper\"", "needs a reference"}}}},
    {"table.reference", {{"\"kim18/2\""}, {{"\"kim18\"", "a slash"}}}},
};

/// Keys that stand for many, and a line that has one of each.
const std::map<std::string, std::string> kOpenKeys = {
    {"data.features.NAME", "[data.features]\nrgb = 12\n"},
    {"data.frame_types.NAME", "[data.frame_types]\nrgb = \"float16\"\n"},
    {"data.normalise.NAME", "[data.normalise]\nrgb = \"l2\"\naudio = \"none\"\n"},
    {"train.OPTION", "[train]\nbatch = 12\n"},
    {"grid.CRITERION.use", "[[grid.temporal]]\nuse = \"gru\"\n"},
    {"grid.CRITERION.zip",
     "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2]\nlayers = [1, 2]\nzip = [\"hidden\", "
     "\"layers\"]\n"},
    {"grid.CRITERION.OPTION", "[[grid.temporal]]\nuse = \"gru\"\nhidden = [1, 2]\n"},
    {"grid.extras.EXTRA", "[grid.extras]\ndropout = [false, 0.2]\n"},
    {"grid.train.OPTION", "[grid.train]\nbatch = [1, 2]\n"},
    {"exclude.CRITERION", "[[exclude]]\ntemporal = \"gru\"\n"},
    {"exclude.extras.EXTRA", "[[exclude]]\nextras.dropout = true\n"},
    {"exclude.train.OPTION", "[[exclude]]\ntrain.batch = 1\n"},
    {"search.baseline.CRITERION", "[search.baseline]\nclassifier = { use = \"moe\" }\n"},
    {"search.baseline.extras", "[search.baseline]\nextras = { dropout = 0.2 }\n"},
    {"search.baseline.train", "[search.baseline]\ntrain = { batch = 1 }\n"},
};

std::string PathOf(const RecipeSection& section, const RecipeKey& key) {
  return (section.name.empty() ? "" : section.name + ".") + key.setting.name;
}

template <typename Visit>
void ForEachKey(const Visit& visit) {
  for (const RecipeSection& section : RecipeSections()) {
    for (const RecipeKey& key : section.keys) {
      if (!kOpenKeys.contains(PathOf(section, key))) visit(section, key, PathOf(section, key));
    }
  }
}

std::string NumberText(double number) {
  return std::to_string(static_cast<std::int64_t>(std::llround(number)));
}

TEST(RecipeKeys, EveryKeyIsRead) {
  ForEachKey([](const auto& section, const auto& key, const std::string& path) {
    // What is not known is answered with "unknown key", whatever its value.
    const std::string text = WithSection(section.name, key.setting.name)
                                 .Set(section.name, key.setting.name, "1979-05-27")
                                 .Text();
    EXPECT_THAT(Mistakes(text), HasSubstr(": is ")) << path;
    EXPECT_THAT(Mistakes(text), testing::Not(HasSubstr("unknown key"))) << path;
  });
  for (const auto& [path, added] : kOpenKeys) {
    EXPECT_EQ(Mistakes(RecipeHead() + added), "") << path;
  }
}

TEST(RecipeKeys, WhatIsNotInTheReferenceCannotBeRead) {
  EXPECT_THROW(RequireRecipeKey("data", "max_frame"), std::logic_error);
  EXPECT_THROW((void)RecipeKeyOf("", "data"), std::logic_error);
  EXPECT_THROW((void)RecipeKeyOf("study", "max_frames"), std::logic_error);
  EXPECT_THROW(RequireRecipeKey("study", "temporal"), std::logic_error);
  RequireRecipeKey("", "grid");
  RequireRecipeKey("", "data");
  RequireRecipeKey("grid", "temporal");
  RequireRecipeKey("search.stage[12]", "fix");
  EXPECT_EQ(RecipeKeyOf("search.stage[3]", "vary").setting.name, "vary");
  // Names of features are anybody's.
  for (const char* name : {"mean_rgb", "a.b", "", "x[0]", "NAME"}) {
    EXPECT_EQ(RecipeKeyOf("data.features", name).setting.maximum, 65536) << name;
  }
  EXPECT_EQ(Mistakes(RecipeHead() + "features = { \"a.b\" = 1, \"\" = 2, \"c[0]\" = 3 }\n"), "");
}

TEST(RecipeKeys, EveryKeySaysWhatItTakesAndWhatItIsFor) {
  for (const RecipeSection& section : RecipeSections()) {
    EXPECT_TRUE(section.name.empty() || section.help.ends_with('.')) << section.name;
    for (const RecipeKey& key : section.keys) {
      EXPECT_FALSE(key.takes.empty()) << PathOf(section, key);
      EXPECT_FALSE(key.fallback.empty()) << PathOf(section, key);
      EXPECT_TRUE(key.setting.help.ends_with('.')) << PathOf(section, key);
    }
  }
}

TEST(RecipeKeys, TheDefaultIsWhatLeavingOutMeans) {
  ForEachKey([](const auto& section, const auto& key, const std::string& path) {
    if (key.fallback.find_first_of("0123456789\"[") != 0) return;  // in words
    // A weight without classes is a mistake; the reader's own default is that of the table.
    if (path == "data.class_weight") return;
    const Written without =
        WithSection(section.name, key.setting.name).Remove(section.name, key.setting.name);
    Written with = WithSection(section.name, key.setting.name);
    with.Set(section.name, key.setting.name, key.fallback);
    EXPECT_EQ(Mistakes(with.Text()), "") << path;
    EXPECT_EQ(Said(with.Text()), Said(without.Text())) << path;
  });
  EXPECT_EQ(ParseRecipe(Written().Text(), "r.toml", TestCatalogue()).data.class_weight, 1.0);
}

TEST(RecipeKeys, ASectionThatSaysNothingIsLikeNone) {
  for (const char* section : {"train", "grid.extras", "search", "resources", "search.baseline"}) {
    EXPECT_EQ(Said(Written().Add(section).Text()), Said(Written().Text())) << section;
  }
}

TEST(RecipeKeys, WhatIsRequiredIsMissed) {
  ForEachKey([](const auto& section, const auto& key, const std::string& path) {
    const std::string text =
        WithSection(section.name, key.setting.name).Remove(section.name, key.setting.name).Text();
    const bool missed =
        Mistakes(text).find(path.substr(path.rfind('.') + 1) + ": is missing") != std::string::npos;
    EXPECT_EQ(missed, key.fallback == "required") << path << "\n" << Mistakes(text);
  });
}

TEST(RecipeKeys, TheRangesAreThoseOfTheReaders) {
  ForEachKey([](const auto& section, const auto& key, const std::string& path) {
    if (kSamples.contains(path) || !key.setting.minimum) return;
    const auto mistakes = [&](double number) {
      return Mistakes(WithSection(section.name, key.setting.name)
                          .Set(section.name, key.setting.name, NumberText(number))
                          .Text());
    };
    EXPECT_THAT(key.takes, HasSubstr(AllowedText(key.setting))) << path;
    EXPECT_EQ(mistakes(*key.setting.minimum), "") << path;
    EXPECT_EQ(mistakes(*key.setting.maximum), "") << path;
    EXPECT_THAT(mistakes(*key.setting.minimum - 1), HasSubstr(AllowedText(key.setting))) << path;
    EXPECT_THAT(mistakes(*key.setting.maximum + 1), HasSubstr(AllowedText(key.setting))) << path;
  });
}

TEST(RecipeKeys, TheWordsAreThoseOfTheReaders) {
  ForEachKey([](const auto& section, const auto& key, const std::string& path) {
    if (kSamples.contains(path) || key.setting.choices.empty()) return;
    for (const OptionValue& word : key.setting.choices) {
      EXPECT_THAT(key.takes, HasSubstr(std::string(word.as_string())));
      EXPECT_EQ(Mistakes(WithSection(section.name, key.setting.name)
                             .Set(section.name, key.setting.name, CanonicalJson(word))
                             .Text()),
                "")
          << path;
    }
    EXPECT_THAT(Mistakes(WithSection(section.name, key.setting.name)
                             .Set(section.name, key.setting.name, "\"no-word\"")
                             .Text()),
                HasSubstr(AllowedText(key.setting)))
        << path;
  });
}

TEST(RecipeKeys, KeysWithReadersOfTheirOwnTakeWhatTheReferenceSays) {
  for (const auto& [path, samples] : kSamples) {
    const std::size_t dot = path.rfind('.');
    const std::string section = dot == std::string::npos ? "" : path.substr(0, dot);
    const std::string key = path.substr(dot == std::string::npos ? 0 : dot + 1);
    for (const std::string& value : samples.sound) {
      EXPECT_EQ(Mistakes(WithSection(section, key).Set(section, key, value).Text()), "") << path;
    }
    for (const auto& [value, message] : samples.wrong) {
      EXPECT_THAT(Mistakes(WithSection(section, key).Set(section, key, value).Text()),
                  HasSubstr(message))
          << path << " = " << value;
    }
  }
}

TEST(RecipeKeys, EveryKeyIsTriedByOneOfTheseTests) {
  ForEachKey([](const auto&, const auto& key, const std::string& path) {
    const bool tried = kSamples.contains(path) || key.setting.minimum ||
                       !key.setting.choices.empty() || path == "study.description" ||
                       path == "table.title";
    EXPECT_TRUE(tried) << path << " needs a line in kSamples";
  });
}

}  // namespace
}  // namespace beamgrid
