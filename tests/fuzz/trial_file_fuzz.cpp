// trial.json, which the worker starts from.
#include <stdexcept>

#include "tests/fuzz/fuzz.h"
#include "trainer/protocol/protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  fuzz::Accepts<std::invalid_argument>([&] {
    const TrialFile trial = TrialFileFromJson(ParseJson(fuzz::TextOf(data, size)));
    const boost::json::value written = ToJson(trial);
    fuzz::Require(ToJson(TrialFileFromJson(written)) == written, "what is written is read");
    fuzz::Require(trial.threads >= 1 && trial.heartbeat_seconds > 0 && trial.predictions_top_k >= 1,
                  "amounts are amounts");
  });
  return 0;
}
