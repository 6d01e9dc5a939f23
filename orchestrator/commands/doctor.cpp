// `beamgrid doctor`: what this machine has, what is wrong with it and how to mend that.

#include <SQLiteCpp/Database.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/inputs/recipe_files.h"
#include "orchestrator/machine/machine_share.h"
#include "orchestrator/slurm/cluster_check.h"
#include "orchestrator/workers/trainer_client.h"
#include "orchestrator/workers/worker_environment.h"
#include "registry/store/network_file_system.h"
#include "registry/store/place.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLittleDisk = 1ULL << 30;

/// Findings is the facts as JSON, and the problems among them.
struct Findings {
  boost::json::object facts;
  boost::json::array problems;

  void Problem(const std::string& what, const std::string& fix) {
    problems.push_back({{"what", what}, {"fix", fix}});
  }
};

/// FolderProblem is why nothing can be written, and what to do; nothing: it can.
struct FolderProblem {
  std::string what, fix;
};

std::string CpuModel() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

void LookAtProcessor(Findings& findings) {
  const std::set<std::string> flags = ProcessorFlags();
  boost::json::array vector_flags;
  for (const char* flag : {"avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"}) {
    if (flags.contains(flag)) vector_flags.emplace_back(flag);
  }
  const std::optional<std::string> fitting = OpenBlasCoreType(flags);
  const char* chosen_by_user = std::getenv("OPENBLAS_CORETYPE");
  const std::string in_force =
      chosen_by_user != nullptr ? chosen_by_user : fitting.value_or("left to OpenBLAS");
  findings.facts["cpu"] = {{"model", CpuModel()},
                           {"cores", std::thread::hardware_concurrency()},
                           {"flags", vector_flags},
                           {"openblas_coretype", in_force}};
  if (fitting && in_force != *fitting) {
    findings.Problem("OPENBLAS_CORETYPE is " + in_force + ", this processor has what " + *fitting +
                         " needs: matrix products will be slow",
                     "unset OPENBLAS_CORETYPE; workers then get " + *fitting);
  }
}

/// Returns the part of the path that is there, whatever it is.
fs::path ExistingPart(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(fs::symlink_status(path, ignored)) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

/// Returns why nothing can be put into the folder; empty: something can.
std::string ProblemOfFolder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return folder.string() + " is no folder";
  return access(folder.c_str(), W_OK | X_OK) == 0 ? "" : folder.string() + " is not writable";
}

/// Notes the place and the room there.
void LookAtDisk(const std::string& use, const fs::path& path, const FolderProblem& problem,
                Findings& findings) {
  std::error_code error;
  const std::uintmax_t available = fs::space(ExistingPart(path), error).available;
  findings.facts[use] = {{"path", path.string()},
                         {"free_bytes", error ? boost::json::value(nullptr) : available},
                         {"writable", problem.what.empty()}};
  if (!problem.what.empty()) {
    findings.Problem(problem.what, problem.fix);
  } else if (!error && available < kLittleDisk) {
    findings.Problem(
        path.string() + " has only " + SizeText(static_cast<std::int64_t>(available)) + " free",
        "make room: every trial keeps its weights, checkpoints and predictions");
  }
}

/// `run` makes the file, and no folder for it.
void LookAtDatabase(const fs::path& path, Findings& findings) {
  const fs::path file = RealPath(path), folder = file.parent_path();
  const std::string other = "name another file with --db";
  FolderProblem problem;
  std::error_code ignored;
  if (ExistingPart(folder) != folder) {
    problem = {folder.string() + ", the folder of the database, is not there",
               "mkdir -p " + folder.string() + ", or " + other};
    if (const std::string above = ProblemOfFolder(ExistingPart(folder)); !above.empty()) {
      problem.what += ", and " + above;
      problem.fix = other;
    }
  } else if (fs::is_directory(file, ignored)) {
    problem = {file.string() + " is a folder", "name a file with --db"};
  } else if (fs::exists(file, ignored) && access(file.c_str(), W_OK) != 0) {
    problem = {file.string() + " is not writable", other};
  } else {
    problem = {ProblemOfFolder(folder), other};
  }
  LookAtDisk("database", file, problem, findings);
}

