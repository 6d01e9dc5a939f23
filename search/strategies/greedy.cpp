// Greedy selection per criterion: one criterion varies, the others are held, the best is kept (Na
// et al. 2017, "Encoding Video and Label Priors for Multi-label Video Classification",
// section 3.1).
//
// A stage varies one criterion. It holds the others at the running best, which starts as the
// baseline; a stage of the recipe may hold some of them at its own `fix`, as the paper did. Its
// winner's variant goes into the running best. Passes repeat all stages until one changes nothing.
#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "registry/criteria.h"
#include "registry/util/text.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

void Take(const std::string& criterion, const ModelSpec& from, ModelSpec& to) {
  if (criterion.empty()) return;
  if (criterion == "extras") {
    to.extras = from.extras;
  } else if (criterion == "train") {
    to.train = from.train;
  } else {
    to.parts[criterion] = from.parts.at(criterion);
  }
}

class GreedyStrategy : public Strategy {
 public:
  GreedyStrategy(const SearchSpace& space, const Recipe& recipe)
      : space_(&space),
        passes_(recipe.search.passes),
        races_(recipe.least_seeds < recipe.seeds.size()),
        excludes_(!recipe.exclusions.empty()),
        best_(space.Baseline()) {
    stages_ = recipe.search.stages;
    if (stages_.empty()) {
      for (const std::string& criterion : recipe.search.order) stages_.push_back({criterion, {}});
    }
    if (stages_.empty()) {
      for (const std::string& criterion : VaryingCriteria(space)) {
        stages_.push_back({criterion, {}});
      }
    }
    if (stages_.empty()) stages_.push_back({"", {}});  // nothing varies: the baseline alone
    BeginStage();
    EndStages();
  }

  std::optional<Candidate> Ask() override {
    if (finished_ || next_ == count_) return std::nullopt;
    Candidate candidate{space_->Name(upcoming_), upcoming_};
    candidate.why = stage().vary.empty() ? "the baseline, the only model"
                                         : "stage " + Title() + " varies it; held: " + HeldText();
    pending_.insert(candidate.name);
    if (!known_.contains(candidate.name)) ++asked_;
    ++next_;
    SkipToNew();
    return candidate;
  }

  void Tell(const Finding& finding) override {
    if (pending_.erase(finding.name) == 0) {
      throw std::logic_error("greedy search: told of '" + finding.name +
                             "', which it does not wait for");
    }
    // Kept for later stages: a model that comes up again is compared and not asked for again.
    known_.insert_or_assign(finding.name, finding);
    if (finding.objective && (!best_seen_ || Beats(finding, *best_seen_))) best_seen_ = finding;
    Compare(finding);
    EndStages();
  }

  [[nodiscard]] bool finished() const override { return finished_; }
  [[nodiscard]] bool has_asked_for_all() const override {
    const bool is_last = pass_ == passes_ && stage_ + 1 == stages_.size();
    return finished_ || (is_last && next_ == count_);
  }

