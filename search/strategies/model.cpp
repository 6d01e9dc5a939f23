// A Gaussian process over the parts of a model: each question goes to the model that is expected to
// gain most over the best one so far (expected improvement; Jones et al. 1998, "Efficient Global
// Optimization of Expensive Black-Box Functions").
//
// The first questions cover every candidate. Later ones know the answers that Pacing lets them
// know, and suppose of the others that they come as expected ("kriging believer"; Ginsbourger et
// al. 2010, "Kriging is well-suited to parallelize optimization"), so that no two workers try the
// same idea.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "registry/util/small_numbers.h"
#include "registry/util/text.h"
#include "search/pacing.h"
#include "search/strategy.h"
#include "search/surrogate/acquisition.h"
#include "search/surrogate/first_design.h"
#include "search/surrogate/space_parts.h"
#include "search/surrogate/surrogate.h"
#include "search/variants.h"

namespace beamgrid {
namespace {

/// Up to here all points are looked at for each question; in a larger space the search is local.
constexpr std::int64_t kLookedAtPoints = 5'000;
/// The search ends where the best gain that is expected of a trial is below this share of the seed
/// noise, in so many questions one after the other.
constexpr double kLeastGain = 0.02;
constexpr int kQuietQuestions = 3;

/// Wish is a model to try, and why.
struct Wish {
  Levels levels;
  std::string why;
};

class ModelStrategy : public Strategy {
 public:
  ModelStrategy(const SearchSpace& space, const Recipe& recipe)
      : space_(&space),
        parts_(space),
        has_exclusions_(!recipe.exclusions.empty()),
        allowed_(space.CountAllowed()),
        pacing_(recipe.search.other.at("parallel").as_int64()),
        dice_(recipe.search.other.at("seed").as_int64()),
        budget_(recipe.search.other.at("budget").as_int64()),
        seconds_(3600 * recipe.search.other.at("gpu_hours").as_double()),
        seeds_(static_cast<std::int64_t>(recipe.least_seeds)),
        design_(parts_.parts()),
        surrogate_(parts_.parts()) {
    if (budget_ > 0) design_.Limit(std::max<std::int64_t>(budget_ / seeds_, 1));
    if (space.size() <= kLookedAtPoints) ListPoints();
  }

  /// The first design needs a model for each candidate of the part that has most.
  static std::vector<SearchMistake> Mistakes(const SearchSpace& space, const Recipe& recipe) {
    const std::int64_t budget = recipe.search.other.at("budget").as_int64();
    const auto seeds = static_cast<std::int64_t>(recipe.least_seeds);
    const auto widest = std::ranges::max_element(space.axes(), {}, &SearchSpace::Axis::size);
    const std::int64_t needed = SaturatingMultiply(widest->size, seeds);
    if (budget == 0 || budget >= needed) return {};
    std::string part = widest->criterion;
    if (widest->extra != nullptr) part += "." + widest->extra->name;
    if (widest->train != nullptr) part += "." + widest->train->names.front();
    return {{"budget", "is " + CountText(static_cast<std::size_t>(budget), "trial") + ", but " +
                           part + " has " +
                           CountText(static_cast<std::size_t>(widest->size), "candidate") +
                           (seeds > 1 ? " of " + std::to_string(seeds) + " seeds each" : "") +
                           ", and each is tried once; write budget = " + std::to_string(needed) +
                           " or more, or fewer candidates"}};
  }

  std::optional<Candidate> Ask() override {
    if (finished_ || !pacing_.CanAsk()) return std::nullopt;
    if (const std::string limit = LimitReached(); !limit.empty()) {
      // A model that was refused costs nothing: what is under way may leave room for more.
      if (pacing_.idle()) Finish(limit);
      return std::nullopt;
    }
    std::optional<Wish> wish = Next();
    if (!wish) return std::nullopt;
    ModelSpec model = parts_.ModelOf(wish->levels);
    std::string name = space_->Name(model);
    asked_.insert(wish->levels);
    questions_.push_back(std::move(wish->levels));
    pacing_.Ask(name);
    return Candidate{std::move(name), std::move(model), std::move(wish->why)};
  }

  void Tell(const Finding& finding) override {
    pacing_.Answer(finding);
    if (finding.is_refused) ++refused_;
    if (!finished_ && pacing_.idle()) {
      if (const std::string limit = LimitReached(); !limit.empty()) Finish(limit);
    }
  }

  [[nodiscard]] bool finished() const override { return finished_; }
  [[nodiscard]] bool has_asked_for_all() const override {
    const auto models = static_cast<std::int64_t>(pacing_.asked()) - refused_;
    return finished_ || (budget_ > 0 && models > 0 && (models + 1) * seeds_ > budget_);
  }

