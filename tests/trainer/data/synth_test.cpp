#include "trainer/data/synth.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"
#include "trainer/data/dataset.h"
#include "trainer/data/inspect.h"
#include "trainer/data/truth.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SynthTest : public testing::Test {
 protected:
  SynthOptions Small(const std::string& folder = "out") const {
    return {.out = folder_ / folder,
            .videos = 50,
            .classes = 12,
            .seed = 3,
            .features = {{"rgb", 16}, {"audio", 8}},
            .max_frames = 20};
  }

  static std::map<std::string, std::string> Contents(const std::filesystem::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      files[entry.path().filename().string()] = ReadFile(entry.path());
    }
    return files;
  }

  std::string Refusal(const SynthOptions& options) const {
    const std::string text = ErrorText<UsageError>([&] { WriteSynthetic(options); });
    EXPECT_FALSE(std::filesystem::exists(options.out) && !Contents(options.out).empty());
    return text;
  }

  TemporaryFolder folder_;
};

TEST_F(SynthTest, EqualOptionsGiveEqualBytesAndAnotherSeedDoesNot) {
  WriteSynthetic(Small("a"));
  WriteSynthetic(Small("b"));
  SynthOptions other = Small("c");
  other.seed = 4;
  WriteSynthetic(other);
  EXPECT_EQ(Contents(folder_ / "a"), Contents(folder_ / "b"));
  EXPECT_NE(Contents(folder_ / "a"), Contents(folder_ / "c"));
}

TEST_F(SynthTest, AFifthOfTheVideosGoesToValidateAndShardsDoNotChangeThem) {
  SynthOptions sharded = Small("sharded");
  sharded.shards = 3;
  const SynthReport report = WriteSynthetic(sharded);
  EXPECT_EQ(report.train_videos, 40);
  EXPECT_EQ(report.validate_videos, 10);
  EXPECT_EQ(report.train.size(), 3U);
  EXPECT_EQ(report.validate.size(), 3U);
  const SynthReport single = WriteSynthetic(Small("single"));
  EXPECT_EQ(single.train, std::vector{folder_ / "single" / "train0000.tfrecord"});
  EXPECT_EQ(single.validate, std::vector{folder_ / "single" / "validate0000.tfrecord"});
  std::string joined;
  for (const auto& file : report.train) joined += ReadFile(file);
  EXPECT_EQ(joined, ReadFile(single.train.front()));
  EXPECT_EQ(report.bytes, single.bytes);
}

TEST_F(SynthTest, ThereAreNeverMoreShardsThanVideos) {
  SynthOptions options = Small();
  options.videos = 2;
  options.shards = 9;
  const SynthReport report = WriteSynthetic(options);
  EXPECT_EQ(report.train.size(), 1U);
  EXPECT_EQ(report.validate.size(), 1U);
  EXPECT_EQ(InspectFile(report.train.front()).records, 1);
}

TEST_F(SynthTest, EveryFormatIsWhatTheReaderExpects) {
  for (const std::string format : {"video", "frame", "segment"}) {
    SynthOptions options = Small(format);
    options.format = format;
    const SynthReport report = WriteSynthetic(options);
    const FileReport file = InspectFile(report.train.front());
    EXPECT_EQ(file.format, format);
    EXPECT_EQ(file.records, 40);
    EXPECT_LT(file.max_class, 12);
    EXPECT_THAT(file.features, ElementsAre(testing::Pair("audio", 8), testing::Pair("rgb", 16)));
    EXPECT_EQ(file.frames.max, format == "video" ? 1 : 20);
    EXPECT_EQ(VerifyFile(report.train.front()).damages.size(), 0U);
    const DataSpec spec{.format = format, .classes = 12, .features = options.features};
    Dataset dataset(spec, {report.train.front().string()}, LabelPolicy::kRequired);
    Batch batch;
    dataset.Read(std::vector<std::uint32_t>{0, 1, 2}, batch);
    EXPECT_EQ(batch.Size(), 3);
    EXPECT_EQ(batch.width, 24);
  }
}

TEST_F(SynthTest, UsualFeaturesAreTheRealOnes) {
  SynthOptions options = Small();
  options.features.clear();
  options.videos = 2;
  const SynthReport report = WriteSynthetic(options);
  EXPECT_THAT(InspectFile(report.train.front()).features,
              ElementsAre(testing::Pair("audio", 128), testing::Pair("rgb", 1024)));
  EXPECT_THAT(UsualFeatures("video"),
              ElementsAre(Feature("mean_rgb", 1024), Feature("mean_audio", 128)));
}

