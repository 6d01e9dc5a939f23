// JSON: what was read and written again is the same.
#include <stdexcept>

#include "registry/util/json.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  fuzz::Accepts<std::invalid_argument>([&] {
    const boost::json::value value = ParseJson(fuzz::TextOf(data, size));
    const std::string text = CanonicalJson(value);
    const boost::json::value again = ParseJson(text);
    fuzz::Require(CanonicalJson(again) == text, "canonical JSON is canonical");
    fuzz::Require(again == value, "canonical JSON says the same");
  });
  return 0;
}
