#include "orchestrator/search_cost.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <utility>
#include <variant>

#include "orchestrator/machine/need_estimate.h"
#include "registry/util/text.h"
#include "search/sample_points.h"

namespace beamgrid {
namespace {

/// The most trials that are forecast and simulated one by one; more are thinned out.
constexpr std::size_t kMostPieces = 2000;
/// The points of the grid that stand for what nobody has chosen yet: the mean of so many is known
/// well enough for a forecast that may be off by as much.
constexpr std::int64_t kSamplePoints = 64;
/// Weights, Adam's two moments, and the weights of the best epoch.
constexpr std::int64_t kCheckpointCopies = 4;
constexpr double kSecondsPerHour = 3600;

/// Returns a number that looks drawn at random, the same for the same index (SplitMix64).
std::uint64_t Mixed(std::uint64_t index) {
  std::uint64_t mixed = index * 0x9e3779b97f4a7c15U;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

std::string KindText(const std::string& kind) { return kind == "cuda" ? "a GPU" : "a CPU"; }

std::string FactorText(double factor) { return FixedText(factor, 2); }

CostRange Ordered(double low, double about, double high) {
  return {.low = std::min(low, about), .about = about, .high = std::max(high, about)};
}

}  // namespace

CostMeter::CostMeter(CostParts parts)
    : parts_(std::move(parts)),
      space_(*parts_.recipe, *parts_.catalogue),
      points_(space_.CountAllowed().value_or(space_.size())) {
  for (const Slot& slot : parts_.slots) {
    const std::string kind = DeviceKind(slot.device);
    if (std::ranges::find(kinds_, kind) == kinds_.end()) kinds_.push_back(kind);
  }
  for (std::size_t k = 0; k < kinds_.size(); ++k) {
    for (const auto basis :
         {Forecast::Basis::kOtherParts, Forecast::Basis::kSameParts, Forecast::Basis::kSameModel}) {
      spreads_[k][static_cast<std::size_t>(basis)] = parts_.forecast->SpreadOf(basis, kinds_[k]);
    }
  }
}

bool CostMeter::KnowsTimes() const {
  return !kinds_.empty() && std::ranges::all_of(kinds_, [this](const std::string& kind) {
    return parts_.forecast->KnowsTimes(*parts_.data, kind);
  });
}

CostMeter::Length CostMeter::LengthOf(const ModelSpec& model, std::int64_t parameters) const {
  Length length;
  for (std::size_t k = 0; k < kinds_.size(); ++k) {
    const Forecast::Need need = parts_.forecast->Of(model, *parts_.data, parameters, kinds_[k]);
    const Forecast::Spread& spread = spreads_[k][static_cast<std::size_t>(need.basis)];
    length.seconds[k] = {.low = need.seconds * spread.low,
                         .about = need.seconds * spread.middle,
                         .high = need.seconds * spread.high};
    length.memory_bytes[k] = need.memory_bytes;
    length.basis[k] = need.basis;
  }
  return length;
}

std::int64_t CostMeter::CheckpointBytes(const ModelSpec& model, std::int64_t parameters) const {
  const NeedEstimate estimate = EstimateNeed(model, *parts_.data, parameters, "cpu");
  return estimate.parameter_bytes * (kCheckpointCopies + estimate.averages);
}

void CostMeter::Add(const StudyTrial& trial, double done) {
  const double until = trial.until_share();
  // A trial that was measured before its end is asked for once more.
  double before = 0;
  const std::string label = trial.name + "/" + std::to_string(trial.spec.seed);
  if (const auto known = measured_.find(label); known != measured_.end()) {
    before = known->second;
  } else {
    ++trials_;
    if (trial.known && trial.known->state == TrialState::kComplete) ++complete_;
  }
  if (trial.until_epoch > 0) measured_[label] = until;
  asked_ += std::max(0.0, until - before);
  const double rest = until - std::max(done, before);
  if (rest <= 0) return;
  ++open_;
  const auto checkpoint = static_cast<double>(CheckpointBytes(trial.spec.model, trial.parameters));
  size_bytes_ += static_cast<double>(trial.size_bytes);
  checkpoint_bytes_ += checkpoint;
  largest_checkpoint_ = std::max(largest_checkpoint_, checkpoint);
  const std::uint64_t chance = Mixed(static_cast<std::uint64_t>(open_));
  if (!KnowsTimes() || (chance & mask_) != 0) return;
  pieces_.push_back(
      {.chance = chance, .share = rest, .length = LengthOf(trial.spec.model, trial.parameters)});
  if (pieces_.size() <= kMostPieces) return;
  mask_ = mask_ * 2 + 1;
  std::erase_if(pieces_, [this](const Piece& piece) { return (piece.chance & mask_) != 0; });
}

const CostMeter::Sample& CostMeter::GridSample() {
  if (sample_) return *sample_;
  Sample& sample = sample_.emplace();
  const std::vector<std::int64_t> points = SamplePoints(space_, kSamplePoints, /*seed=*/1);
  sample.whole_grid = std::ssize(points) < kSamplePoints || space_.size() == kSamplePoints;
  std::int64_t counted = 0;
  for (const std::int64_t point : points) {
    const ModelSpec model = *space_.At(point);
    const CountAnswer answer = parts_.counter->Count(model, *parts_.data);
    const auto* size = std::get_if<ModelSize>(&answer);
    if (size == nullptr) continue;
    ++counted;
    sample.size_bytes += static_cast<double>(size->size_bytes);
    sample.checkpoint_bytes += static_cast<double>(CheckpointBytes(model, size->parameters));
    if (KnowsTimes()) sample.lengths.push_back(LengthOf(model, size->parameters));
  }
  if (counted > 0) {
    sample.size_bytes /= static_cast<double>(counted);
    sample.checkpoint_bytes /= static_cast<double>(counted);
  }
  return sample;
}

CostMeter::Busy CostMeter::Simulate(const std::vector<Piece>& pieces, Which which,
                                    double scale) const {
  std::map<std::string, std::size_t> kind_of;
  for (const Slot& slot : parts_.slots) {
    kind_of[slot.device] = static_cast<std::size_t>(
        std::ranges::find(kinds_, DeviceKind(slot.device)) - kinds_.begin());
  }
  Scheduler scheduler(parts_.slots, /*retries=*/0, parts_.memory);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    TrialNeeds needs;
    for (const auto& [device, kind] : kind_of) {
      needs.memory_bytes[device] = pieces[i].length.memory_bytes[kind];
      // As `run` does: the slowest kind of device decides the order.
      needs.seconds =
          std::max(needs.seconds, pieces[i].length.seconds[kind].*which * pieces[i].share);
    }
    scheduler.OnTrialAdded(TrialId{static_cast<std::int64_t>(i)}, 0, needs);
  }
  Busy busy;
  using End = std::pair<double, std::int64_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  while (true) {
    while (const std::optional<StartAttempt> start = scheduler.NextStart()) {
      const auto trial = static_cast<std::int64_t>(start->trial);
      const Piece& piece = pieces[static_cast<std::size_t>(trial)];
      const std::size_t kind = kind_of.at(parts_.slots[start->slot].device);
      const double seconds = piece.length.seconds[kind].*which * piece.share;
      busy.trial_seconds[kind] += seconds * scale;
      ends.emplace(busy.seconds + seconds, trial);
    }
    if (ends.empty()) break;
    busy.seconds = ends.top().first;
    const TrialId ended{ends.top().second};
    ends.pop();
    static_cast<void>(scheduler.OnAttemptEnded(ended, {TrialResult{}}));
  }
  busy.seconds *= scale;
  return busy;
}

CostMeter::Busy CostMeter::Trained(double whole_trials, bool all_points, Which which) {
  std::vector<Length> lengths = GridSample().lengths;
  if (whole_trials <= 0 || lengths.empty()) return {};
  if (!all_points && which != &CostRange::about) {
    // Which ones is not known: they may all be short ones, or long ones.
    std::ranges::sort(lengths, {}, [](const Length& l) { return l.seconds[0].about; });
    const double last = static_cast<double>(lengths.size() - 1);
    const double place = (which == &CostRange::low ? 0.1 : 0.9) * last;
    lengths = {lengths[static_cast<std::size_t>(std::lround(place))]};
  }
  const double count = std::ceil(whole_trials);
  const auto kept = static_cast<std::size_t>(std::min(count, static_cast<double>(kMostPieces)));
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < kept; ++i) {
    pieces.push_back({.share = whole_trials / count, .length = lengths[i % lengths.size()]});
  }
  return Simulate(pieces, which, count / static_cast<double>(kept));
}

