#include "orchestrator/commands/list_selection.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <utility>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/marked.h"
#include "registry/scoring/metrics.h"
#include "registry/store/query_error.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

using Names = std::vector<std::string>;

/// The place of a row in a list in memory: a column that nobody would name.
constexpr char kPlace[] = "#";

std::string Quoted(const std::string& column) { return '"' + column + '"'; }

Names ColumnsOf(const Store& store, const ListSource& source) {
  Names columns =
      store.Query("SELECT * FROM " + source.relation + " LIMIT 0", source.parameters).columns;
  std::erase(columns, kPlace);
  return columns;
}

/// Returns a list in memory as a source: SQLite reads the rows as JSON.
ListSource SourceOf(const ListRows& list) {
  std::string relation = "(SELECT key AS " + Quoted(kPlace);
  for (const std::string& column : list.columns) {
    relation += ", json_extract(value, '$." + Quoted(column) + "') AS " + Quoted(column);
  }
  return {.relation = relation + " FROM json_each(:rows))",
          .parameters = {{"rows", CanonicalJson(list.rows)}},
          .order = Quoted(kPlace),
          .text_column = list.columns.front()};
}

void RequireColumn(const std::string& option, const std::string& name, const Names& columns) {
  if (std::ranges::find(columns, name) != columns.end()) return;
  throw UsageError(option + ": no column '" + name + "'" + Suggestion(name, columns) +
                   "; there are: " + Join(columns));
}

/// Metrics stand best first, everything else smallest first.
bool IsMetric(const std::string& column) {
  return column == "objective" || FindMetric(column) != nullptr;
}

/// Reads "gap", "gap:asc" or "gap desc" as an ORDER BY term; what is not known stands last.
std::string SortTerm(const std::string& text, const Names& columns) {
  const std::size_t end = text.find_first_of(": ");
  const std::string name = text.substr(0, end);
  const bool has_sign = name.starts_with('-') || name.starts_with('+');
  if (has_sign && std::ranges::find(columns, name.substr(1)) != columns.end()) {
    throw UsageError("--sort: '" + name + "': the order stands behind the column: " +
                     name.substr(1) + ":asc has the smallest first, " + name.substr(1) +
                     ":desc the largest; without either metrics stand best first, all else "
                     "smallest first");
  }
  RequireColumn("--sort", has_sign ? name.substr(1) : name, columns);
  std::string order = end == std::string::npos ? "" : text.substr(end + 1);
  if (order.empty()) order = IsMetric(name) ? "desc" : "asc";
  if (order != "asc" && order != "desc") {
    throw UsageError("--sort: '" + text + "' must be COLUMN, COLUMN:asc or COLUMN:desc");
  }
  return Quoted(name) + " IS NULL, " + Quoted(name) + " " + order;
}

/// Returns the texts in double quotes of an SQL expression. SQLite takes one that is no column for
/// a text, so a misspelt column would be compared as a word, in silence.
Names DoublyQuoted(const std::string& sql) {
  Names quoted;
  for (std::size_t at = 0; at < sql.size(); ++at) {
    if (sql[at] != '\'' && sql[at] != '"') continue;
    const std::size_t end = sql.find(sql[at], at + 1);
    if (end == std::string::npos) break;  // SQLite says it
    if (sql[at] == '"') quoted.push_back(sql.substr(at + 1, end - at - 1));
    at = end;
  }
  return quoted;
}

/// Refuses a condition that leaves the brackets that it is put into, or never comes back to them.
void RequireClosedBrackets(const std::string& where) {
  const auto refuse = [&where](std::size_t at, const std::string& why) {
    throw UsageError("--where: " + why + "\n" + Marked(where, at));
  };
  std::vector<std::size_t> open;
  for (std::size_t at = 0; at < where.size(); ++at) {
    const std::string_view rest = std::string_view(where).substr(at);
    std::string_view end;  // of what holds no brackets
    if (rest.starts_with("--")) {
      end = "\n";
    } else if (rest.starts_with("/*")) {
      end = "*/";
    } else if (rest[0] == '\'' || rest[0] == '"' || rest[0] == '`') {
      end = rest.substr(0, 1);
    }
    if (!end.empty()) {
      const std::size_t found = where.find(end, at + end.size());
      if (found == std::string::npos) return;  // SQLite says it
      at = found + end.size() - 1;
    } else if (rest[0] == '(') {
      open.push_back(at);
    } else if (rest[0] == ')') {
      if (open.empty()) refuse(at, "this bracket closes none");
      open.pop_back();
    }
  }
  if (!open.empty()) refuse(open.back(), "this bracket is not closed");
}

