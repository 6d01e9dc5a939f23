#include "registry/scoring/prediction_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "registry/util/error.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace prediction_stream_test {

using ::testing::HasSubstr;

std::string Stream(const std::vector<VideoPrediction>& videos, std::int64_t skipped) {
  std::ostringstream out;
  PredictionWriter writer(out);
  for (const VideoPrediction& video : videos) writer.Add(video);
  writer.Finish(skipped);
  return out.str();
}

std::vector<VideoPrediction> Read(const std::string& bytes, std::int64_t* skipped = nullptr) {
  std::istringstream in(bytes);
  PredictionReader reader(in);
  std::vector<VideoPrediction> videos;
  for (VideoPrediction video; reader.Next(video);) videos.push_back(video);
  if (skipped != nullptr) *skipped = reader.skipped();
  return videos;
}

const std::vector<VideoPrediction> kVideos = {
    {.id = "b", .top = {{3, 0.1F}, {1, 0.05F}}, .labels = {1, 7}},
    {.id = "", .top = {}, .labels = {}},
    {.id = std::string("a\0\n", 3), .top = {{0, 1.0F}}, .labels = {}}};

TEST(PredictionStreamTest, GivesBackEveryBitInTheOrderOfTheStream) {
  std::int64_t skipped = 0;
  const std::vector<VideoPrediction> read = Read(Stream(kVideos, 12), &skipped);
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(skipped, 12);
  for (std::size_t v = 0; v < read.size(); ++v) {
    EXPECT_EQ(read[v].id, kVideos[v].id);
    EXPECT_EQ(read[v].labels, kVideos[v].labels);
    ASSERT_EQ(read[v].top.size(), kVideos[v].top.size());
    for (std::size_t i = 0; i < read[v].top.size(); ++i) {
      EXPECT_EQ(read[v].top[i].label, kVideos[v].top[i].label);
      EXPECT_EQ(read[v].top[i].score, kVideos[v].top[i].score);
    }
  }
}

TEST(PredictionStreamTest, SignsOfLifeStandAnywhereBetweenVideos) {
  std::ostringstream out;
  PredictionWriter writer(out);
  writer.SayAlive();
  writer.SayAlive();
  for (const VideoPrediction& video : kVideos) {
    writer.Add(video);
    writer.SayAlive();
  }
  writer.Finish(3);
  std::int64_t skipped = 0;
  EXPECT_EQ(Read(out.str(), &skipped).size(), kVideos.size());
  EXPECT_EQ(skipped, 3);
  // A writer that died behind one left no end.
  EXPECT_THAT(ErrorText<Error>([] { (void)Read("\xFE\xFF\xFF\xFF"); }),
              HasSubstr("end before their end"));
}

TEST(PredictionStreamTest, CutOffAnywhereItIsRefused) {
  const std::string whole = Stream(kVideos, 0);
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_THAT(ErrorText<Error>([&] { (void)Read(whole.substr(0, bytes)); }),
                HasSubstr("end before their end"))
        << bytes;
  }
}

TEST(PredictionStreamTest, RefusesWhatIsNone) {
  EXPECT_THAT(ErrorText<Error>([] { (void)Read("usage: some other program\n"); }),
              HasSubstr("no predictions of beamgrid-trainer"));
  // A video that says that it has more scores than its bytes hold.
  std::string lying = Stream({kVideos[0]}, 0);
  lying[8] = '\x7F';
  EXPECT_THAT(ErrorText<Error>([&] { (void)Read(lying); }),
              HasSubstr("no predictions of beamgrid-trainer"));
}

}  // namespace prediction_stream_test
}  // namespace beamgrid
