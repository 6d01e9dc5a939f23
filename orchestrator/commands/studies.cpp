// `beamgrid studies`: the studies of a database.

#include <array>
#include <map>
#include <utility>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/list_selection.h"
#include "orchestrator/commands/query_table.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/text_table.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

constexpr std::array kStates = {TrialState::kWaiting, TrialState::kRunning, TrialState::kComplete,
                                TrialState::kPruned, TrialState::kFailed};

/// Returns the columns of the list; a study's row in it has these and no others.
std::vector<std::string> StudyColumns() {
  std::vector<std::string> columns = {"name", "objective", "created_at"};
  for (const TrialState state : kStates) columns.push_back(ToString(state));
  columns.insert(columns.end(), {"trials", "description"});
  return columns;
}

/// Returns the studies in the order in which they were made, with their trials by state.
ListRows RowsOf(const Store& store) {
  std::map<std::string, boost::json::object> rows;
  const std::vector<StudyRecord> studies = store.Studies();
  for (const StudyRecord& study : studies) {
    boost::json::object row = {{"name", study.name},
                               {"objective", study.objective},
                               {"created_at", study.created_at},
                               {"trials", 0},
                               {"description", study.description}};
    for (const TrialState state : kStates) row[ToString(state)] = 0;
    rows[study.name] = std::move(row);
  }
  // From the tables: the view would look at each trial's attempts too.
  for (const auto& count : store
                               .Query(std::string("SELECT study.name, ") + kToldState +
                                      ", count(*) FROM study_trial"
                                      " JOIN study ON study.id = study_trial.study"
                                      " JOIN trial ON trial.id = study_trial.trial"
                                      " WHERE study_trial.not_counted IS NULL GROUP BY 1, 2")
                               .rows) {
    boost::json::object& row = rows.at(std::string(count.at(0).as_string()));
    row[count.at(1).as_string()] = count.at(2);
    row["trials"] = row.at("trials").as_int64() + count.at(2).as_int64();
  }
  ListRows list{.columns = StudyColumns()};
  for (const StudyRecord& study : studies) list.rows.push_back(rows.at(study.name));
  return list;
}

/// Returns one object of `studies --json`.
boost::json::object StudyJson(const boost::json::value& row) {
  boost::json::object trials;
  for (const TrialState state : kStates) trials[ToString(state)] = row.at(ToString(state));
  return {{"name", row.at("name")},
          {"description", row.at("description")},
          {"objective", row.at("objective")},
          {"created_at", row.at("created_at")},
          {"trials", std::move(trials)}};
}

std::string StudyCell(const boost::json::value& cell) {
  return cell.is_string() ? std::string(cell.get_string()) : std::to_string(cell.as_int64());
}

void Print(std::ostream& out, const boost::json::array& rows) {
  TextTable table({"study", "objective", "created", ">waiting", ">running", ">complete", ">pruned",
                   ">failed", "description"});
  table.LeaveOutFirst({"created", "objective", "pruned", "waiting"});
  table.BreakLines({"description"});
  for (const boost::json::value& row : rows) {
    std::vector<std::string> cells;
    for (const std::string& column : StudyColumns()) {
      if (column != "trials") cells.push_back(StudyCell(row.at(column)));
    }
    table.Add(std::move(cells));
  }
  table.Print(out);
}

class StudiesCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    selection_.AddTo(app, "failed > 0", "name,complete,trials");
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
  }
  [[nodiscard]] bool IsList() const override { return true; }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const ListRows list = RowsOf(*store);
    if (selection_.has_columns()) {
      PrintTable(context, selection_.Columns(list), json_);
      return kExitDone;
    }
    boost::json::array chosen;
    for (const std::size_t place : selection_.Places(list)) chosen.push_back(list.rows[place]);
    if (json_) {
      PrintJson(context.out, JsonList(chosen, StudyJson));
    } else {
      Print(context.out, chosen);
    }
    return kExitDone;
  }

 private:
  ListSelection selection_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("studies", kRecord, "The studies of a database", StudiesCommand);

}  // namespace
}  // namespace beamgrid
