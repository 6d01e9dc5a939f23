#include "orchestrator/slurm/attempt_end.h"

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "orchestrator/slurm/shared_files.h"
#include "orchestrator/workers/attempt_files.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kOrderedFile[] = "ordered.json";
constexpr char kClaimFile[] = "claim.json";
constexpr char kEndFile[] = "end.json";

/// Returns the JSON that the file holds; nothing where it is not there or not whole yet.
std::optional<boost::json::value> Seen(const fs::path& path) {
  try {
    return ParseJson(ReadFile(path));
  } catch (const std::invalid_argument&) {
  } catch (const Error& error) {
    // Nothing is known then, least of all that there is no such file. ESTALE is NFS's word for one
    // that was there a moment ago.
    const int code = SystemCode(error);
    if (IsMachineFault(code) && code != ESTALE) throw;
  }
  return std::nullopt;
}

/// Returns the pilot that the file names; nothing where it names none that can be one: a pilot is
/// called as its folder is.
std::optional<std::string> SeenPilot(const fs::path& path) {
  const std::optional<boost::json::value> json = Seen(path);
  if (!json) return std::nullopt;
  try {
    const std::string pilot = JsonReader(*json, "").Text("pilot");
    const bool is_name = pilot.find('/') == std::string::npos && pilot != "." && pilot != "..";
    return is_name ? std::optional(pilot) : std::nullopt;
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

boost::json::object ToJson(const AttemptFailure& failure) {
  return {{"kind", ToString(failure.kind)},
          {"message", failure.message},
          {"log_tail", failure.log_tail}};
}

AttemptFailure FailureFrom(const JsonReader& json) {
  return {.kind = FailureKindFromString(json.Text("kind")),
          .message = json.Text("message"),
          .log_tail = json.Text("log_tail")};
}

AttemptEnd EndFrom(const JsonReader& json) {
  AttemptEnd end{.key = {TrialId{json.Integer("trial")}, json.Integer("attempt")},
                 .by = json.Text("by"),
                 .exit_code = static_cast<int>(json.Integer("exit_code"))};
  if (json.Has("result")) {
    end.what = json.Text("result");
  } else {
    end.what = FailureFrom(json.Object("failure"));
  }
  return end;
}

}  // namespace

void WriteOrdered(const fs::path& directory, const std::string& pilot) {
  WriteFileAtomically(directory / kOrderedFile, CanonicalJson({{"pilot", pilot}}) + "\n");
}

std::optional<std::string> OrderedPilot(const fs::path& directory) {
  return SeenPilot(directory / kOrderedFile);
}

bool WasOrdered(const fs::path& directory) {
  std::error_code error;
  return fs::exists(directory / kOrderedFile, error);
}

bool Claim(const fs::path& directory, const std::string& who) {
  return PublishOnce(directory / kClaimFile, CanonicalJson({{"pilot", who}}) + "\n");
}

std::optional<std::string> ClaimedBy(const fs::path& directory) {
  return SeenPilot(directory / kClaimFile);
}

fs::path ClaimFile(const fs::path& directory) { return directory / kClaimFile; }

bool PublishEnd(const fs::path& directory, const AttemptKey& key, const std::string& by,
                const AttemptOutcome& outcome) {
  boost::json::object json{{"trial", static_cast<std::int64_t>(key.trial)},
                           {"attempt", key.attempt},
                           {"by", by},
                           {"exit_code", outcome.exit_code}};
  if (outcome.complete()) {
    json["result"] = HashFile(directory / kResultFile);
  } else {
    json["failure"] = ToJson(outcome.failure());
  }
  return PublishOnce(directory / kEndFile, CanonicalJson(json) + "\n");
}

std::optional<AttemptEnd> ReadEnd(const fs::path& directory) {
  const fs::path path = directory / kEndFile;
  const std::optional<boost::json::value> json = Seen(path);
  if (!json) return std::nullopt;
  try {
    return EndFrom(JsonReader(*json, ""));
  } catch (const std::invalid_argument& error) {
    // The file is whole, and stays as it is: an attempt ends once.
    const std::string why = path.string() + " is none of ours: " + error.what() +
                            "; the programs on the nodes and here must be of one version";
    return AttemptEnd{.garbage = why,
                      .what = AttemptFailure{.kind = FailureKind::kInterrupted, .message = why}};
  }
}

std::variant<AttemptOutcome, std::string> SeenOutcome(const fs::path& directory,
                                                      const AttemptEnd& end) {
  if (const auto* failure = std::get_if<AttemptFailure>(&end.what)) {
    return AttemptOutcome{*failure, end.exit_code};
  }
  try {
    if (HashFile(directory / kResultFile) != std::get<std::string>(end.what)) {
      return "result.json is not the one that end.json names";
    }
  } catch (const Error& error) {
    if (IsMachineFault(SystemCode(error)) && SystemCode(error) != ESTALE) throw;
    return std::string(error.what());
  }
  AttemptOutcome outcome = OutcomeOf(directory, {.exit_code = end.exit_code});
  if (!outcome.complete()) return outcome.failure().message;
  return outcome;
}

AttemptOutcome OutcomeUnheard(const fs::path& directory, FailureKind kind,
                              const std::string& message) {
  AttemptOutcome outcome = OutcomeOf(directory, {});
  if (!outcome.complete()) {
    auto& failure = std::get<AttemptFailure>(outcome.end);
    failure.kind = kind;
    failure.message = message;
  }
  return outcome;
}

}  // namespace beamgrid
