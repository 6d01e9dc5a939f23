#include "registry/catalogue.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

OptionInfo Integer(double minimum, double maximum) {
  OptionInfo option;
  option.name = "clusters";
  option.type = OptionType::kInteger;
  option.default_value = 64;
  option.minimum = minimum;
  option.maximum = maximum;
  return option;
}

OptionInfo Words(std::vector<OptionValue> choices) {
  OptionInfo option;
  option.name = "pool";
  option.type = OptionType::kString;
  option.default_value = choices.front();
  option.choices = std::move(choices);
  return option;
}

OptionInfo OfType(OptionType type) {
  OptionInfo option;
  option.type = type;
  return option;
}

OptionInfo Window() {
  OptionInfo option = Integer(1, 999);
  option.choices = {"all"};
  return option;
}

Catalogue Example() {
  ComponentInfo netvlad{.criterion = "temporal",
                        .name = "netvlad",
                        .label = "NetVLAD",
                        .source = "a paper, section 1",
                        .help = "learned clusters",
                        .options = {Integer(1, 4096), Words({"mean", "last"}), Window()}};
  netvlad.options[0].tag = "C";
  netvlad.options[0].always_named = true;
  return {.trainer_version = "0.1.0",
          .libtorch_version = "1.13.1",
          .components = {netvlad,
                         {.criterion = "temporal", .name = "mean"},
                         {.criterion = "loss", .name = "mean"}}};
}

TEST(Catalogue, SurvivesJson) {
  const Catalogue read = CatalogueFromJson(ParseJson(CanonicalJson(ToJson(Example()))));
  EXPECT_EQ(ToJson(read), ToJson(Example()));
  EXPECT_EQ(read.components[0].options[0].tag, "C");
  EXPECT_TRUE(read.components[0].options[0].always_named);
  EXPECT_EQ(read.components[0].options[0].maximum, 4096);
  EXPECT_EQ(read.components[0].options[2].choices.front(), "all");
  EXPECT_FALSE(read.components[0].options[1].minimum.has_value());
}

TEST(Catalogue, JsonHasTheFixedShape) {
  const boost::json::value component = ToJson(Example()).at("components").at(0);
  for (const char* key : {"criterion", "name", "options", "source", "help"}) {
    EXPECT_TRUE(component.as_object().contains(key)) << key;
  }
  const boost::json::value option = component.at("options").at(0);
  EXPECT_EQ(option.at("type"), "integer");
  EXPECT_EQ(option.at("default"), 64);
  EXPECT_EQ(option.at("allowed"), "1..4096");
}

TEST(Catalogue, FindsByCriterionAndName) {
  const Catalogue catalogue = Example();
  ASSERT_NE(catalogue.Find("loss", "mean"), nullptr);
  EXPECT_EQ(catalogue.Find("loss", "mean")->criterion, "loss");
  EXPECT_EQ(catalogue.Find("loss", "netvlad"), nullptr);
  EXPECT_EQ(catalogue.OfCriterion("temporal").size(), 2U);
  EXPECT_THAT(catalogue.OfCriterion("extras"), IsEmpty());
}

const NamedFile kPlugin{.name = "./a.so", .path = "/p/a.so", .hash = "2"};
const NamedFile kOtherPlugin{.name = "./b.so", .path = "/p/b.so", .hash = "1"};

TEST(Catalogue, KnowsWhichComponentsCameWithAPlugin) {
  Catalogue catalogue = Example();
  catalogue.components[0].plugin = kPlugin;
  const Catalogue read = CatalogueFromJson(ParseJson(CanonicalJson(ToJson(catalogue))));
  EXPECT_EQ(read.components[0].plugin, kPlugin);
  EXPECT_FALSE(read.components[1].plugin.has_value());
}

TEST(Catalogue, PluginsOfAModelAreThoseThatItUses) {
  Catalogue catalogue = Example();
  catalogue.components[0].plugin = kPlugin;
  catalogue.components[2].plugin = kPlugin;
  catalogue.components.push_back({.criterion = "extras", .name = "noise", .plugin = kOtherPlugin});
  ModelSpec model;
  model.parts["temporal"].component = "mean";
  EXPECT_THAT(PluginsOf(catalogue, model), IsEmpty());
  model.parts["temporal"].component = "netvlad";
  model.parts["loss"].component = "mean";
  EXPECT_THAT(PluginsOf(catalogue, model), testing::ElementsAre(kPlugin));
  model.extras["noise"] = {};
  EXPECT_THAT(PluginsOf(catalogue, model), testing::ElementsAre(kOtherPlugin, kPlugin));
}