CostMeter::Work CostMeter::WorkOf(const Effort& effort) const {
  const auto least_seeds = static_cast<std::int64_t>(parts_.recipe->least_seeds);
  const std::int64_t further = static_cast<std::int64_t>(parts_.recipe->seeds.size()) - least_seeds;
  const std::int64_t most = effort.most.value_or(points_);
  // Who is let go before the end does not race for further seeds.
  const std::int64_t racing = effort.to_the_end.value_or(most);
  Work work;
  work.trials = {.least = SaturatingMultiply(effort.least, least_seeds),
                 .most = SaturatingAdd(SaturatingMultiply(most, least_seeds),
                                       SaturatingMultiply(racing, further)),
                 .bounded = effort.most.has_value()};
  work.least = static_cast<double>(work.trials.least) * effort.epoch_share;
  work.most = static_cast<double>(most) * static_cast<double>(least_seeds) * effort.epoch_share +
              static_cast<double>(racing) * static_cast<double>(further);
  return work;
}

bool CostMeter::TriesAll(const Effort& effort) {
  if (effort.epoch_share < 1) return false;
  if (effort.least >= points_) return true;
  const Sample& sample = GridSample();
  return sample.whole_grid && effort.least >= std::ssize(sample.lengths);
}

SearchCost CostMeter::Total(const PlanTotals& totals) {
  SearchCost cost;
  cost.complete = complete_;
  const Effort& effort = totals.effort;
  const auto seeds = static_cast<std::int64_t>(parts_.recipe->least_seeds);
  const Work work = WorkOf(effort);
  double later_least = 0;
  double later_most = 0;
  cost.trials = {.least = trials_, .most = trials_};
  if (!totals.finished) {
    const std::int64_t refused = SaturatingMultiply(totals.refused, seeds);
    const double accounted = asked_ + static_cast<double>(refused) * effort.epoch_share;
    later_least = std::max(0.0, work.least - accounted);
    later_most = std::max(0.0, work.most - accounted);
    cost.trials = {.least = std::max(trials_, work.trials.least - refused),
                   .most = std::max(trials_, work.trials.most - refused),
                   .bounded = work.trials.bounded};
  }

  cost.nothing_left = open_ == 0 && later_most <= 0;

  // What the rest leaves on disk.
  const std::int64_t later_trials = cost.trials.most - trials_;
  double each_model = open_ == 0 ? 0 : size_bytes_ / static_cast<double>(open_);
  double each_checkpoint = open_ == 0 ? 0 : checkpoint_bytes_ / static_cast<double>(open_);
  if (open_ == 0 && later_most > 0) {
    each_model = GridSample().size_bytes;
    each_checkpoint = GridSample().checkpoint_bytes;
  }
  cost.disk_has_predictions = parts_.predictions_bytes.has_value();
  const double each_end = each_model + static_cast<double>(parts_.predictions_bytes.value_or(0));
  const double all = static_cast<double>(open_) + static_cast<double>(later_trials);
  double ending = all;
  if (effort.to_the_end) {
    ending = std::min(
        all, static_cast<double>(SaturatingMultiply(
                 *effort.to_the_end, static_cast<std::int64_t>(parts_.recipe->seeds.size()))));
  }
  const auto slots = static_cast<double>(std::max<std::size_t>(1, parts_.slots.size()));
  const double end = ending * each_end + (all - ending) * each_checkpoint;
  const double working = std::min(all, slots) * std::max(largest_checkpoint_, each_checkpoint) +
                         (effort.to_the_end ? ending * each_checkpoint : 0);
  const auto whole = [](double bytes) {
    return bytes < 9e18 ? static_cast<std::int64_t>(bytes) : INT64_MAX;
  };
  cost.disk_end_bytes = whole(end);
  cost.disk_most_bytes = whole(end + working);

  if (!KnowsTimes()) return cost;
  const bool all_points = TriesAll(effort);
  const double scale =
      pieces_.empty() ? 1 : static_cast<double>(open_) / static_cast<double>(pieces_.size());
  const auto sum = [&](Which which, double later) {
    Busy busy = Simulate(pieces_, which, scale);
    const Busy more = Trained(later, all_points, which);
    // What comes later is chosen by these results, so it begins after the last of them.
    busy.seconds += more.seconds;
    for (std::size_t k = 0; k < kinds_.size(); ++k) busy.trial_seconds[k] += more.trial_seconds[k];
    return busy;
  };
  const Busy low = sum(&CostRange::low, later_least);
  const Busy about = sum(&CostRange::about, (later_least + later_most) / 2);
  const Busy high = sum(&CostRange::high, later_most);
  const auto part = [&](const Busy& busy) {
    double total = 0;
    for (const double seconds : busy.trial_seconds) total += seconds;
    const double most = effort.most_hours * kSecondsPerHour;
    return most > 0 && total > most ? most / total : 1.0;
  };
  cost.wall_seconds =
      Ordered(low.seconds * part(low), about.seconds * part(about), high.seconds * part(high));
  for (std::size_t k = 0; k < kinds_.size(); ++k) {
    const auto hours = [&](const Busy& busy) {
      return busy.trial_seconds[k] * part(busy) / kSecondsPerHour;
    };
    cost.hours[kinds_[k]] = Ordered(hours(low), hours(about), hours(high));
  }
  return cost;
}

