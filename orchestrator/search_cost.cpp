#include "orchestrator/search_cost.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>
#include <utility>
#include <variant>

#include "orchestrator/machine/need_estimate.h"
#include "orchestrator/study/trial_intake.h"
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
/// Trials on other data tell no spread of those on these: what a step costs beside its arithmetic
/// differs. Between two small sets a forecast was 4.5 times what was measured.
constexpr double kOtherDataFactor = 8;

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
      Forecast::Spread& spread = spreads_[k][static_cast<std::size_t>(basis)];
      spread = parts_.forecast->SpreadOf(basis, kinds_[k]);
      if (!IsOfOtherData(kinds_[k])) continue;
      spread.low = std::min(spread.low, spread.middle / kOtherDataFactor);
      spread.high = std::max(spread.high, spread.middle * kOtherDataFactor);
    }
  }
}

bool CostMeter::IsOfOtherData(const std::string& kind) const {
  return parts_.forecast->TrialsOn(*parts_.data, kind) == 0;
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
    if (done < 1) ++(done <= 0 ? fresh_ : begun_);
  }
  if (trial.until_epoch > 0) measured_[label] = until;
  asked_ += std::max(0.0, until - before);
  const double rest = until - std::max(done, before);
  if (trial.until_epoch == 0) ++(rest <= 0 ? ended_ : ending_);
  if (rest <= 0) return;
  ++open_;
  size_bytes_ += static_cast<double>(trial.size_bytes);
  largest_checkpoint_ =
      std::max(largest_checkpoint_,
               static_cast<double>(CheckpointBytes(trial.spec.model, trial.parameters)));
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
  sample_ = Sample{};
  Sample& sample = *sample_;
  const std::vector<std::int64_t> points = SamplePoints(space_, kSamplePoints, /*seed=*/1);
  sample.whole_grid = std::ssize(points) < kSamplePoints || space_.size() == kSamplePoints;
  for (const std::int64_t point : points) {
    const ModelSpec model = *space_.At(point);
    const CountAnswer answer = parts_.counter->Count(model, *parts_.data);
    if (WhyRefused(*parts_.recipe, answer)) {
      ++sample.refused;
      continue;
    }
    const auto* size = std::get_if<ModelSize>(&answer);
    sample.size_bytes.push_back(static_cast<double>(size->size_bytes));
    sample.checkpoint_bytes.push_back(
        static_cast<double>(CheckpointBytes(model, size->parameters)));
    if (KnowsTimes()) sample.lengths.push_back(LengthOf(model, size->parameters));
  }
  std::ranges::sort(sample.size_bytes);
  std::ranges::sort(sample.checkpoint_bytes);
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

/// Returns a training that takes as long as these do on average, and as much memory as any.
CostMeter::Length CostMeter::MeanOf(const std::vector<Length>& lengths) {
  Length mean = lengths.front();
  for (std::size_t k = 0; k < mean.seconds.size(); ++k) {
    double sum = 0;
    for (const Length& length : lengths) {
      sum += length.seconds[k].about;
      mean.memory_bytes[k] = std::max(mean.memory_bytes[k], length.memory_bytes[k]);
    }
    mean.seconds[k].about = sum / static_cast<double>(lengths.size());
  }
  return mean;
}

CostMeter::Busy CostMeter::Trained(double whole_trials, bool all_points, Which which) {
  std::vector<Length> lengths = GridSample().lengths;
  if (whole_trials <= 0 || lengths.empty()) return {};
  // So many trainings are of each of them.
  double each = whole_trials / static_cast<double>(lengths.size());
  if (which == &CostRange::about) {
    lengths = {MeanOf(lengths)};
  } else if (!all_points) {
    // Which ones is not known: they may all be short ones, or long ones.
    each = OfEach(lengths.size(), which);
    std::ranges::sort(lengths, {}, [which](const Length& l) { return l.seconds[0].*which; });
    if (which == &CostRange::high) std::ranges::reverse(lengths);
  }
  const double count = std::ceil(whole_trials);
  const double kept = std::min(count, static_cast<double>(kMostPieces));
  const double step = count / kept;
  const auto last = static_cast<double>(lengths.size() - 1);
  std::vector<Piece> pieces;
  for (double at = 0; at < count && static_cast<double>(pieces.size()) < kept;
       at = step * static_cast<double>(pieces.size())) {
    const auto place = static_cast<std::size_t>(std::min(at / each, last));
    pieces.push_back({.share = std::min(1.0, whole_trials - at), .length = lengths[place]});
  }
  return Simulate(pieces, which, step);
}

