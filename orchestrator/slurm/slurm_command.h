#pragma once
// One of Slurm's commands, started and heard to its end or to the end of our patience.

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace beamgrid {

/// SlurmPrograms says where Slurm's commands are, and how long each may take.
struct SlurmPrograms {
  std::filesystem::path folder;  ///< empty: those of the PATH
  std::chrono::milliseconds patience{std::chrono::seconds(60)};
};

/// SlurmReply is what a command printed, and how it ended.
struct SlurmReply {
  std::optional<int> exit;  ///< its exit status, -signal; nothing: it took too long and was ended
  std::string output;       ///< its standard output
  std::string errors;       ///< its standard error, on one line, without the command's name

  [[nodiscard]] bool succeeded() const { return exit == 0; }
};

/// Runs `name` with `arguments` and returns what it said; why it failed is in `errors` in any case.
/// It sees our environment without the variables that change what Slurm's commands do or print
/// (SQUEUE_FORMAT, SCANCEL_INTERACTIVE, those of a job that we may be in ourselves). Blocks up to
/// the patience; ends the command with all that it started then. Throws Error where there is no
/// such command, or this machine cannot start one.
[[nodiscard]] SlurmReply RunSlurm(const SlurmPrograms& programs, const std::string& name,
                                  const std::vector<std::string>& arguments);

/// Returns the environment of Slurm's commands, made of ours. Pure.
[[nodiscard]] std::vector<std::string> SlurmEnvironment(
    const std::vector<std::string>& environment);

}  // namespace beamgrid
