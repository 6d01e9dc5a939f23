#include "trainer/data/truth.h"

#include <algorithm>
#include <utility>

#include "trainer/data/example.h"
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

}  // namespace

Truth ReadTruthRecords(const std::vector<std::filesystem::path>& files) {
  Truth truth;
  for (const auto& path : files) ReadFile(TfRecordFile(path), truth);
  return truth;
}

}  // namespace beamgrid
