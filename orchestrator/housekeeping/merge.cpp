#include "orchestrator/housekeeping/merge.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <system_error>
#include <tuple>

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/audit/measured.h"
#include "orchestrator/audit/recorded_files.h"
#include "registry/named_classes.h"
#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/half_written.h"
#include "registry/util/text.h"
#include "search/recipe_changes.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string NumberText(auto id) { return std::to_string(static_cast<std::int64_t>(id)); }

std::vector<json::object> RowsOf(const Store& store, const std::string& table, TrialId trial) {
  std::vector<json::object> rows;
  for (json::value& row : store
                              .Query("SELECT * FROM " + table + " WHERE trial = :trial",
                                     {{"trial", NumberText(trial)}})
                              .Objects()) {
    rows.push_back(std::move(row.as_object()));
  }
  return rows;
}

json::object OneRow(const Store& store, const std::string& sql,
                    const std::map<std::string, std::string>& parameters) {
  return store.Query(sql, parameters).Objects().at(0).as_object();
}

/// True if a file of an attempt is worth copying: not what a worker left half-written, its lock, or
/// the checkpoints of a trial that is complete.
bool IsWorthCopying(const fs::path& file, const TrialRecord& trial) {
  const std::string name = file.filename().string();
  if (name == kWorkerLock || name.find(".part.") != std::string::npos) return false;
  return trial.state != TrialState::kComplete ||
         (name != kLastCheckpoint && name != kBestCheckpoint);
}

/// An attempt that nobody works on any more ended when its orchestrator did.
void CloseIfOpen(json::object* attempt) {
  if (attempt->at("outcome") != "running") return;
  (*attempt)["outcome"] = ToString(FailureKind::kInterrupted);
  (*attempt)["finished_at"] = UtcText(std::chrono::system_clock::now());
  // What waited in a cluster's queue has taken no time.
  if (attempt->at("begun").as_int64() == 0) (*attempt)["started_at"] = attempt->at("finished_at");
  (*attempt)["message"] = "it was taken over from another database while it was open";
}

const fs::path& OtherThan(const fs::path& ours, const fs::path& database) {
  std::error_code ignored;
  if (fs::equivalent(database, ours, ignored)) {
    throw UsageError(database.string() + " and " + ours.string() + " are the same database");
  }
  return database;
}

/// Returns " (here -> there: train.epochs: 5 -> 7)"; nothing where a text is no TOML.
std::string DifferenceText(const StudyRecord& ours, const StudyRecord& theirs) try {
  constexpr std::size_t kListedChanges = 5;
  std::vector<std::string> texts;
  for (const RecipeChange& change : TextChanges(ours.recipe_text, theirs.recipe_text)) {
    texts.push_back(change.text);
  }
  if (texts.empty()) return "";
  return " (from here to there: " + JoinFirst(texts, kListedChanges) + ")";
} catch (const RecipeError&) {
  return "";
}

std::unique_ptr<StudyLock> LockIfItMayBeWritten(const fs::path& database) try {
  return std::unique_ptr<StudyLock>(new StudyLock(TakeTidyingLock(database)));
} catch (const Error&) {
  return nullptr;
}

}  // namespace

OtherRecord::OtherRecord(const fs::path& database, const fs::path& runs, const fs::path& ours)
    : database_(OtherThan(ours, database)),
      lock_(LockIfItMayBeWritten(database)),
      store_(database, OpenMode::kReadOnly) {
  if (!runs.empty()) store_.SetRuns(runs);
}

void OtherRecord::HoldOff(const std::string& study) {
  if (lock_) lock_->Take(study);
}

Merger::Merger(OtherRecord& theirs, Tidying& ours)
    : theirs_(theirs.store()), ours_(ours.store()), studies_(theirs_.Studies()) {
  for (const StudyRecord& study : studies_) {
    const std::optional<StudyRecord> here = ours_.FindStudy(study.name);
    if (here && here->recipe_digest != study.recipe_digest) {
      throw UsageError("study '" + study.name + "' of " + theirs.database().string() +
                       " has another recipe than the one of this name in " +
                       ours.database().string() + DifferenceText(*here, study) +
                       "; give one of them another name first: `beamgrid rename " + study.name +
                       " NEW --db FILE`");
    }
  }
  for (const StudyRecord& study : studies_) {
    theirs.HoldOff(study.name);
    ours.HoldOff(study.name);
  }
}

