// `beamgrid rename`: gives a study another name.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/confirm.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/upkeep_option.h"
#include "orchestrator/housekeeping/record_overview.h"
#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "search/recipe.h"

namespace beamgrid {
namespace {

class Rename : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Study")->required();
    app.add_option("NEW", name_, "Its new name: letters, digits, - and _")->required();
    option_.AddTo(app);
    AddJsonFlag(app, &json_);
    app.footer("No file is moved: the record names the folders of attempts as they are.");
  }

  int Run(CommandContext& context) override {
    if (!IsStudyName(name_)) {
      throw UsageError("'" + name_ + "' is no study's name: 1 to 100 letters, digits, - and _");
    }
    if (!MayBringUpToDate(context, option_)) return kExitInterrupted;
    Tidying tidying(option_.database.path, option_.database.runs);
    Store& store = tidying.store();
    const StudyRecord study = FindStudy(store, option_.database, study_);
    if (store.FindStudy(name_)) {
      throw UsageError("study '" + name_ + "' is already in " + option_.database.path.string() +
                       "; choose another name");
    }
    tidying.HoldOff(study.name);
    tidying.HoldOff(name_);
    FinishEarlier(context, tidying);
    RefuseOpenAttempts(store, study);
    const std::vector<std::string> naming = StudiesNaming(store, study.name);
    for (const std::string& other : naming) {
      context.Remark("the recipe of study " + other + " starts from trials of " + study.name +
                     " (`from`): write " + name_ + " there as well");
    }
    if (!Confirmed(context, "rename study " + study.name + " to " + name_ + "?", option_.yes)) {
      return kExitInterrupted;
    }
    RecordUpkeep(store).RenameStudy(study.id, name_);
    EndLeftJobs(context, store, study.name);
    context.Remark("study " + study.name + " is " + name_ + " now; write study.name = \"" + name_ +
                   "\" in its recipe too, or `run` starts a new study of the old name");
    if (json_) {
      PrintJson(context.out, boost::json::object{{"study", study.name},
                                                 {"name", name_},
                                                 {"recipes_naming_it", JsonList(naming)}});
    }
    return kExitDone;
  }

 private:
  /// Whose attempt it is, is told by the folder that it lies in, which has the study's old name.
  static void RefuseOpenAttempts(const Store& store, const StudyRecord& study) {
    for (const TrialRecord& trial : store.Trials(study.id, Counting::kAll)) {
      if (trial.state != TrialState::kRunning) continue;
      throw UsageError(
          "trial " + std::to_string(static_cast<std::int64_t>(trial.id)) + " of study " +
          study.name +
          " is open: its orchestrator was killed, or another study is training it; run "
          "the study first, or wait");
    }
  }

  std::string study_, name_;
  bool json_ = false;
  UpkeepOption option_;
};

REGISTER_COMMAND("rename", kRecord, "Give a study another name", Rename);

}  // namespace
}  // namespace beamgrid
