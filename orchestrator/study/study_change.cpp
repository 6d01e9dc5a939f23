#include "orchestrator/study/study_change.h"

#include <algorithm>
#include <set>

#include "orchestrator/study/trial_history.h"
#include "orchestrator/study/trial_intake.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

/// A search is followed through the record for so many trials; what it asks for after them counts
/// as undecided.
constexpr std::size_t kFollowedTrials = 20'000;

/// So many models that the record does not hold are counted; what comes after them counts as not
/// refused.
constexpr int kCountedModels = 1000;

/// What is refused leaves no trial in the record, and a search goes on behind it.
class SomeCounted : public ModelCounter {
 public:
  explicit SomeCounted(ModelCounter& counter) : counter_(counter) {}
  CountAnswer Count(const ModelSpec& model, const DataSpec& data) override {
    return counted_++ < kCountedModels ? counter_.Count(model, data) : ModelSize{};
  }
  std::string WhyNoStart(const ModelSpec& model, const DataSpec& data, const TrialSpec& start,
                         const std::string& fingerprint) override {
    return counted_ <= kCountedModels ? counter_.WhyNoStart(model, data, start, fingerprint) : "";
  }
  /// True if every answer was one of the counter.
  [[nodiscard]] bool knew_all() const { return counted_ <= kCountedModels; }

 private:
  ModelCounter& counter_;
  int counted_ = 0;
};

/// Followed is what a search asks for, as far as the record holds its results.
struct Followed {
  std::set<std::string> fingerprints;
  std::set<std::string> models;  ///< as canonical JSON, where further seeds of them may follow
  bool to_its_end = false;
  bool all_models = false;  ///< no others come, whatever the results are
};

std::string KeyOf(const ModelSpec& model) { return CanonicalJson(ToJson(model)); }

Followed Follow(TrialIntake& intake, const Store& store, bool races) {
  Followed followed;
  bool all_over = true;
  while (followed.fingerprints.size() < kFollowedTrials) {
    const std::optional<ConsideredCandidate> candidate = intake.Next();
    if (!candidate) {
      followed.to_its_end = all_over && intake.strategy().finished();
      followed.all_models = intake.strategy().has_asked_for_all();
      return followed;
    }
    if (candidate->refusal) continue;
    if (races) followed.models.insert(KeyOf(candidate->trials.front().spec.model));
    for (const StudyTrial& trial : candidate->trials) {
      followed.fingerprints.insert(trial.fingerprint);
      if (trial.known && intake.IsMeasured(trial)) {
        intake.SettleMeasured(trial);
      } else if (trial.known && IsOver(store, *trial.known)) {
        intake.SettleEnded(trial, *trial.known);
      } else {
        all_over = false;
      }
    }
    intake.Forget(*candidate);
  }
  return followed;
}

/// True if finished trials may leave against their author's will. Where a change only adds, what a
/// search decides anew by its results is what was asked for; but no result decides what is drawn.
bool Narrows(const std::vector<RecipeChange>& changes, const Recipe& recipe) {
  return std::ranges::any_of(changes, [&recipe](const RecipeChange& change) {
    return change.effect == ChangeEffect::kAdds ? DrawsModels(recipe.search)
                                                : change.effect != ChangeEffect::kConduct;
  });
}

class ChangeFinder {
 public:
  ChangeFinder(const Store& store, const Recipe& recipe, const Catalogue& catalogue,
               const DataSpec& data, ModelCounter& counter)
      : store_(store), recipe_(recipe), catalogue_(catalogue), data_(data), counter_(counter) {}

  StudyChange Find() {
    const std::optional<StudyRecord> study = store_.FindStudy(recipe_.name);
    if (!study) return {};
    CompareRecipes(*study);
    if (!data_.digest.empty()) CountTrials(*study);
    return std::move(change_);
  }

 private:
  void CompareRecipes(const StudyRecord& study) {
    if (study.recipe_text == recipe_.text) return;
    try {
      const Recipe then = ParseRecipe(study.recipe_text, "the recorded recipe", catalogue_);
      change_.recipe = RecipeChanges(then, recipe_, catalogue_);
    } catch (const RecipeError& error) {
      change_.only_as_text = FirstLine(error.what());
      CompareTexts(study);
    }
  }

