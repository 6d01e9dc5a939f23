#include "registry/store/database.h"

#include <SQLiteCpp/Backup.h>
#include <sqlite3.h>

#include <cctype>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <thread>

#include "registry/store/database_file.h"
#include "registry/store/place.h"
#include "registry/util/error.h"
#include "registry/util/file_stamp.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"

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
      // SQLite opens what it cannot open for writing, for whatever reason, to be read.
      return "check the permissions of the file and its folder, and the disk";
    case SQLITE_CANTOPEN:
      return "check that the folder exists, and the permissions of folder and file";
    case SQLITE_NOTADB:
      return "this file is something else; name another --db";
    case SQLITE_CORRUPT:
      return "the file is damaged; restore a copy or salvage it with sqlite3's .recover";
    case SQLITE_IOERR:
      return "check the disk and the limit on the size of files (ulimit -f), then run again; what "
             "was finished is kept";
    case SQLITE_NOMEM:
      return "free memory or allow more (ulimit -v), then run again; what was finished is kept";
    default:
      return "please report this";
  }
}

/// Says how much room is enough for a change of the database: each page once in its log, the log's
/// index and the notes of locks.
std::string RoomText(const std::string& path) {
  constexpr std::int64_t kBesideThePages = 64 << 10;
  std::error_code ignored;
  const auto pages = static_cast<std::int64_t>(std::filesystem::file_size(path, ignored));
  if (ignored) return "a change of it needs as much as it takes itself, at most";
  return "a change of it needs at most " + SizeText(pages + pages / 64 + kBesideThePages);
}

/// Without SQLite's lock of a connection, which each reading of a column takes: a Database is used
/// by one thread at a time, as its kept statements are.
int FlagsFor(OpenMode mode) {
  return SQLite::OPEN_NOMUTEX |
         (mode == OpenMode::kReadOnly ? SQLite::OPEN_READONLY
                                      : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
}

/// FileStamps tells whether a database was touched.
struct FileStamps {
  FileStamp file;
  std::optional<FileStamp> log;
  bool operator==(const FileStamps&) const = default;
};

FileStamps StampsOf(const std::filesystem::path& file) {
  FileStamps stamps{.file = StampOf(file), .log = std::nullopt};
  if (std::filesystem::exists(LogOf(file))) stamps.log = StampOf(LogOf(file));
  return stamps;
}

/// Returns the address by which SQLite reads a file that nobody writes to, without its log.
std::string ImmutableUri(const std::filesystem::path& file) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : file.string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '/') {
      uri += c;
    } else {
      uri.append({'%', kDigits[byte >> 4U], kDigits[byte & 0xFU]});
    }
  }
  return uri + "?immutable=1";
}

/// PrivateFolder is a folder of ours alone, and gone when it goes.
class PrivateFolder {
 public:
  PrivateFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "beamgrid-read-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw SystemError(name, "cannot make a folder", errno);
    path_ = name;
  }
  ~PrivateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Copies all pages at once: one state of the record, whoever writes meanwhile.
