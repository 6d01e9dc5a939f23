// Real records, written out as arrays and imported again: the same batches.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>

#include "orchestrator/importing/import_plan.h"
#include "orchestrator/importing/import_writer.h"
#include "tests/orchestrator/importing/arrays.h"
#include "tests/support/shared_data.h"
#include "trainer/data/dataset.h"

namespace beamgrid::importing_test {
namespace {

class RealImportTest : public ArraysTest {
 protected:
  /// Reads all examples of the files, in order of id.
  static Batch ReadAll(const DataSpec& spec, const std::vector<std::string>& files) {
    Dataset dataset(spec, files, LabelPolicy::kRequired);
    std::vector<std::uint32_t> all(static_cast<std::size_t>(dataset.Size()));
    std::iota(all.begin(), all.end(), 0U);
    Batch batch;
    dataset.Read(all, batch);
    std::ranges::sort(all, {}, [&batch](std::uint32_t i) { return batch.ids[i]; });
    Batch sorted;
    dataset.Read(all, sorted);
    return sorted;
  }
  /// Writes the labels; the first video is for training, the others are for validation.
  void WriteLabels(const Batch& batch) const {
    std::ofstream labels(Path("labels.csv"));
    labels << "id,labels,part\n";
    for (std::int64_t i = 0; i < batch.Size(); ++i) {
      labels << batch.ids[static_cast<std::size_t>(i)] << ',';
      for (const std::int32_t label : batch.LabelsOf(i)) labels << label << ' ';
      labels << (i == 0 ? ",train\n" : ",validate\n");
    }
  }
  /// Imports the arrays and expects the same batch of them.
  void ExpectSame(const DataSpec& spec, const Batch& original, const std::string& files) {
    WriteLabels(original);
    ImportOptions options;
    for (const Feature& feature : spec.features) {
      options.features.push_back(
          {.name = feature.first, .pattern = Path(files), .member = feature.first});
    }
    options.labels.path = Path("labels.csv");
    options.labels.split_column = "part";
    options.labels.classes = std::to_string(spec.classes);
    options.out = Path("out");
    options.threads = 2;
    const ImportPlan plan = PlanImport(options);
    (void)WriteImport(options, plan, [](std::uint64_t, std::uint64_t) {});
    std::vector<std::string> written;
    for (const ImportedShard& shard : plan.shards) written.push_back(Path("out/" + shard.name));
    const Batch imported = ReadAll(spec, written);
    EXPECT_EQ(imported.ids, original.ids);
    EXPECT_EQ(imported.labels, original.labels);
    EXPECT_EQ(imported.label_offsets, original.label_offsets);
    EXPECT_EQ(imported.lengths, original.lengths);
    EXPECT_EQ(imported.frames, original.frames);
    EXPECT_EQ(imported.features, original.features);
    EXPECT_GT(imported.Size(), 100);
  }
};

TEST_F(RealImportTest, FramesOfAudioSet) {
  const auto shared = SharedData();
  if (!shared) GTEST_SKIP() << "no shared data";
  const DataSpec spec{.format = "frame",
                      .classes = 527,
                      .features = {{"audio_embedding", 128}},
                      .max_frames = 300,
                      .on_error = "stop"};
  const Batch original =
      ReadAll(spec, {(*shared / "data/audioset/eval/eval-00.tfrecord").string()});
  {
    const Hdf5File file(Path("a.h5"));
    for (std::size_t i = 0; i < original.ids.size(); ++i) {
      const auto frames = static_cast<hsize_t>(original.lengths[i]);
      const std::size_t begin = i * static_cast<std::size_t>(original.longest * original.width);
      file.Add("audio_embedding/" + original.ids[i], H5T_STD_U8LE, {frames, 128}, H5T_NATIVE_UCHAR,
               original.frames.data() + begin);
    }
  }
  ExpectSame(spec, original, "a.h5");
}

TEST_F(RealImportTest, VectorsOfYouTube8M) {
  const auto shared = SharedData();
  if (!shared) GTEST_SKIP() << "no shared data";
  const DataSpec spec{.format = "video",
                      .classes = 3862,
                      .features = {{"mean_rgb", 1024}, {"mean_audio", 128}},
                      .max_frames = 300,
                      .on_error = "stop"};
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(*shared / "data/yt8m2018-video/validate")) {
    files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  files.resize(2);
  const Batch original = ReadAll(spec, files);
  {
    const Hdf5File file(Path("y.h5"));
    for (std::size_t i = 0; i < original.ids.size(); ++i) {
      const float* values = original.features.data() + i * 1152;
      file.Add("mean_rgb/" + original.ids[i], H5T_IEEE_F32LE, {1024}, H5T_NATIVE_FLOAT, values);
      file.Add("mean_audio/" + original.ids[i], H5T_IEEE_F32LE, {128}, H5T_NATIVE_FLOAT,
               values + 1024);
    }
  }
  ExpectSame(spec, original, "y.h5");
}

}  // namespace
}  // namespace beamgrid::importing_test