TEST(Catalogue, RefusalsNameThePlace) {
  boost::json::object object = ToJson(Example());
  object["components"].at(0).at("options").at(1).as_object()["type"] = "text";
  EXPECT_EQ(ErrorText<std::invalid_argument>([&] { (void)CatalogueFromJson(object); }),
            "components[0].options[1].type: 'text' is not a type");
  object["components"].at(0).as_object().erase("help");
  EXPECT_EQ(ErrorText<std::invalid_argument>([&] { (void)CatalogueFromJson(object); }),
            "components[0].help: is missing");
}

TEST(Catalogue, DefaultOptionsAreComplete) {
  EXPECT_EQ(DefaultOptions(Example().components[0]), (Options{{"clusters", 64}, {"pool", "mean"}}));
}

TEST(AllowedText, SaysTheLimitsInWords) {
  EXPECT_EQ(AllowedText(Integer(1, 4096)), "1..4096");
  EXPECT_EQ(AllowedText(Words({"mean", "last"})), "one of mean, last");
  EXPECT_EQ(AllowedText(Window()), "1..999 or all");
  EXPECT_EQ(AllowedText(OfType(OptionType::kBool)), "true or false");
  EXPECT_EQ(AllowedText(OfType(OptionType::kNumber)), "a number");
  EXPECT_EQ(AllowedText(OfType(OptionType::kInteger)), "an integer");
  EXPECT_EQ(AllowedText(OfType(OptionType::kString)), "text");
  EXPECT_EQ(AllowedText(OfType(OptionType::kList)), "a list");
  EXPECT_EQ(AllowedText(OfType(OptionType::kFile)), "a file's path, relative to the recipe");
  OptionInfo may_be_left_out = OfType(OptionType::kFile);
  may_be_left_out.default_value = "";
  EXPECT_EQ(AllowedText(may_be_left_out), "a file's path, relative to the recipe, or \"\"");
  OptionInfo rate = OfType(OptionType::kNumber);
  rate.minimum = 0.5;
  EXPECT_EQ(AllowedText(rate), "at least 0.5");
  rate.minimum.reset();
  rate.maximum = 2;
  EXPECT_EQ(AllowedText(rate), "at most 2");
  OptionInfo widths = Integer(1, 8);
  widths.type = OptionType::kList;
  EXPECT_EQ(AllowedText(widths), "a list of values, each 1..8");
}

TEST(CheckOption, GivesTheValueInTheOptionsType) {
  const auto number = CheckOption(OfType(OptionType::kNumber), 1);
  EXPECT_THAT(number.error, IsEmpty());
  EXPECT_TRUE(number.value.is_double());
  EXPECT_EQ(number.value.as_double(), 1.0);
  EXPECT_TRUE(CheckOption(Integer(1, 4096), 64.0).value.is_int64());
  EXPECT_TRUE(CheckOption(Integer(1, 4096), std::uint64_t{64}).value.is_int64());
  EXPECT_EQ(CheckOption(OfType(OptionType::kBool), true).value, true);
  EXPECT_EQ(CheckOption(Window(), 5).value, 5);
  EXPECT_EQ(CheckOption(Window(), "all").value, "all");
  EXPECT_EQ(CheckOption(Words({"mean", "last"}), "last").value, "last");
}

TEST(CheckOption, LimitsAreInclusive) {
  EXPECT_THAT(CheckOption(Integer(1, 4096), 1).error, IsEmpty());
  EXPECT_THAT(CheckOption(Integer(1, 4096), 4096).error, IsEmpty());
  EXPECT_EQ(CheckOption(Integer(1, 4096), 0).error, "must be 1..4096");
  EXPECT_EQ(CheckOption(Integer(1, 4096), 4097).error, "must be 1..4096");
}

TEST(CheckOption, RefusesOtherTypes) {
  EXPECT_EQ(CheckOption(Integer(1, 4096), 2.5).error, "must be an integer, 1..4096");
  EXPECT_EQ(CheckOption(Integer(1, 4096), "64").error, "must be an integer, 1..4096");
  EXPECT_EQ(CheckOption(Integer(1, 4096), true).error, "must be an integer, 1..4096");
  EXPECT_EQ(CheckOption(Integer(1, 4096), 1e300).error, "must be an integer, 1..4096");
  EXPECT_EQ(CheckOption(Integer(0, 1e19), std::numeric_limits<std::uint64_t>::max()).error,
            "must be an integer, 0..1e+19");
  EXPECT_EQ(CheckOption(OfType(OptionType::kBool), 1).error, "must be true or false");
  EXPECT_EQ(CheckOption(OfType(OptionType::kString), 1).error, "must be text");
  EXPECT_EQ(CheckOption(OfType(OptionType::kNumber), std::numeric_limits<double>::infinity()).error,
            "must be a number");
  EXPECT_EQ(CheckOption(Words({"mean", "last"}), 3).error, "must be one of mean, last");
}

