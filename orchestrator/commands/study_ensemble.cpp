#include "orchestrator/commands/study_ensemble.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <tuple>

#include "orchestrator/audit/kept_ensembles.h"
#include "orchestrator/audit/precision_forms.h"
#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/class_names.h"
#include "registry/scoring/metrics.h"
#include "registry/scoring/segments.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"
#include "reports/one_per_seed.h"

namespace beamgrid {
namespace {

/// Returns the trials that the study counts, and their forms in these precisions.
std::vector<TrialRecord> TrialsAndForms(const Store& store, const StudyRecord& study,
                                        const Forms& forms) {
  std::vector<TrialRecord> trials = store.Trials(study.id);
  if (forms.empty()) return trials;
  for (TrialRecord& form : FormsThatCount(store, study)) {
    if (forms.contains(PrecisionOf(form))) trials.push_back(std::move(form));
  }
  return trials;
}

/// Returns the complete trials by name; of one name by seed, or the best first where one is wanted.
std::vector<TrialRecord> CandidatesOf(const Store& store, const StudyRecord& study,
                                      SeedChoice seeds, const Forms& forms) {
  const Metric* objective = MetricNamed("study '" + study.name + "': objective", study.objective);
  std::vector<TrialRecord> trials = TrialsAndForms(store, study, forms);
  std::erase_if(trials, [](const TrialRecord& trial) {
    return trial.state != TrialState::kComplete || !trial.result;
  });
  RequireOneTrialPerSeed(trials);
  const auto rank = [&](const TrialRecord& trial) {
    return seeds == SeedChoice::kBest ? -ObjectiveOf(trial.result->metrics, objective) : 0.0;
  };
  std::ranges::sort(trials, [&](const TrialRecord& a, const TrialRecord& b) {
    return std::tuple(std::string_view(a.name), rank(a), a.seed) <
           std::tuple(std::string_view(b.name), rank(b), b.seed);
  });
  return trials;
}

bool PredictionsGivenUp(const TrialRecord& trial) {
  return std::ranges::any_of(trial.result->artifacts, [&](const Artifact& artifact) {
    return artifact.name == "predictions" && IsGivenUp(trial, artifact);
  });
}

/// Adds the study's trials to the pool, but for those of `twice`; `prefix` goes before their names.
void AddStudy(const Store& store, const StudyRecord& study, SeedChoice seeds, const Forms& forms,
              const std::set<TrialId>& twice, const std::string& prefix, StudyModels& pool) {
  const std::vector<TrialRecord> trials = CandidatesOf(store, study, seeds, forms);
  if (trials.empty()) {
    throw UsageError("study '" + study.name + "' has no complete trial to make an ensemble of");
  }
  std::set<std::string> names;  // of trials with a sound file
  std::string why;
  for (const TrialRecord& trial : trials) {
    if (seeds == SeedChoice::kBest && names.contains(trial.name)) continue;
    const std::string member = prefix + MemberName(trial);
    const bool is_new = !twice.contains(trial.id);
    Predictions predictions;
    try {
      const auto file = CheckedArtifact(trial, "predictions", study.name);
      if (is_new) predictions = ReadPredictions(file);
    } catch (const Error& error) {
      // One file less must not cost what all others are good for.
      if (why.empty()) why = error.what();
      if (is_new) {
        pool.left_out.push_back({member, error.what(), PredictionsGivenUp(trial), study.name});
      }
      continue;
    }
    names.insert(trial.name);
    if (!is_new) continue;
    pool.models.Add(member, trial.size_bytes, predictions);
    pool.fingerprints[member] = trial.fingerprint;
  }
  if (names.empty()) {
    throw Error("no complete trial of study '" + study.name +
                "' has its predictions to make an ensemble of: " + why);
  }
}

/// Throws where a number means another class in one study than in another: lists of both cannot be
/// combined.
void RequireOneVocabulary(const Store& store, const std::vector<StudyRecord>& studies) {
  std::vector<NamedClasses> known;
  for (const StudyRecord& study : studies) {
    const std::vector<TrialRecord> trials = store.Trials(study.id);
    if (trials.empty()) continue;
    // One for all: those that count are of one content.
    const DataSpec data = store.Spec(trials.front().id).data;
    NamedClasses names{.where = "study '" + study.name + "'",
                       .names = NamesOf(store, study.id, data).names};
    for (const NamedClasses& other : known) {
      const std::string contradiction = Contradiction(other, names);
      if (!contradiction.empty()) {
        throw UsageError(contradiction + ": the predictions of both cannot be combined");
      }
    }
    known.push_back(std::move(names));
  }
}

/// Returns "MC/s1 is" or "3 trials (MC/s1, MC/s2 and 1 more) are".
std::string LeftOutText(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 3;
  if (names.size() == 1) return names.front() + " is";
  return CountText(names.size(), "trial") + " (" + JoinFirst(names, kNamed) + ") are";
}

}  // namespace

std::shared_ptr<const VideoGroups> GroupsOfStudies(const Store& store,
                                                   const std::vector<StudyRecord>& studies) {
  std::optional<VideoGroups> all;
  for (const StudyRecord& study : studies) {
    const auto groups = store.VideoGroupsOf(study.id);
    if (!groups) continue;
    if (all) {
      all->Add(*groups);
    } else {
      all = *groups;
    }
  }
  return all ? std::make_shared<const VideoGroups>(*std::move(all)) : nullptr;
}

StudyModels StudyPool(const Store& store, const StudyRecord& study, SeedChoice seeds,
                      EnsembleModels models, const Forms& forms) {
  StudyModels pool{.models = std::move(models)};
  pool.models.set_groups(GroupsOfStudies(store, {study}));
  AddStudy(store, study, seeds, forms, {}, "", pool);
  return pool;
}

StudyModels StudiesPool(const Store& store, const std::vector<StudyRecord>& studies,
                        SeedChoice seeds, EnsembleModels models, const Forms& forms) {
  if (studies.size() == 1) {
    return StudyPool(store, studies.front(), seeds, std::move(models), forms);
  }
  RequireOneVocabulary(store, studies);
  StudyModels all{.models = std::move(models)};
  all.models.set_groups(GroupsOfStudies(store, studies));
  std::set<TrialId> known;
  for (const StudyRecord& study : studies) {
    std::set<TrialId> twice;  // that an earlier study has already
    for (const TrialRecord& trial : TrialsAndForms(store, study, forms)) {
      if (!known.insert(trial.id).second) twice.insert(trial.id);
    }
    AddStudy(store, study, seeds, forms, twice, study.name + "/", all);
  }
  all.fingerprints.clear();
  return all;
}

void WarnOfLeftOut(std::ostream& err, const std::vector<LeftOut>& left_out) {
  constexpr std::size_t kExplained = 3;
  std::vector<std::string> given_up, unexplained;
  std::string given_up_study,
      damaged_study;  // of several any one: the others' names are before the trials'
  std::size_t explained = 0;
  for (const LeftOut& trial : left_out) {
    if (trial.given_up) {
      given_up.push_back(trial.name);
      given_up_study = trial.study;
    } else if (explained++ < kExplained) {
      err << "warning: " << trial.name << " is left out of the ensemble: " << trial.why << "\n";
    } else {
      unexplained.push_back(trial.name);
      damaged_study = trial.study;
    }
  }
  if (!unexplained.empty()) {
    err << "warning: " << LeftOutText(unexplained)
        << " left out as well, for files that are not those recorded; `beamgrid verify "
        << damaged_study << " --files` lists all\n";
  }
  if (given_up.empty()) return;
  err << "warning: " << LeftOutText(given_up)
      << " left out of the ensemble: `prune` gave the predictions "
      << (given_up.size() == 1 ? "file" : "files") << " up; "
      << WayBack(given_up_study, given_up.size()) << "\n";
}

boost::json::object AnswerJson(const EnsembleAnswer& answer, const std::vector<LeftOut>& left_out) {
  boost::json::object json = ToJson(answer);
  if (!left_out.empty()) {
    json["left_out"] = JsonList(left_out, [](const LeftOut& trial) {
      return boost::json::object{{"name", trial.name}, {"why", trial.why}};
    });
  }
  return json;
}

void StoreEnsemble(Store& store, StudyId study, boost::json::object answer,
                   const Fingerprints& fingerprints) {
  for (boost::json::value& member : answer.at("members").as_array()) {
    const std::string name(member.at("name").as_string());
    // A name may mean another trial tomorrow, when the study's content has changed.
    member.as_object()["fingerprint"] = fingerprints.at(name);
  }
  const std::string json = CanonicalJson(answer);
  const std::vector<EnsembleRecord> known = store.Ensembles(study);
  if (!known.empty() && known.back().json == json) return;
  store.AddEnsemble(study, {.created_at = UtcText(std::chrono::system_clock::now()), .json = json});
}

std::string EnsemblePredictionsCsv(const std::string& out, const EnsembleQuestion& question,
                                   const EnsembleModels& models, const EnsembleAnswer& answer,
                                   const std::vector<std::int32_t>& classes) {
  std::vector<Predictions> predictions;
  std::vector<double> weights;
  std::vector<Missing> missing;
  // Never shorter than the members' own lists.
  int top_k = kGapTop;
  for (const EnsembleAnswer::Member& member : answer.members) {
    predictions.push_back(models.PredictionsOf(member.name));
    weights.push_back(member.weight);
    missing.push_back(models.MissingOf(member.name).value_or(question.missing));
    top_k = std::max(top_k, predictions.back().top_k);
  }
  std::vector<const Predictions*> members;
  for (const Predictions& of_member : predictions) members.push_back(&of_member);
  const Predictions combined = Combine(members, weights, question.combine, missing, top_k);
  if (AreSegments(combined)) return SegmentsCsvText(combined, classes);
  std::string text(kPredictionsCsvHeader);
  text += '\n';
  for (const VideoPrediction& video : combined.videos) AppendCsvRow(text, video, kGapTop, out);
  return text;
}

ForEach OnThreads(int threads) {
  return [threads](std::size_t count, const std::function<void(std::size_t)>& body) {
    ForEachOnThreads(threads, count, body);
  };
}

gpu::DeviceOffer OnGpu(std::ostream& err) {
  return {.open = gpu::FirstCudaDevice,
          .warn = [&err](const std::string& why) { err << "warning: " << why << "\n"; }};
}

}  // namespace beamgrid
