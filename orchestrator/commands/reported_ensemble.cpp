#include "orchestrator/commands/reported_ensemble.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/study_ensemble.h"
#include "registry/scoring/predictions.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"
#include "search/ensemble/ensemble.h"
#include "search/ensemble/models.h"

namespace beamgrid {
namespace {

/// What is read for a page: more takes seconds.
constexpr std::int64_t kMostPredictionBytes = 64LL << 20;

std::vector<const TrialRecord*> MembersOf(const StudyFacts& facts) {
  std::map<std::string, const TrialRecord*> by_fingerprint, by_name;
  for (const TrialRecord& trial : facts.trials) {
    by_fingerprint[trial.fingerprint] = &trial;
    by_name[MemberName(trial)] = &trial;
  }
  std::vector<const TrialRecord*> members;
  for (const boost::json::value& member : facts.ensemble->answer.at("members").as_array()) {
    const auto* fingerprint = member.as_object().if_contains("fingerprint");
    const auto& known = fingerprint != nullptr ? by_fingerprint : by_name;
    const auto found = known.find(
        std::string((fingerprint != nullptr ? *fingerprint : member.at("name")).as_string()));
    if (found == known.end() || !found->second->result) return {};
    members.push_back(found->second);
  }
  return members;
}

std::int64_t PredictionBytes(const std::vector<const TrialRecord*>& members) {
  std::int64_t bytes = 0;
  for (const TrialRecord* trial : members) {
    for (const Artifact& artifact : trial->result->artifacts) {
      if (artifact.name == "predictions") bytes += artifact.bytes;
    }
  }
  return bytes;
}

/// Returns the recorded ensemble as a question that finds nothing else but looks at its members.
EnsembleQuestion QuestionOf(const StudyFacts& facts, const std::vector<std::string>& names) {
  EnsembleQuestion question = EnsembleOfRecipe(facts.study.recipe_text, facts.study.name);
  const boost::json::object& answer = facts.ensemble->answer;
  question.combine =
      ValueOf(kScoreDomains, "combine", std::string(answer.at("combine").as_string()));
  question.size_limit = answer.at("size_limit").to_number<std::int64_t>();
  question.members = std::ssize(names);
  question.given = names;
  for (const boost::json::value& member : answer.at("members").as_array()) {
    question.given_weights.push_back(member.at("weight").to_number<double>());
  }
  question.bootstrap = 1;  // its interval is in the record
  question.certify = question.frontier = false;
  question.why = true;
  return question;
}

/// True if these videos and weights are those that were recorded: the holdout may have been another
/// one.
bool IsTheRecorded(const EnsembleAnswer& made, const boost::json::object& answer) {
  constexpr double kSame = 1e-9;
  const boost::json::object& selection = answer.at("selection").as_object();
  return made.selection_videos == selection.at("videos").to_number<std::int64_t>() &&
         std::abs(made.selection_gap - selection.at("gap").to_number<double>()) < kSame;
}

void AddPairs(StudyFacts& facts) {
  EnsembleFact& ensemble = *facts.ensemble;
  const std::string asks = "; `beamgrid ensemble " + facts.study.name + " --why` says it";
  const std::vector<const TrialRecord*> members = MembersOf(facts);
  if (members.size() < 2) return;
  if (const std::int64_t bytes = PredictionBytes(members); bytes > kMostPredictionBytes) {
    ensemble.no_pairs = "their predictions are " + SizeText(bytes) + asks + ".";
    return;
  }
  EnsembleModels models;
  std::vector<std::string> names;
  for (const TrialRecord* trial : members) {
    names.push_back(MemberName(*trial));
    models.Add(names.back(), trial->size_bytes,
               ReadPredictions(CheckedArtifact(*trial, "predictions", facts.study.name)));
  }
  const EnsembleAnswer made =
      FindEnsemble(QuestionOf(facts, names), models, OnThreads(UsableThreads()));
  if (!IsTheRecorded(made, ensemble.answer)) {
    ensemble.no_pairs = "it was made with other settings than the recipe's" + asks + ".";
    return;
  }
  for (const EnsembleWhy::Pair& pair : made.why->pairs) {
    ensemble.pairs.push_back({pair.first, pair.second, pair.correlation, pair.disagreement});
  }
}

}  // namespace

void AddEnsembleFact(StudyFacts& facts, const Store& store) {
  const std::vector<KeptEnsemble> kept = KeptEnsembles(store, facts.study);
  facts.stale_ensembles = static_cast<std::size_t>(
      std::ranges::count_if(kept, [](const KeptEnsemble& ensemble) { return !ensemble.counts(); }));
  const KeptEnsemble* latest = LatestThatCounts(kept);
  if (latest == nullptr) return;
  facts.ensemble = {.id = latest->id, .created_at = latest->created_at, .answer = latest->answer};
  try {
    AddPairs(facts);
  } catch (const Error& error) {
    // A file that is gone costs this one table.
    facts.ensemble->no_pairs = error.what();
  } catch (const RecipeError&) {
    facts.ensemble->no_pairs = "this program cannot read the study's recipe.";
  } catch (const std::exception& error) {
    facts.ensemble->no_pairs = std::string(error.what()) + ".";
  }
}

}  // namespace beamgrid
