#include "orchestrator/study/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <utility>

#include "registry/util/printable.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

// Room for a recognisable beginning of a name, even where the terminal is narrow.
constexpr std::size_t kShortestName = 8;
// More are told as one number: a line each would leave none to the trials.
constexpr std::size_t kMostDevices = 8;

/// Piece is a part of a line and the terminal code that it is shown in (empty: none).
struct Piece {
  std::string text;
  const char* code = "";
  std::size_t width = 0;  ///< of its column; 0: that of the text
};

constexpr char kBold[] = "\033[1m", kDim[] = "\033[2m", kRed[] = "\033[31m", kGreen[] = "\033[32m";

/// Joins pieces with two spaces between them; those that do not fit are left out from the end.
/// Codes take no room on the screen, so only the text counts.
std::string Join(const std::vector<Piece>& pieces, std::size_t width, Colour colour) {
  std::string line;
  std::size_t used = 0;
  for (const Piece& piece : pieces) {
    const std::size_t columns = ColumnsOf(piece.text);
    const std::size_t needed = std::max(columns, piece.width) + (used == 0 ? 0 : 2);
    if (used + needed > width) break;
    const bool coloured = colour == Colour::kYes && *piece.code != 0 && !piece.text.empty();
    line += (used == 0 ? "" : "  ") + (coloured ? piece.code + piece.text + "\033[0m" : piece.text);
    if (piece.width > columns) line.append(piece.width - columns, ' ');
    used += needed;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

/// Returns the text cut with two dots where it is too long.
std::string Cut(const std::string& given, std::size_t width) {
  std::string text = PrintableLine(given);
  if (ColumnsOf(text) <= width) return text;
  text = std::string(FirstColumns(text, width > 2 ? width - 2 : 0)) + "..";
  return std::string(FirstColumns(text, width));
}

// Before so much was measured, a remaining time would be that of loading and warming up.
constexpr double kLeastMeasured = 0.05;  // trials
constexpr double kLongEnough = 60;       // seconds, for trials that take days
constexpr double kLongestEta = 10.0 * 365 * 24 * 3600;

/// Returns which share of the trial so many examples are.
double ShareOf(const RunningTrial& trial, std::int64_t examples) {
  if (trial.total_examples <= 0) return 0;
  // Clamped: both numbers are a worker's word.
  return std::clamp(static_cast<double>(examples) / static_cast<double>(trial.total_examples), 0.0,
                    1.0);
}

double DoneShare(const RunningTrial& trial) { return ShareOf(trial, trial.examples); }

/// Returns the time in which this run has trained.
std::chrono::milliseconds TrainingTime(const ProgressState& state) {
  return state.elapsed - state.began_training - state.queued_time;
}

std::optional<std::chrono::seconds> Seconds(double seconds) {
  if (!(seconds <= kLongestEta)) return std::nullopt;
  return std::chrono::seconds(std::llround(seconds));
}

std::int64_t SlotsAtWork(const ProgressState& state) {
  const auto running = static_cast<std::int64_t>(state.running.size());
  const bool not_all = state.waiting_since || state.queued > 0;
  return std::max<std::int64_t>(1, not_all ? running : state.ahead->slots);
}

/// Returns the time that what is ahead takes: no less than its longest trial.
double ForecastSeconds(const ProgressState& state) {
  const WorkAhead& ahead = *state.ahead;
  double left = ahead.waiting_seconds + ahead.later_seconds;
  double longest = ahead.longest_seconds;
  for (const auto& [id, length] : ahead.running) {
    const auto trial = state.running.find(id);
    const double done = trial == state.running.end() ? 0 : DoneShare(trial->second);
    const double rest = length.seconds * std::max(0.0, length.until - done);
    left += rest;
    longest = std::max(longest, rest);
  }
  return std::max(left / static_cast<double>(SlotsAtWork(state)), longest);
}

std::string CutPercent(double share) {
  char text[16];
  // Cut, not rounded: 100 % is for what has seen all its examples.
  std::snprintf(text, sizeof text, "%3d%%", static_cast<int>(share * 100));
  return text;
}

std::string RateText(double examples_per_second) {
  return FixedText(examples_per_second, examples_per_second < 10 ? 1 : 0) + " ex/s";
}

/// Cells of a trial, in their order.
enum Cell {
  kName,
  kSeed,
  kEpoch,
  kPercent,
  kLatest,
  kLatestEpoch,
  kBest,
  kLoss,
  kRate,
  kDevice,
  kCells
};
/// What a narrow terminal does without, the least important one first: devices and rates are told
/// in all below.
constexpr Cell kLeaveOutFirst[] = {kDevice, kLoss,    kRate, kLatestEpoch,
                                   kBest,   kPercent, kSeed, kLatest};

/// Returns the cells of a trial, empty where there is nothing to tell.
std::vector<Piece> CellsOf(const RunningTrial& trial, const std::string& objective) {
  const auto value = [](const std::string& what, const std::optional<double>& number, int digits) {
    return number ? what + " " + FixedText(*number, digits) : "";
  };
  const bool began = trial.epochs > 0;
  const bool was_better = trial.objective && trial.best_epoch != trial.latest_epoch;
  std::vector<Piece> cells(kCells);
  cells[kName] = {PrintableLine(trial.name)};
  cells[kSeed] = {"s" + std::to_string(trial.seed)};
  cells[kEpoch] = {began ? "epoch " + std::to_string(std::max<std::int64_t>(trial.epoch, 1)) + "/" +
                               std::to_string(trial.epochs)
                         : "starting"};
  if (began) cells[kPercent] = {CutPercent(DoneShare(trial))};
  cells[kLatest] = {value(objective, trial.latest, 4), kGreen};
  if (trial.latest) cells[kLatestEpoch] = {"of epoch " + std::to_string(trial.latest_epoch)};
  if (was_better) {
    cells[kBest] = {value("best", trial.objective, 4) + " in " + std::to_string(trial.best_epoch)};
  }
  cells[kLoss] = {value("loss", trial.loss, 3)};
  if (trial.examples_per_second > 0) cells[kRate] = {RateText(trial.examples_per_second)};
  cells[kDevice] = {PrintableLine(trial.device), kDim};
  return cells;
}

/// Returns the columns of a line of such cells; those that are 0 are not there.
std::size_t Total(const std::vector<std::size_t>& widths) {
  std::size_t total = 0;
  for (const std::size_t width : widths) total += width == 0 ? 0 : width + (total == 0 ? 0 : 2);
  return total;
}

/// Returns how wide each cell is, in lines of at most `width` columns where that can be: 0 for
/// those that are left out.
std::vector<std::size_t> WidthsOf(const std::vector<std::vector<Piece>>& rows, std::size_t width) {
  std::vector<std::size_t> widths(kCells, 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], ColumnsOf(row[i].text));
    }
  }
  // Half of the line at most for names: the numbers behind them are what changes.
  widths[kName] = std::min({widths[kName], std::max(kShortestName, width / 2), width});
  for (const Cell cell : kLeaveOutFirst) {
    if (Total(widths) <= width) break;
    // Before the last ones names lose their ends.
    if (cell == kSeed || cell == kLatest) {
      const std::size_t over = std::min(Total(widths) - width, widths[kName]);
      widths[kName] = std::max(std::min(kShortestName, widths[kName]), widths[kName] - over);
      if (Total(widths) <= width) break;
    }
    widths[cell] = 0;
  }
  return widths;
}

