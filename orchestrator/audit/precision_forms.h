#pragma once
// Finished trials in other precisions, without training.
//
// A form of a trial is a trial of its own: the same model, data and seed, which starts from that
// trial's shipped weights (TrialSpec::warm_start), trains for no epoch and is shipped in another
// precision. So it has its own fingerprint, size, files and measurements, like any other. A study
// refers to its forms and does not count them: its tables and effects are of what was trained.

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/machine/devices.h"
#include "orchestrator/study/executor.h"
#include "orchestrator/study/model_counter.h"
#include "registry/store/form.h"
#include "registry/store/store.h"

namespace beamgrid {

/// Returns the precisions that a form may have: "fp16", "bf16", "int8".
[[nodiscard]] const std::vector<std::string>& FormPrecisions();

/// Returns the fingerprint of the trial that a form is of.
[[nodiscard]] std::string BaseOf(const Store& store, const TrialRecord& form);

/// Returns the study's complete forms of trials that it counts.
[[nodiscard]] std::vector<TrialRecord> FormsThatCount(const Store& store, const StudyRecord& study);

/// Returns whether a complete trial can be carried out again as far as the record knows: `prune`
/// has not given up the weights that a form is made of.
[[nodiscard]] bool CanBeMadeAgain(const Store& store, const TrialRecord& trial);

/// FormToMake is a form that the study does not have yet.
struct FormToMake {
  TrialRecord base;
  NewTrial trial;        ///< named "NAME@int8"
  bool is_made = false;  ///< for another study: only this one's reference is missing
};

/// Returns the forms in these precisions that the study lacks: of each complete trial that it
/// counts and that is shipped as fp32, unless the form would take as much room as the trial. The
/// counter is asked for the size of each form that is not there.
[[nodiscard]] std::vector<FormToMake> FormsToMake(const Store& store, const StudyRecord& study,
                                                  const std::vector<std::string>& precisions,
                                                  ModelCounter& counter);

/// FormSettings is where forms are made.
struct FormSettings {
  MachineDevices machine;
  std::function<void(const std::string&)> remark;  ///< lines for people; may be empty
};

/// FormMaker has workers make forms, and records each as it is whole: before that the record calls
/// its folder trash, so whoever is killed leaves nothing that is believed, and the next command
/// that tidies up deletes it. Expects that nobody else runs the study or tidies up meanwhile
/// (housekeeping's Tidying). Not thread-safe but for Interrupt.
class FormMaker {
 public:
  /// Expects that both outlive the maker.
  FormMaker(Store& store, Executor& executor, FormSettings settings);

  /// Makes as many at once as there are cores and GPUs, each on the device and with the threads of
  /// its trial. Returns false after an interrupt, when the workers are gone. One that fails is
  /// remarked and costs no other. Error where the environment broke.
  [[nodiscard]] bool Run(const StudyRecord& study, const std::vector<FormToMake>& forms);

  /// Returns what could not be made and why, in the order of their ends.
  [[nodiscard]] const std::vector<std::string>& failures() const { return failures_; }

  /// Makes Run kill the workers and return. Safe in a signal handler and from any thread.
  void Interrupt();

 private:
  /// Work is a form that is being made.
  struct Work {
    FormToMake form;
    Placement placement;
    std::filesystem::path directory;
  };

  void Refer(const StudyRecord& study, const FormToMake& form);
  void Start(const StudyRecord& study, const AttemptKey& key, const FormToMake& form,
             const Placement& placement);
  void Finish(const StudyRecord& study, const Work& work, AttemptOutcome outcome);
  void StopAll();
  void Fail(const FormToMake& form, const std::string& why);
  void Remark(const std::string& line) const;

  Store& store_;
  Executor& executor_;
  FormSettings settings_;
  std::map<AttemptKey, Work> running_;
  std::vector<std::string> failures_;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace beamgrid
