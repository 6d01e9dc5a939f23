// `beamgrid trials`: the trials of a study.

#include "orchestrator/commands/trial_listing.h"

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

class TrialsCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Study")->required();
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const std::vector<TrialRecord> trials = store->Trials(FindStudy(*store, database_, study_).id);
    if (!json_) {
      PrintTrials(context.out, trials);
      if (const std::string skipped = SkippedRemark(trials); !skipped.empty()) {
        context.Remark(skipped);
      }
      return kExitDone;
    }
    PrintJson(context.out, JsonList(trials, ListingJson));
    return kExitDone;
  }

 private:
  std::string study_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("trials", kRecord, "The trials of a study", TrialsCommand);

}  // namespace
}  // namespace beamgrid
