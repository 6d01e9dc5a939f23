#include "trainer/data/preflight.h"

#include "registry/util/system_error.h"
#include "trainer/data/decoder.h"

namespace beamgrid {
namespace {

/// What is wrong with the file's first record; empty: nothing. A wrong recipe contradicts the first
/// record already, so it is refused in milliseconds and not after the first trial has started.
std::string CheckFile(const DataSpec& data, const std::string& path) {
  try {
    const TfRecordFile file(path);
    if (file.size_bytes() == 0) return path + ": the file is empty";
    const Record record = file.Read(0);
    RecordDecoder decoder(data, LabelPolicy::kRequired);
    DecodedVideo video;
    if (data.format == "segment") {
      static_cast<void>(decoder.SegmentStarts(record, path));
      // Frame 0 is there in every sound video, whether or not somebody rated it.
      decoder.DecodeSegment(record, path, 0, video);
    } else {
      decoder.Decode(record, path, video);
    }
  } catch (const DataError& error) {
    // Training would skip it too. A contradiction or a broken file is a problem either way.
    const bool passed_over = data.on_error == "skip" && error.fault() == DataFault::kDamagedRecord;
    return passed_over ? std::string() : error.what();
  } catch (const Error& error) {
    // Too few descriptors or a failing disk say nothing about the data.
    if (IsMachineFault(SystemCode(error))) throw;
    return error.what();
  }
  return {};
}

}  // namespace

std::vector<std::string> CheckData(const DataSpec& data) {
  std::vector<std::string> problems;
  const auto check = [&](const std::string& file) {
    const std::string problem = CheckFile(data, file);
    if (!problem.empty()) problems.push_back(problem);
  };
  for (const auto* files : {&data.train, &data.validate}) {
    // Two files of a list show a wrong name or width as well as thousands would.
    if (!files->empty()) check(files->front());
    if (files->size() > 1) check(files->back());
  }
  return problems;
}

}  // namespace beamgrid
