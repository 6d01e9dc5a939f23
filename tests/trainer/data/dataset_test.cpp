#include "trainer/data/dataset.h"

#include <gmock/gmock.h>

#include <unistd.h>
#include <cmath>

#include <numeric>

#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"
#include "trainer/data/synth.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class DatasetTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  std::string Write(const std::string& name, const std::vector<ExampleContent>& videos) {
    std::vector<std::string> payloads;
    for (std::size_t i = 0; i < videos.size(); ++i) payloads.push_back(Encode(videos[i], i));
    WriteRecords(folder_ / name, payloads);
    return Path(name);
  }

  void FlipByte(const std::string& name, std::size_t position) {
    std::string bytes = ReadFile(folder_ / name);
    bytes[position] ^= 1;
    WriteBytes(folder_ / name, bytes);
  }

  static Batch ReadAll(Dataset& dataset) {
    std::vector<std::uint32_t> examples(static_cast<std::size_t>(dataset.Size()));
    std::iota(examples.begin(), examples.end(), 0U);
    Batch batch;
    dataset.Read(examples, batch);
    return batch;
  }

  /// The error of reading one such video.
  std::string Refusal(const DataSpec& spec, const ExampleContent& video,
                      LabelPolicy labels = LabelPolicy::kRequired) {
    const std::string file = Write("refused", {video});
    Dataset dataset(spec, {file}, labels);
    return ErrorText<DataError>([&] { ReadAll(dataset); });
  }

  TemporaryFolder folder_;
};

std::string Frame(const Batch& batch, std::int64_t video, std::int64_t frame) {
  const auto* begin = reinterpret_cast<const char*>(batch.frames.data());
  return {begin + (video * batch.longest + frame) * batch.width,
          static_cast<std::size_t>(batch.width)};
}

TEST_F(DatasetTest, LaysFramesOutSideBySideAndPadsWithZeroBytes) {
  const std::string file = Write("a", {SmallVideo("v0", 1, {4, 0}), SmallVideo("v1", 2, {3})});
  Dataset dataset(SmallSpec(), {file}, LabelPolicy::kRequired);
  ASSERT_EQ(dataset.Size(), 2);
  const Batch batch = ReadAll(dataset);
  EXPECT_THAT(batch.ids, ElementsAre("v0", "v1"));
  EXPECT_THAT(batch.labels, ElementsAre(0, 4, 3));
  EXPECT_THAT(batch.label_offsets, ElementsAre(0, 2, 3));
  EXPECT_THAT(batch.LabelsOf(1), ElementsAre(3));
  EXPECT_THAT(batch.lengths, ElementsAre(1, 2));
  EXPECT_EQ(batch.longest, 2);
  EXPECT_EQ(batch.width, 6);
  EXPECT_EQ(batch.frames.size(), 2U * 2 * 6);
  EXPECT_EQ(Frame(batch, 0, 0), std::string("\0\1\2\3\x64\x65", 6));
  EXPECT_EQ(Frame(batch, 0, 1), std::string(6, '\0'));
  EXPECT_EQ(Frame(batch, 1, 1), std::string("\4\5\6\7\x66\x67", 6));
}

TEST_F(DatasetTest, ARecycledBatchHasNoTraceOfTheLastOne) {
  const std::string file = Write("a", {SmallVideo("long", 9), SmallVideo("short", 1)});
  Dataset dataset(SmallSpec(), {file}, LabelPolicy::kRequired);
  Batch recycled = ReadAll(dataset), fresh;
  const std::vector<std::uint32_t> other = {1, 0};
  dataset.Read(other, recycled);
  dataset.Read(other, fresh);
  EXPECT_EQ(recycled.frames, fresh.frames);
  EXPECT_EQ(recycled.lengths, fresh.lengths);
  EXPECT_EQ(recycled.labels, fresh.labels);
  EXPECT_THAT(recycled.ids, ElementsAre("short", "long"));
}

TEST_F(DatasetTest, FeaturesComeInTheOrderOfTheRecipe) {
  const std::string file = Write("a", {SmallVideo("v", 1)});
  DataSpec spec = SmallSpec();
  std::swap(spec.features[0], spec.features[1]);
  Dataset dataset(spec, {file}, LabelPolicy::kRequired);
  EXPECT_EQ(Frame(ReadAll(dataset), 0, 0), std::string("\x64\x65\0\1\2\3", 6));
}

