// The record's digest of a study: equal where nothing that is recorded of it has changed.

#include <sqlite3.h>

#include <memory>
#include <string>

#include "registry/store/database.h"
#include "registry/store/upkeep.h"
#include "registry/util/files.h"

namespace beamgrid {
namespace {

/// What the answer of a study is made of, in an order that only a change of it changes. A trial's
/// canonical text is told by its fingerprint; how far a run was is told by study_run, which every
/// run writes anew.
constexpr const char* kDigested[] = {
    "SELECT * FROM study WHERE id = ?",
    "SELECT * FROM study_trial WHERE study = ? ORDER BY position",
    "SELECT trial.id, fingerprint, trial.name, trial.seed, state, spec, parameters, size_bytes,"
    " folder FROM study_trial JOIN trial ON trial.id = study_trial.trial WHERE study = ?"
    " ORDER BY position",
    "SELECT attempt.* FROM study_trial JOIN attempt ON attempt.trial = study_trial.trial"
    " WHERE study = ? ORDER BY position, attempt.number",
    "SELECT result.* FROM study_trial JOIN result ON result.trial = study_trial.trial"
    " WHERE study = ? ORDER BY position",
    "SELECT epoch.* FROM study_trial JOIN epoch ON epoch.trial = study_trial.trial"
    " WHERE study = ? ORDER BY position, epoch.epoch",
    "SELECT artifact.* FROM study_trial JOIN artifact ON artifact.trial = study_trial.trial"
    " WHERE study = ? ORDER BY position, artifact.name",
    "SELECT max(id), count(*) FROM note WHERE study = ?",
    "SELECT max(position) FROM recipe_history WHERE study = ?",
    "SELECT id, json FROM ensemble WHERE study = ? ORDER BY created_at DESC, id DESC LIMIT 1"};

/// PreparedRow is a statement of its own: SQLiteCpp makes an object of each column, which takes
/// longer than reading it.
using PreparedRow = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

PreparedRow Prepared(sqlite3* connection, const char* sql) {
  sqlite3_stmt* row = nullptr;
  const int code = sqlite3_prepare_v2(connection, sql, -1, &row, nullptr);
  if (code != SQLITE_OK) throw SQLite::Exception(connection, code);
  return {row, &sqlite3_finalize};
}

/// Adds a column with its type and length, so that no two rows read the same.
void AddColumn(sqlite3_stmt* row, int column, ContentHash& hash) {
  const int type = sqlite3_column_type(row, column);
  if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
    const sqlite3_int64 integer = sqlite3_column_int64(row, column);
    // As it is: its text has 15 digits, which some numbers share.
    const double number = sqlite3_column_double(row, column);
    hash.Add(&type, sizeof type);
    if (type == SQLITE_INTEGER) return hash.Add(&integer, sizeof integer);
    return hash.Add(&number, sizeof number);
  }
  const void* bytes = sqlite3_column_blob(row, column);
  const int head[] = {type, sqlite3_column_bytes(row, column)};
  hash.Add(head, sizeof head);
  if (head[1] > 0) hash.Add(bytes, static_cast<std::size_t>(head[1]));
}

void AddRows(sqlite3* connection, const char* sql, StudyId study, ContentHash& hash) {
  const PreparedRow row = Prepared(connection, sql);
  sqlite3_bind_int64(row.get(), 1, static_cast<sqlite3_int64>(study));
  int code = SQLITE_OK;
  std::int64_t rows = 0;
  for (; (code = sqlite3_step(row.get())) == SQLITE_ROW; ++rows) {
    for (int i = 0; i < sqlite3_column_count(row.get()); ++i) AddColumn(row.get(), i, hash);
  }
  if (code != SQLITE_DONE) throw SQLite::Exception(connection, code);
  hash.Add(&rows, sizeof rows);
}

}  // namespace

std::string RecordUpkeep::Digest(StudyId study) const {
  Database& db = store_.impl_->database;
  return db.Read([&] {
    // One state of the record, whoever writes meanwhile.
    SQLite::Transaction reading(db.connection());
    ContentHash hash;
    for (const char* sql : kDigested) AddRows(db.connection().getHandle(), sql, study, hash);
    reading.commit();
    return hash.Digits();
  });
}

std::vector<std::filesystem::path> RecordUpkeep::ResultFiles(StudyId study) const {
  const auto path_from = [this](const StatementUse& row) {
    return std::filesystem::path(store_.impl_->place.Directory(row.Text("directory"))) /
           row.Text("path");
  };
  return store_.impl_->database.Rows(
      "SELECT attempt.directory, coalesce(artifact.path, '') AS path FROM study_trial"
      " JOIN result ON result.trial = study_trial.trial"
      " JOIN attempt ON attempt.trial = result.trial AND attempt.number = result.attempt"
      " LEFT JOIN artifact ON artifact.trial = result.trial AND pruned_at IS NULL"
      " WHERE study = ? AND not_counted IS NULL ORDER BY position, artifact.name",
      path_from, study);
}

}  // namespace beamgrid
