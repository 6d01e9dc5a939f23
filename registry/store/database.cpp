#include "registry/store/database.h"

#include <SQLiteCpp/Backup.h>
#include <sqlite3.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <string_view>
#include <thread>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

// A transaction of another study holds the record for milliseconds, on a busy disk for seconds.
constexpr int kBusyTimeoutMs = 10'000;
/// The bits of a SQLite result code that name the kind of error; the others say where it came from.
constexpr int kPrimaryCode = 0xff;
/// The bytes "BGRD": they mark a database as ours.
constexpr std::int64_t kApplicationId = 0x42475244;
constexpr char kMemory[] = ":memory:";

/// Returns what the user can do about an error.
std::string FixFor(int code) {
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process holds it; wait for it, stop it or use another --db";
    case SQLITE_FULL:
      return "make room on the disk and run again; what was finished is kept";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "check the permissions of the file and its folder";
    case SQLITE_CANTOPEN:
      return "check that the folder exists and may be written";
    case SQLITE_NOTADB:
      return "this file is something else; name another --db";
    case SQLITE_CORRUPT:
      return "the file is damaged; restore a copy or salvage it with sqlite3's .recover";
    case SQLITE_IOERR:
      return "check the disk, then run again; what was finished is kept";
    default:
      return "please report this";
  }
}

int FlagsFor(OpenMode mode) {
  return mode == OpenMode::kReadOnly ? SQLite::OPEN_READONLY
                                     : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;
}

/// Returns the names of the schema's views, in the order in which they are made.
std::vector<std::string> ViewNames() {
  constexpr std::string_view kBegin = "CREATE VIEW ";
  std::vector<std::string> names;
  const std::string& sql = Views();
  for (std::size_t at = sql.find(kBegin); at != std::string::npos; at = sql.find(kBegin, at)) {
    at += kBegin.size();
    names.push_back(sql.substr(at, sql.find(' ', at) - at));
  }
  return names;
}

}  // namespace

StatementUse& StatementUse::operator<<(std::int64_t value) {
  statement_.bind(++bound_, value);
  return *this;
}

StatementUse& StatementUse::operator<<(double value) {
  ++bound_;
  // SQLite would keep an infinity, and the JSON of `query` has no word for it.
  if (std::isfinite(value)) {
    statement_.bind(bound_, value);
  } else {
    statement_.bind(bound_);
  }
  return *this;
}

StatementUse& StatementUse::operator<<(const std::string& value) {
  // Logs and recipes are long, and the caller holds the text until the statement has run.
  statement_.bindNoCopy(++bound_, value);
  return *this;
}

std::string StatementUse::Text(const char* column) const {
  return statement_.getColumn(column).getString();
}

std::int64_t StatementUse::Integer(const char* column) const {
  return statement_.getColumn(column).getInt64();
}

double StatementUse::Number(const char* column) const {
  const SQLite::Column value = statement_.getColumn(column);
  return value.isNull() ? std::numeric_limits<double>::quiet_NaN() : value.getDouble();
}

bool StatementUse::IsNull(const char* column) const {
  return statement_.getColumn(column).isNull();
}

Database::Database(const std::filesystem::path& path, OpenMode mode,
                   std::vector<std::string> migrations)
    : path_(path.string()), migrations_(std::move(migrations)) {
  if (mode == OpenMode::kReadOnly && path_ != kMemory && !std::filesystem::exists(path)) {
    throw Error(path_ +
                ": there is no such database; `beamgrid run` makes one, or name it by --db");
  }
  Read([&] { OpenPatiently(mode); });
}

/// Opens the file, again and again while others make the same database: SQLite says "busy" without
/// waiting then, for whoever changes to the write-ahead log needs the file for himself.
void Database::OpenPatiently(OpenMode mode) {
  constexpr int kPauseMs = 10;
  // Pauses are counted and no clock is read: one goes on while all of us are stopped.
  for (int pauses_left = kBusyTimeoutMs / kPauseMs;; --pauses_left) {
    try {
      return Open(mode);
    } catch (const SQLite::Exception& exception) {
      const bool busy = (exception.getErrorCode() & kPrimaryCode) == SQLITE_BUSY;
      if (!busy || pauses_left == 0) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kPauseMs));
  }
}

void Database::Open(OpenMode mode) {
  connection_ = std::make_unique<SQLite::Database>(path_, FlagsFor(mode), kBusyTimeoutMs);
  CheckOwner();
  Configure(mode);
  if (mode == OpenMode::kReadOnly) {
    ReadOlderThroughACopy();
  } else {
    Migrate();
  }
}

StatementUse Database::Use(const char* sql) {
  std::unique_ptr<SQLite::Statement>& statement = statements_[sql];
  if (!statement) statement = std::make_unique<SQLite::Statement>(*connection_, sql);
  return StatementUse(*statement);
}

