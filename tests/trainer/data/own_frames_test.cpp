// Records whose frames are floats or halves, through everything that reads them.

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>
#include <protozero/pbf_writer.hpp>

#include "registry/util/half.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"
#include "trainer/data/census.h"
#include "trainer/data/dataset.h"
#include "trainer/data/feature_statistics.h"
#include "trainer/data/frame_values.h"
#include "trainer/data/inspect.h"
#include "trainer/data/synth.h"
#include "trainer/data/truth.h"

namespace beamgrid {
namespace own_frames_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

FrameFeature FramesOf(const std::string& name, FrameType type, std::size_t width,
                      const std::vector<float>& values) {
  return {.name = name, .width = width, .bytes = FrameOf(type, values), .type = type};
}

class OwnFramesTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::vector<ExampleContent>& videos) {
    std::vector<std::string> payloads;
    for (std::size_t i = 0; i < videos.size(); ++i) payloads.push_back(Encode(videos[i], i));
    WriteRecords(folder_ / name, payloads);
    return (folder_ / name).string();
  }

  static Batch ReadAll(Dataset& dataset) {
    std::vector<std::uint32_t> examples(static_cast<std::size_t>(dataset.Size()));
    std::iota(examples.begin(), examples.end(), 0U);
    Batch batch;
    dataset.Read(examples, batch);
    return batch;
  }
  Batch ReadFile(const DataSpec& spec, const std::string& file) {
    Dataset dataset(spec, {file}, LabelPolicy::kRequired);
    return ReadAll(dataset);
  }

  std::string Refusal(const DataSpec& spec, const ExampleContent& video) {
    const std::string file = Write("refused", {video});
    return ErrorText<DataError>([&] { (void)ReadFile(spec, file); });
  }

  TemporaryFolder folder_;
};

/// rgb of width 2 as floats, audio of width 1 as halves, code of width 1 as codes.
DataSpec MixedSpec() {
  return {.format = "frame",
          .classes = 5,
          .features = {{"rgb", 2}, {"audio", 1}, {"code", 1}},
          .frame_types = {{"rgb", FrameType::kFloat32}, {"audio", FrameType::kFloat16}},
          .max_frames = 300};
}

ExampleContent MixedVideo(const std::string& id, const std::vector<float>& rgb,
                          const std::vector<float>& audio) {
  FrameFeature code{.name = "code", .width = 1, .bytes = std::string(audio.size(), '\0')};
  return {.id = id,
          .labels = {1},
          .frames = {FramesOf("rgb", FrameType::kFloat32, 2, rgb),
                     FramesOf("audio", FrameType::kFloat16, 1, audio), code}};
}

TEST_F(OwnFramesTest, TypesStandSideBySideAsFloats) {
  const std::string file =
      Write("a", {MixedVideo("long", {1, 2, 3, 4, 1e-30F, 1e10F}, {0.5, 1, -3}),
                  MixedVideo("short", {7, 8}, {9})});
  const Batch batch = ReadFile(MixedSpec(), file);
  EXPECT_THAT(batch.frames, IsEmpty());
  EXPECT_THAT(batch.lengths, ElementsAre(3, 1));
  EXPECT_EQ(batch.longest, 3);
  const float code = -1.9921875F;  // of the byte 0
  EXPECT_THAT(batch.float_frames,
              ElementsAre(1, 2, 0.5, code, 3, 4, 1, code, 1e-30F, 1e10F, -3, code,  //
                          7, 8, 9, code, 0, 0, 0, 0, 0, 0, 0, 0));
}

TEST_F(OwnFramesTest, ARecycledBatchHasNoTraceOfTheLastOne) {
  const std::string file =
      Write("a", {MixedVideo("long", std::vector<float>(18, 5), std::vector<float>(9, 6)),
                  MixedVideo("short", {7, 8}, {9})});
  Dataset dataset(MixedSpec(), {file}, LabelPolicy::kRequired);
  Batch recycled = ReadAll(dataset), fresh;
  const std::vector<std::uint32_t> other = {1};
  dataset.Read(other, recycled);
  dataset.Read(other, fresh);
  EXPECT_EQ(recycled.float_frames, fresh.float_frames);
  EXPECT_EQ(fresh.float_frames.size(), 4U);
}

