// Every real record file, against facts found with an independent parser (the folder's README and
// dataset's documentation).

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "trainer/data/batches.h"
#include "trainer/data/census.h"
#include "trainer/data/data_verdict.h"
#include "trainer/data/dataset.h"
#include "trainer/data/inspect.h"
#include "trainer/data/quantise.h"
#include "trainer/data/truth.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RealDataTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto shared = SharedData();
    if (!shared || !std::filesystem::exists(*shared / "data")) {
      GTEST_SKIP() << "no real data: set BEAMGRID_SHARED";
    }
    data_ = *shared / "data";
  }

  std::vector<std::string> FilesIn(const std::string& folder) const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(data_ / folder)) {
      files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  std::filesystem::path data_;
};

DataSpec VideoSpec(std::int64_t classes) {
  return {
      .format = "video", .classes = classes, .features = {{"mean_rgb", 1024}, {"mean_audio", 128}}};
}

DataSpec FrameSpec() {
  return {.format = "frame", .classes = 3862, .features = {{"rgb", 1024}, {"audio", 128}}};
}

DataSpec AudioSetSpec() {
  return {.format = "frame", .classes = 527, .features = {{"audio_embedding", 128}}};
}

/// What a pass over all examples finds.
struct Pass {
  std::int64_t videos = 0, labels = 0, frames = 0, shortest = 1 << 30, longest = 0;
  std::int32_t highest_label = -1;
  std::set<std::int32_t> classes;
  std::set<std::string> ids;
  float lowest = 0, highest = 0;  ///< of video-level features
};

Pass ReadAll(const DataSpec& spec, const std::vector<std::string>& files, LabelPolicy labels) {
  Dataset dataset(spec, files, labels);
  Batches batches(dataset, {.batch_size = 256});
  batches.Start(1);
  Pass pass;
  for (Batch batch; batches.Next(batch);) {
    pass.videos += batch.Size();
    pass.labels += std::ssize(batch.labels);
    pass.classes.insert(batch.labels.begin(), batch.labels.end());
    pass.ids.insert(batch.ids.begin(), batch.ids.end());
    for (const std::int64_t length : batch.lengths) {
      pass.frames += length;
      pass.shortest = std::min(pass.shortest, length);
      pass.longest = std::max(pass.longest, length);
    }
    for (const float value : batch.features) {
      pass.lowest = std::min(pass.lowest, value);
      pass.highest = std::max(pass.highest, value);
    }
  }
  if (!pass.classes.empty()) pass.highest_label = *pass.classes.rbegin();
  return pass;
}