MergeReport Merger::Run() {
  std::vector<Studies> enrolled;
  ours_.Together([&] {
    for (const StudyRecord& study : studies_) enrolled.push_back(Enrol(study));
  });
  for (const Studies& studies : enrolled) {
    for (const TrialRecord& trial : theirs_.Trials(studies.theirs, Counting::kAll)) {
      if (done_.insert(trial.id).second) MergeTrial(studies, trial);
    }
  }
  // Only now is it known of all trials whether they are the same in both.
  for (const Studies& studies : enrolled) {
    ours_.Together([&] {
      MergeNotes(studies);
      MergeEnsembles(studies);
    });
  }
  return std::move(report_);
}

Merger::Studies Merger::Enrol(const StudyRecord& study) {
  RecordUpkeep upkeep(ours_);
  std::optional<StudyRecord> here = ours_.FindStudy(study.name);
  if (!here) {
    json::object row =
        OneRow(theirs_, "SELECT * FROM study WHERE name = :name", {{"name", study.name}});
    row.erase("id");
    const std::int64_t id = upkeep.Insert("study", row);
    for (const std::string table : {"recipe_history", "video_groups"}) {
      for (json::value& entry : theirs_
                                    .Query("SELECT * FROM " + table + " WHERE study = :study",
                                           {{"study", NumberText(study.id)}})
                                    .Objects()) {
        entry.as_object()["study"] = id;
        upkeep.Insert(table, entry.as_object());
      }
    }
    here = ours_.FindStudy(study.name);
    ++report_.studies;
  }
  const Studies studies{study.id, here->id};
  MergeClassNames(studies, study.name);
  for (const TrialRecord& trial : theirs_.Trials(study.id, Counting::kAll)) {
    if (!ours_.FindByFingerprint(trial.fingerprint)) {
      json::object row =
          OneRow(theirs_, "SELECT * FROM trial WHERE id = :id", {{"id", NumberText(trial.id)}});
      row.erase("id");
      // What was given up before it began is all that there is to take.
      if (trial.attempts > 0) row["state"] = ToString(TrialState::kWaiting);
      new_.insert(TrialId{upkeep.Insert("trial", row)});
      ++report_.trials;
    }
    Refer(studies, trial);
  }
  return studies;
}

void Merger::MergeClassNames(const Studies& studies, const std::string& study) {
  const auto ours = ours_.NotedClassNames(studies.ours);
  for (const auto& [data, names] : theirs_.NotedClassNames(studies.theirs)) {
    const auto known = ours.find(data);
    if (known == ours.end()) {
      ours_.SetClassNames(studies.ours, data, names);
      continue;
    }
    const std::string contradiction =
        Contradiction({"this record", known->second}, {"the other record", names});
    if (contradiction.empty()) continue;
    throw UsageError("study '" + study + "', data " + data + ": " + contradiction +
                     "; run the study in one of them again with the vocabulary.csv of the other");
  }
}

void Merger::MergeTrial(const Studies& studies, const TrialRecord& theirs) {
  const TrialRecord ours = ours_.FindByFingerprint(theirs.fingerprint).value();
  if (ours.state == TrialState::kComplete) {
    if (theirs.state == TrialState::kComplete) Compare(Label(studies, theirs), theirs, ours);
  } else if (ours.state == TrialState::kRunning) {
    if (theirs.state == TrialState::kComplete) {
      report_.remarks.push_back(Label(studies, ours) +
                                " is complete there and being trained here: it stays; merge again "
                                "if that training is given up");
    }
  } else if (theirs.state == TrialState::kComplete || (ours.attempts == 0 && theirs.attempts > 0)) {
    TakeTrial(Label(studies, ours), theirs, ours);
  }
}

