#pragma once
// The candidates that a strategy waits for: which of their seeds have ended, and with what. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search/strategy.h"

namespace beamgrid {

enum class CandidateId : std::int64_t {};

/// One seed of one open candidate.
struct SeedSlot {
  CandidateId candidate{};
  std::size_t seed_index = 0;  ///< into the recipe's seeds
};

/// How one seed's trial ended.
struct SeedResult {
  std::optional<double> objective;  ///< nothing: failed for good
  std::int64_t size_bytes = 0;
};

class SeedResults {
 public:
  explicit SeedResults(std::size_t seeds) : seeds_(seeds) {}

  CandidateId Open(Candidate candidate);
  [[nodiscard]] const Candidate& At(CandidateId id) const { return open_.at(id).candidate; }
  /// Records one seed; when it was the last one, the candidate closes and its finding is returned.
  /// The mean is taken in the order of the seeds, so it does not depend on which ended first.
  [[nodiscard]] std::optional<Finding> Settle(SeedSlot slot, const SeedResult& result);
  /// Closes a candidate that is not to be tried.
  [[nodiscard]] Finding Refuse(CandidateId id, std::int64_t size_bytes);
  /// Closes a candidate whose end nobody waits for; one that has closed already may be named too.
  void Forget(CandidateId id) { open_.erase(id); }
  /// The number of open candidates.
  [[nodiscard]] std::size_t size() const { return open_.size(); }

 private:
  struct Entry {
    Candidate candidate;
    std::vector<std::optional<SeedResult>> results;
    std::size_t missing = 0;
  };
  std::size_t seeds_;
  std::int64_t next_ = 1;
  std::map<CandidateId, Entry> open_;
};

}  // namespace beamgrid
