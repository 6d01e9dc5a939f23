#include "orchestrator/machine/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/specs.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::int64_t kParameters = 42'447'276;

DataSpec Data() { return ExampleTrial().data; }

/// A trial of 2000 examples an epoch that ran in one attempt.
TrialResult Result(std::int64_t peak_mebibytes, double examples_per_second,
                   std::int64_t parameters = kParameters) {
  TrialResult result;
  result.parameters = parameters;
  result.examples = 10'000;
  result.examples_per_second = examples_per_second;
  result.wall_seconds = 10'000 / examples_per_second;
  result.peak_memory_bytes = peak_mebibytes * kMebibyte;
  result.device = "cpu";
  return result;
}

Forecast::Need NeedOf(const Forecast& forecast, const ModelSpec& model,
                      const std::string& device = "cpu", std::int64_t parameters = kParameters) {
  return forecast.Of(model, Data(), parameters, device);
}

TEST(EstimateNeedTest, AddsProcessCopiesAndActivations) {
  DataSpec data = Data();
  data.format = "video";
  const NeedEstimate need = EstimateNeed(ExampleModel(), data, 1000, "cpu");
  EXPECT_EQ(need.process_bytes, 256 * kMebibyte);
  EXPECT_EQ(need.parameter_bytes, 4000);
  EXPECT_EQ(need.copies, 6);
  EXPECT_EQ(need.activation_bytes, 128 * (4 * 1152 + 24 * 3862) * 4);
  EXPECT_EQ(need.model_bytes(), 6 * 4000 + need.activation_bytes);
}

TEST(EstimateNeedTest, FramesAndWidthsOverFramesCost) {
  const auto activations = [](std::int64_t hidden, std::int64_t max_frames) {
    DataSpec data = Data();
    data.max_frames = max_frames;
    return EstimateNeed(ExampleModel(hidden), data, kParameters, "cpu").activation_bytes;
  };
  EXPECT_EQ(activations(512, 300), 128 * (300 * (4 * 1152 + 8 * 512) + 24 * 3862) * 4);
  EXPECT_EQ(activations(512, 300) - activations(512, 200), 128 * 100 * (4 * 1152 + 8 * 512) * 4);
  // An option that cannot be a width, for the model has fewer weights than that would need.
  EXPECT_LT(activations(1'000'000, 300), activations(6516, 300) * 2);
}

TEST(EstimateNeedTest, AveragesAndOtherPrecisionsCostCopies) {
  ModelSpec model = ExampleModel();
  const auto copies = [&] { return EstimateNeed(model, Data(), kParameters, "cpu").copies; };
  model.train["ema"] = 0.0;
  model.train["average_checkpoints"] = 1;
  model.train["precision"] = "fp32";
  EXPECT_EQ(copies(), 6);
  model.train["precision"] = "int8";
  EXPECT_EQ(copies(), 7);
  model.train["ema"] = 0.999;
  EXPECT_EQ(copies(), 8);
  model.train["average_checkpoints"] = 3;
  EXPECT_EQ(copies(), 9);
  EXPECT_THAT(NameCopies(model), HasSubstr("moving average, mean of checkpoints"));
}

TEST(ForecastTest, OfNothingMeasuredIsTheEstimateWithAMargin) {
  const Forecast::Need need = NeedOf({}, ExampleModel());
  const NeedEstimate estimate = EstimateNeed(ExampleModel(), Data(), kParameters, "cpu");
  EXPECT_NEAR(static_cast<double>(need.memory_bytes),
              static_cast<double>(estimate.process_bytes + estimate.model_bytes()) * 1.2, 1);
  EXPECT_THAT(need.memory_text, HasSubstr("of activations, + 20 %; nothing like it was measured; "
                                          "6 copies: weights, gradients, Adam's two moments"));
  EXPECT_GT(need.seconds, 0);
  EXPECT_THAT(need.seconds_text, HasSubstr("by size alone"));
  EXPECT_THAT(need.seconds_text, HasSubstr("these data were not trained on yet"));
}