/// Copies the folders first, to places that the record calls trash until the transaction that names
/// them.
void Merger::TakeTrial(const std::string& label, const TrialRecord& theirs,
                       const TrialRecord& ours) {
  RecordUpkeep upkeep(ours_);
  std::map<std::int64_t, fs::path> folders;
  for (const Store::AttemptRecord& attempt : theirs_.Attempts(theirs.id)) {
    const fs::path folder = UnusedFolder(attempt.directory);
    upkeep.AddTrash(folder);
    CopyAttempt(label, theirs, attempt, folder);
    folders[attempt.attempt] = folder;
  }
  ours_.Together([&] {
    const TrialRecord now = ours_.Trial(ours.id);
    if (now.state != ours.state || now.attempts != ours.attempts) {
      report_.remarks.push_back(label +
                                ": a study that runs here has taken it up meanwhile; merge "
                                "again if that training is given up");
      return;
    }
    upkeep.RemoveEpochs(ours.id);
    TakeRows(theirs, ours.id, ours.attempts, folders);
    upkeep.TakeState(ours.id,
                     theirs.state == TrialState::kRunning ? TrialState::kWaiting : theirs.state);
    for (const auto& [number, folder] : folders) upkeep.ForgetTrash(folder);
    if (!new_.contains(ours.id)) ++report_.results;
  });
}

void Merger::TakeRows(const TrialRecord& theirs, TrialId id, std::int64_t first_attempt,
                      const std::map<std::int64_t, fs::path>& folders) {
  RecordUpkeep upkeep(ours_);
  const std::int64_t trial = static_cast<std::int64_t>(id);
  for (json::object& row : RowsOf(theirs_, "attempt", theirs.id)) {
    const std::int64_t number = row.at("number").as_int64();
    CloseIfOpen(&row);
    row["trial"] = trial;
    row["number"] = number + first_attempt;
    row["directory"] = upkeep.Recorded(folders.at(number));
    upkeep.Insert("attempt", row);
  }
  for (json::object& row : RowsOf(theirs_, "result", theirs.id)) {
    row["trial"] = trial;
    row["attempt"] = row.at("attempt").as_int64() + first_attempt;
    upkeep.Insert("result", row);
  }
  for (const char* table : {"epoch", "artifact"}) {
    for (json::object& row : RowsOf(theirs_, table, theirs.id)) {
      row["trial"] = trial;
      upkeep.Insert(table, row);
    }
  }
}

void Merger::Compare(const std::string& label, const TrialRecord& theirs, const TrialRecord& ours) {
  const auto whole = [](const Store& store, const TrialRecord& trial) {
    TrialResult result = *trial.result;
    result.epochs = store.Epochs(trial.id);
    return Measured(result);
  };
  const auto differences = Differences(whole(ours_, ours), whole(theirs_, theirs));
  if (differences.empty()) return BringFilesBack(theirs, ours);
  MergeConflict conflict{.ours = ours, .label = label};
  for (const Difference& difference : differences) {
    conflict.differences.push_back(difference.what + ": ours " + difference.recorded + ", theirs " +
                                   difference.now);
  }
  // A trial of several studies is one conflict.
  const bool known = std::ranges::any_of(
      report_.conflicts, [&](const MergeConflict& other) { return other.ours.id == ours.id; });
  if (!known) report_.conflicts.push_back(std::move(conflict));
}

/// Copies what is gone, damaged or given up here and sound there.
void Merger::BringFilesBack(const TrialRecord& theirs, const TrialRecord& ours) {
  for (const Artifact& artifact : ours.result->artifacts) {
    const fs::path here = ArtifactPath(ours, artifact), there = ArtifactPath(theirs, artifact);
    const bool damaged = !RecordedDamage(here, artifact).empty();
    if ((!damaged && artifact.pruned_at.empty()) || !RecordedDamage(there, artifact).empty()) {
      continue;
    }
    if (damaged) {
      // What an earlier merge left half-written when it was killed.
      RemoveHalfWritten(here.parent_path());
      report_.bytes += CopyFileDurably(there, here);
      ++report_.files;
    }
    if (artifact.pruned_at.empty()) continue;
    ours_.Together([&] {
      RecordUpkeep upkeep(ours_);
      upkeep.KeepFile(ours.id, artifact.name);
      upkeep.ForgetTrash(here);  // which could not be deleted when it was given up
    });
    ++report_.brought_back;
  }
}