  void CompareTexts(const StudyRecord& study) {
    try {
      change_.recipe = TextChanges(study.recipe_text, recipe_.text);
    } catch (const RecipeError& error) {
      change_.recipe = {{"the recorded recipe cannot be read, so what has changed is not known",
                         ChangeEffect::kSearch}};
    }
  }

  void CountTrials(const StudyRecord& study) {
    SomeCounted counter(counter_);
    TrialIntake intake(recipe_, catalogue_, data_, &store_, counter, /*slots=*/1);
    const bool races = recipe_.least_seeds < recipe_.seeds.size();
    // What a race of seeds asks for, results decide as well.
    const bool is_grid = recipe_.search.strategy == "grid" && !races;
    // Of a large one it is not looked which points are refused.
    const std::optional<std::int64_t> planned = intake.planned();
    const bool is_large_grid =
        is_grid && (change_.recipe.empty() || !planned || *planned > kCountedModels);
    Followed followed;
    if (!is_large_grid) followed = Follow(intake, store_, races);
    // What was taken for a model may be refused, and leave room for another one.
    followed.all_models = followed.all_models && counter.knew_all();
    const bool narrows = Narrows(change_.recipe, recipe_);
    const auto results_decide = [&](const TrialRecord& trial) {
      if (!followed.all_models) return true;
      const std::optional<ModelSpec> model = races ? intake.ModelNow(trial) : std::nullopt;
      return model && followed.models.contains(KeyOf(*model));
    };
    std::vector<TrialRecord> of_other_content;
    std::int64_t known = 0;  // trials that are asked for and the study's already
    for (TrialRecord& trial : store_.Trials(study.id, Counting::kAll)) {
      const bool finished = trial.state == TrialState::kComplete;
      const bool asked = followed.fingerprints.contains(trial.fingerprint);
      std::optional<std::string> now;
      if (!asked) now = intake.FingerprintNow(trial);
      const bool is_meant = asked || now == trial.fingerprint;
      // Asked for, and refused.
      const bool too_large = !asked && intake.IsTooLarge(trial);
      const bool same = is_meant && !too_large;
      const bool stays = asked || (same && is_grid);
      if (stays || (is_meant && is_large_grid)) ++known;
      if (!trial.counts()) {
        if (stays && finished) ++change_.return_again;
        continue;
      }
      if (stays) {
        ++change_.stay;
        continue;
      }
      // A search that is known to its end asks for no more; else its results decide. What it has
      // trained and its recipe does not tell of is its own affair while nobody changes the recipe.
      const bool may_be_asked =
          (same && results_decide(trial)) ||
          (!is_grid && !is_meant && !now && !too_large && change_.recipe.empty());
      if (may_be_asked && !(followed.to_its_end && narrows)) {
        if (finished && narrows) ++change_.finished_at_stake;
        ++change_.undecided;
        if (finished) ++change_.finished_undecided;
        continue;
      }
      if (finished) ++change_.finished_leaving;
      change_.unasked.push_back(trial.id);
      if (now) of_other_content.push_back(std::move(trial));
    }
    change_.outdated = intake.OutdatedOf(of_other_content);
    for (const Outdated& group : change_.outdated) {
      std::erase_if(change_.unasked, [&](TrialId trial) {
        return std::ranges::find(group.trials, trial) != group.trials.end();
      });
    }
    if (is_large_grid) {
      if (planned) change_.added = std::max<std::int64_t>(0, *planned - known);
    } else {
      change_.added = static_cast<std::int64_t>(followed.fingerprints.size()) - known;
      const bool all_trials = followed.all_models && !races;
      change_.more_may_follow = !is_grid && !followed.to_its_end && !all_trials;
    }
    change_.counted = true;
  }

  const Store& store_;
  const Recipe& recipe_;
  const Catalogue& catalogue_;
  const DataSpec& data_;
  ModelCounter& counter_;
  StudyChange change_;
};

std::string Trials(std::int64_t count) {
  return CountText(static_cast<std::size_t>(count), "trial");
}

