#include "orchestrator/study/trial_intake.h"

#include <algorithm>
#include <utility>

#include "registry/scoring/metrics.h"
#include "registry/training_time.h"
#include "search/variants.h"

namespace beamgrid {
namespace {

// A transaction for 16 candidates costs as much as one for one; four trials per slot keep it busy
// while the next half of the window is asked for.
constexpr std::size_t kSmallestWindow = 16;
constexpr std::size_t kWindowPerSlot = 4;

/// Returns enough candidates to keep the slots busy, too few to cost memory.
std::size_t WindowFor(std::size_t slots, std::size_t seeds) {
  return std::max(kSmallestWindow, (kWindowPerSlot * slots + seeds - 1) / seeds);
}

/// Returns the best objective of the epochs up to `until`, as a result would name it; nothing where
/// none has ended.
std::optional<double> BestUntil(const std::vector<EpochResult>& epochs, std::int64_t until,
                                const Metric* metric) {
  std::optional<double> best;
  for (const EpochResult& epoch : epochs) {
    if (epoch.epoch > until) continue;
    const double objective = ObjectiveOf(epoch.metrics, metric);
    if (!best || objective > *best) best = objective;
  }
  return best;
}

bool HasEpoch(const std::vector<EpochResult>& epochs, std::int64_t number) {
  return std::ranges::find(epochs, number, &EpochResult::epoch) != epochs.end();
}

}  // namespace

std::optional<std::string> WhyRefused(const Recipe& recipe, const CountAnswer& answer) {
  if (const auto* why = std::get_if<std::string>(&answer)) return "the trainer refuses it: " + *why;
  const std::int64_t size = std::get<ModelSize>(answer).size_bytes;
  // Larger than the whole ensemble may be: it could never be a member.
  if (!recipe.ensemble || size <= recipe.ensemble->size_limit) return std::nullopt;
  return std::to_string(size) +
         " bytes are more than ensemble.size_limit allows for all members (" +
         std::to_string(recipe.ensemble->size_limit) + ")";
}

TrialIntake::TrialIntake(const Recipe& recipe, const Catalogue& catalogue, DataSpec data,
                         const Store* store, ModelCounter& counter, std::size_t slots)
    : recipe_(recipe),
      store_(store),
      counter_(counter),
      spec_{.data = std::move(data), .objective = recipe.objective->name},
      space_(recipe, catalogue),
      strategy_(MakeStrategyFor(space_, recipe)),
      window_(WindowFor(slots, recipe.least_seeds)) {
  // Without a digest no fingerprint can be made, so nothing can be looked up.
  if (!spec_.data.digest.empty()) starts_.emplace(recipe, store);
}

std::optional<ModelSpec> TrialIntake::ModelNow(const TrialRecord& recorded) const {
  return space_.Counterpart(ModelSpecFromJson(ParseJson(recorded.model_json)));
}

std::optional<std::string> TrialIntake::FingerprintNow(const TrialRecord& recorded) const {
  if (!starts_ || std::ranges::find(recipe_.seeds, recorded.seed) == recipe_.seeds.end()) {
    return std::nullopt;
  }
  std::optional<ModelSpec> model = ModelNow(recorded);
  if (!model) return std::nullopt;
  TrialSpec spec = spec_;
  spec.model = *std::move(model);
  spec.seed = recorded.seed;
  const WarmStart start = starts_->For(spec.model, spec.seed);
  if (!start.problem.empty()) return std::nullopt;
  spec.warm_start = start.fingerprint;
  return Fingerprint(spec);
}

bool TrialIntake::IsTooLarge(const TrialRecord& recorded) const {
  return WhyRefused(recipe_, ModelSize{recorded.parameters, recorded.size_bytes}).has_value();
}

std::vector<Outdated> TrialIntake::OutdatedOf(const std::vector<TrialRecord>& trials) const {
  if (!starts_ || store_ == nullptr) return {};
  return FindOutdated(*store_, trials, recipe_, spec_.data, *starts_);
}

void TrialIntake::Know(std::vector<TrialRecord> trials) {
  for (TrialRecord& trial : trials) {
    if (trial.state != TrialState::kComplete || !trial.counts()) continue;
    std::string fingerprint = trial.fingerprint;
    complete_.emplace(std::move(fingerprint), std::move(trial));
  }
}

std::optional<TrialRecord> TrialIntake::KnownTrial(const std::string& fingerprint) {
  if (store_ == nullptr) return std::nullopt;
  // Taken out: few are asked for twice, and of those the record is asked.
  if (auto known = complete_.extract(fingerprint)) return std::move(known.mapped());
  return store_->FindByFingerprint(fingerprint);
}

std::optional<ConsideredCandidate> TrialIntake::Next() {
  std::optional<Candidate> candidate = strategy_->Ask();
  exhausted_ = !candidate;
  if (!candidate) return std::nullopt;
  if (candidate->seeds.empty()) {
    for (std::size_t i = 0; i < recipe_.least_seeds; ++i) candidate->seeds.push_back(i);
  }
  const CandidateId id = seeds_.Open(*std::move(candidate));
  const Candidate& asked = seeds_.At(id);
  ConsideredCandidate considered{.name = asked.name};
  spec_.model = asked.model;
  std::string start_problem;
  for (std::size_t index = 0; index < asked.seeds.size(); ++index) {
    if (asked.seeds[index] >= recipe_.least_seeds) ++further_seeds_;
    spec_.seed = recipe_.seeds[asked.seeds[index]];
    StudyTrial trial;
    trial.why = asked.why;
    trial.until_epoch = asked.epochs.value_or(0);
    if (starts_) {
      const WarmStart start = starts_->For(spec_.model, spec_.seed);
      if (start_problem.empty()) start_problem = start.problem;
      spec_.warm_start = start.fingerprint;
      trial.fingerprint = Fingerprint(spec_);
      trial.known = KnownTrial(trial.fingerprint);
      if (trial.known) trial.id = trial.known->id;
    }
    trial.name = considered.name;
    trial.spec = spec_;
    trial.wanted_by = {{id, index}};
    considered.trials.push_back(std::move(trial));
  }
  const CountAnswer answer =
      start_problem.empty() ? SizeOf(considered.trials) : CountAnswer(start_problem);
  const auto* counted = std::get_if<ModelSize>(&answer);
  const ModelSize size = counted != nullptr ? *counted : ModelSize{};
  for (StudyTrial& trial : considered.trials) {
    trial.parameters = size.parameters;
    trial.size_bytes = size.size_bytes;
  }
  considered.refusal = WhyRefused(recipe_, answer);
  NoteAsked(considered);
  if (considered.refusal) Tell(seeds_.Refuse(id, size.size_bytes));
  return considered;
}

void TrialIntake::NoteAsked(const ConsideredCandidate& candidate) {
  if (candidate.refusal) {
    refused_trials_ += static_cast<double>(candidate.trials.size());
    return;
  }
  const StudyTrial& trial = candidate.trials.front();
  double each = trial.until_share();
  if (const auto before = paused_.find(candidate.name); before != paused_.end()) {
    each = std::max(0.0, each - before->second);
  }
  if (trial.until_epoch > 0) paused_[candidate.name] = trial.until_share();
  asked_trainings_ += each * static_cast<double>(candidate.trials.size());
}

std::optional<double> TrialIntake::LaterTrainings() const {
  if (strategy_->finished()) return 0;
  const Effort effort = strategy_->effort();
  if (!effort.most) return std::nullopt;
  const double whole =
      (static_cast<double>(*effort.most) * static_cast<double>(recipe_.least_seeds) -
       refused_trials_) *
          effort.epoch_share +
      static_cast<double>(further_seeds_);
  return std::max(0.0, whole - asked_trainings_);
}

/// Returns the size of the model, or why there can be no trial of it. What is in the record was
/// counted when it came there, and asking the trainer anew takes longer than anything else here.
CountAnswer TrialIntake::SizeOf(const std::vector<StudyTrial>& seeds) {
  for (const StudyTrial& seed : seeds) {
    if (seed.known) return ModelSize{seed.known->parameters, seed.known->size_bytes};
  }
  CountAnswer answer = counter_.Count(spec_.model, spec_.data);
  if (!std::holds_alternative<ModelSize>(answer) || spec_.warm_start.empty()) return answer;
  const std::optional<TrialRecord> start = store_->FindByFingerprint(spec_.warm_start);
  if (!start) return answer;  // somebody has just removed it, which its worker will find out
  std::string why =
      counter_.WhyNoStart(spec_.model, spec_.data, store_->Spec(start->id), spec_.warm_start);
  return why.empty() ? answer : CountAnswer(std::move(why));
}

void TrialIntake::Settle(const StudyTrial& trial, const TrialResult& result) {
  SettleAll(trial, {ObjectiveOf(result.metrics, recipe_.objective), result.size_bytes,
                    TrainingSeconds(result)});
}

void TrialIntake::SettleFailed(const StudyTrial& trial) { SettleAll(trial, SeedResult{}); }

void TrialIntake::SettleEnded(const StudyTrial& trial, const TrialRecord& record) {
  if (record.state == TrialState::kComplete) return Settle(trial, *record.result);
  SettleAll(trial, {.size_bytes = record.size_bytes});
}

void TrialIntake::SettleMeasured(const StudyTrial& trial) {
  // SettleAll finds the objective.
  SettleAll(trial, {.size_bytes = trial.size_bytes});
}

void TrialIntake::SettleAll(const StudyTrial& trial, const SeedResult& at_end) {
  for (const SeedSlot slot : trial.wanted_by) {
    SeedResult result = at_end;
    if (const std::optional<std::int64_t> until = seeds_.At(slot.candidate).epochs) {
      const std::vector<EpochResult> epochs = store_->Epochs(trial.id);
      // What the trial came to later must not be known here, or a study that goes on would decide
      // otherwise than one that was not stopped. One that stopped early has fewer epochs.
      if (HasEpoch(epochs, *until) || at_end.objective) {
        result.objective = BestUntil(epochs, *until, recipe_.objective);
      }
    }
    if (const std::optional<Finding> finding = seeds_.Settle(slot, result)) Tell(*finding);
  }
}

bool TrialIntake::IsMeasured(const StudyTrial& trial) const {
  return trial.until_epoch > 0 && HasEpoch(store_->Epochs(trial.id), trial.until_epoch);
}

void TrialIntake::Forget(const ConsideredCandidate& candidate) {
  for (const SeedSlot slot : candidate.trials.front().wanted_by) seeds_.Forget(slot.candidate);
}

void TrialIntake::Tell(const Finding& finding) {
  strategy_->Tell(finding);
  // What it was told may be what it waited for.
  exhausted_ = false;
}

bool TrialIntake::CanAsk(std::int64_t free_slots) const {
  if (exhausted_ || full()) return false;
  // Half of the window at once: asked one by one, each trial would have a transaction of its own.
  return free_slots > 0 || seeds_.size() <= window_ / 2;
}

std::optional<std::int64_t> TrialIntake::planned() const {
  const std::optional<std::int64_t> candidates = strategy_->planned();
  if (!candidates) return std::nullopt;
  // A grid of more models than can be counted has more trials than that.
  const std::int64_t trials =
      SaturatingMultiply(*candidates, static_cast<std::int64_t>(recipe_.least_seeds));
  return SaturatingAdd(trials, further_seeds_);
}

}  // namespace beamgrid
