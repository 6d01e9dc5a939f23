// Beam search over the criteria: as greedy, but the best few partial choices are kept instead of
// one, so that a part that shows its worth only beside a later one is not lost (Lowerre 1976, "The
// Harpy Speech Recognition System"; here over the parts of a model).
//
// A stage varies one criterion around each model of the beam. The best `width` models of the stage
// are the beam of the next one; the first beam is the baseline alone.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "registry/util/text.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

constexpr double kWidest = 1000;

class BeamStrategy : public Strategy {
 public:
  BeamStrategy(const SearchSpace& space, const Recipe& recipe)
      : space_(&space),
        excludes_(!recipe.exclusions.empty()),
        width_(static_cast<std::size_t>(recipe.search.other.at("width").as_int64())),
        races_(recipe.least_seeds < recipe.seeds.size()),
        criteria_(recipe.search.order.empty() ? VaryingCriteria(space) : recipe.search.order),
        beam_({space.Baseline()}) {
    if (criteria_.empty()) criteria_ = {""};  // nothing varies: the baseline alone
    BeginStage();
    EndStages();
  }

  std::optional<Candidate> Ask() override {
    if (finished_ || !SkipToNew()) return std::nullopt;
    ModelSpec model = Upcoming();
    Candidate candidate{space_->Name(model), std::move(model)};
    candidate.why = Why();
    pending_.insert(candidate.name);
    stage_names_.insert(candidate.name);
    if (!known_.contains(candidate.name)) ++asked_;
    Advance();
    // Now, not when it is told: after the last one the stage may hold nothing new any more.
    static_cast<void>(SkipToNew());
    return candidate;
  }

  void Tell(const Finding& finding) override {
    if (pending_.erase(finding.name) == 0) {
      throw std::logic_error("beam search: told of '" + finding.name +
                             "', which it does not wait for");
    }
    known_.insert_or_assign(finding.name, finding);
    EndStages();
  }

  [[nodiscard]] bool finished() const override { return finished_; }
  [[nodiscard]] bool has_asked_for_all() const override {
    return finished_ || (stage_ + 1 == criteria_.size() && base_ == beam_.size());
  }

  /// The models of the stage under way are known. A later one asks for all but one of its
  /// candidates around each model of the beam, for that one is the model itself; nothing but
  /// exclusions and failures makes it less. Those of this stage that came to nothing are known,
  /// too: the next beam is of the others.
  [[nodiscard]] Effort effort() const override {
    if (finished_) return {.least = asked_, .most = asked_};
    const auto around = [this](std::size_t stage) {
      return space_->CandidateCount(criteria_[stage]);
    };
    std::int64_t bases = std::ssize(beam_);
    std::int64_t pool = SaturatingMultiply(bases, around(stage_));
    // Of the first beam nothing is known yet.
    std::int64_t most = stage_ == 0 ? pool : pool - bases;
    if (counted_) {
      pool = counted_->models;
      most = counted_->news;
    }
    most = SaturatingAdd(asked_before_, most);
    const std::int64_t least =
        counted_ ? SaturatingAdd(asked_before_, counted_->news) : asked_before_;
    std::int64_t lost = Lost();
    for (std::size_t i = stage_ + 1; i < criteria_.size(); ++i) {
      // Where all of a stage is excluded the beam stays as it is, and may hold what nobody tried.
      const bool stays = pool == 0;
      const std::int64_t sound = pool - std::exchange(lost, 0);
      if (sound > 0) bases = std::min<std::int64_t>(static_cast<std::int64_t>(width_), sound);
      pool = SaturatingMultiply(bases, around(i));
      most = SaturatingAdd(most, stays ? pool : pool - bases);
    }
    return {.least = excludes_ ? least : most, .most = most};
  }
  [[nodiscard]] std::vector<std::string> Decisions() const override { return decisions_; }

 private:
  [[nodiscard]] const std::string& criterion() const { return criteria_[stage_]; }
  [[nodiscard]] ModelSpec Upcoming() const {
    return space_->Replace(beam_[base_], criterion(), next_);
  }

  /// Returns how many models of the stage under way were refused or failed.
  [[nodiscard]] std::int64_t Lost() const {
    return std::ranges::count_if(stage_names_, [this](const std::string& name) {
      const auto found = known_.find(name);
      return found != known_.end() && !found->second.objective;
    });
  }

  [[nodiscard]] std::string Why() const {
    if (criterion().empty()) return "the baseline, the only model";
    return "stage " + std::to_string(stage_ + 1) + " of " + std::to_string(criteria_.size()) +
           " varies " + criterion() + " around " + space_->Name(beam_[base_]) +
           (stage_ == 0 ? ", the baseline"
                        : ", place " + std::to_string(base_ + 1) + " of the beam");
  }

  void BeginStage() {
    base_ = 0;
    next_ = 0;
    excluded_ = 0;
    asked_before_ = asked_;
    counted_ = CountModels();
    stage_names_.clear();
    static_cast<void>(SkipToNew());
  }

