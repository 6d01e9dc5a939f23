// `beamgrid prune`: deletes the weights of the models that lost; what they measured stays recorded.

#include "orchestrator/housekeeping/prune_plan.h"

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/confirm.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/text_table.h"
#include "orchestrator/commands/upkeep_option.h"
#include "orchestrator/housekeeping/disk_use.h"
#include "registry/util/error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

class Prune : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", studies_, "Studies; a trial of several goes only if all are named")
        ->required();
    app.add_option("--keep", keep_,
                   "Models of each study that keep their files: the best by the mean "
                   "over their seeds")
        ->required()
        ->check(CLI::Range(0, 1'000'000))
        ->type_name("N");
    app.add_flag("--predictions", predictions_,
                 "Delete the others' predictions too: they can be in no ensemble then");
    app.add_flag("--dry-run", dry_run_, "Only say what would be deleted");
    option_.AddTo(app);
    app.footer(
        "Members of recorded ensembles, and trials that others start from, keep their files. A "
        "pruned\n"
        "trial stays complete and is never trained again by `run`; `beamgrid verify STUDY NAME\n"
        "--repair` makes its files again.");
  }

  int Run(CommandContext& context) override {
    if (dry_run_) {
      const auto store = option_.database.OpenForReading();
      const RecordOverview record = LookAtRecord(*store);
      Print(context, Plan(*store, record, RunsFolder(store->runs()), {}));
      return kExitDone;
    }
    Tidying tidying(option_.database.path, option_.database.runs);
    Store& store = tidying.store();
    for (const std::string& name : studies_) {
      tidying.HoldOff(FindStudy(store, option_.database, name).name);
    }
    FinishEarlier(context, tidying);
    const auto plan_now = [&] {
      return Plan(store, LookAtRecord(store), tidying.runs(), tidying.Running());
    };
    const PrunePlan plan = plan_now();
    Print(context, plan);
    if (plan.Paths().empty()) {
      context.Remark("nothing to delete");
      return kExitDone;
    }
    const std::string question = "delete " + CountText(plan.Paths().size(), "file") + " (" +
                                 SizeText(BytesFreedBy(plan.Paths())) + ")?";
    if (!Confirmed(context, question, option_.yes)) return kExitInterrupted;
    // First what the record need not hear of: on a full disk that makes room to write down the
    // rest.
    Freed freed = tidying.Delete(plan.checkpoints);
    store.Together([&] {
      const PrunePlan now = plan_now();
      if (now.files != plan.files || now.kept != plan.kept) {
        throw Error("the record was changed meanwhile, no artifact was deleted; look again");
      }
      CarryOut(store, plan);
    });
    return ReportFreed(context, freed += tidying.EmptyTrash());
  }

 private:
  [[nodiscard]] PrunePlan Plan(const Store& store, const RecordOverview& record,
                               const RunsFolder& runs, const std::set<std::string>& running) const {
    PruneQuestion question{.studies = {}, .keep = keep_, .artifacts = {"model"}};
    if (predictions_) question.artifacts.insert("predictions");
    for (const std::string& name : studies_) {
      question.studies.push_back(FindStudy(store, option_.database, name).id);
    }
    return PlanPrune(store, record, runs, question, running);
  }

  static void Print(const CommandContext& context, const PrunePlan& plan) {
    TextTable table({">id", "trial", "file", ">size"});
    for (const GivenUpFile& file : plan.files) {
      table.Add({std::to_string(static_cast<std::int64_t>(file.trial.id)), LabelOf(file.trial),
                 file.artifact.path, SizeText(file.artifact.bytes)});
    }
    if (!plan.files.empty()) table.Print(context.out);
    if (!plan.checkpoints.empty()) {
      context.out << CountText(plan.checkpoints.size(), "checkpoint") +
                         " of finished trials, from which nothing goes on: "
                  << SizeText(BytesFreedBy(plan.checkpoints)) << "\n";
    }
    for (const KeptTrial& kept : plan.kept) {
      context.out << "kept  " << LabelOf(kept.trial) << ": " << kept.why << "\n";
    }
    context.out << "in all " << SizeText(BytesFreedBy(plan.Paths())) << "\n";
  }

  std::vector<std::string> studies_;
  std::size_t keep_ = 1;
  bool predictions_ = false, dry_run_ = false;
  UpkeepOption option_;
};

REGISTER_COMMAND("prune", kRecord, "Delete the files of models that lost, keep what they measured",
                 Prune);

}  // namespace
}  // namespace beamgrid
