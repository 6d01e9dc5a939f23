#include "orchestrator/dashboard/live_facts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

using FactRow = std::vector<boost::json::value>;
using Parameters = std::map<std::string, std::string>;

std::string TextIn(const boost::json::value& cell) {
  return cell.is_string() ? std::string(cell.get_string()) : "";
}
std::int64_t IntegerIn(const boost::json::value& cell) {
  return cell.is_int64() ? cell.get_int64() : 0;
}
std::optional<double> NumberIn(const boost::json::value& cell) {
  if (!cell.is_number()) return std::nullopt;
  return cell.to_number<double>();
}
double NumberOrNan(const boost::json::value& cell) {
  return NumberIn(cell).value_or(std::numeric_limits<double>::quiet_NaN());
}

/// StudyReader asks the record of the trials of one study that a filter lets through.
class StudyReader {
 public:
  StudyReader(const Store& store, const StudyRecord& study, const TrialFilter& filter,
              std::chrono::system_clock::time_point now)
      : store_(store),
        objective_(
            "result." +
            std::string(
                MetricNamed("study '" + study.name + "': objective", study.objective)->name)),
        now_(std::chrono::duration<double>(now.time_since_epoch()).count()),
        asks_models_(!filter.parts.empty()) {
    where_ = " study_trial.study = CAST(:of AS INTEGER) AND study_trial.not_counted IS NULL";
    parameters_["of"] = std::to_string(static_cast<std::int64_t>(study.id));
    if (!filter.name.empty()) {
      where_ += " AND instr(lower(study_trial.name), lower(:name)) > 0";
      parameters_["name"] = filter.name;
    }
    for (const auto& [criterion, text] : filter.parts) {
      const std::optional<PartOfFilter> part = ParsePartOfFilter(text);
      if (!part) throw UsageError(criterion + " = '" + text + "' is no component");
      // The criterion is one of ours, and so may stand in the text.
      where_ +=
          criterion == "extras"
              ? " AND json_type(trial.spec, '$.model.extras.\"' || :extras || '\"') NOT NULL"
              : " AND json_extract(trial.spec, '$.model." + criterion + ".use') = :" + criterion;
      parameters_[criterion] = part->component;
      AddOptions(criterion, *part);
    }
  }

  std::map<TrialState, std::int64_t> Counts() const {
    std::map<TrialState, std::int64_t> counts;
    const FactRow complete =
        Ask("SELECT count(*) FROM" + Thin() +
            " JOIN result ON result.trial = study_trial.trial WHERE" + where_)[0];
    if (IntegerIn(complete[0]) > 0) counts[TrialState::kComplete] = IntegerIn(complete[0]);
    for (const FactRow& row : Ask(std::string("SELECT ") + kToldState + ", count(*) FROM" +
                                  Unfinished() + " GROUP BY 1")) {
      counts[TrialStateFromString(TextIn(row[0]))] += IntegerIn(row[1]);
    }
    return counts;
  }

  std::vector<RunningFact> Running() const {
    std::vector<RunningFact> running;
    // Begins with the few attempts that run, which have an index.
    for (const FactRow& row :
         Ask("SELECT study_trial.name, study_trial.seed, attempt.device, attempt.started_at,"
             " json_extract(trial.spec, '$.model.train.epochs'), trial.id FROM attempt"
             " CROSS JOIN study_trial ON study_trial.trial = attempt.trial"
             " CROSS JOIN trial ON trial.id = attempt.trial WHERE attempt.outcome = 'running'"
             " AND attempt.begun AND" +
             where_ + " ORDER BY attempt.started_at, trial.id LIMIT " +
             std::to_string(kRunningTold))) {
      RunningFact fact{.trial = IntegerIn(row[5]),
                       .name = TextIn(row[0]),
                       .seed = IntegerIn(row[1]),
                       .device = TextIn(row[2]),
                       .begun_at = TextIn(row[3]),
                       .epochs = IntegerIn(row[4])};
      AddEpochs(fact, IntegerIn(row[5]));
      running.push_back(std::move(fact));
    }
    return running;
  }

