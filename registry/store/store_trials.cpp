// The Store's trials: adding, sharing and reading them.

#include <sstream>
#include <string_view>
#include <unordered_map>

#include "registry/store/database.h"
#include "registry/store/store.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

/// Returns the trial of that fingerprint, which is added if the database does not know it. What it
/// reads may lie elsewhere by now, and is found there from now on.
TrialId AddOrFind(Database& db, const std::string& folder, const NewTrial& trial) {
  const auto id_from = [](const StatementUse& row) { return TrialId{row.Integer("id")}; };
  const auto known =
      db.Row("SELECT id FROM trial WHERE fingerprint = ?", id_from, trial.fingerprint);
  const std::string spec = CanonicalJson(ToJson(trial.spec));
  // Shared: what another study trained is not trained again.
  if (known) {
    db.Use("UPDATE trial SET spec = ?1, folder = ?2 WHERE id = ?3 AND (spec <> ?1 OR folder <> ?2)")
        << spec << folder << *known << Execute();
    return *known;
  }
  const std::string canonical = CanonicalText(trial.spec);
  db.Use(
      "INSERT INTO trial (fingerprint, name, seed, state, spec, canonical, parameters,"
      " size_bytes, folder) VALUES (?, ?, ?, 'waiting', ?, ?, ?, ?, ?)")
      << trial.fingerprint << trial.name << trial.spec.seed << spec << canonical << trial.parameters
      << trial.size_bytes << folder << Execute();
  return TrialId{db.connection().getLastInsertRowid()};
}

/// Notes that the study has the trial and that it counts, alone of its name and seed. A study that
/// is run again refers to it already, and keeps its position.
void Refer(Database& db, StudyId study, TrialId trial, const NewTrial& wanted) {
  const auto is_as_wanted = db.Row(
      "SELECT name = ? AND not_counted IS NULL AS it_is FROM study_trial"
      " WHERE study = ? AND trial = ?",
      [](const StatementUse& row) { return row.Integer("it_is") != 0; }, wanted.name, study, trial);
  if (is_as_wanted == true) return;
  // First: the index allows one of them.
  db.Use(
      "UPDATE study_trial SET not_counted = 'another trial of this model and seed took its place'"
      " WHERE study = ? AND name = ? AND seed = ? AND not_counted IS NULL")
      << study << wanted.name << wanted.spec.seed << Execute();
  if (is_as_wanted) {
    db.Use("UPDATE study_trial SET name = ?, not_counted = NULL WHERE study = ? AND trial = ?")
        << wanted.name << study << trial << Execute();
    return;
  }
  db.Use(
      "INSERT INTO study_trial (study, position, trial, name, seed) VALUES (?1,"
      " (SELECT coalesce(max(position), 0) + 1 FROM study_trial WHERE study = ?1), ?2, ?3, ?4)")
      << study << trial << wanted.name << wanted.spec.seed << Execute();
}

Artifact ArtifactFrom(const StatementUse& row) {
  return {.name = row.Text("name"),
          .path = row.Text("path"),
          .bytes = row.Integer("bytes"),
          .hash = row.Text("hash"),
          .pruned_at = row.Text("pruned_at")};
}

std::vector<Artifact> ArtifactsOf(Database& db, TrialId trial) {
  return db.Rows(
      "SELECT name, path, bytes, hash, pruned_at FROM artifact WHERE trial = ? ORDER BY name",
      ArtifactFrom, trial);
}

std::unordered_map<TrialId, std::vector<Artifact>> ArtifactsOfStudy(Database& db, StudyId study) {
  std::unordered_map<TrialId, std::vector<Artifact>> artifacts;
  const auto keep = [&artifacts](const StatementUse& row) {
    artifacts[TrialId{row.Integer("trial")}].push_back(ArtifactFrom(row));
    return true;
  };
  (void)db.Rows(
      "SELECT artifact.* FROM study_trial JOIN artifact ON artifact.trial = study_trial.trial"
      " WHERE study_trial.study = ? ORDER BY artifact.trial, artifact.name",
      keep, study);
  return artifacts;
}

Metrics MetricsFrom(const StatementUse& row) {
  Metrics metrics{.videos = row.Integer("videos")};
  for (const Metric& metric : kMetrics) metrics.*metric.value = row.Number(metric.name);
  return metrics;
}

EpochResult EpochFrom(const StatementUse& row) {
  return {.epoch = row.Integer("epoch"),
          .train_loss = row.Number("train_loss"),
          .validate_loss = row.Number("validate_loss"),
          .metrics = MetricsFrom(row)};
}