TEST_F(SynthTest, IdsDiffer) {
  SynthOptions options = Small();
  options.videos = 3000;
  options.max_frames = 1;
  const SynthReport report = WriteSynthetic(options);
  const Truth truth = ReadTruthRecords({report.train.front(), report.validate.front()});
  EXPECT_EQ(truth.size(), 3000U);
  for (const auto& [id, labels] : truth) {
    EXPECT_EQ(id.size(), 4U);
    EXPECT_FALSE(labels.empty());
  }
}

TEST_F(SynthTest, LengthsSpanTheRange) {
  SynthOptions options = Small();
  options.videos = 1000;
  options.max_frames = 6;
  options.min_frames = 2;
  const FileReport report = InspectFile(WriteSynthetic(options).train.front());
  EXPECT_EQ(report.frames.min, 2);
  EXPECT_EQ(report.frames.max, 6);
}

std::map<std::int32_t, int> Frequencies(const Truth& truth) {
  std::map<std::int32_t, int> frequencies;
  for (const auto& [id, labels] : truth) {
    for (const std::int32_t label : labels) ++frequencies[label];
  }
  return frequencies;
}

class SynthLabelsTest : public SynthTest {
 protected:
  SynthOptions Many(const std::string& folder = "out") const {
    SynthOptions options = Small(folder);
    options.videos = 5000;
    options.classes = 40;
    options.features = {{"rgb", 1}};
    options.max_frames = 1;
    options.co_occurrence = 0;
    return options;
  }

  static Truth TrainTruth(const SynthOptions& options) {
    return ReadTruthRecords({WriteSynthetic(options).train.front()});
  }
};

TEST_F(SynthLabelsTest, LongTailMakesLaterClassesRarer) {
  SynthOptions options = Many();
  options.long_tail = 1;
  auto frequencies = Frequencies(TrainTruth(options));
  // Repeated pairs are drawn again, which favours the rare ones a little over 1 / rank.
  EXPECT_GT(frequencies[0], 5 * frequencies[38]);
  EXPECT_NEAR(frequencies[0], frequencies[1], 200);
  SynthOptions flat = Many();
  flat.long_tail = 0;
  frequencies = Frequencies(TrainTruth(flat));
  EXPECT_NEAR(frequencies[0], frequencies[38], 100);
}

TEST_F(SynthLabelsTest, LabelsPerVideoIsTheMean) {
  SynthOptions options = Many();
  options.long_tail = 0;
  options.labels_per_video = 3;
  double labels = 0;
  for (const auto& [id, of_video] : TrainTruth(options))
    labels += static_cast<double>(of_video.size());
  EXPECT_NEAR(labels / 4000, 2.8, 0.2);  // a pair drawn twice counts once
}

TEST_F(SynthLabelsTest, RareClassesAreTwentyTimesRarer) {
  SynthOptions options = Many();
  options.long_tail = 0;
  options.rare = 0.5;
  auto frequencies = Frequencies(TrainTruth(options));
  EXPECT_GT(frequencies[0], 8 * frequencies[30]);
}

TEST_F(SynthLabelsTest, CoOccurrenceConcentratesPairsOfLabels) {
  // Share of the labels beside the first pair's that fall on its 4 most common companions of 19.
  const auto concentration = [&](double strength) {
    SynthOptions options = Many(std::to_string(strength));
    options.long_tail = 0;
    options.co_occurrence = strength;
    std::vector<double> companions(20);
    for (const auto& [id, labels] : TrainTruth(options)) {
      if (labels.front() / 2 != 0) continue;
      for (const std::int32_t label : labels) companions[static_cast<std::size_t>(label / 2)] += 1;
    }
    companions[0] = 0;
    std::sort(companions.rbegin(), companions.rend());
    const double sum = std::accumulate(companions.begin(), companions.end(), 0.0);
    return std::accumulate(companions.begin(), companions.begin() + 4, 0.0) / sum;
  };
  EXPECT_LT(concentration(0), 0.33);
  EXPECT_GT(concentration(0.9), 0.45);
}

TEST_F(SynthLabelsTest, NoiseReplacesTrainingLabelsOnly) {
  const SynthReport clean = WriteSynthetic(Many("clean"));
  SynthOptions options = Many("noisy");
  options.label_noise = 0.3;
  const SynthReport noisy = WriteSynthetic(options);
  EXPECT_EQ(ReadTruthRecords({clean.validate.front()}), ReadTruthRecords({noisy.validate.front()}));
  const Truth before = ReadTruthRecords({clean.train.front()});
  int kept = 0, all = 0;
  for (const auto& [id, labels] : ReadTruthRecords({noisy.train.front()})) {
    for (const std::int32_t label : before.at(id)) {
      kept += std::count(labels.begin(), labels.end(), label) > 0 ? 1 : 0;
      ++all;
    }
  }
  EXPECT_NEAR(static_cast<double>(kept) / all, 0.72, 0.03);  // by chance a label replaces itself
}

