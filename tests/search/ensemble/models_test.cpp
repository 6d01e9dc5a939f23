#include "search/ensemble/models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "registry/util/scratch_memory.h"
#include "tests/search/ensemble/ensemble_support.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename Action>
std::string RefusalOf(const Action& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "not refused";
}

Predictions Over(const std::vector<std::string>& ids) {
  Predictions predictions;
  for (const std::string& id : ids) predictions.videos.push_back({.id = id});
  return predictions;
}

/// Two files of which neither has all of the truth; the second has one beyond it.
EnsembleModels TwoFiles(const Truth& truth, VideoSet videos) {
  EnsembleModels models(truth, videos);
  models.AddFile("a.csv", 0, Over({"y", "x", "other"}));
  models.AddFile("b.csv", 0, Over({"x"}));
  return models;
}
const Truth kTruth = {{"x", {1}}, {"y", {2, 3}}, {"z", {4}}};

TEST(EnsembleModels, RefusesFilesThatLackVideosOfTheTruthNamingAll) {
  EXPECT_EQ(RefusalOf([] { (void)TwoFiles(kTruth, VideoSet::kTruth).Aligned(); }),
            "ensemble: videos of the truth are missing in the predictions:\n"
            "  'a.csv' lacks 1 of 3, such as 'z'\n"
            "  'b.csv' lacks 2 of 3, such as 'y'\n"
            "use --common-videos to restrict all to the videos that every file has");
}

TEST(EnsembleModels, NamesAnIdOfAFileThatHasNoneOfTheTruth) {
  const auto with_quotes = [](VideoSet videos) {
    EnsembleModels models(kTruth, videos);
    models.AddFile("a.csv", 0, Over({"x", "y", "z"}));
    models.AddFile("b.csv", 0, Over({"\"x\"", "\"y\""}));
    return RefusalOf([&] { (void)models.Aligned(); });
  };
  EXPECT_THAT(with_quotes(VideoSet::kTruth),
              HasSubstr("'b.csv' lacks 3 of 3, such as 'x'; its own are others, such as '\"x\"'"));
  EXPECT_THAT(
      with_quotes(VideoSet::kCommon),
      HasSubstr("no video that all 2 models have, of the 3 videos of the truth: 'b.csv' has "
                "none of them, such as 'x'; its own are others, such as '\"x\"'"));
}

TEST(EnsembleModels, KeepsTheCommonVideosWithTheirLabels) {
  for (const AlignedModel& model : TwoFiles(kTruth, VideoSet::kCommon).Aligned()) {
    ASSERT_EQ(model.size(), 1U);
    EXPECT_EQ(model.id(0), "x");
    EXPECT_THAT(model.LabelsOf(0), ElementsAre(1));
  }
}

TEST(EnsembleModels, OfFilesSortsByIdAndIgnoresVideosBeyondTheTruth) {
  EnsembleModels models(Truth{{"x", {1}}, {"y", {2}}}, VideoSet::kTruth);
  models.AddFile("a.csv", 0, Over({"y", "x", "other"}));
  const AlignedModel model = models.Aligned().front();
  ASSERT_EQ(model.size(), 2U);
  EXPECT_EQ(model.id(0), "x");
  EXPECT_THAT(model.LabelsOf(1), ElementsAre(2));
}

TEST(EnsembleModels, RefusesModelsWithoutACommonVideo) {
  const std::string why =
      RefusalOf([] { (void)TwoFiles(Truth{{"elsewhere", {1}}}, VideoSet::kCommon).Aligned(); });
  EXPECT_EQ(why,
            "ensemble: there is no video that all 2 models have, of the 1 video of the truth: "
            "'a.csv' has none of them, such as 'elsewhere'; its own are others, such as 'other'");
}

TEST(EnsembleModels, OfTrialsKeepsTheVideosThatAllHave) {
  EnsembleModels models(VideoSet::kCommon);
  models.Add("b", 0, Over({"1", "2", "4"}));
  models.Add("a", 0, Over({"0", "2", "4"}));
  models.Add("c", 0, Over({"1", "2"}));
  const std::vector<AlignedModel> aligned = models.Aligned();
  EXPECT_EQ(aligned[0].model->name, "a") << "by name";
  for (const AlignedModel& model : aligned) {
    ASSERT_EQ(model.size(), 1U);
    EXPECT_EQ(model.id(0), "2");
  }
}

TEST(EnsembleModels, OnlyATruthThatCountsMustBeTheSame) {
  EnsembleModels models(VideoSet::kCommon);
  models.Add("a", 0, {.videos = {{.id = "1", .labels = {1}}, {.id = "2", .labels = {2}}}});
  models.Add("b", 0, {.videos = {{.id = "1", .labels = {3}}, {.id = "2", .labels = {2}}}});
  EXPECT_THAT(RefusalOf([&] { (void)models.Aligned(); }),
              HasSubstr("models 'a' and 'b' disagree on the true labels of video '1'"));
  models.Add("c", 0, {.videos = {{.id = "2", .labels = {2}}}});
  EXPECT_EQ(models.Aligned().front().size(), 1U);
}