  /// Counted is how many different models a stage has, and how many of them no stage before had.
  struct Counted {
    std::int64_t models = 0, news = 0;
  };
  /// Returns nothing where they are too many to be counted in no time.
  [[nodiscard]] std::optional<Counted> CountModels() const {
    constexpr std::int64_t kCounted = 10'000;
    const std::int64_t around = space_->CandidateCount(criterion());
    if (SaturatingMultiply(std::ssize(beam_), around) > kCounted) return std::nullopt;
    std::set<std::string> names;
    std::int64_t news = 0;
    for (const ModelSpec& base : beam_) {
      for (std::int64_t i = 0; i < around; ++i) {
        const ModelSpec model = space_->Replace(base, criterion(), i);
        if (space_->Excluded(model)) continue;
        std::string name = space_->Name(model);
        const bool is_new = !known_.contains(name);
        if (names.insert(std::move(name)).second && is_new) ++news;
      }
    }
    return Counted{.models = std::ssize(names), .news = news};
  }

  void Advance() {
    if (++next_ < space_->CandidateCount(criterion())) return;
    next_ = 0;
    ++base_;
  }

  /// Moves on to the stage's next model that has to be trained; false where there is none.
  bool SkipToNew() {
    for (; base_ < beam_.size(); Advance()) {
      const ModelSpec model = Upcoming();
      if (space_->Excluded(model)) {
        ++excluded_;
        continue;
      }
      const std::string name = space_->Name(model);
      if (pending_.contains(name) || stage_names_.contains(name)) continue;
      // Where seeds are raced for, a known model is asked for again, so that it takes part.
      if (races_ || !known_.contains(name)) return true;
      stage_names_.insert(name);
    }
    return false;
  }

  void EndStages() {
    while (!finished_ && base_ == beam_.size() && pending_.empty()) {
      Decide();
      if (++stage_ == criteria_.size()) return Finish();
      BeginStage();
    }
  }

  /// Makes the stage's best the next beam.
  void Decide() {
    std::vector<const Finding*> sound;
    Losses losses;
    for (const std::string& name : stage_names_) {
      const Finding& finding = known_.at(name);
      if (finding.objective) sound.push_back(&finding);
      losses.Count(finding);
    }
    std::ranges::sort(
        sound, [](const Finding* left, const Finding* right) { return Beats(*left, *right); });
    const std::string title = criterion().empty() ? "baseline" : criterion();
    if (sound.empty()) {
      decisions_.push_back(title + ": " +
                           (stage_names_.empty() ? "every candidate is excluded" : losses.OfAll()) +
                           "; the beam stays as it is");
      return;
    }
    const std::size_t kept = std::min(width_, sound.size());
    std::string text = title + ": kept " + CountText(kept, "model") + " of " +
                       std::to_string(stage_names_.size()) + ":";
    beam_.clear();
    for (std::size_t i = 0; i < kept; ++i) {
      beam_.push_back(sound[i]->model);
      text += (i == 0 ? " " : ", ") + sound[i]->name + " " + FixedText(*sound[i]->objective, 5);
    }
    text += losses.After("; ");
    if (excluded_ > 0) text += "; " + std::to_string(excluded_) + " excluded";
    decisions_.push_back(std::move(text));
  }

  void Finish() {
    finished_ = true;
    const Finding* best = nullptr;
    Losses losses;
    for (const auto& [name, finding] : known_) {
      losses.Count(finding);
      if (finding.objective && (best == nullptr || Beats(finding, *best))) best = &finding;
    }
    decisions_.push_back(best == nullptr
                             ? "no model was trained to the end" + losses.After(": ")
                             : "best of " + CountText(known_.size() - losses.all(), "model") +
                                   ": " + best->name + " with " + FixedText(*best->objective, 5) +
                                   losses.After("; "));
  }

  const SearchSpace* space_;
  bool excludes_;  ///< some of the models may be excluded
  std::size_t width_;
  bool races_;
  std::vector<std::string> criteria_;
  std::vector<ModelSpec> beam_;           ///< the best first
  std::map<std::string, Finding> known_;  ///< by name
  std::vector<std::string> decisions_;
  std::size_t stage_ = 0;
  bool finished_ = false;
  std::int64_t asked_ = 0;  ///< models

  // The stage under way: its next model is candidate `next_` around beam_[base_].
  std::size_t base_ = 0;
  std::int64_t next_ = 0;
  std::set<std::string> stage_names_;  ///< asked for or known before
  std::set<std::string> pending_;      ///< asked for and not yet told
  std::int64_t excluded_ = 0;
  std::int64_t asked_before_ = 0;  ///< by the stages before
  std::optional<Counted> counted_;
};

[[maybe_unused]] const bool registered_beam = RegisterStrategy<BeamStrategy>(
    {.name = "beam",
     .help = "as greedy, but the best few partial choices are kept instead of one",
     .uses = {"order"},
     .options = {IntegerKey("width", 3, 1, kWidest,
                            "The partial choices that are kept from one criterion to the next.")}});

}  // namespace
}  // namespace beamgrid