  std::vector<WaitingFact> Waiting() const {
    std::vector<WaitingFact> waiting;
    for (const FactRow& row :
         Ask("SELECT study_trial.name, study_trial.seed,"
             " (SELECT count(*) FROM attempt WHERE attempt.trial = trial.id), trial.id FROM" +
             Unfinished() + " AND " + kToldState +
             " = 'waiting' ORDER BY study_trial.position LIMIT " + std::to_string(kWaitingTold))) {
      waiting.push_back({IntegerIn(row[3]), TextIn(row[0]), IntegerIn(row[1]), IntegerIn(row[2])});
    }
    return waiting;
  }

  std::vector<EndedFact> Ended() const {
    std::vector<EndedFact> ended;
    // Which ones first: their logs lie in the way.
    for (const FactRow& row :
         Ask("WITH latest AS (SELECT study_trial.name, study_trial.seed, attempt.trial,"
             " attempt.number FROM" +
             Thin() + " JOIN attempt ON attempt.trial = study_trial.trial WHERE" + where_ +
             " AND attempt.finished_at NOT NULL"
             " ORDER BY attempt.finished_at DESC, attempt.trial DESC LIMIT " +
             std::to_string(kEndedTold) +
             ") SELECT latest.name, latest.seed, attempt.outcome, attempt.device,"
             " attempt.finished_at, attempt.message,"
             " CASE attempt.outcome WHEN 'complete' THEN " +
             objective_ +
             " END, latest.trial FROM latest JOIN attempt ON attempt.trial = latest.trial"
             " AND attempt.number = latest.number LEFT JOIN result ON result.trial = latest.trial"
             " ORDER BY attempt.finished_at DESC, latest.trial DESC")) {
      ended.push_back({IntegerIn(row[7]), TextIn(row[0]), IntegerIn(row[1]), TextIn(row[2]),
                       TextIn(row[3]), TextIn(row[4]), TextIn(row[5]), NumberIn(row[6])});
    }
    return ended;
  }

  /// Reads one page of the leaderboard, and who leads it.
  void Rank(const Target& target, LiveStudy& live) const {
    RankBy(OrderOf(target), target.page, live);
    const bool led = target.sort.empty() && target.page == 1;
    LiveStudy by_objective;
    if (!led) RankBy(OrderOf({}), 1, by_objective);
    const std::vector<RankedFact>& best = led ? live.ranked : by_objective.ranked;
    if (!best.empty()) live.leader = best.front();
    // A page behind the last one has no row that says how many there are.
    if (!led) live.models = by_objective.models;
  }

  std::optional<BestCurve> Best() const {
    const auto rows = Ask("SELECT study_trial.name, study_trial.seed, result.trial FROM" + Thin() +
                          " JOIN result ON result.trial = study_trial.trial WHERE" + where_ +
                          " AND " + objective_ + " NOT NULL ORDER BY " + objective_ +
                          " DESC, study_trial.name, study_trial.seed LIMIT 1");
    if (rows.empty()) return std::nullopt;
    BestCurve best{.trial = IntegerIn(rows[0][2]),
                   .name = TextIn(rows[0][0]),
                   .seed = IntegerIn(rows[0][1]),
                   .curve = {}};
    for (const FactRow& row : Epochs(IntegerIn(rows[0][2]), "")) best.curve.push_back(EpochIn(row));
    return best;
  }

  std::vector<TrialId> Ids() const {
    std::vector<TrialId> ids;
    for (const FactRow& row : Ask("SELECT trial.id FROM" + Trials() + " WHERE" + where_)) {
      ids.push_back(TrialId(IntegerIn(row[0])));
    }
    return ids;
  }

 private:
  /// Asks for the options of a part. Numbers compare by value.
  void AddOptions(const std::string& criterion, const PartOfFilter& part) {
    const std::string where = criterion == "extras" ? "extras.\"' || :extras || '\"" : criterion;
    for (const auto& [option, value] : part.options) {
      const std::string key = criterion + std::to_string(parameters_.size());
      where_ += " AND json_extract(trial.spec, '$.model." + where + ".\"' || :" + key +
                " || '\"') = json_extract(:" + key + "v, '$')";
      parameters_[key] = option;
      boost::system::error_code failed;
      const boost::json::value json = boost::json::parse(value, failed);
      const bool is_word = failed || !(json.is_number() || json.is_bool());
      parameters_[key + "v"] = CanonicalJson(is_word ? boost::json::value(value) : json);
    }
  }

