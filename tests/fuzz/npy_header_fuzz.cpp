// The header of a NumPy file, and a whole file of that header.
#include <fstream>

#include "orchestrator/importing/array_source.h"
#include "orchestrator/importing/npy_header.h"
#include "registry/util/input_error.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temporary_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  const std::string_view bytes = fuzz::TextOf(data, size);
  NpyHeader header;
  const auto parse = [&] { header = ParseNpyHeader("a", bytes); };
  if (!fuzz::Accepts<InputError>(parse)) return 0;
  fuzz::Require(header.bytes <= size, "the header lies in the file");
  fuzz::Require(header.form.width >= 1 && header.form.width <= kMaxWidth, "the width is sound");
  fuzz::Require(header.form.frames <= kMaxArrayBytes, "no product of the sides overflows");
  fuzz::Require(header.form.Bytes() <= kMaxArrayBytes, "an array fits into memory");
  // What values there are, read as the header says.
  static const TemporaryFolder folder;
  const std::string path = (folder / "a.npy").string();
  std::ofstream(path, std::ios::binary) << bytes;
  fuzz::Accepts<InputError>([&] {
    const auto source = OpenArraySource({.name = "x", .pattern = path, .member = ""}, {}, 1);
    fuzz::Require(source->Read(0).size() == header.form.Bytes(), "all values are read");
  });
  return 0;
}
