#pragma once
// A Slurm cluster of a test's own: two nodes that are this machine (scripts/slurm-cluster).

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/end_to_end/process.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {

/// OwnCluster runs while it lives; the environment of this process names it then. A test that uses
/// it asks `why_not` first, and is skipped with the reason where it is not empty.
class OwnCluster {
 public:
  /// `options` are those of scripts/slurm-cluster.
  explicit OwnCluster(std::vector<std::string> options = {}) : options_(std::move(options)) {
    const Ended check = Script("check");
    if (check.exit_code != 0) {
      why_not_ = "no Slurm cluster here: " + check.out;
      return;
    }
    const Ended start = Script("start");
    if (start.exit_code != 0) {
      (void)Script("stop");
      why_not_ = "no Slurm cluster starts here: " + start.out + start.err;
      return;
    }
    ::setenv("SLURM_CONF", (place_ / "c/slurm.conf").c_str(), 1);
  }
  ~OwnCluster() {
    if (!why_not_.empty()) return;
    (void)Script("stop");
    ::unsetenv("SLURM_CONF");
  }
  OwnCluster(const OwnCluster&) = delete;
  OwnCluster& operator=(const OwnCluster&) = delete;

  [[nodiscard]] const std::string& why_not() const { return why_not_; }
  /// Starts what of it does not run.
  void Mend() const {
    const Ended start = Script("start");
    if (start.exit_code != 0) throw std::runtime_error(start.out + start.err);
  }
  /// Kills slurmctld and what it knew.
  void LoseState() const {
    ::kill(Daemon("slurmctld"), SIGKILL);
    std::filesystem::remove_all(place_ / "c/state");
    Mend();
  }
  /// Returns the process of a daemon: "slurmctld", "n1", "slurmdbd".
  [[nodiscard]] pid_t Daemon(const std::string& name) const {
    std::ifstream file(place_ / ("c/" + name + ".process"));
    pid_t pid = -1;
    file >> pid;
    return pid;
  }
  /// Runs one of Slurm's commands; returns what it printed.
  [[nodiscard]] std::string Slurm(const std::vector<std::string>& command) const {
    std::vector<std::string> arguments = {"/usr/bin/env"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    return Process(arguments, place_.path()).Wait().out;
  }

 private:
  [[nodiscard]] Ended Script(const std::string& command) const {
    std::vector<std::string> arguments = {BEAMGRID_SOURCE_DIR "/scripts/slurm-cluster", command,
                                          "--dir", (place_ / "c").string()};
    arguments.insert(arguments.end(), options_.begin(), options_.end());
    return Process(arguments, place_.path()).Wait();
  }

  TemporaryFolder place_;
  std::vector<std::string> options_;
  std::string why_not_;
};

}  // namespace beamgrid
