#include "reports/study_effects.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

#include "registry/added_options.h"
#include "registry/store/form.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "reports/one_per_seed.h"

namespace beamgrid {
namespace {

constexpr std::size_t kListed = 3;
constexpr std::size_t kListedUntried = 8;

/// Point is one combination as the record has it.
struct Point {
  std::string name;
  std::map<std::int64_t, double> scores;  ///< by seed
  bool failed = false;                    ///< a trial of it failed for good
};

/// LeftOut is the trials that say nothing.
struct LeftOut {
  std::vector<std::string> failed, let_go, unfinished, unmeasured, uncounted;
};

std::string NameOf(const TrialRecord& trial) {
  return trial.name + "#" + std::to_string(trial.seed);
}

/// Maker makes the effects of one study.
class Maker {
 public:
  Maker(const std::string& study, const Metric* metric, const std::vector<TrialRecord>& trials,
        const Catalogue& catalogue, const Recipe* recipe, const EffectsBudget& budget,
        std::set<std::string> refused)
      : metric_(metric),
        recipe_(recipe),
        budget_(budget),
        refused_(std::move(refused)),
        trials_(Counted(trials)) {
    RequireOneTrialPerSeed(trials_);
    // Seeds of a model have one text, as a rule, and thousands of trials take a while to be read.
    std::vector<ModelSpec> models;
    std::unordered_map<std::string_view, std::size_t> place_of_text;
    std::vector<std::size_t> place_of_trial;
    for (const TrialRecord& trial : trials_) {
      const auto [place, is_new] = place_of_text.try_emplace(trial.model_json, models.size());
      place_of_trial.push_back(place->second);
      if (!is_new) continue;
      models.push_back(ModelSpecFromJson(ParseJson(trial.model_json)));
      FillInAsBefore(models.back(), &catalogue);
    }
    grid_.emplace(models, catalogue, recipe);
    varied_ = !grid_->factors().empty();
    std::set<std::size_t> measured;
    for (std::size_t i = 0; i < trials_.size(); ++i) {
      if (IsMeasured(trials_[i])) measured.insert(place_of_trial[i]);
    }
    std::vector<ModelSpec> of_measured;
    for (const std::size_t place : measured) of_measured.push_back(models[place]);
    untried_ = grid_->KeepLevelsOf(of_measured);
    std::vector<std::optional<GridPoint>> points;
    for (const ModelSpec& model : models) points.push_back(grid_->PointOf(model));
    for (std::size_t i = 0; i < trials_.size(); ++i) Place(trials_[i], points[place_of_trial[i]]);
    made_.study = study;
    made_.metric = metric;
    made_.factors = grid_->factors();
  }

