// `beamgrid trials`: the trials of a study.

#include "orchestrator/commands/trial_listing.h"

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/query_table.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/trial_selection.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

class TrialsCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Study")->required();
    selection_.AddTo(app);
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const StudyRecord study = FindStudy(*store, database_, study_);
    if (selection_.has_columns()) {
      Print(context, selection_.Columns(*store, study));
    } else {
      Print(context, selection_.Choose(*store, study));
    }
    return kExitDone;
  }

 private:
  void Print(const CommandContext& context, const Store::Table& columns) const {
    if (json_) {
      PrintJson(context.out, columns.Objects());
    } else {
      PrintColumns(context.out, columns);
    }
  }

  void Print(const CommandContext& context, const std::vector<TrialRecord>& trials) const {
    if (json_) {
      PrintJson(context.out, JsonList(trials, ListingJson));
    } else {
      PrintTrials(context.out, trials);
    }
  }

  std::string study_;
  TrialSelection selection_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("trials", kRecord, "The trials of a study", TrialsCommand);

}  // namespace
}  // namespace beamgrid