/// Returns the first `most` trials as lines in columns.
std::vector<std::string> TrialLines(const ProgressState& state, std::size_t most, std::size_t width,
                                    Colour colour) {
  std::vector<std::vector<Piece>> rows;
  for (const auto& [id, trial] : state.running) {
    if (rows.size() < most) rows.push_back(CellsOf(trial, state.objective));
  }
  const std::vector<std::size_t> widths = WidthsOf(rows, width);
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    std::vector<Piece> padded;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths[i] > 0) padded.push_back({Cut(row[i].text, widths[i]), row[i].code, widths[i]});
    }
    lines.push_back(Join(padded, width, colour));
  }
  return lines;
}

std::int64_t Ended(const ProgressState& state) {
  return state.complete + state.reused + state.failed + state.refused;
}

/// Returns how many trials are still to be begun: those that wait and, where it is known, those
/// that the search will ask for yet.
std::int64_t ToDo(const ProgressState& state) {
  const std::int64_t at_work = std::ssize(state.running);
  return std::max(state.waiting, state.planned.value_or(0) - Ended(state) - state.pruned - at_work);
}

/// Refused trials are none that are done, nor any that are to be.
std::string DoneText(const ProgressState& state) {
  const std::int64_t done = Ended(state) - state.refused;
  std::string text = std::to_string(done);
  // A strategy's plan is an estimate that may be overtaken: "13/12 done" would look like a mistake.
  if (state.planned) text += "/" + std::to_string(std::max(*state.planned - state.refused, done));
  return text + " done";
}

