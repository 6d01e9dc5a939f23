#include "search/seed_race.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "registry/util/small_numbers.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr double kLevel = 0.95;
/// So many get a second seed where nothing is known of the spread: with fewer the first interval
/// would be so wide that every candidate gets one.
constexpr std::size_t kFirstPairs = 4;

double MeanOf(const std::vector<double>& scores) {
  return std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
}

double SquaresOf(const std::vector<double>& scores) {
  if (scores.empty()) return 0;
  const double mean = MeanOf(scores);
  double squares = 0;
  for (const double score : scores) squares += (score - mean) * (score - mean);
  return squares;
}

std::size_t FreedomOf(const std::vector<double>& scores) {
  return scores.empty() ? 0 : scores.size() - 1;
}

std::vector<std::size_t> Indices(std::size_t first, std::size_t count) {
  std::vector<std::size_t> indices(count);
  std::iota(indices.begin(), indices.end(), first);
  return indices;
}

}  // namespace

SeedRace::SeedRace(std::unique_ptr<Strategy> strategy, std::size_t least, std::size_t most)
    : strategy_(std::move(strategy)), least_(least), most_(most) {}

std::optional<Candidate> SeedRace::Ask() {
  while (true) {
    if (!further_.empty()) {
      Candidate candidate = std::move(further_.front());
      further_.pop_front();
      return candidate;
    }
    if (std::optional<Candidate> candidate = AskStrategy()) return candidate;
    // Only when all that it waits for is there: a race of some would depend on which ended first.
    if (pending_ > 0 || group_.empty()) return std::nullopt;
    if (strategy_->LearnsFromMoreSeeds() && !strategy_->finished()) return std::nullopt;
    if (BeginRound()) continue;
    EndRace();
    if (strategy_->finished()) return std::nullopt;
  }
}

std::optional<Candidate> SeedRace::AskStrategy() {
  std::optional<Candidate> candidate = strategy_->Ask();
  // One that an earlier race had is compared again, with all its seeds, and may get more of them.
  while (candidate && !candidate->epochs) {
    const auto known = known_.find(candidate->name);
    if (known == known_.end()) break;
    index_[candidate->name] = group_.size();
    group_.push_back(known->second);
    candidate = strategy_->Ask();
  }
  if (!candidate) return std::nullopt;
  candidate->seeds = Indices(0, least_);
  if (!candidate->epochs) {
    index_[candidate->name] = group_.size();
    group_.push_back({.candidate = *candidate, .total = {}, .asked = least_, .pending = true});
    ++pending_;
  }
  return candidate;
}

void SeedRace::Tell(const Finding& finding) {
  const auto known = index_.find(finding.name);
  if (known == index_.end()) return strategy_->Tell(finding);
  Racer& racer = group_[known->second];
  racer.pending = false;
  --pending_;
  std::vector<double> scores = racer.total.scores;
  scores.insert(scores.end(), finding.scores.begin(), finding.scores.end());
  NoteSpread(racer.total.scores, scores);
  const bool failed = !finding.objective;
  const double seconds = racer.total.seconds + finding.seconds;
  racer.total = finding;
  racer.total.seconds = seconds;
  racer.total.scores = std::move(scores);
  // The mean of the seeds that went well would flatter a model that fails on one.
  if (!failed) racer.total.objective = MeanOf(racer.total.scores);
  // One that was refused does not race, and may leave room for another one that does.
  racer.is_told = strategy_->LearnsFromMoreSeeds() ||
                  (finding.is_refused && strategy_->effort().makes_up_for_refused);
  if (racer.is_told) strategy_->Tell(racer.total);
}

void SeedRace::NoteSpread(const std::vector<double>& before, const std::vector<double>& after) {
  squares_ += SquaresOf(after) - SquaresOf(before);
  freedom_ += FreedomOf(after) - FreedomOf(before);
}

double SeedRace::Half(std::size_t seeds) const {
  const boost::math::students_t distribution(static_cast<double>(freedom_));
  const double t = boost::math::quantile(distribution, 1 - (1 - kLevel) / 2);
  // Not below 0: the sum of differences may round so.
  const double variance = std::max(0.0, squares_) / static_cast<double>(freedom_);
  return t * std::sqrt(variance / static_cast<double>(seeds));
}

bool SeedRace::BeginRound() {
  std::vector<Racer*> sound;
  for (Racer& racer : group_) {
    if (racer.total.objective) sound.push_back(&racer);
  }
  // Nobody to be told apart from.
  if (sound.size() < 2) return false;
  std::ranges::sort(sound, [](const Racer* left, const Racer* right) {
    return Beats(left->total, right->total);
  });
  Racer& best = *sound.front();
  const std::size_t asked_before = further_seeds_;
  if (freedom_ == 0) {
    for (std::size_t i = 0; i < std::min(kFirstPairs, sound.size()); ++i) {
      AskFurther(*sound[i], "a second seed of the best, to learn how far seeds differ");
    }
    return further_seeds_ > asked_before;
  }
  const double floor = *best.total.objective - Half(best.total.scores.size());
  bool challenged = false;
  for (std::size_t i = 1; i < sound.size(); ++i) {
    Racer& racer = *sound[i];
    const double half = Half(racer.total.scores.size());
    if (*racer.total.objective + half < floor) continue;
    challenged = true;
    AskFurther(racer, "a further seed: " + FixedText(*racer.total.objective, 5) + " +- " +
                          FixedText(half, 5) + " overlaps the best one's interval (" +
                          best.total.name + ", " + FixedText(*best.total.objective, 5) + ")");
  }
  if (challenged) AskFurther(best, "a further seed: the best so far, which others may still beat");
  return further_seeds_ > asked_before;
}

void SeedRace::AskFurther(Racer& racer, const std::string& why) {
  if (racer.asked == most_) return;
  Candidate candidate = racer.candidate;
  candidate.seeds = {racer.asked++};
  candidate.why = why;
  racer.pending = true;
  ++pending_;
  ++further_seeds_;
  further_.push_back(std::move(candidate));
}

void SeedRace::EndRace() {
  // The map first: the strategy may hear of one whose name it asks for again.
  index_.clear();
  const std::vector<Racer> ended = std::exchange(group_, {});
  for (const Racer& racer : ended) {
    if (racer.asked > least_) raced_.insert(racer.total.name);
  }
  if (strategy_->LearnsFromMoreSeeds()) return;
  for (const Racer& racer : ended) {
    known_[racer.total.name] = racer;
    if (!racer.is_told) strategy_->Tell(racer.total);
  }
}

bool SeedRace::finished() const {
  return strategy_->finished() && group_.empty() && further_.empty();
}

std::vector<std::string> SeedRace::Decisions() const {
  std::vector<std::string> decisions = strategy_->Decisions();
  if (!raced_.empty()) {
    const auto freedom = static_cast<double>(std::max<std::size_t>(1, freedom_));
    decisions.push_back("seeds: " + CountText(further_seeds_, "further seed") + " for " +
                        CountText(raced_.size(), "candidate") +
                        ", to tell them from the best or to learn how far seeds differ; a seed "
                        "moves a result by " +
                        VisibleText(std::sqrt(std::max(0.0, squares_) / freedom), 5) +
                        " (standard deviation)");
  }
  return decisions;
}

}  // namespace beamgrid