TEST(EnsembleModels, RefusesLabelsThatAreNoClasses) {
  EnsembleModels models;
  const Predictions predictions{.videos = {{.id = "v", .top = {{kMaxClasses, 0.5}}}}};
  EXPECT_EQ(RefusalOf([&] { models.Add("m", 0, predictions); }),
            "ensemble: model 'm', video 'v': label 1048576 is not a class index");
}

TEST(EnsembleModels, GiveBackToTheLastBitWhatTheyTookIn) {
  // Scores that are floats and such that are not, small labels and large ones, empty lists.
  Predictions floats{.classes = 9, .top_k = 4}, mixed{.classes = kMaxClasses, .top_k = 4};
  floats.videos = {{"a", {{3, 0.1F}, {7, 1e-9F}}, {1, 3}}, {"b", {}, {}}, {"c", {{8, 1}}, {2}}};
  mixed.videos = {{"a", {{65535, 0.5F}, {1, 0.25F}}, {1, 3}},
                  {"b", {{65536, 0.1}, {2, 0.1F}}, {}},
                  {"c", {{kMaxClasses - 1, 1.0 / 3}, {0, 0}}, {2}}};
  EnsembleModels models;
  models.Add("floats", 5, floats);
  models.Add("mixed", 5, mixed);
  for (const auto& [name, given] : {std::pair("floats", floats), std::pair("mixed", mixed)}) {
    const Predictions back = models.PredictionsOf(name);
    EXPECT_EQ(back.classes, given.classes);
    EXPECT_EQ(back.top_k, given.top_k);
    ASSERT_EQ(back.videos.size(), 3U);
    for (std::size_t v = 0; v < 3; ++v) {
      EXPECT_EQ(back.videos[v].id, given.videos[v].id);
      EXPECT_EQ(back.videos[v].labels, given.videos[v].labels);
      ASSERT_EQ(back.videos[v].top.size(), given.videos[v].top.size()) << name << v;
      for (std::size_t i = 0; i < given.videos[v].top.size(); ++i) {
        EXPECT_EQ(back.videos[v].top[i].label, given.videos[v].top[i].label);
        EXPECT_EQ(back.videos[v].top[i].score, given.videos[v].top[i].score);
      }
    }
  }
}

TEST(EnsembleModels, KeepTheirListsWhereTheyAreTold) {
  // 3,000 videos: large enough for a file of their own.
  const auto planted =
      PlantPool({.models = 2, .videos = 3000, .classes = 150, .list_length = 120}, 1);
  const TemporaryFolder folder;
  ScratchMemory memory(folder.path());
  EnsembleModels models;
  models.set_memory(&memory);
  for (const EnsembleModel& model : planted) {
    models.Add(model.name, model.size_bytes, model.predictions);
  }
  const std::vector<AlignedModel> there = models.Aligned();
  EXPECT_EQ(SingleGap(there[1]), SingleGap(AlignModels(planted)[1]));
}

TEST(EnsembleModels, MakeTheSameEnsembleWhereverTheirListsLie) {
  // More pieces of work than are asked for ahead, in passes that bracket and passes that score.
  const auto planted =
      PlantPool({.models = 5, .videos = 5000, .classes = 60, .list_length = 30}, 1);
  const TemporaryFolder folder;
  ScratchMemory memory(folder.path());
  EnsembleModels in_files, in_memory;
  in_files.set_memory(&memory);
  for (const EnsembleModel& model : planted) {
    in_files.Add(model.name, model.size_bytes, model.predictions);
    in_memory.Add(model.name, model.size_bytes, model.predictions);
  }
  const EnsembleQuestion question{.members = 3, .beam_width = 2, .weights = Weighting::kUniform};
  EXPECT_EQ(ToJson(FindEnsemble(question, in_files)), ToJson(FindEnsemble(question, in_memory)));
}

TEST(EnsembleModels, TakeSixBytesAnEntryWhereScoresAreFloats) {
  const auto models = PlantPool({.models = 1, .videos = 50, .classes = 40, .list_length = 30}, 1);
  ModelLists as_floats, as_doubles;
  for (const VideoPrediction& video : models[0].predictions.videos) {
    std::vector<ScoredLabelDouble> list = video.top;
    as_doubles.Add(list);
    for (ScoredLabelDouble& entry : list) entry.score = static_cast<float>(entry.score);
    as_floats.Add(list);
  }
  EXPECT_EQ(as_floats.bytes(), 50 * 30 * 6 + 51 * 4U);
  EXPECT_EQ(as_doubles.bytes(), 50 * 30 * 10 + 51 * 4U);
}

}  // namespace
}  // namespace beamgrid