  /// Returns the order of the leaderboard as SQL: one of kSortColumns, each of which is a column.
  static std::string OrderOf(const Target& target) {
    if (target.sort.empty()) return "objective DESC";
    return target.sort + (target.descending ? " DESC" : "");
  }

  void RankBy(const std::string& order, std::int64_t page, LiveStudy& live) const {
    // A model's size is looked up for those that are shown, unless it is what they are ordered by.
    const bool by_size = order.starts_with("size") || order.starts_with("parameters");
    const auto largest = [&](const std::string& column) {
      if (by_size) return "max(trial." + column + ")";
      return "(SELECT max(trial." + column +
             ") FROM study_trial INDEXED BY study_trial_counted"
             " JOIN trial ON trial.id = study_trial.trial WHERE study_trial.study ="
             " CAST(:of AS INTEGER) AND not_counted IS NULL AND study_trial.name = ranked.name)";
    };
    const std::string sizes =
        largest("size_bytes") + " AS size, " + largest("parameters") + " AS parameters";
    const std::string ranked =
        "SELECT rank() OVER (ORDER BY avg(" + objective_ +
        ") DESC) AS place, study_trial.name AS name, avg(" + objective_ + ") AS objective, min(" +
        objective_ + ") AS lowest, max(" + objective_ +
        ") AS highest, count(result.trial) AS seeds, count(*) AS trials,"
        " count(*) OVER () AS models, min(result.trial) AS one" +
        (by_size ? ", " + sizes : "") + " FROM" + (by_size ? Trials() : Thin()) +
        " LEFT JOIN result ON result.trial = study_trial.trial WHERE" + where_ +
        " GROUP BY study_trial.name HAVING count(result.trial) > 0 ORDER BY " + order +
        ", name LIMIT " + std::to_string(kRankedTold) + " OFFSET " +
        std::to_string((page - 1) * static_cast<std::int64_t>(kRankedTold));
    for (const FactRow& row :
         Ask("WITH ranked AS (" + ranked +
             ") SELECT place, name, objective, lowest, highest, seeds, trials, models, " +
             (by_size ? "size, parameters" : sizes) + ", one FROM ranked ORDER BY " + order +
             ", name")) {
      live.ranked.push_back({.place = IntegerIn(row[0]),
                             .trial = IntegerIn(row[10]),
                             .name = TextIn(row[1]),
                             .objective = NumberIn(row[2]),
                             .lowest = NumberIn(row[3]),
                             .highest = NumberIn(row[4]),
                             .seeds = IntegerIn(row[5]),
                             .trials = IntegerIn(row[6]),
                             .size_bytes = IntegerIn(row[8]),
                             .parameters = IntegerIn(row[9])});
      live.models = IntegerIn(row[7]);
    }
  }

  /// The trials of any study; a condition follows.
  static std::string Trials() { return " study_trial JOIN trial ON trial.id = study_trial.trial"; }
  /// The same for who asks nothing of `trial`: its rows hold whole models, and a hundred thousand
  /// of them take five times as long to go through as those of the other tables.
  [[nodiscard]] std::string Thin() const { return asks_models_ ? Trials() : " study_trial"; }
  /// The trials that are not complete, so that have no result; a condition may follow by AND.
  [[nodiscard]] std::string Unfinished() const {
    // In this order: the model of one that is complete is not looked at.
    return " study_trial LEFT JOIN result ON result.trial = study_trial.trial"
           " CROSS JOIN trial ON trial.id = study_trial.trial WHERE" +
           where_ + " AND result.trial IS NULL";
  }

  std::vector<FactRow> Ask(const std::string& sql) const { return Ask(sql, parameters_); }
  std::vector<FactRow> Ask(const std::string& sql, const Parameters& parameters) const {
    return store_.Query(sql, parameters).rows;
  }