  /// Returns the number of combinations with a score.
  [[nodiscard]] std::size_t measured() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        points_, [](const auto& point) { return !point.second.scores.empty(); }));
  }
  [[nodiscard]] std::size_t factors() const { return made_.factors.size(); }

  StudyEffects Make() {
    Require();
    made_.effects = FindEffects(Question());
    // Who was let go is missing from the average, and that was no chance.
    if (!left_out_.let_go.empty()) made_.effects.mean.interval.reset();
    for (Estimate* estimate : {&made_.effects.mean, &made_.effects.best_score}) {
      // Every metric is a share of what could be right.
      estimate->value = std::clamp(estimate->value, 0.0, 1.0);
      if (!estimate->interval) continue;
      estimate->interval->low = std::clamp(estimate->interval->low, 0.0, 1.0);
      estimate->interval->high = std::clamp(estimate->interval->high, 0.0, 1.0);
    }
    AddNames();
    made_.shares_known = !IsFew() || 2 * made_.effects.looked_at >= made_.effects.grid_points;
    AddNotes();
    return std::move(made_);
  }

 private:
  std::vector<TrialRecord> Counted(const std::vector<TrialRecord>& trials) {
    std::vector<TrialRecord> counted;
    for (const TrialRecord& trial : trials) {
      if (trial.counts()) {
        counted.push_back(trial);
      } else if (!IsForm(trial)) {
        left_out_.uncounted.push_back(NameOf(trial));
      }
    }
    return counted;
  }

  [[nodiscard]] bool IsMeasured(const TrialRecord& trial) const {
    return trial.state == TrialState::kComplete && trial.result &&
           std::isfinite(trial.result->metrics.*metric_->value);
  }

  /// A trial that was not measured has no point where none of its level was.
  void Place(const TrialRecord& trial, const std::optional<GridPoint>& point) {
    if (point && points_[*point].name.empty()) points_[*point].name = trial.name;
    if (trial.state == TrialState::kFailed) {
      if (point) points_[*point].failed = true;
      left_out_.failed.push_back(NameOf(trial));
    } else if (trial.state == TrialState::kPruned) {
      left_out_.let_go.push_back(NameOf(trial));
    } else if (trial.state != TrialState::kComplete || !trial.result) {
      left_out_.unfinished.push_back(NameOf(trial));
    } else if (!IsMeasured(trial)) {
      left_out_.unmeasured.push_back(NameOf(trial));
    } else {
      points_.at(*point).scores.emplace(trial.seed, trial.result->metrics.*metric_->value);
    }
  }

  [[nodiscard]] std::string LeftOutText() const {
    std::string text;
    const auto add = [&text](const std::vector<std::string>& trials, const std::string& why) {
      if (trials.empty()) return;
      text += (text.empty() ? "" : "; ") + CountText(trials.size(), "trial") + " " + why + " (" +
              JoinFirst(trials, kListed) + ")";
    };
    add(left_out_.failed, "failed");
    add(left_out_.let_go, "let go before the end");
    add(left_out_.unfinished, "not complete");
    add(left_out_.unmeasured, std::string("without ") + metric_->heading);
    add(left_out_.uncounted, "no longer counted");
    return text;
  }

  void Require() const {
    const std::string start = "study '" + made_.study + "': nothing to learn effects from: ";
    const std::string rest = LeftOutText();
    const std::string left_out = rest.empty() ? "" : "; left out: " + rest;
    if (!varied_) {
      throw UsageError(start + "nothing varies, and at least 1 criterion must have 2 candidates" +
                       left_out);
    }
    if (measured() < 2) {
      throw UsageError(
          start + CountText(measured(), "combination") + (measured() == 1 ? " is" : " are") +
          " complete, and at least 2 must be; `beamgrid run` goes on with the study" + left_out);
    }
  }

  [[nodiscard]] EffectsQuestion Question() const {
    EffectsQuestion question;
    for (const StudyFactor& factor : made_.factors) {
      question.levels.push_back(static_cast<std::int32_t>(factor.levels.size()));
    }
    for (const auto& [place, point] : points_) {
      if (point.scores.empty()) continue;
      MeasuredCombination observation{.point = place};
      for (const auto& [seed, score] : point.scores) observation.scores.push_back(score);
      question.observations.push_back(std::move(observation));
    }
    question.allowed = [this](const GridPoint& point) { return grid_->IsAllowed(point); };
    question.unavailable = [this](const GridPoint& point) {
      const auto known = points_.find(point);
      return known == points_.end() ? IsRefused(point) : known->second.failed;
    };
    question.baseline = grid_->Baseline();
    question.budget = budget_;
    question.highest = 1;  // every metric is a share of what could be right
    return question;
  }

  [[nodiscard]] bool IsRefused(const GridPoint& point) const {
    return !refused_.empty() && refused_.contains(grid_->NameOf(point));
  }

  [[nodiscard]] std::string NameAt(const GridPoint& place) const {
    const auto known = points_.find(place);
    return known == points_.end() ? grid_->NameOf(place) : known->second.name;
  }

  [[nodiscard]] std::int64_t NextSeed(const GridPoint& place,
                                      const std::set<std::int64_t>& proposed) const {
    const auto known = points_.find(place);
    const auto is_free = [&](std::int64_t seed) {
      return !proposed.contains(seed) &&
             (known == points_.end() || !known->second.scores.contains(seed));
    };
    if (recipe_ != nullptr) {
      const auto free = std::ranges::find_if(recipe_->seeds, is_free);
      if (free != recipe_->seeds.end()) return *free;
    }
    std::int64_t seed = 1;
    while (!is_free(seed)) ++seed;
    return seed;
  }

  void AddNames() {
    const Effects& effects = made_.effects;
    made_.best = NameAt(effects.best);
    const auto best = points_.find(effects.best);
    made_.best_is_trained = best != points_.end() && !best->second.scores.empty();
    made_.best_is_refused = best == points_.end() && IsRefused(effects.best);
    if (effects.one_at_a_time) {
      made_.baseline = NameAt(*grid_->Baseline());
      made_.chosen = NameAt(effects.one_at_a_time->chosen);
    }
    std::map<GridPoint, std::set<std::int64_t>> proposed;
    for (const Proposal& proposal : effects.proposals) {
      std::set<std::int64_t>& seeds = proposed[proposal.point];
      const std::int64_t seed = NextSeed(proposal.point, seeds);
      seeds.insert(seed);
      made_.proposals.push_back({NameAt(proposal.point), seed, proposal.reduction});
    }
  }

  /// Returns how many numbers say what the parts do by themselves.
  [[nodiscard]] std::int64_t Unknowns() const {
    std::int64_t unknowns = 1;
    for (const StudyFactor& factor : made_.factors) unknowns += std::ssize(factor.levels) - 1;
    return unknowns;
  }

  [[nodiscard]] bool IsFew() const {
    return made_.effects.method == EffectsMethod::kPosterior &&
           made_.effects.looked_at < 3 * Unknowns();
  }

  void AddNotes() {
    const Effects& effects = made_.effects;
    std::vector<std::string>& notes = made_.notes;
    notes.push_back(std::string(metric_->heading) +
                    " is that of each trial's best epoch, on the videos that also chose that "
                    "epoch: a little too high for all");
    if (const std::string text = LeftOutText(); !text.empty()) notes.push_back("left out: " + text);
    if (!left_out_.let_go.empty()) {
      notes.emplace_back(
          "those that were let go are the worse ones, as far as they came: the average looks "
          "higher and effects look smaller than they are, and intervals do not allow for it");
    }
    if (!untried_.empty()) {
      notes.push_back("candidates without a complete trial, left out: " +
                      JoinFirst(untried_, kListedUntried));
    }
    if (effects.looked_at < effects.measured) {
      notes.push_back("of the " + std::to_string(effects.measured) +
                      " combinations that are measured " + std::to_string(effects.looked_at) +
                      " were looked at, drawn at random, always the same ones: intervals are wider "
                      "than those of all, which `beamgrid effects " +
                      made_.study + "` takes its time for");
    }
    AddNoiseNote();
    if (IsFew()) {
      notes.push_back("few combinations are measured (" + std::to_string(effects.looked_at) +
                      " of " + std::to_string(effects.grid_points) + ", for " +
                      std::to_string(Unknowns()) +
                      " unknowns of the parts alone): the shares of the variance " +
                      (made_.shares_known ? "say little yet, and a share of 0 % does not say that "
                                            "a part does not matter"
                                          : "are not known"));
    }
    if (effects.sampled) {
      notes.push_back("the grid is too large to look at whole: effects are averaged over " +
                      std::to_string(effects.grid_points) +
                      " combinations of it, drawn at random, always the same ones");
    }
    const auto joined = std::ranges::find_if(made_.factors, [](const StudyFactor& factor) {
      return factor.train.size() > 1 && factor.train[0] == "teacher";
    });
    if (grid_->joins_teacher_weight() && joined != made_.factors.end()) {
      notes.push_back(joined->name +
                      ": one factor, for a teacher's weight says something only of models that "
                      "have a teacher");
    }
    for (const std::string& factor : grid_->cut()) {
      notes.push_back(factor + ": of its many candidates only those tried are levels here");
    }
    for (std::size_t f = 0; f < effects.factors.size(); ++f) {
      if (!effects.factors[f].confounded) continue;
      const auto name = [this](std::size_t other) { return made_.factors[other].name; };
      notes.push_back(made_.factors[f].name + ": what is excluded ties it to " +
                      Join(effects.factors[f].tied_to, ", ", name) +
                      (effects.factors[f].told
                           ? "; their effects cannot be told apart, and those that stand here are "
                             "of both together"
                           : "; their effects cannot be told apart"));
    }
    if (effects.pairs_left_out) {
      notes.emplace_back(budget_.most_pair_work < EffectsBudget().most_pair_work
                             ? "pairs: too many to look at here; `beamgrid effects " + made_.study +
                                   "` may have them"
                             : "pairs: too many to look at");
    }
    if (recipe_ == nullptr) {
      notes.emplace_back(
          "this program cannot read the study's recipe: the grid is what was tried, and one at a "
          "time has no baseline");
    }
  }

  void AddNoiseNote() {
    const Effects& effects = made_.effects;
    std::vector<std::string>& notes = made_.notes;
    switch (effects.noise_source) {
      case NoiseSource::kSeeds:
        if (effects.fewest_scores != effects.most_scores) {
          notes.push_back("a combination has " + std::to_string(effects.fewest_scores) + " to " +
                          std::to_string(effects.most_scores) +
                          " seeds: intervals allow for it, combinations weigh the same");
        }
        break;
      case NoiseSource::kInteractions:
        notes.emplace_back(
            effects.pairs_are_noise
                ? "one seed each: the noise is what the two factors do not explain, so intervals "
                  "are too wide where they interact, and whether they do is not known; a second "
                  "seed would tell"
                : "one seed each: the noise is what pairs do not explain, so intervals are too "
                  "wide where three factors interact; a second seed would tell");
        break;
      case NoiseSource::kNone:
        notes.emplace_back(
            "one seed each and nothing left over to tell noise from effects: no intervals; a "
            "second seed would give them");
        break;
      case NoiseSource::kModel:
        notes.emplace_back(
            effects.most_scores > 1
                ? "what was not measured is expected by a Gaussian process of levels and pairs; a "
                  "few combinations that are far off, and untried, are more than it expects"
                : "what was not measured is expected by a Gaussian process of levels and pairs; of "
                  "one seed each it takes all that these do not explain for noise");
        break;
    }
  }

  const Metric* metric_;
  const Recipe* recipe_;
  EffectsBudget budget_;
  std::set<std::string> refused_;  ///< names of models
  LeftOut left_out_;
  std::vector<TrialRecord> trials_;  ///< those that count
  std::optional<StudyGrid> grid_;
  bool varied_ = false;               ///< the study varies something, tried or not
  std::vector<std::string> untried_;  ///< levels without a measured trial
  std::map<GridPoint, Point> points_;
  StudyEffects made_;
};

