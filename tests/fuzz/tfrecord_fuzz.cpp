// Record files without a recipe: inspect, verify, digest, truth; as they are and with their CRCs
// made right.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/record_support.h"
#include "trainer/data/digest.h"
#include "trainer/data/inspect.h"
#include "trainer/data/truth.h"

namespace beamgrid {
namespace {

/// Every record by Read and by Skip.
void Walk(const std::string& path) {
  const TfRecordFile file(path);
  for (std::uint64_t offset = 0; offset < file.size_bytes();) {
    const Record record = file.Read(offset);
    fuzz::Require(file.Skip(offset) == record.next_offset, "both ways lead to the next record");
    fuzz::Require(record.next_offset > offset && record.next_offset <= file.size_bytes(),
                  "the next record lies behind this one");
    offset = record.next_offset;
  }
}

void ReadFile(const std::string& path) {
  fuzz::Accepts<Error>([&] { Walk(path); });
  std::int64_t sound = -1;
  fuzz::Accepts<Error>([&] {
    const FileReport report = InspectFile(path);
    static_cast<void>(ToJson(std::vector{report}));
    sound = report.records;
  });
  fuzz::Accepts<Error>([&] {
    const VerifyReport report = VerifyFile(path);
    static_cast<void>(ToJson(std::vector{report}));
    fuzz::Require(!report.damages.empty() || sound == report.records || sound == -1,
                  "inspect and verify count the same records");
  });
  fuzz::Accepts<Error>([&] { static_cast<void>(DataDigest({.train = {path}})); });
  fuzz::Accepts<Error>([&] {
    for (const auto& [id, labels] : ReadTruthRecords({path})) {
      fuzz::Require(!id.empty() && (labels.empty() || labels.front() >= 0), "labels are classes");
    }
  });
  fuzz::Accepts<Error, UsageError>([&] { static_cast<void>(ReadSegmentTruth({path})); });
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  const std::string_view bytes = fuzz::TextOf(data, size);
  ReadFile(file.Holding(bytes));
  ReadFile(file.Holding(fuzz::WithTrueCrcs(bytes)));
  return 0;
}