  static EpochFact EpochIn(const FactRow& row) {
    return {IntegerIn(row[0]), NumberOrNan(row[1]), NumberOrNan(row[2])};
  }

  /// Returns the epochs of a trial with the second in which each ended, and whether that was in an
  /// attempt that began at `begun_at`.
  std::vector<FactRow> Epochs(std::int64_t trial, const std::string& begun_at) const {
    return Ask("SELECT epoch, train_loss, " + objective_.substr(objective_.find('.') + 1) +
                   ", (julianday(ended_at) - 2440587.5) * 86400, ended_at >= :begun,"
                   " (julianday(:begun) - 2440587.5) * 86400"
                   " FROM epoch WHERE trial = CAST(:trial AS INTEGER) ORDER BY epoch",
               {{"trial", std::to_string(trial)}, {"begun", begun_at}});
  }

  void AddEpochs(RunningFact& fact, std::int64_t trial) const {
    std::vector<double> ends;  // of this attempt's epochs
    double begun = 0;
    for (const FactRow& row : Epochs(trial, fact.begun_at)) {
      fact.curve.push_back(EpochIn(row));
      const double objective = fact.curve.back().objective;
      if (std::isfinite(objective)) fact.best = std::max(objective, fact.best.value_or(objective));
      begun = NumberIn(row[5]).value_or(0);
      if (IntegerIn(row[4]) != 0) ends.push_back(NumberIn(row[3]).value_or(0));
    }
    if (ends.empty()) return;
    // The first epoch of an attempt has the start of its worker in it.
    const bool several = ends.size() > 1;
    const double paced = several ? static_cast<double>(ends.size() - 1) : 1;
    fact.seconds_per_epoch = (ends.back() - (several ? ends.front() : begun)) / paced;
    const auto epochs_left = static_cast<double>(fact.epochs - fact.epoch());
    fact.seconds_left = std::max(0.0, *fact.seconds_per_epoch * epochs_left - (now_ - ends.back()));
  }

  const Store& store_;
  std::string objective_;  ///< the column
  double now_;
  bool asks_models_;  ///< the filter does
  std::string where_;
  Parameters parameters_;
};

}  // namespace

std::int64_t LiveStudy::Count(TrialState state) const {
  const auto found = counts.find(state);
  return found == counts.end() ? 0 : found->second;
}

std::int64_t LiveStudy::trials() const {
  std::int64_t all = 0;
  for (const auto& [state, count] : counts) all += count;
  return all;
}

std::int64_t LiveStudy::to_come() const {
  const std::int64_t waiting = Count(TrialState::kWaiting);
  const ProgressState& state = now.progress;
  if (is_part || !state.planned) return waiting;
  return std::max(waiting, *state.planned - state.refused - (trials() - waiting));
}

LiveStudy ReadLiveStudy(const Store& store, const RunningStudies& running, const StudyRecord& study,
                        const Target& target, std::chrono::system_clock::time_point now) {
  const StudyReader reader(store, study, target.filter, now);
  LiveStudy live{.study = study, .objective = FindMetric(study.objective)};
  live.now = TakeSnapshot(store, running, study, now);
  live.counts = reader.Counts();
  live.is_part = !target.filter.empty();
  live.running = reader.Running();
  live.waiting = reader.Waiting();
  live.ended = reader.Ended();
  reader.Rank(target, live);
  live.best = reader.Best();
  return live;
}

LiveStudy ReadStudyLine(const Store& store, const RunningStudies& running, const StudyRecord& study,
                        std::chrono::system_clock::time_point now) {
  const StudyReader reader(store, study, {}, now);
  LiveStudy live{.study = study, .objective = FindMetric(study.objective)};
  live.now = TakeSnapshot(store, running, study, now);
  live.counts = reader.Counts();
  live.running = reader.Running();
  reader.Rank({}, live);
  return live;
}

std::vector<TrialId> TrialsOf(const Store& store, const StudyRecord& study,
                              const TrialFilter& filter) {
  return StudyReader(store, study, filter, {}).Ids();
}

}  // namespace beamgrid
