// What is said about whole files: digest, inspect, verify, truth.

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <tuple>

#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"
#include "trainer/data/digest.h"
#include "trainer/data/inspect.h"
#include "trainer/data/truth.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FilesTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::vector<ExampleContent>& videos) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::vector<std::string> payloads;
    for (const ExampleContent& video : videos) payloads.push_back(Encode(video));
    WriteRecords(folder_ / name, payloads);
    return (folder_ / name).string();
  }

  TemporaryFolder folder_;
};

using DigestTest = FilesTest;

TEST_F(DigestTest, DependsOnNamesAndContentsButNotOnFoldersOrOrder) {
  DataSpec here{.train = {Write("here/a", {SmallVideo("v0")}), Write("here/b", {SmallVideo("v1")})},
                .validate = {Write("here/c", {SmallVideo("v2")})}};
  const std::string digest = DataDigest(here);
  EXPECT_EQ(digest.size(), 32U);
  const DataSpec there{
      .train = {Write("there/b", {SmallVideo("v1")}), Write("there/a", {SmallVideo("v0")})},
      .validate = {Write("there/c", {SmallVideo("v2")})}};
  EXPECT_EQ(DataDigest(there), digest);

  DataSpec other = here;
  other.validate = {Write("here/c", {SmallVideo("v3")})};
  EXPECT_NE(DataDigest(other), digest) << "content";
  other.validate = {Write("here/d", {SmallVideo("v2")})};
  EXPECT_NE(DataDigest(other), digest) << "name";
  std::swap(here.train, here.validate);
  EXPECT_NE(DataDigest(here), digest) << "role";
}

TEST_F(DigestTest, SeesEveryByteOfLongFiles) {
  const std::string path = (folder_ / "long").string();
  std::string bytes(3'000'000, 'x');
  const auto digest_of = [&](const std::string& content) {
    WriteBytes(path, content);
    return DataDigest({.train = {path}});
  };
  const std::string digest = digest_of(bytes);
  for (const std::size_t position : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
    std::string changed = bytes;
    changed[position] = 'y';
    EXPECT_NE(digest_of(changed), digest) << position;
  }
  EXPECT_NE(digest_of(bytes + "x"), digest);
}

TEST_F(DigestTest, IsTheSameFromTheCacheAsFromTheFiles) {
  const DataSpec data{.train = {Write("a", {SmallVideo("v0")})},
                      .validate = {Write("b", {SmallVideo("v1")})}};
  HashCache cache(folder_ / "cache");
  EXPECT_EQ(DataDigest(data, cache), DataDigest(data));
  // Believed and not read again: what is kept under a file's stamp is its hash.
  cache.Add(StampOf(data.train[0]), std::string(32, '0'),
            std::chrono::system_clock::now() + std::chrono::hours(1));
  EXPECT_NE(DataDigest(data, cache), DataDigest(data));
}

TEST_F(DigestTest, AMissingFileIsAnError) {
  EXPECT_THAT(
      ErrorText<Error>([&] { std::ignore = DataDigest({.train = {(folder_ / "none").string()}}); }),
      HasSubstr("none: cannot look at it: No such file"));
}

using InspectTest = FilesTest;

TEST_F(InspectTest, CountsWhatAFrameLevelFileHolds) {
  const std::string file = Write("a", {SmallVideo("v0", 2, {0, 4}), SmallVideo("v1", 7, {4})});
  const boost::json::value expected = boost::json::parse(
      R"([{"format": "frame", "records": 2, "classes_seen": 2, "max_class": 4,
           "labels_per_video": 1.5, "frames": {"min": 2, "mean": 4.5, "max": 7},
           "features": {"audio": 2, "rgb": 4}}])");
  boost::json::value json = ToJson({InspectFile(file)});
  EXPECT_EQ(json.at(0).at("file").as_string(), file);
  json.at(0).as_object().erase("file");
  EXPECT_EQ(json, expected) << boost::json::serialize(json);
}

TEST_F(InspectTest, TellsTheFormats) {
  ExampleContent rated = SmallVideo("v", 8);
  rated.ratings = {{.label = 1, .start = 0, .end = 5, .score = 1}};
  EXPECT_EQ(InspectFile(Write("a", {SmallVideo("w"), rated})).format, "segment");
  const FileReport video =
      InspectFile(Write("b", {{.id = "v", .values = {{.name = "x", .values = {1, 2}}}}}));
  EXPECT_EQ(video.format, "video");
  EXPECT_EQ(video.features.at("x"), 2);
  EXPECT_EQ(video.max_class, -1);
  EXPECT_EQ(InspectFile(Write("c", {})).format, "");
}

