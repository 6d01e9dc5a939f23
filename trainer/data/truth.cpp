#include "trainer/data/truth.h"

#include <algorithm>
#include <utility>

#include "registry/error.h"
#include "trainer/data/batches.h"
#include "trainer/data/example.h"
#include "trainer/data/inspect.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {
namespace {

std::vector<std::int32_t> LabelsOf(const ExampleView& example) {
  std::vector<std::int64_t> read;
  if (const FeatureView* found = example.FindContext("labels")) ReadIntegers(*found, read);
  std::vector<std::int32_t> labels;
  for (const std::int64_t label : read) {
    if (!std::in_range<std::int32_t>(label)) {
      throw ExampleError("label " + std::to_string(label) + " is no class index");
    }
    labels.push_back(static_cast<std::int32_t>(label));
  }
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

void ReadFile(const TfRecordFile& file, Truth& truth) {
  ExampleView example;
  for (std::uint64_t offset = 0; offset < file.size_bytes();) {
    const Record record = file.Read(offset);
    const auto fail = [&](DataFault fault, const std::string& what) {
      throw DataError(fault, file.path(), record.offset, what);
    };
    try {
      ParseExample(record.payload, example);
      const std::string id(IdOf(example));
      if (id.empty()) {
        fail(DataFault::kContradiction, "the record has neither 'id' nor 'video_id'");
      }
      if (!truth.emplace(id, LabelsOf(example)).second) {
        fail(DataFault::kContradiction, "video '" + id + "' occurs twice");
      }
    } catch (const ExampleError& error) {
      fail(DataFault::kDamagedRecord, error.what());
    }
    offset = record.next_offset;
  }
}

/// A reader of the file's segments, whatever its features are called.
DataSpec SegmentSpec(const std::filesystem::path& path) {
  DataSpec spec{.format = "segment", .classes = kMaxClasses, .max_frames = kSegmentFrames};
  for (const auto& [name, width] : InspectFile(path).features)
    spec.features.emplace_back(name, width);
  return spec;
}

void ReadSegments(const std::filesystem::path& path, SegmentTruth& truth) {
  Dataset dataset(SegmentSpec(path), {path.string()}, LabelPolicy::kRequired);
  Batches batches(dataset, {.order = BatchOrder::kSequential});
  batches.Start(0);
  for (Batch batch; batches.Next(batch);) {
    for (std::int64_t i = 0; i < batch.Size(); ++i) {
      const std::string& id = batch.ids[static_cast<std::size_t>(i)];
      const auto positive = batch.LabelsOf(i), rated = batch.RatedOf(i);
      const bool is_new = truth
                              .emplace(id, RatedSegment{{positive.begin(), positive.end()},
                                                        {rated.begin(), rated.end()}})
                              .second;
      if (!is_new) throw Error(path.string() + ": segment '" + id + "' occurs twice");
    }
  }
}

}  // namespace

SegmentTruth ReadSegmentTruth(const std::vector<std::filesystem::path>& files) {
  SegmentTruth truth;
  for (const auto& path : files) ReadSegments(path, truth);
  return truth;
}

Truth ReadTruthRecords(const std::vector<std::filesystem::path>& files) {
  Truth truth;
  for (const auto& path : files) ReadFile(TfRecordFile(path), truth);
  return truth;
}

}  // namespace beamgrid
