// Plans and writes imports as a whole.

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include "orchestrator/importing/import_plan.h"
#include "orchestrator/importing/import_writer.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/half.h"
#include "registry/util/input_error.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "tests/orchestrator/importing/arrays.h"
#include "tests/support/error_text.h"
#include "trainer/data/dataset.h"
#include "trainer/data/example.h"
#include "trainer/data/example_writer.h"
#include "trainer/data/inspect.h"
#include "trainer/data/quantise.h"
#include "trainer/data/tfrecord.h"
#include "trainer/data/unfinished.h"

namespace beamgrid::importing_test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// ImportTest has features rgb [frames, 4] of floats and audio [frames, 2] of bytes.
class ImportTest : public ArraysTest {
 protected:
  ImportTest() {
    options_.features = {{.name = "rgb", .pattern = Path("rgb/*.npy"), .member = ""},
                         {.name = "audio", .pattern = Path("audio/*.npy"), .member = ""}};
    options_.labels.path = Path("labels.csv");
    options_.out = Path("out");
  }

  /// Writes videos v00, v01, ... and their labels.
  void WriteVideos(std::size_t count) {
    std::string labels = "id,labels,subject,part\n";
    for (std::size_t i = 0; i < count; ++i) {
      WriteVideo(Id(i), 2 + i % 3, FirstOf(i));
      labels += Id(i) + "," + (i % 2 == 0 ? "cat" : "cat;dog") + ",s" + std::to_string(i % 7) +
                "," + (i % 4 == 0 ? "val" : "train") + "\n";
    }
    Write("labels.csv", labels);
  }
  void WriteVideo(const std::string& id, std::size_t frames, float first) const {
    Write("rgb/" + id + ".npy", NpyFrames(frames, 4, first));
    Write("audio/" + id + ".npy",
          Npy("|u1", "(" + std::to_string(frames) + ", 2)", std::string(2 * frames, id.back())));
  }
  /// Returns the smallest value of a video; the largest is 1.75 more, and below 2.
  static float FirstOf(std::size_t video) { return static_cast<float>(video % 50) * 0.02F - 1; }
  static std::string Id(std::size_t video) {
    return (video < 10 ? "v0" : "v") + std::to_string(video);
  }

  ImportReport Import() const {
    const ImportPlan plan = PlanImport(options_);
    return WriteImport(options_, plan, [](std::uint64_t, std::uint64_t) {});
  }
  template <typename Exception = InputError>
  std::string Refusal() const {
    return ErrorText<Exception>([&] { (void)Import(); });
  }

  /// Returns each file of a folder with a hash of its bytes.
  static std::map<std::string, std::string> Hashes(const fs::path& folder) {
    std::map<std::string, std::string> hashes;
    for (const auto& entry : fs::directory_iterator(folder)) {
      hashes[entry.path().filename().string()] = HashFile(entry.path());
    }
    return hashes;
  }
  /// Returns the ids of the videos in a split's files.
  std::set<std::string> IdsIn(const std::string& split) const {
    std::set<std::string> ids;
    for (const auto& [name, hash] : Hashes(options_.out)) {
      if (!name.starts_with(split + "-")) continue;
      const TfRecordFile file(options_.out / name);
      for (std::uint64_t at = 0; at < file.size_bytes();) {
        const Record record = file.Read(at);
        ExampleView example;
        ParseExample(record.payload, example);
        EXPECT_TRUE(ids.insert(std::string(IdOf(example))).second);
        at = record.next_offset;
      }
    }
    return ids;
  }

  ImportOptions options_;
};

TEST_F(ImportTest, BytesAreTheBatchesOfRecordsThatAreWrittenDirectly) {
  WriteVideos(20);
  options_.as = Element::kUint8;
  options_.shards = 1;
  (void)Import();
  // The same videos, written by the writer of synthetic data.
  std::vector<std::string> ids;
  const std::set<std::string> train = IdsIn("train");
  TfRecordWriter writer(Path("direct.tfrecord"));
  for (std::size_t i = 0; i < 20; ++i) {
    if (!train.contains(Id(i))) continue;
    const std::size_t frames = 2 + i % 3;
    ExampleContent content{.id = Id(i), .labels = {0}};
    if (i % 2 == 1) content.labels.push_back(1);
    std::string codes;
    for (std::size_t j = 0; j < frames * 4; ++j) {
      const float value = FirstOf(i) + 0.25F * static_cast<float>(j % 8);
      codes += static_cast<char>(Quantise(value));
    }
    content.frames = {
        {.name = "rgb", .width = 4, .bytes = codes},
        {.name = "audio", .width = 2, .bytes = std::string(2 * frames, Id(i).back())}};
    Random random(7);
    writer.Write(EncodeExample(content, random));
  }
  writer.Close();
  const DataSpec spec{.format = "frame",
                      .classes = 2,
                      .features = {{"rgb", 4}, {"audio", 2}},
                      .max_frames = 300,
                      .on_error = "stop"};
  Dataset imported(spec, {(options_.out / "train-00000.tfrecord").string()},
                   LabelPolicy::kRequired);
  Dataset direct(spec, {Path("direct.tfrecord")}, LabelPolicy::kRequired);
  ASSERT_EQ(imported.Size(), direct.Size());
  ASSERT_EQ(static_cast<std::size_t>(direct.Size()), train.size());
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < train.size(); ++i) all.push_back(i);
  Batch one, other;
  imported.Read(all, one);
  direct.Read(all, other);
  EXPECT_EQ(one.frames, other.frames);
  EXPECT_EQ(one.lengths, other.lengths);
  EXPECT_EQ(one.ids, other.ids);
  EXPECT_EQ(one.labels, other.labels);
}

