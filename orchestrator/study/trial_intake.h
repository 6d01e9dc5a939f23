#pragma once
// From a strategy's wishes to rows in the record: asks for candidates a bounded way ahead, finds
// their twins, refuses what is too large, records the rest in batches, and tells the strategy what
// became of them. Starts nothing.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/study/seed_results.h"
#include "orchestrator/study/study_events.h"
#include "orchestrator/study/warm_start.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "search/recipe.h"
#include "search/search_space.h"
#include "search/strategy.h"

namespace beamgrid {

/// A trial that the study wants and that is in the record.
struct WantedTrial {
  TrialId id{};
  TrialLabel label;
  std::string fingerprint;
  ModelSpec model;
  std::int64_t parameters = 0;
  std::string start;  ///< fingerprint of the trial that it starts from; empty: from none
  SeedSlot wanted_by;
  std::optional<TrialRecord> twin;  ///< what the record held before the study asked
};

class TrialIntake {
 public:
  using OnWanted = std::function<void(std::vector<WantedTrial>)>;
  using OnRefused = std::function<void(const TrialLabel&, const std::string& why)>;

  /// All must outlive the intake. `slots`: how many trials may run at once. RecipeError where the
  /// recipe's trials are to start from trials that the record does not hold.
  TrialIntake(const Recipe& recipe, const Catalogue& catalogue, DataSpec data, Store& store,
              ModelCounter& counter, std::size_t slots);

  /// Asks until the window is full or the strategy has no more for now. While slots are free,
  /// trials are recorded as soon as there is one for each; else many share a transaction.
  /// `free_slots` is asked again after each `on_wanted`.
  void Fill(StudyId study, const std::function<std::int64_t()>& free_slots,
            const OnWanted& on_wanted, const OnRefused& on_refused);

  /// Tells the strategy about every candidate that has all its seeds now.
  void Settle(const std::vector<SeedSlot>& wanted_by, const SeedResult& result);

  /// Whether Fill would ask now: the window has room, and slots are free or half of it is empty.
  [[nodiscard]] bool CanAsk(std::int64_t free_slots) const;
  /// The last Fill ended because the strategy had no more, and nothing was told since.
  [[nodiscard]] bool exhausted() const { return exhausted_; }
  /// Trials that the strategy plans in all, where it knows.
  [[nodiscard]] std::optional<std::int64_t> planned() const;

  [[nodiscard]] const Strategy& strategy() const { return *strategy_; }
  [[nodiscard]] const DataSpec& data() const { return spec_.data; }

 private:
  struct Pending {
    NewTrial trial;
    SeedSlot wanted_by;
    std::optional<TrialRecord> twin;
  };
  void Consider(Candidate candidate, const OnRefused& on_refused);
  CountAnswer SizeOf(const std::vector<Pending>& seeds);
  void Record(StudyId study, const OnWanted& on_wanted);
  void Tell(const Finding& finding);

  const Recipe& recipe_;
  Store& store_;
  ModelCounter& counter_;
  TrialSpec spec_;  ///< data and objective of all trials; the rest is of the one at hand
  StartTrials starts_;
  SearchSpace space_;
  std::unique_ptr<Strategy> strategy_;
  SeedResults seeds_;
  std::size_t window_;
  std::vector<Pending> pending_;
  bool exhausted_ = false;
};

}  // namespace beamgrid