TEST_F(OwnFramesTest, FramesOfOneFloatEachFitInTheirRows) {
  // The smallest records that a frame of floats can have, in which the number of frames is guessed
  // from the bytes.
  for (const std::size_t width : {1U, 2U, 31U, 32U, 33U}) {
    DataSpec spec{.format = "frame", .classes = 5, .features = {{"x", width}}};
    spec.frame_types["x"] = FrameType::kFloat32;
    std::vector<float> values(100 * width);
    std::iota(values.begin(), values.end(), 1.0F);
    const ExampleContent video{
        .id = "v", .labels = {1}, .frames = {FramesOf("x", FrameType::kFloat32, width, values)}};
    EXPECT_EQ(ReadFile(spec, Write("a", {video})).float_frames, values) << width;
  }
}

/// A record whose floats are written one by one, each with its tag, or in two packed runs: protobuf
/// allows both, and TensorFlow writes neither.
std::string UnpackedRecord(const std::vector<std::vector<float>>& frames, std::size_t first_run) {
  std::string list;
  protozero::pbf_writer list_writer(list);
  for (const std::vector<float>& frame : frames) {
    std::string floats;
    protozero::pbf_writer writer(floats);
    if (first_run == 0) {
      for (const float value : frame) writer.add_float(1, value);
    } else {
      const auto middle = frame.begin() + static_cast<std::ptrdiff_t>(first_run);
      writer.add_packed_float(1, frame.begin(), middle);
      writer.add_packed_float(1, middle, frame.end());
    }
    std::string feature;
    protozero::pbf_writer(feature).add_message(2, floats);
    list_writer.add_message(1, feature);
  }
  std::string entry, lists, record = Encode({.id = "v", .labels = {1}});
  protozero::pbf_writer entry_writer(entry);
  entry_writer.add_string(1, "x");
  entry_writer.add_message(2, list);
  protozero::pbf_writer(lists).add_message(1, entry);
  protozero::pbf_writer(record).add_message(2, lists);
  return record;
}

TEST_F(OwnFramesTest, FloatsThatLieApartAreReadTheSame) {
  for (const std::size_t width : {1U, 3U}) {
    DataSpec spec{.format = "frame", .classes = 5, .features = {{"x", width}}};
    spec.frame_types["x"] = FrameType::kFloat32;
    std::vector<std::vector<float>> frames;
    std::vector<float> all;
    for (int t = 0; t < 50; ++t) {
      frames.emplace_back();
      for (std::size_t i = 0; i < width; ++i) frames.back().push_back(static_cast<float>(t) + 0.5F);
      all.insert(all.end(), frames.back().begin(), frames.back().end());
    }
    for (const std::size_t first_run : {std::size_t{0}, width - 1}) {
      WriteRecords(folder_ / "apart", {UnpackedRecord(frames, first_run)});
      EXPECT_EQ(ReadFile(spec, (folder_ / "apart").string()).float_frames, all) << first_run;
    }
  }
}

TEST_F(OwnFramesTest, AnotherTypeIsRefusedWithTheLineToWrite) {
  DataSpec spec = MixedSpec();
  const ExampleContent video = MixedVideo("v", {1, 2}, {3});
  spec.frame_types = {{"audio", FrameType::kFloat16}};
  EXPECT_THAT(Refusal(spec, video),
              HasSubstr("refused: byte 0: video 'v': feature 'rgb', frame 0: 2 floats where one "
                        "string of 2 bytes is expected (uint8 frames of width 2); these look like "
                        "float32 frames: write frame_types = { rgb = \"float32\", audio = "
                        "\"float16\" } in [data]"));
  spec.frame_types = {{"rgb", FrameType::kFloat32}};
  EXPECT_THAT(
      Refusal(spec, video),
      HasSubstr("feature 'audio', frame 0: a string of 2 bytes where one string of 1 bytes "
                "is expected (uint8 frames of width 1); these look like float16 frames: "
                "write frame_types = { rgb = \"float32\", audio = \"float16\" } in [data]"));
  spec.frame_types = {
      {"rgb", FrameType::kFloat32}, {"audio", FrameType::kFloat16}, {"code", FrameType::kFloat32}};
  EXPECT_THAT(Refusal(spec, video),
              HasSubstr("feature 'code', frame 0: a string of 1 bytes where 1 floats are expected "
                        "(float32 frames of width 1); these look like uint8 frames: write "
                        "frame_types = { rgb = \"float32\", audio = \"float16\" } in [data]"));
  DataSpec small = SmallSpec();
  small.frame_types = {{"rgb", FrameType::kFloat16}};
  EXPECT_THAT(Refusal(small, SmallVideo("w")),
              HasSubstr("these look like uint8 frames: leave data.frame_types out"));
  ExampleContent strings = SmallVideo("w");
  strings.frames[0] = CountingFrames("rgb", 16, 3);
  small.frame_types = {{"rgb", FrameType::kFloat32}};
  EXPECT_THAT(Refusal(small, strings), HasSubstr("stored as a list of floats, not as a string"));
}

