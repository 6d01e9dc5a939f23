// `beamgrid studies`: the studies of a database.

#include <algorithm>
#include <array>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/text_table.h"

namespace beamgrid {
namespace {

constexpr std::array kStates = {TrialState::kWaiting, TrialState::kRunning, TrialState::kComplete,
                                TrialState::kPruned, TrialState::kFailed};

using Counts = std::array<std::int64_t, kStates.size()>;

Counts CountStates(const Store& store, StudyId study) {
  Counts counts{};
  for (const TrialRecord& trial : store.Trials(study)) {
    const auto place = std::find(kStates.begin(), kStates.end(), trial.state) - kStates.begin();
    ++counts[static_cast<std::size_t>(place)];
  }
  return counts;
}

boost::json::object ToJson(const StudyRecord& study, const Counts& counts) {
  boost::json::object trials;
  for (std::size_t i = 0; i < kStates.size(); ++i) trials[ToString(kStates[i])] = counts[i];
  return {{"name", study.name},
          {"description", study.description},
          {"objective", study.objective},
          {"created_at", study.created_at},
          {"trials", trials}};
}

class StudiesCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    TextTable table({"study", "objective", "created", ">waiting", ">running", ">complete",
                     ">pruned", ">failed", "description"});
    table.LeaveOutFirst({"created", "objective", "pruned", "waiting"});
    table.BreakLines({"description"});
    boost::json::array list;
    for (const StudyRecord& study : store->Studies()) {
      const Counts counts = CountStates(*store, study.id);
      list.push_back(ToJson(study, counts));
      std::vector<std::string> cells = {study.name, study.objective, study.created_at};
      for (const std::int64_t count : counts) cells.push_back(std::to_string(count));
      cells.push_back(study.description);
      table.Add(std::move(cells));
    }
    if (json_) {
      PrintJson(context.out, list);
    } else {
      table.Print(context.out);
    }
    return kExitDone;
  }

 private:
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("studies", kRecord, "The studies of a database", StudiesCommand);

}  // namespace
}  // namespace beamgrid
