#include "reports/one_per_seed.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "registry/named_file.h"
#include "registry/util/error.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

std::string Described(const TrialRecord& trial) {
  return "trial " + std::to_string(static_cast<std::int64_t>(trial.id)) + " (" + trial.name +
         ", fingerprint " + trial.fingerprint.substr(0, 8) + ")";
}

/// Returns what the trial's model is, wherever files of it lie.
std::string ModelText(const TrialRecord& trial) {
  if (trial.model_json.find("\"hash\"") == std::string::npos) return trial.model_json;
  return CanonicalJson(WithHashesForFiles(ParseJson(trial.model_json)));
}

}  // namespace

void RequireOneTrialPerSeed(const std::vector<TrialRecord>& trials) {
  std::unordered_map<std::string, const TrialRecord*> by_name, by_model;
  for (const TrialRecord& trial : trials) {
    const std::string seed = "#" + std::to_string(trial.seed);
    for (const auto& [seen, key] :
         {std::pair(&by_name, trial.name + seed), std::pair(&by_model, ModelText(trial) + seed)}) {
      const auto [first, is_new] = seen->try_emplace(key, &trial);
      if (is_new) continue;
      throw Error(
          Described(*first->second) + " and " + Described(trial) +
          " are one model and both of seed " + std::to_string(trial.seed) +
          "; a seed counts once. `beamgrid run` of the study's recipe decides which of them "
          "counts");
    }
  }
}

}  // namespace beamgrid
