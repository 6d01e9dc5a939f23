#include "orchestrator/slurm/slurm_command.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "orchestrator/workers/patience.h"
#include "orchestrator/workers/process.h"
#include "registry/util/files.h"
#include "registry/util/printable.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

using Clock = std::chrono::steady_clock;

/// A queue of 100,000 jobs is 20 MB.
constexpr std::size_t kMostOutput = std::size_t{256} << 20;
constexpr std::size_t kShownErrors = 400;

/// Returns the program's path; throws Error where there is none.
std::filesystem::path FindProgram(const SlurmPrograms& programs, const std::string& name) {
  if (!programs.folder.empty()) return programs.folder / name;
  const char* list = std::getenv("PATH");
  std::string_view rest = list == nullptr ? "/usr/local/bin:/usr/bin:/bin" : list;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    const std::filesystem::path path = std::filesystem::path(folder) / name;
    if (!folder.empty() && ::access(path.c_str(), X_OK) == 0) return path;
  }
  throw Error(
      "no " + name +
      " in $PATH: executor = \"slurm\" needs Slurm's commands on the machine where `beamgrid "
      "run` is started; run it on the cluster's login node, or install them (Debian: "
      "slurm-client)");
}

/// RunningCommand is a command that is ended, with all that it started, when this object goes.
class RunningCommand {
 public:
  RunningCommand(const SlurmPrograms& programs, const std::string& name,
                 const std::vector<std::string>& arguments)
      : errors_(::memfd_create("slurm-stderr", MFD_CLOEXEC)),
        patience_(programs.patience, Patience::Late::kDoesNotCount, Clock::now()) {
    if (errors_.get() < 0) throw SystemError("the errors of " + name, "cannot be kept", errno);
    ProcessRequest request{.arguments = {FindProgram(programs, name).string()},
                           .environment = SlurmEnvironment(CurrentEnvironment()),
                           .stderr_fd = errors_.get()};
    request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
    child_ = StartProcess(request);
  }
  ~RunningCommand() {
    if (child_.pid < 0) return;
    ::kill(-child_.pid, SIGKILL);
    (void)WaitFor(child_.pid);
  }
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  /// Returns all that it prints; nothing where that takes too long, or it prints without end.
  std::optional<std::string> Output() {
    std::string output;
    std::array<char, 65536> bytes{};
    for (;;) {
      pollfd readable{.fd = child_.standard_output.get(), .events = POLLIN, .revents = 0};
      const int ready = ::poll(&readable, 1, static_cast<int>(patience_.Step().count()));
      if (patience_.Look(Clock::now()) || output.size() > kMostOutput) return std::nullopt;
      if (ready <= 0) continue;
      const ssize_t got = ::read(readable.fd, bytes.data(), bytes.size());
      if (got == 0) return output;
      if (got > 0) output.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }

  /// Returns how it ended; nothing where it does not.
  std::optional<int> Exit() {
    // It has closed its output, so this takes no time but where it hangs after all.
    for (;;) {
      int status = 0;
      const pid_t ended = ::waitpid(child_.pid, &status, WNOHANG);
      if (ended == child_.pid) {
        child_.pid = -1;
        return ExitCodeOf(status);
      }
      if (patience_.Look(Clock::now())) return std::nullopt;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  [[nodiscard]] std::string Errors() const {
    return ReadFile("/proc/self/fd/" + std::to_string(errors_.get()));
  }

 private:
  UniqueFd errors_;
  ChildProcess child_;
  Patience patience_;
};

/// Returns what Slurm said on one line, without "sbatch: error: " before each.
std::string Cleaned(const std::string& errors, const std::string& name) {
  std::vector<std::string> lines;
  std::string_view rest = errors;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    for (const std::string& prefix :
         {name + ": ", std::string("error: "), std::string("fatal: ")}) {
      if (line.starts_with(prefix)) line.remove_prefix(prefix.size());
    }
    if (!line.empty()) lines.push_back(PrintableLine(line));
  }
  return Join(lines, "; ").substr(0, kShownErrors);
}

}  // namespace

std::vector<std::string> SlurmEnvironment(const std::vector<std::string>& environment) {
  // Of a job's own only what says which cluster; of a user's wishes those for sbatch that ask for
  // something, not those that change what its answer means.
  static constexpr std::string_view kKept[] = {
      "SLURM_CONF",       "SLURM_JWT",  "SBATCH_ACCOUNT",     "SBATCH_CONSTRAINT",
      "SBATCH_PARTITION", "SBATCH_QOS", "SBATCH_RESERVATION", "SBATCH_TIMELIMIT"};
  static constexpr std::string_view kChanging[] = {"SLURM_",   "SBATCH_", "SQUEUE_",   "SACCT_",
                                                   "SCANCEL_", "SINFO_",  "SCONTROL_", "LC_"};
  std::vector<std::string> kept;
  for (const std::string& variable : environment) {
    const std::string_view name = std::string_view(variable).substr(0, variable.find('='));
    const bool changes = name == "LANGUAGE" || std::ranges::any_of(kChanging, [&](auto prefix) {
                           return name.starts_with(prefix);
                         });
    if (!changes || std::ranges::find(kKept, name) != std::end(kKept)) kept.push_back(variable);
  }
  kept.emplace_back("LC_ALL=C");
  return kept;
}

SlurmReply RunSlurm(const SlurmPrograms& programs, const std::string& name,
                    const std::vector<std::string>& arguments) {
  RunningCommand command(programs, name, arguments);
  SlurmReply reply;
  if (std::optional<std::string> output = command.Output()) {
    reply.exit = command.Exit();
    reply.output = std::move(*output);
  }
  reply.errors = Cleaned(command.Errors(), name);
  if (!reply.exit) {
    reply.errors = name + " did not answer within " + SecondsText(programs.patience) +
                   (reply.errors.empty() ? "" : ": " + reply.errors);
  } else if (*reply.exit != 0 && reply.errors.empty()) {
    reply.errors = name + " ended with " +
                   (*reply.exit > 0 ? "exit code " + std::to_string(*reply.exit)
                                    : "signal " + std::to_string(-*reply.exit)) +
                   " and no word why";
  }
  return reply;
}

}  // namespace beamgrid
