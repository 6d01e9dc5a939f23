// describe, count, doctor, and what each exception becomes.

#include "trainer/worker/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <filesystem>
#include <new>
#include <sstream>
#include <system_error>

#include "registry/scoring/metrics.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "tests/trainer/trial.h"
#include "trainer/data/data_error.h"
#include "trainer/training/failures.h"

namespace beamgrid::trainer {
namespace {

using ::testing::HasSubstr;

std::string CountLine(const ModelSpec& model, const DataSpec& data) {
  return boost::json::serialize(
             boost::json::object{{"id", 7}, {"model", ToJson(model)}, {"data", ToJson(data)}}) +
         "\n";
}

std::vector<boost::json::object> Count(const std::string& lines) {
  std::istringstream in(lines);
  std::ostringstream out;
  EXPECT_EQ(CountCommand(in, out), 0);
  std::vector<boost::json::object> answers;
  std::istringstream read(out.str());
  for (std::string line; std::getline(read, line);) {
    answers.push_back(ParseJson(line).as_object());
  }
  return answers;
}

TEST(CountTest, AnswersLineByLine) {
  const Parts moe4 = {.parts = {{"classifier", {"moe", {{"experts", 4}}}}}};
  const auto answers =
      Count(CountLine(MakeModel({}), PaperData()) + "\n" + CountLine(MakeModel(moe4), PaperData()));
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].at("id").as_int64(), 7);
  EXPECT_EQ(answers[0].at("parameters").as_int64(), 4'452'886);
  EXPECT_EQ(answers[0].at("size_bytes").as_int64(), 4 * 4'452'886);
  EXPECT_EQ(answers[1].at("parameters").as_int64(), 40'056'664);
}

TEST(CountTest, SaysWhatDoesNotFitOfTheWeightsThatATrialIsToStartFrom) {
  const auto line = [](const Parts& parts, const Parts& start) {
    return boost::json::serialize(boost::json::object{
               {"id", 7},
               {"model", ToJson(MakeModel(parts))},
               {"data", ToJson(PaperData())},
               {"start", boost::json::object{{"trial", "0123abcd"},
                                             {"model", ToJson(MakeModel(start))},
                                             {"data", ToJson(PaperData())}}}}) +
           "\n";
  };
  const Parts narrow = {.parts = {{"temporal", {"lstm", {{"hidden", 8}}}}}};
  const Parts wide = {.parts = {{"temporal", {"lstm", {{"hidden", 16}}}}}};
  const Parts normalised = {.parts = narrow.parts, .extras = {{"layer_norm", {}}}};
  const auto answers = Count(line(narrow, narrow) + line(normalised, narrow) + line(wide, narrow) +
                             line(narrow, normalised));
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_FALSE(answers[0].contains("error"));
  EXPECT_FALSE(answers[1].contains("error")) << "what only the new model has keeps its values";
  EXPECT_THAT(answers[2].at("error").as_string().c_str(),
              AllOf(HasSubstr("trial 0123abcd do not fit"),
                    HasSubstr("classifier.linear.weight is [3862, 16], was [3862, 8]")));
  EXPECT_EQ(answers[2].at("kind"), "bad_spec");
  EXPECT_THAT(answers[3].at("error").as_string().c_str(),
              HasSubstr("this model lacks: layer_norm"));
}

