// A recipe that is written from a trial means that trial again.

#include "search/trial_recipe.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "search/recipe.h"
#include "search/recipe_keys.h"
#include "search/search_space.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/specs.h"

namespace beamgrid {
namespace trial_recipe_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// The test catalogue, with what options there can be: a file, a teacher.
Catalogue WithFiles() {
  Catalogue catalogue = TestCatalogue();
  catalogue.components.push_back(
      Component("temporal", "script", "Script", {{.name = "file", .type = OptionType::kFile}}));
  for (ComponentInfo& component : catalogue.components) {
    if (component.criterion != "train") continue;
    component.options.push_back(
        {.name = "teacher", .type = OptionType::kFile, .default_value = ""});
    component.options.push_back(Real("teacher_weight", 0.5, 0, 1, "tw"));
  }
  return catalogue;
}

NamedFile Find(const std::string& name) { return {.name = name, .path = name, .hash = "1"}; }

class TrialRecipeTest : public testing::Test {
 protected:
  TrialRecipeTest() {
    recipe_ = {.study = "taught", .trial = ExampleTrial(), .threads = 3};
    recipe_.trial.objective = "map";
    recipe_.trial.seed = 7;
    ModelSpec& model = recipe_.trial.model;
    for (const auto& [criterion, name] :
         std::map<std::string, std::string>{{"multimodal", "concat"},
                                            {"temporal", "lstm"},
                                            {"classifier", "moe"},
                                            {"label_processing", "correlation"},
                                            {"loss", "huber"},
                                            {"train", "train"}}) {
      const Options options = DefaultOptions(*catalogue_.Find(criterion, name));
      if (criterion == "train") {
        model.train = options;
      } else {
        model.parts[criterion] = {.component = name, .options = options};
      }
    }
    recipe_.trial.data.features = {{"rgb", 1024}, {"audio", 128}};
  }
  [[nodiscard]] Recipe Read() const {
    return ParseRecipe(TextOf(recipe_), "r.toml", catalogue_, Find);
  }
  /// Reads the text: one model, the trial's.
  void ExpectTheModel() const {
    const Recipe read = Read();
    const SearchSpace space(read, catalogue_);
    ASSERT_EQ(space.size(), 1) << TextOf(recipe_);
    EXPECT_EQ(*space.At(0), recipe_.trial.model) << TextOf(recipe_);
  }

  const Catalogue catalogue_ = WithFiles();
  TrialRecipe recipe_;
};

TEST_F(TrialRecipeTest, HasTheModelTheDataAndTheTraining) {
  ModelSpec& model = recipe_.trial.model;
  model.parts["temporal"].options["widths"] = boost::json::array{8, 4, 2};
  model.parts["loss"].options["delta"] = 1e-06;
  model.extras["context_gating"] = {{"on", "probabilities"}, {"batch_norm", false}};
  model.extras["layer_norm"] = {};
  model.train["learning_rate"] = 0.00034567890123456789;
  model.train["decay_examples"] = 4'000'000;
  ExpectTheModel();
  const Recipe read = Read();
  EXPECT_EQ(read.name, "taught");
  EXPECT_STREQ(read.objective->name, "map");
  EXPECT_THAT(read.seeds, ElementsAre(7));
  EXPECT_EQ(read.resources.threads_per_worker, 3);
  EXPECT_EQ(read.data.features, recipe_.trial.data.features) << "in their order";
  EXPECT_EQ(read.data.train, recipe_.trial.data.train);
  EXPECT_EQ(read.data.validate, recipe_.trial.data.validate);
  EXPECT_EQ(read.data.max_frames, 300);
  EXPECT_EQ(read.search.strategy, "grid");
}

TEST_F(TrialRecipeTest, KeepsWhatTheDataAreTakenFor) {
  DataSpec& data = recipe_.trial.data;
  data.format = "segment";
  data.on_error = "skip";
  data.unrated = "negative";
  data.weighted_classes = {3, 5};
  data.class_weight = 2.5;
  recipe_.trial.objective = "segment_map";
  const Recipe read = Read();
  EXPECT_EQ(read.data.format, "segment");
  EXPECT_EQ(read.data.on_error, "skip");
  EXPECT_EQ(read.data.unrated, "negative");
  EXPECT_THAT(read.data.weighted_classes, ElementsAre(3, 5));
  EXPECT_EQ(read.data.class_weight, 2.5);
}

TEST_F(TrialRecipeTest, KeepsWhatFramesAndLabelsAre) {
  DataSpec& data = recipe_.trial.data;
  data.features = {{"rgb", 1024}, {"a b", 128}};
  data.frame_types = {{"a b", FrameType::kFloat16}};
  data.normalise = {{"rgb", Normalisation::kStandardise}, {"a b", Normalisation::kL2}};
  data.multi_class = true;
  data.video_weight = "weight";
  data.frame_alignment = FrameAlignment::kNearest;
  const Recipe read = Read();
  EXPECT_EQ(read.data.frame_types, data.frame_types);
  EXPECT_EQ(read.data.normalise, data.normalise);
  EXPECT_TRUE(read.data.multi_class);
  EXPECT_EQ(read.data.video_weight, "weight");
  EXPECT_EQ(read.data.frame_alignment, FrameAlignment::kNearest);
}

TEST_F(TrialRecipeTest, TakesFromTheStudyWhatNoTrialSays) {
  recipe_.study_recipe = R"(
    [data]
    holdout = 0.25
    group = "sub\"ject"
    [resources]
    devices = ["cuda:1"]
    retries = 4
    threads_per_worker = 8
    timeout = "90s"
    executor = "slurm"
    [resources.slurm]
    prologue = "module load cuda\nsource \"a\""
    arguments = ["--exclusive"]
    [ensemble]
    size_limit = "5MiB"
    members = 2
  )";
  const Recipe read = Read();
  EXPECT_EQ(read.data.holdout, 0.25);
  EXPECT_EQ(read.data.group, "sub\"ject");
  EXPECT_THAT(read.resources.devices, ElementsAre("cuda:1"));
  EXPECT_EQ(read.resources.retries, 4);
  EXPECT_EQ(read.resources.timeout_seconds, 90);
  EXPECT_EQ(read.resources.threads_per_worker, 3) << "the trial's own, for the same result";
  EXPECT_EQ(read.resources.executor, ExecutorKind::kSlurm);
  EXPECT_EQ(read.resources.slurm.prologue, "module load cuda\nsource \"a\"");
  EXPECT_THAT(read.resources.slurm.arguments, ElementsAre("--exclusive"));
  ASSERT_TRUE(read.ensemble.has_value());
  EXPECT_EQ(read.ensemble->size_limit, 5 << 20);
  EXPECT_EQ(read.ensemble->members, 2);
  EXPECT_EQ(read.ensemble->holdout, 0.25);
}