/// Returns "6 trials stay, 2 are new, 3 are no longer asked for (2 of them complete)".
std::string CountsLine(const StudyChange& change) {
  const auto verb = [](std::int64_t count) { return count == 1 ? " is " : " are "; };
  std::string line = Trials(change.stay) + (change.stay == 1 ? " stays" : " stay");
  if (change.return_again > 0) {
    line += ", " + std::to_string(change.return_again) + " of earlier recipes or data " +
            (change.return_again == 1 ? "counts" : "count") + " again";
  }
  if (change.added) {
    line += ", " + std::to_string(*change.added) + verb(*change.added) + "new" +
            (change.more_may_follow ? " to begin with" : "");
  } else {
    line += ", the rest of the grid is new";
  }
  const auto leaving = static_cast<std::int64_t>(change.leaving());
  line += ", " + std::to_string(leaving) + verb(leaving) + "no longer asked for";
  if (change.finished_leaving > 0) {
    line += " (" + std::to_string(change.finished_leaving) + " of them complete)";
  }
  if (change.undecided > 0) {
    line += "; of " + std::to_string(change.undecided) + " more the results decide";
    if (change.finished_undecided > 0) {
      line += " (" + std::to_string(change.finished_undecided) +
              " complete: they may no longer count at the end)";
    }
  }
  if (change.more_may_follow) line += "; which new ones follow, the search decides by its results";
  return line;
}

}  // namespace

std::size_t StudyChange::leaving() const {
  std::size_t count = unasked.size();
  for (const Outdated& group : outdated) count += group.trials.size();
  return count;
}

StudyChange FindStudyChange(const Store& store, const Recipe& recipe, const Catalogue& catalogue,
                            const DataSpec& data, ModelCounter& counter) {
  return ChangeFinder(store, recipe, catalogue, data, counter).Find();
}

std::vector<std::string> LinesOf(const StudyChange& change) {
  std::vector<std::string> lines;
  if (!change.any()) return lines;
  if (!change.recipe.empty()) {
    lines.emplace_back("the recipe has changed since the study was run last:");
    for (const RecipeChange& one : change.recipe) lines.push_back("  " + one.text);
    if (!change.only_as_text.empty()) {
      lines.push_back("  (compared as texts: the recorded recipe cannot be checked any more: " +
                      change.only_as_text + ")");
    }
  }
  for (std::string& line : LinesOf(change.outdated)) lines.push_back(std::move(line));
  if (!change.counted) {
    lines.emplace_back("how many trials stay cannot be told without the data");
    return lines;
  }
  if (change.recipe.empty() && !change.unasked.empty()) {
    lines.push_back("no longer counted: " + CountText(change.unasked.size(), "trial") +
                    " of earlier runs that the study does not ask for now");
  }
  lines.push_back(CountsLine(change));
  return lines;
}

std::string WhatLeaves(const StudyChange& change, const std::string& study) {
  const std::int64_t count = change.finished_leaving + change.finished_at_stake;
  return CountText(static_cast<std::size_t>(count), "finished trial") + " of study '" + study +
         "' " + (change.finished_leaving == 0 ? "may" : "would") + " no longer count";
}

std::string RefusalOf(const StudyChange& change, const std::string& study) {
  return WhatLeaves(change, study) + "\n" + Join(LinesOf(change), "\n") +
         "\nnothing was changed yet, and nothing will be deleted: trials that no longer count stay "
         "in "
         "the record and count again when they are asked for again\n"
         "to go on with what the study is now: --accept-changes\n"
         "to leave the study as it is and make another, which uses what is trained: "
         "--set study.name=NAME";
}

boost::json::value ToJson(const StudyChange& change) {
  if (!change.any()) return nullptr;
  boost::json::value added = nullptr;
  if (change.counted && change.added) added = *change.added;
  return boost::json::object{
      {"recipe", JsonList(change.recipe,
                          [](const RecipeChange& one) {
                            return boost::json::object{{"change", one.text},
                                                       {"effect", ToString(one.effect)}};
                          })},
      {"content", JsonList(change.outdated,
                           [](const Outdated& group) {
                             return boost::json::object{{"change", group.change},
                                                        {"trials", group.trials.size()}};
                           })},
      {"stay", change.stay},
      {"added", std::move(added)},
      {"more_may_follow", change.more_may_follow},
      {"no_longer_asked_for", change.leaving()},
      {"finished_leaving", change.finished_leaving},
      {"finished_at_stake", change.finished_at_stake},
      {"count_again", change.return_again},
      {"undecided", change.undecided},
      {"needs_accept_changes", change.needs_consent()}};
}

}  // namespace beamgrid
