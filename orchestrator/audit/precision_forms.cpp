#include "orchestrator/audit/precision_forms.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <set>
#include <system_error>
#include <utility>
#include <variant>

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/audit/verify_study.h"
#include "orchestrator/study/attempt_starter.h"
#include "orchestrator/study/counted_model.h"
#include "orchestrator/study/warm_start.h"
#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kAsTrained[] = "fp32";
constexpr std::chrono::milliseconds kFormPoll{200};

bool IsWhole(const TrialRecord& trial) {
  return trial.state == TrialState::kComplete && trial.result.has_value();
}

std::string FormName(const TrialRecord& base, const std::string& precision) {
  return base.name + "@" + precision;
}

TrialSpec FormSpec(const Store& store, const TrialRecord& base, const std::string& precision) {
  TrialSpec spec = store.Spec(base.id);
  spec.model.train["precision"] = boost::json::string(precision);
  spec.model.train["epochs"] = std::int64_t{0};
  spec.model.train["from"] = boost::json::string(base.fingerprint);
  spec.warm_start = base.fingerprint;
  return spec;
}

/// Returns why the study does not count the form, as StopCounting wants it.
std::string WhyNotCounted(const FormToMake& form) {
  const auto& precision = form.trial.spec.model.train.at("precision");
  return "it is the " + std::string(precision.as_string()) + " form of " + LabelOf(form.base);
}

/// Returns a folder that nobody has, of the form's first attempt.
fs::path UnusedFolder(const Store& store, const std::string& study, const NewTrial& trial) {
  const fs::path wanted =
      store.runs() / study / TrialFolderName(trial.name, trial.spec.seed, trial.fingerprint) / "1";
  fs::path folder = wanted;
  for (int copy = 2; fs::exists(folder); ++copy) {
    folder = wanted.string() + "." + std::to_string(copy);
  }
  return folder;
}

void MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw SystemError(folder, "cannot create the folder", error.value());
}

}  // namespace

const std::vector<std::string>& FormPrecisions() {
  static const std::vector<std::string> precisions = {"fp16", "bf16", "int8"};
  return precisions;
}

std::string BaseOf(const Store& store, const TrialRecord& form) {
  return store.Spec(form.id).warm_start;
}

std::vector<TrialRecord> FormsThatCount(const Store& store, const StudyRecord& study) {
  std::vector<TrialRecord> forms;
  std::set<std::string> counted;
  for (TrialRecord& trial : store.Trials(study.id, Counting::kAll)) {
    if (trial.counts()) {
      counted.insert(trial.fingerprint);
    } else if (IsWhole(trial) && IsForm(trial)) {
      forms.push_back(std::move(trial));
    }
  }
  std::erase_if(forms,
                [&](const TrialRecord& form) { return !counted.contains(BaseOf(store, form)); });
  return forms;
}

bool CanBeMadeAgain(const Store& store, const TrialRecord& trial) {
  if (!IsForm(trial)) return true;
  const std::optional<TrialRecord> base = store.FindByFingerprint(BaseOf(store, trial));
  return base && IsWhole(*base) &&
         std::ranges::any_of(base->result->artifacts, [&](const Artifact& artifact) {
           return artifact.name == "model" && !IsGivenUp(*base, artifact);
         });
}

std::vector<FormToMake> FormsToMake(const Store& store, const StudyRecord& study,
                                    const std::vector<std::string>& precisions,
                                    ModelCounter& counter) {
  std::set<std::string> there;
  for (const TrialRecord& form : FormsThatCount(store, study)) there.insert(form.fingerprint);
  std::vector<FormToMake> forms;
  for (const TrialRecord& base : store.Trials(study.id)) {
    if (!IsWhole(base) || PrecisionOf(base) != kAsTrained) continue;
    for (const std::string& precision : precisions) {
      FormToMake form{.base = base, .trial = {.name = FormName(base, precision)}};
      form.trial.spec = FormSpec(store, base, precision);
      form.trial.fingerprint = Fingerprint(form.trial.spec);
      if (there.contains(form.trial.fingerprint)) continue;
      const auto known = store.FindByFingerprint(form.trial.fingerprint);
      form.is_made = known && IsWhole(*known);
      const CountAnswer answer = counter.Count(form.trial.spec.model, form.trial.spec.data);
      const auto* size = std::get_if<ModelSize>(&answer);
      if (size == nullptr) {
        throw Error(LabelOf(base) + ": the trainer cannot count its " + precision +
                    " form: " + std::get<std::string>(answer));
      }
      // No tensor of it is large enough for a table: the same weights in the same bytes.
      if (size->size_bytes >= base.size_bytes) continue;
      form.trial.parameters = size->parameters;
      form.trial.size_bytes = size->size_bytes;
      forms.push_back(std::move(form));
    }
  }
  return forms;
}