TEST_F(DatasetTest, FeaturesThatAreNotReadDoNotStretchTheRows) {
  // The size of these records would allow for many more frames of audio alone.
  const std::string file = Write("a", {SmallVideo("v0", 1), SmallVideo("v1", 3)});
  DataSpec spec = SmallSpec();
  spec.features = {{"audio", 2}};
  Dataset dataset(spec, {file}, LabelPolicy::kRequired);
  const Batch batch = ReadAll(dataset);
  EXPECT_EQ(batch.longest, 3);
  EXPECT_THAT(batch.frames, ElementsAre(100, 101, 0, 0, 0, 0, 100, 101, 102, 103, 104, 105));
}

TEST_F(DatasetTest, VideoLevelFeaturesAreFloatsOfOneFrame) {
  const std::string file = Write("a", {{.id = "v",
                                        .labels = {2},
                                        .values = {{.name = "mean_rgb", .values = {1, 2, 3}},
                                                   {.name = "mean_audio", .values = {-1, 0.5F}}}}});
  DataSpec spec = SmallSpec();
  spec.format = "video";
  spec.features = {{"mean_audio", 2}, {"mean_rgb", 3}};
  Dataset dataset(spec, {file}, LabelPolicy::kRequired);
  const Batch batch = ReadAll(dataset);
  EXPECT_THAT(batch.features, ElementsAre(-1, 0.5F, 1, 2, 3));
  EXPECT_TRUE(batch.frames.empty());
  EXPECT_THAT(batch.lengths, ElementsAre(1));
  EXPECT_EQ(batch.longest, 1);
}

TEST_F(DatasetTest, LongVideosAreCutToMaxFrames) {
  const std::string file = Write("a", {SmallVideo("v", 9)});
  DataSpec spec = SmallSpec();
  spec.max_frames = 4;
  Dataset dataset(spec, {file}, LabelPolicy::kRequired);
  EXPECT_THAT(ReadAll(dataset).lengths, ElementsAre(4));
  EXPECT_EQ(dataset.counts().unequal_lengths, 0);
}

TEST_F(DatasetTest, OfUnequalLengthsTheShorterCountsAndEachVideoIsCountedOnce) {
  ExampleContent video = SmallVideo("v", 5);
  video.frames[1] = CountingFrames("audio", 2, 3);
  const std::string file = Write("a", {video, SmallVideo("w", 2)});
  Dataset dataset(SmallSpec(), {file}, LabelPolicy::kRequired);
  EXPECT_THAT(ReadAll(dataset).lengths, ElementsAre(3, 2));
  ReadAll(dataset);
  EXPECT_EQ(dataset.counts().unequal_lengths, 1);
  EXPECT_EQ(dataset.counts().skipped, 0);
}

TEST(NearestFrame, IsTheOneUnderTheMiddle) {
  for (std::size_t all = 1; all <= 30; ++all) {
    for (std::size_t have = 1; have <= all; ++have) {
      for (std::size_t t = 0; t < all; ++t) {
        // Frame t lasts from t / all to (t + 1) / all of the video, frame i from i / have on.
        const double middle = (static_cast<double>(t) + 0.5) / static_cast<double>(all);
        const std::size_t nearest = NearestFrame(t, have, all);
        EXPECT_LE(static_cast<double>(nearest), middle * static_cast<double>(have) + 1e-9);
        EXPECT_GT(static_cast<double>(nearest) + 1, middle * static_cast<double>(have) - 1e-9);
        if (have == all) {
          EXPECT_EQ(nearest, t);
        }
      }
    }
  }
}