TEST_F(ImportTest, ReadsTheSameFromEachFormat) {
  WriteVideos(12);
  (void)Import();
  const auto npy = Hashes(options_.out);
  {
    const Hdf5File file(Path("f.h5"));
    for (std::size_t i = 0; i < 12; ++i) {
      const hsize_t frames = 2 + i % 3;
      file.AddFloats("rgb/" + Id(i), {frames, 4}, Floats(frames * 4, FirstOf(i)));
      WriteNpz(Path("audio_" + Id(i) + ".npz"),
               {{"a", Npy("|u1", "(" + std::to_string(frames) + ", 2)",
                          std::string(2 * frames, Id(i).back()))}});
      fs::create_directories(Path("zipped"));
      fs::rename(Path("audio_" + Id(i) + ".npz"), Path("zipped/" + Id(i) + ".npz"));
    }
  }
  options_.features = {{.name = "rgb", .pattern = Path("f.h5"), .member = "rgb"},
                       {.name = "audio", .pattern = Path("zipped"), .member = "a"}};
  options_.out = Path("other");
  (void)Import();
  auto other = Hashes(options_.out);
  EXPECT_EQ(other.erase("manifest.json"), 1U);
  auto first = npy;
  EXPECT_EQ(first.erase("manifest.json"), 1U);
  EXPECT_EQ(other, first);
}

TEST_F(ImportTest, FloatFramesAreListsOfFloatsAndHalvesAreStringsOfBytes) {
  WriteVideos(4);
  options_.labels.split_column = "part";
  (void)Import();
  const TfRecordFile file(options_.out / "validate-00000.tfrecord");
  ExampleView example;
  ParseExample(file.Read(0).payload, example);
  const FeatureListShape rgb = ShapeOf(*example.FindList("rgb"));
  EXPECT_EQ(rgb.kind, ValueKind::kFloats);
  EXPECT_EQ(rgb.width, 4U);
  EXPECT_EQ(rgb.length, 2U);
  EXPECT_EQ(ShapeOf(*example.FindList("audio")).kind, ValueKind::kBytes);
  // The first frame of v00 as the values stand in its array.
  EXPECT_NE(file.Read(0).payload.find(Floats(4, -1)), std::string_view::npos);

  options_.as = Element::kFloat16;
  options_.out = Path("half");
  options_.features.pop_back();
  (void)Import();
  const TfRecordFile halves(options_.out / "validate-00000.tfrecord");
  ParseExample(halves.Read(0).payload, example);
  const FeatureListShape shape = ShapeOf(*example.FindList("rgb"));
  EXPECT_EQ(shape.kind, ValueKind::kBytes);
  EXPECT_EQ(shape.width, 8U);
  const std::vector<std::uint16_t> first = {HalfOfFloat(-1), HalfOfFloat(-0.75F),
                                            HalfOfFloat(-0.5F), HalfOfFloat(-0.25F)};
  EXPECT_NE(halves.Read(0).payload.find(BytesOf(first)), std::string_view::npos);
}

TEST_F(ImportTest, VectorsMakeVideoLevelRecords) {
  Write("v.csv", "id,a,b\nx,1,2\ny,-0.5,8\n");
  Write("labels.csv", "id,label,part\nx,3,train\ny,5,val\n");
  options_.features = {{.name = "mean_rgb", .pattern = Path("v.csv"), .member = ""}};
  options_.labels.split_column = "part";
  (void)Import();
  const TfRecordFile file(options_.out / "validate-00000.tfrecord");
  ExampleView example;
  ParseExample(file.Read(0).payload, example);
  EXPECT_EQ(IdOf(example), "y");
  EXPECT_THAT(example.feature_lists, IsEmpty());
  std::vector<float> values;
  ReadFloats(*example.FindContext("mean_rgb"), values);
  EXPECT_THAT(values, ElementsAre(-0.5F, 8.0F));
  EXPECT_EQ(InspectFile(options_.out / "validate-00000.tfrecord").format, "video");
}

