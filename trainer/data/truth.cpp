#include "trainer/data/truth.h"

#include <algorithm>

#include "registry/util/error.h"
#include "registry/util/input_error.h"
#include "trainer/data/decoder.h"
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
    // No recipe says how many classes there are, but a label becomes an index somewhere.
    if (label < 0 || label >= kMaxClasses) {
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

/// A spec that reads the file's segments, whatever its features are called: a truth file comes
/// without a recipe, and the decoder needs the features for the videos' lengths.
DataSpec SegmentSpec(const std::filesystem::path& path) {
  DataSpec spec{.format = "segment", .classes = kMaxClasses, .max_frames = kSegmentFrames};
  const FileReport report = InspectFile(path);
  spec.features.assign(report.features.begin(), report.features.end());
  spec.frame_types = report.frame_types;
  return spec;
}

/// The ratings of one file, a record at a time: the features are looked at for their lengths alone.
void ReadSegments(const std::filesystem::path& path, SegmentTruth& truth) {
  const TfRecordFile file(path);
  RecordDecoder decoder(SegmentSpec(path), LabelPolicy::kRequired);
  DecodedVideo segment;
  bool any = false;
  for (std::uint64_t offset = 0; offset < file.size_bytes();) {
    const Record record = file.Read(offset);
    for (const std::int64_t start : decoder.SegmentStarts(record, file.path())) {
      decoder.DecodeSegment(record, file.path(), start, segment);
      const std::string id = std::string(segment.id) + ":" + std::to_string(start);
      if (!truth.emplace(id, RatedSegment{segment.labels, segment.rated}).second) {
        throw InputError(path.string() + ": segment '" + id + "' occurs twice");
      }
      any = true;
    }
    offset = record.next_offset;
  }
  if (!any) throw UsageError(path.string() + ": no rated segments");
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
