// Successive halving over epochs: all candidates are trained for a few epochs, the best part of
// them goes on for `eta` times as many, and so on to the end of the training (Jamieson and
// Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization"). A
// promoted trial goes on from its checkpoint, so no epoch is trained twice, and its result is that
// of a training in one go.
//
// Curves cross, so from the second rung on candidates are ranked by where they would be at the next
// one if they gained once more what they gained since the last (docs/search.md has what that
// saves); rank = "score" is the method of the paper. Promotion is decided when all of a rung have
// ended, so it depends on no worker's pace.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "registry/util/text.h"
#include "search/sample_points.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

constexpr double kMostEpochs = 1e6;
/// A grid that is larger must say how many of its points are to be tried.
constexpr std::int64_t kLargestGrid = 10'000;

std::int64_t Setting(const Recipe& recipe, const std::string& name) {
  return recipe.search.other.at(name).as_int64();
}

/// Returns the epochs of a whole training: one number for all models, or Mistakes says so. Not that
/// of the baseline, which may be held at another and is none of the candidates.
std::int64_t LastEpoch(const SearchSpace& space, const Recipe& recipe) {
  const std::optional<std::int64_t> first = space.NextAllowed(0);
  const Options train = first ? space.At(*first)->train : recipe.train;
  return train.at("epochs").as_int64();
}

/// Returns the looks at a training before its end: 1/eta of it, 1/eta of that and so on, not before
/// min_epochs.
std::vector<std::int64_t> RungsOf(const SearchSpace& space, const Recipe& recipe) {
  std::vector<std::int64_t> rungs;
  const std::int64_t eta = Setting(recipe, "eta");
  for (std::int64_t epochs = LastEpoch(space, recipe) / eta;
       epochs >= Setting(recipe, "min_epochs"); epochs /= eta) {
    rungs.insert(rungs.begin(), epochs);
  }
  return rungs;
}

class HalvingStrategy : public Strategy {
 public:
  HalvingStrategy(const SearchSpace& space, const Recipe& recipe)
      : eta_(Setting(recipe, "eta")),
        looks_ahead_(recipe.search.other.at("rank").as_string() == "ahead") {
    const std::int64_t candidates = Setting(recipe, "candidates");
    if (candidates > 0) {
      const auto seed = static_cast<std::uint64_t>(Setting(recipe, "seed"));
      for (const std::int64_t point : SamplePoints(space, candidates, seed)) Add(space, point);
    } else {
      for (auto point = space.NextAllowed(0); point; point = space.NextAllowed(*point + 1)) {
        Add(space, *point);
      }
    }
    rungs_ = RungsOf(space, recipe);
    asked_for_ = entries_.size();
    last_epoch_ = LastEpoch(space, recipe);
    BeginRung();
  }

  static std::vector<SearchMistake> Mistakes(const SearchSpace& space, const Recipe& recipe) {
    std::vector<SearchMistake> mistakes;
    for (const OptionAxis& axis : recipe.train_grid) {
      if (std::ranges::count(axis.names, "epochs") > 0 && axis.steps.size() > 1) {
        return {{"",
                 "halving compares models after equally many epochs, but grid.train varies "
                 "epochs: write one number under [train]",
                 "grid.train.epochs"}};
      }
    }
    if (RungsOf(space, recipe).empty()) {
      const std::int64_t first = Setting(recipe, "min_epochs"), eta = Setting(recipe, "eta");
      const auto end = static_cast<std::size_t>(LastEpoch(space, recipe));
      mistakes.push_back({"min_epochs",
                          "the first look at a training comes after 1/" + std::to_string(eta) +
                              " of it (eta) and not before epoch " + std::to_string(first) +
                              " (min_epochs), and a training has " + CountText(end, "epoch") +
                              ": there is nothing to halve; write train.epochs = " +
                              std::to_string(SaturatingMultiply(first, eta)) + " or more" +
                              (first > 1 ? ", fewer min_epochs" : "") + ", or strategy = \"grid\"",
                          "train.epochs"});
    }
    const std::int64_t candidates = Setting(recipe, "candidates");
    if (candidates == 1) {
      mistakes.push_back({"candidates",
                          "is 1, and one model has none to be compared with: write 2 "
                          "or more, or 0 for the whole grid"});
    }
    if (candidates == 0 && space.size() > kLargestGrid) {
      mistakes.push_back({"candidates", "the grid has " + std::to_string(space.size()) +
                                            " points: write how many of them are to be tried, at "
                                            "most " +
                                            std::to_string(kLargestGrid)});
    }
    return mistakes;
  }

