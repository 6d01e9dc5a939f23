// Queries that people ask again and again. Each may be narrowed to one study (:study).

#include "registry/store/named_queries.h"

namespace beamgrid {

const std::vector<NamedQuery>& NamedQueries() {
  static const std::vector<NamedQuery> queries = {
      {"leaderboard", "models by the mean of their objective over seeds, best first",
       "SELECT study, place, name, seeds, objective, lowest, highest, size_bytes, parameters"
       " FROM leaderboard WHERE :study IS NULL OR study = :study ORDER BY study, place, name"},
      {"ablation", "each criterion's variants, by the mean objective of all trials that have them",
       "SELECT study, criterion, component, options, trials, objective, highest FROM ablation"
       " WHERE :study IS NULL OR study = :study ORDER BY study, criterion, objective DESC"},
      {"failures", "trials whose last attempt failed, with the reason",
       "SELECT study, name, seed, state, failed_attempts, failure_kind, failure_message, directory"
       " FROM trials WHERE failure_kind IS NOT NULL AND (:study IS NULL OR study = :study)"
       " ORDER BY study, position"},
      {"slowest", "complete trials by the time of their last attempt, slowest first",
       "SELECT study, name, seed, wall_seconds, examples_per_second, device FROM trials"
       " WHERE state = 'complete' AND (:study IS NULL OR study = :study)"
       " ORDER BY wall_seconds DESC, study, position LIMIT 20"},
      {"size-vs-gap", "models with more GAP than every smaller one: what each further byte buys",
       "SELECT study, name, size_bytes, gap FROM (SELECT study, name, size_bytes, gap,"
       " max(gap) OVER (PARTITION BY study ORDER BY size_bytes, gap DESC, name"
       "  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS smaller_gap FROM leaderboard)"
       " WHERE (smaller_gap IS NULL OR gap > smaller_gap) AND (:study IS NULL OR study = :study)"
       " ORDER BY study, size_bytes"},
      {"seeds", "how much the objective moves with the seed, widest spread first",
       "SELECT study, name, seeds, objective, lowest, highest, highest - lowest AS spread"
       " FROM leaderboard WHERE seeds > 1 AND (:study IS NULL OR study = :study)"
       " ORDER BY spread DESC, study, name"},
      {"progress", "trials of each state",
       "SELECT study, state, count(*) AS trials FROM trials"
       " WHERE :study IS NULL OR study = :study GROUP BY study, state ORDER BY study, state"},
      {"running", "trials that are being trained: how far they are, and how long they take at most",
       "SELECT study, name, seed, device, epoch, epochs, train_loss, objective, best_objective,"
       " round(seconds_per_epoch, 3) AS seconds_per_epoch, round(seconds_left) AS seconds_left"
       " FROM running WHERE :study IS NULL OR study = :study ORDER BY study, position"},
      {"curves", "every epoch that has ended, of running trials too",
       "SELECT study, name, seed, state, epoch, train_loss, validate_loss, objective FROM curves"
       " WHERE :study IS NULL OR study = :study ORDER BY study, position, epoch"},
      {"shared", "trials that more than one study refers to",
       "SELECT trial, group_concat(study, ', ') AS studies, name, seed, state FROM trials"
       " GROUP BY trial HAVING count(*) > 1 AND (:study IS NULL OR sum(study = :study) > 0)"
       " ORDER BY trial"},
      {"memory", "complete trials by peak memory, largest first",
       "SELECT study, name, seed, peak_memory_bytes, size_bytes, device FROM trials"
       " WHERE state = 'complete' AND (:study IS NULL OR study = :study)"
       " ORDER BY peak_memory_bytes DESC, study, position LIMIT 20"}};
  return queries;
}

}  // namespace beamgrid