TEST_F(OwnFramesTest, AnotherWidthIsRefused) {
  DataSpec spec = MixedSpec();
  spec.features[0].second = 3;
  EXPECT_THAT(Refusal(spec, MixedVideo("v", {1, 2}, {3})),
              HasSubstr("feature 'rgb', frame 0: 2 floats where 3 floats are expected (float32 "
                        "frames of width 3)"));
}

TEST_F(OwnFramesTest, NumbersThatNoNetworkCanTakeAreDamagesWithTheirFrame) {
  DataSpec spec = MixedSpec();
  EXPECT_THAT(Refusal(spec, MixedVideo("v", {1, 2, 3, NAN}, {3, 4})),
              HasSubstr("refused: byte 0: video 'v': feature 'rgb', frame 1 holds nan at index 1, "
                        "must be finite and below 1e+16"));
  EXPECT_THAT(Refusal(spec, MixedVideo("v", {1, 2, 3, 4}, {3, INFINITY})),
              HasSubstr("feature 'audio', frame 1 holds inf at index 0"));
  // What is cut away is not looked at.
  spec.max_frames = 1;
  EXPECT_EQ(ReadFile(spec, Write("a", {MixedVideo("v", {1, 2, NAN, 4}, {3, 4})})).Size(), 1);
  spec.max_frames = 300;
  spec.on_error = "skip";
  Dataset dataset(spec,
                  {Write("b", {MixedVideo("v", {NAN, 2}, {3}), MixedVideo("w", {1, 2}, {3})})},
                  LabelPolicy::kRequired);
  EXPECT_THAT(ReadAll(dataset).ids, ElementsAre("w"));
  EXPECT_EQ(dataset.counts().skipped, 1);
}

TEST_F(OwnFramesTest, TheLookBeforeAStudyFindsThemToo) {
  DataSpec spec = MixedSpec();
  spec.train = {Write("t", {MixedVideo("a", {1, 2}, {3}), MixedVideo("b", {INFINITY, 2}, {3})})};
  spec.validate = {Write("v", {MixedVideo("c", {1, 2}, {3})})};
  const Census census = TakeCensus(spec);
  EXPECT_EQ(census.train.damaged, 1);
  EXPECT_THAT(census.train.damages.at(0).what,
              HasSubstr("video 'b': feature 'rgb', frame 0 holds inf at index 0"));
  EXPECT_EQ(census.validate.examples, 1);
  spec.frame_types.erase("rgb");
  EXPECT_EQ(TakeCensus(spec).train.contradicting, 2);
}

TEST_F(OwnFramesTest, VerifyWithoutARecipeLooksAtFloats) {
  const VerifyReport report = VerifyFile(
      Write("a", {MixedVideo("v0", {1, 2}, {3}), MixedVideo("v1", {1, 2, 3, NAN}, {3, 4})}));
  EXPECT_EQ(report.records, 1);
  ASSERT_EQ(report.damages.size(), 1U);
  EXPECT_EQ(report.damages[0].what,
            "video 'v1': feature 'rgb', frame 1 holds nan at index 1, must be finite and below "
            "1e+16");
}

