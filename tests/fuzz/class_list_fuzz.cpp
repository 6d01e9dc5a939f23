// A file of classes.
#include <algorithm>

#include "orchestrator/inputs/class_list.h"
#include "registry/util/error.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static fuzz::InputFile file;
  fuzz::Accepts<Error>([&] {
    const auto classes = ReadClassList(file.Holding(fuzz::TextOf(data, size)), 1000);
    fuzz::Require(!classes.empty() && classes.front() >= 0 && classes.back() < 1000,
                  "they are classes");
    fuzz::Require(std::ranges::adjacent_find(classes, std::greater_equal()) == classes.end(),
                  "sorted, none twice");
  });
  return 0;
}
