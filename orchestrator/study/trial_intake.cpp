#include "orchestrator/study/trial_intake.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "orchestrator/study/refusal.h"

namespace beamgrid {
namespace {

constexpr std::size_t kSmallestWindow = 16;
constexpr std::size_t kWindowPerSlot = 4;

/// Candidates looked at ahead of the slots: enough to keep them busy, too few to cost memory.
std::size_t WindowFor(std::size_t slots, std::size_t seeds) {
  return std::max(kSmallestWindow, (kWindowPerSlot * slots + seeds - 1) / seeds);
}

}  // namespace

TrialIntake::TrialIntake(const Recipe& recipe, const Catalogue& catalogue, DataSpec data,
                         Store& store, ModelCounter& counter, std::size_t slots)
    : recipe_(recipe),
      store_(store),
      counter_(counter),
      spec_{.data = std::move(data), .objective = recipe.objective},
      starts_(recipe, &store),
      space_(recipe, catalogue),
      strategy_(MakeStrategyFor(space_, recipe)),
      seeds_(recipe.seeds.size()),
      window_(WindowFor(slots, recipe.seeds.size())) {}

void TrialIntake::Fill(StudyId study, const std::function<std::int64_t()>& free_slots,
                       const OnWanted& on_wanted, const OnRefused& on_refused) {
  if (!CanAsk(free_slots())) return;
  // Reused and refused candidates leave the window at once: the bound keeps one Fill short.
  for (std::size_t asked = 0; asked < window_ && seeds_.size() < window_; ++asked) {
    std::optional<Candidate> candidate = strategy_->Ask();
    if (!candidate) {
      exhausted_ = true;  // unless what is recorded below settles something
      break;
    }
    exhausted_ = false;
    Consider(*std::move(candidate), on_refused);
    const auto free = static_cast<std::size_t>(free_slots());
    if (free > 0 && pending_.size() >= free) Record(study, on_wanted);
  }
  Record(study, on_wanted);
}

void TrialIntake::Consider(Candidate candidate, const OnRefused& on_refused) {
  const CandidateId id = seeds_.Open(std::move(candidate));
  const std::string& name = seeds_.At(id).name;
  spec_.model = seeds_.At(id).model;
  std::vector<Pending> seeds;
  std::string start_problem;
  for (std::size_t index = 0; index < recipe_.seeds.size(); ++index) {
    spec_.seed = recipe_.seeds[index];
    const Start start = starts_.For(spec_.model, spec_.seed);
    if (start_problem.empty()) start_problem = start.problem;
    spec_.start = start.fingerprint;
    const std::string fingerprint = Fingerprint(spec_);
    seeds.push_back({{.name = name, .fingerprint = fingerprint, .spec = spec_},
                     {id, index},
                     store_.FindByFingerprint(fingerprint)});
  }
  const CountAnswer size = start_problem.empty() ? SizeOf(seeds) : CountAnswer(start_problem);
  if (const std::optional<std::string> why = WhyRefused(recipe_, size)) {
    for (const Pending& seed : seeds) on_refused({name, seed.trial.spec.seed}, *why);
    const auto* counted = std::get_if<ModelSize>(&size);
    Tell(seeds_.Refuse(id, counted != nullptr ? counted->size_bytes : 0));
    return;
  }
  for (Pending& seed : seeds) {
    seed.trial.parameters = std::get<ModelSize>(size).parameters;
    seed.trial.size_bytes = std::get<ModelSize>(size).size_bytes;
  }
  std::move(seeds.begin(), seeds.end(), std::back_inserter(pending_));
}

/// What is in the record already was counted then.
CountAnswer TrialIntake::SizeOf(const std::vector<Pending>& seeds) {
  for (const Pending& seed : seeds) {
    if (seed.twin) return ModelSize{seed.twin->parameters, seed.twin->size_bytes};
  }
  return counter_.Count(spec_.model, spec_.data);
}

void TrialIntake::Record(StudyId study, const OnWanted& on_wanted) {
  if (pending_.empty()) return;
  std::vector<Pending> batch = std::exchange(pending_, {});
  std::vector<NewTrial> trials;
  for (const Pending& pending : batch) trials.push_back(pending.trial);
  const std::vector<TrialId> ids = store_.AddTrials(study, trials);
  std::vector<WantedTrial> wanted;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    NewTrial& trial = batch[i].trial;
    wanted.push_back({.id = ids[i],
                      .label = {trial.name, trial.spec.seed},
                      .fingerprint = std::move(trial.fingerprint),
                      .model = std::move(trial.spec.model),
                      .parameters = trial.parameters,
                      .start = std::move(trial.spec.start),
                      .wanted_by = batch[i].wanted_by,
                      .twin = std::move(batch[i].twin)});
  }
  on_wanted(std::move(wanted));
}

void TrialIntake::Settle(const std::vector<SeedSlot>& wanted_by, const SeedResult& result) {
  for (const SeedSlot slot : wanted_by) {
    if (const std::optional<Finding> finding = seeds_.Settle(slot, result)) Tell(*finding);
  }
}

void TrialIntake::Tell(const Finding& finding) {
  strategy_->Tell(finding);
  exhausted_ = false;
}

bool TrialIntake::CanAsk(std::int64_t free_slots) const {
  if (exhausted_ || seeds_.size() >= window_) return false;
  return free_slots > 0 || seeds_.size() <= window_ / 2;
}

std::optional<std::int64_t> TrialIntake::planned() const {
  const std::optional<std::int64_t> candidates = strategy_->planned();
  if (!candidates) return std::nullopt;
  return *candidates * static_cast<std::int64_t>(recipe_.seeds.size());
}

}  // namespace beamgrid
