// Trials on records of floats, of one to eight features, of videos with one class each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_text.h"
#include "tests/trainer/training/training_test.h"
#include "trainer/data/example_writer.h"
#include "trainer/data/tfrecord.h"
#include "trainer/training/shipped_weights.h"

namespace beamgrid::trainer {
namespace own_features_training_test {

const std::vector<Feature> kPair = {{"rgb", 16}, {"audio", 8}};

torch::Tensor Shipped(const ShippedWeights& weights, const std::string& name) {
  for (const auto& [found, tensor] : weights.Weights()) {
    if (found == name) return tensor;
  }
  ADD_FAILURE() << name;
  return {};
}

class OwnFeaturesTrainingTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::set_num_threads(1); }

  DataSpec Write(const std::string& name, const std::vector<Feature>& features,
                 const std::map<std::string, FrameType>& types = {}, double labels = 2.0) {
    DataSpec data = WriteData(folder_ / name, {.videos = 250,
                                               .classes = 8,
                                               .seed = 3,
                                               .features = features,
                                               .frame_types = types,
                                               .max_frames = 10,
                                               .plants = kNoPlants,
                                               .labels_per_video = labels,
                                               .co_occurrence = 0});
    data.frame_types = types;
    return data;
  }

  TrialResult Train(const DataSpec& data, const std::string& name, Parts parts = {}) {
    parts.train.merge(Options{{"epochs", 3}, {"batch", 32}, {"learning_rate", 0.03}});
    std::filesystem::create_directories(folder_ / name);
    return TrainingLoop(MakeTrial(data, parts), folder_ / name, {}).Run();
  }

  std::string Bytes(const std::string& name, const char* file) {
    return ReadFile(folder_ / name / file);
  }

  TemporaryFolder folder_;
};

TEST_F(OwnFeaturesTrainingTest, FloatsOfCodesTrainTheSameModelToTheBit) {
  const std::map<std::string, FrameType> floats = {{"rgb", FrameType::kFloat32},
                                                   {"audio", FrameType::kFloat32}};
  const std::map<std::string, FrameType> one = {{"audio", FrameType::kFloat32}};
  const Parts parts{.parts = {{"temporal", {"gru", {{"hidden", 8}}}}, {"multimodal", {"sum", {}}}}};
  const TrialResult of_codes = Train(Write("codes", kPair), "a", parts);
  const TrialResult of_floats = Train(Write("floats", kPair, floats), "b", parts);
  const TrialResult of_both = Train(Write("both", kPair, one), "c", parts);
  EXPECT_GT(of_codes.metrics.gap, 0.3);
  for (const TrialResult& other : {of_floats, of_both}) {
    EXPECT_EQ(other.metrics.gap, of_codes.metrics.gap);
    EXPECT_EQ(other.validate_loss, of_codes.validate_loss);
  }
  for (const char* file : {kModelFile, kPredictionsFile}) {
    EXPECT_EQ(Bytes("b", file), Bytes("a", file)) << file;
    EXPECT_EQ(Bytes("c", file), Bytes("a", file)) << file;
  }
  // Halves are other numbers, by about a thousandth.
  const std::map<std::string, FrameType> halves = {{"rgb", FrameType::kFloat16},
                                                   {"audio", FrameType::kFloat16}};
  const TrialResult of_halves = Train(Write("halves", kPair, halves), "d", parts);
  EXPECT_NEAR(of_halves.metrics.gap, of_codes.metrics.gap, 0.05);
}

TEST_F(OwnFeaturesTrainingTest, StatisticsAreThoseOfTheTrainingFramesAndShipped) {
  DataSpec data = Write("codes", kPair);
  data.normalise = {{"rgb", Normalisation::kStandardise}, {"audio", Normalisation::kL2}};
  EXPECT_GT(Train(data, "a").metrics.gap, 0.3);
  const ShippedWeights shipped = ShippedWeights::Read(folder_ / "a" / kModelFile);
  const FeatureStatistics expected = TrainingStatistics(data, std::nullopt);
  for (std::int64_t i = 0; i < 24; ++i) {
    const bool is_rgb = i < 16;
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(Shipped(shipped, "statistics.mean")[i].item<float>(),
              is_rgb ? static_cast<float>(expected.mean[at]) : 0.0F);
    EXPECT_EQ(Shipped(shipped, "statistics.deviation")[i].item<float>(),
              is_rgb ? static_cast<float>(expected.deviation[at]) : 1.0F);
  }
  // An average of weights leaves them as they are.
  Train(data, "b", {.train = {{"ema", 0.9}, {"average_checkpoints", 1}}});
  const ShippedWeights averaged = ShippedWeights::Read(folder_ / "b" / kModelFile);
  EXPECT_TRUE(Shipped(averaged, "statistics.mean").equal(Shipped(shipped, "statistics.mean")));
  EXPECT_TRUE(
      Shipped(averaged, "statistics.deviation").equal(Shipped(shipped, "statistics.deviation")));
}

