#include "orchestrator/slurm/cluster_check.h"

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <random>
#include <span>
#include <utility>

#include "orchestrator/slurm/job_script.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kPartField = '\x1f';
constexpr char kShareRuns[] =
    "the runs folder must lie on a file system that all machines share (--runs)";
constexpr std::chrono::milliseconds kLookEvery{500};
constexpr std::chrono::milliseconds kTellEvery{std::chrono::seconds(15)};

std::vector<std::string> FieldsOf(std::string_view line, char separator) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == separator) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

/// Returns the value of "NAME   = VALUE" in what `scontrol show config` prints.
std::string Configured(const std::string& config, const std::string& name) {
  for (const std::string& line : FieldsOf(config, '\n')) {
    const std::size_t equals = line.find("= ");
    const bool is_it = line.starts_with(name) && line.size() > name.size() &&
                       (line[name.size()] == ' ' || line[name.size()] == '=');
    if (is_it && equals != std::string::npos) return line.substr(equals + 2);
  }
  return "";
}

std::string RandomToken() {
  std::random_device random;
  std::array<unsigned char, 8> token{};
  for (unsigned char& byte : token) byte = static_cast<unsigned char>(random());
  return HexText(token);
}

/// A folder of the probe's own, removed when this object goes.
class ProbeFolder {
 public:
  ProbeFolder(const fs::path& in, const std::string& name) : path_(in / name) {
    std::error_code error;
    fs::create_directories(path_, error);
    if (error) throw SystemError(path_, "cannot create the folder", error.value());
  }
  ~ProbeFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ProbeFolder(const ProbeFolder&) = delete;
  ProbeFolder& operator=(const ProbeFolder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Returns the job: it writes down what it sees, a "name=value" a line, and puts it in place last.
std::string ProbeScript(const NodeProbe& probe, const fs::path& folder) {
  const std::string answer = ShellWord((folder / "answer").string());
  const std::string half = ShellWord((folder / "answer.half").string());
  std::string script = "#!/bin/bash -l\nset -e\n" + probe.settings.prologue;
  if (!script.ends_with('\n')) script += '\n';
  script += "set +e\nexec 3>" + half + " || exit 1\n";
  script += "echo \"node=${SLURMD_NODENAME:-$(uname -n)}\" >&3\n";
  script += "echo \"gpus=$CUDA_VISIBLE_DEVICES\" >&3\n";
  script += "echo \"token=$(cat " + ShellWord((folder / "token").string()) + ")\" >&3\n";
  const auto look = [&script](const char* name, const std::string& command) {
    script += "said=$(" + command + " 2>&1 >/dev/null) && said=ok || said=\"failed: $said\"\n";
    script += std::string("printf '") + name + "=%s\\n' \"$(echo $said)\" >&3\n";
  };
  look("program", ShellWord(probe.program.string()) + " --version");
  look("trainer", ShellWord(probe.trainer.string()) + " --version");
  if (!probe.data.empty()) look("data", "head -c 1 " + ShellWord(probe.data.string()));
  if (probe.settings.AsksForGpu()) {
    script += "echo \"trainer_sees=$(" + ShellWord(probe.trainer.string()) +
              " doctor 2>/dev/null | head -n 1)\" >&3\n";
  }
  script += "exec 3>&-\nmv " + half + " " + answer + "\n";
  return script;
}

using ProbeAnswer = std::map<std::string, std::string>;

ProbeAnswer ReadAnswer(const fs::path& file) {
  ProbeAnswer seen;
  for (const std::string& line : FieldsOf(ReadFile(file), '\n')) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) {
      seen[line.substr(0, equals)] = PrintableLine(line.substr(equals + 1));
    }
  }
  return seen;
}

/// Returns whether what `beamgrid-trainer doctor` said names a device.
bool SeesGpu(const std::string& report) {
  try {
    const boost::json::value json = ParseJson(report);
    const boost::json::value* devices = json.as_object().if_contains("devices");
    return devices != nullptr && devices->is_array() && !devices->as_array().empty();
  } catch (const std::exception&) {
    return false;  // it said nothing, or no JSON
  }
}

NodeAnswer Judge(ProbeAnswer seen, const NodeProbe& probe, const std::string& token) {
  NodeAnswer answer{.node = seen["node"], .problems = {}, .gpus = seen["gpus"]};
  const auto problem = [&answer](const std::string& what, const std::string& fix) {
    answer.problems.push_back({what, fix});
  };
  if (seen["token"] != token) {
    problem(probe.folder.string() + " is another folder on the node", kShareRuns);
  }
  const auto look = [&](const char* name, const fs::path& file, const std::string& fix) {
    if (!file.empty() && seen[name] != "ok") {
      problem(file.string() + " " + (seen[name].empty() ? "could not be tried" : seen[name]) +
                  " on the node",
              fix);
    }
  };
  look("program", probe.program, "put beamgrid where all machines have it, libraries included");
  look("trainer", probe.trainer, "put beamgrid-trainer where all machines have it");
  look("data", probe.data, "put the data on a file system that all machines share");
  if (probe.settings.AsksForGpu() && answer.gpus.empty()) {
    problem("the job asked for " + probe.settings.gres + " and got no CUDA_VISIBLE_DEVICES",
            "ask those who run the cluster for its gres");
  } else if (probe.settings.AsksForGpu() && seen["trainer"] == "ok" &&
             !SeesGpu(seen["trainer_sees"])) {
    problem("the job got " + probe.settings.gres + ", and " + probe.trainer.string() +
                " sees no GPU there",
            "is it built with CUDA (scripts/setup --cuda), and has the node a driver? "
            "`beamgrid-trainer doctor` in a job says more; without gres trials run on the CPU");
  }
  return answer;
}

