// `beamgrid prune`: deletes the weights of the models that lost; what they measured stays recorded.

#include "orchestrator/housekeeping/prune_plan.h"

#include <map>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/confirm.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/text_table.h"
#include "orchestrator/commands/upkeep_option.h"
#include "orchestrator/housekeeping/disk_use.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
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
    AddJsonFlag(app, &json_);
    app.footer(
        "Members of recorded ensembles (`beamgrid ensembles`), and trials that others start from, "
        "keep\n"
        "their files. Only files are given up: their trials stay complete and are never trained "
        "again by\n"
        "`run`; `beamgrid verify STUDY NAME --repair` makes the files again. (A trial whose state "
        "is\n"
        "pruned is something else: a search let it go before its end.)");
  }

  int Run(CommandContext& context) override {
    if (dry_run_) {
      const auto store = option_.database.OpenForReading();
      const RecordOverview record = LookAtRecord(*store);
      const PrunePlan plan = Plan(*store, record, RunsFolder(store->runs()), {});
      Print(context, *store, record, plan);
      if (json_) PrintJson(context.out, ToJson(*store, record, plan));
      return kExitDone;
    }
    if (!MayBringUpToDate(context, option_)) return kExitInterrupted;
    Tidying tidying(option_.database.path, option_.database.runs);
    Store& store = tidying.store();
    for (const std::string& name : studies_) {
      tidying.HoldOff(FindStudy(store, option_.database, name).name);
    }
    FinishEarlier(context, tidying);
    const auto plan_now = [&](const RecordOverview& record) {
      return Plan(store, record, tidying.runs(), tidying.Running());
    };
    const RecordOverview record = LookAtRecord(store);
    const PrunePlan plan = plan_now(record);
    Print(context, store, record, plan);
    boost::json::object json = ToJson(store, record, plan);
    const int code = CarryOutPlan(context, tidying, plan, plan_now, &json);
    if (json_ && code != kExitInterrupted) PrintJson(context.out, json);
    return code;
  }

 private:
  template <typename PlanNow>
  int CarryOutPlan(const CommandContext& context, Tidying& tidying, const PrunePlan& plan,
                   const PlanNow& plan_now, boost::json::object* json) const {
    Store& store = tidying.store();
    if (plan.Paths().empty()) {
      context.Remark("nothing to delete");
      (*json)["freed"] = beamgrid::ToJson(Freed());
      return kExitDone;
    }
    const std::string question = "delete " + CountText(plan.Paths().size(), "file") + " (" +
                                 SizeText(BytesFreedBy(plan.Paths())) + ")?";
    if (!Confirmed(context, question, option_.yes)) return kExitInterrupted;
    // First what the record need not hear of: on a full disk that makes room to write down the
    // rest.
    Freed freed = tidying.Delete(plan.checkpoints);
    store.Together([&] {
      const PrunePlan now = plan_now(LookAtRecord(store));
      if (now.files != plan.files || now.kept != plan.kept) {
        throw Error("the record was changed meanwhile, no artifact was deleted; look again");
      }
      CarryOut(store, plan);
    });
    freed += tidying.EmptyTrash();
    (*json)["freed"] = beamgrid::ToJson(freed);
    return ReportFreed(context, freed);
  }

  [[nodiscard]] std::vector<StudyId> Named(const Store& store) const {
    std::vector<StudyId> named;
    for (const std::string& name : studies_) {
      named.push_back(FindStudy(store, option_.database, name).id);
    }
    return named;
  }

  [[nodiscard]] PrunePlan Plan(const Store& store, const RecordOverview& record,
                               const RunsFolder& runs, const std::set<std::string>& running) const {
    PruneQuestion question{.studies = Named(store), .keep = keep_, .artifacts = {"model"}};
    if (predictions_) question.artifacts.insert("predictions");
    return PlanPrune(store, record, runs, question, running);
  }

  void Print(const CommandContext& context, const Store& store, const RecordOverview& record,
             const PrunePlan& plan) const {
    if (json_) return;
    const std::vector<StudyId> named = Named(store);
    TextTable table({">id", "trial", "file", ">size"});
    std::map<TrialId, std::string> best_not_counted;
    for (const GivenUpFile& file : plan.files) {
      table.Add({std::to_string(static_cast<std::int64_t>(file.trial.id)),
                 record.Label(file.trial.id, named), file.artifact.path,
                 SizeText(file.artifact.bytes)});
      if (!file.best_not_counted.empty()) {
        best_not_counted[file.trial.id] = file.best_not_counted;
      }
    }
    if (!plan.files.empty()) table.Print(context.out);
    for (const auto& [trial, why] : best_not_counted) {
      context.out << "note  " << record.Label(trial, named)
                  << " is one of the best of those that do not count now, and goes too: " << why
                  << "\n";
    }
    if (!plan.checkpoints.empty()) {
      context.out << CountText(plan.checkpoints.size(), "checkpoint") +
                         " of finished trials, from which nothing goes on: "
                  << SizeText(BytesFreedBy(plan.checkpoints)) << "\n";
    }
    for (const KeptTrial& kept : plan.kept) {
      context.out << "kept  " << record.Label(kept.trial.id, named) << ": " << kept.why << "\n";
    }
    context.out << "in all " << SizeText(BytesFreedBy(plan.Paths())) << "\n";
  }

  [[nodiscard]] boost::json::object ToJson(const Store& store, const RecordOverview& record,
                                           const PrunePlan& plan) const {
    const std::vector<StudyId> named = Named(store);
    const auto trial_json = [&](const TrialRecord& trial) {
      return TrialJson(record.StudyOf(trial.id, named).study.name, trial);
    };
    return {
        {"bytes", BytesFreedBy(plan.Paths())},
        {"files", JsonList(plan.files,
                           [&](const GivenUpFile& file) {
                             boost::json::object json = trial_json(file.trial);
                             json["artifact"] = file.artifact.name;
                             json["path"] = file.path.string();
                             json["bytes"] = file.artifact.bytes;
                             json["best_not_counted"] = nullptr;
                             if (!file.best_not_counted.empty()) {
                               json["best_not_counted"] = file.best_not_counted;
                             }
                             return json;
                           })},
        {"checkpoints", JsonList(plan.checkpoints,
                                 [](const std::filesystem::path& path) { return path.string(); })},
        {"kept", JsonList(plan.kept,
                          [&](const KeptTrial& kept) {
                            boost::json::object json = trial_json(kept.trial);
                            json["why"] = kept.why;
                            return json;
                          })},
        {"freed", nullptr}};
  }

  std::vector<std::string> studies_;
  std::size_t keep_ = 1;
  bool predictions_ = false, dry_run_ = false, json_ = false;
  UpkeepOption option_;
};

REGISTER_COMMAND("prune", kRecord, "Delete the files of models that lost, keep what they measured",
                 Prune);

}  // namespace
}  // namespace beamgrid