std::vector<OtherStrategy> CostMeter::Others() {
  std::vector<OtherStrategy> others;
  for (const StrategyInfo& info : Strategies()) {
    if (info.name == parts_.recipe->search.strategy) continue;
    Recipe recipe = *parts_.recipe;
    recipe.search.strategy = info.name;
    recipe.search.other.clear();
    for (const OptionInfo& option : info.options) {
      const auto& given = parts_.recipe->search.other;
      const auto shared = given.find(option.name);
      recipe.search.other[option.name] =
          shared == given.end() ? option.default_value : shared->second;
    }
    OtherStrategy& other = others.emplace_back();
    other.name = info.name;
    if (info.check != nullptr) {
      const std::vector<SearchMistake> mistakes = info.check(space_, recipe);
      if (!mistakes.empty()) {
        const SearchMistake& first = mistakes.front();
        other.problem = (first.key.empty() ? "" : first.key + ": ") + first.message;
        continue;
      }
    }
    const Effort effort = MakeStrategyFor(space_, recipe)->effort();
    const Work work = WorkOf(effort);
    other.trials = work.trials;
    other.whole_trials = work.most;
    if (!KnowsTimes()) continue;
    const bool all_points = TriesAll(effort);
    const Busy low = Trained(work.least, all_points, &CostRange::low);
    const Busy about = Trained((work.least + work.most) / 2, all_points, &CostRange::about);
    const Busy high = Trained(work.most, all_points, &CostRange::high);
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      const auto hours = [&](const Busy& busy) {
        const double sum = busy.trial_seconds[k] / kSecondsPerHour;
        return effort.most_hours > 0 ? std::min(sum, effort.most_hours) : sum;
      };
      other.hours[kinds_[k]] = Ordered(hours(low), hours(about), hours(high));
    }
  }
  std::ranges::sort(others, {}, &OtherStrategy::name);
  return others;
}

