// What a recipe without mistakes means.
#include "search/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace recipe_test {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Recipe Parse(const std::string& text) {
  return ParseRecipe(text, "folder/r.toml", TestCatalogue());
}

TEST(Recipe, TakesASizeInAnyForm) {
  for (const char* size : {"\"1G\"", "\"1gb\"", "\"1 GB\"", "\"1e9\"", "1e9", "1_000_000_000"}) {
    const Recipe recipe =
        Parse(RecipeHead() + "[ensemble]\nsize_limit = " + std::string(size) + "\n");
    EXPECT_EQ(recipe.ensemble->size_limit, 1'000'000'000) << size;
  }
}

TEST(Recipe, HasDefaultsForEverythingThatIsLeftOut) {
  const Recipe recipe = Parse(RecipeHead());
  EXPECT_EQ(recipe.path, "folder/r.toml");
  EXPECT_EQ(recipe.text, RecipeHead());
  EXPECT_EQ(recipe.name, "test");
  EXPECT_EQ(recipe.description, "");
  EXPECT_STREQ(recipe.objective->name, "gap");
  EXPECT_THAT(recipe.seeds, ElementsAre(1));
  EXPECT_EQ(recipe.data.format, "frame");
  EXPECT_THAT(recipe.data.train, ElementsAre("train*.tfrecord"));
  EXPECT_EQ(recipe.data.train_place.line, 6);
  EXPECT_EQ(recipe.data.validate_place.line, 7);
  EXPECT_EQ(recipe.data.holdout, 0.5);
  EXPECT_EQ(recipe.data.classes, 10);
  EXPECT_THAT(recipe.data.features, ElementsAre(Pair("rgb", 1024), Pair("audio", 128)));
  EXPECT_EQ(recipe.data.max_frames, 300);
  EXPECT_EQ(recipe.data.on_error, "stop");
  EXPECT_EQ(recipe.train.at("batch"), 128);
  EXPECT_EQ(recipe.train.at("learning_rate"), 0.001);
  EXPECT_EQ(recipe.train.size(), 6U);
  EXPECT_EQ(recipe.search.strategy, "grid");
  EXPECT_TRUE(recipe.resources.devices.empty());
  EXPECT_EQ(recipe.resources.slots_per_device, 0);
  EXPECT_EQ(recipe.resources.threads_per_worker, 1);
  EXPECT_EQ(recipe.resources.timeout_seconds, 0);
  EXPECT_EQ(recipe.resources.retries, 1);
  EXPECT_EQ(recipe.resources.heartbeat_timeout_seconds, 60);
  EXPECT_EQ(recipe.resources.stall_timeout_seconds, 600);
  EXPECT_EQ(recipe.resources.priority, 1);
  EXPECT_EQ(recipe.resources.executor, ExecutorKind::kLocal);
  EXPECT_EQ(recipe.resources.slurm.jobs, 8);
  EXPECT_EQ(recipe.resources.slurm.cpus, 0);
  EXPECT_EQ(recipe.resources.slurm.memory_bytes, 0);
  EXPECT_EQ(recipe.resources.slurm.time_seconds, 0);
  EXPECT_EQ(recipe.resources.slurm.idle_seconds, 60);
  EXPECT_FALSE(recipe.resources.slurm.AsksForGpu());
  EXPECT_FALSE(recipe.ensemble.has_value());
  EXPECT_THAT(recipe.tables, IsEmpty());
}

TEST(Recipe, ReadsWhatJobsOfAClusterAskFor) {
  const std::string head =
      "beamgrid = 1\n[study]\nname = \"a\"\n[data]\nformat = \"frame\"\ntrain = \"a\"\n"
      "validate = \"b\"\nclasses = 3\n[resources]\nexecutor = \"slurm\"\nthreads_per_worker = 2\n"
      "[resources.slurm]\n";
  const ResourceSettings resources =
      Parse(head +
            "jobs = 3\npartition = \"gpu,long\"\naccount = \"lab\"\nqos = \"high\"\n"
            "constraint = \"a100&nvlink\"\ngres = \"gpu:a100:1\"\ncpus = 4\nmemory = \"2GiB\"\n"
            "time = \"90m\"\narguments = [\"--exclusive\", \"--nice=10\"]\n"
            "prologue = \"module load cuda\"\nidle = \"30s\"\n")
          .resources;
  EXPECT_EQ(resources.executor, ExecutorKind::kSlurm);
  const SlurmSettings& slurm = resources.slurm;
  EXPECT_EQ(slurm.jobs, 3);
  EXPECT_EQ(slurm.partition, "gpu,long");
  EXPECT_EQ(slurm.account, "lab");
  EXPECT_EQ(slurm.qos, "high");
  EXPECT_EQ(slurm.constraint, "a100&nvlink");
  EXPECT_EQ(slurm.gres, "gpu:a100:1");
  EXPECT_EQ(slurm.cpus, 4);
  EXPECT_EQ(slurm.memory_bytes, std::int64_t{2} << 30);
  EXPECT_EQ(slurm.time_seconds, 5400);
  EXPECT_THAT(slurm.arguments, ElementsAre("--exclusive", "--nice=10"));
  EXPECT_EQ(slurm.prologue, "module load cuda");
  EXPECT_EQ(slurm.idle_seconds, 30);
  EXPECT_TRUE(slurm.AsksForGpu());
  const auto asks = [&](const std::string& gres) {
    return Parse(head + "gres = \"" + gres + "\"\n").resources.slurm.AsksForGpu();
  };
  for (const char* gres : {"gpu", "gpu:1", "lustre:2,gpu:v100", "shard:4", "mps:50"}) {
    EXPECT_TRUE(asks(gres)) << gres;
  }
  for (const char* gres : {"", "lustre:2", "gpux:1", "license:gpu"}) {
    EXPECT_FALSE(asks(gres)) << gres;
  }
  EXPECT_THROW(Parse(head + "cpus = 1\n"), RecipeError);  // fewer than threads_per_worker
}

TEST(Recipe, ReadsEverySection) {
  const Recipe recipe = Parse(
      "beamgrid = 1\n"
      "[study]\nname = \"kim-2018_a\"\ndescription = \"x\"\nobjective = \"map\"\nseeds = [3, 1]\n"
      "[data]\nformat = \"segment\"\ntrain = [\"a*\", \"b*\"]\nvalidate = \"c*\"\nholdout = 0\n"
      "classes = 4716\nfeatures = { zebra = 7, apple = 3 }\nmax_frames = 5\non_error = \"skip\"\n"
      "[train]\nlearning_rate = 1\nbatch = 32.0\n"
      "[search]\nstrategy = \"greedy\"\norder = [\"temporal\", \"extras\"]\npasses = 2\n"
      "[search.baseline]\nclassifier = { use = \"moe\", experts = 4 }\n"
      "extras = { dropout = 0.2, layer_norm = false }\ntrain = { epochs = 1 }\n"
      "[[search.stage]]\nvary = \"classifier\"\nfix = { temporal = { use = \"gru\" } }\n"
      "[resources]\ndevices = [\"cuda:0\", \"cuda:11\", \"cpu\"]\nslots_per_device = 2\n"
      "threads_per_worker = 4\ntimeout = \"1.5h\"\nretries = 0\n"
      "[ensemble]\nsize_limit = \"500MB\"\nmembers = 3\nbeam_width = 2\ncombine = "
      "\"probabilities\"\nweights = \"gap\"\n"
      "[[table]]\ntitle = \"T\"\nvary = \"temporal\"\nreference = \"snuvl17/1\"\n"
      "[[table]]\nvary = \"train\"\n");
  EXPECT_EQ(recipe.name, "kim-2018_a");
  EXPECT_STREQ(recipe.objective->name, "map");
  EXPECT_THAT(recipe.seeds, ElementsAre(3, 1));
  EXPECT_THAT(recipe.data.train, ElementsAre("a*", "b*"));
  EXPECT_EQ(recipe.data.holdout, 0);
  EXPECT_THAT(recipe.data.features, ElementsAre(Pair("zebra", 7), Pair("apple", 3)));
  EXPECT_EQ(recipe.data.max_frames, 5);
  EXPECT_EQ(recipe.data.on_error, "skip");
  EXPECT_TRUE(recipe.train.at("learning_rate").is_double()) << "a number option holds a double";
  EXPECT_TRUE(recipe.train.at("batch").is_int64()) << "an integer option holds an integer";
  EXPECT_THAT(recipe.search.order, ElementsAre("temporal", "extras"));
  EXPECT_EQ(recipe.search.passes, 2);
  EXPECT_EQ(recipe.search.baseline.parts.at("classifier").options.at("experts"), 4);
  EXPECT_THAT(recipe.search.baseline.extras.value(),
              ElementsAre(Pair("dropout", Options{{"rate", 0.2}})));
  EXPECT_THAT(recipe.search.baseline.train, ElementsAre(Pair("epochs", OptionValue(1))));
  ASSERT_EQ(recipe.search.stages.size(), 1U);
  EXPECT_EQ(recipe.search.stages[0].vary, "classifier");
  EXPECT_EQ(recipe.search.stages[0].fix.parts.at("temporal").options.at("hidden"), 1024);
  EXPECT_THAT(recipe.resources.devices, ElementsAre("cuda:0", "cuda:11", "cpu"));
  EXPECT_EQ(recipe.resources.slots_per_device, 2);
  EXPECT_EQ(recipe.resources.threads_per_worker, 4);
  EXPECT_EQ(recipe.resources.timeout_seconds, 5400);
  EXPECT_EQ(recipe.resources.retries, 0);
  ASSERT_TRUE(recipe.ensemble.has_value());
  EXPECT_EQ(recipe.ensemble->size_limit, 500'000'000);
  EXPECT_EQ(recipe.ensemble->members, 3);
  EXPECT_EQ(recipe.ensemble->beam_width, 2);
  EXPECT_EQ(recipe.ensemble->combine, ScoreDomain::kProbabilities);
  EXPECT_EQ(recipe.ensemble->weights, Weighting::kGap);
  ASSERT_EQ(recipe.tables.size(), 2U);
  EXPECT_EQ(recipe.tables[0].title, "T");
  EXPECT_EQ(recipe.tables[0].reference, "snuvl17/1");
  EXPECT_EQ(recipe.tables[1].title, "train") << "a table without a title is called what it varies";
}

TEST(Recipe, VideoLevelDataHasItsOwnFeaturesAndOneFrame) {
  const Recipe recipe = Parse(RecipeHead("video") + "max_frames = 300\n");
  EXPECT_THAT(recipe.data.features, ElementsAre(Pair("mean_rgb", 1024), Pair("mean_audio", 128)));
  EXPECT_EQ(recipe.data.max_frames, 1);
}

TEST(Recipe, ATableVariesWhatTheCommandVaries) {
  const std::string tables =
      "[grid.extras]\ndropout = [0.1, 0.2]\nzoneout = true\n"
      "[[table]]\nvary = \"extras.dropout\"\n[[table]]\nvary = \"extras.dropout+zoneout\"\n"
      "[[table]]\nvary = \"train.batch+learning_rate\"\n[[table]]\nvary = \"train\"\n";
  const Recipe recipe = ParseRecipe(RecipeHead() + tables, "r.toml", TestCatalogue());
  ASSERT_EQ(recipe.tables.size(), 4U);
  EXPECT_EQ(recipe.tables[1].vary, "extras.dropout+zoneout");
  EXPECT_EQ(recipe.tables[2].title, "train.batch+learning_rate");
}

TEST(Recipe, AutoMeansThatTheMachineDecides) {
  const Recipe recipe =
      Parse(RecipeHead() + "[resources]\ndevices = \"auto\"\nslots_per_device = \"auto\"\n");
  EXPECT_THAT(recipe.resources.devices, IsEmpty());
  EXPECT_EQ(recipe.resources.slots_per_device, 0);
}

TEST(Recipe, AnEmptyEnsembleSectionAsksForOneWithDefaults) {
  const Recipe recipe = Parse(RecipeHead() + "[ensemble]\n");
  ASSERT_TRUE(recipe.ensemble.has_value());
  EXPECT_EQ(recipe.ensemble->size_limit, 1LL << 30);
  EXPECT_EQ(recipe.ensemble->weights, Weighting::kAuto);
}

TEST(Recipe, AVariantIsCompleteWithItsDefaults) {
  const Recipe recipe =
      Parse(RecipeHead() + "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = 8\n");
  const Variant variant = VariantAt(recipe.grid.at("temporal"), 0);
  EXPECT_EQ(
      variant,
      (Variant{"netvlad",
               {{"clusters", 8}, {"frame_projection", 512}, {"gating", true}, {"hidden", 512}}}));
}

TEST(Recipe, ItsDataCanBeReadWithoutACatalogue) {
  const Recipe recipe =
      DataOfRecipe({RecipeHead() + "[[grid.temporal]]\nuse = \"of no catalogue\"\n", "r.toml"});
  EXPECT_EQ(recipe.path, "r.toml");
  EXPECT_THAT(recipe.data.train, ElementsAre("train*.tfrecord"));
  EXPECT_EQ(recipe.data.classes, 10);
  EXPECT_THROW((void)DataOfRecipe({"[data]\nformat = \"video\"\n", "r.toml"}), RecipeError);
  EXPECT_THROW((void)DataOfRecipe({"[data\n", "r.toml"}), RecipeError);
}

}  // namespace recipe_test
}  // namespace beamgrid