  /// The first design is tried in any case, unless the hours end before it.
  [[nodiscard]] Effort effort() const override {
    const auto asked = static_cast<std::int64_t>(pacing_.asked());
    if (finished_) return {.least = asked, .most = asked, .most_hours = seconds_ / 3600};
    Effort effort{.least = asked, .most_hours = seconds_ / 3600};
    if (allowed_ && seconds_ <= 0) {
      effort.least = std::max(asked, std::min(design_.size(), *allowed_));
    }
    if (budget_ > 0) {
      effort.most = std::min(std::max(asked, SaturatingAdd(budget_ / seeds_, refused_)),
                             allowed_.value_or(space_->size()));
    }
    return effort;
  }

  [[nodiscard]] std::vector<std::string> Decisions() const override {
    std::vector<std::string> decisions = decisions_;
    const std::optional<Best> best = BestOf();
    Losses losses;
    for (std::size_t i = 0; i < pacing_.answered(); ++i) losses.Count(pacing_.Latest(i));
    if (!best) {
      if (finished_) decisions.push_back("no model was trained to the end" + losses.After(": "));
      return decisions;
    }
    decisions.push_back("seed noise " + VisibleText(best->noise, 5) + "; " + best->relevance);
    decisions.push_back("best of " + CountText(pacing_.answered() - losses.all(), "model") + ": " +
                        best->name + " with " + FixedText(best->measured, 5) + " measured, " +
                        Expected(best->prediction) + " expected" + losses.After("; "));
    return decisions;
  }

  [[nodiscard]] bool LearnsFromMoreSeeds() const override { return true; }

  [[nodiscard]] std::optional<std::string> Choice() const override {
    const std::optional<Best> best = BestOf();
    return best ? std::optional(best->name) : std::nullopt;
  }

 private:
  struct Best {
    std::string name, relevance;
    double measured = 0, noise = 0;
    Prediction prediction;
  };

  static std::string Expected(const Prediction& prediction) {
    return FixedText(prediction.mean, 5) + " +- " + FixedText(prediction.sd, 5);
  }

  // --- what it may ask ---

  /// Returns which limit leaves no room for another model; empty: none. Once all have ended it is
  /// looked again, with what they came to: but only where the question would have waited for that
  /// before, or a study that goes on, and knows all at once, would end elsewhere.
  [[nodiscard]] std::string LimitReached() const {
    const std::string limit = LimitBy(pacing_.known());
    return limit.empty() || !pacing_.idle() ? limit : LimitBy(pacing_.answered());
  }

  /// Returns the same by the answers to the first `known` questions.
  [[nodiscard]] std::string LimitBy(std::size_t known) const {
    std::int64_t models = 0;
    double seconds = 0;
    for (std::size_t i = 0; i < known; ++i) {
      const Finding& finding = pacing_.First(i);
      if (finding.is_refused) continue;
      seconds += finding.seconds;
      ++models;
    }
    const auto open = static_cast<std::int64_t>(pacing_.asked() - known);
    if (budget_ > 0 && (models + open + 1) * seeds_ > budget_ && pacing_.asked() > 0) {
      return "the budget of " + CountText(static_cast<std::size_t>(budget_), "trial") +
             " is used up";
    }
    const double per_model = models == 0 ? 0 : seconds / static_cast<double>(models);
    if (seconds_ > 0 && seconds + static_cast<double>(open + 1) * per_model > seconds_) {
      return "the budget of " + VisibleText(seconds_ / 3600, 2) +
             " GPU-hours has no room for another model";
    }
    return {};
  }

  [[nodiscard]] bool IsOpen(const Levels& levels) const {
    if (asked_.contains(levels)) return false;
    return !has_exclusions_ || !space_->Excluded(parts_.ModelOf(levels));
  }

  std::optional<Wish> Next() {
    if (static_cast<std::int64_t>(pacing_.asked()) < design_.size()) {
      if (auto wish = FromDesign()) return wish;
      return std::nullopt;
    }
    return FromModel();
  }

  void Finish(const std::string& why) {
    finished_ = true;
    decisions_.push_back("stops after " + CountText(pacing_.asked(), "model") + ": " + why);
  }

  // --- the first design ---

  std::optional<Wish> FromDesign() {
    auto levels = design_.Draw(dice_, [this](const Levels& model) { return IsOpen(model); });
    if (!levels) levels = AnyOpen();
    if (!levels) return std::nullopt;
    std::string why = WhyDesigned(design_.Use(*levels), *levels);
    return Wish{*std::move(levels), std::move(why)};
  }

