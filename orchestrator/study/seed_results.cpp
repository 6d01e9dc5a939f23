#include "orchestrator/study/seed_results.h"

#include <algorithm>
#include <utility>

namespace beamgrid {

CandidateId SeedResults::Open(Candidate candidate) {
  const CandidateId id{next_++};
  const std::size_t seeds = candidate.seeds.size();
  open_[id] = {std::move(candidate), std::vector<std::optional<SeedResult>>(seeds), seeds};
  return id;
}

std::optional<Finding> SeedResults::Settle(SeedSlot slot, const SeedResult& result) {
  const auto entry = open_.find(slot.candidate);
  // A seed that is settled twice counts once: a candidate must not close with a seed missing.
  if (!std::exchange(entry->second.results.at(slot.index), result)) --entry->second.missing;
  if (entry->second.missing > 0) return std::nullopt;

  Finding finding{.name = entry->second.candidate.name,
                  .model = std::move(entry->second.candidate.model)};
  double sum = 0;
  bool failed = false;
  for (const std::optional<SeedResult>& seed : entry->second.results) {
    failed = failed || !seed->objective;
    sum += seed->objective.value_or(0);
    if (seed->objective) finding.scores.push_back(*seed->objective);
    finding.seconds += seed->seconds;
    // Failed seeds may know no size; the others agree.
    finding.size_bytes = std::max(finding.size_bytes, seed->size_bytes);
  }
  // The mean of the seeds that went well would flatter a model that fails on some.
  if (!failed) finding.objective = sum / static_cast<double>(finding.scores.size());
  open_.erase(entry);
  return finding;
}

Finding SeedResults::Refuse(CandidateId id, std::int64_t size_bytes) {
  auto entry = open_.extract(id);
  Candidate& candidate = entry.mapped().candidate;
  return {.name = candidate.name,
          .model = std::move(candidate.model),
          .size_bytes = size_bytes,
          .is_refused = true};
}

}  // namespace beamgrid
