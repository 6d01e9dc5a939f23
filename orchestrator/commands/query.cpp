// `beamgrid query`: read-only SQL on the record.

#include <map>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/marked.h"
#include "orchestrator/commands/query_table.h"
#include "orchestrator/commands/record.h"
#include "registry/store/named_queries.h"
#include "registry/store/query_error.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"

namespace beamgrid {
namespace {

class Query : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    auto* sql = app.add_option("SQL", sql_, "A SELECT, or the name of a query of --list");
    auto* list = app.add_flag("--list", list_, "List the named queries")->excludes(sql);
    app.add_option("--study", study_, "Only this study: the value of :study")
        ->type_name("STUDY")
        ->excludes(list);
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
    app.add_flag("--csv", csv_, "Print CSV instead of text")->excludes("--json");
    app.callback([sql, list] {
      if (sql->count() + list->count() == 0) throw CLI::RequiredError("SQL, a name or --list");
    });
  }

  int Run(CommandContext& context) override {
    const Store::Table table = list_ ? NamedQueryTable() : Answer();
    if (json_) {
      PrintJson(context.out, table.Objects());
    } else if (csv_) {
      PrintCsv(context.out, table);
    } else {
      PrintColumns(context.out, table, {"help", "sql"});
    }
    return kExitDone;
  }

 private:
  [[nodiscard]] Store::Table Answer() const {
    const std::string sql = SqlOf(sql_);
    const auto store = database_.OpenForReading();
    std::map<std::string, std::string> parameters;
    if (!study_.empty()) {
      static_cast<void>(FindStudy(*store, database_, study_));  // a misspelt one would have no rows
      parameters["study"] = study_;
    }
    try {
      return store->Query(sql, parameters);
    } catch (const QueryError& error) {
      if (!error.offset()) throw;
      throw UsageError(std::string(error.what()) + "\n" + Marked(sql, *error.offset()));
    }
  }

  static Store::Table NamedQueryTable() {
    Store::Table table{.columns = {"name", "help", "sql"}};
    for (const NamedQuery& query : NamedQueries()) {
      table.rows.push_back({query.name.c_str(), query.help.c_str(), query.sql.c_str()});
    }
    return table;
  }

  /// Returns the SQL that is meant: a single word is a name, everything else SQL.
  static std::string SqlOf(const std::string& text) {
    std::vector<std::string> names;
    for (const NamedQuery& query : NamedQueries()) {
      if (query.name == text) return query.sql;
      names.push_back(query.name);
    }
    if (text.find_first_of(" \t\n;") != std::string::npos) return text;
    const std::string hint = Suggestion(text, names);
    throw UsageError("no query '" + text + "'" +
                     (hint.empty() ? "; `beamgrid query --list` lists them" : hint));
  }

  std::string sql_, study_;
  DatabaseOption database_;
  bool list_ = false, json_ = false, csv_ = false;
};

REGISTER_COMMAND("query", kRecord, "Read-only SQL on the record, or a named query", Query);

}  // namespace
}  // namespace beamgrid