CostMeter::Busy CostMeter::WholeGrid(Which which) {
  const std::size_t seeds =
      which == &CostRange::low ? parts_.recipe->least_seeds : parts_.recipe->seeds.size();
  const auto points = static_cast<double>(points_ - Refused());
  return Trained(points * static_cast<double>(seeds), /*all_points=*/true, which);
}

double CostMeter::OfEach(std::size_t points, Which which) {
  const std::size_t seeds =
      which == &CostRange::low ? parts_.recipe->least_seeds : parts_.recipe->seeds.size();
  return static_cast<double>(points_ - Refused()) * static_cast<double>(seeds) /
         static_cast<double>(points);
}

double CostMeter::BytesOf(double trials, const std::vector<double>& bytes, Which which) {
  if (trials <= 0 || bytes.empty()) return 0;
  if (which == &CostRange::about) {
    const double sum = std::accumulate(bytes.begin(), bytes.end(), 0.0);
    return trials * sum / static_cast<double>(bytes.size());
  }
  const double each = OfEach(bytes.size(), which);
  double sum = 0;
  double left = trials;
  for (std::size_t i = 0; i < bytes.size() && left > 0; ++i) {
    const bool is_last = i + 1 == bytes.size();
    const double taken = is_last ? left : std::min(left, each);
    sum += taken * (which == &CostRange::low ? bytes[i] : bytes[bytes.size() - 1 - i]);
    left -= taken;
  }
  return sum;
}

CostMeter::Leaving CostMeter::LeavingOf(const PlanTotals& totals, const TrialRange& trials) const {
  const double more = static_cast<double>(trials.most) - static_cast<double>(trials_);
  const double sure = static_cast<double>(trials.least) - static_cast<double>(trials_);
  if (totals.finished || !totals.effort.to_the_end) {
    return {.models = {.low = sure, .about = (sure + more) / 2, .high = more}};
  }
  // Who of the candidates gets to the end is not known, but how many do.
  const auto to_the_end = static_cast<double>(*totals.effort.to_the_end);
  const double first = to_the_end * static_cast<double>(parts_.recipe->least_seeds);
  const double all = to_the_end * static_cast<double>(parts_.recipe->seeds.size());
  Leaving leaving{.of_the_open = false};
  leaving.models.high =
      std::min(std::max(all - ended_, ending_), static_cast<double>(trials.most - complete_));
  leaving.models.low = std::min(std::max(first - ended_, ending_), leaving.models.high);
  leaving.models.about = (leaving.models.low + leaving.models.high) / 2;
  leaving.most_checkpoints = fresh_ + sure;
  // What is promoted gives its checkpoint up at its end.
  leaving.checkpoints =
      std::min(static_cast<double>(trials.least) - first - begun_, leaving.most_checkpoints);
  return leaving;
}

void CostMeter::AddDisk(const Leaving& leaving, SearchCost& cost) {
  const auto predictions = static_cast<double>(parts_.predictions_bytes.value_or(0));
  cost.disk_has_predictions = parts_.predictions_bytes.has_value();
  const double open = leaving.of_the_open ? static_cast<double>(open_) : 0;
  const double known = leaving.of_the_open ? size_bytes_ : 0;
  const bool looks_at_grid = leaving.models.high > 0;
  const std::vector<double> none;
  const auto& sizes = looks_at_grid ? GridSample().size_bytes : none;
  const auto& checkpoints = looks_at_grid ? GridSample().checkpoint_bytes : none;
  const double all_trials = looks_at_grid ? static_cast<double>(points_ - Refused()) *
                                                static_cast<double>(parts_.recipe->seeds.size())
                                          : 0;
  const auto models = [&](Which which) {
    const double more = leaving.models.*which;
    double bytes = known + BytesOf(more, sizes, which);
    // The largest ones may be open already: there are no more of them than the grid has.
    if (which == &CostRange::high && looks_at_grid) {
      bytes = std::max(known, std::min(bytes, BytesOf(all_trials, sizes, which)));
    }
    return bytes + (open + more) * predictions;
  };
  // Checkpoints that go are the smallest ones where the most is left.
  const auto end = [&](Which which, Which other) {
    const double change = BytesOf(leaving.checkpoints, checkpoints, which) -
                          BytesOf(-leaving.checkpoints, checkpoints, other);
    return std::max(0.0, models(which) + change);
  };
  const double low = end(&CostRange::low, &CostRange::high);
  const double high = std::max(low, end(&CostRange::high, &CostRange::low));
  const double about = std::clamp(end(&CostRange::about, &CostRange::about), low, high);
  cost.disk_end_bytes = {.low = low, .about = about, .high = high};
  const double at_work =
      std::min(static_cast<double>(open_) + leaving.models.high,
               static_cast<double>(std::max<std::size_t>(1, parts_.slots.size())));
  const double largest =
      std::max(largest_checkpoint_, checkpoints.empty() ? 0 : checkpoints.back());
  const double most = models(&CostRange::high) + at_work * largest +
                      BytesOf(leaving.most_checkpoints, checkpoints, &CostRange::high);
  cost.disk_most_bytes = most < 9e18 ? static_cast<std::int64_t>(most) : INT64_MAX;
}