TEST_F(ImportTest, VectorsAreFloatsWhateverElseIsAskedFor) {
  Write("v.csv", "id,a,b\nx,1,2\ny,-0.5,8\n");
  Write("labels.csv", "id,label,part\nx,3,train\ny,5,val\n");
  options_.features = {{.name = "mean_rgb", .pattern = Path("v.csv"), .member = ""}};
  options_.labels.split_column = "part";
  options_.as = Element::kFloat16;
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("--as float16: one vector per video is written as"));
  options_.as = Element::kFloat32;
  EXPECT_FALSE(Import().was_there);
}

TEST_F(ImportTest, NoColumnOfTheLabelsBecomesAFeature) {
  Write("v.csv", "id,a,fold\nx,1,0\ny,-0.5,1\n");
  Write("labels.csv", "id,label,part,fold\nx,3,train,0\ny,5,val,1\n");
  options_.features = {{.name = "mean_rgb", .pattern = Path("v.csv"), .member = ""}};
  options_.labels.split_column = "part";
  EXPECT_THAT(Refusal(), HasSubstr("v.csv: column 3, 'fold', says what a video is"));
  EXPECT_FALSE(fs::exists(options_.out));
}

TEST_F(ImportTest, AnyNumberOfThreadsWritesTheSame) {
  WriteVideos(40);
  options_.shards = 3;
  (void)Import();
  const auto one = Hashes(options_.out);
  EXPECT_THAT(one, SizeIs(3 + 3 + 2)) << "shards of train and validate, vocabulary, manifest";
  options_.threads = 5;
  options_.out = Path("five");
  (void)Import();
  EXPECT_EQ(Hashes(options_.out), one);
  options_.shards = std::nullopt;
  options_.out = Path("usual");
  (void)Import();
  EXPECT_THAT(Hashes(options_.out), SizeIs(1 + 1 + 2));
}

TEST_F(ImportTest, AVideosPlaceDependsOnItsIdAlone) {
  WriteVideos(40);
  (void)Import();
  const auto before = IdsIn("validate");
  EXPECT_GT(before.size(), 2U);
  EXPECT_LT(before.size(), 16U);
  EXPECT_EQ(IdsIn("train").size() + before.size(), 40U);
  WriteVideos(80);
  options_.out = Path("more");
  (void)Import();
  const auto after = IdsIn("validate");
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(before.contains(Id(i)), after.contains(Id(i))) << Id(i);
  }
}

TEST_F(ImportTest, NoGroupIsInBothSplits) {
  WriteVideos(70);
  options_.labels.group_column = "subject";
  options_.holdout = 0.4;
  (void)Import();
  std::set<std::size_t> train, validate;
  for (std::size_t i = 0; i < 70; ++i) {
    (IdsIn("train").contains(Id(i)) ? train : validate).insert(i % 7);
  }
  EXPECT_THAT(train, testing::Not(IsEmpty()));
  EXPECT_THAT(validate, testing::Not(IsEmpty()));
  EXPECT_EQ(train.size() + validate.size(), 7U);
}

/// Returns what a record's context has under a name.
FeatureView ContextOf(const Record& record, const std::string& name) {
  static ExampleView example;
  ParseExample(record.payload, example);
  const FeatureView* found = example.FindContext(name);
  return found == nullptr ? FeatureView() : *found;
}

TEST_F(ImportTest, GroupsAndWeightsStandInTheRecordsAndTheManifest) {
  WriteVideos(70);
  std::string labels = "id,labels,subject,day,trust\n";
  for (std::size_t i = 0; i < 70; ++i) {
    labels += Id(i) + ",cat,s" + std::to_string(i % 14) + ",d" + std::to_string(i % 7) + "," +
              std::to_string(i) + "\n";
  }
  Write("labels.csv", labels);
  options_.labels.group_column = "subject";
  options_.labels.holdout_column = "day";
  options_.labels.video_weight_column = "trust";
  options_.holdout = 0.4;
  options_.shards = 1;
  const auto manifest = ParseJson(Import().manifest);
  EXPECT_EQ(manifest.at("groups").at("by"), "subject");
  EXPECT_EQ(manifest.at("groups").at("train").as_int64() +
                manifest.at("groups").at("validate").as_int64(),
            14);
  EXPECT_EQ(manifest.at("groups").at("in_train_and_validate"), 0);
  EXPECT_EQ(manifest.at("split_by").at("groups_of"), "day");
  EXPECT_EQ(manifest.at("video_weight"), "trust");
  const TfRecordFile file(options_.out / "validate-00000.tfrecord");
  std::size_t seen = 0;
  for (std::uint64_t at = 0; at < file.size_bytes(); ++seen) {
    const Record record = file.Read(at);
    const std::string id(FirstBytes(ContextOf(record, "id")));
    const auto video = std::stoul(id.substr(1));
    EXPECT_EQ(FirstBytes(ContextOf(record, "subject")), "s" + std::to_string(video % 14));
    std::vector<float> weight;
    ReadFloats(ContextOf(record, "trust"), weight);
    EXPECT_THAT(weight, ElementsAre(static_cast<float>(video)));
    at = record.next_offset;
  }
  EXPECT_GT(seen, 0U);
}