FormMaker::FormMaker(Store& store, Executor& executor, FormSettings settings)
    : store_(store), executor_(executor), settings_(std::move(settings)) {}

bool FormMaker::Run(const StudyRecord& study, const std::vector<FormToMake>& forms) {
  std::deque<FormToMake> waiting;
  for (const FormToMake& form : forms) {
    if (form.is_made) {
      Refer(study, form);
    } else {
      waiting.push_back(form);
    }
  }
  std::int64_t number = 0;
  while (!interrupted_ && (!waiting.empty() || !running_.empty())) {
    while (!waiting.empty()) {
      const Placement placement = PlacementFor(*waiting.front().base.result, settings_.machine);
      std::vector<Placement> taken;
      for (const auto& [key, work] : running_) taken.push_back(work.placement);
      if (!HasRoomFor(placement, taken, settings_.machine)) break;
      // The trial has no number of its own before it is whole.
      Start(study, {TrialId{++number}, TrialFile().attempt}, waiting.front(), placement);
      waiting.pop_front();
    }
    for (const ExecutorEvent& event : executor_.Poll(kFormPoll)) {
      const auto* outcome = std::get_if<AttemptOutcome>(&event.what);
      if (outcome != nullptr) Finish(study, running_.extract(event.key).mapped(), *outcome);
    }
  }
  StopAll();
  return !interrupted_;
}

void FormMaker::Interrupt() {
  interrupted_ = true;
  executor_.Wake();
}

/// Makes the study refer to a form that the record has.
void FormMaker::Refer(const StudyRecord& study, const FormToMake& form) {
  store_.Together([&] {
    const std::vector<TrialId> ids = store_.AddTrials(study.id, {form.trial});
    store_.StopCounting(study.id, ids, WhyNotCounted(form));
  });
}

void FormMaker::Start(const StudyRecord& study, const AttemptKey& key, const FormToMake& form,
                      const Placement& placement) {
  TrialFile file{.study = study.name,
                 .name = form.trial.name,
                 .fingerprint = form.trial.fingerprint,
                 .spec = form.trial.spec,
                 .device = placement.device,
                 .threads = placement.threads};
  try {
    const WarmStartModel start = FindWarmStartModel(store_, form.base.fingerprint);
    file.warm_start_model = start.path;
    file.warm_start_hash = start.hash;
  } catch (const Error& error) {
    return Fail(form, error.what());
  }
  const fs::path directory = UnusedFolder(store_, study.name, form.trial);
  // First: what lies there is to be deleted until the record names it.
  RecordUpkeep(store_).AddTrash(directory);
  MakeFolder(directory);
  WriteFileAtomically(directory / kTrialFile, CanonicalJson(ToJson(file)) + "\n");
  running_[key] = {form, placement, directory};
  executor_.Submit(key, directory, placement, /*timeout=*/std::chrono::milliseconds(0));
}

void FormMaker::Finish(const StudyRecord& study, const Work& work, AttemptOutcome outcome) {
  const NewTrial& trial = work.form.trial;
  outcome = AsCounted(std::move(outcome), {trial.parameters, trial.size_bytes});
  if (!outcome.complete()) {
    return Fail(work.form, ToString(outcome.failure().kind) + ": " + outcome.failure().message);
  }
  store_.Together([&] {
    const TrialId id = store_.AddTrials(study.id, {trial}).front();
    store_.StopCounting(study.id, {id}, WhyNotCounted(work.form));
    const std::int64_t attempt = store_.BeginAttempt(id, work.directory.string(),
                                                     work.placement.device, work.placement.threads);
    store_.FinishAttempt(id, attempt, outcome, TrialState::kComplete);
    RecordUpkeep(store_).ForgetTrash(work.directory);
  });
  const TrialResult& result = outcome.result();
  Remark(trial.name + " seed " + std::to_string(trial.spec.seed) + ": " +
         SizeText(trial.size_bytes) + " instead of " + SizeText(work.form.base.size_bytes) +
         ", GAP " + FixedText(result.metrics.gap, 5) + " instead of " +
         FixedText(work.form.base.result->metrics.gap, 5));
}

void FormMaker::StopAll() {
  for (const auto& [key, work] : running_) executor_.Cancel(key, std::chrono::milliseconds(0));
  while (!running_.empty()) {
    for (const ExecutorEvent& event : executor_.Poll(kFormPoll)) {
      if (std::holds_alternative<AttemptOutcome>(event.what)) running_.erase(event.key);
    }
  }
}

void FormMaker::Fail(const FormToMake& form, const std::string& why) {
  failures_.push_back(form.trial.name + " seed " + std::to_string(form.trial.spec.seed) + ": " +
                      why);
}

void FormMaker::Remark(const std::string& line) const {
  if (settings_.remark) settings_.remark(line);
}

}  // namespace beamgrid