/// `run` makes the folder, with all above it.
void LookAtRuns(const fs::path& folder, Findings& findings) {
  LookAtDisk("runs", folder,
             {ProblemOfFolder(ExistingPart(folder)), "name another folder with --runs"}, findings);
}

/// Studies tell each other there what they hold of the machine.
void LookAtShare(Findings& findings) {
  const fs::path folder = fs::absolute(DefaultShareFolder());
  const std::string problem = ProblemOfShare(folder);
  findings.facts["share"] = {{"path", folder.string()}, {"writable", problem.empty()}};
  if (problem.empty()) return;
  findings.Problem(problem + ": studies that run at once do not know of each other",
                   "name another folder with BEAMGRID_SHARE_DIR");
}

/// Takes over the trainer's warnings, which say themselves what to do.
void TakeOverWarnings(const boost::json::value& report, Findings& findings) {
  const boost::json::value* warnings = report.as_object().if_contains("warnings");
  if (warnings == nullptr) return;
  for (const boost::json::value& warning : warnings->as_array()) {
    findings.Problem(std::string(warning.as_string()), "see the warning");
  }
}

void LookAtTrainer(Findings& findings) {
  boost::json::object trainer{{"path", nullptr}, {"report", nullptr}};
  try {
    const std::filesystem::path path = FindTrainer();
    trainer["path"] = path.string();
    const boost::json::value report = ParseJson(AskTrainer(path, {"doctor"}));
    trainer["report"] = report;
    TakeOverWarnings(report, findings);
  } catch (const Error& error) {
    findings.Problem(error.what(), "build it (scripts/setup), or set BEAMGRID_TRAINER to its path");
  } catch (const std::invalid_argument& error) {
    findings.Problem(std::string("beamgrid-trainer doctor answers no JSON: ") + error.what(),
                     "set BEAMGRID_TRAINER to the trainer of this version");
  }
  findings.facts["trainer"] = std::move(trainer);
}

/// Returns "main* up: 2 nodes idle, 4 CPUs, 4096 MiB, gpu:2, at most infinite".
std::string PartText(const ClusterPart& part) {
  return part.partition + " " + part.available + ": nodes " + part.nodes + " " + part.state +
         ", CPUs " + part.cpus + ", MiB " + part.memory_mib +
         (part.gres.empty() ? "" : ", " + part.gres) + ", time limit " + part.time_limit;
}

/// Adds what the cluster says of itself. Where no study runs on it, its silence is no problem.
void LookAtSlurm(bool is_needed, Findings& findings) {
  const std::optional<ClusterFacts> cluster = LookAtCluster({});
  if (!cluster) {
    if (!is_needed) return;
    findings.Problem(
        "no sinfo in $PATH: Slurm's commands are not on this machine",
        "run this on the cluster's login node, or install them (Debian: slurm-client)");
    return;
  }
  findings.facts["slurm"] = {{"version", cluster->version},
                             {"answers", cluster->problem.empty()},
                             {"accounting", cluster->has_accounting()},
                             {"partitions", JsonList(cluster->parts, PartText)},
                             {"message", nullptr}};
  if (cluster->problem.empty()) return;
  findings.facts["slurm"].as_object()["message"] = cluster->problem;
  if (is_needed) {
    findings.Problem("the cluster does not answer: " + cluster->problem,
                     "ask those who run it whether slurmctld runs; SLURM_CONF names its "
                     "configuration where that is not in /etc/slurm");
  }
}

void PrintFact(std::ostream& out, const std::string& name, const boost::json::value& value) {
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object) PrintFact(out, name + "." + std::string(key), member);
  } else {
    out << name << ": "
        << (value.is_string() ? std::string(value.get_string()) : CanonicalJson(value)) << "\n";
  }
}

