#pragma once
// From a study's finished trials to an ensemble: the pool is read from the record and the attempts'
// predictions files, so it can be made again any day. Used by `ensemble` and at the end of `run`.

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "registry/store/store.h"
#include "search/ensemble/ensemble.h"

namespace beamgrid {

/// SeedChoice says which trials of one model enter the pool.
enum class SeedChoice {
  kAll,   ///< each seed is a model of its own, named NAME/s1
  kBest,  ///< only the seed with the best objective, likewise named
};

/// Returns the study's complete trials with their predictions, by name and seed. Throws Error if a
/// predictions file is missing or is not the one that was recorded; UsageError if no trial is
/// complete.
[[nodiscard]] std::vector<EnsembleModel> StudyPool(const Store& store, const StudyRecord& study,
                                                   SeedChoice seeds);

/// Returns the same of several studies, the names of the members with those of their studies before
/// them; a trial that several studies refer to is there once.
[[nodiscard]] std::vector<EnsembleModel> StudiesPool(const Store& store,
                                                     const std::vector<StudyRecord>& studies,
                                                     SeedChoice seeds);

/// Adds the answer to the record unless it equals the latest one, so that running a finished study
/// again changes nothing.
void StoreEnsemble(Store& store, StudyId study, const EnsembleAnswer& answer);

/// Writes the ensemble's own predictions for all videos of the question's models, as the
/// competition's CSV: of 2018, or of 2019 where they are segments (`classes`, sorted: only these;
/// empty: all).
void WriteEnsemblePredictions(const std::filesystem::path& path, const EnsembleQuestion& question,
                              const EnsembleAnswer& answer,
                              const std::vector<std::int32_t>& classes);

/// Prints the answer for people.
void PrintEnsemble(std::ostream& out, const EnsembleAnswer& answer);

}  // namespace beamgrid
