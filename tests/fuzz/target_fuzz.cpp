// The target of a request to `beamgrid serve`.
#include "orchestrator/dashboard/target.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  const auto parsed = ParseTarget(fuzz::TextOf(data, size));
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) {
    fuzz::Require(refusal->status >= 400 && refusal->status < 500, "a refusal blames the client");
    fuzz::Require(!refusal->why.empty(), "a refusal says why");
    return 0;
  }
  const std::string text = std::get<Target>(parsed).Text();
  const auto again = ParseTarget(text);
  // What had to be written longer may be too long now.
  const auto* target = std::get_if<Target>(&again);
  fuzz::Require(target != nullptr || text.size() > kTargetBytesMax, "its text is a target");
  fuzz::Require(target == nullptr || target->Text() == text, "of the same question");
  return 0;
}
