#include "orchestrator/study/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "registry/util/printable.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

// Room for a recognisable beginning of a name, even where the terminal is narrow.
constexpr std::size_t kShortestName = 8;

/// Piece is a part of a line and the terminal code that it is shown in (empty: none).
struct Piece {
  std::string text;
  const char* code = "";
};

constexpr char kBold[] = "\033[1m", kDim[] = "\033[2m", kRed[] = "\033[31m", kGreen[] = "\033[32m";

/// Joins pieces with two spaces between them; those that do not fit are left out from the end.
/// Codes take no room on the screen, so only the text counts.
std::string Join(const std::vector<Piece>& pieces, std::size_t width, Colour colour) {
  std::string line;
  std::size_t used = 0;
  for (const Piece& piece : pieces) {
    const std::size_t needed = ColumnsOf(piece.text) + (used == 0 ? 0 : 2);
    if (used + needed > width) break;
    const bool coloured = colour == Colour::kYes && *piece.code != 0;
    line += (used == 0 ? "" : "  ") + (coloured ? piece.code + piece.text + "\033[0m" : piece.text);
    used += needed;
  }
  return line;
}

/// Returns the text cut with two dots where it is too long, padded where it is shorter.
std::string Fitted(const std::string& given, std::size_t width) {
  std::string text = PrintableLine(given);
  if (ColumnsOf(text) > width) {
    text = std::string(FirstColumns(text, width > 2 ? width - 2 : 0)) + "..";
    text = FirstColumns(text, width);
  }
  // A wide character that did not fit leaves a column free.
  return text.append(width - ColumnsOf(text), ' ');
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

std::optional<std::chrono::seconds> Seconds(double seconds) {
  if (!(seconds <= kLongestEta)) return std::nullopt;
  return std::chrono::seconds(std::llround(seconds));
}

std::int64_t SlotsAtWork(const ProgressState& state) {
  const auto running = static_cast<std::int64_t>(state.running.size());
  return std::max<std::int64_t>(1, state.waiting_since ? running : state.ahead->slots);
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

/// Returns what follows the name, most important first, for a narrow terminal shows only the
/// beginning.
std::vector<Piece> TrialPieces(const RunningTrial& trial, const std::string& objective) {
  std::vector<Piece> pieces{{"s" + std::to_string(trial.seed)}};
  if (trial.epochs == 0) {
    pieces.push_back({"starting"});
  } else {
    pieces.push_back({"epoch " + std::to_string(std::max<std::int64_t>(trial.epoch, 1)) + "/" +
                      std::to_string(trial.epochs)});
    pieces.push_back({CutPercent(DoneShare(trial))});
  }
  if (trial.loss) pieces.push_back({"loss " + FixedText(*trial.loss, 3)});
  if (trial.objective) {
    // Not of the epoch that stands before it.
    pieces.push_back({objective + " " + FixedText(*trial.objective, 4) + " (epoch " +
                          std::to_string(trial.best_epoch) + ")",
                      kGreen});
  }
  if (trial.examples_per_second > 0) {
    pieces.push_back({FixedText(trial.examples_per_second, 0) + " ex/s"});
  }
  pieces.push_back({PrintableLine(trial.device), kDim});
  return pieces;
}

std::string TrialLine(const RunningTrial& trial, const std::string& objective,
                      std::size_t name_width, std::size_t width, Colour colour) {
  std::vector<Piece> pieces = TrialPieces(trial, objective);
  pieces.insert(pieces.begin(), {Fitted(trial.name, std::min(name_width, width))});
  return Join(pieces, width, colour);
}

std::int64_t Ended(const ProgressState& state) {
  return state.complete + state.reused + state.failed + state.refused;
}

/// Refused trials are none that are done, nor any that are to be.
std::string DoneText(const ProgressState& state) {
  const std::int64_t done = Ended(state) - state.refused;
  std::string text = std::to_string(done);
  // A strategy's plan is an estimate that may be overtaken: "13/12 done" would look like a mistake.
  if (state.planned) text += "/" + std::to_string(std::max(*state.planned - state.refused, done));
  return text + " done";
}

std::string TotalsLine(const ProgressState& state, std::size_t width, Colour colour) {
  std::vector<Piece> pieces{
      {Fitted(state.study, std::min(ColumnsOf(PrintableLine(state.study)), width)), kBold},
      {DoneText(state)}};
  if (state.stopping) pieces.push_back({"stopping", kRed});
  if (state.failed > 0) pieces.push_back({std::to_string(state.failed) + " failed", kRed});
  if (state.running.empty() && state.waiting_since) {
    const auto waited =
        std::chrono::duration_cast<std::chrono::seconds>(state.elapsed - *state.waiting_since);
    pieces.push_back({"waits for others " + DurationText(waited), kRed});
  }
  if (const auto eta = Eta(state); eta && !state.stopping) {
    pieces.push_back({"eta " + DurationText(*eta)});
  }
  pieces.push_back(
      {DurationText(std::chrono::duration_cast<std::chrono::seconds>(state.elapsed)) + " so far"});
  if (state.best) {
    pieces.push_back({"best " + state.objective + " " + FixedText(*state.best, 4) + " " +
                          PrintableLine(state.best_name),
                      kGreen});
  }
  if (state.reused > 0) pieces.push_back({std::to_string(state.reused) + " reused"});
  if (state.refused > 0) pieces.push_back({std::to_string(state.refused) + " refused"});
  return Join(pieces, width, colour);
}

}  // namespace

double ResumedShare(const RunningTrial& trial) { return ShareOf(trial, trial.resumed_examples); }

std::optional<std::chrono::seconds> Eta(const ProgressState& state) {
  if (state.ahead) return Seconds(ForecastSeconds(state));
  // Reused and refused trials are done but took no time of this run, so they do not enter its
  // speed.
  double measured = static_cast<double>(state.complete) - state.resumed_work;
  double running = 0;
  for (const auto& [id, trial] : state.running) {
    running += DoneShare(trial);
    measured += DoneShare(trial) - ResumedShare(trial);
  }
  const double taken = static_cast<double>((state.elapsed - state.began_training).count()) / 1000;
  const bool means_something = measured >= kLeastMeasured || (measured > 0 && taken >= kLongEnough);
  if (!state.planned || !means_something) return std::nullopt;
  const double left = std::max(0.0, static_cast<double>(*state.planned - Ended(state)) - running);
  // Of the trials to come as many will fail as of those that ended.
  const double seconds =
      taken * left / (measured + static_cast<double>(state.failed - state.failed_before));
  return Seconds(seconds);
}

std::vector<std::string> RenderProgress(const ProgressState& state, int width, int height,
                                        Colour colour) {
  const auto columns = static_cast<std::size_t>(std::max(width, 1));
  const auto rows = static_cast<std::size_t>(std::max(height, 1));
  std::size_t name_width = kShortestName;
  for (const auto& [id, trial] : state.running) {
    name_width = std::max(name_width, ColumnsOf(PrintableLine(trial.name)));
  }
  // Half of the line at most: the numbers behind the name are what changes.
  name_width = std::min(name_width, std::max(kShortestName, columns / 2));

  std::vector<std::string> lines;
  const std::size_t room = rows - 1;  // the totals need one
  const bool all_fit = state.running.size() <= room;
  // Where not all fit, one line less: it says how many are missing.
  const std::size_t shown = all_fit ? state.running.size() : room > 0 ? room - 1 : 0;
  for (const auto& [id, trial] : state.running) {
    if (lines.size() == shown) break;
    lines.push_back(TrialLine(trial, state.objective, name_width, columns, colour));
  }
  if (!all_fit && room > 0) {
    lines.push_back(
        Join({{"... and " + std::to_string(state.running.size() - shown) + " more running"}},
             columns, colour));
  }
  lines.push_back(TotalsLine(state, columns, colour));
  return lines;
}

}  // namespace beamgrid
