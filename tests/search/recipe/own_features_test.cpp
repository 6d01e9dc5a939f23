// Recipes of features that are not YouTube-8M's: types, normalisation, their number.
#include <gmock/gmock.h>

#include <algorithm>

#include "search/recipe.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace own_features_test {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

Catalogue WithCounts() {
  Catalogue catalogue = TestCatalogue();
  for (ComponentInfo& component : catalogue.components) {
    if (component.criterion != "multimodal" || component.name == "concat") continue;
    component.least_features = 2;
    if (component.name == "attention") component.most_features = 2;
  }
  return catalogue;
}

std::string Text(const std::string& data, const std::string& rest = "",
                 const std::string& format = "frame") {
  return "beamgrid = 1\n[study]\nname = \"s\"\n[data]\nformat = \"" + format +
         "\"\ntrain = \"t*\"\nvalidate = \"v*\"\nclasses = 10\n" + data + rest;
}

std::string MistakesIn(const std::string& text) {
  try {
    (void)ParseRecipe(text, "r.toml", WithCounts());
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "";
}

DataSettings DataOf(const std::string& data) {
  return ParseRecipe(Text(data), "r.toml", WithCounts()).data;
}

TEST(OwnFeatures, TypesOfFramesAreThoseThatAreNotTheDefault) {
  EXPECT_THAT(DataOf("").frame_types, IsEmpty());
  EXPECT_THAT(DataOf("features = { clip = 512, beats = 768 }\n"
                     "frame_types = { beats = \"float16\", clip = \"uint8\" }\n")
                  .frame_types,
              UnorderedElementsAre(Pair("beats", FrameType::kFloat16)));
  EXPECT_THAT(
      MistakesIn(Text("frame_types = { rbg = \"float32\" }\n")),
      HasSubstr("r.toml:9:23: data.frame_types.rbg: is no feature of data.features: must be "
                "one of rgb, audio; did you mean 'rgb'?"));
  EXPECT_THAT(MistakesIn(Text("frame_types = { rgb = \"float32\" }\n", "", "video")),
              HasSubstr("data.frame_types: is for frames"));
}

TEST(OwnFeatures, NormalisationIsOneWordForAllOrOneForEach) {
  EXPECT_THAT(DataOf("normalise = \"l2_joint\"\n").normalise, IsEmpty());
  EXPECT_THAT(DataOf("normalise = \"standardise\"\n").normalise,
              UnorderedElementsAre(Pair("rgb", Normalisation::kStandardise),
                                   Pair("audio", Normalisation::kStandardise)));
  EXPECT_THAT(
      DataOf("normalise = { audio = \"none\", rgb = \"l2\" }\n").normalise,
      UnorderedElementsAre(Pair("rgb", Normalisation::kL2), Pair("audio", Normalisation::kNone)));
}

TEST(OwnFeatures, AComponentForAnotherNumberOfFeaturesIsAMistakeWithItsPlace) {
  const std::string one = "features = { clip = 512 }\n";
  const std::string three = "features = { clip = 512, beats = 768, text = 64 }\n";
  const std::string attention = "[[grid.multimodal]]\nuse = \"attention\"\n";
  const std::string sum = "[[grid.multimodal]]\nuse = \"sum\"\n";
  EXPECT_THAT(
      MistakesIn(Text(one, sum)),
      HasSubstr("r.toml:11:7: grid.multimodal[0].use: is 'sum', which needs two or more "
                "features; data.features has 1 feature (clip), for which there are concat"));
  EXPECT_THAT(MistakesIn(Text(three, attention)),
              HasSubstr("is 'attention', which needs exactly two features; data.features has 3 "
                        "features (clip, beats, text), for which there are concat, sum"));
  EXPECT_EQ(MistakesIn(Text(three, sum)), "");
  EXPECT_EQ(MistakesIn(Text("", attention)), "") << "the released data have two";
  EXPECT_EQ(MistakesIn(Text(one, "[[grid.multimodal]]\nuse = \"concat\"\n")), "");
  EXPECT_THAT(MistakesIn(Text(three,
                              "[search]\nstrategy = \"greedy\"\n[search.baseline]\n"
                              "multimodal = { use = \"attention\" }\n")),
              HasSubstr("search.baseline.multimodal.use: is 'attention'"));
}

TEST(OwnFeatures, LabelsAndWeightsAreOfWholeVideos) {
  const DataSettings data = DataOf("labels = \"multi_class\"\nvideo_weight = \"w\"\n");
  EXPECT_TRUE(data.multi_class);
  EXPECT_EQ(data.video_weight, "w");
  const std::string segments =
      MistakesIn(Text("labels = \"multi_class\"\nvideo_weight = \"w\"\n", "", "segment"));
  EXPECT_THAT(segments, HasSubstr("data.labels: is \"multi_class\""));
  EXPECT_THAT(segments, HasSubstr("data.video_weight: is for whole videos"));
}

/// The components that are for one feature, or for videos of one class.
Catalogue WithComponentsOf(const std::string& criterion, const std::vector<std::string>& names) {
  Catalogue catalogue = TestCatalogue();
  for (const std::string& name : names) {
    ComponentInfo component{.criterion = criterion, .name = name};
    if (criterion == "multimodal") {
      component.options = {{.name = "feature",
                            .type = OptionType::kInteger,
                            .default_value = "auto",
                            .minimum = 1,
                            .maximum = 99,
                            .choices = {"auto"}}};
    }
    catalogue.components.push_back(component);
  }
  return catalogue;
}

TEST(OwnFeatures, AFeatureThatNoNameTellsIsAMistakeWithItsPlace) {
  const Catalogue catalogue = WithComponentsOf("multimodal", {"rgb_only", "audio_only"});
  const auto mistakes = [&](const std::string& data, const std::string& rest) {
    try {
      (void)ParseRecipe(Text(data, rest), "r.toml", catalogue);
    } catch (const RecipeError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string own = "features = { clip = 512, beats = 768 }\n";
  for (const std::string word : {"rgb", "audio"}) {
    const std::string use = "[[grid.multimodal]]\nuse = \"" + word + "_only\"\n";
    EXPECT_THAT(mistakes(own, use),
                HasSubstr("r.toml:11:7: grid.multimodal[0].use: is '" + word +
                          "_only', and the name of no feature contains \"" + word +
                          "\": data.features has clip, beats; say which one by its number, "
                          "feature = 1..2"));
    EXPECT_THAT(mistakes(own, use + "feature = \"auto\"\n"), HasSubstr("no feature contains"));
    EXPECT_EQ(mistakes(own, use + "feature = 2\n"), "");
    EXPECT_EQ(mistakes("", use), "");
  }
}

TEST(OwnFeatures, PartsForAnotherKindOfLabelsAreRemarkedOn) {
  Catalogue catalogue = WithComponentsOf("classifier", {"softmax"});
  catalogue.components.push_back({.criterion = "loss", .name = "categorical_cross_entropy"});
  const auto remarks = [&](const std::string& data, const std::string& rest) {
    std::string text;
    for (const Diagnostic& remark : ParseRecipe(Text(data, rest), "r.toml", catalogue).remarks) {
      text += ToString(remark) + "\n";
    }
    return text;
  };
  const std::string softmax = "[[grid.classifier]]\nuse = \"softmax\"\n";
  const std::string loss = "[[grid.loss]]\nuse = \"categorical_cross_entropy\"\n";
  const std::string one = "labels = \"multi_class\"\n";
  EXPECT_EQ(remarks(one, softmax + loss), "");
  EXPECT_EQ(remarks("", ""), "");
  EXPECT_THAT(
      remarks("", softmax + loss),
      testing::AllOf(
          HasSubstr("r.toml:10:7: grid.classifier[0].use: 'softmax' is for videos of exactly "
                    "one class, and these may have several: write labels"),
          HasSubstr("r.toml:12:7: grid.loss[0].use: 'categorical_cross_entropy' is for")));
  EXPECT_THAT(remarks(one, ""),
              HasSubstr("r.toml:9:10: data.labels: is \"multi_class\", and every model judges each "
                        "class by itself"));
}

TEST(OwnFeatures, AccuraciesAreObjectivesOfVideosWithOneLabel) {
  const auto mistakes = [](const std::string& objective, std::string data) {
    std::string text = Text(data, "");
    text.replace(text.find("name ="), 0, "objective = \"" + objective + "\"\n");
    return MistakesIn(text);
  };
  const std::string one = "labels = \"multi_class\"\n";
  for (const std::string objective : {"accuracy", "top_5"}) {
    EXPECT_EQ(mistakes(objective, one), "");
    EXPECT_THAT(mistakes(objective, ""),
                HasSubstr("study.objective: is '" + objective +
                          "', which only videos of one label each have (data.labels = "
                          "\"multi_class\")"));
  }
  const auto five = [&](const std::string& objective) {
    std::string text = Text(one, "");
    text.replace(text.find("= 10"), 4, "= 5");
    text.replace(text.find("name ="), 0, "objective = \"" + objective + "\"\n");
    return MistakesIn(text);
  };
  EXPECT_EQ(five("accuracy"), "");
  EXPECT_THAT(five("top_5"), HasSubstr("r.toml:3:13: study.objective: is 'top_5', which is always "
                                       "1 where there are no more than 5 classes"));
}

TEST(OwnFeatures, WhatFollowsFromAMistakeIsNotToldAsWell) {
  const auto mistakes = [](const std::string& objective, const std::string& lines,
                           const std::string& format) {
    std::string text = Text(lines, "");
    text.replace(text.find("format = \"frame\"\n"), 17, format);
    text.replace(text.find("name ="), 0, "objective = \"" + objective + "\"\n");
    return MistakesIn(text);
  };
  const auto once = [](const std::string& said, const std::string& key) {
    EXPECT_THAT(said, HasSubstr(key));
    EXPECT_EQ(std::ranges::count(said, '\n'), 0) << said;
  };
  const std::string frame = "format = \"frame\"\n";
  once(mistakes("accuracy", "labels = \"multiclass\"\n", frame), "data.labels: is");
  once(mistakes("accuracy", "labels = 3\n", frame), "data.labels: is 3");
  once(mistakes("top_5", "lables = \"multi_class\"\n", frame), "data.lables: unknown key");
  once(mistakes("segment_map", "", "format = \"segmnt\"\n"), "data.format: is");
  once(mistakes("segment_map", "", ""), "data.format: is missing");
  once(mistakes("segment_map", "", "formt = \"segment\"\n"), "data.formt: unknown key");
  const std::string types = "frame_types = { clip = \"float32\" }\nnormalise = { clip = \"l2\" }\n";
  once(mistakes("gap", "feetures = { clip = 8 }\n" + types, frame), "data.feetures: unknown key");
  once(mistakes("gap", "features = 8\n" + types, frame), "data.features: is an integer");
  once(mistakes("gap", "unrated = \"ignore\"\n", "format = \"segmnt\"\n"), "data.format: is");
}

TEST(OwnFeatures, AlignmentOfFramesIsNoPartOfVideosWithoutFrames) {
  const auto alignment = [](const std::string& format) {
    return ParseRecipe(Text("frame_alignment = \"nearest\"\n", "", format), "r.toml", WithCounts())
        .data.frame_alignment;
  };
  EXPECT_EQ(alignment("frame"), FrameAlignment::kNearest);
  EXPECT_EQ(alignment("video"), FrameAlignment::kCut) << "its trials are the same";
}

}  // namespace own_features_test
}  // namespace beamgrid