TEST_F(OwnFramesTest, InspectTellsListsOfFloats) {
  const FileReport report = InspectFile(Write("a", {MixedVideo("v", {1, 2}, {3})}));
  EXPECT_THAT(report.features, ElementsAre(Pair("audio", 2), Pair("code", 1), Pair("rgb", 2)));
  EXPECT_THAT(report.frame_types, ElementsAre(Pair("rgb", FrameType::kFloat32)));
  EXPECT_EQ(ToJson(std::vector{report}).at(0).at("frame_types"),
            boost::json::parse(R"({"rgb":"float32"})"));
  EXPECT_FALSE(ToJson(std::vector{InspectFile(Write("b", {SmallVideo("v")}))})
                   .at(0)
                   .as_object()
                   .contains("frame_types"));
}

// ---- Synthetic data: the same videos in three forms ---------------------------------------------

class SynthTypesTest : public OwnFramesTest {
 protected:
  SynthReport Make(const std::string& folder, const std::map<std::string, FrameType>& types,
                   const std::string& format = "frame") {
    return WriteSynthetic({.out = folder_ / folder,
                           .videos = 40,
                           .classes = 5,
                           .format = format,
                           .features = {{"rgb", 4}, {"audio", 2}},
                           .frame_types = types,
                           .max_frames = 12});
  }
  static DataSpec Spec(const SynthReport& report, const std::map<std::string, FrameType>& types,
                       const std::string& format = "frame") {
    return {.format = format,
            .train = {report.train[0].string()},
            .validate = {report.validate[0].string()},
            .classes = 5,
            .features = {{"rgb", 4}, {"audio", 2}},
            .frame_types = types};
  }
};

TEST_F(SynthTypesTest, FloatsHoldTheValuesOfTheCodes) {
  const std::map<std::string, FrameType> floats = {{"rgb", FrameType::kFloat32}};
  const std::map<std::string, FrameType> halves = {{"rgb", FrameType::kFloat16},
                                                   {"audio", FrameType::kFloat16}};
  const SynthReport codes = Make("codes", {}), in_floats = Make("floats", floats),
                    in_halves = Make("halves", halves);
  const Batch expected = ReadFile(Spec(codes, {}), codes.train[0].string());
  const Batch of_floats = ReadFile(Spec(in_floats, floats), in_floats.train[0].string());
  const Batch of_halves = ReadFile(Spec(in_halves, halves), in_halves.train[0].string());
  EXPECT_EQ(of_floats.ids, expected.ids);
  EXPECT_EQ(of_floats.labels, expected.labels);
  EXPECT_EQ(of_floats.lengths, expected.lengths);
  ASSERT_EQ(of_floats.float_frames.size(), expected.frames.size());
  const auto row = static_cast<std::size_t>(expected.longest * expected.width);
  for (std::size_t i = 0; i < expected.frames.size(); ++i) {
    const bool valid =
        i % row < static_cast<std::size_t>(expected.lengths[i / row] * expected.width);
    float value = 0;
    const char code = static_cast<char>(expected.frames[i]);
    if (valid) ReadFrame(FrameType::kUint8, &code, {&value, 1});
    EXPECT_EQ(of_floats.float_frames[i], value);
    EXPECT_EQ(of_halves.float_frames[i], FloatOfHalf(HalfOfFloat(value)));
  }
}

TEST_F(SynthTypesTest, SegmentsOfFloatsAreThoseOfCodes) {
  const std::map<std::string, FrameType> floats = {{"rgb", FrameType::kFloat32},
                                                   {"audio", FrameType::kFloat32}};
  const SynthReport codes = Make("codes", {}, "segment");
  const SynthReport in_floats = Make("floats", floats, "segment");
  const Batch expected = ReadFile(Spec(codes, {}, "segment"), codes.train[0].string());
  const Batch found = ReadFile(Spec(in_floats, floats, "segment"), in_floats.train[0].string());
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_EQ(found.rated, expected.rated);
  EXPECT_EQ(found.lengths, expected.lengths);
  float first = 0;
  const char code = static_cast<char>(expected.frames[0]);
  ReadFrame(FrameType::kUint8, &code, {&first, 1});
  EXPECT_EQ(found.float_frames[0], first);
  // Truth is read without a recipe.
  EXPECT_EQ(ReadSegmentTruth({in_floats.train[0]}).size(),
            ReadSegmentTruth({codes.train[0]}).size());
}