TEST_F(ImportTest, GroupsOfASplitColumnMayBeOnBothSidesWhichIsCounted) {
  WriteVideos(28);
  options_.labels.group_column = "subject";
  options_.labels.split_column = "part";
  const ImportPlan plan = PlanImport(options_);
  EXPECT_EQ(plan.groups_in_both, 7U);
}

TEST_F(ImportTest, VideosWithoutLabelsAreForPredictionAlone) {
  WriteVideos(9);
  options_.labels.path = "";
  options_.shards = 1;
  const auto manifest = ParseJson(Import().manifest);
  EXPECT_EQ(IdsIn("test").size(), 9U);
  EXPECT_EQ(IdsIn("train").size() + IdsIn("validate").size(), 0U);
  EXPECT_FALSE(manifest.as_object().contains("labels"));
  EXPECT_EQ(manifest.at("splits").at("test").at("videos"), 9);
  const std::string file = (options_.out / "test-00000.tfrecord").string();
  DataSpec spec{.format = "frame",
                .classes = 2,
                .features = {{"rgb", 4}, {"audio", 2}},
                .frame_types = {{"rgb", FrameType::kFloat32}}};
  Dataset predicted(spec, {file}, LabelPolicy::kIgnored);
  EXPECT_EQ(predicted.Size(), 9);
  Dataset trained(spec, {file}, LabelPolicy::kRequired);
  const std::uint32_t first[] = {0};
  Batch batch;
  EXPECT_THAT(ErrorText<DataError>([&] { trained.Read(first, batch); }),
              HasSubstr("has no labels: files of the test set cannot be trained on"));
}

TEST_F(ImportTest, ASplitWithoutVideosIsRefused) {
  WriteVideos(3);
  options_.holdout = 0.000001;
  EXPECT_THAT(Refusal(), HasSubstr("no video is in validate; choose another --holdout"));
  EXPECT_FALSE(fs::exists(options_.out));
  Write("labels.csv", "id,labels,part\nv00,cat,train\n");
  options_.labels.split_column = "part";
  EXPECT_THAT(Refusal(), HasSubstr("the column 'part' names none"));
}

TEST_F(ImportTest, WhatIsIncompleteIsLeftOutAndTold) {
  WriteVideos(8);
  WriteVideo("nolabels", 2, 0);
  WriteVideo("noframes", 0, 0);
  Write("rgb/noaudio.npy", NpyFrames(2, 4));
  Write("labels.csv",
        ReadFile(Path("labels.csv")) +
            "noarray,cat,s,train\nnoframes,cat,s,train\nnoaudio,cat,s,train\nv07x,,s,train\n");
  WriteVideo("v07x", 2, 0);
  const ImportPlan plan = PlanImport(options_);
  std::map<std::string, std::vector<std::string>> left_out;
  for (const LeftOutVideos& group : plan.left_out) left_out[group.why] = group.ids;
  EXPECT_THAT(left_out["not in the table of labels"], ElementsAre("nolabels"));
  EXPECT_THAT(left_out["no frames"], ElementsAre("noframes"));
  EXPECT_THAT(left_out["no array of audio"], ElementsAre("noaudio"));
  EXPECT_THAT(left_out["labels but no array"], ElementsAre("noarray"));
  EXPECT_THAT(left_out["no class in the table of labels"], ElementsAre("v07x"));
  const auto manifest = ParseJson(Import().manifest);
  EXPECT_EQ(manifest.at("left_out").as_array().size(), 5U);
  EXPECT_EQ(IdsIn("train").size() + IdsIn("validate").size(), 8U);
  options_.incomplete = ImportOptions::Incomplete::kRefuse;
  options_.out = Path("strict");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("--strict: 1 video ("), HasSubstr("noa")));
  EXPECT_FALSE(fs::exists(options_.out));
}

