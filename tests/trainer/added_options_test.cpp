#include "registry/added_options.h"

#include <gmock/gmock.h>

#include <string_view>

#include "tests/trainer/trial.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace added_options_test {

// A row that names nothing would protect nothing.
TEST(AddedOptions, AreOptionsOfTheCatalogueWithTheirOldMeaning) {
  const Catalogue catalogue = BuiltCatalogue();
  for (const AddedOption& added : AddedOptions()) {
    SCOPED_TRACE(std::string(added.component) + "." + added.option);
    const ComponentInfo* component = catalogue.Find(added.criterion, added.component);
    ASSERT_NE(component, nullptr);
    const OptionInfo* option = component->FindOption(added.option);
    ASSERT_NE(option, nullptr);
    EXPECT_EQ(CheckOption(*option, added.before).error, "");
    EXPECT_EQ(CheckOption(*option, added.before).value, added.before) << "of another type";
    // The one default that is not what was done before: see docs/papers.md.
    const bool changed = std::string_view(added.option) == "l2_clipped";
    EXPECT_EQ(option->default_value == added.before, !changed);
  }
}

TEST(AddedOptions, LetARecordedModelBeBuiltAgain) {
  ModelSpec model =
      MakeModel({.parts = {{"temporal", {"lstm", {{"hidden", 4}}}}, {"classifier", {"moe", {}}}}});
  for (const AddedOption& added : AddedOptions()) {
    for (auto& [criterion, part] : model.parts) part.options.erase(added.option);
    model.train.erase(added.option);
  }
  FillInAsBefore(model);
  EXPECT_FALSE(model.train.at("l2_clipped").as_bool());
  const DataSpec data{.format = "frame", .classes = 5, .features = {{"rgb", 4}}, .max_frames = 5};
  EXPECT_EQ(MeasureModel(model, data).parameters,
            MeasureModel(MakeModel({.parts = {{"temporal", {"lstm", {{"hidden", 4}}}},
                                              {"classifier", {"moe", {}}}}}),
                         data)
                .parameters);
}

}  // namespace added_options_test
}  // namespace beamgrid::trainer
