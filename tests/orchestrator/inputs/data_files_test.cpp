#include "orchestrator/inputs/data_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "orchestrator/inputs/vocabulary_files.h"
#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DataFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"b/train10.tfrecord", "b/train2.tfrecord", "a/train3.tfrecord",
                             "a/validate0.tfrecord", "a/trainer.txt"}) {
      WriteFileAtomically(folder_ / name, name);
    }
    std::filesystem::create_directories(folder_ / "b/train9.tfrecord");
  }
  std::string At(const std::string& name) const {
    return std::filesystem::weakly_canonical(folder_ / name).string();
  }
  Recipe RecipeWith(std::vector<std::string> train, std::vector<std::string> validate) const {
    Recipe recipe;
    recipe.path = folder_ / "r.toml";
    recipe.data = {.format = "video",
                   .train = std::move(train),
                   .validate = std::move(validate),
                   .train_place = {"r.toml", 5, 1},
                   .validate_place = {"r.toml", 6, 1},
                   .classes = 7,
                   .features = {{"mean_rgb", 1024}},
                   .max_frames = 1,
                   .on_error = "skip"};
    return recipe;
  }

  TemporaryFolder folder_;
};

TEST_F(DataFilesTest, ANameThatIsNotUtf8IsRefusedOnceForAPattern) {
  for (const char* name : {"caf\xe9/train1.tfrecord", "caf\xe9/train2.tfrecord"}) {
    WriteFileAtomically(folder_ / name, name);
  }
  try {
    (void)FindDataFiles(RecipeWith({"*/train*.tfrecord"}, {"a/validate0.tfrecord"}));
    FAIL() << "no folder of that name can be told to the trainer";
  } catch (const RecipeError& error) {
    ASSERT_EQ(error.diagnostics().size(), 1U);
    EXPECT_EQ(error.diagnostics()[0].key, "data.train");
    EXPECT_THAT(error.what(), HasSubstr("train1.tfrecord: the name is not UTF-8"));
  }
}

TEST_F(DataFilesTest, ANumberThatMeansTwoClassesIsAMistake) {
  const auto import = [&](const std::string& folder, const std::string& files,
                          const std::vector<std::string>& names) {
    std::string text = "Index,Name\n";
    for (std::size_t i = 0; i < names.size(); ++i) {
      text += std::to_string(i) + "," + names[i] + "\n";
    }
    WriteFileAtomically(folder_ / folder / "vocabulary.csv", text);
    WriteFileAtomically(folder_ / folder / "manifest.json",
                        R"({"beamgrid_import":1,"vocabulary":"vocabulary.csv","classes":)" +
                            std::to_string(names.size()) + R"(,"features":[],"splits":{"train":)" +
                            R"({"files":[)" + files + "]}}}");
  };
  Recipe recipe = RecipeWith({"b/train2.tfrecord"}, {"a/validate0.tfrecord"});
  recipe.data.classes = 3;
  const auto mistakes = [&] { return LookForDataFiles(recipe).missing; };
  import("b", R"("train2.tfrecord")", {"cat", "dog", "emu"});
  import("a", R"("validate0.tfrecord")", {"ant", "cat", "dog"});
  ASSERT_EQ(mistakes().size(), 1U);
  EXPECT_EQ(mistakes()[0].key, "data.validate");
  EXPECT_EQ(mistakes()[0].place.line, 6);
  EXPECT_THAT(mistakes()[0].message,
              HasSubstr("class 0 is 'cat' in " + At("b/vocabulary.csv") + " and 'ant' in " +
                        At("a/vocabulary.csv") + ", and 2 more classes differ"));
  // Several folders of train.
  recipe.data.train = {"b/train2.tfrecord", "a/train3.tfrecord"};
  import("a", R"("validate0.tfrecord","train3.tfrecord")", {"ant", "cat", "dog"});
  ASSERT_EQ(mistakes().size(), 1U);
  EXPECT_EQ(mistakes()[0].key, "data.train");
  // One goes on where the other ends.
  import("a", R"("validate0.tfrecord","train3.tfrecord")", {"cat", "dog", "emu", "fox"});
  recipe.data.classes = 4;
  EXPECT_TRUE(mistakes().empty());
  recipe.data.classes = 3;
  ASSERT_EQ(mistakes().size(), 1U);
  EXPECT_THAT(mistakes()[0].message,
              HasSubstr("classes = 3 here, and 4 in " + At("a/vocabulary.csv")));
  // Damaged, and a manifest of other files.
  recipe.data.classes = 4;
  WriteFileAtomically(folder_ / "a/vocabulary.csv", "Index,Name\n0,cat\n0,dog\n");
  ASSERT_EQ(mistakes().size(), 1U);
  EXPECT_THAT(mistakes()[0].message, HasSubstr("vocabulary.csv:3: the class 0 is there twice"));
  import("a", R"("others.tfrecord")", {"ant", "cat", "dog"});
  EXPECT_TRUE(mistakes().empty());
}