  /// `first` are the parts whose level nobody tried before.
  [[nodiscard]] std::string WhyDesigned(const std::vector<std::size_t>& first,
                                        const Levels& levels) const {
    const std::string why = "first design, model " + std::to_string(pacing_.asked() + 1) + " of " +
                            std::to_string(design_.size());
    if (first.empty()) return why + ": nothing new in it, but this combination";
    std::string list;
    for (const std::size_t p : first) {
      list += (list.empty() ? "" : ", ") + parts_.parts()[p].name + " " +
              parts_.LevelName(p, levels[p]);
    }
    return why + ": the first one with " + list;
  }

  /// Returns the first model at or after a random point that may still be asked for; finishes where
  /// there is none.
  std::optional<Levels> AnyOpen() {
    for (const std::int64_t from : {dice_.Roll(space_->size()), std::int64_t{0}}) {
      for (auto index = space_->NextAllowed(from); index; index = space_->NextAllowed(*index + 1)) {
        const Levels levels = LevelsAt(*index);
        if (!asked_.contains(levels)) return levels;
      }
    }
    Finish("every model of the grid was tried");
    return std::nullopt;
  }

  [[nodiscard]] Levels LevelsAt(std::int64_t index) const {
    Levels levels(parts_.parts().size());
    for (std::size_t p = levels.size(); p-- > 0;) {
      levels[p] = index % parts_.parts()[p].levels;
      index /= parts_.parts()[p].levels;
    }
    return levels;
  }

  // --- later questions ---

  std::optional<Wish> FromModel() {
    const std::vector<Observation> observations = Observations();
    if (observations.empty()) {
      auto levels = AnyOpen();
      if (!levels) return std::nullopt;
      return Wish{*levels, "drawn at random: no model has a score yet"};
    }
    Learn(observations);
    std::vector<Levels> tried;
    for (const Observation& observation : observations) tried.push_back(observation.levels);
    double best = -std::numeric_limits<double>::infinity();
    for (const Prediction& prediction : surrogate_.Predict(Pool(parts_.parts().size(), tried))) {
      best = std::max(best, prediction.mean);
    }
    const std::size_t known = pacing_.known();
    for (std::size_t i = known; i < questions_.size(); ++i) surrogate_.Suppose(questions_[i]);
    const auto is_open = [this](const Levels& model) { return IsOpen(model); };
    const std::optional<Levels> levels =
        points_.empty() ? MostGainNearby(surrogate_, tried, dice_, best, is_open)
                        : MostGainOfAll(surrogate_, points_, pool_, best, is_open);
    if (!levels) {
      auto open = AnyOpen();
      if (!open) return std::nullopt;
      return Wish{*open, "the last ones of the grid"};
    }
    const Prediction prediction = surrogate_.Predict(*levels);
    const double gain = ExpectedGain(prediction, best);
    const double noise = surrogate_.seed_noise();
    quiet_ = gain < kLeastGain * noise ? quiet_ + 1 : 0;
    if (quiet_ >= kQuietQuestions) {
      Finish("a further trial would gain " + VisibleText(gain, 6) + " on average, less than " +
             FixedText(kLeastGain, 2) + " of the seed noise of " + VisibleText(noise, 6) +
             ", by what was known then");
      return std::nullopt;
    }
    return Wish{*levels, Why(*levels, prediction, best, gain)};
  }

  /// Returns what the next question may know. A model that failed counts as the worst one that did
  /// not; one that was refused was not tried.
  [[nodiscard]] std::vector<Observation> Observations() const {
    std::vector<Observation> observations;
    std::vector<Levels> failed;
    double worst = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < pacing_.known(); ++i) {
      const Finding& finding = pacing_.First(i);
      if (finding.objective && std::isfinite(*finding.objective)) {
        observations.push_back(ObservationOf(questions_[i], finding));
        worst = std::min(worst, *finding.objective);
      } else if (!finding.is_refused) {
        failed.push_back(questions_[i]);
      }
    }
    if (observations.empty()) return observations;
    for (Levels& levels : failed) observations.push_back({std::move(levels), worst, 1});
    return observations;
  }

  static Observation ObservationOf(const Levels& levels, const Finding& finding) {
    Observation observation{levels, *finding.objective, 1};
    if (finding.scores.size() > 1) {
      observation.repeats = static_cast<std::int64_t>(finding.scores.size());
      for (const double score : finding.scores) {
        const double off = score - *finding.objective;
        observation.squares += off * off;
      }
    }
    return observation;
  }

  /// Fits anew where there is enough that is new: of many trials one more changes little.
  void Learn(const std::vector<Observation>& observations) {
    if (observations.size() >= fitted_ + 1 + fitted_ / 32 || observations.size() < fitted_) {
      surrogate_.Fit(observations);
      fitted_ = observations.size();
    } else {
      surrogate_.Condition(observations);
    }
  }

  void ListPoints() {
    for (auto index = space_->NextAllowed(0); index; index = space_->NextAllowed(*index + 1)) {
      points_.push_back(LevelsAt(*index));
    }
    pool_ = Pool(parts_.parts().size(), points_);
  }