struct BadOption {
  const char* what;
  void (*set)(SynthOptions&);
};

TEST_F(SynthTest, OptionsOutOfRangeAreRefusedWithTheRange) {
  const BadOption bad[] = {
      {"out: name the folder", [](SynthOptions& o) { o.out.clear(); }},
      {"videos = 1, must be 2 or more", [](SynthOptions& o) { o.videos = 1; }},
      {"classes = 0, must be 1..1000000", [](SynthOptions& o) { o.classes = 0; }},
      {"format = \"film\", must be video, frame or segment",
       [](SynthOptions& o) { o.format = "film"; }},
      {"max-frames = 0", [](SynthOptions& o) { o.max_frames = 0; }},
      {"min-frames = 21, must be 1..20", [](SynthOptions& o) { o.min_frames = 21; }},
      {"shards = 0", [](SynthOptions& o) { o.shards = 0; }},
      {"audio-lag = 0", [](SynthOptions& o) { o.audio_lag = 0; }},
      {"shot-frames = 0", [](SynthOptions& o) { o.shot_frames = 0; }},
      {"signal = -1, must be 0..2", [](SynthOptions& o) { o.signal = -1; }},
      {"noise = 3, must be 0..2", [](SynthOptions& o) { o.noise = 3; }},
      {"background = 1, must be 0..0.95", [](SynthOptions& o) { o.background = 1; }},
      {"labels-per-video = 0.5, must be 1..20", [](SynthOptions& o) { o.labels_per_video = 0.5; }},
      {"long-tail = 9", [](SynthOptions& o) { o.long_tail = 9; }},
      {"co-occurrence = 2", [](SynthOptions& o) { o.co_occurrence = 2; }},
      {"rare = 1, must be 0..0.9", [](SynthOptions& o) { o.rare = 1; }},
      {"label-noise = 1.5", [](SynthOptions& o) { o.label_noise = 1.5; }},
      {"lag = -0.1", [](SynthOptions& o) { o.plants.lag = -0.1; }},
      {"must be at most 1: they are shares", [](SynthOptions& o) { o.plants.order = 0.9; }},
      {"features: 'rgb' is named twice",
       [](SynthOptions& o) { o.features = {{"rgb", 1}, {"rgb", 1}}; }},
      {"features: 'labels' cannot be", [](SynthOptions& o) { o.features = {{"labels", 1}}; }},
      {"features: rgb = 0, must be 1..65536", [](SynthOptions& o) { o.features = {{"rgb", 0}}; }},
  };
  for (const BadOption& option : bad) {
    SynthOptions options = Small();
    option.set(options);
    EXPECT_THAT(Refusal(options), HasSubstr(option.what));
  }
}

TEST_F(SynthTest, OnlyFilesOfItsOwnNamesAreReplaced) {
  std::filesystem::create_directories(folder_ / "out");
  WriteBytes(folder_ / "out" / "notes.txt", "mine");
  WriteBytes(folder_ / "out" / "train0000.tfrecord", "old");
  WriteSynthetic(Small());
  EXPECT_EQ(ReadFile(folder_ / "out" / "notes.txt"), "mine");
  EXPECT_EQ(VerifyFile(folder_ / "out" / "train0000.tfrecord").records, 40);
  EXPECT_EQ(Contents(folder_ / "out").size(), 3U) << "no temporary file is left";
}

TEST_F(SynthTest, RecordsOfAnotherDatasetAreNotMixedIn) {
  SynthOptions many = Small();
  many.shards = 4;
  WriteSynthetic(many);
  const auto before = Contents(folder_ / "out");
  EXPECT_THAT(ErrorText<UsageError>([&] { WriteSynthetic(Small()); }),
              HasSubstr("tfrecord: is of another dataset"));
  EXPECT_EQ(Contents(folder_ / "out"), before);
}

TEST_F(SynthTest, AFolderThatCannotBeWrittenIsAnError) {
  WriteBytes(folder_ / "file", "");
  SynthOptions options = Small();
  options.out = folder_ / "file" / "out";
  EXPECT_THAT(ErrorText<Error>([&] { WriteSynthetic(options); }),
              HasSubstr("cannot create the folder: Not a directory"));
  options.out = "/proc";
  EXPECT_THAT(ErrorText<Error>([&] { WriteSynthetic(options); }), HasSubstr("/proc/train0000"));
}

}  // namespace
}  // namespace beamgrid
