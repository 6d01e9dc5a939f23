// `beamgrid query`: read-only SQL on the record.

#include <algorithm>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/text_table.h"
#include "registry/store/named_queries.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"

namespace beamgrid {
namespace {

/// Returns a cell for people and for CSV: text as it is, null as nothing.
std::string CellText(const boost::json::value& cell) {
  if (cell.is_null()) return "";
  if (cell.is_string()) return std::string(cell.get_string());
  return CanonicalJson(cell);
}

std::string CsvCell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

template <typename Cells, typename ToText>
void PrintCsvLine(std::ostream& out, const Cells& cells, ToText to_text) {
  const char* separator = "";
  for (const auto& cell : cells) {
    out << separator << CsvCell(to_text(cell));
    separator = ",";
  }
  out << "\n";
}

void PrintCsv(std::ostream& out, const Store::Table& table) {
  PrintCsvLine(out, table.columns, [](const std::string& name) { return name; });
  for (const auto& row : table.rows) PrintCsvLine(out, row, CellText);
}

void PrintText(std::ostream& out, const Store::Table& table) {
  std::vector<std::string> headings = table.columns;
  for (std::size_t column = 0; column < headings.size(); ++column) {
    const bool numbers = std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
      return row[column].is_null() || row[column].is_number();
    });
    if (numbers && !table.rows.empty()) headings[column].insert(0, ">");
  }
  TextTable text(std::move(headings));
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const boost::json::value& cell : row) cells.push_back(CellText(cell));
    text.Add(std::move(cells));
  }
  text.Print(out);
}

class Query : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    auto* sql = app.add_option("SQL", sql_, "A SELECT, or the name of a query of --list");
    auto* list = app.add_flag("--list", list_, "List the named queries")->excludes(sql);
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
    app.add_flag("--csv", csv_, "Print CSV instead of text")->excludes("--json");
    app.callback([sql, list] {
      if (sql->count() + list->count() == 0) throw CLI::RequiredError("SQL, a name or --list");
    });
  }

  int Run(CommandContext& context) override {
    const Store::Table table =
        list_ ? NamedQueryTable() : database_.OpenForReading()->Query(SqlOf(sql_));
    if (json_) {
      PrintJson(context.out, table.Objects());
    } else if (csv_) {
      PrintCsv(context.out, table);
    } else {
      PrintText(context.out, table);
    }
    return kExitDone;
  }

 private:
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

  std::string sql_;
  DatabaseOption database_;
  bool list_ = false, json_ = false, csv_ = false;
};

REGISTER_COMMAND("query", kRecord, "Read-only SQL on the record, or a named query", Query);

}  // namespace
}  // namespace beamgrid