void Merger::CopyAttempt(const std::string& label, const TrialRecord& trial,
                         const Store::AttemptRecord& attempt, const fs::path& to) {
  std::error_code error;
  for (fs::directory_iterator file(attempt.directory, error), end; !error && file != end;
       file.increment(error)) {
    std::error_code ignored;
    if (!fs::is_regular_file(fs::symlink_status(file->path(), ignored))) continue;
    if (!IsWorthCopying(file->path(), trial)) continue;
    report_.bytes += CopyFileDurably(file->path(), to / file->path().filename());
    ++report_.files;
  }
  if (!trial.result || attempt.outcome != "complete") return;
  for (const Artifact& artifact : trial.result->artifacts) {
    if (!artifact.pruned_at.empty()) continue;
    const std::string damage = RecordedDamage(to / artifact.path, artifact);
    if (damage.empty()) continue;
    report_.remarks.push_back(label + ": " + artifact.path + " " + damage +
                              ", there as well: " + ArtifactPath(trial, artifact).string());
  }
}

/// Returns the place below our runs folder that the attempt's folder has below theirs, or one
/// beside it that nobody uses.
fs::path Merger::UnusedFolder(const fs::path& theirs) const {
  // <runs>/<study>/<trial>/<attempt>
  const fs::path trial = theirs.parent_path();
  const fs::path wanted =
      ours_.runs() / trial.parent_path().filename() / trial.filename() / theirs.filename();
  fs::path folder = wanted;
  for (int copy = 2; fs::exists(fs::symlink_status(folder)) || ours_.IsTrash(folder); ++copy) {
    folder = wanted.string() + "." + std::to_string(copy);
  }
  return folder;
}

void Merger::Refer(const Studies& studies, const TrialRecord& trial) {
  const TrialId id = ours_.FindByFingerprint(trial.fingerprint)->id;
  const std::map<std::string, std::string> reference = {{"study", NumberText(studies.ours)},
                                                        {"trial", NumberText(id)}};
  const std::string known = "SELECT 1 FROM study_trial WHERE study = :study AND trial = :trial";
  if (!ours_.Query(known, reference).rows.empty()) return;
  json::object row =
      OneRow(theirs_, "SELECT * FROM study_trial WHERE study = :study AND trial = :trial",
             {{"study", NumberText(studies.theirs)}, {"trial", NumberText(trial.id)}});
  row["study"] = static_cast<std::int64_t>(studies.ours);
  row["trial"] = static_cast<std::int64_t>(id);
  row["position"] =
      ours_
          .Query("SELECT coalesce(max(position), 0) + 1 FROM study_trial WHERE study = :study",
                 {{"study", NumberText(studies.ours)}})
          .rows.at(0)
          .at(0);
  if (trial.counts()) {
    const std::string why = WhyNotCounted(studies, trial);
    if (!why.empty()) {
      row["not_counted"] = why;
      report_.remarks.push_back(Label(studies, trial) + ": does not count here: " + why);
    }
  }
  RecordUpkeep(ours_).Insert("study_trial", row);
  ++report_.references;
  if (!new_.contains(id)) ++report_.shared;
}

std::string Merger::Label(const Studies& studies, const TrialRecord& trial) const {
  const auto study = std::ranges::find(studies_, studies.theirs, &StudyRecord::id);
  if (studies_.size() == 1) return LabelOf(trial);
  return study->name + "/" + trial.name + "#" + std::to_string(trial.seed);
}

