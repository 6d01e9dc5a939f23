// The classes that a recipe weighs, from the recipe or from a file.

#include "orchestrator/inputs/class_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orchestrator/inputs/data_files.h"
#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ClassListTest : public testing::Test {
 protected:
  std::vector<std::int32_t> Read(const std::string& text) {
    WriteFileAtomically(folder_ / "ids.csv", text);
    return WeightedClasses({.classes = 20, .weighted_classes_file = "ids.csv"}, folder_.path(),
                           &diagnostics_);
  }
  std::string Refusal(const std::string& text) {
    diagnostics_.clear();
    (void)Read(text);
    return diagnostics_.size() == 1 ? diagnostics_[0].message : "";
  }

  TemporaryFolder folder_;
  std::vector<Diagnostic> diagnostics_;
};

TEST_F(ClassListTest, AreTheFirstColumnSorted) {
  EXPECT_THAT(Read("Index\n7\n3\n19\n"), ElementsAre(3, 7, 19));
  EXPECT_THAT(Read("Index,Name\r\n7,Car\r\n\r\n3,\"Concert, live\"\r\n"), ElementsAre(3, 7));
  EXPECT_THAT(Read("\xEF\xBB\xBFIndex\n5\n"), ElementsAre(5)) << "as spreadsheets save it";
  EXPECT_THAT(diagnostics_, IsEmpty());
}

TEST_F(ClassListTest, TheFilesNameMayHoldVariables) {
  WriteFileAtomically(folder_ / "lists/ids.csv", "Index\n4\n");
  setenv("BEAMGRID_TEST_LISTS", (folder_ / "lists").c_str(), 1);
  const DataSettings settings{.classes = 20,
                              .weighted_classes_file = "$BEAMGRID_TEST_LISTS/ids.csv"};
  EXPECT_THAT(WeightedClasses(settings, "/", &diagnostics_), ElementsAre(4));
  unsetenv("BEAMGRID_TEST_LISTS");
  (void)WeightedClasses(settings, "/", &diagnostics_);
  ASSERT_EQ(diagnostics_.size(), 1U);
  EXPECT_THAT(diagnostics_[0].message, HasSubstr("BEAMGRID_TEST_LISTS is not set"));
}

TEST_F(ClassListTest, AWrongFileIsAnsweredWithItsLine) {
  EXPECT_THAT(Refusal("Class\n3\n"), HasSubstr("ids.csv:1: the first column must be 'Index'"));
  EXPECT_THAT(Refusal("Index\n3\n20\n"), HasSubstr("ids.csv:3: '20' is no class, must be 0..19"));
  EXPECT_THAT(Refusal("Index\nx\n"), HasSubstr("ids.csv:2: 'x' is no class"));
  EXPECT_THAT(Refusal("Index\n"), HasSubstr("lists no class"));
  EXPECT_THAT(Refusal("\x1F\x8B\x08"), HasSubstr("ids.csv: is compressed by gzip: unpack it"));
  std::filesystem::remove(folder_ / "ids.csv");
  diagnostics_.clear();
  (void)WeightedClasses({.classes = 20, .weighted_classes_file = "gone.csv"}, folder_.path(),
                        &diagnostics_);
  EXPECT_THAT(diagnostics_.at(0).message, HasSubstr("gone.csv"));
}

TEST_F(ClassListTest, ARecipesListIsPartOfItsData) {
  for (const char* name : {"train", "validate"}) WriteFileAtomically(folder_ / name, "x");
  Recipe recipe;
  recipe.path = folder_ / "r.toml";
  recipe.data = {.format = "segment",
                 .train = {"train"},
                 .validate = {"validate"},
                 .classes = 20,
                 .unrated = "negative",
                 .weighted_classes = {9, 2},
                 .class_weight = 5};
  const DataSpec data = FindDataFiles(recipe);
  EXPECT_EQ(data.unrated, "negative");
  EXPECT_THAT(data.weighted_classes, ElementsAre(2, 9));
  EXPECT_EQ(data.class_weight, 5);
  recipe.data.class_weight = 1;
  EXPECT_THAT(FindDataFiles(recipe).weighted_classes, IsEmpty()) << "they weigh what all weigh";
  recipe.data = {.train = {"train"},
                 .validate = {"validate"},
                 .classes = 20,
                 .weighted_classes_file = "gone.csv",
                 .weighted_classes_place = {"r.toml", 9, 20},
                 .class_weight = 5};
  EXPECT_THROW((void)FindDataFiles(recipe), RecipeError);
}

}  // namespace
}  // namespace beamgrid
