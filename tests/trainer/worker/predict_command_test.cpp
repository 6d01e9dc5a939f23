// `beamgrid-trainer predict`: a finished trial gives its recorded predictions again, whatever it is
// made of.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "registry/scoring/prediction_stream.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/trainer/components/contract.h"
#include "tests/trainer/training/training_test.h"
#include "tests/trainer/worker/trainer_program.h"
#include "trainer/data/data_error.h"
#include "trainer/data/tfrecord.h"
#include "trainer/training/failures.h"
#include "trainer/worker/commands.h"

namespace beamgrid::trainer {
namespace predict_command_test {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Predictions Answer(const PredictRequest& request) {
  std::istringstream in(boost::json::serialize(ToJson(request)) + "\n");
  std::stringstream out;
  EXPECT_EQ(PredictCommand(in, out), 0);
  Predictions predictions;
  PredictionReader reader(out);
  for (VideoPrediction video; reader.Next(video);) predictions.videos.push_back(video);
  std::ranges::sort(predictions.videos, {}, &VideoPrediction::id);
  return predictions;
}

class PredictCommandTest : public TrainingTest {
 protected:
  /// Copies the records with the key "labels" spelt so that nobody looks for it.
  static void WriteWithoutLabels(const std::vector<std::string>& files,
                                 const std::filesystem::path& to) {
    TfRecordWriter writer(to);
    for (const std::string& path : files) {
      const TfRecordFile file(path);
      for (std::uint64_t offset = 0; offset < file.size_bytes();) {
        const Record record = file.Read(offset);
        std::string payload(record.payload);
        const std::size_t key = payload.find("labels");
        ASSERT_NE(key, std::string::npos);
        writer.Write(payload.replace(key, 6, "label5"));
        offset = record.next_offset;
      }
    }
    writer.Close();
  }

  static PredictRequest RequestOf(const TrialFile& trial, const std::filesystem::path& folder) {
    PredictRequest request{.spec = trial.spec, .model_file = folder / kModelFile};
    request.spec.data.train.clear();
    request.top_k = trial.predictions_top_k;
    return request;
  }

