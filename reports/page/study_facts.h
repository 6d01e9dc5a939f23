#pragma once
// Everything that a page says of a study, read from the record once: each section is a view of it.

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "registry/store/store.h"
#include "reports/leaderboard.h"
#include "reports/study_effects.h"
#include "reports/table.h"
#include "search/recipe.h"

namespace beamgrid {

/// AttemptFact is one attempt at one of the study's trials, whichever study ran it.
struct AttemptFact {
  TrialId trial{};
  std::string model;
  std::int64_t seed = 0, number = 0;
  bool counts = true;  ///< its trial does
  std::string outcome, device;
  double begun_at = 0;             ///< seconds since 1970
  std::optional<double> ended_at;  ///< likewise; nothing: it runs
  std::string message, log_tail;   ///< of one that failed

  /// True if it ended otherwise than complete or stopped with its study.
  [[nodiscard]] bool failed() const {
    return ended_at && outcome != "complete" && outcome != "interrupted";
  }
};

/// AskedFact is a model that the search asked for, and why.
struct AskedFact {
  std::string model, why;
};

/// MemberPair is how alike two members of an ensemble are: EnsembleWhy::Pair.
struct MemberPair {
  std::string first, second;
  double correlation = 0, disagreement = 0;
};

/// EnsembleFact is the study's recorded ensemble: the latest one of trials that count.
struct EnsembleFact {
  std::int64_t id = 0;
  std::string created_at;
  boost::json::object answer;     ///< the object that `ensemble --json` prints
  std::vector<MemberPair> pairs;  ///< the most alike first
  std::string no_pairs;           ///< why they are not known, where they are not
};

/// FrontierFact is the best ensemble from its size on to that of the next one.
struct FrontierFact {
  std::int64_t size_bytes = 0;
  std::vector<std::string> members;
  double selection_gap = 0;  ///< chosen by it, so too high for a test score
  std::optional<double> holdout_gap;
};

/// FrontierFacts is what other size limits would give.
struct FrontierFacts {
  std::vector<FrontierFact> points;  ///< by size, each with a higher selection GAP than the last
  std::int64_t sets = 0;             ///< that were scored
  std::string missing;               ///< why there are none, where there are none: a sentence
};

/// TableFact is a table of the page and the command that prints its numbers.
struct TableFact {
  AblationTable table;
  std::string command;      ///< "beamgrid table demo --vary temporal --columns size,parameters"
  std::string seeds_alone;  ///< why no videos were drawn for its intervals; empty: they were
};
/// So many trials with so many bytes of predictions may a study have whose tables draw the videos
/// again: some seconds of work.
inline constexpr std::size_t kMostDrawnTrials = 1000;
inline constexpr std::int64_t kMostDrawnBytes = std::int64_t{64} << 20;
/// So many models may a study have that are each tested against the best one.
inline constexpr std::size_t kMostJudgedModels = 1000;

/// StudyFacts is what the record holds of a study, and what follows from it.
struct StudyFacts {
  StudyRecord study;
  const Metric* objective = kMetrics;
  std::vector<TrialRecord> trials;  ///< that count, in the order in which they were asked for
  std::size_t not_counted = 0;      ///< trials that do not, but for forms of others
  bool is_part = false;  ///< it is of some trials alone: nothing is known here of the whole study
  Leaderboard leaderboard;                   ///< its places are among `trials`
  std::optional<Recipe> recipe;              ///< nothing: this program cannot read it
  std::vector<StudyFactor> asked_grid;       ///< what the recipe varies, with all its candidates
  std::optional<std::int64_t> combinations;  ///< that it allows; nothing: not known
  std::vector<RecipeEntry> history;
  std::optional<DataSpec> data;          ///< of the study's trials; nothing: there is none
  std::string seen_groups;               ///< Store::SeenGroupsOf
  std::vector<std::string> class_names;  ///< by class, "" where one has none; empty: not known
  std::vector<AttemptFact> attempts;     ///< by their beginning; also of trials that do not count
  std::vector<AskedFact> asked;          ///< in the order in which they were
  std::optional<StudyEffects> effects;   ///< nothing: `no_effects` says why
  std::string no_effects;
  std::vector<TableFact> tables;
  std::optional<TableFact>
      models;  ///< each whole model against the best; nothing: none, or too many
  std::map<std::string, std::size_t> model_rows;  ///< of these, by the fingerprint of each trial
  std::vector<std::string> no_tables;             ///< why others were not made
  std::map<TrialId, std::vector<EpochResult>> curves;  ///< of the best models' trials
  std::optional<EnsembleFact> ensemble;
  std::optional<FrontierFacts> frontier;  ///< nothing: there is no pool to choose from
  std::size_t stale_ensembles = 0;        ///< recorded ones of trials that count no more
  /// Returns where a page of one of its trials is; null: there is none.
  std::function<std::string(TrialId)> address;
};

/// FindPaper returns a paper's table: "kim18/2".
using FindPaper = std::function<PaperTable(const std::string& reference)>;

/// So many of the best models have their learning curves on the page.
inline constexpr std::size_t kModelsWithCurves = 6;

/// KeepTrial says whether a trial is one of those that are spoken of.
using KeepTrial = std::function<bool(const TrialRecord& trial)>;

/// Reads all but the ensemble, as of one moment: no two sections can be of different ones of a
/// study that runs. `keep`: as if the study had no other trials; null: all. `resampling`: as
/// `table` makes intervals; nullptr: those of the tables are of the seeds alone. Throws as
/// MakeLeaderboard does.
[[nodiscard]] StudyFacts ReadStudyFacts(const Store& store, const Catalogue& catalogue,
                                        const StudyRecord& study, const FindPaper& paper,
                                        const KeepTrial& keep = {},
                                        const TableResampling* resampling = nullptr);

}  // namespace beamgrid
