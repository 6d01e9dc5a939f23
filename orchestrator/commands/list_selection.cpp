#include "orchestrator/commands/list_selection.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <functional>
#include <map>
#include <numeric>
#include <regex>
#include <string_view>
#include <utility>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/marked.h"
#include "registry/criteria.h"
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

// ---- Options of parts as columns: temporal.clusters, temporal.netvlad.clusters, extras.dropout,
// ---- extras.dropout.rate, train.batch

constexpr char kModel[] = "model";  ///< the column with the JSON of a model

bool IsWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Returns the words between the dots of such a name; nothing where the text is none.
Names WordsOf(const std::string& text) {
  Names words = {""};
  for (const char c : text) {
    if (c == '.') {
      words.emplace_back();
    } else if (IsWordByte(c)) {
      words.back() += c;
    } else {
      return {};
    }
  }
  const bool whole = std::ranges::none_of(words, &std::string::empty);
  const bool is_path = words.size() == 2 || words.size() == 3;
  return whole && is_path && FindCriterion(words[0]) != nullptr ? words : Names();
}

/// Returns the SQL of what the name means: null where a model has no such option.
std::string ExpressionOf(const std::string& name) {
  const Names words = WordsOf(name);
  const auto value = [](const std::string& path) {
    return "json_extract(" + std::string(kModel) + ", '$." + path + "')";
  };
  if (words[0] == "extras" && words.size() == 2) {
    return "nullif(json_type(" + std::string(kModel) + ", '$." + name + "') IS NOT NULL, 0)";
  }
  if (words[0] == "extras" || words.size() == 2) return value(name);
  return "CASE " + value(words[0] + ".use") + " WHEN '" + words[1] + "' THEN " +
         value(words[0] + "." + words[2]) + " END";
}

/// Returns all such names that the models of the list have.
Names OptionsOf(const Store& store, const ListSource& source) {
  const Store::Table table = store.Query(
      "SELECT DISTINCT part.key || '.' || option.key || CASE WHEN part.key = 'extras' THEN"
      " coalesce('.' || inner.key, '') ELSE '' END FROM " +
          source.relation +
          " JOIN json_each(model) AS part JOIN json_each(part.value) AS option"
          " LEFT JOIN json_each(CASE WHEN part.key = 'extras' THEN option.value ELSE '{}' END)"
          " AS inner WHERE part.type = 'object' AND option.key <> 'use' ORDER BY 1",
      source.parameters);
  Names names;
  for (const auto& row : table.rows) {
    if (row[0].is_string()) names.emplace_back(row[0].as_string());
  }
  return names;
}

/// Calls `take` with each name of an option outside quotes, and where it begins.
void ForEachOption(const std::string& sql,
                   const std::function<void(const std::string& name, std::size_t at)>& take) {
  for (std::size_t at = 0; at < sql.size(); ++at) {
    if (sql[at] == '\'' || sql[at] == '"' || sql[at] == '`') {
      at = std::min(sql.find(sql[at], at + 1), sql.size());
    } else if (IsWordByte(sql[at])) {
      const auto end = std::find_if_not(sql.begin() + static_cast<std::ptrdiff_t>(at), sql.end(),
                                        [](char c) { return IsWordByte(c) || c == '.'; });
      const std::string word(sql.begin() + static_cast<std::ptrdiff_t>(at), end);
      if (!WordsOf(word).empty()) take(word, at);
      at += word.size() - 1;
    }
  }
}

/// Returns how much of the text that follows an option compares it with a number in quotes, as
/// " = '64'" does; 0: something else.
std::size_t QuotedNumberBytes(std::string_view rest, std::string* number) {
  static const std::regex kComparison(R"(^(\s*(?:=|==|<>|!=|<=?|>=?)\s*)'(-?\d+(?:\.\d+)?)')");
  std::cmatch found;
  if (!std::regex_search(rest.data(), rest.data() + rest.size(), found, kComparison)) return 0;
  *number = found[1].str() + found[2].str();
  return static_cast<std::size_t>(found.length(0));
}

/// Returns the condition with options as quoted columns. A number that an option is compared with
/// is one with quotes around it too: SQLite would find it different from every number.
std::string WithOptionsQuoted(const std::string& where) {
  std::string text;
  std::size_t done = 0;
  ForEachOption(where, [&](const std::string& name, std::size_t at) {
    text += where.substr(done, at - done) + Quoted(name);
    done = at + name.size();
    std::string number;
    if (const std::size_t bytes =
            QuotedNumberBytes(std::string_view(where).substr(done), &number)) {
      text += number;
      done += bytes;
    }
  });
  return text + where.substr(done);
}

