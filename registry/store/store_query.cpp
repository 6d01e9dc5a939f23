// The Store's read-only SQL for people, and reading that is of one moment.

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <string_view>

#include "registry/store/database.h"
#include "registry/store/query_error.h"
#include "registry/store/store.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

using RawStatement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

bool MayRead(int action, std::string_view name) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
      return true;
    case SQLITE_PRAGMA:
      return name == "table_info";
    case SQLITE_UPDATE:
      // SQLite asks for this when a query first names json_each or another table-valued function.
      // A real UPDATE of the schema it refuses by itself, and Prepare refuses what is not a reader.
      return name == "sqlite_master";
    default:
      return false;
  }
}

/// ReadingOnly holds the connection to reading while it lives: attaching files, pragmas (but for
/// the one that lists columns) and every change are denied while SQLite compiles them, however they
/// are written.
class ReadingOnly {
 public:
  explicit ReadingOnly(sqlite3* connection) : connection_(connection) {
    sqlite3_set_authorizer(connection_, Authorize, this);
  }
  ~ReadingOnly() { sqlite3_set_authorizer(connection_, nullptr, nullptr); }
  ReadingOnly(const ReadingOnly&) = delete;
  ReadingOnly& operator=(const ReadingOnly&) = delete;

  /// Throws what SQLite says of the call that just failed, and why if it was for more than reading.
  /// A file that cannot be read or is damaged is no mistake in the query: SQLite's exception.
  [[noreturn]] void Refuse() const {
    switch (sqlite3_errcode(connection_)) {
      case SQLITE_ERROR:
      case SQLITE_AUTH:
      case SQLITE_TOOBIG:
      case SQLITE_MISMATCH:
      case SQLITE_RANGE:
        break;
      default:
        throw SQLite::Exception(connection_);
    }
    const int offset = sqlite3_error_offset(connection_);
    throw QueryError(
        std::string(sqlite3_errmsg(connection_)) +
            (denied_ ? ": only SELECT is allowed, the record is not changed by hand" : ""),
        offset < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(offset)));
  }

 private:
  static int Authorize(void* self, int action, const char* name, const char*, const char*,
                       const char*) {
    if (MayRead(action, name == nullptr ? "" : name)) return SQLITE_OK;
    static_cast<ReadingOnly*>(self)->denied_ = true;
    return SQLITE_DENY;
  }

  sqlite3* connection_;
  bool denied_ = false;
};

RawStatement Prepare(sqlite3* connection, const ReadingOnly& reading, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v2(connection, sql.c_str(), -1, &raw, &rest);
  RawStatement statement(raw, &sqlite3_finalize);
  if (code != SQLITE_OK) reading.Refuse();
  if (!statement) throw UsageError("query: there is no statement in it");
  // A second lock: the authorizer is asked about kinds of actions, this is about the statement as a
  // whole.
  if (sqlite3_stmt_readonly(raw) == 0) throw UsageError("query: only SELECT is allowed");
  // SQLite compiles up to the first semicolon; what follows would be passed over in silence.
  if (std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    throw QueryError("only one statement at a time, this follows it: " + std::string(rest),
                     static_cast<std::size_t>(rest - sql.c_str()));
  }
  return statement;
}

void Bind(sqlite3_stmt* statement, const std::map<std::string, std::string>& parameters) {
  for (const auto& [name, value] : parameters) {
    const int index = sqlite3_bind_parameter_index(statement, (":" + name).c_str());
    // A value that the query does not use is a misspelt name.
    if (index == 0) throw UsageError("query: has no parameter :" + name);
    sqlite3_bind_text(statement, index, value.data(), static_cast<int>(value.size()),
                      SQLITE_TRANSIENT);
  }
  // Without a value it would be null, and a condition with it hold for nothing, in silence. Named
  // queries are asked without a study too.
  for (int index = 1; index <= sqlite3_bind_parameter_count(statement); ++index) {
    const char* name = sqlite3_bind_parameter_name(statement, index);
    const std::string given = name == nullptr ? "?" : name;
    if (given == ":study" || parameters.contains(given.substr(1))) continue;
    throw QueryError("the parameter " + given + " has no value; only :study may have one",
                     std::nullopt);
  }
}

std::string Hex(sqlite3_stmt* statement, int column) {
  const auto* bytes = static_cast<const unsigned char*>(sqlite3_column_blob(statement, column));
  return HexText({bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))});
}

boost::json::value Cell(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement, column);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return boost::json::string(
          reinterpret_cast<const char*>(sqlite3_column_text(statement, column)),
          static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    case SQLITE_BLOB:
      // JSON has no bytes.
      return boost::json::string(Hex(statement, column));
    default:
      return nullptr;
  }
}

}  // namespace

boost::json::array Store::Table::Objects() const {
  return JsonList(rows, [&](const std::vector<boost::json::value>& row) {
    boost::json::object object;
    for (std::size_t i = 0; i < row.size(); ++i) object[columns[i]] = row[i];
    return object;
  });
}

Store::Table Store::Query(const std::string& sql,
                          const std::map<std::string, std::string>& parameters) const {
  return impl_->database.Read([&] {
    sqlite3* connection = impl_->database.connection().getHandle();
    // Only for this query: the Store's own statements on the connection do write.
    const ReadingOnly reading(connection);
    const RawStatement statement = Prepare(connection, reading, sql);
    Bind(statement.get(), parameters);
    Table table;
    const int columns = sqlite3_column_count(statement.get());
    for (int i = 0; i < columns; ++i) {
      table.columns.emplace_back(sqlite3_column_name(statement.get(), i));
    }
    int code = sqlite3_step(statement.get());
    for (; code == SQLITE_ROW; code = sqlite3_step(statement.get())) {
      std::vector<boost::json::value>& row = table.rows.emplace_back();
      for (int i = 0; i < columns; ++i) row.push_back(Cell(statement.get(), i));
    }
    if (code != SQLITE_DONE) reading.Refuse();
    return table;
  });
}

void Store::AsOfOneMoment(const std::function<void()>& work) const {
  impl_->database.Read([&] {
    SQLite::Database& connection = impl_->database.connection();
    if (sqlite3_get_autocommit(connection.getHandle()) == 0) return work();
    const SQLite::Transaction reading(connection);  // its end takes nothing back
    work();
  });
}

}  // namespace beamgrid