Maker MakerOf(const Store& store, const Catalogue& catalogue, const StudyRecord& study,
              const std::optional<Recipe>& recipe) {
  return Maker(study.name, MetricNamed("objective", study.objective),
               store.Trials(study.id, Counting::kAll), catalogue, recipe ? &*recipe : nullptr, {},
               RefusedModels(store, study));
}

boost::json::value ToJson(const std::optional<Estimate>& estimate) {
  if (!estimate) return nullptr;
  boost::json::object json = {{"value", estimate->value}, {"low", nullptr}, {"high", nullptr}};
  if (estimate->interval) {
    json["low"] = estimate->interval->low;
    json["high"] = estimate->interval->high;
  }
  return json;
}

boost::json::value SourceJson(NoiseSource source) {
  switch (source) {
    case NoiseSource::kSeeds:
      return "seeds";
    case NoiseSource::kInteractions:
      return "interactions";
    case NoiseSource::kModel:
      return "model";
    case NoiseSource::kNone:
      break;
  }
  return nullptr;
}

/// Returns a share or a deviation of the variance; null where they are not known.
boost::json::value ShareJson(const StudyEffects& made, double share) {
  if (!made.shares_known) return nullptr;
  return share;
}

boost::json::object FactorJson(const StudyEffects& made, std::size_t place) {
  const StudyFactor& factor = made.factors[place];
  const FactorEffects& effects = made.effects.factors[place];
  boost::json::value share = nullptr, best = nullptr;
  if (effects.told) {
    share = ShareJson(made, effects.share);
    best = factor.levels[static_cast<std::size_t>(effects.best)];
  }
  const auto name = [&](std::size_t other) { return made.factors[other].name; };
  boost::json::array levels;
  for (std::size_t i = 0; i < factor.levels.size(); ++i) {
    const LevelEffect& level = effects.levels[i];
    levels.push_back({{"label", factor.levels[i]},
                      {"effect", ToJson(level.effect)},
                      {"measured", level.measured},
                      {"may_be_best", level.may_be_best}});
  }
  return {{"name", factor.name},
          {"criterion", factor.criterion},
          {"share", std::move(share)},
          {"best", std::move(best)},
          {"open", effects.open()},
          {"confounded", effects.confounded},
          {"tied_to", JsonList(effects.tied_to, name)},
          {"levels", std::move(levels)}};
}

