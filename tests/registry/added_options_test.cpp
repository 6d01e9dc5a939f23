#include "registry/added_options.h"

#include <gmock/gmock.h>

#include "tests/support/specs.h"

namespace beamgrid {
namespace added_options_test {

using testing::HasSubstr;
using testing::Not;

/// A trial with a component of each row of the table, as it was before there were these options.
TrialSpec BeforeThereWere() {
  TrialSpec trial = ExampleTrial();
  trial.model.parts["multimodal"] = {"late", {{"joint", 0}}};
  trial.model.parts["temporal"] = {"lstm", {{"hidden", 8}}};
  return trial;
}

TEST(AddedOptions, SayNothingWhereTheyMeanWhatWasDoneBefore) {
  const TrialSpec before = BeforeThereWere();
  TrialSpec filled = before;
  FillInAsBefore(filled.model);
  EXPECT_NE(filled.model, before.model);
  EXPECT_EQ(filled.model.parts.at("classifier").options.at("dummy"), true);
  EXPECT_EQ(filled.model.parts.at("temporal").options.at("peepholes"), false);
  EXPECT_EQ(filled.model.train.at("l2_clipped"), false);
  EXPECT_EQ(filled.model.train.at("arithmetic"), "fp32");
  EXPECT_EQ(Fingerprint(filled), Fingerprint(before));
  FillInAsBefore(filled.model);
  EXPECT_EQ(Fingerprint(filled), Fingerprint(before));
}

TEST(AddedOptions, ThatMeanSomethingElseAreAnotherTrial) {
  const TrialSpec before = BeforeThereWere();
  std::set<std::string> fingerprints = {Fingerprint(before)};
  const auto with = [&](const std::function<void(ModelSpec&)>& change) {
    TrialSpec trial = before;
    FillInAsBefore(trial.model);
    change(trial.model);
    EXPECT_TRUE(fingerprints.insert(Fingerprint(trial)).second) << CanonicalText(trial);
  };
  with([](ModelSpec& model) { model.parts["classifier"].options["dummy"] = false; });
  with([](ModelSpec& model) { model.parts["temporal"].options["peepholes"] = true; });
  with([](ModelSpec& model) { model.parts["multimodal"].options["options"] = "audio.hidden=4"; });
  with([](ModelSpec& model) { model.train["mix"] = 0.4; });
  with([](ModelSpec& model) { model.train["late_decay_from"] = 4'000'000; });
  with([](ModelSpec& model) { model.train["arithmetic"] = "bf16"; });
}

TEST(AddedOptions, OfOtherComponentsStay) {
  TrialSpec trial = ExampleTrial();
  trial.model.parts["temporal"] = {"own", {{"peepholes", false}}};
  EXPECT_THAT(CanonicalText(trial), HasSubstr("peepholes"));
  FillInAsBefore(trial.model);
  EXPECT_FALSE(trial.model.parts["temporal"].options.contains("kernel"));
}

TEST(AddedOptions, OnlyThoseOfTheCatalogueAreFilledIn) {
  Catalogue catalogue;
  catalogue.components.push_back(
      {.criterion = "classifier", .name = "moe", .options = {{.name = "dummy"}}});
  ModelSpec model = BeforeThereWere().model;
  FillInAsBefore(model, &catalogue);
  EXPECT_TRUE(model.parts["classifier"].options.contains("dummy"));
  EXPECT_FALSE(model.parts["temporal"].options.contains("peepholes"));
  EXPECT_FALSE(model.train.contains("mix"));
}

// The order of L2 and clipping matters where there are both, or where a plugin's extra may clip.
TEST(AddedOptions, L2ClippedCountsWhereSomethingIsClipped) {
  TrialSpec trial = ExampleTrial();
  trial.model.train["l2"] = 1e-6;
  trial.model.train["l2_clipped"] = true;
  EXPECT_THAT(CanonicalText(trial), Not(HasSubstr("l2_clipped")));
  trial.model.extras["gradient_clip"] = {{"norm", 1.0}};
  EXPECT_THAT(CanonicalText(trial), HasSubstr("\"l2_clipped\":true"));
  trial.model.train["l2_clipped"] = false;
  EXPECT_THAT(CanonicalText(trial), Not(HasSubstr("l2_clipped")));
  trial.model.train["l2_clipped"] = true;
  trial.model.train["l2"] = 0.0;
  EXPECT_THAT(CanonicalText(trial), Not(HasSubstr("l2_clipped")));
  trial.model.extras.clear();
  trial.model.train["l2"] = 1e-6;
  trial.model.plugins = {{.name = "own.so", .path = "/own.so", .hash = "12"}};
  EXPECT_THAT(CanonicalText(trial), HasSubstr("l2_clipped"));
}

// A grid over weights and teachers, among them none, asks for the trial without a teacher once.
TEST(AddedOptions, TheWeightOfNoTeacherSaysNothing) {
  TrialSpec trial = ExampleTrial();
  const std::string untaught = Fingerprint(trial);
  trial.model.train["teacher"] = "";
  trial.model.train["teacher_weight"] = 0.7;
  EXPECT_EQ(Fingerprint(trial), untaught);
  trial.model.train["teacher"] = ToJson(NamedFile{.name = "t.csv", .path = "/t.csv", .hash = "1"});
  const std::string taught = Fingerprint(trial);
  EXPECT_NE(taught, untaught);
  trial.model.train["teacher_weight"] = 0.5;
  EXPECT_NE(Fingerprint(trial), taught);
  const std::string half = Fingerprint(trial);
  trial.model.train["teacher"] = ToJson(NamedFile{.name = "u.csv", .path = "/u.csv", .hash = "1"});
  EXPECT_EQ(Fingerprint(trial), half) << "what it holds counts, not its name";
  trial.model.train["teacher"] = ToJson(NamedFile{.name = "t.csv", .path = "/t.csv", .hash = "2"});
  EXPECT_NE(Fingerprint(trial), half);
}

}  // namespace added_options_test
}  // namespace beamgrid
