#include "registry/named_file.h"

#include <gmock/gmock.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

const NamedFile kPool{.name = "pool.pt", .path = "/a/pool.pt", .hash = "12ab"};

TEST(NamedFile, SurvivesJson) {
  EXPECT_EQ(NamedFileFrom(ToJson(kPool)), kPool);
  EXPECT_EQ(CanonicalJson(ToJson(kPool)),
            R"({"file":"pool.pt","hash":"12ab","path":"/a/pool.pt"})");
}

TEST(NamedFile, OtherValuesAreNone) {
  for (const char* text : {R"("pool.pt")", "3", "null", "{}", R"({"file":"a","hash":"b"})",
                           R"({"file":"a","hash":"b","path":1})",
                           R"({"file":"a","hash":"b","path":"c","more":"d"})"}) {
    EXPECT_FALSE(NamedFileFrom(ParseJson(text))) << text;
  }
}

TEST(NamedFile, HashesStandForFilesHoweverDeep) {
  boost::json::value value = ParseJson(R"({"a":[{"b":1}],"file":"kept"})");
  value.as_object()["c"] = ToJson(kPool);
  value.as_object()["a"].as_array().push_back(ToJson(kPool));
  EXPECT_EQ(CanonicalJson(WithHashesForFiles(value)),
            R"({"a":[{"b":1},{"hash":"12ab"}],"c":{"hash":"12ab"},"file":"kept"})");
}

TEST(NamedFile, IsFoundRelativeToItsFolder) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "parts/pool.pt", "content");
  const NamedFile file = LookAtFile("../parts/pool.pt", folder / "parts");
  EXPECT_EQ(file.name, "../parts/pool.pt");
  EXPECT_EQ(file.path, (folder / "parts/pool.pt").string());
  EXPECT_EQ(file.hash, HashBytes("content"));
  EXPECT_EQ(LookAtFile((folder / "parts/pool.pt").string(), "/elsewhere").hash, file.hash);
}

TEST(NamedFile, WhatIsNoFileIsSaid) {
  const TemporaryFolder folder;
  EXPECT_THAT(ErrorText<Error>([&] { (void)LookAtFile("pool.pt", folder.path()); }),
              HasSubstr((folder / "pool.pt").string() + ": there is no such file"));
  EXPECT_THAT(ErrorText<Error>([&] { (void)LookAtFile(".", folder.path()); }),
              HasSubstr("is no file"));
}

TEST(NamedFile, AChangeIsNoticed) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "pool.pt", "content");
  const NamedFile file = LookAtFile("pool.pt", folder.path());
  CheckUnchanged(file);
  WriteFileAtomically(folder / "pool.pt", "CONTENT");
  EXPECT_THAT(ErrorText<Error>([&] { CheckUnchanged(file); }), HasSubstr("has changed"));
  std::filesystem::remove(folder / "pool.pt");
  EXPECT_THAT(ErrorText<Error>([&] { CheckUnchanged(file); }), HasSubstr("no such file"));
}

}  // namespace
}  // namespace beamgrid