CostMeter::Work CostMeter::WorkOf(const Effort& effort, std::int64_t points) const {
  const auto least_seeds = static_cast<std::int64_t>(parts_.recipe->least_seeds);
  const std::int64_t further = static_cast<std::int64_t>(parts_.recipe->seeds.size()) - least_seeds;
  const std::int64_t most = effort.most.value_or(points);
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

bool CostMeter::TriesAll(const Effort& effort, std::int64_t models) {
  if (effort.epoch_share < 1) return false;
  return models >= points_ || models >= points_ - Refused();
}

std::int64_t CostMeter::Refused() {
  if (refused_) return *refused_;
  if (points_ > kSamplePoints) return 0;
  return GridSample().refused;
}

Effort CostMeter::WithoutRefused(Effort effort) {
  const std::int64_t refused = Refused();
  const std::int64_t points = points_ - refused;
  // It may be that all of them are among its first ones.
  if (!effort.makes_up_for_refused) effort.least -= refused;
  effort.least = std::clamp<std::int64_t>(effort.least, 0, points);
  if (effort.most) effort.most = std::min(*effort.most, points);
  if (effort.to_the_end) effort.to_the_end = std::min(*effort.to_the_end, points);
  return effort;
}

SearchCost CostMeter::Total(const PlanTotals& totals) {
  SearchCost cost;
  cost.complete = complete_;
  plan_refused_ = totals.refused;
  const Effort& effort = totals.effort;
  if (parts_.recipe->search.strategy == "grid" && totals.candidates + totals.refused == points_) {
    refused_ = totals.refused;
  }
  const auto least_seeds = static_cast<std::int64_t>(parts_.recipe->least_seeds);
  const std::int64_t further = static_cast<std::int64_t>(parts_.recipe->seeds.size()) - least_seeds;
  const Work work = WorkOf(effort, points_);
  double later_least = 0;
  double later_most = 0;
  cost.trials = {.least = trials_, .most = trials_};
  if (!totals.finished) {
    const std::int64_t refused = SaturatingMultiply(totals.refused, least_seeds);
    // Further seeds that they will not race for.
    const std::int64_t unraced =
        effort.to_the_end ? 0 : SaturatingMultiply(totals.refused, further);
    const double accounted = asked_ + static_cast<double>(refused) * effort.epoch_share;
    // Of what is asked for later some may be refused: known ones of the grid, where none replaces
    // them and not all were asked for already, as by a halving.
    const bool may_meet_more = !effort.makes_up_for_refused && !effort.to_the_end;
    const std::int64_t more_refused =
        may_meet_more ? std::max<std::int64_t>(0, Refused() - totals.refused) * least_seeds : 0;
    later_least = std::max(0.0, work.least - accounted - static_cast<double>(more_refused));
    later_most = std::max(0.0, work.most - accounted - static_cast<double>(unraced));
    cost.trials = {.least = std::max(trials_, work.trials.least - refused - more_refused),
                   .most = std::max(trials_, work.trials.most - refused - unraced),
                   .bounded = work.trials.bounded};
  }

  cost.nothing_left = open_ == 0 && later_most <= 0;

  AddDisk(LeavingOf(totals, cost.trials), cost);

  if (!KnowsTimes()) return cost;
  const bool all_points = TriesAll(effort, effort.least - totals.refused);
  const double scale =
      pieces_.empty() ? 1 : static_cast<double>(open_) / static_cast<double>(pieces_.size());
  const auto sum = [&](Which which, double later) {
    Busy busy = Simulate(pieces_, which, scale);
    const Busy more = Trained(later, all_points, which);
    const Busy grid = all_points || later <= 0 ? Busy() : WholeGrid(which);
    // What comes later is chosen by these results, so it begins after the last of them.
    busy.seconds += more.seconds;
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      const double sum = busy.trial_seconds[k] + more.trial_seconds[k];
      // The longest ones may be under way already: there are no more of them than the grid has.
      busy.trial_seconds[k] =
          all_points ? sum : std::max(busy.trial_seconds[k], std::min(sum, grid.trial_seconds[k]));
    }
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
  const Busy grid_low = KnowsTimes() ? WholeGrid(&CostRange::low) : Busy();
  const Busy grid_high = KnowsTimes() ? WholeGrid(&CostRange::high) : Busy();
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
    const Effort effort = WithoutRefused(MakeStrategyFor(space_, recipe)->effort());
    const Work work = WorkOf(effort, points_ - Refused());
    other.trials = work.trials;
    other.whole_trials = work.most;
    if (!KnowsTimes()) continue;
    const bool all_points = TriesAll(effort, effort.least);
    const Busy low = Trained(work.least, all_points, &CostRange::low);
    const Busy about = Trained((work.least + work.most) / 2, all_points, &CostRange::about);
    const Busy high = Trained(work.most, all_points, &CostRange::high);
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      const auto hours = [&](const Busy& busy, const Busy& at_most) {
        const double sum =
            std::min(busy.trial_seconds[k], at_most.trial_seconds[k]) / kSecondsPerHour;
        return effort.most_hours > 0 ? std::min(sum, effort.most_hours) : sum;
      };
      other.hours[kinds_[k]] =
          Ordered(hours(low, grid_low), hours(about, grid_high), hours(high, grid_high));
    }
  }
  std::ranges::sort(others, {}, &OtherStrategy::name);
  return others;
}

