#include "orchestrator/commands/search_cost_text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>

#include "orchestrator/commands/terminal.h"
#include "registry/util/small_numbers.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string HoursText(double hours) {
  if (hours <= 0) return "0";
  if (hours < 0.0001) return "<0.0001";
  if (hours >= 1) return FixedText(hours, hours < 10 ? 2 : hours < 100 ? 1 : 0);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.2g", hours);
  return text.data();
}

/// Returns "2.10 CPU-hours (1.50 to 3.00)". `unit`: empty, or to be said after the number.
template <typename TextOf>
std::string RangeText(const CostRange& range, const TextOf& text_of, const std::string& unit,
                      bool bounded) {
  const std::string low = text_of(range.low);
  const std::string high = text_of(range.high);
  const std::string after = unit.empty() ? "" : " " + unit;
  if (low == high) return text_of(range.about) + after;
  // Half of what it would be for the whole grid means nothing.
  if (!bounded) return low + " to at most " + high + after;
  return text_of(range.about) + after + " (" + low + " to " + high + ")";
}

/// Returns "2.10 CPU-hours (1.50 to 3.00) and 0.30 GPU-hours (0.20 to 0.40)".
std::string HoursText(const std::map<std::string, CostRange>& hours, bool bounded) {
  return Join(hours, " and ", [bounded](const auto& entry) {
    const auto number = [](double value) { return HoursText(value); };
    return RangeText(entry.second, number, entry.first == "cuda" ? "GPU-hours" : "CPU-hours",
                     bounded);
  });
}

std::int64_t WholeBytes(double bytes) {
  return bytes < 9e18 ? static_cast<std::int64_t>(bytes) : INT64_MAX;
}

std::string TrialsText(const TrialRange& trials) {
  if (trials.least == trials.most) {
    return CountText(static_cast<std::size_t>(trials.most), "trial");
  }
  return std::to_string(trials.least) + (trials.bounded ? " to " : " to at most ") +
         CountText(static_cast<std::size_t>(trials.most), "trial");
}

std::map<std::string, std::size_t> SlotCounts(const std::vector<Slot>& slots) {
  std::map<std::string, std::size_t> counts;
  for (const Slot& slot : slots) ++counts[slot.device];
  return counts;
}

std::string SlotsText(const std::vector<Slot>& slots) {
  return Join(SlotCounts(slots), ", ", [](const auto& entry) {
    return CountText(entry.second, "slot") + " of " + entry.first;
  });
}

std::string OtherText(const OtherStrategy& other) {
  if (!other.problem.empty()) return "not with this recipe: " + other.problem;
  std::string text = TrialsText(other.trials);
  const auto most = static_cast<double>(other.trials.most);
  if (other.whole_trials < 0.995 * most) {
    text += " (" + FixedText(100 * other.whole_trials / most, 0) + " % of their epochs)";
  }
  if (!other.hours.empty()) text += ", " + HoursText(other.hours, other.trials.bounded);
  return text;
}

boost::json::value Json(const CostRange& range) {
  return {{"low", range.low}, {"about", range.about}, {"high", range.high}};
}

boost::json::value Json(const std::map<std::string, CostRange>& hours) {
  if (hours.empty()) return nullptr;
  boost::json::object object;
  for (const auto& [kind, range] : hours) object[kind] = Json(range);
  return object;
}

boost::json::object Json(const TrialRange& trials) {
  return {{"least", trials.least}, {"most", trials.most}, {"bounded", trials.bounded}};
}

void PrintRest(std::ostream& out, const CostReport& report) {
  const SearchCost& cost = report.cost;
  if (cost.wall_seconds) {
    PrintProse(out, "  ",
               "left to do: " + HoursText(cost.hours, cost.trials.bounded) + ", " +
                   RangeText(*cost.wall_seconds, ShortTimeText, "", cost.trials.bounded) + " on " +
                   SlotsText(report.slots),
               4);
  }
  const auto size = [](double bytes) { return SizeText(WholeBytes(bytes)); };
  PrintProse(out, "  ",
             "on disk: " + RangeText(cost.disk_end_bytes, size, "", cost.trials.bounded) +
                 " more at the end" + (cost.disk_has_predictions ? "" : " and the predictions") +
                 ", at most " + SizeText(cost.disk_most_bytes) + " meanwhile",
             4);
}

}  // namespace

void PrintCost(std::ostream& out, const CostReport& report) {
  const SearchCost& cost = report.cost;
  PrintProse(out, "",
             "this search (" + report.strategy + "): " + TrialsText(cost.trials) + ", " +
                 std::to_string(cost.complete) + " complete already",
             2);
  if (cost.nothing_left) {
    PrintProse(out, "  ", "nothing is left to train", 4);
  } else {
    PrintRest(out, report);
  }
  for (const std::string& line : report.basis) PrintProse(out, "  ", line, 4);
  if (report.others.empty()) return;
  PrintProse(out, "", "what other strategies would cost on this grid, from the beginning:", 2);
  std::size_t width = 0;
  for (const OtherStrategy& other : report.others) width = std::max(width, other.name.size());
  for (const OtherStrategy& other : report.others) {
    const std::string name = "  " + other.name + std::string(width - other.name.size() + 2, ' ');
    PrintProse(out, name, OtherText(other), name.size());
  }
}

boost::json::object CostJson(const CostReport& report) {
  const SearchCost& cost = report.cost;
  boost::json::object trials = Json(cost.trials);
  trials["complete"] = cost.complete;
  boost::json::object slots;
  for (const auto& [device, count] : SlotCounts(report.slots)) slots[device] = count;
  boost::json::array others;
  for (const OtherStrategy& other : report.others) {
    if (!other.problem.empty()) {
      others.push_back({{"strategy", other.name}, {"problem", other.problem}});
      continue;
    }
    others.push_back({{"strategy", other.name},
                      {"problem", nullptr},
                      {"trials", Json(other.trials)},
                      {"whole_trainings", other.whole_trials},
                      {"device_hours", Json(other.hours)}});
  }
  boost::json::value wall = nullptr;
  if (cost.wall_seconds) wall = Json(*cost.wall_seconds);
  return {{"cost",
           {{"strategy", report.strategy},
            {"trials", std::move(trials)},
            {"device_hours", Json(cost.hours)},
            {"wall_seconds", std::move(wall)},
            {"slots", std::move(slots)},
            {"disk_bytes",
             {{"end", Json(cost.disk_end_bytes)},
              {"most", cost.disk_most_bytes},
              {"with_predictions", cost.disk_has_predictions}}},
            {"from", boost::json::value_from(report.basis)}}},
          {"other_strategies", std::move(others)}};
}

}  // namespace beamgrid
