// What the devices did: attempts, gaps, retries, ends for want of memory.

#include <algorithm>
#include <cmath>
#include <map>

#include "registry/util/text.h"
#include "reports/page/section.h"
#include "reports/page/timeline_chart.h"

namespace beamgrid {
namespace {

constexpr std::size_t kDrawnLanes = 64;

using Attempts = std::vector<const AttemptFact*>;

/// Period is from the first beginning to the last end that the record knows: an attempt that runs
/// ends where the record does, for the page has no clock.
struct Period {
  double from = 0, to = 0;
  [[nodiscard]] double seconds() const { return to - from; }
  [[nodiscard]] double EndOf(const AttemptFact& attempt) const {
    return attempt.ended_at.value_or(to);
  }
};

Period PeriodOf(const std::vector<AttemptFact>& attempts) {
  Period period{attempts.front().begun_at, attempts.front().begun_at};
  for (const AttemptFact& attempt : attempts) {
    period.from = std::min(period.from, attempt.begun_at);
    period.to = std::max({period.to, attempt.begun_at, attempt.ended_at.value_or(0)});
  }
  return period;
}

BarKind KindOf(const AttemptFact& attempt) {
  if (!attempt.ended_at) return BarKind::kRunning;
  if (attempt.outcome == "complete") return BarKind::kComplete;
  if (attempt.outcome == "interrupted") return BarKind::kStopped;
  return attempt.outcome == "out_of_memory" ? BarKind::kOutOfMemory : BarKind::kFailed;
}

std::string SpanText(double seconds) {
  if (seconds < 60) return FixedText(seconds, 1) + "s";
  return DurationText(std::chrono::seconds(std::llround(seconds)));
}

/// Puts the attempts of a device, by their beginning, into as few lanes as hold them.
std::vector<Attempts> LanesOf(const Attempts& attempts, const Period& period) {
  // Times are of milliseconds, so that the next attempt may begin in the one in which one ends.
  constexpr double kSameMoment = 0.002;
  std::vector<Attempts> lanes;
  for (const AttemptFact* attempt : attempts) {
    const auto lane = std::ranges::find_if(lanes, [&](const Attempts& taken) {
      return period.EndOf(*taken.back()) <= attempt->begun_at + kSameMoment;
    });
    if (lane == lanes.end()) {
      lanes.push_back({attempt});
    } else {
      lane->push_back(attempt);
    }
  }
  return lanes;
}

/// Gap is when a device did nothing for the study.
struct Gap {
  double seconds = 0, from = 0;
};

Gap LongestGap(const Attempts& attempts, const Period& period) {
  Gap longest;
  double until = period.from;
  const auto consider = [&](double next) {
    if (next - until > longest.seconds) longest = {next - until, until};
  };
  for (const AttemptFact* attempt : attempts) {
    consider(attempt->begun_at);
    until = std::max(until, period.EndOf(*attempt));
  }
  consider(period.to);
  return longest;
}

std::string FailuresText(const Attempts& attempts) {
  std::map<std::string, std::size_t> kinds;
  for (const AttemptFact* attempt : attempts) {
    if (attempt->failed()) ++kinds[attempt->outcome];
  }
  if (kinds.empty()) return "0";
  return Join(kinds, ", ",
              [](const auto& kind) { return std::to_string(kind.second) + " " + kind.first; });
}

std::vector<PageCell> DeviceRow(const std::string& device, const Attempts& attempts,
                                const Period& period) {
  double busy = 0;
  for (const AttemptFact* attempt : attempts) busy += period.EndOf(*attempt) - attempt->begun_at;
  const auto retries = std::ranges::count_if(
      attempts, [](const AttemptFact* attempt) { return attempt->number > 1; });
  const auto with = [&](const std::string& outcome) {
    return CountCell(std::ranges::count(attempts, outcome, &AttemptFact::outcome));
  };
  const Gap gap = LongestGap(attempts, period);
  return {
      {device},
      CountCell(std::ssize(attempts)),
      with("complete"),
      with("interrupted"),
      {FailuresText(attempts)},
      CountCell(retries),
      {SpanText(busy), busy},
      {SpanText(gap.seconds) + (gap.seconds > 0 ? " from " + SpanText(gap.from - period.from) : ""),
       gap.seconds}};
}

std::string BarTitle(const AttemptFact& attempt, const Period& period) {
  std::string title = attempt.model + " seed " + std::to_string(attempt.seed) + ", attempt " +
                      std::to_string(attempt.number) + ": " + attempt.outcome + ", from " +
                      SpanText(attempt.begun_at - period.from) + " for " +
                      SpanText(period.EndOf(attempt) - attempt.begun_at);
  return attempt.message.empty() ? title : title + "; " + attempt.message;
}

std::string TimelineFinding(const std::vector<AttemptFact>& attempts, std::size_t devices,
                            const Period& period) {
  const auto failed = std::ranges::count_if(attempts, &AttemptFact::failed);
  const auto memory =
      std::ranges::count(attempts, std::string("out_of_memory"), &AttemptFact::outcome);
  return CountText(attempts.size(), "attempt") + " on " + CountText(devices, "device") + " in " +
         SpanText(period.seconds()) + ", of which " + std::to_string(failed) + " failed, " +
         std::to_string(memory) + " for want of memory.";
}

}  // namespace

PageSection TimelineSection(const StudyFacts& facts) {
  PageSection section{"timeline", "Timeline of the devices", {}};
  if (facts.attempts.empty()) {
    section.Say("No attempt was begun.");
    return section;
  }
  const Period period = PeriodOf(facts.attempts);
  std::map<std::string, Attempts> devices;
  for (const AttemptFact& attempt : facts.attempts) devices[attempt.device].push_back(&attempt);
  Figure figure{.name = "timeline",
                .title = "What each device did",
                .finding = TimelineFinding(facts.attempts, devices.size(), period)};
  figure.data = {.caption = "Devices",
                 .columns = {"device", ">attempts", ">complete", ">stopped", "failed", ">retries",
                             ">busy, all slots together", ">longest gap"}};
  std::vector<TimelineLane> drawn;
  std::size_t left_out = 0;
  for (const auto& [device, attempts] : devices) {
    figure.data.rows.push_back(DeviceRow(device, attempts, period));
    bool first = true;
    for (const Attempts& lane : LanesOf(attempts, period)) {
      if (drawn.size() == kDrawnLanes) {
        ++left_out;
        continue;
      }
      TimelineLane& made = drawn.emplace_back();
      if (first) made.label = device;
      first = false;
      for (const AttemptFact* attempt : lane) {
        made.bars.push_back({attempt->begun_at - period.from, period.EndOf(*attempt) - period.from,
                             KindOf(*attempt), BarTitle(*attempt, period)});
      }
    }
  }
  DrawTimeline(drawn, SecondsAxis("time since the first attempt", period.seconds()), figure);
  section.Add(std::move(figure));
  if (left_out > 0) {
    section.Note(CountText(left_out, "more lane") + " of attempts that ran at once are not drawn.");
  }
  section.Note(
      "The first attempt began at " +
      UtcText(std::chrono::system_clock::time_point(
          std::chrono::seconds(std::llround(std::floor(period.from))))) +
      ". Attempts that ran at once on a device lie below each other; a gap is a time in which the "
      "device did nothing for this study, whatever it did for others.");
  return section;
}

}  // namespace beamgrid
