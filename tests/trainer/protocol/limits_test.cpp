// What trial.json and result.json may not say, whoever wrote them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_text.h"
#include "tests/support/record.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;
namespace json = boost::json;

/// What refuses a sound trial.json in which one member of one object is another.
std::string RefusalOfTrial(const std::string& object, const std::string& key, json::value value) {
  TrialFile trial{.study = "study", .name = "MC", .fingerprint = "f", .spec = ExampleTrial()};
  json::value text = ToJson(trial);
  json::object& changed = object.empty() ? text.as_object() : text.at_pointer(object).as_object();
  changed[key] = std::move(value);
  return ErrorText<std::invalid_argument>([&] { static_cast<void>(TrialFileFromJson(text)); });
}

std::string RefusalOfArtifact(const std::string& path) {
  TrialResult result = ExampleSuccess().result();
  result.artifacts[0].path = path;
  return ErrorText<std::invalid_argument>(
      [&] { static_cast<void>(TrialResultFromJson(ToJson(result))); });
}

TEST(TrialFileLimits, AmountsAreWhatAMachineCanHave) {
  for (const std::int64_t amount : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40}) {
    for (const char* key : {"threads", "predictions_top_k", "heartbeat_seconds"}) {
      EXPECT_THAT(RefusalOfTrial("", key, amount), HasSubstr(std::string(key) + ": must be "));
    }
  }
  EXPECT_THAT(RefusalOfTrial("", "heartbeat_seconds", 1e300), HasSubstr("must be 0.001.."));
}

TEST(TrialFileLimits, SizesOfTheDataAreThoseOfARecipe) {
  constexpr char kData[] = "/spec/data";
  EXPECT_THAT(RefusalOfTrial(kData, "classes", -1), HasSubstr("classes: must be 0..1048576"));
  EXPECT_THAT(RefusalOfTrial(kData, "classes", 1 << 21), HasSubstr("is 2097152"));
  EXPECT_THAT(RefusalOfTrial(kData, "max_frames", 0), HasSubstr("max_frames: must be 1..65536"));
  for (const std::int64_t width : {std::int64_t{0}, std::int64_t{-4}, std::int64_t{1} << 40}) {
    EXPECT_THAT(RefusalOfTrial(kData, "features", json::array{json::array{"rgb", width}}),
                HasSubstr("features: must be 1..65536"));
  }
}

TEST(ResultLimits, ArtifactsLieInTheAttemptsFolder) {
  for (const char* path : {"", ".", "..", "/etc/passwd", "../model.pt", "a/../../b", "a/b", "a/"}) {
    EXPECT_THAT(RefusalOfArtifact(path), HasSubstr("must be a file of the attempt's folder"))
        << path;
  }
  TrialResult result = ExampleSuccess().result();
  result.artifacts[0].path = "..model.pt";
  EXPECT_EQ(TrialResultFromJson(ToJson(result)).artifacts[0].path, "..model.pt");
}

TEST(FailedMessage, ArrivesWhateverItsBytes) {
  const auto read = MessageFromLine(ToLine(Failed{FailureKind::kBadData, "video '\xff\n' \xc3"}));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(std::get<Failed>(*read).message, "video '?\n' ?");
}

}  // namespace
}  // namespace beamgrid