TEST(ForecastTest, TellsWhatIsSmallInItsOwnUnit) {
  Forecast forecast;
  forecast.Learn(ExampleModel(), Data(), Result(1000, 1e6));
  // 5 epochs of 2000 examples, 10 ms in all.
  EXPECT_EQ(
      NeedOf(forecast, ExampleModel()).seconds_text,
      "takes less than 0.1s: 10000 examples x 0.001 ms, as measured for this model (1 trial)");
  EXPECT_THAT(NeedOf({}, ExampleModel(), "cpu", 1000).memory_text,
              HasSubstr("256 MiB process + 6 x 3.9 KiB of parameters + "));
  EXPECT_THAT(NeedOf({}, ExampleModel(), "cpu", 1 << 20).memory_text,
              HasSubstr("6 x 4.0 MiB of parameters + "));
}

TEST(ForecastTest, ATrainingOfTheRecordThatStoppedEarlyHasNoKnownEpoch) {
  TrialResult result = Result(1000, 100);
  EXPECT_EQ(EpochExamples(ExampleModel(), result), 2000);
  result.stopped_early = true;
  EXPECT_EQ(EpochExamples(ExampleModel(), result), 0);
  result.epochs.resize(4);
  EXPECT_EQ(EpochExamples(ExampleModel(), result), 2500);
}

TEST(ForecastTest, ThatALargerModelTakesLongerNeedsNoMeasurement) {
  const Forecast forecast;
  EXPECT_GT(NeedOf(forecast, ExampleModel(1024), "cpu", 2 * kParameters).seconds,
            NeedOf(forecast, ExampleModel(512)).seconds);
  ModelSpec longer = ExampleModel();
  longer.train["epochs"] = 10;
  EXPECT_DOUBLE_EQ(NeedOf(forecast, longer).seconds, 2 * NeedOf(forecast, ExampleModel()).seconds);
}

TEST(ForecastTest, OfAMeasuredModelIsItsHighestPeakAndMedianTime) {
  Forecast forecast;
  forecast.Learn(ExampleModel(), Data(), Result(1000, 100));
  forecast.Learn(ExampleModel(), Data(), Result(1100, 50));
  forecast.Learn(ExampleModel(), Data(), Result(1050, 20));
  const Forecast::Need need = NeedOf(forecast, ExampleModel());
  EXPECT_EQ(need.memory_bytes, 1210 * kMebibyte);
  EXPECT_EQ(need.memory_text,
            "needs about 1.18 GiB: 1.07 GiB, the peak of 3 trials of this model, + 10 %");
  EXPECT_DOUBLE_EQ(need.seconds, 200);
  EXPECT_EQ(need.seconds_text,
            "takes about 3m20s: 10000 examples x 20 ms, as measured for this model (3 trials)");
}

TEST(ForecastTest, TheLearningRateDoesNotMakeAnotherModelTheBatchDoes) {
  Forecast forecast;
  forecast.Learn(ExampleModel(), Data(), Result(1000, 100));
  ModelSpec model = ExampleModel();
  model.train["learning_rate"] = 0.1;
  model.train["epochs"] = 1;
  EXPECT_THAT(NeedOf(forecast, model).memory_text, HasSubstr("of 1 trial of this model"));
  EXPECT_DOUBLE_EQ(NeedOf(forecast, model).seconds, 20) << "a fifth of the epochs";
  model.train["batch"] = 256;
  EXPECT_THAT(NeedOf(forecast, model).memory_text, HasSubstr("for 1 model of the same parts"));
}

