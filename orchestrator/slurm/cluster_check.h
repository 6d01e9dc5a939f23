#pragma once
// What `doctor` asks of a cluster: what it is, and whether a job on a node sees what trials need.

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/slurm/slurm_client.h"
#include "orchestrator/slurm/slurm_command.h"

namespace beamgrid {

/// ClusterPart is a partition's nodes of one kind and state.
struct ClusterPart {
  std::string partition;  ///< "main*": the star marks the default one
  std::string available;  ///< "up"
  std::string time_limit, nodes, state, cpus, memory_mib;
  std::string gres;  ///< "gpu:2"; empty: none
};

/// ClusterFacts is what a cluster says of itself.
struct ClusterFacts {
  std::string version;     ///< "22.05.8", of the commands here
  std::string problem;     ///< why the cluster does not answer; empty: it does
  std::string accounting;  ///< "accounting_storage/none"
  std::vector<ClusterPart> parts;

  [[nodiscard]] bool has_accounting() const {
    return !accounting.empty() && accounting != "accounting_storage/none" && accounting != "(null)";
  }
};

/// Returns the facts; nothing where Slurm's commands are not here. Asks sinfo and scontrol.
[[nodiscard]] std::optional<ClusterFacts> LookAtCluster(const SlurmPrograms& programs);

/// Returns what sinfo printed for LookAtCluster. Pure.
[[nodiscard]] std::vector<ClusterPart> ParseParts(std::string_view output);

/// NodeProbe is a job that looks at what a trial's job would need.
struct NodeProbe {
  std::filesystem::path folder;   ///< on the shared file system; the probe makes one in it
  std::filesystem::path program;  ///< beamgrid
  std::filesystem::path trainer;  ///< beamgrid-trainer
  std::filesystem::path data;     ///< one file to train on; empty: none
  SlurmSettings settings;
  std::chrono::milliseconds patience{std::chrono::minutes(5)};  ///< for the job and its answer
};

/// NodeProblem is what is wrong with a job of the study, and what to do.
struct NodeProblem {
  std::string what, fix;
};

/// NodeAnswer is what a node saw.
struct NodeAnswer {
  std::string node;  ///< empty: no answer came
  std::vector<NodeProblem> problems;
  std::string gpus;  ///< CUDA_VISIBLE_DEVICES there
};

/// Sends a job and waits for what it saw. `tell` hears at times why it is not there yet; `sleep`
/// waits between two looks. Removes what it made, and the job where no answer came. Throws Error
/// where the folder cannot be written.
[[nodiscard]] NodeAnswer ProbeNode(SlurmClient& client, const NodeProbe& probe,
                                   const std::function<void(const std::string&)>& tell,
                                   const std::function<void(std::chrono::milliseconds)>& sleep);

}  // namespace beamgrid
