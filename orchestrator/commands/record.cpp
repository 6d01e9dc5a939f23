#include "orchestrator/commands/record.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <set>

#include "registry/store/database_file.h"
#include "registry/store/place.h"
#include "registry/util/error.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

// Fewer digits fit many trials by chance.
constexpr std::size_t kShortestPrefix = 4;
constexpr std::size_t kListedCandidates = 10;

std::string FullName(const TrialInStudy& found) {
  return found.study.name + "/" + found.trial.name + "/" + std::to_string(found.trial.seed);
}

bool HasId(const TrialInStudy& candidate, const std::string& text) {
  return std::to_string(static_cast<std::int64_t>(candidate.trial.id)) == text;
}

/// True if `text` is the model's name, with the seed or without it.
bool NamesModel(const std::string& model, std::int64_t seed, const std::string& text) {
  // As lists of several studies have it, as an ensemble does, and as it is told by hand.
  return text == model || text == model + "/" + std::to_string(seed) ||
         text == model + "/s" + std::to_string(seed) || text == model + "#" + std::to_string(seed);
}

bool Matches(const TrialInStudy& candidate, const std::string& text) {
  const TrialRecord& trial = candidate.trial;
  if (text.size() >= kShortestPrefix && trial.fingerprint.starts_with(text)) return true;
  return NamesModel(candidate.study.name + "/" + trial.name, trial.seed, text);
}

std::vector<TrialInStudy> AllTrials(const Store& store) {
  std::vector<TrialInStudy> all;
  for (const StudyRecord& study : store.Studies()) {
    for (TrialRecord& trial : store.Trials(study.id, Counting::kAll)) {
      all.push_back({study, std::move(trial)});
    }
  }
  // First, so that a trial is found with a study that counts it.
  std::ranges::stable_partition(
      all, [](const TrialInStudy& candidate) { return candidate.trial.counts(); });
  return all;
}

[[noreturn]] void RefuseUnknown(const Store& store, const std::vector<TrialInStudy>& all,
                                const DatabaseOption& database, const std::string& text) {
  if (store.FindStudy(text)) {
    throw UsageError("'" + text + "' is a study and no trial; `beamgrid trials " + text +
                     "` lists its trials, `beamgrid show " + text +
                     " --recipe-history` the recipes that it has had");
  }
  std::vector<std::string> names;
  // The trials of a study that was named: another's are other models or other data.
  const std::string study = text.substr(0, text.find('/'));
  const bool is_named = text.find('/') != std::string::npos && store.FindStudy(study).has_value();
  for (const TrialInStudy& candidate : all) {
    if (!is_named || candidate.study.name == study) names.push_back(FullName(candidate));
  }
  throw UsageError("no trial '" + text + "' in " + database.path.string() +
                   "; a trial is named by its id, by the first digits of its fingerprint or as "
                   "STUDY/NAME[/SEED]" +
                   Suggestion(text, names, ""));
}

[[noreturn]] void RefuseAmbiguous(const std::vector<TrialInStudy>& found, const std::string& text) {
  std::string list;
  for (std::size_t i = 0; i < std::min(found.size(), kListedCandidates); ++i) {
    list += "\n  " + std::to_string(static_cast<std::int64_t>(found[i].trial.id)) + "  " +
            FullName(found[i]) + "  " + found[i].trial.fingerprint +
            (found[i].trial.counts() ? "" : "  not counted: " + found[i].trial.not_counted);
  }
  if (found.size() > kListedCandidates) {
    list += "\n  and " + std::to_string(found.size() - kListedCandidates) + " more";
  }
  throw UsageError("'" + text + "' names " + std::to_string(found.size()) + " trials; which one?" +
                   list);
}

}  // namespace

void DatabaseOption::AddTo(CLI::App& app) {
  const auto names_file = [](const std::string& name) -> std::string {
    const bool memory = name.empty() || name == ":memory:" || name.starts_with("file:");
    return memory ? "'" + name + "' must be the path of a file" : "";
  };
  app.add_option("--db", path, "Database file")
      ->capture_default_str()
      ->type_name("FILE")
      ->check(CLI::Validator(names_file, ""));
}