/// Returns why a trial that counts there does not here; empty where it does. What counts here
/// stays: of one content, and one for each model and seed.
std::string Merger::WhyNotCounted(const Studies& studies, const TrialRecord& trial) const {
  const std::string study = NumberText(studies.ours);
  const std::string counted =
      "SELECT 1 FROM study_trial JOIN trial ON trial.id = study_trial.trial"
      " WHERE study_trial.study = :study AND not_counted IS NULL AND ";
  const auto data = theirs_
                        .Query("SELECT canonical ->> '$.data' FROM trial WHERE id = :id",
                               {{"id", NumberText(trial.id)}})
                        .rows.at(0)
                        .at(0);
  if (!ours_
           .Query(counted + "canonical ->> '$.data' <> :data LIMIT 1",
                  {{"study", study}, {"data", std::string(data.as_string())}})
           .rows.empty()) {
    return "it was trained on other data than those that count here";
  }
  if (!ours_
           .Query(counted + "study_trial.name = :name AND study_trial.seed = :seed LIMIT 1",
                  {{"study", study}, {"name", trial.name}, {"seed", std::to_string(trial.seed)}})
           .rows.empty()) {
    return "it was merged where another trial of this model and seed counts";
  }
  return "";
}

void Merger::MergeNotes(const Studies& studies) {
  const auto key = [](const json::object& row) {
    return std::tuple(std::string(row.at("trial_name").as_string()), row.at("seed").as_int64(),
                      std::string(row.at("text").as_string()));
  };
  const std::string all = "SELECT * FROM note WHERE study = :study ORDER BY id";
  std::set<std::tuple<std::string, std::int64_t, std::string>> known;
  for (const json::value& row : ours_.Query(all, {{"study", NumberText(studies.ours)}}).Objects()) {
    known.insert(key(row.as_object()));
  }
  for (json::value& value : theirs_.Query(all, {{"study", NumberText(studies.theirs)}}).Objects()) {
    json::object& row = value.as_object();
    if (!known.insert(key(row)).second) continue;
    row.erase("id");
    row["study"] = static_cast<std::int64_t>(studies.ours);
    RecordUpkeep(ours_).Insert("note", row);
  }
}

void Merger::MergeEnsembles(const Studies& studies) {
  const std::vector<EnsembleRecord> before = ours_.Ensembles(studies.ours);
  std::set<std::string> known;
  for (const EnsembleRecord& ensemble : before) known.insert(ensemble.json);
  for (const EnsembleRecord& ensemble : theirs_.Ensembles(studies.theirs)) {
    if (!known.insert(ensemble.json).second) continue;
    const std::string other = MeasuredOtherwise(ensemble);
    if (!other.empty()) {
      report_.remarks.push_back("the ensemble that was made there " + ensemble.created_at +
                                " is left out: its member " + other +
                                " measured something else here");
      continue;
    }
    // At the time at which it was made: one that is older than ours does not become the latest.
    RecordUpkeep(ours_).Insert("ensemble", {{"study", static_cast<std::int64_t>(studies.ours)},
                                            {"created_at", ensemble.created_at},
                                            {"json", ensemble.json}});
    ++report_.ensembles;
  }
  const std::vector<EnsembleRecord> now = ours_.Ensembles(studies.ours);
  if (before.empty() || now.back().id == before.back().id) return;
  const auto study = std::ranges::find(studies_, studies.theirs, &StudyRecord::id);
  report_.remarks.push_back("the latest ensemble of " + study->name + " is " +
                            NumberText(now.back().id) + " now, which was made there " +
                            now.back().created_at + "; the one of this record is " + study->name +
                            ":" + NumberText(before.back().id));
}

/// Returns the member that both records have complete with other measurements: what the ensemble
/// scored was theirs. Empty: there is none.
std::string Merger::MeasuredOtherwise(const EnsembleRecord& ensemble) const {
  // An older version recorded members by their names alone.
  const bool by_name = ensemble.json.find(R"("fingerprint")") == std::string::npos;
  const auto has = [&](const MergeConflict& conflict) {
    const std::string member = by_name ? MemberName(conflict.ours) : conflict.ours.fingerprint;
    return ensemble.json.find('"' + member + '"') != std::string::npos;
  };
  const auto found = std::ranges::find_if(report_.conflicts, has);
  return found == report_.conflicts.end() ? "" : found->label;
}

}  // namespace beamgrid
