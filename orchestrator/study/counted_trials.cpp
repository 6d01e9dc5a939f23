#include "orchestrator/study/counted_trials.h"

#include <set>
#include <stdexcept>

#include "orchestrator/study/trial_history.h"
#include "registry/util/text.h"

namespace beamgrid {

void CountedTrials::Add(const TrialRecord& trial) {
  counted_[{trial.name, trial.seed}] = {.trial = trial.id};
}

void CountedTrials::NoteAsked(const StudyTrial& trial) {
  const auto [entry, is_new] = counted_.try_emplace({trial.name, trial.spec.seed});
  const Counted before = std::exchange(entry->second, {.trial = trial.id, .asked = true});
  if (is_new || before.trial == trial.id || !before.asked) return;
  throw std::logic_error("two models of the study are called '" + trial.name + "'");
}

std::optional<TrialId> CountedTrials::Asked(const TrialLabel& label) const {
  const auto found = counted_.find({label.name, label.seed});
  if (found == counted_.end() || !found->second.asked) return std::nullopt;
  return found->second.trial;
}

std::vector<TrialId> CountedTrials::Unasked() const {
  std::set<TrialId> asked;
  for (const auto& [label, counted] : counted_) {
    if (counted.asked) asked.insert(counted.trial);
  }
  std::vector<TrialId> unasked;
  for (const auto& [label, counted] : counted_) {
    // One that has got another name is asked for under that.
    if (!asked.contains(counted.trial)) unasked.push_back(counted.trial);
  }
  return unasked;
}

std::string GiveUp(Store& store, StudyId study, const std::vector<std::int64_t>& seeds,
                   const CountedTrials& counted, const std::vector<LetGo>& let_go) {
  std::size_t given_up = 0, whole = 0;
  for (const LetGo& candidate : let_go) {
    bool waits = false;
    for (const std::int64_t seed : seeds) {
      const TrialLabel label{candidate.name, seed};
      const std::optional<TrialId> trial = counted.Asked(label);
      if (!trial) continue;
      NoteOnce(store, study, label, candidate.why);
      // One that another study trains, or has trained on, is not ours to give up.
      const TrialState state = store.Trial(*trial).state;
      if (state == TrialState::kWaiting) store.SetState(*trial, TrialState::kPruned);
      waits = waits || state == TrialState::kWaiting || state == TrialState::kPruned;
    }
    ++(waits ? given_up : whole);
  }
  std::string text = "let go: " + CountText(given_up, "model") +
                     " before the end of the training (state pruned; checkpoints are kept)";
  if (whole > 0) text += ", and " + std::to_string(whole) + " that earlier runs trained further";
  return text;
}

}  // namespace beamgrid