void DatabaseOption::AddRunsTo(CLI::App& app) {
  app.add_option("--runs", runs,
                 "Folder of the attempts, if not where the record has it: at first runs beside the "
                 "database")
      ->type_name("DIR");
}

std::unique_ptr<Store> DatabaseOption::OpenForReading() const { return Open(OpenMode::kReadOnly); }

std::unique_ptr<Store> DatabaseOption::OpenForWriting() const { return Open(OpenMode::kReadWrite); }

bool DatabaseOption::MayBeWritten() const {
  const std::filesystem::path file = RealPath(path);
  return ::access(file.c_str(), W_OK) == 0 && ::access(file.parent_path().c_str(), W_OK) == 0;
}

bool DatabaseOption::IsThere() const {
  CheckDatabaseFile(path);
  return std::filesystem::exists(path);
}

void DatabaseOption::RequireFile() const {
  if (!IsThere()) {
    throw UsageError("no database " + path.string() +
                     "; `beamgrid run RECIPE` makes one, --db names another");
  }
}

std::unique_ptr<Store> DatabaseOption::Open(OpenMode mode) const {
  RequireFile();
  auto store = std::make_unique<Store>(path, mode);
  if (!runs.empty()) store->SetRuns(runs);
  return store;
}

void AddJsonFlag(CLI::App& app, bool* json) {
  app.add_flag("--json", *json, "Print JSON instead of text");
}

StudyRecord FindStudy(const Store& store, const DatabaseOption& database, const std::string& name) {
  if (auto study = store.FindStudy(name)) return *std::move(study);
  const std::string names = Join(store.Studies(), ", ", &StudyRecord::name);
  throw UsageError("no study '" + name + "' in " + database.path.string() +
                   (names.empty() ? "; it holds no studies" : "; studies: " + names));
}

std::vector<TrialInStudy> FindTrials(const Store& store, const DatabaseOption& database,
                                     const std::string& text, ModelNames names) {
  const std::vector<TrialInStudy> all = AllTrials(store);
  std::vector<TrialInStudy> found;
  std::set<TrialId> seen;
  for (const TrialInStudy& candidate : all) {
    // An id names one trial, whatever else the same digits might begin.
    if (HasId(candidate, text)) return {candidate};
    if (Matches(candidate, text) && seen.insert(candidate.trial.id).second) {
      found.push_back(candidate);
    }
  }
  if (found.empty() && names == ModelNames::kAlone) {
    for (const TrialInStudy& candidate : all) {
      if (NamesModel(candidate.trial.name, candidate.trial.seed, text)) found.push_back(candidate);
    }
  }
  if (found.empty()) RefuseUnknown(store, all, database, text);
  // A name means the trial that counts; the others are named by id or fingerprint.
  const auto counts = [](const TrialInStudy& candidate) { return candidate.trial.counts(); };
  if (std::ranges::any_of(found, counts) && !found.front().trial.fingerprint.starts_with(text)) {
    std::erase_if(found, std::not_fn(counts));
  }
  const TrialInStudy& first = found.front();
  const auto is_of_another = [&first](const TrialInStudy& other) {
    return other.study.id != first.study.id || other.trial.name != first.trial.name;
  };
  if (std::ranges::any_of(found, is_of_another)) RefuseAmbiguous(found, text);
  std::ranges::stable_sort(found, {}, [](const TrialInStudy& one) { return one.trial.seed; });
  return found;
}

TrialInStudy FindTrial(const Store& store, const DatabaseOption& database, const std::string& text,
                       ModelNames names) {
  std::vector<TrialInStudy> found = FindTrials(store, database, text, names);
  if (found.size() > 1) RefuseAmbiguous(found, text);
  return std::move(found.front());
}

}  // namespace beamgrid
