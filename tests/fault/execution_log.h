#pragma once
// What was really executed: the workers' own log (trainer/worker/execution_log.h), which the record
// has no part in.

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace beamgrid {

struct Execution {
  enum class Event { kBegin, kEnd };
  Event event = Event::kBegin;
  std::string fingerprint, directory;
  int pid = 0;
};

/// In the order of the events; empty where there is no log. A line that a kill cut short is left
/// out.
[[nodiscard]] std::vector<Execution> ReadExecutions(const std::filesystem::path& log);

/// What became of the trials according to the log alone.
struct Audit {
  std::int64_t begun = 0;                   ///< executions
  std::int64_t ended = 0;                   ///< those that left a result
  std::vector<std::string> executed_twice;  ///< fingerprints that were begun or ended after an end
};
[[nodiscard]] Audit AuditOf(const std::vector<Execution>& log);

/// The directories of executions that began while another of the same trial was at work. `dead`:
/// the workers that were killed, which ended what they were at.
[[nodiscard]] std::vector<std::string> ExecutedAtOnce(const std::vector<Execution>& log,
                                                      const std::set<int>& dead = {});

}  // namespace beamgrid
