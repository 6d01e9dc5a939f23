#include "trainer/data/video_group_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"

namespace beamgrid {
namespace video_group_records_test {

using testing::ElementsAre;
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
