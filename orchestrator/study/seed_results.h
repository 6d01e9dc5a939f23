#pragma once
// The candidates that a strategy waits for: which of their seeds have ended, and with what. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search/strategy.h"

namespace beamgrid {

/// CandidateId names an open candidate; never used twice.
enum class CandidateId : std::int64_t {};

/// SeedSlot is one seed of one open candidate.
struct SeedSlot {
  CandidateId candidate{};
  std::size_t index = 0;  ///< into the candidate's seeds
};

/// SeedResult is how one seed's trial ended.
struct SeedResult {
  std::optional<double> objective;  ///< nothing: failed for good
  std::int64_t size_bytes = 0;
  double seconds = 0;  ///< of training
};

/// SeedResults collects the outcome of each seed of a candidate and closes the candidate with its
/// mean. Not thread-safe.
class SeedResults {
 public:
  /// Opens a candidate: all its seeds (one at least) are missing.
  CandidateId Open(Candidate candidate);
  /// Returns an open candidate; std::out_of_range where it has closed.
  [[nodiscard]] const Candidate& At(CandidateId id) const { return open_.at(id).candidate; }
  /// Records one seed; when it was the last one, the candidate closes and its finding is returned.
  /// The mean is taken in the order of the seeds, so it does not depend on which ended first.
  [[nodiscard]] std::optional<Finding> Settle(SeedSlot slot, const SeedResult& result);
  /// Closes a candidate that is not to be tried; the finding has no objective.
  [[nodiscard]] Finding Refuse(CandidateId id, std::int64_t size_bytes);
  /// Closes a candidate whose end nobody waits for; one that has closed already may be named too.
  void Forget(CandidateId id) { open_.erase(id); }
  /// Returns the number of open candidates.
  [[nodiscard]] std::size_t size() const { return open_.size(); }

 private:
  /// Entry is an open candidate with what is known of its seeds.
  struct Entry {
    Candidate candidate;
    std::vector<std::optional<SeedResult>> results;
    std::size_t missing = 0;
  };
  std::int64_t next_ = 1;
  std::map<CandidateId, Entry> open_;
};

}  // namespace beamgrid
