#pragma once
// A scheduler at work without processes: a pool and a clock that are made of numbers, a record that
// is a map, and faults. After every event the scheduler's own rules and the ones kept here, which
// know nothing of its insides, are checked; a broken one throws std::logic_error.

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "orchestrator/study/scheduler.h"

namespace beamgrid {

struct SimulationSettings {
  std::uint64_t seed = 1;
  std::int64_t trials = 500;
  std::int64_t devices = 2;
  std::int64_t slots_per_device = 3;
  std::int64_t memory_bytes = 0;  ///< of each device; 0: no limit
  std::int64_t retries = 1;
  std::int64_t window = 64;   ///< trials that wait or run at once; more come as these end
  double fault_rate = 0;      ///< share of attempts that end otherwise than complete
  double refusal_rate = 0;    ///< share of starts that find the device in use by others
  double withdrawn_rate = 0;  ///< share of starts that find the trial taken by another study
  double death_rate = 0;      ///< per event: the orchestrator dies and is started again
  double interrupt_rate = 0;  ///< per event: Ctrl-C, then started again
  bool forecasts = true;      ///< whether lengths are known, within a factor of two
};

struct SimulationResult {
  double seconds = 0;  ///< of the simulated clock
  std::int64_t events = 0, attempts = 0, complete = 0, failed = 0, elsewhere = 0;
  std::int64_t deaths = 0, interrupts = 0, refusals = 0, out_of_memory = 0;
};

class SchedulerSimulation {
 public:
  explicit SchedulerSimulation(const SimulationSettings& settings)
      : settings_(settings), random_(settings.seed) {}

  /// `check`: whether the scheduler's own rules are checked after every event (costs as much as
  /// there are trials at hand).
  enum class OwnRules { kChecked, kNotChecked };
  SimulationResult Run(OwnRules rules);

 private:
  enum class End { kOpen, kComplete, kFailed, kElsewhere };
  struct Trial {
    double forecast_seconds = 0;
    std::int64_t forecast_bytes = 0;
    double seconds = 0;  ///< what it really takes
    std::int64_t memory_bytes = 0;
    End end = End::kOpen;
    std::int64_t failed_attempts = 0;  ///< as the record counts them
    bool must_be_alone = false;
    bool hopeless = false;
  };
  struct Attempt {
    TrialId trial{};
    std::int64_t number = 0;
    AttemptOutcome outcome;
  };
  struct Due {
    double time = 0;
    std::size_t slot = 0;
    std::int64_t number = 0;
    auto operator<=>(const Due&) const = default;
  };

  void StartOrchestrator();
  void AddTrials();
  void BeginAll();
  /// As the scheduler is told it.
  [[nodiscard]] TrialNeeds NeedsOf(const Trial& trial) const;
  void Begin(TrialId id, std::size_t slot);
  AttemptOutcome FateOf(const Trial& trial, std::size_t slot);
  void EndOne();
  void Die();
  void BeInterrupted();
  void FinishOpen(bool completes);
  void Record(TrialId id, const AttemptOutcome& outcome);
  void CheckRules() const;
  bool Happens(double rate) { return std::uniform_real_distribution<>(0, 1)(random_) < rate; }
  [[nodiscard]] std::string DeviceOf(std::size_t slot) const;
  void Must(bool holds, const std::string& rule) const;

  SimulationSettings settings_;
  std::mt19937_64 random_;
  OwnRules rules_ = OwnRules::kChecked;
  std::vector<Trial> record_;                      ///< by id - 1
  std::set<TrialId> asked_;                        ///< given to the scheduler of today, not ended
  std::unordered_map<std::size_t, Attempt> pool_;  ///< by slot
  std::set<TrialId> live_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<Slot> slots_;
  std::map<std::string, std::int64_t> memory_;
  std::optional<Scheduler> scheduler_;
  std::size_t next_ = 0;  ///< the first trial that today's orchestrator was not asked for
  double clock_ = 0;
  SimulationResult result_;
};

}  // namespace beamgrid
