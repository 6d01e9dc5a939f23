#include "registry/scoring/predictions.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <limits>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace predictions_test {

using testing::HasSubstr;

Predictions Example() {
  return {
      .classes = 10,
      .top_k = 3,
      .videos = {
          {"b", {{4, 0.75}, {2, 0.5}, {9, 0.5}}, {2, 7}}, {"a", {{1, 0.25}}, {}}, {"c", {}, {0}}}};
}

/// Without the fsync of WriteFileAtomically, for tests that write hundreds.
void WriteQuickly(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

void ExpectEqual(const Predictions& a, const Predictions& b) {
  EXPECT_EQ(a.classes, b.classes);
  EXPECT_EQ(a.top_k, b.top_k);
  ASSERT_EQ(a.videos.size(), b.videos.size());
  for (std::size_t i = 0; i < a.videos.size(); ++i) {
    EXPECT_EQ(a.videos[i].id, b.videos[i].id);
    EXPECT_EQ(a.videos[i].labels, b.videos[i].labels);
    ASSERT_EQ(a.videos[i].top.size(), b.videos[i].top.size());
    for (std::size_t j = 0; j < a.videos[i].top.size(); ++j) {
      EXPECT_EQ(a.videos[i].top[j].label, b.videos[i].top[j].label);
      EXPECT_EQ(a.videos[i].top[j].score, b.videos[i].top[j].score);
    }
  }
}

TEST(Predictions, SurviveTheFile) {
  const TemporaryFolder folder;
  WritePredictions(folder / "p.bin", Example());
  Predictions sorted = Example();
  std::ranges::sort(sorted.videos, {}, &VideoPrediction::id);
  ExpectEqual(ReadPredictions(folder / "p.bin"), sorted);
}

TEST(Predictions, TheFileIsTheSameForAnyOrderOfVideosAndLabels) {
  const TemporaryFolder folder;
  Predictions shuffled = Example();
  std::ranges::reverse(shuffled.videos);
  for (VideoPrediction& video : shuffled.videos) {
    std::ranges::reverse(video.top);
    std::ranges::reverse(video.labels);
  }
  WritePredictions(folder / "a.bin", Example());
  WritePredictions(folder / "b.bin", shuffled);
  EXPECT_EQ(ReadFile(folder / "a.bin"), ReadFile(folder / "b.bin"));
}

TEST(Predictions, ScoresThatOnlyFloatMakesEqualGoByLabel) {
  const TemporaryFolder folder;
  WritePredictions(folder / "p.bin",
                   {.classes = 9, .top_k = 2, .videos = {{"a", {{7, 0.5 + 1e-12}, {3, 0.5}}, {}}}});
  const Predictions read = ReadPredictions(folder / "p.bin");
  EXPECT_EQ(read.videos[0].top[0].label, 3);
  EXPECT_EQ(read.videos[0].top[1].label, 7);
}

TEST(Predictions, AnyFlippedByteIsRefused) {
  const TemporaryFolder folder;
  WritePredictions(folder / "p.bin", Example());
  const std::string whole = ReadFile(folder / "p.bin");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    WriteQuickly(folder / "damaged.bin", damaged);
    const std::string message =
        ErrorText<Error>([&] { (void)ReadPredictions(folder / "damaged.bin"); });
    EXPECT_THAT(message, HasSubstr("damaged.bin: ")) << "byte " << i;
  }
}

TEST(Predictions, AnyCutOffFileIsRefused) {
  const TemporaryFolder folder;
  WritePredictions(folder / "p.bin", Example());
  const std::string whole = ReadFile(folder / "p.bin");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    WriteQuickly(folder / "cut.bin", whole.substr(0, size));
    EXPECT_THROW((void)ReadPredictions(folder / "cut.bin"), Error) << size << " bytes";
  }
  WriteFileAtomically(folder / "longer.bin", whole + "x");
  EXPECT_THROW((void)ReadPredictions(folder / "longer.bin"), Error);
}

