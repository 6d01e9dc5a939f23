#include "trainer/data/video_group_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"
#include "trainer/data/census.h"

namespace beamgrid {
namespace video_group_records_test {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Pair;

class VideoGroupRecordsTest : public testing::Test {
 protected:
  DataSpec Write(const std::vector<ExampleContent>& videos) {
    std::vector<std::string> payloads;
    for (std::size_t i = 0; i < videos.size(); ++i) payloads.push_back(Encode(videos[i], i));
    WriteRecords(folder_ / "validate", payloads);
    DataSpec spec = SmallSpec();
    spec.validate = {(folder_ / "validate").string()};
    spec.digest = "0123";
    return spec;
  }
  static ExampleContent Of(const std::string& id, const std::string& subject) {
    ExampleContent video = SmallVideo(id);
    if (!subject.empty()) video.texts = {{.name = "subject", .text = subject}};
    return video;
  }

  TemporaryFolder folder_;
};

TEST_F(VideoGroupRecordsTest, ReadsTheTextOfEachRecord) {
  const DataSpec spec = Write({Of("b", "s2"), Of("a", "s1"), Of("c", "s 1")});
  const ReadGroups read = ReadVideoGroups(spec, "subject", std::nullopt);
  EXPECT_EQ(read.without, 0);
  EXPECT_EQ(read.groups.by(), "subject");
  EXPECT_THAT(read.groups.groups(),
              ElementsAre(Pair("a", "s1"), Pair("b", "s2"), Pair("c", "s 1")));
}

TEST_F(VideoGroupRecordsTest, NamesRecordsThatHaveNone) {
  const DataSpec spec = Write({Of("a", "s1"), Of("b", ""), Of("c", ""), Of("d", ""), Of("e", "")});
  const ReadGroups read = ReadVideoGroups(spec, "subjct", std::nullopt);
  EXPECT_EQ(read.without, 5);
  ASSERT_EQ(read.examples.size(), 3U);
  EXPECT_THAT(read.examples[0],
              HasSubstr("validate: byte 0: video 'a': has no text 'subjct'; the record has 'id', "
                        "'labels', 'subject'; did you mean 'subject'?"));
  EXPECT_EQ(ReadVideoGroups(spec, "subject", std::nullopt).without, 4);
  EXPECT_EQ(ReadVideoGroups(spec, "labels", std::nullopt).without, 5 - 5)
      << "one integer is a group too";
}

TEST_F(VideoGroupRecordsTest, SaysWhatStandsInThePlaceOfAGroup) {
  ExampleContent video = SmallVideo("a");
  video.texts = {{.name = "blank", .text = ""}, {.name = "latin", .text = "\xe9"}};
  video.labels = {0, 1};
  video.values = {{.name = "vector", .values = {1, 2}}};
  const DataSpec spec = Write({video});
  const auto problem = [&](const std::string& name) {
    const ReadGroups read = ReadVideoGroups(spec, name, std::nullopt);
    EXPECT_EQ(read.without, 1) << name;
    return read.examples.at(0);
  };
  const std::string must = ", must be one text or one integer";
  EXPECT_THAT(problem("blank"), EndsWith("video 'a': 'blank' is an empty text" + must));
  EXPECT_THAT(problem("latin"), EndsWith("video 'a': 'latin' is no UTF-8" + must));
  EXPECT_THAT(problem("labels"), EndsWith("video 'a': 'labels' holds 2 integers" + must));
  EXPECT_THAT(problem("vector"), EndsWith("video 'a': 'vector' holds 2 floats" + must));
}

TEST_F(VideoGroupRecordsTest, CountsTheTextsInThePlaceOfOne) {
  const DataSpec spec = Write({SmallVideo("a")});
  // As protobuf writes a message in a message: the field's number and wire type, a length, bytes.
  const auto field = [](char tag, const std::string& body) {
    return std::string{tag, static_cast<char>(body.size())} + body;
  };
  const std::string texts = field(0x0A, "s1") + field(0x0A, "s2");
  const std::string entry = field(0x0A, "subject") + field(0x12, field(0x0A, texts));
  WriteRecords(folder_ / "validate", {Encode(SmallVideo("a")) + field(0x0A, field(0x0A, entry))});
  const ReadGroups read = ReadVideoGroups(spec, "subject", std::nullopt);
  ASSERT_EQ(read.without, 1);
  EXPECT_THAT(read.examples[0],
              EndsWith("'subject' holds 2 texts, must be one text or one integer"));
}

TEST_F(VideoGroupRecordsTest, CountsTheGroupsThatTrainingHasToo) {
  const std::filesystem::path cache = folder_ / "cache";
  std::filesystem::create_directories(cache);
  DataSpec spec = Write({Of("a", "s1"), Of("b", "s2"), Of("c", "s2"), Of("d", "s3")});
  WriteRecords(folder_ / "train",
               {Encode(Of("e", "s2"), 0), Encode(Of("f", "s2"), 1), Encode(Of("g", ""), 2),
                Encode(Of("h", "s3"), 3), Encode(Of("i", "s4"), 4)});
  spec.train = {(folder_ / "train").string()};
  for (const char* when : {"read", "recalled"}) {
    const ReadGroups read = ReadVideoGroups(spec, "subject", cache);
    EXPECT_EQ(read.groups.in_training(), 2) << when << ": s2 and s3";
    EXPECT_EQ(read.without, 0) << when << ": training need not say it";
    EXPECT_EQ(read.groups.groups().size(), 4U) << when;
  }
  spec.train.clear();
  EXPECT_EQ(ReadVideoGroups(spec, "subject", std::nullopt).groups.in_training(), 0);
}

TEST_F(VideoGroupRecordsTest, ACensusReadsThemOnItsWay) {
  const std::filesystem::path cache = folder_ / "cache";
  std::filesystem::create_directories(cache);
  DataSpec spec = Write({Of("a", "s1"), Of("b", "s2"), Of("c", "s2"), Of("d", "s3")});
  WriteRecords(folder_ / "train", {Encode(Of("e", "s2"), 0), Encode(Of("f", ""), 1),
                                   Encode(Of("g", "s3"), 2), Encode(Of("h", "s4"), 3)});
  spec.train = {(folder_ / "train").string()};
  const ReadGroups expected = ReadVideoGroups(spec, "subject", std::nullopt);
  spec.digest = TakeCensus(spec, {.cache = cache, .group = "subject"}).digest;
  for (const std::string& file : {spec.train[0], spec.validate[0]}) {
    std::filesystem::remove(file);  // nobody reads them again
  }
  const ReadGroups read = ReadVideoGroups(spec, "subject", cache);
  EXPECT_EQ(read.groups.groups(), expected.groups.groups());
  EXPECT_EQ(read.groups.in_training(), 2);
  EXPECT_EQ(expected.groups.in_training(), 2);
}

TEST_F(VideoGroupRecordsTest, ACensusKeepsNothingWhereARecordHasNone) {
  const std::filesystem::path cache = folder_ / "cache";
  std::filesystem::create_directories(cache);
  DataSpec spec = Write({Of("a", "s1"), Of("b", "")});
  spec.digest = TakeCensus(spec, {.cache = cache, .group = "subject"}).digest;
  EXPECT_EQ(ReadVideoGroups(spec, "subject", cache).without, 1);
}

TEST_F(VideoGroupRecordsTest, PassesOverRecordsOfWhichNothingIsUsed) {
  ExampleContent unlabelled = SmallVideo("b");
  unlabelled.labels.clear();
  const DataSpec spec = Write({Of("a", "s1"), unlabelled});
  const ReadGroups read = ReadVideoGroups(spec, "subject", std::nullopt);
  EXPECT_EQ(read.without, 0) << "it is skipped, or the census has refused it";
  EXPECT_THAT(read.groups.groups(), ElementsAre(Pair("a", "s1")));
}

TEST_F(VideoGroupRecordsTest, PassesOverDamagedRecords) {
  const DataSpec spec = Write({Of("a", "s1"), Of("b", "s2")});
  std::string bytes = ReadFile(spec.validate[0]);
  bytes[bytes.size() - 8] = static_cast<char>(bytes[bytes.size() - 8] ^ 1);
  WriteFileAtomically(spec.validate[0], bytes);
  EXPECT_THAT(ReadVideoGroups(spec, "subject", std::nullopt).groups.groups(),
              ElementsAre(Pair("a", "s1")));
}

TEST_F(VideoGroupRecordsTest, KeepsWhatItFoundForTheSameDataAndName) {
  const std::filesystem::path cache = folder_ / "cache";
  std::filesystem::create_directories(cache);
  const DataSpec spec = Write({Of("a", "s1")});
  (void)ReadVideoGroups(spec, "subject", cache);
  DataSpec other = Write({Of("a", "s2")});
  EXPECT_EQ(ReadVideoGroups(spec, "subject", cache).groups.Of("a"), "s1") << "by the digest";
  other.digest = "4567";
  EXPECT_EQ(ReadVideoGroups(other, "subject", cache).groups.Of("a"), "s2");
}

}  // namespace video_group_records_test
}  // namespace beamgrid