TEST(ForecastTest, AnotherArithmeticMakesAnotherModelOfTheSameParts) {
  ModelSpec fp32 = ExampleModel(), bf16 = ExampleModel();
  fp32.train["arithmetic"] = "fp32";
  bf16.train["arithmetic"] = "bf16";
  Forecast forecast;
  forecast.Learn(fp32, Data(), Result(1000, 100));
  // It may take half as long and a fifth more memory.
  EXPECT_EQ(NeedOf(forecast, bf16).basis, Forecast::Basis::kSameParts);
  forecast.Learn(bf16, Data(), Result(1100, 200));
  EXPECT_EQ(NeedOf(forecast, bf16).basis, Forecast::Basis::kSameModel);
  EXPECT_EQ(NeedOf(forecast, bf16).memory_bytes, 1210 * kMebibyte);
  EXPECT_DOUBLE_EQ(NeedOf(forecast, bf16).seconds, 50);
  EXPECT_EQ(NeedOf(forecast, fp32).memory_bytes, 1100 * kMebibyte);
  EXPECT_DOUBLE_EQ(NeedOf(forecast, fp32).seconds, 100);
}

TEST(ForecastTest, AnotherModelIsCorrectedByWhatWasMeasuredOfItsLike) {
  const std::int64_t estimated =
      EstimateNeed(ExampleModel(), Data(), kParameters, "cpu").model_bytes();
  const std::int64_t noise = 64 * kMebibyte;
  Forecast forecast;
  TrialResult result = Result(0, 100);
  // Twice what was estimated for it, noise included.
  result.peak_memory_bytes = 256 * kMebibyte + 2 * (estimated + noise) - noise;
  forecast.Learn(ExampleModel(512), Data(), result);
  const NeedEstimate larger = EstimateNeed(ExampleModel(1024), Data(), 2 * kParameters, "cpu");
  const Forecast::Need need = NeedOf(forecast, ExampleModel(1024), "cpu", 2 * kParameters);
  EXPECT_NEAR(static_cast<double>(need.memory_bytes),
              static_cast<double>(larger.process_bytes + 2 * larger.model_bytes()) * 1.2, 2);
  EXPECT_THAT(need.memory_text,
              HasSubstr(", + 20 %; 2.00 as measured for 1 model of the same parts; 6 copies"));
}

TEST(ForecastTest, ModelsOfTheSameComponentsSayMoreThanOthers) {
  Forecast forecast;
  forecast.Learn(ExampleModel(512), Data(), Result(3000, 10));
  ModelSpec other = ExampleModel(600);
  other.parts["temporal"].component = "gru";
  forecast.Learn(other, Data(), Result(1000, 1000));
  other.parts["temporal"].options["hidden"] = 601;
  forecast.Learn(other, Data(), Result(1000, 1000));

  const double blstm = NeedOf(forecast, ExampleModel(640)).seconds;
  ModelSpec gru = ExampleModel(640);
  gru.parts["temporal"].component = "gru";
  EXPECT_GT(blstm, 50 * NeedOf(forecast, gru).seconds);
  EXPECT_THAT(NeedOf(forecast, gru).memory_text, HasSubstr("2 models of the same parts"));

  // An extra more is another model; the median over all three is that of the fast ones.
  ModelSpec gated = ExampleModel(512);
  gated.extras["context_gating"] = {};
  EXPECT_THAT(NeedOf(forecast, gated).memory_text, HasSubstr("3 models of other parts"));
  EXPECT_LT(50 * NeedOf(forecast, gated).seconds, blstm);
}