void CopyPages(SQLite::Database& to, SQLite::Database& from) {
  constexpr int kAllPages = -1;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeoutMs);
  SQLite::Backup backup(to, from);
  while (backup.executeStep(kAllPages) != SQLITE_DONE) {
    if (std::chrono::steady_clock::now() >= give_up) {
      throw SQLite::Exception("cannot be copied", SQLITE_BUSY);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void CopyFileInto(SQLite::Database& memory, const std::string& name, int flags) {
  SQLite::Database file(name, flags);
  CopyPages(memory, file);
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

/// SQLiteCpp looks a column up by the letters of its name, which takes as long as reading it.
SQLite::Column StatementUse::At(const char* column) const {
  const auto [place, is_new] = kept_.columns.try_emplace(column, 0);
  if (is_new) place->second = statement_.getColumnIndex(column);
  return statement_.getColumn(place->second);
}

std::string StatementUse::Text(const char* column) const { return At(column).getString(); }

std::int64_t StatementUse::Integer(const char* column) const { return At(column).getInt64(); }

double StatementUse::Number(const char* column) const {
  const SQLite::Column value = At(column);
  return value.isNull() ? std::numeric_limits<double>::quiet_NaN() : value.getDouble();
}

bool StatementUse::IsNull(const char* column) const { return At(column).isNull(); }

Database::Database(const std::filesystem::path& path, OpenMode mode,
                   std::vector<std::string> migrations)
    : path_(path.string()), migrations_(std::move(migrations)) {
  if (path_ != kMemory) CheckDatabaseFile(path);
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
  Connect(mode);
  CheckOwner();
  Configure(mode);
  if (mode == OpenMode::kReadOnly) {
    ReadOlderThroughACopy();
  } else {
    Migrate();
  }
}

void Database::CopyTo(const std::filesystem::path& to,
                      const std::function<void(SQLite::Database&)>& change) {
  if (std::filesystem::exists(to)) throw Error(to.string() + ": is there already");
  try {
    SQLite::Database copy(to.string(), FlagsFor(OpenMode::kReadWrite));
    CopyPages(copy, *connection_);
    // A file that is only read may lie where no log can be made beside it; the next to write to it
    // changes it back.
    copy.exec("PRAGMA journal_mode = DELETE");
    change(copy);
  } catch (const SQLite::Exception& exception) {
    throw Error(to.string() + ": " + exception.what() + "; " +
                FixFor(exception.getErrorCode() & kPrimaryCode));
  }
}

void Database::Checkpoint() {
  const int changes = sqlite3_total_changes(connection_->getHandle());
  if (settled_changes_ == changes) return;
  // A reader that holds it up, or a disk that does, loses nothing: all is in the log.
  int in_log = 0, moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(connection_->getHandle(), nullptr,
                                             SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  if (code == SQLITE_OK && in_log == moved) settled_changes_ = changes;
}

/// Opens the file. SQLite writes beside a database that it only reads (its log's index), so a
/// record in a folder that cannot be written to is read from a copy.
void Database::Connect(OpenMode mode) {
  try {
    connection_ = std::make_unique<SQLite::Database>(path_, FlagsFor(mode), kBusyTimeoutMs);
    if (mode == OpenMode::kReadOnly) (void)SchemaVersion();  // the first look makes the index
  } catch (const SQLite::Exception& exception) {
    const int code = exception.getErrorCode() & kPrimaryCode;
    const bool no_writing = code == SQLITE_READONLY || code == SQLITE_CANTOPEN;
    // What was left half-made in a folder that can be written to is told as that.
    const bool rolls_back = exception.getExtendedErrorCode() == SQLITE_READONLY_ROLLBACK;
    if (mode != OpenMode::kReadOnly || !no_writing || rolls_back) throw;
    ReadThroughAPrivateCopy();
  }
}

/// Reads the record into memory without writing beside it. Whoever writes to it meanwhile would
/// give us half of each of two states, so what was read counts only if nothing was touched.
void Database::ReadThroughAPrivateCopy() {
  const std::filesystem::path file = RealPath(path_);
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    const FileStamps before = StampsOf(file);
    auto copy = std::make_unique<SQLite::Database>(kMemory, FlagsFor(OpenMode::kReadWrite));
    if (!before.log || before.log->size == 0) {
      CopyFileInto(*copy, ImmutableUri(file), SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    } else {
      const PrivateFolder folder;
      std::filesystem::copy_file(file, folder.path() / "record.db");
      std::filesystem::copy_file(LogOf(file), LogOf(folder.path() / "record.db"));
      CopyFileInto(*copy, (folder.path() / "record.db").string(), FlagsFor(OpenMode::kReadWrite));
    }
    if (!(StampsOf(file) == before)) continue;
    connection_ = std::move(copy);
    connection_->exec("PRAGMA query_only = ON");
    return;
  }
  throw Error(path_ +
              ": is being written to, and cannot be read meanwhile by whoever may not write to its "
              "folder; wait, or have its owner make a copy (`beamgrid backup`)");
}

void Database::ThrowLost() const {
  throw Error(path_ + ": what was just read of the record is gone from it; is somebody deleting?");
}

StatementUse Database::Use(const char* sql) {
  ++uses_;
  return StatementUse(Kept(sql));
}

KeptStatement& Database::Kept(const char* sql) {
  std::unique_ptr<KeptStatement>& kept = statements_[sql];
  if (!kept) {
    kept = std::make_unique<KeptStatement>(KeptStatement{SQLite::Statement(*connection_, sql)});
  }
  return *kept;
}

Database::Inner::~Inner() {
  if (released_) return;
  try {
    database_.RunKept("ROLLBACK TO one");
    database_.RunKept("RELEASE one");
  } catch (const SQLite::Exception&) {
    // SQLite has given the whole transaction up: it is rolled back with it.
  }
}

void Database::Translate(const SQLite::Exception& exception) const {
  if (exception.getExtendedErrorCode() == SQLITE_READONLY_ROLLBACK) {
    // Only before the write-ahead log is in force, so nothing was recorded yet.
    throw Error(path_ +
                ": whoever was making this database was killed; `beamgrid run` makes it again");
  }
  const int code = exception.getErrorCode() & kPrimaryCode;
  throw Error(path_ + ": " + exception.what() + "; " + FixFor(code) +
              (code == SQLITE_FULL ? "; " + RoomText(path_) : ""));
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
  if (SchemaVersion() == 0) {
    throw Error(path_ + ": holds no record yet; `beamgrid run` makes it. If this is a copy of a " +
                "database in use, " + path_ + "-wal is missing: copy both files, or have " +
                "`beamgrid backup` make the copy");
  }
  is_of_earlier_schema_ = SchemaVersion() < migrations_.size();
  auto copy = std::make_unique<SQLite::Database>(kMemory, FlagsFor(OpenMode::kReadWrite));
  CopyPages(*copy, *connection_);
  connection_ = std::move(copy);
  Migrate();
  // A change would be lost with the copy: better refused.
  connection_->exec("PRAGMA query_only = ON");
}

}  // namespace beamgrid
