#include "orchestrator/commands/verify_report.h"

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/text_table.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

/// Metrics of every epoch and all hashes: more would say no more.
constexpr std::size_t kShownDifferences = 20;

void AddRows(const std::vector<Difference>& differences, TextTable* table) {
  for (std::size_t i = 0; i < std::min(differences.size(), kShownDifferences); ++i) {
    table->Add({differences[i].what, differences[i].recorded, differences[i].now});
  }
}

void PrintDifferences(std::ostream& out, const VerifiedTrial& verified) {
  TextTable table({"value", "recorded", "now"});
  AddRows(verified.differences, &table);
  table.Print(out, "  ");
  if (verified.differences.size() > kShownDifferences) {
    out << "  and " << verified.differences.size() - kShownDifferences
        << " more; --json shows all\n";
  }
}

void PrintEnvironment(std::ostream& out, const VerifiedTrial& verified) {
  if (verified.environment.empty()) {
    out << "  nothing differs in the environment: " << EnvironmentText(verified.now) << "\n";
    return;
  }
  TextTable table({"environment", "recorded", "now"});
  AddRows(verified.environment, &table);
  table.Print(out, "  ");
}

boost::json::object DifferenceJson(const Difference& difference) {
  return {{"what", difference.what}, {"recorded", difference.recorded}, {"now", difference.now}};
}

}  // namespace

void PrintVerified(std::ostream& out, const VerifiedTrial& verified) {
  out << ToString(verified.verdict) << "  " << LabelOf(verified.trial);
  if (verified.verdict == Verdict::kNotTrained) out << ": " << verified.why;
  if (!verified.directory.empty()) out << "; see " << verified.directory.string();
  out << "\n";
  if (verified.verdict != Verdict::kDifferent) return;
  PrintDifferences(out, verified);
  PrintEnvironment(out, verified);
}

void PrintDamaged(std::ostream& out, const std::vector<DamagedFile>& files) {
  for (const DamagedFile& file : files) {
    out << "damaged  " << LabelOf(file.trial) << ": " << file.path.string() << " " << file.damage
        << "\n";
  }
}

boost::json::object ToJson(const VerifiedTrial& verified) {
  boost::json::object json = {{"name", verified.trial.name},
                              {"seed", verified.trial.seed},
                              {"fingerprint", verified.trial.fingerprint},
                              {"verdict", ToString(verified.verdict)},
                              {"differences", JsonList(verified.differences, DifferenceJson)},
                              {"environment", JsonList(verified.environment, DifferenceJson)},
                              {"why", nullptr},
                              {"directory", nullptr}};
  if (!verified.why.empty()) json["why"] = verified.why;
  if (!verified.directory.empty()) json["directory"] = verified.directory.string();
  return json;
}

boost::json::object DamageJson(const DamagedFile& file) {
  return {{"name", file.trial.name},
          {"seed", file.trial.seed},
          {"artifact", file.artifact.name},
          {"path", file.path.string()},
          {"damage", file.damage}};
}

}  // namespace beamgrid