/// Returns what SQLite says of the SQL that holds the condition from byte `begin` on, in words
/// about the condition alone: whoever wrote it knows no more of the SQL.
std::string Reason(const std::string& where, std::size_t begin, const QueryError& error) {
  const std::string& said = error.reason();
  if (!error.offset() || *error.offset() < begin) return said;
  const std::size_t at = *error.offset() - begin;
  if (at >= where.size()) return "something is missing at its end";
  if (said.starts_with("only one statement")) return "it ends before the last words";
  if (!said.starts_with("unrecognized token")) return said;
  const bool quote = where[at] == '\'' || where[at] == '"' || where[at] == '`';
  return quote ? "a quote is not closed"
               : "unrecognized token: \"" + where.substr(at, where.find_first_of(" \n", at) - at) +
                     "\"";
}

/// Returns the message about a condition that is none: what is wrong, where, what is allowed.
std::string Explained(const std::string& where, std::size_t begin, const QueryError& error,
                      const Names& columns, const std::string& text_column) {
  constexpr std::string_view kMissing = "no such column: ";
  const std::string reason = Reason(where, begin, error);
  std::string text = "--where: " + reason;
  std::string example = text_column == "temporal" ? "netvlad" : "this";
  if (reason.starts_with(kMissing)) {
    const std::string name = reason.substr(kMissing.size());
    text += Suggestion(name, columns);
    if (name.find('\'') == std::string::npos) example = name;
  }
  if (error.offset() && *error.offset() >= begin) {
    text += "\n" + Marked(where, *error.offset() - begin) + "\nit must be an SQL condition";
  } else {
    text += "; it must be an SQL condition";
  }
  return text + " on the columns " + Join(columns) + "; text stands in single quotes, as in " +
         text_column + " = '" + example + "'";
}

}  // namespace

void ListSelection::AddTo(CLI::App& app, const std::string& where, const std::string& columns,
                          const std::string& what) {
  const std::string of = what.empty() ? "" : " " + what;
  app.add_option("--where", where_, "Only these" + of + ", an SQL condition: \"" + where + "\"")
      ->type_name("EXPR");
  app.add_option("--sort", sort_,
                 "Columns to sort by" + of +
                     ", with :asc or :desc behind them; metrics stand best first, all else "
                     "smallest first")
      ->type_name("COLUMN ...");
  app.add_option("--columns", columns_, "These columns" + of + " instead, as in " + columns)
      ->type_name("COLUMN ...");
  app.add_option("--limit", limit_, "At most so many" + of)->check(AtLeastOne());
}

Store::Table ListSelection::Choose(const Store& store, const ListSource& source,
                                   const Names& columns) const {
  const Names known = ColumnsOf(store, source);
  for (const std::string& name : DoublyQuoted(where_)) RequireColumn("--where", name, known);
  RequireClosedBrackets(where_);
  std::string sql = "SELECT " + Join(columns, ", ", Quoted) + " FROM " + source.relation +
                    " WHERE " + source.condition;
  // On lines of its own, so that a comment in it ends there.
  const std::size_t where_begin = sql.size() + std::string_view(" AND (\n").size();
  if (!where_.empty()) sql += " AND (\n" + where_ + "\n)";
  sql += " ORDER BY ";
  for (const std::string& key : ListItems(sort_)) sql += SortTerm(key, known) + ", ";
  sql += source.order;
  if (limit_) sql += " LIMIT " + std::to_string(*limit_);
  try {
    return store.Query(sql, source.parameters);
  } catch (const QueryError& error) {
    throw UsageError(Explained(where_, where_begin, error, known, source.text_column));
  }
}

Store::Table ListSelection::Columns(const Store& store, const ListSource& source) const {
  const Names known = ColumnsOf(store, source);
  const Names columns = ListItems(columns_);
  if (columns.empty()) {
    throw UsageError("--columns: names no column; there are: " + Join(known));
  }
  for (const std::string& name : columns) RequireColumn("--columns", name, known);
  return Choose(store, source, columns);
}

std::vector<std::size_t> ListSelection::Places(const ListRows& list) const {
  std::vector<std::size_t> places(list.rows.size());
  std::iota(places.begin(), places.end(), 0U);
  if (!chooses()) return places;
  const Store memory(":memory:", OpenMode::kReadWrite);
  places.clear();
  for (const auto& row : Choose(memory, SourceOf(list), {kPlace}).rows) {
    places.push_back(static_cast<std::size_t>(row.front().as_int64()));
  }
  return places;
}

Store::Table ListSelection::Columns(const ListRows& list) const {
  const Store memory(":memory:", OpenMode::kReadWrite);
  return Columns(memory, SourceOf(list));
}

}  // namespace beamgrid