TrialResult ResultFrom(const StatementUse& row, std::vector<Artifact> artifacts) {
  return {.metrics = MetricsFrom(row),
          .validate_loss = row.Number("validate_loss"),
          .best_epoch = row.Integer("best_epoch"),
          .epochs = {},
          .parameters = row.Integer("measured_parameters"),
          .size_bytes = row.Integer("measured_size_bytes"),
          .examples = row.Integer("examples"),
          .examples_per_second = row.Number("examples_per_second"),
          .wall_seconds = row.Number("wall_seconds"),
          .peak_memory_bytes = row.Integer("peak_memory_bytes"),
          .skipped_records = row.Integer("skipped_records"),
          .device = row.Text("result_device"),
          .threads = row.Integer("threads"),
          .program_version = row.Text("program_version"),
          .libtorch_version = row.Text("libtorch_version"),
          .artifacts = std::move(artifacts)};
}

std::string FailureText(const StatementUse& row) {
  const std::string message = row.Text("failure_message");
  return row.Text("failure_kind") + (message.empty() ? "" : ": " + message);
}

/// Returns a recorded spec, or the model of one, with its paths as they are now.
std::string FilesNow(const RecordPlace& place, std::string spec, const std::string& then) {
  if (then.empty() || then == place.folder().native()) return spec;
  // Looked for first: to parse every model of a large record would take longer than to read it.
  if (spec.find("\"path\":") == std::string::npos &&
      spec.find("\"train\":[") == std::string::npos) {
    return spec;
  }
  return CanonicalJson(place.FilesNow(ParseJson(spec), then));
}

/// Returns the text of the model in a recorded spec. SQLite would parse the spec of each trial,
/// which takes longer than all else that is read of it.
std::string ModelOf(const std::string& spec) {
  // As CanonicalJson writes it: keys in this order, and no quote in a text without its backslash.
  constexpr std::string_view kBegin = ",\"model\":", kEnd = ",\"objective\":\"";
  const std::size_t begin = spec.find(kBegin), end = spec.rfind(kEnd);
  if (spec.starts_with("{\"data\":{") && begin != std::string::npos && end != std::string::npos &&
      begin < end) {
    return spec.substr(begin + kBegin.size(), end - begin - kBegin.size());
  }
  return CanonicalJson(ParseJson(spec).at("model"));
}

/// Returns the record that a row of the view trial_record is. `artifacts_of`: those of its id.
template <typename ArtifactsOfTrial>
TrialRecord RecordFrom(const RecordPlace& place, const StatementUse& row, std::string model,
                       const ArtifactsOfTrial& artifacts_of) {
  TrialRecord record{.id = TrialId{row.Integer("id")},
                     .name = row.Text("name"),
                     .fingerprint = row.Text("fingerprint"),
                     .seed = row.Integer("seed"),
                     .state = TrialStateFromString(row.Text("state")),
                     .parameters = row.Integer("parameters"),
                     .size_bytes = row.Integer("size_bytes"),
                     .attempts = row.Integer("attempts"),
                     .failed_attempts = row.Integer("failed_attempts"),
                     .result = std::nullopt,
                     .failure = FailureText(row),
                     .failure_log = row.Text("failure_log"),
                     .device = row.Text("device"),
                     .model_json = FilesNow(place, std::move(model), row.Text("folder")),
                     .directory = place.Directory(row.Text("directory")),
                     .queued = row.Integer("queued") != 0};
  if (record.state == TrialState::kComplete && row.IsNull("result_attempt")) {
    throw Error("the record calls trial " + std::to_string(row.Integer("id")) +
                " complete and holds no result of it: it was changed by hand or is damaged");
  }
  if (!row.IsNull("result_attempt")) record.result = ResultFrom(row, artifacts_of(record.id));
  return record;
}

TrialRecord RecordFrom(Database& db, const RecordPlace& place, const StatementUse& row) {
  return RecordFrom(place, row, row.Text("model"),
                    [&db](TrialId trial) { return ArtifactsOf(db, trial); });
}

/// Returns the statement that reads the trials of a study. It names what it reads of the view: the
/// view's `model` is then not computed.
std::string TrialsOfStudy() {
  std::string columns =
      "id name fingerprint seed state parameters size_bytes folder attempts failed_attempts"
      " directory device queued failure_kind failure_message failure_log result_attempt videos"
      " validate_loss best_epoch measured_parameters measured_size_bytes examples"
      " examples_per_second wall_seconds peak_memory_bytes skipped_records result_device threads"
      " program_version libtorch_version";
  for (const Metric& metric : kMetrics) columns.append(" ").append(metric.name);
  std::string sql = "SELECT ";
  std::istringstream words(columns);
  for (std::string word; words >> word;) sql += "trial_record." + word + " AS " + word + ", ";
  return sql +
         "trial.spec AS spec, study_trial.name AS name_in_study, study_trial.not_counted AS"
         " not_counted FROM study_trial JOIN trial_record ON trial_record.id = study_trial.trial"
         " JOIN trial ON trial.id = study_trial.trial"
         " WHERE study_trial.study = ? AND (study_trial.not_counted IS NULL OR ?)"
         " ORDER BY study_trial.position";
}

}  // namespace

