#include "trainer/data/label_lists.h"

#include "trainer/data/decoder.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {
namespace {

/// As in Dataset: pages that were read count as the worker's memory until they are released.
constexpr std::uint64_t kReleasedAtOnce = 128 << 20;

/// A spec by which labels are read and nothing else. Labels lie beside the frames, in the record's
/// context, which is all that a video-level record has: as one without features it is read whatever
/// its format. Segments need the features, because their number depends on the video's length.
DataSpec WithoutFeatures(DataSpec spec) {
  if (spec.format == "segment") return spec;
  spec.format = "video";
  spec.features.clear();
  return spec;
}

/// LabelReader collects the labels of file after file.
class LabelReader {
 public:
  explicit LabelReader(const DataSpec& spec)
      : spec_(spec), decoder_(WithoutFeatures(spec), LabelPolicy::kRequired) {}

  void ReadFile(const TfRecordFile& file);
  LabelLists Take() { return std::move(lists_); }

 private:
  void ReadRecord(const TfRecordFile& file, std::uint64_t offset);
  void ReadSegments(const TfRecordFile& file, const Record& record);
  void Add() {
    lists_.labels.insert(lists_.labels.end(), video_.labels.begin(), video_.labels.end());
    lists_.offsets.push_back(std::ssize(lists_.labels));
  }
  /// Returns where the error is one to pass over, else throws it again.
  void PassOver(const DataError& error) const {
    if (spec_.on_error != "skip" || error.fault() == DataFault::kContradiction) throw error;
  }

  DataSpec spec_;
  RecordDecoder decoder_;
  DecodedVideo video_;
  LabelLists lists_;
};

void LabelReader::ReadSegments(const TfRecordFile& file, const Record& record) {
  for (const std::int64_t start : decoder_.SegmentStarts(record, file.path())) {
    decoder_.DecodeSegment(record, file.path(), start, video_);
    Add();
  }
}

void LabelReader::ReadRecord(const TfRecordFile& file, std::uint64_t offset) {
  try {
    const Record record = file.Read(offset);
    if (spec_.format == "segment") return ReadSegments(file, record);
    decoder_.Decode(record, file.path(), video_);
    Add();
  } catch (const DataError& error) {
    PassOver(error);
  }
}

void LabelReader::ReadFile(const TfRecordFile& file) {
  std::uint64_t released = 0;
  try {
    for (std::uint64_t offset = 0; offset < file.size_bytes();) {
      const std::uint64_t next = file.Skip(offset);
      ReadRecord(file, offset);
      offset = next;
      // Every 128 MiB, not after each record: releasing is a system call over the whole file.
      if (offset - released < kReleasedAtOnce) continue;
      file.ReleasePages();
      released = offset;
    }
  } catch (const DataError& error) {
    // Behind a damaged length nothing can be found. Other errors were weighed by ReadRecord
    // already.
    if (error.fault() != DataFault::kDamagedLength) throw;
    PassOver(error);
  }
}

}  // namespace

LabelLists ReadLabelLists(const DataSpec& spec, const std::vector<std::string>& files) {
  LabelReader reader(spec);
  for (const std::string& file : files) reader.ReadFile(TfRecordFile(file));
  return reader.Take();
}

}  // namespace beamgrid
