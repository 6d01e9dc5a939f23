#include "search/pacing.h"

#include <stdexcept>

namespace beamgrid {

void Pacing::Ask(const std::string& name) {
  places_.emplace(name, asked_.size());
  asked_.emplace_back();
}

void Pacing::Answer(const Finding& finding) {
  const auto place = places_.find(finding.name);
  if (place == places_.end()) {
    throw std::logic_error("search: told of '" + finding.name + "', which it did not ask for");
  }
  Question& question = asked_[place->second];
  if (!question.is_answered) question.first = finding;
  question.is_answered = true;
  question.latest = finding;
  while (answered_ < asked_.size() && asked_[answered_].is_answered) ++answered_;
}

std::int64_t Dice::Roll(std::int64_t sides) {
  // SplitMix64 (Steele et al. 2014). Numbers beyond the last whole multiple of `sides` are left
  // out.
  const auto count = static_cast<std::uint64_t>(sides);
  const std::uint64_t excess = (0 - count) % count;  // 2^64 modulo count
  while (true) {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    if (excess == 0 || z < 0 - excess) return static_cast<std::int64_t>(z % count);
  }
}

}  // namespace beamgrid
