// `beamgrid trials`: the trials of a study.

#include "orchestrator/commands/trial_listing.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/list_selection.h"
#include "orchestrator/commands/query_table.h"
#include "orchestrator/commands/record.h"
#include "registry/outcome.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Returns the view of the study's trials, with the names of `trials --json` that it has otherwise.
ListSource SourceOf(const StudyRecord& study, Counting counting,
                    const std::vector<std::string>& states) {
  const auto quoted = [](const std::string& state) { return "'" + state + "'"; };
  return {.relation = std::string("(SELECT trial AS id, *, failure_kind || CASE WHEN"
                                  " coalesce(failure_message, '') = '' THEN '' ELSE ': ' ||"
                                  " failure_message END AS failure, not_counted IS NULL AS counts"
                                  " FROM ") +
                      (counting == Counting::kAll ? "every_trial" : "trials") +
                      " WHERE study = :study)",
          .parameters = {{"study", study.name}},
          .condition = states.empty() ? "1" : "state IN (" + Join(states, ", ", quoted) + ")",
          .order = "position",
          .text_column = "temporal"};
}

class TrialsCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Study")->required();
    selection_.AddTo(app, "temporal.clusters = 64 and gap > 0.8", "name,seed,gap,train.batch");
    std::vector<std::string> states;
    for (const TrialState state :
         {TrialState::kWaiting, TrialState::kRunning, TrialState::kComplete, TrialState::kPruned,
          TrialState::kFailed}) {
      states.push_back(ToString(state));
    }
    app.add_option("--state", states_, "Only in this state")->delimiter(',')->check(OneOf(states));
    database_.AddTo(app);
    app.add_flag("--all", all_,
                 "Also the trials that do not count: they were of other data, plugins, ...");
    AddJsonFlag(app, &json_);
  }
  [[nodiscard]] bool IsList() const override { return true; }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const StudyRecord study = FindStudy(*store, database_, study_);
    const ListSource source = SourceOf(study, all_ ? Counting::kAll : Counting::kOnly, states_);
    // All of them once: also those that do not count are told of.
    const std::vector<TrialRecord> trials = store->Trials(study.id, Counting::kAll);
    if (selection_.has_columns()) {
      PrintTable(context, selection_.Columns(*store, source), json_);
    } else {
      Print(context, Chosen(trials, selection_.Choose(*store, source, {"id"})), study.objective);
    }
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
  static std::vector<TrialRecord> Chosen(const std::vector<TrialRecord>& trials,
                                         const Store::Table& ids) {
    std::map<std::int64_t, const TrialRecord*> by_id;
    for (const TrialRecord& trial : trials) by_id[static_cast<std::int64_t>(trial.id)] = &trial;
    std::vector<TrialRecord> chosen;
    for (const auto& row : ids.rows) chosen.push_back(*by_id.at(row.front().as_int64()));
    return chosen;
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
  ListSelection selection_;
  std::vector<std::string> states_;
  DatabaseOption database_;
  bool all_ = false, json_ = false;
};

REGISTER_COMMAND("trials", kRecord, "The trials of a study", TrialsCommand);

}  // namespace
}  // namespace beamgrid