TEST_F(DatasetTest, NearestFramesAreThoseUnderTheMiddleOfEachFrameOfTheLongest) {
  // rgb has 6 frames, audio 2: each of audio lasts three of rgb's. w is as it was.
  ExampleContent video = SmallVideo("v", 6);
  video.frames[1] = CountingFrames("audio", 2, 2);
  const std::string file = Write("a", {video, SmallVideo("w", 2)});
  DataSpec spec = SmallSpec();
  spec.features = {{"audio", 2}};
  Dataset cut(SmallSpec(), {file}, LabelPolicy::kRequired);
  EXPECT_THAT(ReadAll(cut).lengths, ElementsAre(2, 2));
  spec = SmallSpec();
  spec.frame_alignment = FrameAlignment::kNearest;
  Dataset dataset(spec, {file}, LabelPolicy::kRequired);
  const Batch batch = ReadAll(dataset);
  EXPECT_THAT(batch.lengths, ElementsAre(6, 2));
  const std::size_t width = static_cast<std::size_t>(batch.width);
  const auto audio_of = [&](std::size_t video_index, std::size_t t) {
    return batch.frames.at((video_index * 6 + t) * width + 4);
  };
  const auto rgb_of = [&](std::size_t t) { return batch.frames.at(t * width); };
  std::vector<int> audio, rgb;
  for (std::size_t t = 0; t < 6; ++t) {
    audio.push_back(audio_of(0, t) - audio_of(0, 0));
    rgb.push_back((rgb_of(t) - rgb_of(0)) / 4);
  }
  EXPECT_THAT(audio, ElementsAre(0, 0, 0, 2, 2, 2));
  EXPECT_THAT(rgb, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(audio_of(1, 1) - audio_of(1, 0), 2) << "equal lengths are left alone";
  EXPECT_EQ(dataset.counts().unequal_lengths, 1);
}

TEST_F(DatasetTest, NearestFramesAreOfTheWholeVideoAlsoWhereItIsCut) {
  ExampleContent video = SmallVideo("v", 12);
  video.frames[1] = CountingFrames("audio", 2, 3);
  const std::string file = Write("a", {video});
  DataSpec spec = SmallSpec();
  spec.frame_alignment = FrameAlignment::kNearest;
  spec.max_frames = 6;
  Dataset dataset(spec, {file}, LabelPolicy::kRequired);
  const Batch batch = ReadAll(dataset);
  ASSERT_THAT(batch.lengths, ElementsAre(6));
  std::vector<int> audio;
  for (std::size_t t = 0; t < 6; ++t) {
    audio.push_back(batch.frames.at(t * static_cast<std::size_t>(batch.width) + 4) -
                    batch.frames.at(4));
  }
  EXPECT_THAT(audio, ElementsAre(0, 0, 0, 0, 2, 2)) << "four of twelve each";
}

TEST_F(DatasetTest, NearestFramesOfASegmentAreThoseOfItsPlaceInTheVideo) {
  ExampleContent video = SmallVideo("v", 10);
  video.frames[1] = CountingFrames("audio", 2, 2);
  video.ratings = {{.label = 1, .start = 0, .end = 5, .score = 1},
                   {.label = 1, .start = 5, .end = 10, .score = 1}};
  const std::string file = Write("a", {video});
  DataSpec spec = SmallSpec();
  spec.format = "segment";
  EXPECT_EQ(Dataset(spec, {file}, LabelPolicy::kRequired).Size(), 1) << "audio has no second one";
  spec.frame_alignment = FrameAlignment::kNearest;
  Dataset dataset(spec, {file}, LabelPolicy::kRequired);
  const Batch batch = ReadAll(dataset);
  ASSERT_THAT(batch.lengths, ElementsAre(5, 5));
  const auto width = static_cast<std::size_t>(batch.width);
  for (std::size_t t = 0; t < 5; ++t) {
    EXPECT_EQ(batch.frames.at(t * width), t * 4);
    EXPECT_EQ(batch.frames.at(t * width + 4), 0) << "the first half is audio's first frame";
    EXPECT_EQ(batch.frames.at((5 + t) * width), (5 + t) * 4);
    EXPECT_EQ(batch.frames.at((5 + t) * width + 4), 2) << "the second half its second";
  }
}

TEST_F(DatasetTest, AFeatureWithoutFramesIsRefusedWhateverTheAlignment) {
  ExampleContent video = SmallVideo("v", 3);
  video.frames[1] = CountingFrames("audio", 2, 0);
  for (const FrameAlignment alignment : {FrameAlignment::kCut, FrameAlignment::kNearest}) {
    DataSpec spec = SmallSpec();
    spec.frame_alignment = alignment;
    EXPECT_THAT(Refusal(spec, video), HasSubstr("the video has no frames"));
  }
}

TEST_F(DatasetTest, AMissingFeatureNamesWhatIsThereAndTheNearest) {
  DataSpec spec = SmallSpec();
  spec.features[1].first = "audoi";
  EXPECT_THAT(
      Refusal(spec, SmallVideo("v")),
      HasSubstr(
          "refused: byte 0: video 'v': feature 'audoi' is missing; the record has 'audio', 'rgb' "
          "per frame; did you mean 'audio'?"));
}

TEST_F(DatasetTest, AFeatureOfTheOtherLevelNamesTheFormat) {
  ExampleContent both = SmallVideo("v");
  both.values = {{.name = "mean_rgb", .values = {1}}};
  DataSpec spec = SmallSpec();
  spec.features = {{"mean_rgb", 1}};
  EXPECT_THAT(Refusal(spec, both), HasSubstr("data.format = \"video\""));
  spec.format = "video";
  spec.features = {{"rgb", 4}};
  EXPECT_THAT(Refusal(spec, both), HasSubstr("data.format = \"frame\""));
}

TEST_F(DatasetTest, AnotherWidthIsRefused) {
  DataSpec spec = SmallSpec();
  spec.features[0].second = 1024;
  EXPECT_THAT(Refusal(spec, SmallVideo("v")),
              HasSubstr("feature 'rgb', frame 0: width 4, data.features says 1024"));
  spec.format = "video";
  spec.features = {{"mean_rgb", 3}};
  ExampleContent video = SmallVideo("v");
  video.values = {{.name = "mean_rgb", .values = {1, 2}}};
  EXPECT_THAT(Refusal(spec, video),
              HasSubstr("feature 'mean_rgb' has width 2, data.features says 3"));
}

TEST_F(DatasetTest, AnotherKindIsRefused) {
  DataSpec spec = SmallSpec();
  spec.format = "video";
  spec.features = {{"labels", 1}};
  EXPECT_THAT(Refusal(spec, SmallVideo("v")),
              HasSubstr("feature 'labels' holds integers, a video-level feature must hold floats"));
}

TEST_F(DatasetTest, ALabelBeyondTheClassesIsRefused) {
  EXPECT_THAT(Refusal(SmallSpec(), SmallVideo("v", 1, {1, 5})),
              HasSubstr("label 5, must be 0..4 (data.classes = 5)"));
  EXPECT_THAT(Refusal(SmallSpec(), SmallVideo("v", 1, {-1})), HasSubstr("label -1, must be 0..4"));
}

TEST_F(DatasetTest, WhatOneVideoLacksIsSkippedWhereTheRecipeSaysSo) {
  DataSpec spec = SmallSpec();
  spec.format = "video";
  spec.features = {{"x", 2}};
  spec.on_error = "skip";
  const auto video = [](const std::string& id, std::vector<std::int64_t> labels, float value) {
    return ExampleContent{
        .id = id, .labels = std::move(labels), .values = {{.name = "x", .values = {value, value}}}};
  };
  const std::string file =
      Write("a", {video("a", {1}, 1), video("b", {}, 1), video("c", {1}, NAN), video("d", {1}, 2)});
  Dataset dataset(spec, {file}, LabelPolicy::kRequired);
  EXPECT_THAT(ReadAll(dataset).ids, ElementsAre("a", "d"));
  EXPECT_EQ(dataset.counts().skipped, 2);
  spec.on_error = "stop";
  EXPECT_THAT(Refusal(spec, video("c", {1}, NAN)),
              HasSubstr("byte 0: video 'c': feature 'x' holds nan at index 0, must be finite"));
}

TEST_F(DatasetTest, VideosWithoutLabelsAreRefusedWhereLabelsAreNeeded) {
  const ExampleContent video = SmallVideo("v", 1, {});
  EXPECT_THAT(Refusal(SmallSpec(), video), HasSubstr("byte 0: video 'v': has no labels"));
  Dataset dataset(SmallSpec(), {Write("a", {video})}, LabelPolicy::kIgnored);
  EXPECT_THAT(ReadAll(dataset).label_offsets, ElementsAre(0, 0));
}

TEST_F(DatasetTest, WhatLabelsAreIsNothingToAPrediction) {
  const std::string beyond = Write("a", {SmallVideo("v", 1, {1, 5}), SmallVideo("w", 1, {-3})});
  EXPECT_THAT(ErrorText<DataError>([&] {
                Dataset labelled(SmallSpec(), {beyond}, LabelPolicy::kRequired);
                (void)ReadAll(labelled);
              }),
              HasSubstr("label 5, must be 0.."));
  Dataset dataset(SmallSpec(), {beyond}, LabelPolicy::kIgnored);
  const Batch batch = ReadAll(dataset);
  EXPECT_THAT(batch.ids, ElementsAre("v", "w"));
  EXPECT_THAT(batch.label_offsets, ElementsAre(0, 0, 0));
}

TEST_F(DatasetTest, AVideoWithoutIdIsRefused) {
  EXPECT_THAT(Refusal(SmallSpec(), SmallVideo("")), HasSubstr("neither 'id' nor 'video_id'"));
}

TEST_F(DatasetTest, AVideoWithoutFramesIsDamaged) {
  EXPECT_THAT(Refusal(SmallSpec(), SmallVideo("v", 0)), HasSubstr("the video has no frames"));
}

TEST_F(DatasetTest, ContradictionsAreNotSkipped) {
  DataSpec spec = SmallSpec();
  spec.on_error = "skip";
  EXPECT_THAT(Refusal(spec, SmallVideo("v", 1, {5})), HasSubstr("label 5"));
}

TEST_F(DatasetTest, DamageStopsOrIsSkippedAndCountedOnce) {
  const std::string file =
      Write("a", {SmallVideo("v0"), SmallVideo("v1"), SmallVideo("v2", 0), SmallVideo("v3")});
  FlipByte("a", TfRecordFile(file).Skip(0) + 20);
  DataSpec spec = SmallSpec();
  Dataset stopping(spec, {file}, LabelPolicy::kRequired);
  EXPECT_THAT(ErrorText<DataError>([&] { ReadAll(stopping); }),
              HasSubstr("do not match their CRC"));
  spec.on_error = "skip";
  Dataset skipping(spec, {file}, LabelPolicy::kRequired);
  EXPECT_THAT(ReadAll(skipping).ids, ElementsAre("v0", "v3"));
  EXPECT_EQ(ReadAll(skipping).Size(), 2);
  EXPECT_EQ(skipping.counts().skipped, 2);
}

TEST_F(DatasetTest, DamageThatAnotherDatasetMetIsCountedOnceInAll) {
  const std::string file =
      Write("a", {SmallVideo("v0"), SmallVideo("v1", 0), SmallVideo("v2", 0), SmallVideo("v3")});
  DataSpec spec = SmallSpec();
  spec.on_error = "skip";
  Dataset first(spec, {file}, LabelPolicy::kRequired), second(spec, {file}, LabelPolicy::kRequired);
  Batch batch;
  const std::uint32_t until_v1[] = {0, 1}, from_v1[] = {1, 2, 3};
  first.Read(until_v1, batch);
  EXPECT_THAT(first.Damaged(), ElementsAre(1));
  second.RecallDamaged(first.Damaged());
  second.RecallDamaged(std::vector<std::uint32_t>{4, 4'000'000'000});  // there are none
  EXPECT_EQ(second.counts().skipped, 1);
  second.Read(from_v1, batch);
  EXPECT_EQ(second.counts().skipped, 2);
  EXPECT_THAT(second.Damaged(), ElementsAre(1, 2));
}

TEST_F(DatasetTest, ADamagedLengthEndsItsFileOnly) {
  const std::string damaged = Write("a", {SmallVideo("v0"), SmallVideo("v1"), SmallVideo("v2")});
  const std::string sound = Write("b", {SmallVideo("v3")});
  const std::uint64_t second = TfRecordFile(damaged).Skip(0);
  FlipByte("a", second);
  DataSpec spec = SmallSpec();
  EXPECT_THAT(
      ErrorText<DataError>([&] { Dataset(spec, {damaged, sound}, LabelPolicy::kRequired); }),
      HasSubstr("a: byte " + std::to_string(second) + ": the record's length"));
  spec.on_error = "skip";
  Dataset skipping(spec, {damaged, sound}, LabelPolicy::kRequired);
  EXPECT_THAT(ReadAll(skipping).ids, ElementsAre("v0", "v3"));
  EXPECT_EQ(skipping.counts().skipped, 1);
}

TEST_F(DatasetTest, NoRecordsAtAllIsAnError) {
  WriteBytes(folder_ / "empty", "");
  EXPECT_THAT(
      ErrorText<Error>([&] { Dataset(SmallSpec(), {Path("empty")}, LabelPolicy::kRequired); }),
      HasSubstr("empty: no usable records in 1 file(s)"));
  EXPECT_THAT(ErrorText<Error>([&] { Dataset(SmallSpec(), {}, LabelPolicy::kRequired); }),
              HasSubstr("no files"));
}

class SegmentTest : public DatasetTest {
 protected:
  static DataSpec Spec() {
    DataSpec spec = SmallSpec();
    spec.format = "segment";
    return spec;
  }

  static ExampleContent RatedVideo() {
    ExampleContent video = SmallVideo("v", 12);
    video.ratings = {{.label = 3, .start = 10, .end = 15, .score = 1},
                     {.label = 4, .start = 5, .end = 10, .score = 0},
                     {.label = 2, .start = 10, .end = 15, .score = 1},
                     {.label = 1, .start = 10, .end = 15, .score = 0},
                     {.label = 1, .start = 60, .end = 65, .score = 1}};
    return video;
  }
};

TEST_F(SegmentTest, RatedSegmentsAreExamplesWithTheirOwnFramesAndLabels) {
  Dataset dataset(Spec(), {Write("a", {RatedVideo()})}, LabelPolicy::kRequired);
  const Batch batch = ReadAll(dataset);
  EXPECT_THAT(batch.ids, ElementsAre("v:5", "v:10"));  // start 60 is behind the last frame
  EXPECT_THAT(batch.lengths, ElementsAre(5, 2));
  EXPECT_THAT(batch.label_offsets, ElementsAre(0, 0, 2));
  EXPECT_THAT(batch.labels, ElementsAre(2, 3));
  EXPECT_THAT(batch.rated_offsets, ElementsAre(0, 1, 4));
  EXPECT_THAT(batch.rated, ElementsAre(4, 1, 2, 3));
  EXPECT_THAT(batch.RatedOf(0), ElementsAre(4));
  EXPECT_THAT(dataset.RatedClasses(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(Frame(batch, 1, 0).substr(0, 4), std::string("\x28\x29\x2a\x2b"));  // frame 10 of rgb
}

TEST_F(SegmentTest, AClassRatedTwiceIsPositiveIfOnePersonSaysSo) {
  ExampleContent video = SmallVideo("v", 12);
  for (const float score : {0.0F, 1.0F, 0.0F}) {
    video.ratings.push_back({.label = 3, .start = 5, .end = 10, .score = score});
  }
  Dataset dataset(Spec(), {Write("a", {video})}, LabelPolicy::kRequired);
  const Batch batch = ReadAll(dataset);
  EXPECT_THAT(batch.ids, ElementsAre("v:5"));
  EXPECT_THAT(batch.labels, ElementsAre(3));
  EXPECT_THAT(batch.rated, ElementsAre(3));
}

TEST_F(SegmentTest, AScoreThatIsNoRatingIsRefused) {
  ExampleContent video = RatedVideo();
  video.ratings[1].score = 0.7F;
  const std::string file = Write("a", {video});
  EXPECT_THAT(ErrorText<DataError>([&] { Dataset(Spec(), {file}, LabelPolicy::kRequired); }),
              HasSubstr("segment_scores holds 0.7"));
}

TEST_F(SegmentTest, TheLossIgnoresUnratedCellsOrCountsThemAsNegatives) {
  DataSpec spec = Spec();
  const std::string file = Write("a", {RatedVideo()});
  Dataset ignoring(spec, {file}, LabelPolicy::kRequired);
  EXPECT_EQ(ReadAll(ignoring).unrated_weight, 0);
  spec.unrated = "negative";
  Dataset counting(spec, {file}, LabelPolicy::kRequired);
  EXPECT_EQ(ReadAll(counting).unrated_weight, 1);
}

TEST_F(DatasetTest, ClassesWeighWhatTheSpecSays) {
  DataSpec spec = SmallSpec();
  const std::string file = Write("a", {SmallVideo("v")});
  Dataset plain(spec, {file}, LabelPolicy::kRequired);
  EXPECT_TRUE(ReadAll(plain).class_weights.empty());
  EXPECT_TRUE(ReadAll(plain).rated_offsets.empty());
  spec.weighted_classes = {1, 3};
  spec.class_weight = 5;
  Dataset weighted(spec, {file}, LabelPolicy::kRequired);
  const std::vector<float> weights = ReadAll(weighted).class_weights;
  ASSERT_EQ(std::ssize(weights), spec.classes);
  EXPECT_THAT(std::vector(weights.begin(), weights.begin() + 4), ElementsAre(1, 5, 1, 5));
}

TEST_F(SegmentTest, WithoutRatingsEveryWindowIsAnExample) {
  Dataset dataset(Spec(), {Write("a", {SmallVideo("v", 12)})}, LabelPolicy::kIgnored);
  const Batch batch = ReadAll(dataset);
  EXPECT_THAT(batch.ids, ElementsAre("v:0", "v:5", "v:10"));
  EXPECT_THAT(batch.lengths, ElementsAre(5, 5, 2));
}

TEST_F(SegmentTest, ForAPredictionRatingsSayWhichSegmentsAndNoMore) {
  Dataset rated(Spec(), {Write("a", {RatedVideo()})}, LabelPolicy::kRequired);
  DataSpec few = Spec();
  few.classes = 1;  // the ratings are of more
  Dataset dataset(few, {Path("a")}, LabelPolicy::kIgnored);
  const Batch batch = ReadAll(dataset);
  EXPECT_EQ(batch.ids, ReadAll(rated).ids);
  EXPECT_EQ(batch.lengths, ReadAll(rated).lengths);
  EXPECT_TRUE(dataset.RatedClasses().empty());
}

TEST_F(SegmentTest, MissingRatingsAreRefused) {
  const std::string unrated = Write("a", {SmallVideo("v", 12)});
  EXPECT_THAT(ErrorText<DataError>([&] { Dataset(Spec(), {unrated}, LabelPolicy::kRequired); }),
              HasSubstr("no segment ratings"));
}

TEST_F(SegmentTest, RatingsInListsOfUnequalLengthAreRefused) {
  // Protobuf merges messages that are written one behind the other: this replaces the scores.
  const ExampleContent scores{.id = "v", .values = {{.name = "segment_scores", .values = {1}}}};
  WriteRecords(folder_ / "a", {Encode(RatedVideo()) + Encode(scores)});
  EXPECT_THAT(ErrorText<DataError>([&] { Dataset(Spec(), {Path("a")}, LabelPolicy::kRequired); }),
              HasSubstr("5 segment_labels, 5 segment_start_times and 1 segment_scores"));
}

std::int64_t ResidentBytes() {
  std::int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST_F(DatasetTest, ResidentMemoryDoesNotGrowWithTheDataset) {
  // 400 MB of records, read in small batches: without giving pages back all of it would stay.
  const std::string payload =
      Encode({.id = "v",
              .labels = {1},
              .frames = {CountingFrames("rgb", 4, 1), CountingFrames("big", 1 << 20, 1)}});
  constexpr int kRecords = 400;
  {
    TfRecordWriter writer(folder_ / "large");
    for (int i = 0; i < kRecords; ++i) writer.Write(payload);
    writer.Close();
  }
  DataSpec spec = SmallSpec();
  spec.features = {{"rgb", 4}};
  Dataset dataset(spec, {Path("large")}, LabelPolicy::kRequired);
  ASSERT_EQ(dataset.Size(), kRecords);
  const std::int64_t before = ResidentBytes();
  std::int64_t most = 0;
  Batch batch;
  for (std::uint32_t i = 0; i + 4 <= kRecords; i += 4) {
    dataset.Read(std::vector<std::uint32_t>{i, i + 1, i + 2, i + 3}, batch);
    most = std::max(most, ResidentBytes() - before);
  }
  EXPECT_LT(most, 160 << 20);
}

}  // namespace
}  // namespace beamgrid
