// The Store's studies, notes and ensembles.

#include "registry/store/database.h"
#include "registry/store/store.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

StudyRecord StudyFrom(const StatementUse& row) {
  return {.id = StudyId{row.Integer("id")},
          .name = row.Text("name"),
          .description = row.Text("description"),
          .objective = row.Text("objective"),
          .recipe_text = row.Text("recipe_text"),
          .recipe_digest = row.Text("recipe_digest"),
          .created_at = row.Text("created_at")};
}

}  // namespace

Store::Store(const std::filesystem::path& path, OpenMode mode)
    : impl_(new Impl{.database = {path, mode}, .place = RecordPlace(path)}) {
  const auto runs = impl_->database.Row("SELECT runs FROM place",
                                        [](const StatementUse& row) { return row.Text("runs"); });
  if (runs) impl_->place.SetRemembered(*runs);
}
Store::~Store() = default;

const std::filesystem::path& Store::runs() const { return impl_->place.runs(); }

void Store::SetRuns(const std::filesystem::path& runs) { impl_->place.SetRuns(runs); }

void Store::RememberRuns() {
  Database& db = impl_->database;
  const std::string runs = impl_->place.Remembered();
  db.Write([&] {
    db.Use(
        "INSERT INTO place (id, runs) VALUES (1, ?)"
        " ON CONFLICT (id) DO UPDATE SET runs = excluded.runs WHERE runs <> excluded.runs")
        << runs << Execute();
  });
}

void Store::CopyTo(const std::filesystem::path& to, const std::filesystem::path& runs) const {
  RecordPlace place(to);
  place.SetRuns(runs);
  impl_->database.CopyTo(to, [&place](SQLite::Database& copy) {
    SQLite::Statement remember(copy, "INSERT OR REPLACE INTO place (id, runs) VALUES (1, ?)");
    remember.bind(1, place.Remembered());
    remember.exec();
  });
}

void Store::Settle() { impl_->database.Checkpoint(); }

std::int64_t Store::statements() const { return impl_->database.uses(); }

bool Store::is_of_earlier_schema() const { return impl_->database.is_of_earlier_schema(); }

void Store::Together(const std::function<void()>& work) { impl_->database.Write(work); }

StudyId Store::OpenStudy(const StudyRecord& study, const std::vector<std::string>& changes) {
  Database& db = impl_->database;
  return db.Write([&] {
    const bool is_new = !FindStudy(study.name);
    db.Use(
        "INSERT INTO study (name, description, objective, recipe_text, recipe_digest, created_at)"
        " VALUES (?, ?, ?, ?, ?, coalesce(nullif(?, ''), strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))"
        " ON CONFLICT (name) DO UPDATE SET description = excluded.description,"
        " objective = excluded.objective, recipe_text = excluded.recipe_text,"
        " recipe_digest = excluded.recipe_digest")
        << study.name << study.description << study.objective << study.recipe_text
        << study.recipe_digest << study.created_at << Execute();
    const StudyId id = FindStudy(study.name)->id;
    if (!is_new && changes.empty()) return id;
    const std::string words = CanonicalJson(JsonList(changes));
    const std::string version = BEAMGRID_VERSION;
    db.Use(
        "INSERT INTO recipe_history (study, position, recipe_text, recipe_digest, begun_at,"
        " program_version, changes) VALUES (?1,"
        " (SELECT coalesce(max(position), 0) + 1 FROM recipe_history WHERE study = ?1), ?2, ?3,"
        " strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?4, ?5)")
        << id << study.recipe_text << study.recipe_digest << version << words << Execute();
    return id;
  });
}

void Store::SetVideoGroups(StudyId study, const VideoGroups* groups) {
  Database& db = impl_->database;
  db.Write([&] {
    if (groups == nullptr) {
      db.Use("DELETE FROM video_groups WHERE study = ?") << study << Execute();
      return;
    }
    boost::json::object videos;
    for (const auto& [video, group] : groups->groups()) videos[video] = group;
    // Nothing is written where nothing has changed: of a million videos it is much.
    db.Use(
        "INSERT INTO video_groups (study, grouped_by, videos, in_training) SELECT ?1, ?2, ?3, ?4"
        " WHERE NOT EXISTS (SELECT 1 FROM video_groups WHERE study = ?1 AND grouped_by = ?2"
        " AND videos = ?3 AND in_training = ?4)")
        << study << groups->by() << CanonicalJson(videos) << groups->in_training() << Execute();
  });
}