  // --- words ---

  /// Says what is expected, and what of it was tried least.
  [[nodiscard]] std::string Why(const Levels& levels, const Prediction& prediction, double best,
                                double gain) const {
    const Outlook outlook = surrogate_.OutlookOf(prediction);
    std::string text = "expected " + FixedText(outlook.middle, 5) +
                       " (95 %: " + FixedText(outlook.low, 5) + " to " +
                       FixedText(outlook.high, 5) + "), gains " + FixedText(gain, 6) +
                       " on average over the best, " + FixedText(best, 5);
    // The pair that was tried least is what the trial teaches most about.
    std::size_t least = std::numeric_limits<std::size_t>::max();
    std::string teaches;
    for (std::size_t p = 0; p < levels.size(); ++p) {
      for (std::size_t q = p + 1; q < levels.size(); ++q) {
        std::size_t count = 0;
        for (const Levels& other : questions_) {
          if (other[p] == levels[p] && other[q] == levels[q]) ++count;
        }
        if (count >= least) continue;
        least = count;
        teaches = parts_.parts()[p].name + " " + parts_.LevelName(p, levels[p]) + " with " +
                  parts_.parts()[q].name + " " + parts_.LevelName(q, levels[q]);
      }
    }
    if (teaches.empty()) return text;
    return text + "; would teach of " + teaches + ", " +
           (least == 0 ? "never tried together" : "tried together " + CountText(least, "time"));
  }

  [[nodiscard]] std::optional<Best> BestOf() const {
    std::vector<Observation> observations;
    std::vector<Levels> tried;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < pacing_.answered(); ++i) {
      const Finding& finding = pacing_.Latest(i);
      if (!finding.objective || !std::isfinite(*finding.objective)) continue;
      observations.push_back(ObservationOf(questions_[i], finding));
      tried.push_back(questions_[i]);
      places.push_back(i);
    }
    if (observations.empty()) return std::nullopt;
    Surrogate surrogate(parts_.parts());
    surrogate.Fit(observations);
    const std::vector<Prediction> predictions =
        surrogate.Predict(Pool(parts_.parts().size(), tried));
    std::size_t best = 0;
    for (std::size_t i = 1; i < predictions.size(); ++i) {
      if (predictions[i].mean > predictions[best].mean) best = i;
    }
    const Finding& finding = pacing_.Latest(places[best]);
    return Best{finding.name, RelevanceText(surrogate), *finding.objective, surrogate.seed_noise(),
                predictions[best]};
  }

  [[nodiscard]] std::string RelevanceText(const Surrogate& surrogate) const {
    std::vector<std::pair<double, std::string>> order;
    const std::vector<double> relevance = surrogate.relevance();
    for (std::size_t p = 0; p < relevance.size(); ++p) {
      order.emplace_back(-relevance[p], parts_.parts()[p].name);
    }
    std::ranges::sort(order);
    std::string text = "parts by relevance:";
    for (const auto& [less, name] : order) {
      text += (text.back() == ':' ? " " : ", ") + name + " " + FixedText(-less, 2);
    }
    return text;
  }

  const SearchSpace* space_;
  SpaceParts parts_;
  bool has_exclusions_;
  std::optional<std::int64_t> allowed_;  ///< points that no exclusion matches, where known
  Pacing pacing_;
  Dice dice_;
  std::int64_t budget_;  ///< trials; 0: none
  double seconds_;       ///< of training; 0: none
  std::int64_t seeds_;   ///< of each model
  FirstDesign design_;
  std::vector<Levels> points_;  ///< all, of a small space
  Pool pool_;                   ///< of these
  std::vector<Levels> questions_;
  std::set<Levels> asked_;
  std::int64_t refused_ = 0;  ///< of them; these cost nothing
  Surrogate surrogate_;
  std::size_t fitted_ = 0;  ///< observations of the last fit
  int quiet_ = 0;           ///< questions in a row of which little was expected
  bool finished_ = false;
  std::vector<std::string> decisions_;
};

OptionInfo Hours() {
  return {.name = "gpu_hours",
          .type = OptionType::kNumber,
          .default_value = 0.0,
          .minimum = 0,
          .maximum = 1e6,
          .help = "The most hours of training, all trials together; 0: no limit."};
}

[[maybe_unused]] const bool registered_model = RegisterStrategy<ModelStrategy>(
    {.name = "model",
     .help = "the model that is expected to gain most, by a Gaussian process over the parts",
     .options = {
         BudgetKey(), Hours(),
         IntegerKey(
             "parallel", 8, 1, 1024,
             "Questions under way at once: so many workers are kept busy, and a question knows "
             "all answers but those to the last so many before it."),
         SeedKey()}});

}  // namespace
}  // namespace beamgrid
