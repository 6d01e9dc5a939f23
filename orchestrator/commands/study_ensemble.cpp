#include "orchestrator/commands/study_ensemble.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/text_table.h"
#include "registry/scoring/metrics.h"
#include "registry/scoring/segments.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string MemberName(const TrialRecord& trial) {
  return trial.name + "/s" + std::to_string(trial.seed);
}

/// Says which weighting was taken, what the others scored, and which members went.
void PrintWeights(std::ostream& out, const EnsembleAnswer& answer) {
  out << "weights " << WordFor(kWeightings, answer.weights_used);
  if (!answer.weightings.empty()) {
    out << ", the best by cross-fitting on the selection videos: "
        << Join(answer.weightings, ", ", [](const WeightingScore& score) {
             return WordFor(kWeightings, score.weights) + (" " + FixedText(score.gap, 5));
           });
  }
  out << "\n";
  for (const std::string& name : answer.dropped) {
    out << "dropped " << name << ": GAP is no lower without it\n";
  }
}

/// Returns complete trials by name and seed; one per name where only the best seed is asked for.
std::vector<TrialRecord> ChooseTrials(const Store& store, const StudyRecord& study,
                                      SeedChoice seeds) {
  const Metric* objective = MetricNamed("study '" + study.name + "': objective", study.objective);
  const auto value = [&](const TrialRecord& trial) {
    return ObjectiveOf(trial.result->metrics, objective);
  };
  std::vector<TrialRecord> chosen;
  std::map<std::string, std::size_t> place_of_name;
  for (TrialRecord& trial : store.Trials(study.id)) {
    if (trial.state != TrialState::kComplete || !trial.result) continue;
    const auto [found, is_new] = place_of_name.try_emplace(trial.name, chosen.size());
    if (is_new || seeds == SeedChoice::kAll) {
      chosen.push_back(std::move(trial));
    } else if (value(trial) > value(chosen[found->second])) {
      chosen[found->second] = std::move(trial);
    }
  }
  std::sort(chosen.begin(), chosen.end(), [](const TrialRecord& a, const TrialRecord& b) {
    return std::tie(a.name, a.seed) < std::tie(b.name, b.seed);
  });
  return chosen;
}

}  // namespace

std::vector<EnsembleModel> StudyPool(const Store& store, const StudyRecord& study,
                                     SeedChoice seeds) {
  std::vector<EnsembleModel> pool;
  for (const TrialRecord& trial : ChooseTrials(store, study, seeds)) {
    pool.push_back({MemberName(trial), trial.size_bytes,
                    ReadPredictions(CheckedArtifact(trial, "predictions", study.name))});
  }
  if (pool.empty()) {
    throw UsageError("study '" + study.name + "' has no complete trial to make an ensemble of");
  }
  return pool;
}

std::vector<EnsembleModel> StudiesPool(const Store& store, const std::vector<StudyRecord>& studies,
                                       SeedChoice seeds) {
  if (studies.size() == 1) return StudyPool(store, studies.front(), seeds);
  std::vector<EnsembleModel> pool;
  std::set<TrialId> known;
  for (const StudyRecord& study : studies) {
    std::set<std::string> twice;  // members that an earlier study has already
    for (const TrialRecord& trial : store.Trials(study.id)) {
      if (!known.insert(trial.id).second) twice.insert(MemberName(trial));
    }
    for (EnsembleModel& model : StudyPool(store, study, seeds)) {
      if (twice.contains(model.name)) continue;
      model.name = study.name + "/" + model.name;
      pool.push_back(std::move(model));
    }
  }
  return pool;
}

void StoreEnsemble(Store& store, StudyId study, const EnsembleAnswer& answer) {
  const std::string json = CanonicalJson(ToJson(answer));
  const std::vector<EnsembleRecord> known = store.Ensembles(study);
  if (!known.empty() && known.back().json == json) return;
  store.AddEnsemble(study, {.created_at = UtcText(std::chrono::system_clock::now()), .json = json});
}

void WriteEnsemblePredictions(const std::filesystem::path& path, const EnsembleQuestion& question,
                              const EnsembleAnswer& answer,
                              const std::vector<std::int32_t>& classes) {
  std::vector<const Predictions*> members;
  std::vector<double> weights;
  std::vector<Missing> missing;
  // Never shorter than the members' own lists.
  int top_k = kGapTop;
  for (const EnsembleAnswer::Member& member : answer.members) {
    const auto model = std::ranges::find(question.models, member.name, &EnsembleModel::name);
    members.push_back(&model->predictions);
    weights.push_back(member.weight);
    missing.push_back(model->missing.value_or(question.missing));
    top_k = std::max(top_k, model->predictions.top_k);
  }
  const Predictions combined = Combine(members, weights, question.combine, missing, top_k);
  if (AreSegments(combined)) {
    WriteSegmentsCsv(path, combined, classes);
  } else {
    WritePredictionsCsv(path, combined);
  }
}

void PrintEnsemble(std::ostream& out, const EnsembleAnswer& answer) {
  TextTable table({"member", ">size", ">weight"});
  for (const EnsembleAnswer::Member& member : answer.members) {
    table.Add({member.name, SizeText(member.size_bytes), FixedText(member.weight, 4)});
  }
  table.Print(out);
  out << "size " << SizeText(answer.size_bytes) << " of " << SizeText(answer.size_limit) << "\n"
      << "selection GAP " << FixedText(answer.selection_gap, 5) << " on " << answer.selection_videos
      << " videos\n";
  if (answer.holdout) {
    out << "holdout GAP " << FixedText(answer.holdout->gap, 5) << " on " << answer.holdout->videos
        << " videos; gain over the best single model between " << FixedText(answer.holdout->low, 5)
        << " and " << FixedText(answer.holdout->high, 5) << " (95 %)\n";
  }
  PrintWeights(out, answer);
  out << "best single " << answer.best_single << ", GAP " << FixedText(answer.best_single_gap, 5)
      << " on " << (answer.holdout ? "the holdout" : "the selection") << " videos";
  // Beside each other, because `trials` and the leaderboard show the other one.
  if (answer.holdout) {
    out << "; " << FixedText(answer.best_single_gap_of_all, 5) << " on all " << answer.all_videos()
        << " videos, what `trials` and `score` show";
  }
  out << "\n";
  for (const std::string& note : answer.notes) out << "note: " << note << "\n";
}

}  // namespace beamgrid