std::string Counted(std::size_t number, const char* what) {
  return std::to_string(number) + " " + what;
}

std::string TotalsLine(const ProgressState& state, std::size_t width, Colour colour) {
  std::vector<Piece> pieces{{Cut(state.study, width), kBold}, {DoneText(state)}};
  const auto add_count = [&pieces](std::int64_t number, const char* what, const char* code = "") {
    if (number > 0) pieces.push_back({std::to_string(number) + " " + what, code});
  };
  if (state.stopping) pieces.push_back({"stopping", kRed});
  add_count(state.failed, "failed", kRed);
  if (state.running.empty() && state.waiting_since) {
    const auto waited =
        std::chrono::duration_cast<std::chrono::seconds>(state.elapsed - *state.waiting_since);
    pieces.push_back({"waits for others " + DurationText(waited), kRed});
  }
  if (const auto eta = Eta(state); eta && !state.stopping) {
    pieces.push_back({"eta " + DurationText(*eta)});
  }
  add_count(static_cast<std::int64_t>(state.running.size()), "running");
  add_count(ToDo(state), "waiting");
  pieces.push_back(
      {DurationText(std::chrono::duration_cast<std::chrono::seconds>(state.elapsed)) + " so far"});
  add_count(state.reused, "reused");
  add_count(state.refused, "refused");
  add_count(state.pruned, "pruned");
  return Join(pieces, width, colour);
}

/// Returns "cuda:0 2/2  cuda:1 1/2  2468 ex/s  31.2 trials/h": slots at work of all there are.
std::string DevicesLine(const ProgressState& state, std::size_t width, Colour colour) {
  std::vector<Piece> pieces;
  const auto at_work = [&state](const std::string& device) {
    return std::ranges::count_if(
        state.running, [&device](const auto& trial) { return trial.second.device == device; });
  };
  if (state.devices.size() > kMostDevices) {
    std::int64_t slots = 0;
    for (const DeviceSlots& device : state.devices) slots += device.slots;
    pieces.push_back({Counted(state.devices.size(), "devices") + " " +
                      std::to_string(state.running.size()) + "/" + std::to_string(slots)});
  } else {
    for (const DeviceSlots& device : state.devices) {
      pieces.push_back({PrintableLine(device.device) + " " +
                        std::to_string(at_work(device.device)) + "/" +
                        std::to_string(device.slots)});
    }
  }
  if (const double rate = ExamplesPerSecond(state); rate > 0) pieces.push_back({RateText(rate)});
  if (const auto pace = TrialsPerHour(state)) {
    pieces.push_back({FixedText(*pace, *pace < 100 ? 1 : 0) + " trials/h"});
  }
  return Join(pieces, width, colour);
}

std::string BestLine(const ProgressState& state, std::size_t width, Colour colour) {
  if (!state.best) return "";
  // Of one trial: a leaderboard ranks models by the mean of their seeds.
  const std::string value = FixedText(*state.best, 4);
  std::string text = "best trial: " + state.objective + " " + value;
  if (text.size() > width) text = "best trial " + value;
  return Join({{text, kGreen}, {PrintableLine(state.best_name)}}, width, colour);
}

/// Returns "best models, by the mean of their seeds:" and a line for each; of one model alone
/// BestLine says all.
std::vector<std::string> LeaderLines(const ProgressState& state, std::size_t width, Colour colour) {
  if (state.leaders.size() < 2) return {};
  std::vector<std::string> lines = {
      Join({{"best models, by the mean of their seeds:"}}, width, colour)};
  for (const LeadingModel& model : state.leaders) {
    const std::size_t place = lines.size();
    lines.push_back(Join({{std::to_string(place) + "."},
                          {state.objective + " " + FixedText(model.mean, 4), kGreen},
                          {CountText(static_cast<std::size_t>(model.seeds), "seed"), "",
                           std::string_view("99 seeds").size()},
                          {Cut(model.name, width)}},
                         width, colour));
  }
  return lines;
}

