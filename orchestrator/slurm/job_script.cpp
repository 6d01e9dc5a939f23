#include "orchestrator/slurm/job_script.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <random>
#include <span>

#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::int64_t kScriptMebibyte = 1 << 20;
/// LibTorch and the pilot, beside what a forecast counts.
constexpr std::int64_t kBesideTrial = 1024 * kScriptMebibyte;
constexpr std::int64_t kStep = 256 * kScriptMebibyte;
/// Trials of the forecast's length that a job has time for.
constexpr double kTrialsInJob = 3;
constexpr milliseconds kShortestJob = 30min;
/// So long before its end a job is told, where its time is not known.
constexpr milliseconds kWarning = 120s;
constexpr milliseconds kShortestWarning = 10s;

milliseconds WarningOf(const JobPlan& plan) {
  if (plan.time.count() == 0) return kWarning;
  return std::clamp(plan.time / 10, kShortestWarning, kWarning);
}

}  // namespace

std::int64_t MemoryOfJob(const SlurmSettings& settings, const Placement& placement) {
  std::int64_t bytes = settings.memory_bytes;
  // The forecast for a GPU is of the GPU's memory.
  if (bytes == 0 && placement.device == "cpu" && placement.memory_bytes > 0) {
    bytes = (placement.memory_bytes + placement.memory_bytes / 4 + kBesideTrial + kStep - 1) /
            kStep * kStep;
  }
  if (!placement.alone) return bytes;
  return bytes == 0 ? kWholeNode : 2 * bytes;
}

milliseconds TimeOfJob(const SlurmSettings& settings, const Placement& placement,
                       milliseconds most) {
  if (settings.time_seconds > 0) {
    return std::chrono::ceil<milliseconds>(std::chrono::duration<double>(settings.time_seconds));
  }
  if (placement.seconds <= 0) return 0ms;
  const auto trials = std::chrono::duration<double>(kTrialsInJob * placement.seconds);
  const milliseconds time =
      std::max<milliseconds>(std::chrono::ceil<std::chrono::minutes>(trials), kShortestJob);
  // sbatch is told whole minutes.
  const auto allowed = std::chrono::floor<std::chrono::minutes>(most);
  return allowed.count() > 0 ? std::min<milliseconds>(time, allowed) : time;
}

std::string ShellWord(const std::string& text) {
  std::string quoted = "'";
  for (const char letter : text)
    quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return quoted + "'";
}

std::string NewJobName(const std::string& study) {
  constexpr std::size_t kLongestStudy = 100;
  std::string word = study.substr(0, kLongestStudy);
  for (char& letter : word) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0 && letter != '-') letter = '_';
  }
  std::random_device random;
  std::array<unsigned char, 6> token{};
  for (unsigned char& byte : token) byte = static_cast<unsigned char>(random());
  return "beamgrid-" + word + "-" + HexText(token);
}

std::string TermsOf(const SlurmSettings& settings, std::int64_t threads,
                    const JobPrograms& programs) {
  return CanonicalJson({{"partition", settings.partition},
                        {"account", settings.account},
                        {"qos", settings.qos},
                        {"constraint", settings.constraint},
                        {"gres", settings.gres},
                        {"cpus", settings.cpus},
                        {"arguments", JsonList(settings.arguments)},
                        {"prologue", settings.prologue},
                        {"threads", threads},
                        {"program", programs.program.string()},
                        {"trainer", programs.trainer.string()},
                        {"silence_ms", programs.silence.count()}});
}

PilotSettings MakeJobFolder(const fs::path& folder, const JobPlan& plan,
                            const JobPrograms& programs) {
  const PilotSettings settings{.trainer = programs.trainer.string(),
                               .device = plan.settings.AsksForGpu() ? "cuda:0" : "cpu",
                               .threads = plan.threads,
                               .silence = programs.silence,
                               .idle = std::chrono::ceil<milliseconds>(
                                   std::chrono::duration<double>(plan.settings.idle_seconds)),
                               .grace = WarningOf(plan),
                               .beat = programs.beat,
                               .time = plan.time,
                               .memory_bytes = plan.memory_bytes,
                               .terms = TermsOf(plan.settings, plan.threads, programs),
                               .folder = folder.string()};
  // `module` is a function that a login shell has.
  std::string script = "#!/bin/bash -l\nset -e\n" + plan.settings.prologue;
  if (!script.ends_with('\n')) script += '\n';
  // The pilot in the shell's place, so that the job's signals reach it.
  script += "exec " + ShellWord(programs.program.string()) + " --quiet pilot " +
            ShellWord(folder.string()) + "\n";
  WriteFileAtomically(folder / kJobScript, script);
  WriteFileAtomically(folder / kOrders, "");
  // Last: a folder with it is whole.
  WritePilotSettings(folder, settings);
  return settings;
}

JobRequest MakeRequest(const fs::path& folder, const JobPlan& plan, const std::string& study) {
  JobRequest request{.name = folder.filename().string(),
                     .comment = "beamgrid: trials of the study " + study,
                     .script = folder / kJobScript,
                     .log = folder / kJobLog,
                     .settings = plan.settings,
                     .warning = std::chrono::ceil<std::chrono::seconds>(WarningOf(plan))};
  SlurmSettings& settings = request.settings;
  settings.cpus = std::max(settings.cpus, plan.threads);
  settings.memory_bytes = plan.memory_bytes == kWholeNode ? 0 : plan.memory_bytes;
  if (plan.memory_bytes == kWholeNode) settings.arguments.emplace_back("--mem=0");
  settings.time_seconds = std::chrono::duration<double>(plan.time).count();
  return request;
}

}  // namespace beamgrid