TEST_F(RealDataTest, EveryFileIsSoundInEveryByte) {
  std::int64_t files = 0, records = 0;
  for (const char* folder : {"yt8m2018-video/train", "yt8m2018-video/validate", "yt8m2017-video",
                             "yt8m-frame", "audioset/train", "audioset/eval", "odd-records"}) {
    for (const std::string& file : FilesIn(folder)) {
      const VerifyReport report = VerifyFile(file);
      EXPECT_TRUE(report.damages.empty()) << file << ": " << report.damages.front().what;
      ++files;
      records += report.records;
    }
  }
  EXPECT_EQ(files, 40 + 15 + 4 + 1 + 16 + 8 + 2);
  EXPECT_EQ(records, 11'790 + 4'254 + 1'201 + 1 + 22'160 + 10'191 + 4);
}

TEST_F(RealDataTest, VideoLevelOf2018) {
  const Pass train =
      ReadAll(VideoSpec(3862), FilesIn("yt8m2018-video/train"), LabelPolicy::kRequired);
  EXPECT_EQ(train.videos, 11'790);
  EXPECT_EQ(train.ids.size(), 11'790U);
  EXPECT_EQ(train.labels, 35'542);
  EXPECT_EQ(train.classes.size(), 2802U);
  EXPECT_EQ(train.highest_label, 3860);
  // Means of dequantised values stay within the code's range.
  EXPECT_GE(train.lowest, -1.99219F);
  EXPECT_LE(train.highest, 2.00782F);
  EXPECT_LT(train.lowest, -1);
  EXPECT_GT(train.highest, 1);

  const Pass validate =
      ReadAll(VideoSpec(3862), FilesIn("yt8m2018-video/validate"), LabelPolicy::kRequired);
  EXPECT_EQ(validate.videos, 4'254);
  EXPECT_EQ(validate.labels, 12'745);
  for (const std::string& id : validate.ids) EXPECT_FALSE(train.ids.contains(id)) << id;
}

TEST_F(RealDataTest, VideoLevelOf2017WithAndWithoutLabels) {
  const std::string folder = (data_ / "yt8m2017-video").string();
  const std::vector<std::string> labelled = {folder + "/validatea0.tfrecord",
                                             folder + "/validatea1.tfrecord",
                                             folder + "/validatea2.tfrecord"};
  const std::string test = folder + "/testa0.tfrecord";
  const Pass pass = ReadAll(VideoSpec(4716), labelled, LabelPolicy::kRequired);
  EXPECT_EQ(pass.labels, 3542);
  EXPECT_EQ(pass.highest_label, 4638);
  EXPECT_TRUE(pass.ids.contains("a0OhZbhxhvk"));

  const Pass unlabelled = ReadAll(VideoSpec(4716), {test}, LabelPolicy::kIgnored);
  EXPECT_EQ(unlabelled.labels, 0);
  EXPECT_EQ(unlabelled.videos + pass.videos, 1201);
  EXPECT_TRUE(unlabelled.ids.contains("100273987"));
  EXPECT_THAT(
      ErrorText<DataError>([&] { ReadAll(VideoSpec(4716), {test}, LabelPolicy::kRequired); }),
      HasSubstr("has no labels"));
}

TEST_F(RealDataTest, TheLabelsOf2017AreBeyondTheClassesOf2018) {
  EXPECT_THAT(ErrorText<DataError>([&] {
                ReadAll(VideoSpec(3862), {(data_ / "yt8m2017-video/validatea0.tfrecord").string()},
                        LabelPolicy::kRequired);
              }),
              HasSubstr("must be 0..3861 (data.classes = 3862)"));
}

TEST_F(RealDataTest, TheFrameLevelVideo) {
  Dataset dataset(FrameSpec(), FilesIn("yt8m-frame"), LabelPolicy::kRequired);
  Batch batch;
  dataset.Read(std::vector<std::uint32_t>{0}, batch);
  EXPECT_THAT(batch.ids, ElementsAre("SjJ3"));
  EXPECT_THAT(batch.lengths, ElementsAre(170));
  EXPECT_THAT(batch.labels, ElementsAre(11));
  EXPECT_EQ(batch.width, 1152);
  EXPECT_THAT(std::vector(batch.frames.begin(), batch.frames.begin() + 4),
              ElementsAre(0x18, 0x87, 0x5f, 0x83));
  EXPECT_THAT(std::vector(batch.frames.begin() + 1024, batch.frames.begin() + 1028),
              ElementsAre(0xad, 0x1b, 0x7e, 0x5f));
  // PCA-whitened: near mean 0, which a wrong offset or order of bytes would not give.
  double sum = 0;
  for (const std::uint8_t code : batch.frames) sum += Dequantise(code);
  EXPECT_NEAR(sum / static_cast<double>(batch.frames.size()), 0, 0.1);
}

TEST_F(RealDataTest, AudioSet) {
  const Pass train = ReadAll(AudioSetSpec(), FilesIn("audioset/train"), LabelPolicy::kRequired);
  EXPECT_EQ(train.videos, 22'160);
  EXPECT_EQ(train.labels, 52'882);
  EXPECT_EQ(train.classes.size(), 527U);
  EXPECT_EQ(train.shortest, 1);
  EXPECT_EQ(train.longest, 10);
  EXPECT_EQ(train.frames, 220'270);
  const Pass eval = ReadAll(AudioSetSpec(), FilesIn("audioset/eval"), LabelPolicy::kRequired);
  EXPECT_EQ(eval.videos, 10'191);
  EXPECT_EQ(eval.frames, 101'277);
}

TEST_F(RealDataTest, AnAllZeroAudioAndForeignContextKeysAreRead) {
  const Pass pass = ReadAll(FrameSpec(), {(data_ / "odd-records/s_0_ou.tfrecord").string()},
                            LabelPolicy::kRequired);
  EXPECT_EQ(pass.videos, 1);
  EXPECT_EQ(pass.longest, 184);
  EXPECT_EQ(pass.labels, 2);
}

TEST_F(RealDataTest, FloatsWhereBytesAreExpectedAreRefusedByNameAndPlace) {
  const std::string file = (data_ / "odd-records/maxk.tfrecord").string();
  EXPECT_EQ(ErrorText<DataError>([&] {
              ReadAll(FrameSpec(), {file}, LabelPolicy::kRequired);
            }).substr(0, file.size() + 7),
            file + ": byte ");
  Dataset dataset(FrameSpec(), {file}, LabelPolicy::kRequired);
  EXPECT_EQ(dataset.Size(), 3);
  Batch batch;
  EXPECT_THAT(
      ErrorText<DataError>([&] { dataset.Read(std::vector<std::uint32_t>{0}, batch); }),
      HasSubstr("feature 'rgb', frame 0: 1024 floats where one string of 1024 bytes is expected"));
}

TEST_F(RealDataTest, InspectTellsWhatTheFilesHold) {
  const FileReport frame = InspectFile(data_ / "yt8m-frame/SjJ3_frame.tfrecord");
  EXPECT_EQ(frame.format, "frame");
  EXPECT_EQ(frame.records, 1);
  EXPECT_EQ(frame.max_class, 11);
  EXPECT_EQ(frame.frames.max, 170);
  EXPECT_THAT(frame.features, ElementsAre(testing::Pair("audio", 128), testing::Pair("rgb", 1024)));

  const FileReport video = InspectFile(data_ / "yt8m2017-video/testa0.tfrecord");
  EXPECT_EQ(video.format, "video");
  EXPECT_EQ(video.max_class, -1);
  EXPECT_EQ(video.frames.mean, 1);
  EXPECT_THAT(video.features,
              ElementsAre(testing::Pair("mean_audio", 128), testing::Pair("mean_rgb", 1024)));

  const FileReport odd = InspectFile(data_ / "odd-records/maxk.tfrecord");
  EXPECT_EQ(odd.records, 3);
  EXPECT_EQ(odd.frames.min, 15);
  EXPECT_EQ(odd.frames.max, 31);
  EXPECT_EQ(odd.features.at("audio"), 299);
}

TEST_F(RealDataTest, ACensusAcceptsTheRightRecipeAndExplainsAWrongOne) {
  DataSpec spec = VideoSpec(3862);
  spec.train = FilesIn("yt8m2018-video/train");
  spec.validate = FilesIn("yt8m2018-video/validate");
  const Census census = TakeCensus(spec);
  EXPECT_GT(census.train.examples, 11'000);
  EXPECT_GT(census.validate.examples, 4'000);
  EXPECT_EQ(census.train.damaged + census.validate.damaged, 0);
  EXPECT_EQ(census.shared, 0);
  const DataVerdict verdict = JudgeData(spec, census);
  EXPECT_THAT(verdict.problems, testing::IsEmpty());
  EXPECT_THAT(verdict.warnings, testing::IsEmpty());
  spec.features = {{"rgb", 1024}};
  const Census wrong = TakeCensus(spec);
  EXPECT_EQ(wrong.train.contradicting, census.train.examples);
  EXPECT_EQ(wrong.train.contradictions.size(), kShownFaults);
  EXPECT_THAT(wrong.train.contradictions.front().what,
              HasSubstr("feature 'rgb' is missing; the record has 'id', "
                        "'labels', 'mean_audio', 'mean_rgb'"));
}

TEST_F(RealDataTest, TruthIsReadFromRecords) {
  const Truth truth = ReadTruthRecords({data_ / "yt8m-frame/SjJ3_frame.tfrecord",
                                        data_ / "yt8m2018-video/train/validate0000.tfrecord"});
  EXPECT_THAT(truth.at("SjJ3"), ElementsAre(11));
  EXPECT_THAT(truth.at("02aa"), ElementsAre(3, 4, 9, 34));
}

}  // namespace
}  // namespace beamgrid