std::string CostMeter::RangeText(std::size_t kind, Forecast::Basis basis) const {
  const Forecast::Spread& spread = spreads_[kind][static_cast<std::size_t>(basis)];
  return FactorText(spread.low) + " to " + FactorText(spread.high) + " x the forecast, " +
         (IsOfOtherData(kinds_[kind])
              ? "assumed at least so wide, for none was trained on these data"
          : spread.trials == 0 ? "assumed, for fewer than 5 trials tell of it"
                               : "the 10th to 90th percentile of measured/forecast over " +
                                     CountText(spread.trials, "trial"));
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
                    KindText(kinds_[k]) +
                    (IsOfOtherData(kinds_[k])
                         ? ", none of them on these data: these times are rough until one is"
                         : ""));
    constexpr std::pair<Forecast::Basis, const char*> kWords[] = {
        {Forecast::Basis::kSameModel, "by what was measured of the same model"},
        {Forecast::Basis::kSameParts, "by what was measured of models of the same parts"},
        {Forecast::Basis::kOtherParts,
         "of parts that were never measured together, by the median of all models"}};
    for (const auto& [basis, words] : kWords) {
      const auto used = std::ranges::count_if(pieces_, [k, wanted = basis](const Piece& piece) {
        return piece.length.basis[k] == wanted;
      });
      if (used == 0) continue;
      lines.push_back(words + (": " + CountText(static_cast<std::size_t>(used), "trial")) +
                      ", range " + RangeText(k, basis));
    }
  }
  if (static_cast<std::size_t>(open_) > pieces_.size()) {
    lines.push_back(CountText(pieces_.size(), "trial") + " of them, chosen by chance, stand for " +
                    std::to_string(open_));
  }
  const bool some_refused = plan_refused_ > 0 || (sample_ && sample_->refused > 0);
  if (!refused_ && points_ > kSamplePoints && some_refused) {
    lines.push_back("how many of the grid's " + std::to_string(points_) +
                    " points are refused is not known: in the numbers of other strategies they "
                    "count as models to train");
  }
  if (sample_ && !sample_->lengths.empty()) {
    lines.push_back("what is not chosen yet, here or by other strategies, costs what " +
                    CountText(sample_->lengths.size(), "point") + " of the grid " +
                    (sample_->whole_grid ? "cost" : "cost that were drawn at random"));
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      const auto unknown = std::ranges::count_if(sample_->lengths, [k](const Length& length) {
        return length.basis[k] == Forecast::Basis::kOtherParts;
      });
      if (unknown == 0) continue;
      lines.push_back(
          "of these points " + std::to_string(unknown) + (unknown == 1 ? " has" : " have") +
          " parts that were never measured together on " + KindText(kinds_[k]) +
          ": by the median of all models, range " + RangeText(k, Forecast::Basis::kOtherParts));
    }
  }
  return lines;
}

}  // namespace beamgrid