  std::optional<Candidate> Ask() override {
    if (finished_ || next_ == entries_.size()) return std::nullopt;
    const Entry& entry = entries_[next_++];
    Candidate candidate = entry.candidate;
    candidate.epochs = epochs();
    candidate.why = Why(entry);
    pending_.insert(candidate.name);
    return candidate;
  }

  void Tell(const Finding& finding) override {
    if (pending_.erase(finding.name) == 0) {
      throw std::logic_error("halving: told of '" + finding.name + "', which it does not wait for");
    }
    Entry& entry = entries_[index_.at(finding.name)];
    entry.before = std::exchange(entry.score, finding.objective);
    entry.size_bytes = finding.size_bytes;
    entry.has_sound_seeds = !finding.scores.empty();
    losses_.Count(finding);
    refused_ += finding.is_refused ? 1 : 0;
    if (next_ == entries_.size() && pending_.empty()) EndRung();
  }

  [[nodiscard]] bool finished() const override { return finished_; }
  [[nodiscard]] bool has_asked_for_all() const override {
    return finished_ || rung_ > 0 || next_ == entries_.size();
  }
  [[nodiscard]] Effort effort() const override {
    // Who is refused takes part in no rung: as many fewer go on.
    Effort effort = EffortOf(asked_for_ - std::min(refused_, asked_for_));
    effort.least = static_cast<std::int64_t>(asked_for_);
    effort.most = effort.least;
    return effort;
  }
  [[nodiscard]] std::vector<std::string> Decisions() const override { return decisions_; }
  [[nodiscard]] std::vector<LetGo> TakeLetGo() override { return std::exchange(let_go_, {}); }

 private:
  /// Entry is a candidate of the rung under way.
  struct Entry {
    Candidate candidate;
    std::optional<double> score = {};   ///< of the last rung that it was told of
    std::optional<double> before = {};  ///< of the one before that
    std::int64_t size_bytes = 0;
    std::size_t place = 0;  ///< in the last rung; 0: there was none
    bool has_sound_seeds = false;
  };

  void Add(const SearchSpace& space, std::int64_t point) {
    ModelSpec model = *space.At(point);
    std::string name = space.Name(model);
    entries_.push_back({.candidate = {std::move(name), std::move(model)}, .score = {}});
  }

  /// Returns the epochs after which the rung is measured; nothing: at the end.
  [[nodiscard]] std::optional<std::int64_t> epochs() const {
    return rung_ < rungs_.size() ? std::optional(rungs_[rung_]) : std::nullopt;
  }

  [[nodiscard]] std::string Why(const Entry& entry) const {
    const std::string until =
        epochs() ? "to epoch " + std::to_string(*epochs()) : "to the end of its training";
    if (entry.place == 0) return "rung 1: every candidate is trained " + until;
    return "rung " + std::to_string(rung_ + 1) + ": place " + std::to_string(entry.place) +
           " after epoch " + std::to_string(rungs_[rung_ - 1]) + " has it trained on " + until;
  }

  void BeginRung() {
    next_ = 0;
    index_.clear();
    for (std::size_t i = 0; i < entries_.size(); ++i) index_[entries_[i].candidate.name] = i;
    if (entries_.empty()) Finish("no model was trained to the end");
  }

