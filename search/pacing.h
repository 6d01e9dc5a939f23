#pragma once
// What a strategy may know when it asks, so that its questions are the same for any number of
// workers: with `ahead` questions under way at most, question i (from 0) knows exactly the answers
// to the questions up to i - ahead. Answers that come early are kept until it is their turn, so
// nobody waits for a batch to end, and nothing depends on who was faster.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "search/strategy.h"

namespace beamgrid {

/// Pacing keeps the questions and answers of a strategy in their order. Not thread-safe.
class Pacing {
 public:
  /// Makes one for `ahead` questions under way, 1 or more: no question waits where so many workers
  /// take equally long.
  explicit Pacing(std::int64_t ahead) : ahead_(static_cast<std::size_t>(ahead)) {}

  /// Returns the number of questions whose answers the next question knows.
  [[nodiscard]] std::size_t known() const {
    return asked_.size() + 1 > ahead_ ? asked_.size() + 1 - ahead_ : 0;
  }
  /// True if all that the next question must know has been answered.
  [[nodiscard]] bool CanAsk() const { return answered_ >= known(); }
  /// True if every question has been answered.
  [[nodiscard]] bool idle() const { return answered_ == asked_.size(); }

  /// Notes a question.
  void Ask(const std::string& name);
  /// Notes an answer. A question that was answered already may be answered anew, with the scores of
  /// more seeds: `Latest` has it then, and what later questions know (`First`) stays. Throws
  /// std::logic_error where nobody asked.
  void Answer(const Finding& finding);

  /// Returns the number of questions.
  [[nodiscard]] std::size_t asked() const { return asked_.size(); }
  /// Returns the number of questions up to which all have been answered.
  [[nodiscard]] std::size_t answered() const { return answered_; }
  /// Returns the first answer to question `index`, which is below answered().
  [[nodiscard]] const Finding& First(std::size_t index) const { return asked_[index].first; }
  /// Returns the answer with the most seeds so far.
  [[nodiscard]] const Finding& Latest(std::size_t index) const { return asked_[index].latest; }

 private:
  struct Question {
    bool is_answered = false;
    Finding first, latest;
  };
  std::size_t ahead_;
  std::size_t answered_ = 0;
  std::vector<Question> asked_;
  std::map<std::string, std::size_t> places_;  ///< by name
};

/// Dice are random numbers that are the same on every machine.
class Dice {
 public:
  explicit Dice(std::int64_t seed) : state_(static_cast<std::uint64_t>(seed)) {}
  /// Returns a number from 0 to sides - 1, all equally likely; sides is at least 1.
  [[nodiscard]] std::int64_t Roll(std::int64_t sides);

 private:
  std::uint64_t state_;
};

}  // namespace beamgrid
