#include "orchestrator/dashboard/trial_facts.h"

namespace beamgrid {
namespace {

using boost::json::value;

std::string Digits(TrialId trial) { return std::to_string(static_cast<std::int64_t>(trial)); }
std::string Digits(StudyId study) { return std::to_string(static_cast<std::int64_t>(study)); }

std::string TextAt(const value& cell) {
  return cell.is_string() ? std::string(cell.get_string()) : "";
}
std::optional<double> NumberAt(const value& cell) {
  if (!cell.is_number()) return std::nullopt;
  return cell.to_number<double>();
}

std::vector<SeedFact> ReadSeeds(const Store& store, const TrialFacts& facts) {
  const Store::Table table =
      store.Query(std::string("SELECT trial.id, study_trial.seed, ") + kToldState + ", result." +
                      std::string(facts.objective->name) +
                      ", study_trial.not_counted IS NULL"
                      " FROM study_trial JOIN trial ON trial.id = study_trial.trial"
                      " LEFT JOIN result ON result.trial = trial.id"
                      " WHERE study_trial.study = CAST(:of AS INTEGER) AND study_trial.name = :name"
                      " ORDER BY study_trial.seed, trial.id",
                  {{"of", Digits(facts.study.id)}, {"name", facts.trial.name}});
  std::vector<SeedFact> seeds;
  for (const auto& row : table.rows) {
    seeds.push_back({.trial = row[0].as_int64(),
                     .seed = row[1].as_int64(),
                     .state = TextAt(row[2]),
                     .objective = NumberAt(row[3]),
                     .counts = row[4].as_int64() != 0});
  }
  return seeds;
}

/// An ensemble that was recorded without fingerprints, by an older version, is not found.
std::vector<MembershipFact> ReadEnsembles(const Store& store, const std::string& fingerprint) {
  const Store::Table table = store.Query(
      "SELECT study.name, ensemble.id, json_array_length(ensemble.json, '$.members'),"
      " ensemble.created_at, json_extract(member.value, '$.weight'),"
      " json_extract(ensemble.json, '$.holdout.gap')"
      " FROM ensemble JOIN study ON study.id = ensemble.study"
      " JOIN json_each(ensemble.json, '$.members') AS member"
      " WHERE json_extract(member.value, '$.fingerprint') = :fingerprint ORDER BY ensemble.id",
      {{"fingerprint", fingerprint}});
  std::vector<MembershipFact> ensembles;
  for (const auto& row : table.rows) {
    ensembles.push_back({.study = TextAt(row[0]),
                         .ensemble = row[1].as_int64(),
                         .members = row[2].is_int64() ? row[2].get_int64() : 0,
                         .created_at = TextAt(row[3]),
                         .weight = NumberAt(row[4]),
                         .holdout_gap = NumberAt(row[5])});
  }
  return ensembles;
}

}  // namespace

std::optional<TrialFacts> ReadTrialFacts(const Store& store, const StudyRecord& study,
                                         TrialId trial) {
  const Store::Table named = store.Query(
      "SELECT name, seed, not_counted FROM study_trial"
      " WHERE study = CAST(:of AS INTEGER) AND trial = CAST(:trial AS INTEGER)",
      {{"of", Digits(study.id)}, {"trial", Digits(trial)}});
  if (named.rows.empty()) return std::nullopt;
  TrialFacts facts{.study = study, .trial = store.Trial(trial), .spec = store.Spec(trial)};
  facts.objective = MetricNamed("study '" + study.name + "': objective", study.objective);
  facts.trial.name = TextAt(named.rows[0][0]);
  facts.trial.seed = named.rows[0][1].as_int64();
  facts.trial.not_counted = TextAt(named.rows[0][2]);
  facts.attempts = store.Attempts(trial);
  facts.verdict = VerdictOn(facts.trial, facts.attempts);
  facts.notes = NotesOf(store, study.name, facts.trial.name, facts.trial.seed);
  facts.epochs = store.Epochs(trial);
  facts.artifacts = store.Artifacts(trial);
  facts.seeds = ReadSeeds(store, facts);
  facts.ensembles = ReadEnsembles(store, facts.trial.fingerprint);
  return facts;
}

}  // namespace beamgrid
