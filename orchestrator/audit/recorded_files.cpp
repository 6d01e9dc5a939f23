#include "orchestrator/audit/recorded_files.h"

#include <system_error>

#include "registry/util/error.h"
#include "registry/util/files.h"

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

std::string DamageOf(const fs::path& path, const Artifact& artifact) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return "is gone";
  if (!fs::is_regular_file(status)) return "is no file";
  // Before the hash: a cut-off file of gigabytes is found out without reading it.
  const auto bytes = static_cast<std::int64_t>(fs::file_size(path, error));
  if (!error && bytes != artifact.bytes) {
    return "has " + std::to_string(bytes) + " bytes, the record says " +
           std::to_string(artifact.bytes);
  }
  try {
    const std::string hash = HashFile(path);
    if (hash != artifact.hash) return "has the hash " + hash + ", the record says " + artifact.hash;
  } catch (const Error&) {
    return "cannot be read";
  }
  return {};
}

fs::path CheckedArtifact(const TrialRecord& trial, const std::string& name,
                         const std::string& study) {
  const std::string label = LabelOf(trial);
  for (const Artifact& artifact :
       trial.result ? trial.result->artifacts : std::vector<Artifact>()) {
    if (artifact.name != name) continue;
    const fs::path path = ArtifactPath(trial, artifact);
    const std::string damage = DamageOf(path, artifact);
    if (damage.empty()) return path;
    throw Error(path.string() + ": not the " + name + " that the record holds of " + label +
                ": the file " + damage + WayOut(study));
  }
  throw Error(label + ": the record names no " + name);
}

}  // namespace beamgrid
