#include "orchestrator/commands/study_forms.h"

#include <algorithm>

#include "orchestrator/audit/precision_forms.h"
#include "orchestrator/audit/verify_study.h"
#include "orchestrator/commands/upkeep_option.h"
#include "orchestrator/housekeeping/tidying.h"
#include "orchestrator/interrupts.h"
#include "orchestrator/workers/local_executor.h"
#include "orchestrator/workers/process.h"
#include "orchestrator/workers/trainer_client.h"
#include "orchestrator/workers/worker_environment.h"
#include "registry/util/error.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// StudyForms is what one study lacks.
struct StudyForms {
  StudyRecord study;
  std::vector<FormToMake> forms;
};

std::vector<StudyForms> Lacking(const Store& store, const std::vector<StudyRecord>& studies,
                                const Forms& precisions, ModelCounter& counter) {
  std::vector<StudyForms> lacking;
  for (const StudyRecord& study : studies) {
    std::vector<FormToMake> forms =
        FormsToMake(store, study, {precisions.begin(), precisions.end()}, counter);
    if (!forms.empty()) lacking.push_back({study, std::move(forms)});
  }
  return lacking;
}

void TellFailures(std::ostream& err, const std::vector<std::string>& failures) {
  constexpr std::size_t kTold = 3;
  for (std::size_t i = 0; i < std::min(failures.size(), kTold); ++i) {
    err << "warning: not made: " << failures[i] << "\n";
  }
  if (failures.size() > kTold) {
    err << "warning: " << CountText(failures.size() - kTold, "form") << " more not made\n";
  }
}

}  // namespace

Forms FormsOf(const std::vector<std::string>& words) {
  const std::vector<std::string>& known = FormPrecisions();
  for (const std::string& word : words) {
    if (std::ranges::find(known, word) != known.end()) continue;
    throw UsageError("--forms: '" + word + "' must be one of " + Join(known) +
                     "; each trial is a model as it was shipped in any case" +
                     Suggestion(word, known, ""));
  }
  return {words.begin(), words.end()};
}

bool MakeForms(CommandContext& context, const DatabaseOption& database,
               const std::vector<StudyRecord>& studies, const Forms& forms) {
  const std::filesystem::path trainer = FindTrainer();
  TrainerCounter counter(trainer);
  // Nothing is locked or written where all are there.
  if (Lacking(*database.OpenForReading(), studies, forms, counter).empty()) return true;
  Tidying tidying(database.path, database.runs);
  for (const StudyRecord& study : studies) tidying.HoldOff(study.name);
  FinishEarlier(context, tidying);
  std::vector<TrialRecord> bases;
  const std::vector<StudyForms> lacking = Lacking(tidying.store(), studies, forms, counter);
  for (const StudyForms& of_study : lacking) {
    for (const FormToMake& form : of_study.forms) bases.push_back(form.base);
  }
  LocalExecutor executor({.trainer = trainer,
                          .environment = CurrentEnvironment(),
                          .processor_flags = ProcessorFlags()});
  FormMaker maker(tidying.store(), executor,
                  {.machine = LookAtMachineFor(bases, trainer),
                   .remark = [&](const std::string& line) { context.Remark(line); }});
  bool is_done = true;
  {
    const InterruptSignals signals([&maker] { maker.Interrupt(); });
    for (const StudyForms& of_study : lacking) {
      is_done = is_done && maker.Run(of_study.study, of_study.forms);
    }
  }
  // What a form that failed or was stopped left.
  static_cast<void>(tidying.EmptyTrash());
  TellFailures(context.err, maker.failures());
  return is_done;
}

}  // namespace beamgrid