boost::json::object PairJson(const StudyEffects& made, const PairEffect& pair) {
  const StudyFactor& first = made.factors[pair.first];
  const StudyFactor& second = made.factors[pair.second];
  return {{"factors", {first.name, second.name}},
          {"share", ShareJson(made, pair.share)},
          {"levels",
           {first.levels[static_cast<std::size_t>(pair.first_level)],
            second.levels[static_cast<std::size_t>(pair.second_level)]}},
          {"effect", ToJson(pair.strongest)},
          {"matters", pair.matters}};
}

}  // namespace

std::set<std::string> RefusedModels(const Store& store, const StudyRecord& study) {
  const Store::Table table = store.Query(
      "SELECT DISTINCT trial_name FROM note WHERE study = CAST(:study AS INTEGER)"
      " AND text LIKE 'refused: %'",
      {{"study", std::to_string(static_cast<std::int64_t>(study.id))}});
  std::set<std::string> names;
  for (const auto& row : table.rows) names.emplace(row[0].as_string());
  return names;
}

std::optional<Recipe> RecordedRecipe(const StudyRecord& study, const Catalogue& catalogue) {
  try {
    return ParseRecipe(study.recipe_text, study.name, catalogue);
  } catch (const RecipeError&) {
    return std::nullopt;
  }
}