/// Returns what the queue says of the job: why it is not there yet.
std::string PlaceInQueue(SlurmClient& client, const std::string& name, bool* over) {
  const QueueAnswer queue = client.Queue();
  if (!queue.answered) return queue.message;
  for (const QueuedJob& job : queue.jobs) {
    if (job.name != name) continue;
    *over = IsFinal(job.state);
    return "job " + job.id + " " + StateInWords(job.state) +
           (job.state == "PENDING" ? ": " + ReasonInWords(job.reason) : "");
  }
  return "the job is not in the queue";
}

std::string ProbeLog(const fs::path& log) {
  std::error_code ignored;
  if (!fs::exists(log, ignored)) return "";
  constexpr std::size_t kMost = 400;
  const std::string text = ReadFile(log);
  if (text.empty()) return "";
  std::string last = text.substr(text.size() - std::min(text.size(), kMost));
  while (last.ends_with('\n')) last.pop_back();
  return "; its log: " + PrintableLine(last);
}

}  // namespace

std::vector<ClusterPart> ParseParts(std::string_view output) {
  std::vector<ClusterPart> parts;
  for (const std::string& line : FieldsOf(output, '\n')) {
    std::vector<std::string> fields = FieldsOf(line, kPartField);
    constexpr std::size_t kFields = 8;
    if (fields.size() != kFields) continue;
    const std::string gres = fields[7] == "(null)" ? "" : fields[7];
    parts.push_back(
        {fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6], gres});
  }
  return parts;
}

std::optional<ClusterFacts> LookAtCluster(const SlurmPrograms& programs) {
  ClusterFacts facts;
  try {
    const SlurmReply version = RunSlurm(programs, "sinfo", {"--version"});
    facts.version = FirstLine(version.output);
    // "slurm 22.05.8", of Debian "slurm-wlm 22.05.8"
    facts.version.erase(0, facts.version.rfind(' ') + 1);
  } catch (const Error&) {
    return std::nullopt;  // no Slurm here
  }
  std::string format;
  for (const char* field : {"%P", "%a", "%l", "%D", "%T", "%c", "%m", "%G"}) {
    format += (format.empty() ? "" : std::string(1, kPartField)) + field;
  }
  const SlurmReply parts = RunSlurm(programs, "sinfo", {"--noheader", "--format=" + format});
  if (!parts.succeeded()) {
    facts.problem = parts.errors;
    return facts;
  }
  facts.parts = ParseParts(parts.output);
  const SlurmReply config = RunSlurm(programs, "scontrol", {"show", "config"});
  if (config.succeeded()) facts.accounting = Configured(config.output, "AccountingStorageType");
  return facts;
}

NodeAnswer ProbeNode(SlurmClient& client, const NodeProbe& probe,
                     const std::function<void(const std::string&)>& tell,
                     const std::function<void(std::chrono::milliseconds)>& sleep) {
  const std::string token = RandomToken();
  const std::string name = "beamgrid-doctor-" + token;
  const ProbeFolder folder(probe.folder, "." + name);
  WriteFileAtomically(folder.path() / "token", token);
  WriteFileAtomically(folder.path() / "job.sh", ProbeScript(probe, folder.path()));
  const fs::path log = folder.path() / "job.log", answer = folder.path() / "answer";
  const SubmitAnswer submitted = client.Submit({.name = name,
                                                .comment = "beamgrid doctor",
                                                .script = folder.path() / "job.sh",
                                                .log = log,
                                                .settings = probe.settings,
                                                .warning = std::chrono::seconds(0)});
  if (submitted.outcome != Submission::kAccepted && submitted.outcome != Submission::kUnclear) {
    const bool for_good = submitted.outcome != Submission::kNotNow;
    return {.node = "",
            .problems = {{"the cluster does not take a job as [resources.slurm] says it: " +
                              submitted.message,
                          for_good ? "`sinfo` shows partitions, `sinfo --format='%P %G %f %c %m'` "
                                     "their gres, features, CPUs and memory"
                                   : "it may be taken later: `run` asks again by itself"}},
            .gpus = ""};
  }
  bool over = false;
  std::string place = "it was not looked for";
  std::error_code ignored;
  for (std::chrono::milliseconds waited{0}; waited < probe.patience; waited += kLookEvery) {
    if (fs::exists(answer, ignored)) return Judge(ReadAnswer(answer), probe, token);
    if (waited % kTellEvery == std::chrono::seconds(5)) {
      // Once more after its end: a file may come later than the queue says that it is over.
      if (over) break;
      place = PlaceInQueue(client, name, &over);
      tell("waiting for the test job: " + place);
    }
    sleep(kLookEvery);
  }
  (void)client.Cancel({name});
  const std::string what =
      over ? "the test job ended, and its answer is not in " + probe.folder.string()
           : "no answer of the test job";
  const std::string fix =
      over ? std::string(kShareRuns) +
                 (probe.settings.prologue.empty() ? "" : ", and the prologue must not fail")
           : "where it waits, Slurm's reason says for what; else the prologue does not end";
  return {.node = "", .problems = {{what + " (" + place + ProbeLog(log) + ")", fix}}, .gpus = ""};
}

}  // namespace beamgrid