TEST_F(ImportTest, UnequalFramesAreRefusedUnlessAllowed) {
  WriteVideos(8);
  Write("audio/v03.npy", Npy("|u1", "(1, 2)", "ab"));
  EXPECT_THAT(Refusal(),
              AllOf(HasSubstr("the video 'v03': " + Path("rgb/v03.npy") + " has 2 frames"),
                    HasSubstr(Path("audio/v03.npy") + " has 1 frame;"),
                    HasSubstr("--allow-unequal-frames")));
  EXPECT_FALSE(fs::exists(options_.out));
  options_.unequal_frames = ImportOptions::UnequalFrames::kAllow;
  Write("rgb/v02.npy", NpyFrames(9, 4, 0));  // audio has 4
  const auto frames = ParseJson(Import().manifest).at("frames");
  EXPECT_EQ(frames.at("videos_with_unequal_features"), 2);
  EXPECT_EQ(frames.at("min"), 1);
  EXPECT_EQ(frames.at("max_common"), 4);
  EXPECT_EQ(frames.at("max"), 9);
  EXPECT_EQ(frames.at("mean"), 22.0 / 8);
  EXPECT_EQ(frames.at("mean_of_longest"), 28.0 / 8);
  EXPECT_EQ(frames.at("own_rates"), true);
}

TEST_F(ImportTest, FeaturesThatLackAFewFramesHaveNoRatesOfTheirOwn) {
  WriteVideos(8);
  options_.unequal_frames = ImportOptions::UnequalFrames::kAllow;
  Write("rgb/v02.npy", NpyFrames(5, 4, 0));  // audio has 4: one of all 24 is lost
  const auto frames = ParseJson(Import().manifest).at("frames").as_object();
  EXPECT_EQ(frames.at("own_rates"), false);
}

TEST_F(ImportTest, AVectorOfTheWholeVideoIsOneFrameBesideOthers) {
  WriteVideos(8);
  for (std::size_t i = 0; i < 8; ++i) {
    Write("text/" + Id(i) + ".npy", Npy("<f4", "(3,)", Floats(3, FirstOf(i))));
  }
  options_.features.push_back({.name = "text", .pattern = Path("text/*.npy"), .member = ""});
  EXPECT_THAT(Refusal(),
              HasSubstr(Path("text/v00.npy") + ": has the shape [3], other features are [frames, "
                                               "width]; --allow-unequal-frames takes"));
  std::swap(options_.features.front(), options_.features.back());
  EXPECT_THAT(Refusal(), HasSubstr(Path("text/v00.npy") + ": has the shape [3], other features"));
  options_.unequal_frames = ImportOptions::UnequalFrames::kAllow;
  EXPECT_EQ(ParseJson(Import().manifest).at("format"), "frame");
  const TfRecordFile file(options_.out / "train-00000.tfrecord");
  ExampleView example;
  ParseExample(file.Read(0).payload, example);
  const FeatureListShape shape = ShapeOf(*example.FindList("text"));
  EXPECT_EQ(shape.length, 1U);
  EXPECT_EQ(shape.width, 3U);
}

TEST_F(ImportTest, ShapesThatDifferAreRefusedWithTheirFile) {
  WriteVideos(8);
  Write("rgb/v03.npy", NpyFrames(4, 2));
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(Path("rgb/v03.npy") + ": has the shape [4, 2]"),
                               HasSubstr("the width 4: it is transposed, save a.T")));
  Write("rgb/v03.npy", NpyFrames(2, 5));
  EXPECT_THAT(Refusal(), HasSubstr("have the width 4"));
  Write("rgb/v03.npy", Npy("<f4", "(4,)", Floats(4)));
  EXPECT_THAT(Refusal(), HasSubstr("has the shape [4], other arrays are [frames, width]"));
  Write("rgb/v03.npy", Npy("|u1", "(2, 4)", "abcdefgh"));
  EXPECT_THAT(Refusal(), HasSubstr("bytes and other numbers cannot be mixed"));
  for (std::size_t i = 0; i < 8; ++i) {
    Write("rgb/" + Id(i) + ".npy", NpyFrames(4, 10 + i));
  }
  EXPECT_THAT(Refusal(), HasSubstr("are they all transposed?"));
  EXPECT_FALSE(fs::exists(options_.out));
}