StudyEffects MakeEffects(const std::string& study, const Metric* metric,
                         const std::vector<TrialRecord>& trials, const Catalogue& catalogue,
                         const Recipe* recipe, const EffectsBudget& budget,
                         const std::set<std::string>& refused) {
  return Maker(study, metric, trials, catalogue, recipe, budget, refused).Make();
}

StudyEffects MakeEffects(const Store& store, const Catalogue& catalogue, const StudyRecord& study) {
  const std::optional<Recipe> recipe = RecordedRecipe(study, catalogue);
  return MakerOf(store, catalogue, study, recipe).Make();
}

std::optional<StudyEffects> EffectsWorthTelling(const Store& store, const Catalogue& catalogue,
                                                const StudyRecord& study) {
  constexpr std::size_t kFactors = 2;
  constexpr std::size_t kCombinations = 6;
  const std::optional<Recipe> recipe = RecordedRecipe(study, catalogue);
  Maker maker = MakerOf(store, catalogue, study, recipe);
  if (maker.factors() < kFactors || maker.measured() < kCombinations) return std::nullopt;
  return maker.Make();
}

boost::json::object ToJson(const StudyEffects& made) {
  const Effects& effects = made.effects;
  boost::json::array factors;
  for (std::size_t f = 0; f < made.factors.size(); ++f) {
    factors.push_back(FactorJson(made, f));
  }
  boost::json::value one_at_a_time = nullptr;
  if (effects.one_at_a_time) {
    one_at_a_time = {{"baseline", made.baseline},
                     {"chosen", made.chosen},
                     {"allowed", effects.one_at_a_time->allowed},
                     {"loss", ToJson(effects.one_at_a_time->loss)}};
  }
  const auto proposal_json = [](const ProposedTrial& trial) {
    return boost::json::object{
        {"name", trial.name}, {"seed", trial.seed}, {"reduction", trial.reduction}};
  };
  return {{"study", made.study},
          {"metric", made.metric->name},
          {"method", effects.method == EffectsMethod::kExact ? "exact" : "posterior"},
          {"grid",
           {{"combinations", effects.grid_points},
            {"sampled", effects.sampled},
            {"measured", effects.measured},
            {"scores", effects.scores}}},
          {"mean", ToJson(effects.mean)},
          {"deviation", ShareJson(made, effects.deviation)},
          {"noise", effects.noise ? boost::json::value(*effects.noise) : nullptr},
          {"noise_source", SourceJson(effects.noise_source)},
          {"factors", std::move(factors)},
          {"pairs",
           JsonList(effects.pairs, [&](const PairEffect& pair) { return PairJson(made, pair); })},
          {"higher_share", ShareJson(made, effects.higher_share)},
          {"best",
           {{"name", made.best},
            {"score", ToJson(effects.best_score)},
            {"trained", made.best_is_trained},
            {"refused", made.best_is_refused}}},
          {"one_at_a_time", std::move(one_at_a_time)},
          {"proposals", JsonList(made.proposals, proposal_json)},
          {"notes", boost::json::value_from(made.notes)}};
}

}  // namespace beamgrid