TEST(CheckOption, SuggestsTheNearestChoice) {
  EXPECT_EQ(CheckOption(Words({"mean", "last"}), "laste").error,
            "must be one of mean, last; did you mean 'last'?");
  EXPECT_EQ(CheckOption(Window(), "al").error, "must be 1..999 or all; did you mean 'all'?");
}

TEST(CheckOption, ChecksEachItemOfAList) {
  OptionInfo widths = Integer(1, 8);
  widths.type = OptionType::kList;
  EXPECT_THAT(CheckOption(widths, boost::json::array{1, 8}).error, IsEmpty());
  EXPECT_EQ(CheckOption(widths, boost::json::array{1, 9}).error,
            "must be a list of values, each 1..8");
  EXPECT_THAT(CheckOption(widths, boost::json::array{"x"}).error, HasSubstr("each 1..8"));
  EXPECT_THAT(CheckOption(widths, 3).error, HasSubstr("a list"));
  EXPECT_THAT(CheckOption(OfType(OptionType::kList), boost::json::array{"x", 1}).error, IsEmpty());
}

TEST(CheckOption, NumericChoicesMatchAcrossTypes) {
  OptionInfo bits = OfType(OptionType::kInteger);
  bits.choices = {16, 32};
  EXPECT_TRUE(CheckOption(bits, 16.0).value.is_int64());
  EXPECT_EQ(CheckOption(bits, 8).error, "must be one of 16, 32");
}

TEST(CheckOption, AFileIsAPathOrAFileThatWasLookedAt) {
  const OptionInfo option = OfType(OptionType::kFile);
  const auto unseen = NamedFileFrom(CheckOption(option, "pool.pt").value);
  EXPECT_EQ(unseen, (NamedFile{.name = "pool.pt"}));
  EXPECT_EQ(CheckOption(option, ToJson(kPlugin)).value, ToJson(kPlugin));
  for (const OptionValue& wrong : {OptionValue(""), OptionValue(3), OptionValue(nullptr)}) {
    EXPECT_EQ(CheckOption(option, wrong).error, "must be a file's path, relative to the recipe");
  }
}

TEST(CheckOption, AFileMayBeLeftOutWhereItsDefaultIsNone) {
  OptionInfo option = OfType(OptionType::kFile);
  option.default_value = "";
  EXPECT_EQ(CheckOption(option, "").value, "");
  EXPECT_EQ(CheckOption(option, "").error, "");
  EXPECT_EQ(CheckOption(option, ToJson(kPlugin)).value, ToJson(kPlugin));
  EXPECT_EQ(NamedFileFrom(CheckOption(option, "t.csv").value), (NamedFile{.name = "t.csv"}));
  for (const OptionValue& wrong : {OptionValue(3), OptionValue(nullptr), OptionValue(false)}) {
    EXPECT_NE(CheckOption(option, wrong).error, "");
  }
}

TEST(Catalogue, SaysForHowManyFeaturesAComponentIs) {
  ComponentInfo any{.criterion = "multimodal", .name = "any"};
  ComponentInfo pair{.criterion = "multimodal", .name = "pair", .least_features = 2};
  pair.most_features = 2;
  const ComponentInfo more{.criterion = "multimodal", .name = "more", .least_features = 2};
  ComponentInfo few{.criterion = "multimodal", .name = "few"};
  few.most_features = 3;
  EXPECT_EQ(FeatureCountText(any), "any number of features");
  EXPECT_EQ(FeatureCountText(pair), "exactly two features");
  EXPECT_EQ(FeatureCountText(more), "two or more features");
  EXPECT_EQ(FeatureCountText(few), "1 to 3 features");
  for (const std::size_t count : {1U, 2U, 3U, 8U}) {
    EXPECT_TRUE(TakesFeatures(any, count));
    EXPECT_EQ(TakesFeatures(pair, count), count == 2);
    EXPECT_EQ(TakesFeatures(more, count), count >= 2);
    EXPECT_EQ(TakesFeatures(few, count), count <= 3);
  }
  const Catalogue catalogue{.components = {any, few, more, pair}};
  const Catalogue read = CatalogueFromJson(ToJson(catalogue));
  ASSERT_EQ(read.components.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(read.components[i].least_features, catalogue.components[i].least_features);
    EXPECT_EQ(read.components[i].most_features, catalogue.components[i].most_features);
  }
}

}  // namespace
}  // namespace beamgrid