std::vector<TrialId> Store::AddTrials(StudyId study, const std::vector<NewTrial>& trials) {
  Database& db = impl_->database;
  const std::string folder = impl_->place.folder().string();
  return db.Write([&] {
    std::vector<TrialId> ids;
    ids.reserve(trials.size());
    for (const NewTrial& trial : trials) {
      ids.push_back(AddOrFind(db, folder, trial));
      Refer(db, study, ids.back(), trial);
    }
    return ids;
  });
}

std::optional<TrialRecord> Store::FindByFingerprint(const std::string& fingerprint) const {
  Database& db = impl_->database;
  return db.Row(
      "SELECT * FROM trial_record WHERE fingerprint = ?",
      [&](const StatementUse& row) { return RecordFrom(db, impl_->place, row); }, fingerprint);
}

TrialRecord Store::Trial(TrialId id) const {
  Database& db = impl_->database;
  (void)impl_->StateOf(id);
  return db.TheRow(
      "SELECT * FROM trial_record WHERE id = ?",
      [&](const StatementUse& row) { return RecordFrom(db, impl_->place, row); }, id);
}

std::vector<TrialRecord> Store::Trials(StudyId study, Counting counting) const {
  static const std::string kTrials = TrialsOfStudy();
  Database& db = impl_->database;
  std::optional<std::unordered_map<TrialId, std::vector<Artifact>>> artifacts;
  // All at once, for a statement for each trial takes as long as the trial; and while the trials
  // are read, so that both are of one state of the record.
  const auto artifacts_of = [&](TrialId trial) {
    if (!artifacts) artifacts = ArtifactsOfStudy(db, study);
    return std::move((*artifacts)[trial]);
  };
  const auto named_here = [&](const StatementUse& row) {
    TrialRecord record = RecordFrom(impl_->place, row, ModelOf(row.Text("spec")), artifacts_of);
    // Two studies may vary other axes and so name one model differently.
    record.name = row.Text("name_in_study");
    record.not_counted = row.Text("not_counted");
    return record;
  };
  return db.Rows(kTrials.c_str(), named_here, study, std::int64_t{counting == Counting::kAll});
}

std::vector<TrialId> Store::Measured(std::int64_t most) const {
  return impl_->database.Rows(
      "SELECT trial FROM result WHERE examples > 0 AND EXISTS (SELECT 1 FROM study_trial"
      " WHERE study_trial.trial = result.trial) ORDER BY trial DESC LIMIT ?",
      [](const StatementUse& row) { return TrialId{row.Integer("trial")}; }, most);
}

void Store::StopCounting(StudyId study, const std::vector<TrialId>& trials,
                         const std::string& why) {
  Database& db = impl_->database;
  db.Write([&] {
    for (const TrialId trial : trials) {
      db.Use(
          "UPDATE study_trial SET not_counted = ?"
          " WHERE study = ? AND trial = ? AND not_counted IS NULL")
          << why << study << trial << Execute();
    }
  });
}

TrialSpec Store::Spec(TrialId id) const {
  (void)impl_->StateOf(id);
  const std::string text = impl_->database.TheRow(
      "SELECT spec, folder FROM trial WHERE id = ?",
      [this](const StatementUse& row) {
        return FilesNow(impl_->place, row.Text("spec"), row.Text("folder"));
      },
      id);
  return TrialSpecFromJson(ParseJson(text));
}

std::string Store::Canonical(TrialId id) const {
  (void)impl_->StateOf(id);
  return impl_->database.TheRow(
      "SELECT canonical FROM trial WHERE id = ?",
      [](const StatementUse& row) { return row.Text("canonical"); }, id);
}

std::vector<EpochResult> Store::Epochs(TrialId id) const {
  (void)impl_->StateOf(id);
  return impl_->database.Rows("SELECT * FROM epoch WHERE trial = ? ORDER BY epoch", EpochFrom, id);
}

std::vector<Artifact> Store::Artifacts(TrialId id) const {
  (void)impl_->StateOf(id);
  return ArtifactsOf(impl_->database, id);
}

TrialState Store::Impl::StateOf(TrialId trial) {
  const auto state = database.Row(
      "SELECT state FROM trial WHERE id = ?",
      [](const StatementUse& row) { return TrialStateFromString(row.Text("state")); }, trial);
  if (state) return *state;
  throw UsageError("there is no trial " + std::to_string(static_cast<std::int64_t>(trial)) +
                   " in this database; `beamgrid trials STUDY` lists them");
}

}  // namespace beamgrid
