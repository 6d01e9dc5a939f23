#pragma once
// Racing of seeds, around any strategy: a further seed is trained only for candidates that may
// still be the best (Maron and Moore 1994, "Hoeffding Races", with intervals of Student's t).

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "search/strategy.h"

namespace beamgrid {

/// SeedRace asks the candidates of another strategy with the least number of seeds. Where that
/// strategy has nothing more to ask before it is told, which is when it compares what it asked for,
/// the candidates race: each round asks one further seed of the best one and of all whose interval
/// overlaps the best one's, up to the greatest number. The strategy is told when the race is over.
/// It asks for candidates that it knows too, where it compares new ones with them: they race again.
/// One that learns from more seeds is told at once instead, and all its candidates race at the end;
/// so is one that makes up for what was refused, of that.
///
/// The interval is that of a mean of n seeds at 95 %: mean +- t s / sqrt(n). The deviation s is
/// pooled over all candidates of the search that have more than one seed, for few seeds of one
/// model say little about it. Where no candidate has two yet, the best four get their second first.
/// A candidate that is measured before the end of its training does not race.
class SeedRace : public Strategy {
 public:
  /// Makes a race for the candidates of `strategy` with `least` to `most` seeds (1 <= least <
  /// most).
  SeedRace(std::unique_ptr<Strategy> strategy, std::size_t least, std::size_t most);

  std::optional<Candidate> Ask() override;
  void Tell(const Finding& finding) override;
  [[nodiscard]] bool finished() const override;
  [[nodiscard]] bool has_asked_for_all() const override { return strategy_->has_asked_for_all(); }
  [[nodiscard]] Effort effort() const override { return strategy_->effort(); }
  /// Returns the strategy's decisions, and what the races came to.
  [[nodiscard]] std::vector<std::string> Decisions() const override;
  [[nodiscard]] std::optional<std::string> Choice() const override { return strategy_->Choice(); }
  [[nodiscard]] std::vector<LetGo> TakeLetGo() override { return strategy_->TakeLetGo(); }

 private:
  /// Racer is a candidate of the group that is compared.
  struct Racer {
    Candidate candidate;  ///< as the strategy asked for it
    Finding total;        ///< over all its seeds so far
    std::size_t asked = 0;
    bool pending = false;
    bool is_told = false;  ///< to the strategy, before the race is over
  };
  [[nodiscard]] std::optional<Candidate> AskStrategy();
  /// Asks further seeds of those that may be the best; false where the race is over.
  bool BeginRound();
  void AskFurther(Racer& racer, const std::string& why);
  void EndRace();
  void NoteSpread(const std::vector<double>& before, const std::vector<double>& after);
  /// Returns half the width of the interval of a mean of so many seeds.
  [[nodiscard]] double Half(std::size_t seeds) const;

  std::unique_ptr<Strategy> strategy_;
  std::size_t least_, most_;
  std::vector<Racer> group_;                  ///< in the order in which they were asked for
  std::map<std::string, std::size_t> index_;  ///< of group_, by name
  std::deque<Candidate> further_;
  std::size_t pending_ = 0;
  double squares_ = 0;                  ///< sum of squared deviations from the candidates' means
  std::size_t freedom_ = 0;             ///< its degrees of freedom
  std::map<std::string, Racer> known_;  ///< of earlier races, by name
  std::set<std::string> raced_;         ///< that got further seeds
  std::size_t further_seeds_ = 0;
};

}  // namespace beamgrid