TEST_F(ImportTest, IdsAreCheckedWhereverTheyComeFrom) {
  WriteVideos(4);
  Write("rgb/a,b.npy", NpyFrames(2, 4));
  EXPECT_THAT(Refusal(), HasSubstr("the id 'a,b' has a ','"));
  fs::remove(Path("rgb/a,b.npy"));
  Write("rgb/a\xff.npy", NpyFrames(2, 4));
  EXPECT_THAT(Refusal(), HasSubstr("the id 'a\\xff' is no UTF-8"));
  fs::remove(Path("rgb/a\xff.npy"));
  Write("rgb/a\nb.npy", NpyFrames(2, 4));
  EXPECT_THAT(Refusal(), HasSubstr("has a control character"));
  fs::remove(Path("rgb/a\nb.npy"));
  Write("more/v01.npy", NpyFrames(2, 4));
  options_.features[0].pattern = Path("{rgb,more}/*.npy");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("the video 'v01' is there twice, also in "),
                               HasSubstr(Path("more/v01.npy"))));
  Write("labels.csv", "id,labels\nv00.mp4,cat\n");
  options_.features[0].pattern = Path("rgb/*.npy");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("no video has labels and every feature"),
                               HasSubstr("'v00.mp4'"), HasSubstr("'v00'")));
  Write("labels.csv", "id,labels\nv00,\nv01,\n");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("(no class in the table of labels)"),
                               Not(HasSubstr("must be the same"))));
}

TEST_F(ImportTest, IdsInTwoWritingsAreToldWhereNoVideoIsLeft) {
  WriteVideo("caf\xC3\xA9", 2, 0);
  WriteVideo("V1", 2, 0);
  Write("labels.csv", "id,labels\ncafe\xCC\x81,cat\nv1,dog\n");
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("the ids must be the same; these look alike, and are not: "
                                         "'V1' and 'v1', 'caf\xC3\xA9' and 'cafe\xCC\x81'")));
}

TEST_F(ImportTest, OptionsThatContradict) {
  WriteVideos(4);
  const ImportOptions good = options_;
  options_.features[1].name = "rgb";
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("'rgb' is named twice"));
  for (const char* name : {"id", "labels", "label_weights", "a,b"}) {
    options_.features[1].name = name;
    EXPECT_THAT(Refusal<UsageError>(), HasSubstr("cannot be a feature's name"));
  }
  options_ = good;
  options_.shards = 0;
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("--shards = 0"));
  options_ = good;
  options_.holdout = 1;
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("--holdout"));
  options_ = good;
  options_.labels.group_column = "rgb";
  EXPECT_THAT(Refusal<UsageError>(),
              HasSubstr("--features: 'rgb' cannot be a feature's name: a record has it for its "
                        "id, labels, group or weight"));
  options_.labels.group_column = "labels";
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("--group: 'labels' is what something else"));
  options_ = good;
  options_.labels.holdout_column = "labels";
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("--holdout-by: 'labels' is what something else"));
  options_ = good;
  options_.labels.group_column = options_.labels.video_weight_column = "subject";
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("--video-weight-column: 'subject' is what"));
  options_ = good;
  options_.labels.holdout_column = "subject";
  options_.labels.split_column = "part";
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("exclude each other"));
  options_ = good;
  options_.as = Element::kFloat32;
  EXPECT_THAT(Refusal(), HasSubstr("--as float32: its values are bytes"));
}

// ---- The folder ---------------------------------------------------------------------------------

TEST_F(ImportTest, AFolderOfOthersIsLeftAlone) {
  WriteVideos(4);
  Write("out/notes.txt", "mine");
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("is not empty (notes.txt); name a new folder"));
  EXPECT_THAT(Hashes(options_.out), SizeIs(1));
  options_.out = Path("labels.csv");
  EXPECT_THAT(Refusal<SystemError>(), HasSubstr("labels.csv"));
}

TEST_F(ImportTest, AnImportThatIsThereIsNotMadeAgain) {
  WriteVideos(10);
  EXPECT_FALSE(Import().was_there);
  const auto before = Hashes(options_.out);
  EXPECT_TRUE(Import().was_there);
  EXPECT_EQ(Hashes(options_.out), before);
  WriteVideo("v03", 4, 1);
  EXPECT_THAT(Refusal<UsageError>(),
              AllOf(HasSubstr("is not empty"), HasSubstr("an import of other arrays")));
}

TEST_F(ImportTest, AnotherSplitOfTheSameShardsIsAnotherImport) {
  options_.features.pop_back();
  options_.labels.split_column = "part";
  const auto write_labels = [this](std::size_t train) {
    std::string labels = "id,labels,part\n";
    for (std::size_t i = 0; i < 300; ++i) {
      labels += "w" + std::to_string(100 + i) + ",cat," + (i < train ? "train" : "val") + "\n";
    }
    Write("labels.csv", labels);
  };
  for (std::size_t i = 0; i < 300; ++i) {
    Write("rgb/w" + std::to_string(100 + i) + ".npy", NpyFrames(1, 4));
  }
  write_labels(200);
  (void)Import();
  EXPECT_TRUE(Import().was_there);
  // A hundred videos make a shard: these are the same three, of which another is of train.
  write_labels(100);
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("an import of other arrays, labels or options"));
}

