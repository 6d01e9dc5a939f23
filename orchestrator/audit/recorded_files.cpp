#include "orchestrator/audit/recorded_files.h"

#include <system_error>

#include "orchestrator/workers/attempt_files.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

std::string WayOut(const std::string& study) {
  return "; put the right file back, or let `beamgrid verify " + study +
         " --repair` train the trial again and put its file there (`beamgrid verify " + study +
         " --files` lists all that are damaged)";
}

}  // namespace

std::string LabelOf(const TrialRecord& trial) {
  return trial.name + " seed " + std::to_string(trial.seed);
}

fs::path ArtifactPath(const TrialRecord& trial, const Artifact& artifact) {
  return fs::path(trial.directory) / artifact.path;
}

std::string RecordedDamage(const fs::path& path, const Artifact& artifact, HashCache* cache) try {
  std::error_code error;
  if (!fs::exists(path.parent_path(), error) && !error) {
    return "is gone with its folder (--runs names another runs folder)";
  }
  if (cache == nullptr) return DamageOf(path, artifact, ArtifactCheck::kHashes);
  const std::string damage = DamageOf(path, artifact, ArtifactCheck::kSizes);
  if (!damage.empty()) return damage;
  const std::string hash = CachedHash(path, *cache);
  if (hash == artifact.hash) return {};
  return "has the hash " + hash + ", the record says " + artifact.hash;
} catch (const Error&) {
  return "cannot be read";
}

bool IsGivenUp(const TrialRecord& trial, const Artifact& artifact) {
  std::error_code ignored;
  return !artifact.pruned_at.empty() && !fs::exists(ArtifactPath(trial, artifact), ignored);
}

std::string WayBack(const std::string& study, std::size_t files) {
  return "`beamgrid verify " + study + " NAME --repair` makes " + (files == 1 ? "it" : "them") +
         " again";
}

fs::path CheckedArtifact(const TrialRecord& trial, const std::string& name,
                         const std::string& study, HashCache* cache) {
  const std::string label = LabelOf(trial);
  for (const Artifact& artifact :
       trial.result ? trial.result->artifacts : std::vector<Artifact>()) {
    if (artifact.name != name) continue;
    const fs::path path = ArtifactPath(trial, artifact);
    const std::string damage = RecordedDamage(path, artifact, cache);
    if (damage.empty()) return path;
    if (!artifact.pruned_at.empty()) {
      throw Error(path.string() + ": `prune` gave the " + name + " file of " + label + " up, " +
                  artifact.pruned_at + "; " + WayBack(study));
    }
    throw Error(path.string() + ": not the " + name + " that the record holds of " + label +
                ": the file " + damage + WayOut(study));
  }
  throw Error(label + ": the record names no " + name);
}

}  // namespace beamgrid