  void EndRung() {
    std::vector<Entry> sound;
    for (Entry& entry : entries_) {
      if (entry.score) {
        sound.push_back(std::move(entry));
      } else if (epochs() && entry.has_sound_seeds) {
        // The other seeds wait, and nobody would take them on.
        let_go_.push_back({entry.candidate.name, "it was let go after epoch " +
                                                     std::to_string(*epochs()) +
                                                     ": another seed of it failed"});
      }
    }
    const std::string losses = std::exchange(losses_, {}).After("; ");
    // At the end what counts is what was reached.
    const bool ahead = looks_ahead_ && epochs().has_value();
    std::ranges::sort(sound, [ahead](const Entry& left, const Entry& right) {
      return Beats(AsFinding(left, ahead), AsFinding(right, ahead));
    });
    if (sound.empty()) {
      return Finish("rung " + std::to_string(rung_ + 1) + losses +
                    ": no model was trained to the end");
    }
    if (!epochs()) {
      return Finish("rung " + std::to_string(rung_ + 1) + ", the end: best of " +
                    CountText(sound.size(), "model") + ": " + sound.front().candidate.name +
                    " with " + FixedText(*sound.front().score, 5) + losses);
    }
    const std::size_t kept = Promoted(sound.size());
    for (std::size_t i = 0; i < sound.size(); ++i) sound[i].place = i + 1;
    const auto best = std::ranges::max_element(sound, {}, [](const Entry& e) { return *e.score; });
    decisions_.push_back("rung " + std::to_string(rung_ + 1) + ", epoch " +
                         std::to_string(*epochs()) + ": " + std::to_string(kept) + " of " +
                         CountText(sound.size(), "model") + (kept == 1 ? " goes on" : " go on") +
                         "; best: " + best->candidate.name + " with " + FixedText(*best->score, 5) +
                         losses);
    for (std::size_t i = kept; i < sound.size(); ++i) {
      let_go_.push_back(
          {sound[i].candidate.name,
           "it was let go after epoch " + std::to_string(*epochs()) + " with " +
               FixedText(*sound[i].score, 5) +
               (sound[i].before ? " (" + FixedText(*sound[i].before, 5) + " a rung before)" : "") +
               ": place " + std::to_string(i + 1) + " of " + std::to_string(sound.size()) +
               ", of which " + std::to_string(kept) + " went on"});
    }
    sound.resize(kept);
    entries_ = std::move(sound);
    ++rung_;
    BeginRung();
  }

  /// `ahead`: with the score that it would have at the next rung.
  static Finding AsFinding(const Entry& entry, bool ahead) {
    const double gain = ahead && entry.before ? *entry.score - *entry.before : 0;
    return {.name = entry.candidate.name,
            .model = {},
            .objective = *entry.score + gain,
            .size_bytes = entry.size_bytes};
  }

  /// Returns how many of so many go on: one in eta, at least one.
  [[nodiscard]] std::size_t Promoted(std::size_t models) const {
    const auto eta = static_cast<std::size_t>(eta_);
    return (models + eta - 1) / eta;
  }

  /// Returns what the rungs ask for where nothing fails.
  [[nodiscard]] Effort EffortOf(std::size_t models) const {
    const auto all = static_cast<std::int64_t>(models);
    double trained = 0;
    std::int64_t before = 0;
    std::size_t left = models;
    for (const std::int64_t epoch : rungs_) {
      trained += static_cast<double>(left) * static_cast<double>(epoch - before);
      before = epoch;
      left = Promoted(left);
    }
    trained += static_cast<double>(left) * static_cast<double>(last_epoch_ - before);
    const double whole = static_cast<double>(models) * static_cast<double>(last_epoch_);
    return {.least = all,
            .most = all,
            .epoch_share = models == 0 ? 1 : trained / whole,
            .to_the_end = static_cast<std::int64_t>(left)};
  }

  void Finish(std::string text) {
    finished_ = true;
    decisions_.push_back(std::move(text));
  }

  std::int64_t eta_;
  bool looks_ahead_;
  std::vector<std::int64_t> rungs_;  ///< epochs at which is looked, without the end
  std::int64_t last_epoch_ = 0;
  std::size_t asked_for_ = 0, refused_ = 0;  ///< candidates at the beginning, and of them
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> index_;  ///< of entries_, by name
  std::vector<std::string> decisions_;
  std::vector<LetGo> let_go_;
  std::size_t rung_ = 0, next_ = 0;
  std::set<std::string> pending_;
  Losses losses_;  ///< of the rung
  bool finished_ = false;
};

OptionInfo Rank() {
  return {.name = "rank",
          .type = OptionType::kString,
          .default_value = "ahead",
          .choices = {"ahead", "score"},
          .help =
              "By what candidates are promoted: where they would be at the next look, or where "
              "they are."};
}

[[maybe_unused]] const bool registered_halving = RegisterStrategy<HalvingStrategy>(
    {.name = "halving",
     .help = "all are trained a few epochs, the best of them on, and so on (successive halving)",
     .options = {IntegerKey("eta", 2, 2, 16,
                            "One candidate in so many is trained on, eta times as long."),
                 IntegerKey("min_epochs", 1, 1, kMostEpochs,
                            "The first look at a training is not before this epoch."),
                 IntegerKey("candidates", 0, 0, 1e6,
                            "So many points of the grid, drawn at random; 0: every one."),
                 Rank(), SeedKey()},
     .needs = {{"seed", "candidates"}}});

}  // namespace
}  // namespace beamgrid
