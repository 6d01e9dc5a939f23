// The labels-only pass finds what a Dataset finds, whatever the format and the damage.

#include "trainer/data/label_lists.h"

#include <gmock/gmock.h>

#include <numeric>

#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"
#include "trainer/data/dataset.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LabelListsTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::vector<ExampleContent>& videos) {
    std::vector<std::string> payloads;
    for (std::size_t i = 0; i < videos.size(); ++i) payloads.push_back(Encode(videos[i], i));
    WriteRecords(folder_ / name, payloads);
    return (folder_ / name).string();
  }

  /// Damages the byte at `position` of a file.
  void FlipByte(const std::string& name, std::size_t position) {
    std::string bytes = ReadFile(folder_ / name);
    bytes[position] ^= 1;
    WriteBytes(folder_ / name, bytes);
  }

  static void ExpectTheDatasetsLabels(const DataSpec& spec, const std::vector<std::string>& files) {
    Dataset dataset(spec, files, LabelPolicy::kRequired);
    std::vector<std::uint32_t> examples(static_cast<std::size_t>(dataset.Size()));
    std::iota(examples.begin(), examples.end(), 0U);
    Batch batch;
    dataset.Read(examples, batch);
    const LabelLists lists = ReadLabelLists(spec, files);
    EXPECT_EQ(lists.labels, batch.labels);
    EXPECT_EQ(lists.offsets, batch.label_offsets);
  }

  TemporaryFolder folder_;
};

TEST_F(LabelListsTest, AreSortedWithoutRepetitionsInTheOrderOfTheFiles) {
  const std::string first = Write("b", {SmallVideo("v0", 2, {4, 0, 4}), SmallVideo("v1", 1, {3})});
  const std::string second = Write("a", {SmallVideo("v2", 3, {2, 1})});
  const LabelLists lists = ReadLabelLists(SmallSpec(), {first, second});
  ASSERT_EQ(lists.Size(), 3);
  EXPECT_THAT(lists.Of(0), ElementsAre(0, 4));
  EXPECT_THAT(lists.Of(1), ElementsAre(3));
  EXPECT_THAT(lists.Of(2), ElementsAre(1, 2));
  ExpectTheDatasetsLabels(SmallSpec(), {first, second});
}

TEST_F(LabelListsTest, OfVideoLevelFiles) {
  DataSpec spec = SmallSpec();
  spec.format = "video";
  spec.features = {{"mean_rgb", 2}};
  const FloatFeature mean{.name = "mean_rgb", .values = {1, 2}};
  const std::string file = Write("a", {{.id = "v0", .labels = {2, 1}, .values = {mean}},
                                       {.id = "v1", .labels = {2}, .values = {mean}}});
  ExpectTheDatasetsLabels(spec, {file});
}

TEST_F(LabelListsTest, OfSegments) {
  DataSpec spec = SmallSpec();
  spec.format = "segment";
  ExampleContent video = SmallVideo("v", 12);
  video.ratings = {{.label = 3, .start = 10, .end = 15, .score = 1},
                   {.label = 4, .start = 5, .end = 10, .score = 0},
                   {.label = 2, .start = 10, .end = 15, .score = 1},
                   {.label = 1, .start = 60, .end = 65, .score = 1}};  // behind the last frame
  const std::string file = Write("a", {video});
  const LabelLists lists = ReadLabelLists(spec, {file});
  ASSERT_EQ(lists.Size(), 2);
  EXPECT_TRUE(lists.Of(0).empty());
  EXPECT_THAT(lists.Of(1), ElementsAre(2, 3));
  ExpectTheDatasetsLabels(spec, {file});
}

TEST_F(LabelListsTest, DamageStopsOrIsSkipped) {
  const std::string file = Write("a", {SmallVideo("v0", 2, {0}), SmallVideo("v1", 2, {1}),
                                       SmallVideo("v2", 2, {2}), SmallVideo("v3", 2, {3})});
  const std::string sound = Write("b", {SmallVideo("v4", 2, {4})});
  const TfRecordFile records(file);
  const std::uint64_t second = records.Skip(0);
  FlipByte("a", second + 20);                         // in the payload
  FlipByte("a", records.Skip(records.Skip(second)));  // the last one's length
  DataSpec spec = SmallSpec();
  EXPECT_THAT(ErrorText<DataError>([&] { static_cast<void>(ReadLabelLists(spec, {file, sound})); }),
              HasSubstr("do not match their CRC"));
  spec.on_error = "skip";
  EXPECT_THAT(ReadLabelLists(spec, {file, sound}).labels, ElementsAre(0, 2, 4));
  ExpectTheDatasetsLabels(spec, {file, sound});
}

TEST_F(LabelListsTest, ContradictionsAreNotSkipped) {
  DataSpec spec = SmallSpec();
  spec.on_error = "skip";
  const std::string beyond = Write("a", {SmallVideo("v", 1, {5})});
  EXPECT_THAT(ErrorText<DataError>([&] { static_cast<void>(ReadLabelLists(spec, {beyond})); }),
              HasSubstr("label 5"));
  const std::string none = Write("b", {SmallVideo("v", 1, {}), SmallVideo("w", 1, {2})});
  EXPECT_THAT(ReadLabelLists(spec, {none}).labels, ElementsAre(2));
  spec.on_error = "stop";
  EXPECT_THAT(ErrorText<DataError>([&] { static_cast<void>(ReadLabelLists(spec, {none})); }),
              HasSubstr("has no labels"));
}

}  // namespace
}  // namespace beamgrid