TEST_F(InspectTest, DamageIsAnErrorWithItsPlace) {
  WriteRecords(folder_ / "a", {"not protobuf"});
  EXPECT_THAT(ErrorText<DataError>([&] { std::ignore = InspectFile(folder_ / "a"); }),
              HasSubstr("a: byte 0: not a tf.Example"));
}

using VerifyTest = FilesTest;

TEST_F(VerifyTest, ReportsEveryDamagedRecordAndGoesOn) {
  WriteRecords(folder_ / "a", {Encode(SmallVideo("v0")), "not protobuf", Encode(SmallVideo("v1")),
                               Encode(SmallVideo("v2"))});
  const TfRecordFile file(folder_ / "a");
  const std::uint64_t second = file.Skip(0), third = file.Skip(second), fourth = file.Skip(third);
  std::string bytes = ReadFile(folder_ / "a");
  bytes[third + 20] ^= 1;
  WriteBytes(folder_ / "a", bytes);
  const VerifyReport report = VerifyFile(folder_ / "a");
  EXPECT_EQ(report.records, 2);
  EXPECT_EQ(report.bytes, bytes.size());
  ASSERT_EQ(report.damages.size(), 2U);
  EXPECT_EQ(report.damages[0].offset, second);
  EXPECT_THAT(report.damages[0].what, HasSubstr("not a tf.Example"));
  EXPECT_EQ(report.damages[1].offset, third);
  EXPECT_THAT(report.damages[1].what, HasSubstr("do not match their CRC"));

  bytes.resize(fourth + 9);
  WriteBytes(folder_ / "a", bytes);
  const VerifyReport cut = VerifyFile(folder_ / "a");
  EXPECT_EQ(cut.records, 1);
  EXPECT_EQ(cut.damages.back().offset, fourth);
  EXPECT_THAT(cut.damages.back().what, HasSubstr("cut off"));
}

TEST_F(VerifyTest, NumbersThatNoNetworkCanTakeAreDamages) {
  const auto video = [](const std::string& id, float value) {
    return ExampleContent{
        .id = id, .labels = {1}, .values = {{.name = "x", .values = {1, value, 2}}}};
  };
  const float infinity = std::numeric_limits<float>::infinity();
  const VerifyReport report =
      VerifyFile(Write("a", {video("v0", 2), video("v1", NAN), video("v2", -infinity),
                             video("v3", 1e16F), video("v4", 9e15F)}));
  EXPECT_EQ(report.records, 2);
  ASSERT_EQ(report.damages.size(), 3U);
  EXPECT_EQ(report.damages[0].what,
            "video 'v1': feature 'x' holds nan at index 1, must be finite and below 1e+16");
  EXPECT_THAT(report.damages[1].what, HasSubstr("'x' holds -inf at index 1"));
  EXPECT_THAT(report.damages[2].what, HasSubstr("'x' holds 1e+16 at index 1"));
}

TEST_F(VerifyTest, AsJson) {
  WriteBytes(folder_ / "cut", "short");
  const VerifyReport report = VerifyFile(folder_ / "cut");
  const boost::json::array json = ToJson({report});
  const boost::json::object& file = json.at(0).as_object();
  EXPECT_EQ(file.at("records"), 0);
  EXPECT_EQ(file.at("bytes"), 5U);
  EXPECT_EQ(file.at("damages").at(0).at("offset"), 0U);
}

using TruthTest = FilesTest;

TEST_F(TruthTest, SortsLabelsAndKeepsVideosWithoutAny) {
  const Truth truth = ReadTruthRecords(
      {Write("a", {SmallVideo("b", 1, {4, 1, 4})}), Write("c", {SmallVideo("d", 1, {})})});
  EXPECT_THAT(
      truth, ElementsAre(testing::Pair("b", ElementsAre(1, 4)), testing::Pair("d", ElementsAre())));
}

TEST_F(TruthTest, RefusesWhatCannotBeTruth) {
  EXPECT_THAT(ErrorText<DataError>([&] {
                std::ignore = ReadTruthRecords({Write("a", {SmallVideo("x"), SmallVideo("x")})});
              }),
              HasSubstr("video 'x' occurs twice"));
  EXPECT_THAT(
      ErrorText<DataError>([&] { std::ignore = ReadTruthRecords({Write("a", {SmallVideo("")})}); }),
      HasSubstr("neither 'id' nor 'video_id'"));
  EXPECT_THAT(ErrorText<DataError>([&] {
                std::ignore = ReadTruthRecords({Write("a", {SmallVideo("x", 1, {1LL << 40})})});
              }),
              HasSubstr("label 1099511627776 is no class index"));
}

}  // namespace
}  // namespace beamgrid