  /// Trains, predicts for the validation data, and compares every bit.
  static void ExpectTheRecordedOnes(const TrialFile& trial) {
    const std::filesystem::path folder = NewFolder();
    static_cast<void>(RunIn(folder, trial));
    const Predictions recorded = ReadPredictions(folder / kPredictionsFile);
    const Predictions predicted = Answer(RequestOf(trial, folder));
    ASSERT_EQ(predicted.videos.size(), recorded.videos.size());
    for (std::size_t v = 0; v < recorded.videos.size(); ++v) {
      EXPECT_EQ(predicted.videos[v].id, recorded.videos[v].id);
      EXPECT_TRUE(predicted.videos[v].labels.empty()) << "a prediction looks at no label";
      ASSERT_EQ(predicted.videos[v].top.size(), recorded.videos[v].top.size());
      for (std::size_t i = 0; i < recorded.videos[v].top.size(); ++i) {
        ASSERT_EQ(predicted.videos[v].top[i].label, recorded.videos[v].top[i].label);
        ASSERT_EQ(predicted.videos[v].top[i].score, recorded.videos[v].top[i].score)
            << recorded.videos[v].id;
      }
    }
  }
};

class PredictOfComponent : public PredictCommandTest,
                           public ::testing::WithParamInterface<ComponentInfo> {};

TEST_P(PredictOfComponent, GivesTheRecordedPredictions) {
  const contract::Case small = contract::CasesOf(GetParam()).front();
  Parts parts{.train = {{"epochs", 1}, {"batch", 32}}};
  if (GetParam().criterion == "extras") {
    parts.extras[GetParam().name] = small.options;
    // Some act in recurrent cells only.
    parts.parts["temporal"] = {"lstm", {{"hidden", 8}}};
  } else {
    parts.parts[GetParam().criterion] = {GetParam().name, small.options};
  }
  ExpectTheRecordedOnes(MakeTrial(*data_, parts));
}

std::vector<ComponentInfo> WithoutFiles() {
  std::vector<ComponentInfo> components = contract::Components();
  std::erase_if(components, contract::NeedsFile);
  return components;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, PredictOfComponent, ::testing::ValuesIn(WithoutFiles()),
                         [](const auto& info) {
                           return info.param.criterion + "_" + info.param.name;
                         });

TEST_F(PredictCommandTest, OfAveragedWeightsInEveryPrecision) {
  for (const char* precision : {"fp32", "fp16", "bf16", "int8"}) {
    SCOPED_TRACE(precision);
    TrialFile trial = StatefulTrial();
    trial.spec.model.train["precision"] = precision;
    trial.spec.model.train["ema"] = 0.9;
    trial.fingerprint = Fingerprint(trial.spec);
    ExpectTheRecordedOnes(trial);
  }
}

TEST_F(PredictCommandTest, OfVideoLevelModelsAndSegments) {
  for (const char* format : {"video", "segment"}) {
    SCOPED_TRACE(format);
    const DataSpec data = WriteData(
        *folder_ / format,
        {.videos = 120, .classes = 6, .format = format, .max_frames = 12, .plants = kNoPlants});
    ExpectTheRecordedOnes(MakeTrial(data, {.train = {{"epochs", 2}, {"batch", 16}}}));
  }
}

TEST_F(PredictCommandTest, LabelsOfOtherClassesAreNothingToIt) {
  const TrialFile trial = MakeTrial(*data_, {.train = {{"epochs", 1}, {"batch", 32}}});
  const std::filesystem::path folder = NewFolder();
  static_cast<void>(RunIn(folder, trial));
  const DataSpec wide =
      WriteData(*folder_ / "wide",
                {.videos = 60, .classes = 40, .seed = 5, .max_frames = 10, .plants = kNoPlants});
  PredictRequest request = RequestOf(trial, folder);
  request.spec.data.validate = wide.validate;
  const Predictions predictions = Answer(request);
  ASSERT_FALSE(predictions.videos.empty());
  for (const VideoPrediction& video : predictions.videos) {
    for (const auto& label : video.top) EXPECT_LT(label.label, trial.spec.data.classes);
  }
}

TEST_F(PredictCommandTest, NeedsNoLabels) {
  const TrialFile trial = MakeTrial(*data_, {.train = {{"epochs", 1}, {"batch", 32}}});
  const std::filesystem::path folder = NewFolder();
  static_cast<void>(RunIn(folder, trial));
  PredictRequest request = RequestOf(trial, folder);
  const Predictions with_labels = Answer(request);
  const std::filesystem::path bare = *folder_ / "bare.tfrecord";
  WriteWithoutLabels(request.spec.data.validate, bare);
  request.spec.data.validate = {bare.string()};
  const Predictions without = Answer(request);
  ASSERT_EQ(without.videos.size(), with_labels.videos.size());
  for (std::size_t v = 0; v < without.videos.size(); ++v) {
    EXPECT_EQ(without.videos[v].id, with_labels.videos[v].id);
    EXPECT_TRUE(without.videos[v].labels.empty());
    EXPECT_EQ(without.videos[v].top.front().score, with_labels.videos[v].top.front().score);
  }
}

/// Runs the program on the request; its standard error goes to `log`. Returns its exit status.
int RunProgram(const PredictRequest& request, const std::filesystem::path& log,
               const std::string& before) {
  TrainerProgram program({"predict"}, "exec 2>" + log.string() + "; " + before);
  try {
    program.Say(boost::json::serialize(ToJson(request)));
  } catch (const std::runtime_error&) {
    // It is gone before it listened.
  }
  for (std::string line; program.NextLine(line);) continue;
  return program.Wait();
}

TEST_F(PredictCommandTest, SignsOfLifeStandBetweenItsVideos) {
  const TrialFile trial = MakeTrial(*data_, {.train = {{"epochs", 1}, {"batch", 32}}});
  const std::filesystem::path folder = NewFolder();
  static_cast<void>(RunIn(folder, trial));
  PredictRequest request = RequestOf(trial, folder);
  const Predictions seldom = Answer(request);
  request.heartbeat_seconds = 0.001;
  const Predictions often = Answer(request);
  ASSERT_EQ(often.videos.size(), seldom.videos.size());
  for (std::size_t v = 0; v < often.videos.size(); ++v) {
    EXPECT_EQ(often.videos[v].id, seldom.videos[v].id);
    EXPECT_EQ(often.videos[v].top.front().score, seldom.videos[v].top.front().score);
  }
}

TEST_F(PredictCommandTest, AModelThatStandsStillGivesItselfUp) {
  const TrialFile trial =
      MakeTrial(*data_, {.parts = {{"temporal", {"mean", {}}}, {"classifier", {"logistic", {}}}},
                         .train = {{"epochs", 1}, {"batch", 32}}});
  const std::filesystem::path folder = NewFolder();
  static_cast<void>(RunIn(folder, trial));
  PredictRequest request = RequestOf(trial, folder);
  // It has no weights, as the mean has none.
  const std::string plugin = std::string(BEAMGRID_BINARY_DIR) + "/plugins/standstill.so";
  request.spec.model.parts["temporal"] = {"standstill", {{"batches", 1}}};
  request.spec.model.plugins = {
      {.name = "standstill.so", .path = plugin, .hash = HashFile(plugin)}};
  request.heartbeat_seconds = 0.02;
  request.stall_seconds = 0.5;
  EXPECT_EQ(RunProgram(request, folder / "log", ":"), static_cast<int>(TrainerExit::kBroken));
  EXPECT_THAT(ReadFile(folder / "log"),
              HasSubstr("beamgrid-trainer: the prediction has stood still for 0."));
}

TEST_F(PredictCommandTest, WithTooLittleMemoryItEnds) {
  const TrialFile trial = MakeTrial(*data_, {.train = {{"epochs", 1}, {"batch", 32}}});
  const std::filesystem::path folder = NewFolder();
  static_cast<void>(RunIn(folder, trial));
  const PredictRequest request = RequestOf(trial, folder);
  // Some of these limits let the libraries in and leave no room for a buffer of the BLAS.
  for (int mebibytes = 300; mebibytes < 1000; mebibytes += 50) {
    const std::string limit = "ulimit -v " + std::to_string(1024 * mebibytes);
    const int exit = RunProgram(request, folder / "log", limit);
    EXPECT_TRUE(exit != 0 || mebibytes > 400) << mebibytes;
    EXPECT_TRUE(exit == 0 || !ReadFile(folder / "log").empty()) << "why, at " << mebibytes;
  }
}

TEST_F(PredictCommandTest, BlamesTheRightOne) {
  const TrialFile trial = MakeTrial(*data_, {.train = {{"epochs", 1}, {"batch", 32}}});
  const std::filesystem::path folder = NewFolder();
  static_cast<void>(RunIn(folder, trial));
  const PredictRequest sound = RequestOf(trial, folder);

  PredictRequest wider = sound;
  wider.spec.data.features.front().second += 1;
  EXPECT_THAT(ErrorText<Error>([&] { (void)Answer(wider); }), HasSubstr(folder / kModelFile));

  PredictRequest gone = sound;
  gone.spec.data.validate = {*folder_ / "gone.tfrecord"};
  EXPECT_THAT(ErrorText<DataFilesError>([&] { (void)Answer(gone); }), HasSubstr("gone.tfrecord"));

  WriteFileAtomically(*folder_ / "cut.tfrecord",
                      ReadFile(sound.spec.data.validate.front()).substr(0, 300));
  PredictRequest cut = sound;
  cut.spec.data.validate = {*folder_ / "cut.tfrecord"};
  const std::string of_the_model = "[data] is that of the model's recipe";
  EXPECT_THAT(ErrorText<DataError>([&] { (void)Answer(cut); }),
              AllOf(HasSubstr("cut.tfrecord"), Not(HasSubstr(of_the_model))));

  // Whoever predicts has no recipe to change.
  PredictRequest others = sound;
  others.spec.data.features.front().first = "others";
  EXPECT_THAT(ErrorText<DataError>([&] { (void)Answer(others); }),
              AllOf(HasSubstr("feature 'others' is missing"), HasSubstr(of_the_model)));

  WriteFileAtomically(folder / kModelFile, "not weights");
  EXPECT_THAT(ErrorText<Error>([&] { (void)Answer(sound); }), HasSubstr(folder / kModelFile));
}

}  // namespace predict_command_test
}  // namespace beamgrid::trainer
