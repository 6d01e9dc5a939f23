#include "tests/fault/execution_log.h"

#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace beamgrid {
namespace {

std::optional<Execution> Parse(const std::string& line) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string::npos ? first : line.find(' ', first + 1);
  const std::size_t last = line.rfind(' ');
  if (second == std::string::npos || last <= second) return std::nullopt;
  const std::string word = line.substr(0, first);
  if (word != "begin" && word != "end") return std::nullopt;
  return Execution{.event = word == "begin" ? Execution::Event::kBegin : Execution::Event::kEnd,
                   .fingerprint = line.substr(first + 1, second - first - 1),
                   .directory = line.substr(second + 1, last - second - 1),
                   .pid = std::stoi(line.substr(last + 1))};
}

}  // namespace

std::vector<Execution> ReadExecutions(const std::filesystem::path& log) {
  std::vector<Execution> executions;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) {
    if (auto execution = Parse(line)) executions.push_back(std::move(*execution));
  }
  return executions;
}

Audit AuditOf(const std::vector<Execution>& log) {
  Audit audit;
  std::set<std::string> over;
  for (const Execution& execution : log) {
    if (over.contains(execution.fingerprint)) audit.executed_twice.push_back(execution.fingerprint);
    if (execution.event == Execution::Event::kBegin) {
      ++audit.begun;
    } else {
      ++audit.ended;
      over.insert(execution.fingerprint);
    }
  }
  return audit;
}

std::vector<std::string> ExecutedAtOnce(const std::vector<Execution>& log,
                                        const std::set<int>& dead) {
  std::map<std::string, int> at_work;  // the worker, by fingerprint
  std::vector<std::string> found;
  for (const Execution& execution : log) {
    if (execution.event == Execution::Event::kEnd) {
      at_work.erase(execution.fingerprint);
      continue;
    }
    const auto [earlier, is_first] = at_work.emplace(execution.fingerprint, execution.pid);
    if (!is_first && !dead.contains(earlier->second)) found.push_back(execution.directory);
    earlier->second = execution.pid;
  }
  return found;
}

}  // namespace beamgrid