TEST_F(ImportTest, AFinishedImportOfWhichAFileIsGoneIsNotTakenForWhole) {
  WriteVideos(10);
  (void)Import();
  fs::remove(options_.out / "train-00000.tfrecord");
  EXPECT_THAT(Refusal(), HasSubstr("whose file train-00000.tfrecord is gone"));
}

TEST_F(ImportTest, AKillAfterTheLastFileLeavesNoJournalByWhichOthersWriteOverIt) {
  WriteVideos(10);
  (void)Import();
  const auto whole = Hashes(options_.out);
  Write("out/.import-finished-shards", "");
  EXPECT_TRUE(Import().was_there);
  EXPECT_EQ(Hashes(options_.out), whole);
  Write("out/.import-finished-shards", "");
  options_.as = Element::kFloat32;
  options_.features.pop_back();
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("an import of other arrays, labels or options"));
  EXPECT_EQ(Hashes(options_.out), whole);
}

TEST_F(ImportTest, NamesOfLabelsThatWereReplacedBeforeTheEndAreTakenAway) {
  WriteVideos(10);
  (void)Import();
  // As a kill just before the manifest leaves it.
  fs::remove(options_.out / "manifest.json");
  Write("out/.import-finished-shards", "");
  MarkUnfinished(options_.out, "beamgrid data import");
  ASSERT_TRUE(fs::exists(options_.out / "vocabulary.csv"));
  std::string labels = "id,labels\n";
  for (std::size_t i = 0; i < 10; ++i) labels += Id(i) + ",1\n";
  Write("labels.csv", labels);
  (void)Import();
  EXPECT_FALSE(fs::exists(options_.out / "vocabulary.csv"));
}

TEST_F(ImportTest, OtherValuesAreImportedAlsoWhereTheFilesTimeIsSetBack) {
  WriteVideos(4);
  (void)Import();
  const auto before = Hashes(options_.out);
  for (std::size_t i = 0; i < 4; ++i) {
    const fs::path file = Path("rgb/" + Id(i) + ".npy");
    const auto time = fs::last_write_time(file);
    WriteVideo(Id(i), 2 + i % 3, 0.5F);
    fs::last_write_time(file, time);
  }
  EXPECT_THAT(ErrorText<UsageError>([&] { (void)Import(); }), HasSubstr("is not empty"));
  fs::remove_all(options_.out);
  EXPECT_FALSE(Import().was_there);
  EXPECT_NE(Hashes(options_.out), before);
}

TEST_F(ImportTest, AKillBeforeTheFirstMarkLeavesNothingInTheWay) {
  WriteVideos(4);
  const int gone = 2'000'000'000;  // no process has this number
  Write("out/.import-finished-shards.part." + std::to_string(gone), "");
  (void)Import();
  EXPECT_FALSE(fs::exists(Path("out/.import-finished-shards.part." + std::to_string(gone))));
}

TEST_F(ImportTest, ABadValueStopsAndWhatIsFinishedIsKept) {
  WriteVideos(30);
  options_.shards = 4;
  const std::string sound = ReadFile(Path("rgb/v29.npy"));
  std::string bad = sound;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bad.data() + bad.size() - 2 * sizeof nan, &nan, sizeof nan);
  Write("rgb/v29.npy", bad);
  EXPECT_THAT(Refusal(),
              HasSubstr(Path("rgb/v29.npy") + ": frame 3, column 2: is no number (NaN)"));
  EXPECT_TRUE(IsUnfinished(options_.out));
  EXPECT_FALSE(fs::exists(options_.out / "manifest.json"));
  for (const auto& [name, hash] : Hashes(options_.out)) {
    EXPECT_THAT(name, testing::Not(HasSubstr(".part."))) << "nothing half-written stays";
  }
  Write("rgb/v29.npy", sound);
  const ImportReport report = Import();
  EXPECT_GT(report.kept_shards, 0U);
  EXPECT_FALSE(IsUnfinished(options_.out));
  const auto resumed = Hashes(options_.out);
  options_.out = Path("fresh");
  EXPECT_EQ(Import().kept_shards, 0U);
  EXPECT_EQ(Hashes(options_.out), resumed);
}

