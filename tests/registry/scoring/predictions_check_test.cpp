// Predictions that were read are trusted by everybody who indexes by their labels.

#include "registry/scoring/predictions_check.h"

#include <gtest/gtest.h>

#include <limits>

namespace beamgrid {
namespace {

Predictions Sound() {
  Predictions predictions{.classes = 10, .top_k = 3, .videos = {}};
  predictions.videos = {{"a", {{1, 0.75}, {2, 0.5}, {7, 0.5}}, {1, 7}}, {"b", {{3, 0.25}}, {}}};
  return predictions;
}

std::string ProblemOf(const Predictions& predictions) {
  return PredictionsCheck().ProblemOf(predictions);
}

TEST(PredictionsCheck, SoundOnesHaveNoProblem) {
  EXPECT_EQ(ProblemOf(Sound()), "");
  EXPECT_EQ(ProblemOf({}), "");
  Predictions of_unknown_classes = Sound();
  of_unknown_classes.classes = 0;
  EXPECT_EQ(ProblemOf(of_unknown_classes), "");
}

TEST(PredictionsCheck, NamesWhatContradictsWhat) {
  const auto with = [](auto change) {
    Predictions predictions = Sound();
    change(predictions);
    return ProblemOf(predictions);
  };
  EXPECT_EQ(with([](auto& p) { p.classes = -1; }), "-1 classes");
  EXPECT_EQ(with([](auto& p) { p.classes = kMaxClasses + std::int64_t{1}; }), "1048577 classes");
  EXPECT_EQ(with([](auto& p) { p.top_k = -1; }), "lists of -1 labels");
  EXPECT_EQ(with([](auto& p) { p.top_k = 2; }), "video 'a' has more labels than top_k");
  EXPECT_EQ(with([](auto& p) { p.videos[1].id = "a"; }), "video 'a' is out of order");
  EXPECT_EQ(with([](auto& p) { p.videos[0].top[2].label = 10; }),
            "video 'a' has a predicted label that is no class");
  EXPECT_EQ(with([](auto& p) { p.videos[1].top[0].label = -1; }),
            "video 'b' has a predicted label that is no class");
  EXPECT_EQ(
      with([](auto& p) { p.videos[0].top[1].score = std::numeric_limits<double>::quiet_NaN(); }),
      "video 'a' has a score that is NaN");
  EXPECT_EQ(with([](auto& p) { p.videos[0].top[1].score = 1; }),
            "video 'a' has scores out of order");
  EXPECT_EQ(with([](auto& p) { p.videos[0].top[1].label = 1; }),
            "video 'a' has a predicted label twice");
  EXPECT_EQ(with([](auto& p) { p.videos[0].labels = {7, 7}; }),
            "video 'a' has true labels out of order");
  EXPECT_EQ(with([](auto& p) { p.videos[0].labels = {7, 10}; }),
            "video 'a' has a true label that is no class");
}

TEST(PredictionsCheck, ALabelMayBeInTwoVideos) {
  Predictions predictions = Sound();
  predictions.videos[1].top[0].label = 1;
  EXPECT_EQ(ProblemOf(predictions), "");
}

}  // namespace
}  // namespace beamgrid
