// A checkpoint's file, as it is and with its hash made right: whatever its header says, nothing
// outside of the file and of the tensor is touched.
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/training/checkpoint_file.h"

namespace beamgrid::trainer {
namespace {

std::string WithTrueHash(std::string_view bytes) {
  const std::size_t hash_bytes = std::min(bytes.size(), kCheckpointHashDigits);
  const std::string_view body = bytes.substr(0, bytes.size() - hash_bytes);
  return std::string(body) + HashBytes(body);
}

/// As large as the model's, whatever the file says.
void ReadTensor(CheckpointFile& file, const char* name, std::size_t bytes) {
  const CheckpointEntry* entry = file.Find(name);
  if (entry == nullptr) return;
  std::vector<char> values(bytes);
  fuzz::Accepts<Error>([&] { file.Read(*entry, values); });
}

void Read(std::string_view bytes) {
  static fuzz::InputFile input;
  fuzz::Accepts<Error>([&] {
    CheckpointFile file(input.Holding(bytes));
    static_cast<void>(boost::json::serialize(file.meta()));
    ReadTensor(file, "weights", 48);
    ReadTensor(file, "state", 10);
    ReadTensor(file, "scalar", 8);
    ReadTensor(file, "empty", 0);
  });
}

}  // namespace
}  // namespace beamgrid::trainer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = beamgrid::fuzz::TextOf(data, size);
  beamgrid::trainer::Read(bytes);
  beamgrid::trainer::Read(beamgrid::trainer::WithTrueHash(bytes));
  return 0;
}
