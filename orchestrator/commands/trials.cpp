// `beamgrid trials`: the trials of a study.

#include "orchestrator/commands/trial_listing.h"

#include <algorithm>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/query_table.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/trial_selection.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

class TrialsCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Study")->required();
    selection_.AddTo(app);
    database_.AddTo(app);
    app.add_flag("--all", all_,
                 "Also the trials that do not count: they were of other data, plugins, ...");
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const StudyRecord study = FindStudy(*store, database_, study_);
    const Counting counting = all_ ? Counting::kAll : Counting::kOnly;
    if (selection_.has_columns()) {
      Print(context, selection_.Columns(*store, study, counting));
    } else {
      Print(context, selection_.Choose(*store, study, counting), study.objective);
    }
    const std::vector<TrialRecord> trials = store->Trials(study.id, Counting::kAll);
    const auto left_out = static_cast<std::size_t>(
        std::ranges::count_if(trials, [](const TrialRecord& trial) { return !trial.counts(); }));
    if (left_out > 0 && !all_) {
      context.Remark(CountText(left_out, "trial") + (left_out == 1 ? " does" : " do") +
                     " not count now; --all lists " + (left_out == 1 ? "it" : "them") +
                     " and says why");
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

  void Print(const CommandContext& context, const std::vector<TrialRecord>& trials,
             const std::string& objective) const {
    if (json_) {
      PrintJson(context.out, JsonList(trials, ListingJson));
    } else {
      PrintTrials(context.out, trials, objective);
      if (const std::string skipped = SkippedRemark(trials); !skipped.empty()) {
        context.Remark(skipped);
      }
    }
  }

  std::string study_;
  TrialSelection selection_;
  DatabaseOption database_;
  bool all_ = false, json_ = false;
};

REGISTER_COMMAND("trials", kRecord, "The trials of a study", TrialsCommand);

}  // namespace
}  // namespace beamgrid
