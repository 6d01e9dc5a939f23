#pragma once
// From a study's finished trials to an ensemble: the pool is read from the record and the attempts'
// predictions files, so it can be made again any day. Used by `ensemble` and at the end of `run`.

#include <boost/json.hpp>
#include <filesystem>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "registry/store/store.h"
#include "search/ensemble/ensemble.h"
#include "search/ensemble/gpu/device.h"
#include "search/ensemble/models.h"

namespace beamgrid {

/// SeedChoice says which trials of one model enter the pool.
enum class SeedChoice {
  kAll,   ///< each seed is a model of its own, named NAME/s1
  kBest,  ///< only the seed with the best objective, likewise named
};

/// LeftOut is a complete trial that cannot be a member.
struct LeftOut {
  std::string name;       ///< as a member's
  std::string why;        ///< the file, what is wrong with it and the way out
  bool given_up = false;  ///< `prune --predictions` deleted the file; nothing is wrong
  std::string study;      ///< that it is a trial of
};

/// Fingerprints is those of trials by their names as members.
using Fingerprints = std::map<std::string, std::string>;

/// Forms is the precisions in which other forms of trials (precision_forms.h) are models too.
using Forms = std::set<std::string>;

/// StudyModels is what an ensemble of a study is chosen from.
struct StudyModels {
  EnsembleModels models;
  std::vector<LeftOut> left_out;
  Fingerprints fingerprints;  ///< of the models of a single study
};

/// Returns by what the studies' validation videos belong together; null where no study says it.
/// Where one does, a video that none groups is refused by those who ask for its group. Throws
/// InputError where two studies group a video differently.
[[nodiscard]] std::shared_ptr<const VideoGroups> GroupsOfStudies(
    const Store& store, const std::vector<StudyRecord>& studies);

/// Returns the study's complete trials with their predictions. One whose file is missing or is not
/// the one that was recorded is left out; of several seeds the best one with a sound file is taken.
/// Throws UsageError if no trial is complete; Error if no file is sound, and where a model and seed
/// is there twice (RequireOneTrialPerSeed). The files are read one after the other.
/// `models`: the pool to begin with, which is empty.
[[nodiscard]] StudyModels StudyPool(const Store& store, const StudyRecord& study, SeedChoice seeds,
                                    EnsembleModels models = EnsembleModels(),
                                    const Forms& forms = {});

/// Returns the object that `ensemble --json` prints: ToJson(answer), with `left_out` where trials
/// were.
[[nodiscard]] boost::json::object AnswerJson(const EnsembleAnswer& answer,
                                             const std::vector<LeftOut>& left_out);

/// Says which trials were left out and why, in a few lines however many there are; nothing where
/// none was.
void WarnOfLeftOut(std::ostream& err, const std::vector<LeftOut>& left_out);

/// Returns the same of several studies, the names of the members with those of their studies before
/// them; a trial that several studies refer to is there once.
[[nodiscard]] StudyModels StudiesPool(const Store& store, const std::vector<StudyRecord>& studies,
                                      SeedChoice seeds, EnsembleModels models,
                                      const Forms& forms = {});

/// Adds the answer, with the fingerprint of each member, to the record unless it equals the latest
/// one, so that running a finished study again changes nothing. Expects that all members are among
/// `fingerprints`.
void StoreEnsemble(Store& store, StudyId study, boost::json::object answer,
                   const Fingerprints& fingerprints);

/// Returns the ensemble's own predictions for all videos of the pool, as the competition's CSV: of
/// 2018, or of 2019 where they are segments (`classes`, sorted: only these; empty: all). Throws
/// InputError naming `out` for an id that cannot be in a CSV file.
[[nodiscard]] std::string EnsemblePredictionsCsv(const std::string& out,
                                                 const EnsembleQuestion& question,
                                                 const EnsembleModels& models,
                                                 const EnsembleAnswer& answer,
                                                 const std::vector<std::int32_t>& classes);

/// Returns a way for the search to use so many threads.
[[nodiscard]] ForEach OnThreads(int threads);

/// Returns an offer of the machine's first GPU for large searches; where it fails, `err` is told.
[[nodiscard]] gpu::DeviceOffer OnGpu(std::ostream& err);

}  // namespace beamgrid
