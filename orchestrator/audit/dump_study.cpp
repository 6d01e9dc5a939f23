#include "orchestrator/audit/dump_study.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/audit/measured.h"
#include "registry/util/json.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace json = boost::json;

/// The version of the canonical form; raise it when a line's meaning changes.
constexpr std::int64_t kFormat = 1;

void Write(std::ostream& out, const json::object& line) { out << CanonicalJson(line) << '\n'; }

std::string IdText(TrialId trial) { return std::to_string(static_cast<std::int64_t>(trial)); }

std::vector<TrialRecord> SortedTrials(const Store& store, const StudyRecord& study,
                                      Counting counting) {
  std::vector<TrialRecord> trials = store.Trials(study.id, counting);
  // Not as recorded: the order in which trials were asked for depends on which ended first.
  std::ranges::sort(trials, {}, [](const TrialRecord& trial) {
    return std::tie(trial.name, trial.seed, trial.fingerprint);
  });
  for (TrialRecord& trial : trials) {
    if (trial.result) trial.result->epochs = store.Epochs(trial.id);
  }
  return trials;
}

json::value FailureKindOf(const TrialRecord& trial) {
  if (trial.state != TrialState::kFailed) return nullptr;
  // The record's text is "kind: message".
  return json::string(trial.failure.substr(0, trial.failure.find(':')));
}

json::object CommonPart(const TrialRecord& trial) {
  return {{"kind", "trial"},
          {"fingerprint", trial.fingerprint},
          {"name", trial.name},
          {"seed", trial.seed},
          {"state", ToString(trial.state)},
          {"parameters", trial.parameters},
          {"size_bytes", trial.size_bytes}};
}

// ---- Canonical --------------------------------------------------------------------------------

json::object CanonicalLine(const Store& store, const TrialRecord& trial) {
  json::object line = CommonPart(trial);
  line["spec"] = ParseJson(CanonicalText(store.Spec(trial.id)));
  line["failure"] = FailureKindOf(trial);
  line["result"] = trial.result ? json::value(Measured(*trial.result)) : json::value(nullptr);
  return line;
}

void DumpCanonical(std::ostream& out, const Store& store, const StudyRecord& study) {
  Write(out, {{"kind", "study"},
              {"format", kFormat},
              {"name", study.name},
              {"objective", study.objective},
              {"recipe_digest", study.recipe_digest}});
  for (const TrialRecord& trial : SortedTrials(store, study, Counting::kOnly)) {
    Write(out, CanonicalLine(store, trial));
  }
  const std::vector<KeptEnsemble> ensembles = KeptEnsembles(store, study);
  const KeptEnsemble* latest = LatestThatCounts(ensembles);
  if (latest == nullptr) return;
  json::object ensemble = latest->answer;
  json::array members = latest->members();
  for (json::value& member : members) member.as_object().erase("fingerprint");  // as it was printed
  if (!members.empty()) ensemble["members"] = std::move(members);
  Write(out, {{"kind", "ensemble"}, {"ensemble", std::move(ensemble)}});
}

// ---- Whole ------------------------------------------------------------------------------------

json::value WholeResult(const TrialRecord& trial) {
  if (!trial.result) return nullptr;
  json::object result = ToJson(*trial.result);
  result.erase("stopped_early");  // not recorded: it follows from the number of epochs
  return result;
}

std::string Recorded(const Store& store, const std::string& directory) {
  const std::string start = (store.runs() / "").string();
  return directory.starts_with(start) ? directory.substr(start.size()) : directory;
}

json::object WholeLine(const Store& store, const TrialRecord& trial) {
  json::object line = CommonPart(trial);
  line["id"] = static_cast<std::int64_t>(trial.id);
  line["not_counted"] = trial.counts() ? json::value(nullptr) : json::value(trial.not_counted);
  line["spec"] = ToJson(store.Spec(trial.id));
  line["failure"] = trial.failure.empty() ? json::value(nullptr) : json::string(trial.failure);
  line["failure_log"] = trial.failure_log;
  // From the runs folder on, as in the attempts below.
  line["directory"] = Recorded(store, trial.directory);
  line["result"] = WholeResult(trial);
  // All columns as they are: one that the schema gains is printed too.
  line["attempts"] = store
                         .Query("SELECT * FROM attempt WHERE trial = :trial ORDER BY number",
                                {{"trial", IdText(trial.id)}})
                         .Objects();
  return line;
}

void DumpNotes(std::ostream& out, const Store& store, const StudyRecord& study) {
  const Store::Table notes = store.Query(
      "SELECT note.id, trial_name AS name, seed, text, note.created_at"
      " FROM note JOIN study ON study.id = note.study"
      " WHERE study.name = :study ORDER BY note.id",
      {{"study", study.name}});
  for (json::value& row : notes.Objects()) {
    row.as_object()["kind"] = "note";
    Write(out, row.as_object());
  }
}

void DumpRecipes(std::ostream& out, const Store& store, const StudyRecord& study) {
  for (const RecipeEntry& entry : store.RecipeHistory(study.id)) {
    Write(out, {{"kind", "recipe"},
                {"position", entry.position},
                {"recipe_digest", entry.recipe_digest},
                {"recipe_text", entry.recipe_text},
                {"begun_at", entry.begun_at},
                {"program_version", entry.program_version},
                {"changes", JsonList(entry.changes)}});
  }
}

void DumpGroups(std::ostream& out, const Store& store, const StudyRecord& study) {
  const auto groups = store.VideoGroupsOf(study.id);
  if (!groups) return;
  json::object videos;
  for (const auto& [video, group] : groups->groups()) videos[video] = group;
  json::object line{{"kind", "video_groups"}, {"by", groups->by()}, {"videos", std::move(videos)}};
  if (groups->in_training() > 0) line["in_training"] = groups->in_training();
  Write(out, line);
}

void DumpClassNames(std::ostream& out, const Store& store, const StudyRecord& study) {
  for (const auto& [data, names] : store.NotedClassNames(study.id)) {
    Write(out, {{"kind", "class_names"}, {"data", data}, {"names", JsonList(names)}});
  }
}

void DumpWhole(std::ostream& out, const Store& store, const StudyRecord& study) {
  Write(out, {{"kind", "study"},
              {"name", study.name},
              {"description", study.description},
              {"objective", study.objective},
              {"recipe_digest", study.recipe_digest},
              {"recipe_text", study.recipe_text},
              {"created_at", study.created_at}});
  DumpRecipes(out, store, study);
  DumpGroups(out, store, study);
  DumpClassNames(out, store, study);
  for (const TrialRecord& trial : SortedTrials(store, study, Counting::kAll)) {
    Write(out, WholeLine(store, trial));
  }
  for (const EnsembleRecord& ensemble : store.Ensembles(study.id)) {
    Write(out, {{"kind", "ensemble"},
                {"created_at", ensemble.created_at},
                {"ensemble", ParseJson(ensemble.json)}});
  }
  DumpNotes(out, store, study);
}

}  // namespace

void DumpStudy(std::ostream& out, const Store& store, const StudyRecord& study, DumpForm form) {
  if (form == DumpForm::kCanonical) {
    DumpCanonical(out, store, study);
  } else {
    DumpWhole(out, store, study);
  }
}

}  // namespace beamgrid
