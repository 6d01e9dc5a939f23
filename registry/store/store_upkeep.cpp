// The Store's upkeep: removing, renaming, giving files up, taking rows over.

#include "registry/store/upkeep.h"

#include "registry/store/database.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

void Bind(SQLite::Statement& statement, int index, const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::int64:
      return statement.bind(index, value.get_int64());
    case boost::json::kind::double_:
      return statement.bind(index, value.get_double());
    case boost::json::kind::string:
      return statement.bind(index, std::string(value.get_string()));
    default:
      return statement.bind(index);  // NULL: a row of the record holds nothing else
  }
}

}  // namespace

void RecordUpkeep::RenameStudy(StudyId study, const std::string& name) {
  Database& db = store_.impl_->database;
  db.Write([&] {
    if (store_.FindStudy(name)) {
      throw UsageError("study '" + name + "' is already in this database; choose another name");
    }
    db.Use("UPDATE study SET name = ? WHERE id = ?") << name << study << Execute();
  });
}

void RecordUpkeep::RemoveStudy(StudyId study) {
  Database& db = store_.impl_->database;
  db.Write([&] {
    db.Use("DELETE FROM ensemble WHERE study = ?") << study << Execute();
    db.Use("DELETE FROM note WHERE study = ?") << study << Execute();
    db.Use("DELETE FROM study_trial WHERE study = ?") << study << Execute();
    db.Use("DELETE FROM recipe_history WHERE study = ?") << study << Execute();
    db.Use("DELETE FROM study_run WHERE study = ?") << study << Execute();
    db.Use("DELETE FROM video_groups WHERE study = ?") << study << Execute();
    db.Use("DELETE FROM class_names WHERE study = ?") << study << Execute();
    db.Use("DELETE FROM study WHERE id = ?") << study << Execute();
  });
}

void RecordUpkeep::RemoveReference(StudyId study, TrialId trial) {
  Database& db = store_.impl_->database;
  db.Write([&] {
    db.Use(
        "DELETE FROM note WHERE study = ?1 AND (trial_name, seed) IN"
        " (SELECT study_trial.name, trial.seed FROM study_trial"
        "  JOIN trial ON trial.id = study_trial.trial"
        "  WHERE study_trial.study = ?1 AND study_trial.trial = ?2)")
        << study << trial << Execute();
    db.Use("DELETE FROM study_trial WHERE study = ? AND trial = ?") << study << trial << Execute();
  });
}

void RecordUpkeep::RemoveEnsemble(std::int64_t ensemble) {
  Database& db = store_.impl_->database;
  db.Write([&] { db.Use("DELETE FROM ensemble WHERE id = ?") << ensemble << Execute(); });
}

void RecordUpkeep::RemoveTrial(TrialId trial) {
  Database& db = store_.impl_->database;
  db.Write([&] {
    db.Use("INSERT OR IGNORE INTO trash (path) SELECT directory FROM attempt WHERE trial = ?")
        << trial << Execute();
    // The rows that refer to others first; a study that still refers to the trial is a bug of the
    // caller, and the last statement fails.
    db.Use("DELETE FROM artifact WHERE trial = ?") << trial << Execute();
    db.Use("DELETE FROM epoch WHERE trial = ?") << trial << Execute();
    db.Use("DELETE FROM result WHERE trial = ?") << trial << Execute();
    db.Use("DELETE FROM attempt WHERE trial = ?") << trial << Execute();
    db.Use("DELETE FROM trial WHERE id = ?") << trial << Execute();
  });
}

void RecordUpkeep::GiveUpFile(const TrialRecord& trial, const Artifact& artifact) {
  Database& db = store_.impl_->database;
  db.Write([&] {
    db.Use(
        "UPDATE artifact SET pruned_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"
        " WHERE trial = ? AND name = ?")
        << trial.id << artifact.name << Execute();
    AddTrash(std::filesystem::path(trial.directory) / artifact.path);
  });
}

void RecordUpkeep::KeepFile(TrialId trial, const std::string& artifact) {
  Database& db = store_.impl_->database;
  db.Write([&] {
    db.Use("UPDATE artifact SET pruned_at = NULL WHERE trial = ? AND name = ?")
        << trial << artifact << Execute();
  });
}

void RecordUpkeep::AddTrash(const std::filesystem::path& path) {
  Database& db = store_.impl_->database;
  const std::string recorded = store_.impl_->place.Recorded(path);
  db.Write(
      [&] { db.Use("INSERT OR IGNORE INTO trash (path) VALUES (?)") << recorded << Execute(); });
}

void RecordUpkeep::ForgetTrash(const std::filesystem::path& path) {
  Database& db = store_.impl_->database;
  const std::string recorded = store_.impl_->place.Recorded(path);
  db.Write([&] { db.Use("DELETE FROM trash WHERE path = ?") << recorded << Execute(); });
}

std::string RecordUpkeep::Recorded(const std::filesystem::path& folder) const {
  return store_.impl_->place.Recorded(folder);
}

void RecordUpkeep::RemoveEpochs(TrialId trial) {
  Database& db = store_.impl_->database;
  db.Write([&] { db.Use("DELETE FROM epoch WHERE trial = ?") << trial << Execute(); });
}

std::int64_t RecordUpkeep::Insert(const std::string& table, const boost::json::object& row) {
  std::string columns, values;
  for (const auto& [column, value] : row) {
    columns += (columns.empty() ? "\"" : ", \"") + std::string(column) + "\"";
    values += values.empty() ? "?" : ", ?";
  }
  Database& db = store_.impl_->database;
  return db.Write([&] {
    SQLite::Statement insertion(
        db.connection(), "INSERT INTO " + table + " (" + columns + ") VALUES (" + values + ")");
    int index = 0;
    for (const auto& [column, value] : row) Bind(insertion, ++index, value);
    insertion.exec();
    return db.connection().getLastInsertRowid();
  });
}

void RecordUpkeep::TakeState(TrialId trial, TrialState state) {
  Database& db = store_.impl_->database;
  const std::string name = ToString(state);
  db.Write(
      [&] { db.Use("UPDATE trial SET state = ? WHERE id = ?") << name << trial << Execute(); });
}

std::vector<std::filesystem::path> Store::Trash() const {
  return impl_->database.Rows(
      "SELECT path FROM trash ORDER BY path", [this](const StatementUse& row) {
        return std::filesystem::path(impl_->place.Directory(row.Text("path")));
      });
}

bool Store::IsTrash(const std::filesystem::path& path) const {
  const std::string recorded = impl_->place.Recorded(path);
  const auto found = [](const StatementUse& row) { return row.Text("path"); };
  return impl_->database.Row("SELECT path FROM trash WHERE path = ?", found, recorded).has_value();
}

}  // namespace beamgrid