/// The file with its first bytes after the magic replaced and a hash that matches again.
std::string Forged(const std::string& whole, std::size_t offset, const std::string& bytes) {
  std::string body = whole.substr(0, whole.size() - 32);
  body.replace(offset, bytes.size(), bytes);
  return body + HashBytes(body);
}

TEST(Predictions, SoundHashesDoNotHideContradictions) {
  const TemporaryFolder folder;
  WritePredictions(folder / "p.bin", Example());
  const std::string whole = ReadFile(folder / "p.bin");
  const auto refusal = [&](std::size_t offset, const std::string& bytes) {
    WriteFileAtomically(folder / "forged.bin", Forged(whole, offset, bytes));
    return ErrorText<Error>([&] { (void)ReadPredictions(folder / "forged.bin"); });
  };
  EXPECT_THAT(refusal(8, std::string("\x02\0\0\0", 4)), HasSubstr("has version 2"));
  // The number of videos: none, one too many, and more than any memory holds.
  EXPECT_THAT(refusal(24, std::string(8, '\0')), HasSubstr("contradicts itself"));
  EXPECT_THAT(refusal(24, std::string("\x04", 1)), HasSubstr("contradicts itself"));
  EXPECT_THAT(refusal(24, std::string(7, '\xff')), HasSubstr("contradicts itself"));
  // The first video's lengths of id, scores and labels.
  for (const std::size_t offset : {32U, 36U, 40U}) {
    EXPECT_THAT(refusal(offset, std::string(4, '\xff')), HasSubstr("contradicts itself"));
  }
}

TEST(Predictions, OtherFilesAreNamedAsSuch) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "t.csv", "VideoId,Labels\n");
  EXPECT_THAT(ErrorText<Error>([&] { (void)ReadPredictions(folder / "t.csv"); }),
              HasSubstr("is not a predictions file"));
  EXPECT_THAT(ErrorText<Error>([&] { (void)ReadPredictions(folder / "gone"); }),
              HasSubstr("No such file"));
}

TEST(Predictions, UnsoundPredictionsAreNotWritten) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::function<void(Predictions&)>& spoil) {
    Predictions predictions = Example();
    spoil(predictions);
    const std::string message =
        ErrorText<std::invalid_argument>([&] { WritePredictions(folder / "p", predictions); });
    EXPECT_FALSE(std::filesystem::exists(folder / "p"));
    return message;
  };
  EXPECT_THAT(refusal([](Predictions& p) { p.top_k = 2; }), HasSubstr("'b' lists 3 labels"));
  EXPECT_THAT(refusal([](Predictions& p) { p.videos[0].id = "a"; }), HasSubstr("'a' is repeated"));
  EXPECT_THAT(refusal([](Predictions& p) {
                p.videos[0].top[0].score = std::numeric_limits<double>::quiet_NaN();
              }),
              HasSubstr("NaN"));
}

TEST(Score, CountsExactlyTheVideosOfTheTruth) {
  const Predictions predictions = {
      .classes = 0,
      .top_k = 2,
      .videos = {{"a", {{1, 0.9}, {2, 0.1}}, {}}, {"b", {{2, 0.8}}, {}}, {"z", {{5, 1}}, {}}}};
  const Metrics metrics = Score(predictions, {{"a", {1}}, {"b", {3}}});
  EXPECT_EQ(metrics.videos, 2);
  EXPECT_DOUBLE_EQ(metrics.gap, 0.5);
  EXPECT_DOUBLE_EQ(metrics.hit_at_1, 0.5);
}

TEST(Score, RefusesWithTheNumberOfMissingVideos) {
  const Predictions predictions = {.classes = 0, .top_k = 1, .videos = {{"b", {{1, 1}}, {}}}};
  EXPECT_THAT(
      ErrorText<Error>([&] { (void)Score(predictions, {{"a", {1}}, {"b", {1}}, {"c", {1}}}); }),
      testing::AllOf(HasSubstr("lack 2 of the truth's 3 videos"), HasSubstr("'a'")));
}

}  // namespace predictions_test
}  // namespace beamgrid