void Print(std::ostream& out, const Findings& findings) {
  for (const auto& [name, value] : findings.facts) PrintFact(out, name, value);
  if (findings.problems.empty()) out << "nothing is wrong\n";
  for (const boost::json::value& problem : findings.problems) {
    out << "wrong: " << problem.at("what").as_string().c_str()
        << "\n  mend: " << problem.at("fix").as_string().c_str() << "\n";
  }
}

class Doctor : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    database_.AddTo(app);
    database_.AddRunsTo(app);
    app.add_option("--cluster", recipe_,
                   "Recipe whose [resources.slurm] a test job is sent with: does a node see the "
                   "runs folder, the programs and the data?")
        ->type_name("RECIPE");
    AddSettings(app, &settings_);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    Findings findings;
    findings.facts["beamgrid"] = BEAMGRID_VERSION;
    findings.facts["sqlite"] = SQLite::getLibVersion();
    LookAtProcessor(findings);
    LookAtTrainer(findings);
    LookAtDatabase(database_.path, findings);
    LookAtRuns(RunsFolder(), findings);
    LookAtShare(findings);
    LookAtSlurm(!recipe_.empty(), findings);
    if (const auto name = NetworkFileSystemOf(database_.path)) {
      findings.facts["database"].as_object()["file_system"] = *name;
    }
    if (!recipe_.empty()) LookAtNode(context, findings);
    const bool healthy = findings.problems.empty();
    if (json_) {
      boost::json::object report = findings.facts;
      report["problems"] = findings.problems;
      PrintJson(context.out, report);
    } else {
      Print(context.out, findings);
    }
    return healthy ? kExitDone : kExitBroken;
  }

 private:
  void LookAtNode(CommandContext& context, Findings& findings) const {
    try {
      RefuseNetworkDatabase(database_.path);
    } catch (const UsageError& error) {
      findings.Problem(error.what(), "--db and --runs");
    }
    if (!findings.facts.contains("slurm") || findings.facts["slurm"].at("message").is_string()) {
      return;  // told already
    }
    if (!findings.facts["runs"].at("writable").as_bool()) return;  // likewise
    const RecipeSource source = ReadRecipe(recipe_, settings_);
    const DataSpec data = FindDataFiles(DataOfRecipe(source));
    NodeProbe probe{.folder = RunsFolder(),
                    .program = std::filesystem::read_symlink("/proc/self/exe"),
                    .trainer = FindTrainer(),
                    .data = data.train.empty() ? "" : data.train.front(),
                    .settings = ResourcesOfRecipe(source.text(), source.path()).slurm};
    SlurmClient client;
    const NodeAnswer answer = ProbeNode(
        client, probe, [&context](const std::string& line) { context.err << line << "\n"; },
        [](std::chrono::milliseconds span) { std::this_thread::sleep_for(span); });
    if (!answer.node.empty()) {
      findings.facts["slurm"].as_object()["tried_on"] = answer.node;
      if (!answer.gpus.empty()) {
        findings.facts["slurm"].as_object()["cuda_visible_devices"] = answer.gpus;
      }
    }
    for (const auto& [what, fix] : answer.problems) findings.Problem(what, fix);
  }

  /// Returns where `run` would put attempts; a record that cannot be read is told of elsewhere.
  [[nodiscard]] fs::path RunsFolder() const {
    if (!database_.runs.empty()) return RealPath(database_.runs);
    try {
      return database_.OpenForReading()->runs();
    } catch (const std::exception&) {
      return RecordPlace(database_.path).runs();
    }
  }

  DatabaseOption database_;
  std::string recipe_;
  std::vector<std::string> settings_;
  bool json_ = false;
};

REGISTER_COMMAND("doctor", kMachine, "What this machine has, what is wrong, how to mend it",
                 Doctor);

}  // namespace
}  // namespace beamgrid
