// `beamgrid table`: an ablation table of a study, like the papers'.

#include <optional>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/inputs/recipe_files.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/table.h"

namespace beamgrid {
namespace {

/// Reads "temporal=blstm" as {"temporal", "blstm"}.
std::pair<std::string, std::string> ParseFix(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    throw UsageError("--fix: '" + text + "' must be CRITERION=COMPONENT, as in temporal=blstm");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

class TableCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", question_.study, "Study")->required();
    app.add_option("--vary", question_.vary,
                   "Criterion of the rows, or one extra or training setting, as in extras.dropout; "
                   "none: whole models")
        ->type_name("CRITERION");
    app.add_option("--fix", fix_, "Only trials with this component, as in temporal=blstm")
        ->type_name("CRITERION=COMPONENT");
    app.add_option("--metric", question_.metric)
        ->check(OneOf(MetricNames()))
        ->capture_default_str();
    app.add_flag("--effects", question_.effects,
                 "A column with the main effect of each row over the whole study");
    app.add_option("--title", question_.title, "Heading of the table");
    app.add_option("--reference", question_.reference, "A paper's table, as in kim18/2");
    app.add_option("--format", format_, "md, latex, csv, html or json")->capture_default_str();
    app.add_flag("--json", json_, "The same as --format json")->excludes("--format");
    database_.AddTo(app);
  }

  int Run(CommandContext& context) override {
    for (const std::string& text : ListItems(fix_)) question_.fix.push_back(ParseFix(text));
    const auto store = database_.OpenForReading();
    const StudyRecord study = FindStudy(*store, database_, question_.study);
    const std::vector<NamedFile> plugins = PluginsAtHand(Models(*store, study.id));
    const AblationTable table = MakeTable(*store, OpenTrainer(context, plugins).catalogue,
                                          question_, PaperRows(question_.reference));
    Print(context.out, table);
    if (table.groups > 1) {
      context.Remark("this table is one of " + CountText(table.groups, "group") +
                     " of trials; --fix CRITERION=COMPONENT chooses another");
    }
    return kExitDone;
  }

 private:
  void Print(std::ostream& out, const AblationTable& table) const {
    // Of Markdown only the rows are for programs, and they stay as they are.
    std::optional<Verbatim> as_it_is;
    if (json_ || format_ != "md") as_it_is.emplace(out);
    out << Render(table, json_ ? "json" : format_);
  }

  [[nodiscard]] static std::vector<std::string> Models(const Store& store, StudyId study) {
    std::vector<std::string> models;
    for (const TrialRecord& trial : store.Trials(study)) {
      models.push_back(trial.model_json);
    }
    return models;
  }

  TableQuestion question_;
  std::vector<std::string> fix_;
  std::string format_ = "md";
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("table", kResults, "Ablation table of a study", TableCommand);

}  // namespace
}  // namespace beamgrid