TEST_F(ImportTest, GoesOnAfterAKillAtAnyShard) {
  WriteVideos(40);
  options_.shards = 3;
  options_.as = Element::kUint8;
  options_.features.pop_back();  // clipped values are counted across the kill
  Write("rgb/v05.npy", NpyFrames(3, 4, 9));
  const ImportReport whole = Import();
  const auto expected = Hashes(options_.out);
  EXPECT_EQ(whole.clipped[0], 12U);
  for (const std::uint64_t victim : {0U, 1U, 5U, 25U, 39U}) {
    options_.out = Path("killed" + std::to_string(victim));
    const ::pid_t child = ::fork();
    if (child == 0) {
      std::uint64_t videos = 0;
      const ImportPlan plan = PlanImport(options_);
      (void)WriteImport(options_, plan, [&](std::uint64_t, std::uint64_t) {
        if (videos++ == victim) ::kill(::getpid(), SIGKILL);
      });
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(IsUnfinished(options_.out));
    const ImportReport report = Import();
    EXPECT_EQ(report.kept_shards > 0, victim >= 25);
    EXPECT_EQ(report.clipped, whole.clipped);
    EXPECT_EQ(report.bytes, whole.bytes);
    EXPECT_EQ(Hashes(options_.out), expected) << victim;
  }
}

TEST_F(ImportTest, OtherShardsAfterAStopLeaveNoneOfTheFirst) {
  WriteVideos(30);
  options_.shards = 4;
  Write("rgb/v29.npy", Npy("<f4", "(4, 4)", std::string(64, '\xFF')));
  EXPECT_THAT(Refusal(), HasSubstr("NaN"));
  Write("rgb/v29.npy", NpyFrames(4, 4));
  options_.shards = 1;
  (void)Import();
  EXPECT_THAT(Hashes(options_.out), SizeIs(4));
}

TEST_F(ImportTest, AKeptShardThatWasCutIsWrittenAgain) {
  WriteVideos(30);
  options_.shards = 4;
  Write("rgb/v29.npy", Npy("<f4", "(4, 4)", std::string(64, '\xFF')));
  EXPECT_THAT(Refusal(), HasSubstr("NaN"));
  Write("rgb/v29.npy", NpyFrames(4, 4));
  fs::resize_file(options_.out / "train-00000.tfrecord", 10);
  (void)Import();
  EXPECT_GT(fs::file_size(options_.out / "train-00000.tfrecord"), 10U);
  EXPECT_EQ(IdsIn("train").size() + IdsIn("validate").size(), 30U);
}

TEST_F(ImportTest, ADiskThatFillsIsToldAndGoneOnWith) {
  WriteVideos(30);
  options_.shards = 2;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  // No file may have more bytes; writing more fails as on a full disk.
  const rlimit small{.rlim_cur = 700, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string text;
  try {
    (void)Import();
  } catch (const SystemError& error) {
    text = error.what();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, before);
  EXPECT_THAT(text, HasSubstr("cannot write"));
  EXPECT_TRUE(IsUnfinished(options_.out));
  (void)Import();
  EXPECT_EQ(IdsIn("train").size() + IdsIn("validate").size(), 30U);
}

TEST_F(ImportTest, TwoImportsIntoOneFolderAreOne) {
  WriteVideos(4);
  fs::create_directories(options_.out);
  const FolderLock lock(options_.out);
  EXPECT_THAT(Refusal<UsageError>(), HasSubstr("another process is writing records here"));
}

TEST_F(ImportTest, TheManifestTellsWhatThereIs) {
  WriteVideos(20);
  Write("rgb/v05.npy", NpyFrames(4, 4, 9));
  options_.as = Element::kUint8;
  const auto manifest = ParseJson(Import().manifest);
  EXPECT_EQ(manifest.at("format"), "frame");
  EXPECT_EQ(manifest.at("classes"), 2);
  EXPECT_EQ(manifest.at("vocabulary"), "vocabulary.csv");
  EXPECT_EQ(manifest.at("features").at(0).at("name"), "rgb");
  EXPECT_EQ(manifest.at("features").at(0).at("width"), 4);
  EXPECT_EQ(manifest.at("features").at(0).at("type"), "uint8");
  EXPECT_EQ(manifest.at("features").at(0).at("clipped"), 16);
  EXPECT_EQ(manifest.at("frames").at("min"), 2);
  EXPECT_EQ(manifest.at("frames").at("max"), 4);
  EXPECT_EQ(manifest.at("splits").at("train").at("videos").to_number<std::size_t>(),
            IdsIn("train").size());
  EXPECT_EQ(manifest.at("split_by").at("holdout"), 0.2);
  const std::string vocabulary = ReadFile(options_.out / "vocabulary.csv");
  EXPECT_THAT(vocabulary,
              AllOf(HasSubstr("Index,Name,TrainVideoCount\n0,cat,"), HasSubstr("\n1,dog,")));
}

}  // namespace
}  // namespace beamgrid::importing_test
