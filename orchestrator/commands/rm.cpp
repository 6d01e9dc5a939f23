// `beamgrid rm`: removes studies or trials from the record, with their files.

#include <algorithm>
#include <set>

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/confirm.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/upkeep_option.h"
#include "orchestrator/housekeeping/disk_use.h"
#include "orchestrator/housekeeping/removal_plan.h"
#include "orchestrator/housekeeping/runs_use.h"
#include "orchestrator/workers/surviving_worker.h"
#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

class Remove : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("NAME", names_,
                   "Studies, or trials: an id or a fingerprint's first digits (of all studies), or "
                   "STUDY/NAME[/SEED] (of that study alone)");
    app.add_flag("--force", force_, "Also trials that others start from");
    app.add_flag("--unknown", unknown_,
                 "Folders of attempts in the runs folder that this record does not know");
    option_.AddTo(app);
    app.footer(
        "A trial that another study refers to stays and only leaves the study that is named. "
        "Ensembles\n"
        "that would lose a member go too. What is removed is trained again by the next `run` that "
        "asks\nfor it.");
  }

  int Run(CommandContext& context) override {
    if (names_.empty() != unknown_) {
      throw UsageError("rm: name studies or trials, or --unknown, not both");
    }
    Tidying tidying(option_.database.path, option_.database.runs);
    FinishEarlier(context, tidying);
    return unknown_ ? RemoveUnknown(context, tidying) : RemoveNamed(context, tidying);
  }

 private:
  int RemoveNamed(const CommandContext& context, Tidying& tidying) const {
    Store& store = tidying.store();
    const RemovalQuestion question = Question(store);
    const RemovalPlan plan = PlanRemoval(store, LookAtRecord(store), question);
    for (const std::string& study : plan.StudiesConcerned()) tidying.HoldOff(study);
    RefuseWhatIsNeeded(plan);
    RefuseWhatCannotGo(plan, tidying);
    RefuseAnotherRunsFolder(plan);
    Print(context, plan);
    const std::string asked =
        "remove " + Join(names_) + " (" + SizeText(BytesFreedBy(plan.directories)) + " of files)?";
    if (!Confirmed(context, asked, option_.yes)) return kExitInterrupted;
    store.Together([&] {
      if (!PlanRemoval(store, LookAtRecord(store), question).SameAs(plan)) {
        throw Error("the record was changed meanwhile, nothing was removed; look again");
      }
      CarryOut(store, plan);
    });
    if (!plan.staying.empty()) {
      context.Remark("took " + CountText(plan.staying.size(), "trial") +
                     " out that other studies have too");
    }
    context.Remark(
        "removed " + CountText(plan.trials.size(), "trial") +
        (plan.studies.empty() ? "" : " and study " + Join(plan.studies, ", ", &StudyRecord::name)));
    return ReportFreed(context, tidying.EmptyTrash());
  }

  int RemoveUnknown(const CommandContext& context, Tidying& tidying) const {
    Store& store = tidying.store();
    std::vector<std::filesystem::path> folders;
    for (const auto& folder : UnknownFolders(store)) {
      const auto worker = WorkerIn(folder);
      if (worker) {
        context.out << "kept  " << folder.string() << ": process " << *worker << " works there\n";
      } else {
        context.out << folder.string() << "\n";
        folders.push_back(folder);
      }
    }
    if (folders.empty()) {
      context.Remark("nothing in " + store.runs().string() + " that the record does not know");
      return kExitDone;
    }
    const std::string question =
        "delete " + CountText(folders.size(), "folder") + " (" + SizeText(BytesFreedBy(folders)) +
        ") that " + option_.database.path.string() +
        " does not know? Another database that shares the runs folder may.";
    if (!Confirmed(context, question, option_.yes)) return kExitInterrupted;
    store.Together([&] {
      RecordUpkeep upkeep(store);
      for (const auto& folder : folders) upkeep.AddTrash(folder);
    });
    return ReportFreed(context, tidying.EmptyTrash());
  }

  [[nodiscard]] RemovalQuestion Question(const Store& store) const {
    RemovalQuestion question;
    for (const std::string& name : names_) {
      const std::optional<StudyRecord> study = store.FindStudy(name);
      if (study) {
        RefuseIfATrialToo(store, name);
        question.studies.push_back(study->id);
        continue;
      }
      const TrialInStudy found = Find(store, name);
      if (name.find('/') != std::string::npos) {
        question.references.emplace_back(found.study.id, found.trial.id);
      } else {
        question.trials.push_back(found.trial.id);
      }
    }
    return question;
  }

  [[nodiscard]] TrialInStudy Find(const Store& store, const std::string& name) const {
    try {
      return FindTrial(store, option_.database, name);
    } catch (const UsageError& error) {
      if (name.find('/') != std::string::npos) throw;
      const std::string studies = Join(store.Studies(), ", ", &StudyRecord::name);
      throw UsageError(std::string(error.what()) + "; nor is it a study" +
                       (studies.empty() ? "" : ": studies are " + studies));
    }
  }

  /// What is deleted must not be a guess.
  void RefuseIfATrialToo(const Store& store, const std::string& name) const {
    try {
      static_cast<void>(FindTrial(store, option_.database, name));
    } catch (const UsageError&) {
      return;
    }
    throw UsageError("'" + name +
                     "' is a study and names a trial as well; name the trial as "
                     "STUDY/NAME/SEED, or give the study another name first (`beamgrid rename`)");
  }

  void RefuseWhatIsNeeded(const RemovalPlan& plan) const {
    if (force_ || plan.starts.empty()) return;
    const RemovalPlan::Start& start = plan.starts.front();
    throw UsageError(
        LabelOf(start.trial) + " starts from " + LabelOf(start.from) +
        (plan.starts.size() > 1
             ? " (" + std::to_string(plan.starts.size()) + " trials in all do so)"
             : "") +
        ": without its weights it cannot be trained again or verified; remove both, or "
        "--force");
  }

  /// The files would stay behind, unknown to any record.
  void RefuseAnotherRunsFolder(const RemovalPlan& plan) const {
    if (option_.database.runs.empty() || plan.directories.empty()) return;
    std::error_code ignored;
    const bool any = std::ranges::any_of(plan.directories, [&](const auto& directory) {
      return std::filesystem::exists(directory, ignored);
    });
    if (any) return;
    throw UsageError("--runs " + option_.database.runs.string() +
                     ": no folder of these trials is there");
  }

  static void RefuseWhatCannotGo(const RemovalPlan& plan, const Tidying& tidying) {
    for (const auto& directory : plan.directories) {
      const std::string obstacle = tidying.runs().Obstacle(directory);
      if (!obstacle.empty()) throw UsageError(directory.string() + " " + obstacle);
      if (const auto worker = WorkerIn(directory)) {
        throw Error(directory.string() + ": process " + std::to_string(*worker) +
                    " works there; end it first");
      }
    }
  }

  static void Print(const CommandContext& context, const RemovalPlan& plan) {
    for (const StudyRecord& study : plan.studies) context.out << "study  " << study.name << "\n";
    for (const TrialRecord& trial : plan.trials) {
      context.out << "trial  " << static_cast<std::int64_t>(trial.id) << "  " << LabelOf(trial)
                  << " (" << ToString(trial.state) << ")\n";
    }
    for (const TrialRecord& trial : plan.staying) {
      context.out << "stays  " << LabelOf(trial) << ": another study has it too\n";
    }
    for (const RemovalPlan::Ensemble& ensemble : plan.ensembles) {
      context.out << "ensemble  of study " << ensemble.study.name << ", made "
                  << ensemble.created_at << ": it would lose a member\n";
    }
    for (const RemovalPlan::Start& start : plan.starts) {
      context.out << "warning  " << LabelOf(start.trial) << " starts from " << LabelOf(start.from)
                  << " and cannot be trained again without it\n";
    }
  }

  std::vector<std::string> names_;
  bool force_ = false, unknown_ = false;
  UpkeepOption option_;
};

REGISTER_COMMAND("rm", kRecord, "Remove studies or trials, with their files", Remove);

}  // namespace
}  // namespace beamgrid
