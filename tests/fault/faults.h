#pragma once
// The test's end of a FaultPlan.

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "tests/fault/fault_plan.h"

namespace beamgrid {

inline constexpr char kOrchestratorProgram[] = "beamgrid";
inline constexpr char kWorkerProgram[] = "beamgrid-trainer";
inline constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();

/// Faults of the processes that are started with `Environment`. None until Set.
class Faults {
 public:
  /// Makes `file`; errors concern what is under `root` only.
  Faults(const std::filesystem::path& file, const std::filesystem::path& root);
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  /// From the `first` of the calls that it concerns on, `count` times; the count starts afresh.
  void Set(const std::string& program, Fault fault, std::int64_t first = 1,
           std::int64_t count = kEver);
  void Mend();
  /// For kClockJump; before Set.
  void SetClock(std::int64_t seconds);

  /// From the next start on, what the programs do to files is written there (fault_plan.h).
  void Trace(const std::filesystem::path& file);

  [[nodiscard]] std::int64_t seen() const;
  [[nodiscard]] std::int64_t hits() const;
  [[nodiscard]] std::string first_hit() const;

  /// NAME=VALUE for each variable that a process needs.
  [[nodiscard]] std::vector<std::string> Environment() const;

 private:
  std::filesystem::path file_;
  FaultPlan* plan_;
};

}  // namespace beamgrid
