#pragma once
// A record with real files, for the tests of housekeeping by subject.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/housekeeping/prune_plan.h"
#include "orchestrator/housekeeping/record_overview.h"
#include "orchestrator/housekeeping/tidying.h"
#include "registry/store/store.h"
#include "registry/util/files.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {

/// FiledRecord is a database with its runs folder.
class FiledRecord {
 public:
  explicit FiledRecord(const std::filesystem::path& folder)
      : path((std::filesystem::create_directories(folder), folder / "beamgrid.db")),
        store(path, OpenMode::kReadWrite) {}

  StudyId Study(const std::string& name) { return store.OpenStudy(ExampleStudy(name)); }

  /// A trial that waits; `start` is the fingerprint of the one that it starts from.
  TrialId Wait(StudyId study, std::int64_t hidden, std::int64_t seed = 1,
               const std::string& start = "") {
    NewTrial trial = ExampleNewTrial(hidden, seed);
    if (!start.empty()) {
      trial.spec.model.train["from"] = "any";
      trial.spec.warm_start = start;
      trial.fingerprint = Fingerprint(trial.spec);
    }
    return store.AddTrials(study, {trial}).at(0);
  }

  /// A complete form of a trial in int8, which the study does not count.
  TrialId CompleteForm(StudyId study, TrialId base, double gap) {
    const TrialRecord of = store.Trial(base);
    NewTrial form{.name = of.name + "@int8", .spec = store.Spec(base)};
    form.spec.model.train["epochs"] = std::int64_t{0};
    form.spec.model.train["precision"] = "int8";
    form.spec.model.train["from"] = "any";
    form.spec.warm_start = of.fingerprint;
    form.fingerprint = Fingerprint(form.spec);
    const TrialId id = store.AddTrials(study, {form}).at(0);
    store.StopCounting(study, {id}, "it is the int8 form of " + of.name);
    Finish(id, Begin(id), gap);
    return id;
  }

  /// The trial's next attempt, with the files that a worker makes first.
  std::filesystem::path Begin(TrialId trial) {
    const TrialRecord record = store.Trial(trial);
    const std::filesystem::path directory = store.runs() / "folder" /
                                            (record.name + "-" + std::to_string(record.seed)) /
                                            std::to_string(record.attempts + 1);
    (void)store.BeginAttempt(trial, directory.string(), "cpu", 1);
    WriteFileAtomically(directory / kTrialFile, "{}");
    WriteFileAtomically(directory / kWorkerLog, "log");
    return directory;
  }

  /// A complete trial with weights of 1,000 bytes and predictions of 10.
  TrialId Complete(StudyId study, std::int64_t hidden, double gap, std::int64_t seed = 1,
                   const std::string& start = "") {
    const TrialId id = Wait(study, hidden, seed, start);
    Finish(id, Begin(id), gap);
    return id;
  }
  void Finish(TrialId id, const std::filesystem::path& directory, double gap) {
    const std::string weights(1000, static_cast<char>('a' + static_cast<int>(gap * 10)));
    const std::string predictions(10, 'p');
    WriteFileAtomically(directory / kModelFile, weights);
    WriteFileAtomically(directory / kPredictionsFile, predictions);
    WriteFileAtomically(directory / kResultFile, "{}");
    AttemptOutcome outcome = ExampleSuccess(gap);
    outcome.result().artifacts = {
        {.name = "model", .path = kModelFile, .bytes = 1000, .hash = HashBytes(weights)},
        {.name = "predictions",
         .path = kPredictionsFile,
         .bytes = 10,
         .hash = HashBytes(predictions)}};
    store.FinishAttempt(id, store.Trial(id).attempts, outcome, TrialState::kComplete);
  }

  void Ensemble(StudyId study, const std::vector<TrialId>& members) {
    boost::json::array list;
    for (const TrialId id : members) {
      const TrialRecord trial = store.Trial(id);
      list.emplace_back(
          boost::json::object{{"name", trial.name + "/s" + std::to_string(trial.seed)}});
    }
    store.AddEnsemble(
        study, {.created_at = "2026-01-01T00:00:00Z", .json = CanonicalJson({{"members", list}})});
  }

  /// Deletes what the record has given up.
  Freed EmptyTrash() const { return Tidying(path, "").EmptyTrash(); }

  [[nodiscard]] std::filesystem::path FileOf(TrialId trial, const std::string& file) const {
    return std::filesystem::path(store.Trial(trial).directory) / file;
  }
  [[nodiscard]] bool Has(TrialId trial, const std::string& file) const {
    return std::filesystem::exists(FileOf(trial, file));
  }

  const std::filesystem::path path;
  Store store;
};

class HousekeepingTest : public ::testing::Test {
 protected:
  [[nodiscard]] PrunePlan Plan(std::vector<StudyId> studies, std::size_t keep,
                               std::set<std::string> artifacts = {"model"},
                               const std::set<std::string>& running = {}) {
    const PruneQuestion question{
        .studies = std::move(studies), .keep = keep, .artifacts = std::move(artifacts)};
    return PlanPrune(record_.store, LookAtRecord(record_.store), RunsFolder(record_.store.runs()),
                     question, running);
  }

  TemporaryFolder folder_;
  FiledRecord record_{folder_ / "ours"};
};

}  // namespace beamgrid