TEST_F(SynthTypesTest, RefusesTypesOfNoFeature) {
  EXPECT_THAT(
      ErrorText<UsageError>([&] { (void)Make("x", {{"rbg", FrameType::kFloat32}}); }),
      HasSubstr("frame-types: 'rbg' is no feature; must be one of rgb, audio; did you mean"));
  EXPECT_THAT(
      ErrorText<UsageError>([&] { (void)Make("x", {{"rgb", FrameType::kFloat32}}, "video"); }),
      HasSubstr("format video has no frames"));
}

// ---- Statistics ---------------------------------------------------------------------------------

TEST(ExactMoments, AreThoseOfASlowTwoPassSum) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(1000 + std::sin(static_cast<float>(i)) * 0.01F);
  ExactMoments moments;
  long double sum = 0, squares = 0;
  for (const float value : values) {
    moments.Add(value);
    sum += value;
  }
  const long double mean = sum / 1000;
  for (const float value : values) squares += (value - mean) * (value - mean);
  EXPECT_DOUBLE_EQ(moments.Mean(), static_cast<double>(mean));
  EXPECT_NEAR(moments.Deviation(), static_cast<double>(std::sqrt(squares / 1000)), 1e-12);
}

TEST(ExactMoments, DoNotDependOnTheOrder) {
  // Numbers of all sizes, of which sums in floating point depend on the order in every bit.
  std::vector<float> values = {9.9e15F,  -9.9e15F, 1e-30F, 1e-45F,
                               -3e-20F,  0.1F,     -0.0F,  7.5e10F,
                               -7.5e10F, 1e-38F,   2,      std::nextafter(2.0F, 3.0F)};
  ExactMoments first;
  for (const float value : values) first.Add(value);
  std::sort(values.begin(), values.end());
  ExactMoments second;
  for (const float value : values) second.Add(value);
  EXPECT_EQ(first.Mean(), second.Mean());
  EXPECT_EQ(first.Deviation(), second.Deviation());
  // What cancels leaves the rest, which a sum of doubles has lost.
  ExactMoments cancelled;
  for (const float value : {1e15F, 1e-40F, -1e15F, 0.0F}) cancelled.Add(value);
  EXPECT_EQ(cancelled.Mean(), static_cast<double>(1e-40F) / 4);
}

TEST(ExactMoments, CountsAreRepetitions) {
  ExactMoments one_by_one, counted;
  for (int i = 0; i < 999; ++i) one_by_one.Add(-0.3F);
  one_by_one.Add(0.7F);
  counted.Add(-0.3F, 999);
  counted.Add(0.7F, 1);
  EXPECT_EQ(one_by_one.Mean(), counted.Mean());
  EXPECT_EQ(one_by_one.Deviation(), counted.Deviation());
  EXPECT_EQ(counted.count(), 1000U);
  ExactMoments many;
  many.Add(9e15F, std::uint64_t{1} << 40);
  EXPECT_EQ(many.Mean(), static_cast<double>(9e15F));
  EXPECT_EQ(many.Deviation(), 0);
  EXPECT_EQ(ExactMoments().Mean(), 0);
  EXPECT_EQ(ExactMoments().Deviation(), 0);
}

class StatisticsTest : public SynthTypesTest {};

TEST_F(StatisticsTest, OfCodesAndOfTheirFloatsAreTheSameToTheBit) {
  const std::map<std::string, FrameType> floats = {{"rgb", FrameType::kFloat32},
                                                   {"audio", FrameType::kFloat32}};
  const SynthReport codes = Make("codes", {}), in_floats = Make("floats", floats);
  const FeatureStatistics of_codes = TrainingStatistics(Spec(codes, {}), std::nullopt);
  EXPECT_EQ(of_codes, TrainingStatistics(Spec(in_floats, floats), std::nullopt));
  // By hand, over the valid frames.
  const Batch batch = ReadFile(Spec(in_floats, floats), in_floats.train[0].string());
  double sum = 0, squares = 0, count = 0;
  for (std::size_t video = 0; video < batch.lengths.size(); ++video) {
    for (std::int64_t t = 0; t < batch.lengths[video]; ++t, ++count) {
      const double value = batch.float_frames[(video * static_cast<std::size_t>(batch.longest) +
                                               static_cast<std::size_t>(t)) *
                                                  6 +
                                              5];
      sum += value;
      squares += value * value;
    }
  }
  const double mean = sum / count;
  EXPECT_NEAR(of_codes.mean.at(5), mean, 1e-12);
  EXPECT_NEAR(of_codes.deviation.at(5), std::sqrt(squares / count - mean * mean), 1e-9);
}