/// Returns "next: MC-GRU-MoE2 s1, MC-GRU-MoE2 s2".
std::vector<std::string> NextLines(const ProgressState& state, std::size_t width, Colour colour) {
  if (state.next.empty()) return {};
  std::string text;
  for (const NextTrial& trial : state.next) {
    text += (text.empty() ? "next: " : ", ") + trial.name + " s" + std::to_string(trial.seed);
  }
  return {Join({{Cut(text, width)}}, width, colour)};
}

}  // namespace

double ResumedShare(const RunningTrial& trial) { return ShareOf(trial, trial.resumed_examples); }

std::optional<std::chrono::seconds> Eta(const ProgressState& state) {
  if (state.ended || (state.queued > 0 && state.running.empty())) return std::nullopt;
  if (state.ahead) return Seconds(ForecastSeconds(state));
  // Reused and refused trials are done but took no time of this run, so they do not enter its
  // speed.
  double measured = static_cast<double>(state.complete) - state.resumed_work;
  double running = 0;
  for (const auto& [id, trial] : state.running) {
    running += DoneShare(trial);
    measured += DoneShare(trial) - ResumedShare(trial);
  }
  const double taken = std::chrono::duration<double>(TrainingTime(state)).count();
  const bool means_something = measured >= kLeastMeasured || (measured > 0 && taken >= kLongEnough);
  if (!state.planned || !means_something) return std::nullopt;
  const double left = std::max(0.0, static_cast<double>(*state.planned - Ended(state)) - running);
  // Of the trials to come as many will fail as of those that ended.
  const double seconds =
      taken * left / (measured + static_cast<double>(state.failed - state.failed_before));
  return Seconds(seconds);
}

std::string QueueText(const ProgressState& state) {
  if (state.queued == 0 || state.queued_for.empty()) return "";
  return CountText(static_cast<std::size_t>(state.queued), "trial") +
         (state.queued == 1 ? " waits for " : " wait for ") + state.queued_for;
}

double ExamplesPerSecond(const ProgressState& state) {
  double rate = 0;
  for (const auto& [id, trial] : state.running) rate += trial.examples_per_second;
  return rate;
}

std::optional<double> TrialsPerHour(const ProgressState& state) {
  const double done = static_cast<double>(state.complete) - state.resumed_work;
  const auto taken = std::chrono::duration<double, std::ratio<3600>>(TrainingTime(state));
  if (state.complete == 0 || !(done > 0) || taken.count() <= 0) return std::nullopt;
  return done / taken.count();
}

std::vector<std::string> RenderProgress(const ProgressState& state, int width, int height,
                                        Colour colour) {
  const auto columns = static_cast<std::size_t>(std::max(width, 1));
  const auto rows = static_cast<std::size_t>(std::max(height, 1));
  // The most important one first, while they are chosen; it stands last.
  std::vector<std::string> ends = {TotalsLine(state, columns, colour)};
  bool all_shown = true;
  for (std::string line : {Cut(QueueText(state), columns), BestLine(state, columns, colour),
                           DevicesLine(state, columns, colour)}) {
    if (line.empty()) continue;
    const bool fits = ends.size() < rows / 3;
    if (fits) ends.push_back(std::move(line));
    all_shown = all_shown && fits;
  }
  const std::size_t room = rows - ends.size();
  const bool all_fit = state.running.size() <= room;
  // Where not all fit, one line less: it says how many are missing.
  const std::size_t shown = all_fit ? state.running.size() : room > 0 ? room - 1 : 0;
  std::vector<std::string> lines = TrialLines(state, shown, columns, colour);
  if (!all_fit && room > 0) {
    lines.push_back(
        Join({{"... and " + std::to_string(state.running.size() - shown) + " more running"}},
             columns, colour));
  }
  for (auto& more : {LeaderLines(state, columns, colour), NextLines(state, columns, colour)}) {
    if (!all_fit || !all_shown || lines.size() + more.size() + ends.size() > rows) continue;
    lines.insert(lines.end(), more.begin(), more.end());
  }
  lines.insert(lines.end(), std::make_move_iterator(ends.rbegin()),
               std::make_move_iterator(ends.rend()));
  return lines;
}

}  // namespace beamgrid