TEST(CountTest, TouchesNoMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps freed memory back, so resident memory says nothing";
#endif
  const auto peak_kilobytes = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const Parts large = {.parts = {{"classifier", {"moe", {{"experts", 64}}}}}};
  DataSpec data = PaperData();
  data.classes = 5000;
  const auto before = peak_kilobytes();
  const auto answers = Count(CountLine(MakeModel(large), data));
  EXPECT_EQ(answers.at(0).at("size_bytes").as_int64(), std::int64_t{4} * (129 * 1152 + 64) * 5000);
  EXPECT_LT(peak_kilobytes() - before, 100'000) << "3 GB of weights were written";
}

TEST(CountTest, AModelBeyondTheMachineIsAnError) {
  DataSpec data = PaperData();
  data.classes = kMaxClasses;
  data.features.clear();
  for (int i = 0; i < 1000; ++i) data.features.emplace_back(std::to_string(i), 65'536);
  const auto answers = Count(CountLine(MakeModel({}), data));
  EXPECT_THAT(answers.at(0).at("error").as_string().c_str(), HasSubstr("out of memory"));
}

TEST(CountTest, SaysWhatIsWrongAndGoesOn) {
  const Parts lstm = {.parts = {{"temporal", {"lstm", {}}}}};
  const auto answers =
      Count("{\n" + std::string("{\"model\": 1}\n") +
            CountLine(MakeModel(lstm), PaperData("video")) + CountLine(MakeModel({}), PaperData()));
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_TRUE(answers[0].contains("error"));
  EXPECT_TRUE(answers[1].contains("error"));
  EXPECT_THAT(answers[2].at("error").as_string().c_str(), HasSubstr("temporal = lstm"));
  EXPECT_EQ(answers[3].at("parameters").as_int64(), 4'452'886);
}

TEST(DescribeTest, IsTheCatalogue) {
  std::ostringstream out;
  EXPECT_EQ(DescribeCommand(out), 0);
  const Catalogue catalogue = CatalogueFromJson(ParseJson(out.str()));
  for (const auto& [criterion, name] :
       std::vector<std::pair<std::string, std::string>>{{"multimodal", "concat"},
                                                        {"temporal", "netvlad"},
                                                        {"classifier", "conditional_inference"},
                                                        {"extras", "gradient_clip"},
                                                        {"label_processing", "none"},
                                                        {"loss", "cross_entropy"},
                                                        {"train", "train"}}) {
    EXPECT_NE(catalogue.Find(criterion, name), nullptr) << criterion << " " << name;
  }
  EXPECT_FALSE(catalogue.libtorch_version.empty());
}

TEST(DescribeTest, NamesTheFilesThatItsAnswersDependOn) {
  std::ostringstream out;
  EXPECT_EQ(DescribeCommand(out), 0);
  const boost::json::value answer = ParseJson(out.str());
  bool has_libtorch = false, has_folder = false;
  for (const boost::json::value& file : answer.at("loaded").as_array()) {
    const std::filesystem::path path(std::string(file.as_string()));
    EXPECT_TRUE(path.is_absolute()) << path;
    has_libtorch = has_libtorch || path.filename().string().starts_with("libtorch_cpu.so");
    has_folder = has_folder || std::filesystem::is_directory(path);
  }
  EXPECT_TRUE(has_libtorch);
  EXPECT_TRUE(has_folder) << "where the linker looks";
}

// ---- Endings ------------------------------------------------------------------------------------

template <typename Exception>
Ending EndingOf(const Exception& exception) {
  try {
    throw exception;
  } catch (const std::exception&) {
    return EndingOfCurrentException();
  }
}

void ExpectEnding(const Ending& ending, TrainerExit exit, FailureKind failure) {
  EXPECT_EQ(ending.exit, exit) << ending.message;
  EXPECT_EQ(ending.failure, failure) << ending.message;
  EXPECT_EQ(ending.message.find('\n'), std::string::npos);
}

TEST(EndingTest, OfEachKind) {
  ExpectEnding(EndingOf(Interrupted()), TrainerExit::kInterrupted, FailureKind::kInterrupted);
  ExpectEnding(EndingOf(Diverged("x")), TrainerExit::kDiverged, FailureKind::kDiverged);
  ExpectEnding(EndingOf(DataFilesError("x")), TrainerExit::kBadData, FailureKind::kBadData);
  ExpectEnding(EndingOf(DataError(DataFault::kDamagedRecord, "f", 16, "x")), TrainerExit::kBadData,
               FailureKind::kBadData);
  ExpectEnding(EndingOf(SpecError("x")), TrainerExit::kBadSpec, FailureKind::kBadSpec);
  ExpectEnding(EndingOf(UsageError("x")), TrainerExit::kBadSpec, FailureKind::kBadSpec);
  ExpectEnding(EndingOf(std::invalid_argument("x")), TrainerExit::kBadSpec, FailureKind::kBadSpec);
  ExpectEnding(EndingOf(std::bad_alloc()), TrainerExit::kOutOfMemory, FailureKind::kOutOfMemory);
  ExpectEnding(EndingOf(std::runtime_error("a component's")), TrainerExit::kBroken,
               FailureKind::kCrashed);
}

TEST(EndingTest, WhatIsNotKnownToBeTheTrialsIsTheMachines) {
  const auto expect_machine = [](const Ending& ending, const char* fix) {
    ExpectEnding(ending, TrainerExit::kBroken, FailureKind::kEnvironment);
    EXPECT_THAT(ending.message, HasSubstr(fix));
  };
  for (const int code : {ESTALE, ENOTCONN, EDQUOT, EFBIG, ETIMEDOUT, EBUSY, EPROTO}) {
    expect_machine(EndingOf(SystemError("model.pt", "cannot write", code)), "run again");
    expect_machine(EndingOf(std::filesystem::filesystem_error(
                       "rename", std::error_code(code, std::generic_category()))),
                   "run again");
  }
  expect_machine(EndingOf(SystemError("model.pt", "cannot write", ENOENT)), "Put it back");
  expect_machine(EndingOf(std::system_error(EAGAIN, std::generic_category(), "thread")),
                 "ulimit -u");
  expect_machine(EndingOf(Error("process 7 works on this attempt")), "process 7");
}

TEST(EndingTest, AGpuThatIsLostIsNoFaultOfTheModel) {
  const auto ending_of = [](const std::string& text) {
    return EndingOf(c10::Error({"f", "f.cpp", 1}, text)).failure;
  };
  EXPECT_EQ(ending_of("CUDA error: uncorrectable ECC error encountered"),
            FailureKind::kEnvironment);
  EXPECT_EQ(ending_of("CUDA error: the launch timed out and was terminated"),
            FailureKind::kEnvironment);
  EXPECT_EQ(ending_of("CUDA error: device-side assert triggered"), FailureKind::kCrashed);
  EXPECT_EQ(ending_of("CUDA error: an illegal memory access was encountered"),
            FailureKind::kCrashed);
  EXPECT_EQ(ending_of("mat1 and mat2 shapes"), FailureKind::kCrashed);
}

TEST(EndingTest, OfLibTorchIsOneLineWithTheRestForTheLog) {
  try {
    torch::ones({2, 3}).mm(torch::ones({2, 3}));
    FAIL();
  } catch (const std::exception&) {
    const Ending ending = EndingOfCurrentException();
    ExpectEnding(ending, TrainerExit::kBroken, FailureKind::kCrashed);
    EXPECT_THAT(ending.message, HasSubstr("LibTorch: mat1 and mat2"));
    EXPECT_THAT(ending.detail, HasSubstr("\n"));
  }
}

TEST(EndingTest, OfLibTorchsExhaustedMemory) {
  try {
    torch::empty({std::int64_t{1} << 50});
    FAIL();
  } catch (const std::exception&) {
    ExpectEnding(EndingOfCurrentException(), TrainerExit::kOutOfMemory, FailureKind::kOutOfMemory);
  }
}

}  // namespace
}  // namespace beamgrid::trainer
