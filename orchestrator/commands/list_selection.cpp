#include "orchestrator/commands/trial_selection.h"

#include <algorithm>
#include <map>
#include <utility>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/marked.h"
#include "registry/outcome.h"
#include "registry/scoring/metrics.h"
#include "registry/store/query_error.h"
#include "registry/util/error.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Returns the view of these trials, with the names of `trials --json` that it has otherwise.
std::string TrialsOf(Counting counting) {
  return std::string(
             "(SELECT trial AS id, *, failure_kind || CASE WHEN coalesce(failure_message, '') = ''"
             " THEN '' ELSE ': ' || failure_message END AS failure, not_counted IS NULL AS counts"
             " FROM ") +
         (counting == Counting::kAll ? "every_trial" : "trials") + " WHERE study = :study)";
}

using Names = std::vector<std::string>;

Names ColumnsOf(const Store& store, const StudyRecord& study) {
  return store
      .Query("SELECT * FROM " + TrialsOf(Counting::kOnly) + " LIMIT 0", {{"study", study.name}})
      .columns;
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
  return name + " IS NULL, " + name + " " + order;
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
                      const Names& columns) {
  constexpr std::string_view kMissing = "no such column: ";
  const std::string reason = Reason(where, begin, error);
  std::string text = "--where: " + reason, example = "netvlad";
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
  return text + " on the columns " + Join(columns) +
         "; text stands in single quotes, as in temporal = '" + example + "'";
}

}  // namespace

void TrialSelection::AddTo(CLI::App& app) {
  app.add_option("--where", where_,
                 "Only these, an SQL condition: \"temporal = 'netvlad' and gap > 0.8\"")
      ->type_name("EXPR");
  Names states;
  for (const TrialState state : {TrialState::kWaiting, TrialState::kRunning, TrialState::kComplete,
                                 TrialState::kPruned, TrialState::kFailed}) {
    states.push_back(ToString(state));
  }
  app.add_option("--state", states_, "Only in this state")->delimiter(',')->check(OneOf(states));
  app.add_option("--sort", sort_,
                 "Columns to sort by, as in gap,size_bytes:desc; metrics stand best first")
      ->type_name("COLUMN ...");
  app.add_option("--columns", columns_, "These columns instead, as in name,seed,gap,loss")
      ->type_name("COLUMN ...");
  app.add_option("--limit", limit_, "At most so many")->check(AtLeastOne());
}

Store::Table TrialSelection::Query(const Store& store, const StudyRecord& study, Counting counting,
                                   const std::string& columns) const {
  const Names known = ColumnsOf(store, study);
  for (const std::string& name : DoublyQuoted(where_)) RequireColumn("--where", name, known);
  std::string sql = "SELECT " + columns + " FROM " + TrialsOf(counting) + " WHERE ";
  sql += states_.empty() ? "1" : "state IN (" + Join(states_, ", ", [](const auto& s) {
                                   return "'" + s + "'";
                                 }) + ")";
  // On lines of its own, so that a comment in it ends there.
  const std::size_t where_begin = sql.size() + std::string_view(" AND (\n").size();
  if (!where_.empty()) sql += " AND (\n" + where_ + "\n)";
  sql += " ORDER BY ";
  for (const std::string& key : ListItems(sort_)) sql += SortTerm(key, known) + ", ";
  sql += "position";
  if (limit_) sql += " LIMIT " + std::to_string(*limit_);
  try {
    return store.Query(sql, {{"study", study.name}});
  } catch (const QueryError& error) {
    throw UsageError(Explained(where_, where_begin, error, known));
  }
}

std::vector<TrialRecord> TrialSelection::Choose(const Store& store, const StudyRecord& study,
                                                Counting counting) const {
  std::map<std::int64_t, TrialRecord> by_id;
  for (TrialRecord& trial : store.Trials(study.id, counting)) {
    const auto id = static_cast<std::int64_t>(trial.id);
    by_id.emplace(id, std::move(trial));
  }
  std::vector<TrialRecord> chosen;
  for (const auto& row : Query(store, study, counting, "id").rows) {
    chosen.push_back(by_id.at(row.front().as_int64()));
  }
  return chosen;
}

Store::Table TrialSelection::Columns(const Store& store, const StudyRecord& study,
                                     Counting counting) const {
  const Names known = ColumnsOf(store, study);
  const Names columns = ListItems(columns_);
  for (const std::string& name : columns) RequireColumn("--columns", name, known);
  return Query(store, study, counting, Join(columns));
}

}  // namespace beamgrid