TEST_F(DataFilesTest, ClassesThatNoVocabularyHasAreToldOf) {
  WriteFileAtomically(folder_ / "b/vocabulary.csv", "Index,Name\n0,cat\n1,dog\n");
  WriteFileAtomically(folder_ / "b/manifest.json",
                      R"({"beamgrid_import":1,"vocabulary":"vocabulary.csv","classes":2})");
  DataSpec data{.train = {At("b/train2.tfrecord")}, .classes = 5};
  EXPECT_EQ(SpareClassesNote(data), "data.classes = 5, and " + At("b/vocabulary.csv") +
                                        " has 2: the others have no name and no label");
  data.classes = 2;
  EXPECT_EQ(SpareClassesNote(data), "");
}

TEST_F(DataFilesTest, AWeightOf0ForAllClassesLeavesNothingToTrainOn) {
  Recipe recipe = RecipeWith({"b/train2.tfrecord"}, {"a/validate0.tfrecord"});
  recipe.data.classes = 3;
  recipe.data.class_weight = 0;
  recipe.data.weighted_classes = {0, 1};
  EXPECT_TRUE(LookForDataFiles(recipe).missing.empty());
  recipe.data.weighted_classes = {0, 1, 2};
  const std::vector<Diagnostic> mistakes = LookForDataFiles(recipe).missing;
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_EQ(mistakes[0].key, "data.weighted_classes");
  EXPECT_THAT(mistakes[0].message, HasSubstr("names all 3 classes, and data.class_weight is 0"));
}

TEST_F(DataFilesTest, WhatAnImportSaysOfItsRecordsIsBelieved) {
  WriteFileAtomically(folder_ / "a/manifest.json",
                      R"({"beamgrid_import": 1, "splits": {"train": {"files": ["train3.tfrecord"],)"
                      R"( "videos": 1}}, "features": [{"name": "clip", "type": "float16",)"
                      R"( "width": 16}, {"name": "beats", "type": "uint8", "width": 4}]})");
  Recipe recipe = RecipeWith({"a/train3.tfrecord"}, {"a/validate0.tfrecord"});
  recipe.data.format = "frame";
  const auto mistakes = [&] {
    std::vector<std::string> texts;
    for (const Diagnostic& one : LookForDataFiles(recipe).missing) texts.push_back(one.message);
    return texts;
  };
  // Twice the width and a byte each: the same number of bytes in a frame.
  recipe.data.features = {{"clip", 32}, {"beats", 4}};
  EXPECT_THAT(mistakes(),
              ElementsAre("the feature 'clip' is 32 of uint8 here, and 16 of float16 in " +
                          At("a/manifest.json") +
                          "; write features = { clip = 16, ... } and frame_types = { "
                          "clip = \"float16\", ... }"));
  recipe.data.features = {{"clip", 16}, {"beats", 5}};
  recipe.data.frame_types = {{"clip", FrameType::kFloat16}};
  EXPECT_THAT(mistakes(), ElementsAre(HasSubstr("; write features = { beats = 4, ... }")));
  recipe.data.features = {{"beats", 4}, {"clip", 16}};
  EXPECT_THAT(mistakes(), ElementsAre());
  // A copy that was stopped: a pattern would match what is there.
  WriteFileAtomically(
      folder_ / "a/manifest.json",
      R"({"beamgrid_import": 1, "splits": {"train": {"files": ["train3.tfrecord", "train4.tfrecord"],)"
      R"( "videos": 2}, "test": {"files": ["test0.tfrecord"], "videos": 1}}, "features": []})");
  EXPECT_THAT(mistakes(), ElementsAre(At("a/manifest.json") +
                                      " lists train4.tfrecord, which is not there: copy the folder "
                                      "again, or import again"));
  recipe.data.train = {"b/train2.tfrecord"};  // the manifest knows no file of the recipe
  recipe.data.features = {{"clip", 3}};
  EXPECT_THAT(mistakes(), ElementsAre());
}

TEST_F(DataFilesTest, NamesMayHoldHomeAndVariables) {
  WriteFileAtomically(folder_ / "y[t]/train7.tfrecord", "x");
  WriteFileAtomically(folder_ / "$NO_SUCH_NAME.tfrecord", "x");
  setenv("BEAMGRID_TEST_DATA", At("y[t]").c_str(), 1);
  const DataSpec data = FindDataFiles(
      RecipeWith({"$BEAMGRID_TEST_DATA/train*"}, {"${BEAMGRID_TEST_DATA}/../a/validate*"}));
  EXPECT_THAT(data.train, ElementsAre(At("y[t]/train7.tfrecord")));
  EXPECT_THAT(data.validate, ElementsAre(At("a/validate0.tfrecord")));
  unsetenv("BEAMGRID_TEST_DATA");
  EXPECT_THAT(FindDataFiles(RecipeWith({"$NO_SUCH_NAME.tfrecord"}, {"a/validate*"})).train,
              ElementsAre(At("$NO_SUCH_NAME.tfrecord")));
}