std::shared_ptr<const VideoGroups> Store::VideoGroupsOf(StudyId study) const {
  struct Row {
    std::string by, videos;
    std::int64_t in_training = 0;
  };
  const auto row = impl_->database.Row(
      "SELECT grouped_by, videos, in_training FROM video_groups WHERE study = ?",
      [](const StatementUse& use) {
        return Row{use.Text("grouped_by"), use.Text("videos"), use.Integer("in_training")};
      },
      study);
  if (!row) return nullptr;
  std::map<std::string, std::string, std::less<>> groups;
  const boost::json::value videos = ParseJson(row->videos);
  for (const auto& video : videos.as_object()) {
    groups.emplace(video.key(), video.value().as_string());
  }
  return std::make_shared<const VideoGroups>(row->by, std::move(groups), row->in_training);
}

std::string Store::SeenGroupsOf(StudyId study) const {
  struct Row {
    std::string by;
    std::int64_t number = 0;
  };
  const auto row = impl_->database.Row(
      "SELECT grouped_by, in_training FROM video_groups WHERE study = ? AND in_training > 0",
      [](const StatementUse& use) {
        return Row{use.Text("grouped_by"), use.Integer("in_training")};
      },
      study);
  return row ? SeenGroupsNote(row->by, row->number) : "";
}

void Store::SetClassNames(StudyId study, const std::string& data,
                          const std::vector<std::string>& names) {
  if (names.empty()) return;
  Database& db = impl_->database;
  const std::string text = CanonicalJson(boost::json::array(names.begin(), names.end()));
  db.Write([&] {
    db.Use(
        "INSERT INTO class_names (study, data, names) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET names = ?3 WHERE names <> ?3")
        << study << data << text << Execute();
  });
}

std::map<std::string, std::vector<std::string>> Store::NotedClassNames(StudyId study) const {
  std::map<std::string, std::vector<std::string>> noted;
  const auto keep = [&noted](const StatementUse& row) {
    const boost::json::value names = ParseJson(row.Text("names"));
    for (const boost::json::value& name : names.as_array()) {
      noted[row.Text("data")].emplace_back(name.as_string());
    }
    return true;
  };
  (void)impl_->database.Rows("SELECT data, names FROM class_names WHERE study = ?", keep, study);
  return noted;
}

std::vector<RecipeEntry> Store::RecipeHistory(StudyId study) const {
  return impl_->database.Rows(
      "SELECT * FROM recipe_history WHERE study = ? ORDER BY position",
      [](const StatementUse& row) {
        RecipeEntry entry{.position = row.Integer("position"),
                          .recipe_text = row.Text("recipe_text"),
                          .recipe_digest = row.Text("recipe_digest"),
                          .begun_at = row.Text("begun_at"),
                          .program_version = row.Text("program_version")};
        const boost::json::value changes = ParseJson(row.Text("changes"));
        for (const auto& change : changes.as_array()) {
          entry.changes.emplace_back(change.as_string());
        }
        return entry;
      },
      study);
}

std::optional<StudyRecord> Store::FindStudy(const std::string& name) const {
  return impl_->database.Row("SELECT * FROM study WHERE name = ?", StudyFrom, name);
}

std::vector<StudyRecord> Store::Studies() const {
  return impl_->database.Rows("SELECT * FROM study ORDER BY id", StudyFrom);
}

void Store::AddNote(StudyId study, const std::string& trial_name, std::int64_t seed,
                    const std::string& text) {
  Database& db = impl_->database;
  db.Write([&] {
    db.Use(
        "INSERT INTO note (study, trial_name, seed, text, created_at)"
        " VALUES (?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))")
        << study << trial_name << seed << text << Execute();
  });
}

std::vector<std::string> Store::Notes(StudyId study, const std::string& trial_name,
                                      std::int64_t seed) const {
  return impl_->database.Rows(
      "SELECT text FROM note WHERE study = ? AND trial_name = ? AND seed = ? ORDER BY id",
      [](const StatementUse& row) { return row.Text("text"); }, study, trial_name, seed);
}

void Store::AddEnsemble(StudyId study, const EnsembleRecord& ensemble) {
  Database& db = impl_->database;
  // Not before the study's others, whatever clocks say: the one that is made last is the latest.
  db.Write([&] {
    db.Use(
        "INSERT INTO ensemble (study, json, created_at)"
        " SELECT ?1, ?2, max(coalesce(nullif(?3, ''), strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),"
        " coalesce((SELECT max(created_at) FROM ensemble WHERE study = ?1), ''))")
        << study << ensemble.json << ensemble.created_at << Execute();
  });
}

std::vector<EnsembleRecord> Store::Ensembles(StudyId study) const {
  return impl_->database.Rows(
      "SELECT id, created_at, json FROM ensemble WHERE study = ? ORDER BY created_at, id",
      [](const StatementUse& row) {
        return EnsembleRecord{.id = row.Integer("id"),
                              .created_at = row.Text("created_at"),
                              .json = row.Text("json")};
      },
      study);
}

}  // namespace beamgrid
