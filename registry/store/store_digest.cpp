// The record's digest of a study: equal where nothing that is recorded of it has changed.

#include <sqlite3.h>

#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
    "SELECT study_trial.*, fingerprint, trial.name, trial.seed, state, spec, trial.parameters,"
    " trial.size_bytes, folder, result.* FROM study_trial"
    " JOIN trial ON trial.id = study_trial.trial LEFT JOIN result ON result.trial = trial.id"
    " WHERE study = ? ORDER BY position",
    "SELECT attempt.* FROM study_trial JOIN attempt ON attempt.trial = study_trial.trial"
    " WHERE study = ? ORDER BY position, attempt.number",
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

template <typename Take>
void ForEachRow(sqlite3* connection, const char* sql, StudyId study, const Take& take) {
  const PreparedRow row = Prepared(connection, sql);
  sqlite3_bind_int64(row.get(), 1, static_cast<sqlite3_int64>(study));
  int code = SQLITE_OK;
  while ((code = sqlite3_step(row.get())) == SQLITE_ROW) take(row.get());
  if (code != SQLITE_DONE) throw SQLite::Exception(connection, code);
}

/// Returns a column that is no number as it lies in the row, until the next step.
std::string_view BytesOf(sqlite3_stmt* row, int column) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

/// Returns a column's value where it is a number, as its bits: its text has 15 digits, which some
/// numbers share. Else its length in bytes.
std::int64_t NumberOf(sqlite3_stmt* row, int column, int type) {
  if (type == SQLITE_INTEGER) return sqlite3_column_int64(row, column);
  if (type == SQLITE_FLOAT) return std::bit_cast<std::int64_t>(sqlite3_column_double(row, column));
  return sqlite3_column_bytes(row, column);
}

/// Adds all rows: of each the types and numbers of its columns first, with the lengths of its
/// texts, then these, so that no two rows read the same.
void AddRows(sqlite3* connection, const char* sql, StudyId study, ContentHash& hash) {
  std::int64_t rows = 0;
  std::vector<std::int64_t> head;
  ForEachRow(connection, sql, study, [&](sqlite3_stmt* row) {
    ++rows;
    head.clear();
    const int columns = sqlite3_column_count(row);
    for (int i = 0; i < columns; ++i) {
      const int type = sqlite3_column_type(row, i);
      head.insert(head.end(), {type, NumberOf(row, i, type)});
    }
    hash.Add(head.data(), head.size() * sizeof head[0]);
    for (int i = 0; i < columns; ++i) {
      const std::int64_t type = head[2 * static_cast<std::size_t>(i)];
      if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) continue;
      const std::string_view bytes = BytesOf(row, i);
      hash.Add(bytes.data(), bytes.size());
    }
  });
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

std::vector<std::string> RecordUpkeep::ResultFiles(StudyId study) const {
  Database& db = store_.impl_->database;
  return db.Read([&] {
    std::vector<std::string> files;
    ForEachRow(db.connection().getHandle(),
               "SELECT attempt.directory, coalesce(artifact.path, '') FROM study_trial"
               " JOIN result ON result.trial = study_trial.trial"
               " JOIN attempt ON attempt.trial = result.trial AND attempt.number = result.attempt"
               " LEFT JOIN artifact ON artifact.trial = result.trial AND pruned_at IS NULL"
               " WHERE study = ? AND not_counted IS NULL ORDER BY position, artifact.name",
               study, [&](sqlite3_stmt* row) {
                 std::string& file = files.emplace_back(BytesOf(row, 0));
                 (file += '/') += BytesOf(row, 1);
               });
    return files;
  });
}

}  // namespace beamgrid
