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

void AddPairs(StudyFacts& facts, const Store& store) {
  EnsembleFact& ensemble = *facts.ensemble;
  const std::string asks = "; `beamgrid ensemble " + facts.study.name + " --why` says it";
  const std::vector<const TrialRecord*> members = MembersOf(facts);
  if (members.size() < 2) return;
  if (const std::int64_t bytes = PredictionBytes(members); bytes > kMostPredictionBytes) {
    ensemble.no_pairs = "their predictions are " + SizeText(bytes) + asks + ".";
    return;
  }
  EnsembleModels models;
  models.set_groups(GroupsOfStudies(store, {facts.study}));
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

std::int64_t PoolBytes(const StudyFacts& facts, std::int64_t* models) {
  std::vector<const TrialRecord*> pool;
  for (const TrialRecord& trial : facts.trials) {
    if (trial.state == TrialState::kComplete && trial.result) pool.push_back(&trial);
  }
  *models = std::ssize(pool);
  return PredictionBytes(pool);
}

/// Returns what other limits of size would give; nothing where there are no models to choose from.
std::optional<FrontierFacts> FrontierOf(const StudyFacts& facts, const Store& store) {
  constexpr std::int64_t kMostSets = 5000;  // of some models: a second
  std::int64_t models = 0;
  const std::int64_t bytes = PoolBytes(facts, &models);
  if (models < 2 || bytes == 0) return std::nullopt;
  FrontierFacts frontier;
  const std::string asks = "; `beamgrid ensemble " + facts.study.name + " --frontier` says it.";
  EnsembleQuestion question = EnsembleOfRecipe(facts.study.recipe_text, facts.study.name);
  const std::int64_t sets = models * question.beam_width * question.members;
  if (bytes > kMostPredictionBytes || sets > kMostSets) {
    frontier.missing = "the predictions of " + std::to_string(models) + " models are " +
                       SizeText(bytes) + ", and up to " + std::to_string(sets) +
                       " sets of them would be scored" + asks;
    return frontier;
  }
  question.bootstrap = 1;
  question.certify = question.why = false;
  question.frontier = true;
  // What the search goes by where it is not told; learning the weights of the best takes longer.
  if (question.weights != Weighting::kGap) question.weights = Weighting::kUniform;
  const StudyModels pool = StudyPool(store, facts.study, SeedChoice::kAll);
  const EnsembleAnswer made = FindEnsemble(question, pool.models, OnThreads(UsableThreads()));
  frontier.sets = made.frontier->sets;
  for (const FrontierPoint& point : made.frontier->points) {
    frontier.points.push_back(
        {point.size_bytes, point.members, point.selection_gap, point.holdout_gap});
  }
  if (frontier.points.empty()) frontier.missing = "no set fits" + asks;
  return frontier;
}

void AddFrontier(StudyFacts& facts, const Store& store) {
  const auto missing = [&facts](const std::string& why) {
    facts.frontier = FrontierFacts{.missing = why};
  };
  try {
    facts.frontier = FrontierOf(facts, store);
  } catch (const RecipeError&) {
    missing("this program cannot read the study's recipe.");
  } catch (const std::exception& error) {
    missing(std::string(error.what()) + ".");
  }
}

}  // namespace

void AddEnsembleFact(StudyFacts& facts, const Store& store) {
  AddFrontier(facts, store);
  const std::vector<KeptEnsemble> kept = KeptEnsembles(store, facts.study);
  facts.stale_ensembles = static_cast<std::size_t>(
      std::ranges::count_if(kept, [](const KeptEnsemble& ensemble) { return !ensemble.counts(); }));
  const KeptEnsemble* latest = LatestThatCounts(kept);
  if (latest == nullptr) return;
  facts.ensemble = {.id = latest->id, .created_at = latest->created_at, .answer = latest->answer};
  try {
    AddPairs(facts, store);
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
