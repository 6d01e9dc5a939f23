// Sizes, times and names of trials, as people write them.
#include <cmath>

#include "search/recipe.h"
#include "search/recipe/warm_start_name.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  const std::string text(fuzz::TextOf(data, size));
  if (const auto bytes = ParseSize(text)) fuzz::Require(*bytes >= 0, "a size is not negative");
  if (const auto seconds = ParseDuration(text)) {
    fuzz::Require(std::isfinite(*seconds) && *seconds > 0, "a time is positive");
  }
  if (const auto start = ParseWarmStartName(text)) {
    fuzz::Require(start->fingerprint.empty() != start->study.empty(), "one or the other");
  }
  return 0;
}
