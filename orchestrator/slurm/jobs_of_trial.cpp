#include "orchestrator/slurm/jobs_of_trial.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/slurm/pilot_folder.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/text.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// Returns whether the orders of a pilot have one for the attempt.
bool IsOrdered(const fs::path& pilot, const AttemptKey& key) {
  std::string text;
  try {
    text = ReadFile(pilot / kOrders);
  } catch (const Error&) {
    return false;  // it is being made, or has left
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::optional<Order> order = OrderFromLine(line);
    if (order && order->what == Order::What::kCarryOut && order->key == key) return true;
  }
  return false;
}

std::string JobLine(const QueuedJob& job) {
  std::string line = "job " + job.id + " (" + job.name + "), which " + StateInWords(job.state);
  if (!job.nodes.empty()) line += " on " + job.nodes;
  if (job.state == "PENDING") {
    line += ": " + ReasonInWords(job.reason);
    if (!job.start.empty()) line += "; expected to begin at " + job.start;
  }
  return line;
}

}  // namespace

std::vector<std::string> JobsOfTrial(const fs::path& pilots, const std::optional<AttemptKey>& key,
                                     SlurmClient& client, const std::string& run_says) {
  std::error_code ignored;
  if (!fs::is_directory(pilots, ignored)) return {};
  QueueAnswer queue;
  try {
    queue = client.Queue();
  } catch (const Error& error) {
    queue.message = error.what();
  }
  std::map<std::string, const QueuedJob*> jobs;
  for (const QueuedJob& job : queue.jobs) {
    if (!IsFinal(job.state)) jobs[job.name] = &job;
  }
  const auto place = [&](const std::string& name) {
    if (!queue.answered) return "the job " + name;
    const auto job = jobs.find(name);
    return job == jobs.end() ? "the job " + name + ", which is in the queue no more"
                             : JobLine(*job->second);
  };
  std::map<std::string, int> others;
  std::vector<std::string> lines;
  // The study goes on meanwhile: folders come and go.
  for (fs::directory_iterator pilot(pilots, ignored), end; !ignored && pilot != end;
       pilot.increment(ignored)) {
    const std::string name = pilot->path().filename().string();
    const auto job = jobs.find(name);
    if (key && IsOrdered(pilot->path(), *key)) {
      lines.push_back("given to " + place(name));
    } else if (job != jobs.end()) {
      const QueuedJob& alike = *job->second;
      ++others[StateInWords(alike.state) +
               (alike.state == "PENDING" ? ": " + ReasonInWords(alike.reason) : "")];
    }
  }
  if (!queue.answered) {
    lines.push_back("Slurm cannot be asked: " + queue.message);
    if (!run_says.empty()) lines.push_back(run_says);
    return lines;
  }
  if (!lines.empty()) return lines;
  if (others.empty()) return {"no job of its study is in the queue"};
  lines.emplace_back("no job has it yet; the jobs of its study:");
  for (const auto& [state, count] : others) {
    lines.push_back("  " + CountText(static_cast<std::size_t>(count), "job") +
                    (count == 1 ? " that " : ", each of which ") + state);
  }
  return lines;
}

bool BeganHere(const fs::path& directory) {
  std::error_code ignored;
  return !WasOrdered(directory) && fs::exists(directory / kWorkerLock, ignored);
}

}  // namespace beamgrid