TEST_F(DataFilesTest, AVariableThatIsNotSetIsAMistakeWithItsPlace) {
  unsetenv("BEAMGRID_TEST_DATA");
  try {
    (void)FindDataFiles(RecipeWith({"$BEAMGRID_TEST_DATA/train*"}, {"~no-such-user/x"}));
    FAIL();
  } catch (const RecipeError& error) {
    ASSERT_EQ(error.diagnostics().size(), 2U);
    EXPECT_EQ(error.diagnostics()[0].place.line, 5);
    EXPECT_THAT(error.diagnostics()[0].message,
                HasSubstr("the environment variable BEAMGRID_TEST_DATA is not set"));
    EXPECT_THAT(error.diagnostics()[1].message, HasSubstr("no user 'no-such-user'"));
  }
}

TEST_F(DataFilesTest, ARecipesDataAreFoundBesideIt) {
  const DataSpec data = FindDataFiles(
      RecipeWith({"b/*.tfrecord", "a/train3*", "b/train2.tfrecord"}, {"a/validate*"}));
  EXPECT_THAT(data.train, ElementsAre(At("b/train10.tfrecord"), At("b/train2.tfrecord"),
                                      At("a/train3.tfrecord")));
  EXPECT_THAT(data.validate, ElementsAre(At("a/validate0.tfrecord")));
  EXPECT_EQ(data.classes, 7);
  EXPECT_EQ(data.on_error, "skip");
  EXPECT_EQ(data.digest, "");
}

TEST_F(DataFilesTest, WhatIsThereIsFoundBesideWhatIsMissing) {
  const FoundData found =
      LookForDataFiles(RecipeWith({"b/*.tfrecord", "missing/*"}, {"a/validate*"}));
  ASSERT_EQ(found.missing.size(), 1U);
  EXPECT_EQ(found.missing[0].key, "data.train");
  EXPECT_THAT(found.spec.validate, ElementsAre(At("a/validate0.tfrecord")));
  EXPECT_EQ(found.spec.train.size(), 2U);
}

TEST_F(DataFilesTest, AProblemOfTheDataIsAMistakeAtThePlaceThatNamesThem) {
  DataVerdict verdict;
  verdict.problems = {{.in_train = false, .what = "one"}, {.in_train = true, .what = "two"}};
  const std::vector<Diagnostic> mistakes = DataMistakes(RecipeWith({"x"}, {"y"}), verdict);
  ASSERT_EQ(mistakes.size(), 2U);
  EXPECT_EQ(ToString(mistakes[0]), "r.toml:6:1: data.validate: one");
  EXPECT_EQ(ToString(mistakes[1]), "r.toml:5:1: data.train: two");
}

TEST_F(DataFilesTest, EveryGlobThatMatchesNothingIsAMistakeWithItsPlace) {
  try {
    (void)FindDataFiles(RecipeWith({"b/*.tfrecord", "missing/*"}, {"nothing*.tfrecord"}));
    FAIL() << "found files that are not there";
  } catch (const RecipeError& error) {
    ASSERT_EQ(error.diagnostics().size(), 2U);
    EXPECT_THAT(ToString(error.diagnostics()[0]), HasSubstr("r.toml:5:1"));
    EXPECT_THAT(ToString(error.diagnostics()[0]), HasSubstr("\"missing/*\" matches no file"));
    EXPECT_THAT(ToString(error.diagnostics()[0]), HasSubstr((folder_ / "missing/*").string()));
    EXPECT_EQ(error.diagnostics()[1].key, "data.validate");
    EXPECT_EQ(error.diagnostics()[1].place.line, 6);
  }
}

TEST_F(DataFilesTest, GroupsThatTrainingHasTooAreWarnedOf) {
  const auto write = [&](const std::string& name, const std::vector<std::string>& subjects) {
    std::vector<std::string> videos;
    for (const std::string& subject : subjects) {
      ExampleContent video = SmallVideo(name + std::to_string(videos.size()));
      video.texts = {{.name = "subject", .text = subject}};
      videos.push_back(Encode(video));
    }
    WriteRecords(folder_ / name, videos);
    return std::vector<std::string>{(folder_ / name).string()};
  };
  Recipe recipe;
  recipe.data.group = "subject";
  DataSpec data = SmallSpec();
  data.validate = write("v", {"s1", "s2", "s2"});
  const auto warnings = [&] {
    std::vector<std::string> told;
    const auto groups =
        GroupsOfVideos(recipe, data, [&](const std::string& warning) { told.push_back(warning); });
    EXPECT_EQ(groups->groups().size(), 3U);
    return told;
  };
  data.train = write("t", {"s3", "s4"});
  data.digest = "apart";
  EXPECT_THAT(warnings(), ElementsAre());
  data.train = write("u", {"s2", "s3", "s2"});
  data.digest = "shared";
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr(
                              "1 group (subject) of the validation videos is in training, too: "
                              "what is measured")));
}

}  // namespace
}  // namespace beamgrid
