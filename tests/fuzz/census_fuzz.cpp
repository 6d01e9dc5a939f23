// A census as the cache keeps it.
#include "registry/util/files.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/data/census_file.h"
#include "trainer/data/data_verdict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  const std::optional<Census> census = CensusFromText(fuzz::TextOf(data, size), 2, 1);
  if (!census) return 0;
  // What was accepted can be judged: every file that it names is in the lists.
  for (const char* on_error : {"stop", "skip"}) {
    static_cast<void>(
        JudgeData({.format = "video", .train = {"a", "b"}, .validate = {"c"}, .on_error = on_error},
                  *census));
  }
  const auto again = CensusFromText(CensusText(*census), 2, 1);
  fuzz::Require(again && again->train == census->train && again->validate == census->validate,
                "what is written comes back");
  return 0;
}
