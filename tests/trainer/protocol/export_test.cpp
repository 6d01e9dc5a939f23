// The words of an export between the two programs.

#include "trainer/protocol/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/json.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;

std::string RefusalOfAnswer(const std::string& text) {
  const boost::json::value json = ParseJson(text);
  return ErrorText<std::invalid_argument>([&] { static_cast<void>(ExportAnswerFromJson(json)); });
}

TEST(ExportMessages, AreReadAsTheyAreWritten) {
  const ExportQuestion question{
      .name = "The ensemble of small",
      .is_ensemble = true,
      .models = {{.folder = "member1", .weights = "a/model.pt", .config = {{"name", "MC"}}}}};
  const boost::json::value asked = ToJson(question);
  EXPECT_EQ(ToJson(ExportQuestionFromJson(asked)), asked);
  const ExportAnswer answer = {{.weight_bytes = 8, .sample = {{{3, 0.5}, {1, 0.25}}, {}}}};
  const boost::json::value told = ToJson(answer);
  EXPECT_EQ(ToJson(ExportAnswerFromJson(told)), told);
}

TEST(ExportMessages, AFolderLiesInTheExport) {
  for (const std::string folder : {"", "..", "a/b", "/"}) {
    const boost::json::value asked =
        ToJson(ExportQuestion{.models = {{.folder = folder, .weights = "w", .config = {}}}});
    EXPECT_THAT(
        ErrorText<std::invalid_argument>([&] { static_cast<void>(ExportQuestionFromJson(asked)); }),
        HasSubstr("models.folder: must be the name of a folder"));
  }
}

TEST(ExportMessages, WhatIsNoAnswerIsNamed) {
  EXPECT_THAT(RefusalOfAnswer("{}"), HasSubstr("must be a list"));
  EXPECT_THAT(RefusalOfAnswer("[{\"sample\":[]}]"), HasSubstr("weight_bytes"));
  for (const char* sample : {"[1]", "[[1]]", "[[[1]]]", "[[[1.5,2]]]", "[[[5000000000,0.5]]]",
                             "[[[-1,0.5]]]", "[[[1,\"a\"]]]"}) {
    EXPECT_THAT(RefusalOfAnswer("[{\"weight_bytes\":1,\"sample\":" + std::string(sample) + "}]"),
                HasSubstr("export.sample: must hold"))
        << sample;
  }
}

}  // namespace
}  // namespace beamgrid