void Database::Translate(const SQLite::Exception& exception) const {
  if (exception.getExtendedErrorCode() == SQLITE_READONLY_ROLLBACK) {
    // Only before the write-ahead log is in force, so nothing was recorded yet.
    throw Error(path_ +
                ": whoever was making this database was killed; `beamgrid run` makes it again");
  }
  throw Error(path_ + ": " + exception.what() + "; " +
              FixFor(exception.getErrorCode() & kPrimaryCode));
}

void Database::Configure(OpenMode mode) {
  connection_->exec("PRAGMA foreign_keys = ON");
  // With the write-ahead log a lesser setting would keep the file sound in a power cut but lose the
  // last commits, and a worker may have been started on one of them.
  connection_->exec("PRAGMA synchronous = FULL");
  // The pragmas above belong to the connection; the journal's mode is kept in the file.
  if (mode == OpenMode::kReadOnly || path_ == kMemory) return;
  const std::string journal = connection_->execAndGet("PRAGMA journal_mode = WAL").getString();
  if (journal != "wal") {
    throw Error(path_ +
                ": this file system cannot hold SQLite's write-ahead log; put the database " +
                "on a local disk (--db)");
  }
}

std::size_t Database::SchemaVersion() {
  return static_cast<std::size_t>(connection_->execAndGet("PRAGMA user_version").getInt64());
}

/// Refuses a database of another program or of a newer version before anything is written to it.
/// One transaction, or what another process is just making would be seen half.
void Database::CheckOwner() {
  SQLite::Transaction reading(*connection_);
  const bool ours = connection_->execAndGet("PRAGMA application_id").getInt64() == kApplicationId;
  const bool empty = connection_->execAndGet("SELECT count(*) FROM sqlite_schema").getInt64() == 0;
  if (!ours && !empty) {
    throw Error(path_ + ": is a database of another program; name another --db");
  }
  const std::size_t version = SchemaVersion();
  if (version > migrations_.size()) {
    throw Error(path_ + ": has schema version " + std::to_string(version) +
                ", this program knows up to " + std::to_string(migrations_.size()) +
                "; use the newer beamgrid that wrote it, or name another --db");
  }
}

/// True if the database has taken every step and its views are ours to the letter.
bool Database::IsUpToDate() {
  if (SchemaVersion() != migrations_.size()) return false;
  SQLite::Statement ours(
      *connection_, "SELECT count(*) FROM sqlite_schema WHERE type = 'view' AND instr(?, sql)");
  ours.bindNoCopy(1, Views());
  ours.executeStep();
  return ours.getColumn(0).getInt64() == static_cast<std::int64_t>(ViewNames().size());
}

/// Takes the steps that the database lacks. SQLite changes a table by copying it, which takes the
/// references to it apart for a moment: they are checked at the end instead of in between, and
/// views are away meanwhile.
void Database::Migrate() {
  if (IsUpToDate()) return;
  // Outside the transaction: inside one SQLite ignores this pragma.
  connection_->exec("PRAGMA foreign_keys = OFF");
  SQLite::Transaction transaction(*connection_, SQLite::TransactionBehavior::IMMEDIATE);
  for (const std::string& view : ViewNames()) connection_->exec("DROP VIEW IF EXISTS " + view);
  // Asked again under the lock: another process may have migrated meanwhile.
  for (std::size_t version = SchemaVersion(); version < migrations_.size(); ++version) {
    connection_->exec(migrations_[version]);
  }
  connection_->exec(Views());
  // In the same transaction as the steps: a crash leaves the old version whole or the new one.
  connection_->exec("PRAGMA user_version = " + std::to_string(migrations_.size()));
  connection_->exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  if (SQLite::Statement(*connection_, "PRAGMA foreign_key_check").executeStep()) {
    throw Error(path_ + ": cannot be brought up to date: it holds references to nothing; " +
                FixFor(SQLITE_CORRUPT));
  }
  transaction.commit();
  connection_->exec("PRAGMA foreign_keys = ON");
}

/// Brings an older record up to date in memory: reading changes no file.
void Database::ReadOlderThroughACopy() {
  if (IsUpToDate()) return;
  if (SchemaVersion() == 0) throw Error(path_ + ": holds no record yet; `beamgrid run` makes it");
  auto copy = std::make_unique<SQLite::Database>(kMemory, FlagsFor(OpenMode::kReadWrite));
  constexpr int kAllPages = -1;
  (void)SQLite::Backup(*copy, *connection_).executeStep(kAllPages);
  connection_ = std::move(copy);
  Migrate();
  // A change would be lost with the copy: better refused.
  connection_->exec("PRAGMA query_only = ON");
}

}  // namespace beamgrid