TEST_F(StatisticsTest, DoNotDependOnTheOrderOfFilesAndComeFromTheCache) {
  DataSpec spec = MixedSpec();
  const std::string a = Write("a", {MixedVideo("a", {1, 2, 1e-8F, 4e9F}, {0.5, 1})});
  const std::string b = Write("b", {MixedVideo("b", {0.1F, 1e10F}, {9})});
  spec.train = {a, b};
  const FeatureStatistics statistics = TrainingStatistics(spec, std::nullopt);
  spec.train = {b, a};
  EXPECT_EQ(TrainingStatistics(spec, std::nullopt), statistics);
  EXPECT_THAT(statistics.deviation.back(), 0) << "of codes that are all 0";

  spec.digest = "d1";
  const std::filesystem::path cache = folder_ / "cache";
  std::filesystem::create_directories(cache);
  EXPECT_EQ(TrainingStatistics(spec, cache), statistics);
  spec.train = {"gone"};
  EXPECT_EQ(TrainingStatistics(spec, cache), statistics) << "not read again";
  // Another question, or a damaged answer, is read anew.
  DataSpec other = spec;
  other.max_frames = 1;
  EXPECT_THROW((void)TrainingStatistics(other, cache), Error);
  for (const auto& file : std::filesystem::directory_iterator(cache)) {
    WriteBytes(file.path(), "{\"mean\": [1]}");
  }
  EXPECT_THROW((void)TrainingStatistics(spec, cache), Error);
}

// ---- Labels and weights -------------------------------------------------------------------------

TEST_F(OwnFramesTest, AVideoOfOneClassHasOneLabel) {
  DataSpec spec = SmallSpec();
  spec.multi_class = true;
  EXPECT_THAT(ReadFile(spec, Write("a", {SmallVideo("v", 1, {3})})).labels, ElementsAre(3));
  EXPECT_THAT(
      Refusal(spec, SmallVideo("v", 1, {3, 1})),
      HasSubstr("refused: byte 0: video 'v': has 2 labels, must have exactly one (data.labels "
                "= \"multi_class\")"));
  EXPECT_THAT(Refusal(spec, SmallVideo("v", 1, {})), HasSubstr("has no labels"));
  spec.on_error = "skip";
  EXPECT_THAT(Refusal(spec, SmallVideo("v", 1, {3, 1})), HasSubstr("has 2 labels"))
      << "a mistake of the recipe is not skipped";
}

TEST_F(OwnFramesTest, VideosWeighWhatTheirRecordsSay) {
  DataSpec spec = SmallSpec();
  spec.video_weight = "weight";
  const auto video = [](const std::string& id, std::vector<float> weight) {
    ExampleContent content = SmallVideo(id);
    content.values = {{.name = "weight", .values = std::move(weight)}};
    return content;
  };
  EXPECT_THAT(ReadFile(spec, Write("a", {video("v", {0.25F}), video("w", {0})})).video_weights,
              ElementsAre(0.25F, 0));
  EXPECT_THAT(ReadFile(SmallSpec(), Write("a", {video("v", {0.25F})})).video_weights, IsEmpty());
  Dataset predicted(spec, {Write("b", {SmallVideo("v")})}, LabelPolicy::kIgnored);
  EXPECT_EQ(ReadAll(predicted).Size(), 1) << "a prediction weighs nothing";
  EXPECT_THAT(Refusal(spec, SmallVideo("v")),
              HasSubstr("video 'v': 'weight' (data.video_weight) is missing; the record has 'id', "
                        "'labels'"));
  EXPECT_THAT(Refusal(spec, video("v", {1, 2})), HasSubstr("holds 2 floats, must hold one float"));
  for (const float wrong : {-1.0F, NAN, 1e7F}) {
    EXPECT_THAT(Refusal(spec, video("v", {wrong})), HasSubstr("must be 0..1000000")) << wrong;
  }
}

}  // namespace own_frames_test
}  // namespace beamgrid
