// `beamgrid trials`: the trials of a study.

#include "orchestrator/commands/trial_listing.h"

#include <algorithm>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

class TrialsCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Study")->required();
    database_.AddTo(app);
    app.add_flag("--all", all_,
                 "Also the trials that do not count: they were of other data, plugins, ...");
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    std::vector<TrialRecord> trials =
        store->Trials(FindStudy(*store, database_, study_).id, Counting::kAll);
    const auto left_out = static_cast<std::size_t>(
        std::ranges::count_if(trials, [](const TrialRecord& trial) { return !trial.counts(); }));
    if (!all_) std::erase_if(trials, [](const TrialRecord& trial) { return !trial.counts(); });
    if (json_) {
      PrintJson(context.out, JsonList(trials, ListingJson));
    } else {
      PrintTrials(context.out, trials);
      if (const std::string skipped = SkippedRemark(trials); !skipped.empty()) {
        context.Remark(skipped);
      }
    }
    if (left_out > 0 && !all_) {
      context.Remark(CountText(left_out, "trial") +
                     " of other content (data, plugins, ...) not counted; --all lists " +
                     (left_out == 1 ? "it" : "them"));
    }
    return kExitDone;
  }

 private:
  std::string study_;
  DatabaseOption database_;
  bool all_ = false, json_ = false;
};

REGISTER_COMMAND("trials", kRecord, "The trials of a study", TrialsCommand);

}  // namespace
}  // namespace beamgrid