TEST_F(TrialRecipeTest, OfAStudyWithoutSuchKeysHasTheirDefaults) {
  recipe_.study_recipe = "[data]\nclasses = 3\n";
  const Recipe read = Read();
  EXPECT_EQ(read.data.holdout, 0.5);
  EXPECT_EQ(read.data.group, "");
  EXPECT_TRUE(read.resources.devices.empty());
  EXPECT_FALSE(read.ensemble.has_value());
}

// A key that [data] gets later is of the trials or of the study, and must not be lost either way.
TEST_F(TrialRecipeTest, HasEveryKeyOfTheData) {
  DataSpec& data = recipe_.trial.data;
  data.format = "segment";
  data.frame_types = {{"rgb", FrameType::kFloat32}};
  data.normalise = {{"rgb", Normalisation::kL2}, {"audio", Normalisation::kNone}};
  data.multi_class = true;
  data.video_weight = "weight";
  data.frame_alignment = FrameAlignment::kNearest;
  data.weighted_classes = {3};
  data.class_weight = 2;
  recipe_.study_recipe = "[data]\nholdout = 0.25\ngroup = \"subject\"\n";
  const std::string text = TextOf(recipe_);
  const auto section = std::ranges::find(RecipeSections(), "data", &RecipeSection::name);
  for (const RecipeKey& key : section->keys) {
    EXPECT_THAT(text, HasSubstr("\n" + key.setting.name + " = "));
  }
}

TEST_F(TrialRecipeTest, OfVideosHasNoTemporalPart) {
  recipe_.trial.data.format = "video";
  recipe_.trial.data.max_frames = 1;
  ModelSpec& model = recipe_.trial.model;
  model.parts["temporal"] = {.component = "mean"};
  ExpectTheModel();
  EXPECT_EQ(Read().data.max_frames, 1);
}

TEST_F(TrialRecipeTest, NamesFilesByTheirPathsAndTheTeacherByItsName) {
  ModelSpec& model = recipe_.trial.model;
  model.parts["temporal"] = {.component = "script",
                             .options = {{"file", ToJson(Find("/modules/pool.pt"))}}};
  model.train["teacher"] = ToJson(Find("teacher.csv"));
  ExpectTheModel();
  recipe_.trial.model.train["teacher"] = "teacher.csv";
  EXPECT_EQ(Read().train.at("teacher"), ToJson(Find("teacher.csv"))) << "not looked at yet";
  model.plugins = {{.name = "p.so", .path = "/plugins/p.so", .hash = "2"}};
  EXPECT_EQ(PluginsOfRecipe(TextOf(recipe_), "r.toml").at(0).text, "/plugins/p.so");
}

TEST_F(TrialRecipeTest, VariesTrainingSettings) {
  recipe_.vary = {{.names = {"teacher_weight"}, .steps = {{0.25}, {1.0}}}};
  const Recipe read = Read();
  const SearchSpace space(read, catalogue_);
  ASSERT_EQ(space.size(), 2);
  EXPECT_EQ(space.At(1)->train.at("teacher_weight"), 1.0);
}

TEST_F(TrialRecipeTest, TakesAnyNamesOfFilesAndFeatures) {
  DataSpec& data = recipe_.trial.data;
  data.train = {"/d/a \"b\"\\c.tfrecord", "/d/plain$HOME.tfrecord", "/d/tab\t\x7f.tfrecord"};
  data.validate = {"/d/v[0]{x,y}*?.tfrecord"};
  data.features = {{"my feature", 16}};
  recipe_.comments = {"Made by a test."};
  recipe_.description = "quotes \" and \\ and \n lines";
  const Recipe read = Read();
  EXPECT_THAT(read.data.train,
              ElementsAre("/d/a \"b\"\\\\c.tfrecord", data.train[1], data.train[2]));
  EXPECT_THAT(read.data.validate, ElementsAre("/d/v\\[0\\]\\{x\\,y\\}\\*\\?.tfrecord"))
      << "a pattern that means this file";
  EXPECT_EQ(read.data.features, data.features);
  EXPECT_EQ(read.description, recipe_.description);
  EXPECT_THAT(TextOf(recipe_), StartsWith("# Made by a test.\nbeamgrid = 1\n"));
  EXPECT_THAT(TextOf(recipe_), Not(HasSubstr("grid.extras")));
}

}  // namespace trial_recipe_test
}  // namespace beamgrid
