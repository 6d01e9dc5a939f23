// Models, data and whole trials, as the record, recipes' digests and trial.json hold them; the
// files that they name.
#include <stdexcept>

#include "registry/model_spec.h"
#include "tests/fuzz/fuzz.h"

namespace beamgrid {
namespace {

void ReadModel(const boost::json::value& json) {
  const ModelSpec model = ModelSpecFromJson(json);
  fuzz::Require(ModelSpecFromJson(ToJson(model)) == model, "a model that is written is read");
}

void ReadData(const boost::json::value& json) {
  const DataSpec data = DataSpecFromJson(json);
  fuzz::Require(data.classes >= 0 && data.max_frames >= 1, "sizes are sizes");
}

void ReadTrial(const boost::json::value& json) {
  const TrialSpec trial = TrialSpecFromJson(json);
  const auto read = TrialSpecFromJson(ToJson(trial));
  fuzz::Require(read.model == trial.model, "a trial that is written is read");
  if (trial.warm_start.empty() && trial.model.train.contains("from")) return;  // not resolved
  fuzz::Require(Fingerprint(read) == Fingerprint(trial), "a trial keeps its fingerprint");
}

void ReadFile(const boost::json::value& json) {
  const auto without = WithHashesForFiles(json);
  fuzz::Require(WithHashesForFiles(without) == without, "no file is left in it");
  if (const auto file = NamedFileFrom(json)) {
    fuzz::Require(NamedFileFrom(ToJson(*file)) == file, "a file that is written is read");
  }
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  boost::json::value json;
  const auto parse = [&] { json = ParseJson(fuzz::TextOf(data, size)); };
  if (!fuzz::Accepts<std::invalid_argument>(parse)) return 0;
  for (const auto read : {ReadModel, ReadData, ReadTrial, ReadFile}) {
    fuzz::Accepts<std::invalid_argument>([&] { read(json); });
  }
  return 0;
}