TEST_F(OwnFeaturesTrainingTest, OneThreeAndEightFeaturesTrain) {
  for (const std::size_t count : {1U, 3U, 8U}) {
    std::vector<Feature> features;
    for (std::size_t i = 0; i < count; ++i) {
      features.emplace_back("f" + std::to_string(i + 1), static_cast<std::int64_t>(6 + i));
    }
    const std::map<std::string, FrameType> types = {{"f1", FrameType::kFloat32}};
    const DataSpec data = Write("data" + std::to_string(count), features, types);
    for (const std::string fusion :
         {"concat", "shared_space", "late", "sum", "projection", "bilinear", "compact_bilinear"}) {
      if (count == 1 && fusion != "concat" && fusion != "shared_space") continue;
      Options options;
      if (fusion == "shared_space" || fusion == "projection") options["width"] = 12;
      if (fusion == "bilinear") options = {{"width", 12}, {"rank", 12}};
      if (fusion == "compact_bilinear") options["width"] = 64;
      const TrialResult result = Train(data, fusion + std::to_string(count),
                                       {.parts = {{"multimodal", {fusion, options}}}});
      EXPECT_GT(result.metrics.gap, 0.2) << fusion << " of " << count;
    }
  }
}

TEST_F(OwnFeaturesTrainingTest, SoftmaxLearnsVideosOfOneClass) {
  DataSpec data = Write("one", kPair, {}, 1.0);
  data.multi_class = true;
  const Parts softmax{
      .parts = {{"classifier", {"softmax", {}}}, {"loss", {"categorical_cross_entropy", {}}}},
      .train = {{"epochs", 8}}};
  const TrialResult result = Train(data, "a", softmax);
  EXPECT_GT(result.metrics.hit_at_1, 0.7) << "the accuracy, by chance one in eight";
  EXPECT_DOUBLE_EQ(result.metrics.hit_at_1, result.metrics.perr) << "one label a video";
  EXPECT_EQ(result.metrics.accuracy, result.metrics.hit_at_1);
  EXPECT_GE(result.metrics.top_5, result.metrics.accuracy);
  EXPECT_LE(result.metrics.top_5, 1);
}

/// Writes videos of two numbers, of two classes in turn, that weigh so much; returns the file.
std::string WriteWeighing(const std::filesystem::path& file, const std::vector<float>& weights) {
  TfRecordWriter writer(file);
  Random random(1);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    writer.Write(EncodeExample({.id = file.stem().string() + std::to_string(i),
                                .labels = {static_cast<std::int64_t>(i % 2)},
                                .values = {{.name = "x", .values = {i % 2 == 0 ? 1.0F : -1.0F, 1}},
                                           {.name = "trust", .values = {weights[i]}}}},
                               random));
  }
  writer.Close();
  return file.string();
}

TEST_F(OwnFeaturesTrainingTest, WhereAllExamplesWeighNothingNothingIsLearnt) {
  // As where the records were changed since the study looked at them, which refuses them itself.
  DataSpec data{.format = "video", .classes = 2, .features = {{"x", 2}}};
  data.video_weight = "trust";
  data.train = {WriteWeighing(folder_ / "t.tfrecord", {0, 0, 0, 0})};
  data.validate = {WriteWeighing(folder_ / "v.tfrecord", {1, 1})};
  data.digest = "weightless";
  EXPECT_EQ(ErrorText<DataFilesError>([&] { (void)Train(data, "none"); }),
            "nothing to train on: all training examples weigh 0 ('trust', data.video_weight)");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "none" / kModelFile));
  // One is enough, in whichever batch it is.
  data.train = {WriteWeighing(folder_ / "u.tfrecord", {0, 0, 1e-3F, 0})};
  EXPECT_EQ(Train(data, "one", {.train = {{"batch", 1}}}).metrics.videos, 2);
}

}  // namespace own_features_training_test
}  // namespace beamgrid::trainer