TEST(ForecastTest, AmongModelsOfTheSameComponentsThoseNearestInSizeCount) {
  Forecast forecast;
  for (const std::int64_t parameters : {1'000'000, 10'000'000, 11'000'000, 12'000'000}) {
    // The small one is slow for its size.
    const double rate = parameters == 1'000'000 ? 1 : 1000;
    forecast.Learn(ExampleModel(parameters / 1000), Data(), Result(1000, rate, parameters));
  }
  const Forecast::Need need = NeedOf(forecast, ExampleModel(11'500), "cpu", 11'500'000);
  EXPECT_LT(need.seconds, 60);
  EXPECT_THAT(need.seconds_text, HasSubstr("by size, as measured for 3 models of the same parts"));
}

/// Returns what is expected of a model by definition: the median over the three models that are
/// nearest in size, each by its highest peak.
double MemoryByDefinition(const std::map<std::int64_t, std::vector<std::int64_t>>& peaks_by_size,
                          const ModelSpec& model, std::int64_t parameters) {
  std::vector<std::pair<double, double>> near;  // distance, ratio
  const double noise = 64 * kMebibyte;
  for (const auto& [size, peaks] : peaks_by_size) {
    const NeedEstimate estimate = EstimateNeed(ExampleModel(size), Data(), size, "cpu");
    const auto peak = static_cast<double>(std::ranges::max(peaks) - estimate.process_bytes);
    near.emplace_back(std::abs(std::log(static_cast<double>(1 + 4 * size) /
                                        static_cast<double>(1 + 4 * parameters))),
                      (peak + noise) / (static_cast<double>(estimate.model_bytes()) + noise));
  }
  std::ranges::sort(near);
  std::vector<double> ratios;
  for (std::size_t i = 0; i < 3; ++i) ratios.push_back(near[i].second);
  std::ranges::sort(ratios);
  const NeedEstimate estimate = EstimateNeed(model, Data(), parameters, "cpu");
  return (static_cast<double>(estimate.process_bytes) +
          static_cast<double>(estimate.model_bytes()) * ratios[1]) *
         1.2;
}

TEST(ForecastTest, OfManyModelsTheThreeNearestInSizeCountWhateverTheOrderOfTheirTrials) {
  std::mt19937 random(5);
  Forecast forecast;
  std::map<std::int64_t, std::vector<std::int64_t>> peaks_by_size;
  for (int trial = 0; trial < 300; ++trial) {
    // Some models several times.
    const std::int64_t size = 1 + static_cast<std::int64_t>(random() % 200) * 100'000;
    const std::int64_t mebibytes = 600 + static_cast<std::int64_t>(random() % 4000);
    forecast.Learn(ExampleModel(size), Data(), Result(mebibytes, 100, size));
    peaks_by_size[size].push_back(mebibytes * kMebibyte);
    if (peaks_by_size.size() < 3) continue;
    const std::int64_t asked = 7 + static_cast<std::int64_t>(random() % 25'000'000);
    EXPECT_NEAR(
        static_cast<double>(NeedOf(forecast, ExampleModel(asked), "cpu", asked).memory_bytes),
        MemoryByDefinition(peaks_by_size, ExampleModel(asked), asked), 2);
  }
}

TEST(ForecastTest, AModelOfAnotherSizeThanBeforeIsListedByTheNewOne) {
  Forecast forecast;
  for (const std::int64_t parameters : {1'000, 50'000'000}) {  // a script may build another model
    forecast.Learn(ExampleModel(1), Data(), Result(1000, 100, parameters));
  }
  EXPECT_THAT(NeedOf(forecast, ExampleModel(2)).memory_text, HasSubstr("for 1 model of the same"));
}

TEST(ForecastTest, WhatOneKindOfDeviceMeasuredSaysNothingOfTheOther) {
  Forecast forecast;
  forecast.Learn(ExampleModel(), Data(), Result(1000, 100));
  EXPECT_THAT(NeedOf(forecast, ExampleModel(), "cuda:0").memory_text,
              HasSubstr("600 MiB process + 6 x 162 MiB of parameters + "));
  EXPECT_THAT(NeedOf(forecast, ExampleModel(), "cuda:0").memory_text,
              HasSubstr("nothing like it was measured"));
  TrialResult result = Result(2048, 1000);
  result.device = "cuda:1 NVIDIA H200";
  forecast.Learn(ExampleModel(), Data(), result);
  // LibTorch's figure leaves the process out.
  EXPECT_THAT(NeedOf(forecast, ExampleModel(), "cuda").memory_text,
              StartsWith("needs about 2.79 GiB: 600 MiB process + 2.00 GiB, the peak of 1 trial"));
  EXPECT_THAT(NeedOf(forecast, ExampleModel(), "cpu").memory_text, HasSubstr("1000 MiB, the peak"));
}

TEST(ForecastTest, AnAttemptThatOnlyEvaluatedTeachesNoTime) {
  Forecast forecast;
  TrialResult resumed = Result(700, 100);
  resumed.examples_per_second = 0;
  forecast.Learn(ExampleModel(), Data(), resumed);
  EXPECT_THAT(NeedOf(forecast, ExampleModel()).seconds_text, HasSubstr("by size alone"));
  EXPECT_THAT(NeedOf(forecast, ExampleModel()).memory_text, HasSubstr("700 MiB"));
  // The wall clock of a last attempt that trained the last tenth; its speed is that of all.
  resumed = Result(800, 100);
  resumed.wall_seconds = 10;
  forecast.Learn(ExampleModel(), Data(), resumed);
  EXPECT_DOUBLE_EQ(NeedOf(forecast, ExampleModel()).seconds, 100);
}

TEST(ForecastTest, ATrainingThatStoppedEarlyCountsTheEpochsItMade) {
  Forecast forecast;
  TrialResult stopped = Result(700, 100);
  stopped.stopped_early = true;
  forecast.Learn(ExampleModel(), Data(), stopped);
  EXPECT_THAT(NeedOf(forecast, ExampleModel()).seconds_text, HasSubstr("assumed"));
  stopped.epochs.resize(2);
  forecast.Learn(ExampleModel(), Data(), stopped);
  EXPECT_THAT(NeedOf(forecast, ExampleModel()).seconds_text, HasSubstr("25000 examples"));
}

TEST(ForecastTest, SaysWhatItsTimesAreFrom) {
  using Basis = Forecast::Basis;
  const auto basis = [](const Forecast& forecast, const ModelSpec& model) {
    return NeedOf(forecast, model).basis;
  };
  Forecast forecast;
  EXPECT_FALSE(forecast.KnowsTimes(Data(), "cpu"));
  EXPECT_EQ(basis(forecast, ExampleModel()), Basis::kNothing);
  forecast.KnowExamples(Data().digest, 2000);
  EXPECT_EQ(basis(forecast, ExampleModel()), Basis::kNothing);
  EXPECT_FALSE(forecast.KnowsTimes(Data(), "cpu")) << "the number of examples is no speed";
  forecast.Learn(ExampleModel(), Data(), Result(1000, 100));
  EXPECT_TRUE(forecast.KnowsTimes(Data(), "cpu"));
  EXPECT_FALSE(forecast.KnowsTimes(Data(), "cuda:0"));
  EXPECT_EQ(forecast.Trials("cpu"), 1U);
  EXPECT_EQ(basis(forecast, ExampleModel()), Basis::kSameModel);
  EXPECT_EQ(basis(forecast, ExampleModel(256)), Basis::kSameParts);
  ModelSpec longer = ExampleModel();
  longer.train["epochs"] = 10;
  EXPECT_EQ(basis(forecast, longer), Basis::kSameModel);
  longer.train["epochs"] = 11;
  EXPECT_EQ(basis(forecast, longer), Basis::kSameParts) << "what an epoch costs besides shows";
  ModelSpec other = ExampleModel();
  other.parts["temporal"] = {.component = "mean"};
  EXPECT_EQ(basis(forecast, other), Basis::kOtherParts);
  // Other data of the same shape: how many they are is a guess until somebody counts them.
  DataSpec data = Data();
  data.digest = "other";
  EXPECT_EQ(forecast.Of(ExampleModel(), data, kParameters, "cpu").basis, Basis::kNothing);
  EXPECT_FALSE(forecast.KnowsTimes(data, "cpu"));
  forecast.KnowExamples("other", 500);
  EXPECT_NEAR(forecast.Of(ExampleModel(), data, kParameters, "cpu").seconds, 5 * 500 / 100.0, 1e-9);
  // What training counted stays.
  forecast.KnowExamples(Data().digest, 1);
  EXPECT_NEAR(NeedOf(forecast, ExampleModel()).seconds, 5 * 2000 / 100.0, 1e-9);
}

TEST(ForecastTest, TheSpreadComparesEachTrialWithWhatTheOthersSay) {
  using Basis = Forecast::Basis;
  Forecast forecast;
  const auto expect = [&](Basis basis, double low, double middle, double high, std::size_t trials) {
    const Forecast::Spread spread = forecast.SpreadOf(basis, "cpu");
    EXPECT_NEAR(spread.low, low, 1e-9);
    EXPECT_NEAR(spread.middle, middle, 1e-9);
    EXPECT_NEAR(spread.high, high, 1e-9);
    EXPECT_EQ(spread.trials, trials);
  };
  // Nothing measured: wide, and the wider the less alike.
  expect(Basis::kSameModel, 1 / 1.5, 1, 1.5, 0);
  expect(Basis::kSameParts, 0.5, 1, 2, 0);
  expect(Basis::kOtherParts, 0.25, 1, 4, 0);
  // Of one model, five trials of 100 examples a second, and one of 50.
  for (const double speed : {100, 100, 100, 100, 100, 50}) {
    forecast.Learn(ExampleModel(), Data(), Result(1000, speed));
  }
  expect(Basis::kSameModel, 1 / 1.1, 1, 1.5, 6);
  expect(Basis::kSameParts, 0.5, 1, 2, 0);
  // One that stops early takes less than its epochs would.
  TrialResult early = Result(1000, 100);
  early.examples /= 2;
  early.wall_seconds /= 2;
  early.stopped_early = true;
  for (int i = 0; i < 6; ++i) forecast.Learn(ExampleModel(), Data(), early);
  EXPECT_NEAR(forecast.SpreadOf(Basis::kSameModel, "cpu").low, 0.5, 1e-9);
  EXPECT_EQ(forecast.SpreadOf(Basis::kSameModel, "cuda").trials, 0U);
}

/// Parts that were not measured are told by others: so is the spread, whatever their like took.
TEST(ForecastSpread, OfOtherPartsLeavesTheLikeOut) {
  Forecast forecast;
  ModelSpec other = ExampleModel();
  other.parts["temporal"] = {.component = "mean"};
  const auto learn = [&](ModelSpec model, double seconds_per_operation,
                         const std::vector<int>& batches) {
    // Each is a model of its own of the same size: another batch costs another time.
    for (const int batch : batches) {
      model.train["batch"] = batch;
      const NeedEstimate need = EstimateNeed(model, Data(), kParameters, "cpu");
      forecast.Learn(model, Data(), Result(1000, 1 / (seconds_per_operation * need.operations)));
    }
  };
  learn(ExampleModel(), 1e-12, {16, 32, 64, 128, 256});
  EXPECT_EQ(forecast.SpreadOf(Forecast::Basis::kOtherParts, "cpu").trials, 0U) << "none to tell";
  learn(other, 5e-12, {32, 64});
  const Forecast::Spread spread = forecast.SpreadOf(Forecast::Basis::kOtherParts, "cpu");
  EXPECT_EQ(spread.trials, 7U);
  EXPECT_NEAR(spread.low, 0.2 / 1.1, 1e-9);
  EXPECT_NEAR(spread.high, 5, 1e-9);
  EXPECT_NEAR(forecast.SpreadOf(Forecast::Basis::kSameParts, "cpu").high, 1.1, 1e-9);
}

}  // namespace
}  // namespace beamgrid