/// Returns the source with these options as columns. Throws UsageError for one that no model has.
ListSource WithOptions(const Store& store, const ListSource& source,
                       const std::map<std::string, std::string>& options) {
  if (options.empty()) return source;
  ListSource wider = source;
  wider.relation = "(SELECT *";
  for (const auto& [name, option] : options) {
    const std::string expression = ExpressionOf(name);
    if (store
            .Query("SELECT 1 FROM " + source.relation + " WHERE " + expression +
                       " IS NOT NULL LIMIT 1",
                   source.parameters)
            .rows.empty()) {
      const Names known = OptionsOf(store, source);
      throw UsageError(option + ": no model of the list has '" + name + "'" +
                       Suggestion(name, known) + "; there are: " + Join(known));
    }
    const bool is_switch = WordsOf(name).size() == 2 && name.starts_with("extras.");
    wider.relation +=
        ", " + (is_switch ? "coalesce(" + expression + ", 0)" : expression) + " AS " + Quoted(name);
  }
  wider.relation += " FROM " + source.relation + ")";
  return wider;
}

/// People say size for size_bytes, as headings do.
std::string ColumnFor(const std::string& name, const Names& known) {
  const bool says_size = name == "size" && std::ranges::find(known, "size_bytes") != known.end() &&
                         std::ranges::find(known, name) == known.end();
  return says_size ? "size_bytes" : name;
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
  const std::string name = ColumnFor(text.substr(0, end), columns);
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
    const std::string suggestion = Suggestion(name, columns);
    text += suggestion;
    // A word that is no column may have been meant as a text.
    if (suggestion.empty() && name.find('\'') == std::string::npos) example = name;
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

ListSource ListSelection::Source(const Store& store, const ListSource& source) const {
  const Names known = ColumnsOf(store, source);
  if (std::ranges::find(known, kModel) == known.end()) return source;
  std::map<std::string, std::string> options;
  ForEachOption(where_, [&](const std::string& name, std::size_t) { options[name] = "--where"; });
  for (const std::string& name : ListItems(columns_)) {
    if (!WordsOf(name).empty()) options[name] = "--columns";
  }
  for (const std::string& key : ListItems(sort_)) {
    const std::string name = key.substr(0, key.find_first_of(": "));
    if (!WordsOf(name).empty()) options[name] = "--sort";
  }
  return WithOptions(store, source, options);
}

Store::Table ListSelection::Choose(const Store& store, const ListSource& given,
                                   const Names& columns) const {
  const ListSource source = Source(store, given);
  const Names known = ColumnsOf(store, source);
  const bool has_options = std::ranges::find(known, kModel) != known.end();
  const std::string where = has_options ? WithOptionsQuoted(where_) : where_;
  for (const std::string& name : DoublyQuoted(where)) RequireColumn("--where", name, known);
  RequireClosedBrackets(where);
  // A condition may say size for size_bytes too.
  const std::string relation = ColumnFor("size", known) == "size"
                                   ? source.relation
                                   : "(SELECT *, size_bytes AS size FROM " + source.relation + ")";
  std::string sql =
      "SELECT " + Join(columns, ", ", Quoted) + " FROM " + relation + " WHERE " + source.condition;
  // On lines of its own, so that a comment in it ends there.
  const std::size_t where_begin = sql.size() + std::string_view(" AND (\n").size();
  if (!where.empty()) sql += " AND (\n" + where + "\n)";
  sql += " ORDER BY ";
  for (const std::string& key : ListItems(sort_)) sql += SortTerm(key, known) + ", ";
  sql += source.order;
  if (limit_) sql += " LIMIT " + std::to_string(*limit_);
  try {
    return store.Query(sql, source.parameters);
  } catch (const QueryError& error) {
    throw UsageError(Explained(where, where_begin, error, known, source.text_column));
  }
}

Store::Table ListSelection::Columns(const Store& store, const ListSource& given) const {
  const Names known = ColumnsOf(store, Source(store, given));
  Names columns = ListItems(columns_);
  if (columns.empty()) {
    throw UsageError("--columns: names no column; there are: " + Join(known));
  }
  for (std::string& name : columns) {
    name = ColumnFor(name, known);
    RequireColumn("--columns", name, known);
  }
  return Choose(store, given, columns);
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