  /// The models of the stage under way are known. The one that a later stage holds was tried by
  /// the one before it, so that stage asks one model less than it has candidates; not where the
  /// recipe holds others, or repeats a criterion.
  [[nodiscard]] Effort effort() const override {
    if (finished_) return {.least = asked_, .most = asked_};
    // Later passes, and stages of a criterion that was varied before, may bring nothing new.
    const bool all_new = pass_ == 1 && !excludes_;
    Effort effort{.least = SaturatingAdd(asked_before_, new_.value_or(0)),
                  .most = SaturatingAdd(asked_before_, new_.value_or(count_))};
    std::set<std::string> varied;
    std::int64_t pass = 0;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      const std::int64_t others = space_->CandidateCount(stages_[i].vary) - 1;
      const Fixed& fix = stages_[i].fix;
      const bool holds_best = fix.parts.empty() && !fix.extras && fix.train.empty();
      const bool plain = varied.insert(stages_[i].vary).second && holds_best;
      const std::int64_t most = plain ? others : others + 1;
      pass = SaturatingAdd(pass, most);
      if (i <= stage_) continue;
      effort.most = SaturatingAdd(*effort.most, most);
      if (plain && all_new) effort.least = SaturatingAdd(effort.least, others);
    }
    effort.most = SaturatingAdd(*effort.most, SaturatingMultiply(pass, passes_ - pass_));
    return effort;
  }

  [[nodiscard]] std::vector<std::string> Decisions() const override { return decisions_; }

 private:
  [[nodiscard]] const Stage& stage() const { return stages_[stage_]; }
  [[nodiscard]] ModelSpec Base() const { return Held(best_, stage().fix); }

  void BeginStage() {
    count_ = space_->CandidateCount(stage().vary);
    next_ = 0;
    excluded_ = reused_ = 0;
    losses_ = {};
    candidates_ = 0;
    winner_.reset();
    second_.reset();
    asked_before_ = asked_;
    new_ = CountNew();
    SkipToNew();
  }

  /// Returns how many of the stage's models are neither excluded nor known; nothing where they are
  /// too many to be counted in no time.
  [[nodiscard]] std::optional<std::int64_t> CountNew() const {
    constexpr std::int64_t kCounted = 10'000;
    if (count_ > kCounted) return std::nullopt;
    const ModelSpec base = Base();
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < count_; ++i) {
      const ModelSpec model = space_->Replace(base, stage().vary, i);
      if (!space_->Excluded(model) && !known_.contains(space_->Name(model))) ++count;
    }
    return count;
  }

  /// Moves on to the stage's next model that has to be trained.
  void SkipToNew() {
    for (; next_ < count_; ++next_) {
      upcoming_ = space_->Replace(Base(), stage().vary, next_);
      if (space_->Excluded(upcoming_)) {
        ++excluded_;
        continue;
      }
      ++candidates_;
      const auto known = known_.find(space_->Name(upcoming_));
      if (known == known_.end() || races_) return;
      ++reused_;
      Compare(known->second);
    }
  }

  void Compare(const Finding& finding) {
    losses_.Count(finding);
    if (!finding.objective) return;
    if (winner_ && !Beats(finding, *winner_)) {
      if (!second_ || Beats(finding, *second_)) second_ = finding;
      return;
    }
    second_ = std::move(winner_);
    winner_ = finding;
  }

  /// Closes the stage where everything is told, and those after it that have nothing to ask.
  void EndStages() {
    while (!finished_ && next_ == count_ && pending_.empty()) {
      Decide();
      if (stage_ + 1 == stages_.size()) {
        EndPass();
      } else {
        ++stage_;
      }
      if (!finished_) BeginStage();
    }
  }

  void EndPass() {
    // A pass that changed nothing would only be repeated by the next one.
    if (pass_ == passes_ || !changed_) return Finish();
    ++pass_;
    stage_ = 0;
    changed_ = false;
  }

  void Decide() {
    if (!winner_) {
      decisions_.push_back(Title() + ": " + WhyNoWinner() + "; stays at " + Described(best_));
      return;
    }
    const std::string won = Described(winner_->model);
    std::string text = Title() + ": " + won + " wins with " + FixedText(*winner_->objective, 5) +
                       " over " + CountText(static_cast<std::size_t>(candidates_), "candidate");
    if (second_) {
      text += ", next " + Described(second_->model) + " with " + FixedText(*second_->objective, 5);
    }
    text += losses_.After(", ");
    if (excluded_ > 0) text += ", " + std::to_string(excluded_) + " excluded";
    if (reused_ > 0) text += ", " + std::to_string(reused_) + " known before";
    decisions_.push_back(text + "; held: " + HeldText());
    ModelSpec next = best_;
    Take(stage().vary, winner_->model, next);
    // The winner may be what was held already.
    if (next == best_) return;
    best_ = std::move(next);
    changed_ = true;
  }

  /// Returns what the model has for the criterion that varies.
  [[nodiscard]] std::string Described(const ModelSpec& model) const {
    if (stage().vary.empty()) return space_->Name(model);
    return space_->namer().CriterionName(stage().vary, model);
  }

  [[nodiscard]] std::string Title() const {
    const std::string title = stage().vary.empty() ? "baseline" : stage().vary;
    return passes_ == 1 ? title : "pass " + std::to_string(pass_) + ", " + title;
  }

  [[nodiscard]] std::string WhyNoWinner() const {
    if (candidates_ == 0) return "every candidate is excluded";
    return losses_.OfAll();
  }

  /// Returns what the stage held: the criteria that vary anywhere in the search, and those it
  /// fixed.
  [[nodiscard]] std::string HeldText() const {
    const ModelSpec base = Base();
    std::string text;
    for (const std::string& criterion : AllCriteria()) {
      if (criterion == stage().vary) continue;
      const bool varies = space_->CandidateCount(criterion) > 1 || stage().fix.Names(criterion);
      if (!varies) continue;
      if (!text.empty()) text += ", ";
      text += criterion + " " + space_->namer().CriterionName(criterion, base);
    }
    return text.empty() ? "nothing else varies" : text;
  }

  void Finish() {
    finished_ = true;
    if (pass_ < passes_) {
      decisions_.push_back("pass " + std::to_string(pass_) + " changed nothing: no further pass");
    }
    Losses losses;
    for (const auto& [name, finding] : known_) losses.Count(finding);
    if (!best_seen_) {
      decisions_.push_back("no model was trained to the end" + losses.After(": "));
      return;
    }
    decisions_.push_back("best of " + CountText(known_.size() - losses.all(), "model") + ": " +
                         best_seen_->name + " with " + FixedText(*best_seen_->objective, 5) +
                         losses.After("; "));
  }

  const SearchSpace* space_;
  std::vector<Stage> stages_;
  std::int64_t passes_;
  bool races_;     ///< seeds are raced for: a known model is asked for again, so that it takes part
  bool excludes_;  ///< some of the models may be excluded
  ModelSpec best_;                        ///< the running best, part by part
  std::map<std::string, Finding> known_;  ///< by name
  std::optional<Finding> best_seen_;
  std::vector<std::string> decisions_;

  std::int64_t pass_ = 1;
  std::size_t stage_ = 0;
  bool changed_ = false;
  bool finished_ = false;
  std::int64_t asked_ = 0;  ///< models

  // The stage under way.
  std::int64_t asked_before_ = 0;    ///< by the stages before
  std::optional<std::int64_t> new_;  ///< of its models those that no stage before had
  std::int64_t count_ = 0;
  std::int64_t next_ = 0;  ///< candidate that `upcoming_` holds, or count_
  ModelSpec upcoming_;
  std::set<std::string> pending_;  ///< names asked for and not yet told
  std::int64_t candidates_ = 0, excluded_ = 0, reused_ = 0;
  Losses losses_;
  std::optional<Finding> winner_, second_;
};

[[maybe_unused]] const bool registered_greedy = RegisterStrategy<GreedyStrategy>(
    {.name = "greedy",
     .help = "one criterion at a time, the others held at the best so far (Na et al. 2017)",
     .uses = {"order", "passes", "stage"}});

}  // namespace
}  // namespace beamgrid