std::vector<std::string> CostMeter::Basis() const {
  if (kinds_.empty()) return {"no times: which devices there are is not known"};
  if (parts_.data->digest.empty()) return {"no times: the data were not looked at"};
  std::vector<std::string> lines;
  for (const std::string& kind : kinds_) {
    if (parts_.forecast->Trials(kind) > 0) continue;
    lines.push_back("nothing was measured on " + KindText(kind) +
                    " yet: only sizes are known, so no times");
  }
  if (!lines.empty()) return lines;
  if (!KnowsTimes()) return {"no times: how many examples these data have is not known"};
  for (std::size_t k = 0; k < kinds_.size(); ++k) {
    lines.push_back("times are forecast from " +
                    CountText(parts_.forecast->Trials(kinds_[k]), "trial") + " measured on " +
                    KindText(kinds_[k]));
    constexpr std::pair<Forecast::Basis, const char*> kWords[] = {
        {Forecast::Basis::kSameModel, "of the same model"},
        {Forecast::Basis::kSameParts, "of models of the same parts"},
        {Forecast::Basis::kOtherParts, "of models of other parts"}};
    for (const auto& [basis, words] : kWords) {
      const auto used = std::ranges::count_if(pieces_, [k, wanted = basis](const Piece& piece) {
        return piece.length.basis[k] == wanted;
      });
      if (used == 0) continue;
      const Forecast::Spread& spread = spreads_[k][static_cast<std::size_t>(basis)];
      const std::string factors = FactorText(spread.low) + " to " + FactorText(spread.high);
      lines.push_back("by what was measured " + std::string(words) + ": " +
                      CountText(static_cast<std::size_t>(used), "trial") + ", range " + factors +
                      " x the forecast, " +
                      (spread.trials == 0
                           ? "assumed, for fewer than 5 trials tell of it"
                           : "the 10th to 90th percentile of measured/forecast over " +
                                 CountText(spread.trials, "trial")));
    }
  }
  if (static_cast<std::size_t>(open_) > pieces_.size()) {
    lines.push_back(CountText(pieces_.size(), "trial") + " of them, chosen by chance, stand for " +
                    std::to_string(open_));
  }
  if (sample_ && !sample_->lengths.empty()) {
    lines.push_back("what is not chosen yet, here or by other strategies, costs what " +
                    CountText(sample_->lengths.size(), "point") + " of the grid " +
                    (sample_->whole_grid ? "cost" : "cost that were drawn at random"));
  }
  return lines;
}

}  // namespace beamgrid
