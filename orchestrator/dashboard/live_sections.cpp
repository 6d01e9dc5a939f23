#include "orchestrator/dashboard/live_sections.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "orchestrator/dashboard/live_cells.h"
#include "registry/util/text.h"
#include "reports/page/drawing.h"
#include "reports/page/plot.h"

namespace beamgrid {
namespace {

/// The states in the order of their bar, with the chart's class for each.
struct StateLook {
  TrialState state;
  const char* css_class;
};
constexpr StateLook kLooks[] = {{TrialState::kComplete, "complete"},
                                {TrialState::kRunning, "at-work"},
                                {TrialState::kPruned, "pruned"},
                                {TrialState::kFailed, "lost"},
                                {TrialState::kWaiting, "waiting"}};

/// Returns the trials of a state; those that wait are all that are still to be begun.
std::int64_t CountOf(const LiveStudy& live, TrialState state) {
  return state == TrialState::kWaiting ? live.to_come() : live.Count(state);
}

std::int64_t AllTrials(const LiveStudy& live) {
  return live.trials() - live.Count(TrialState::kWaiting) + live.to_come();
}

/// Returns "288 trials: 37 complete, 2 running, 249 waiting (33 of them asked for)".
std::string CountsText(const LiveStudy& live) {
  std::vector<std::string> parts;
  for (const StateLook& look : kLooks) {
    const std::int64_t count = CountOf(live, look.state);
    if (count > 0) parts.push_back(std::to_string(count) + " " + ToString(look.state));
  }
  const std::int64_t asked = live.Count(TrialState::kWaiting);
  return CountText(static_cast<std::size_t>(AllTrials(live)), "trial") +
         (parts.empty() ? "" : ": " + Join(parts)) +
         (asked == live.to_come() ? "" : " (" + std::to_string(asked) + " of them asked for)");
}

/// Returns a bar whose parts are the states' shares.
Markup CountsBar(const LiveStudy& live, const std::string& id) {
  constexpr double kWidth = 600, kHeight = 14;
  Markup inside =
      Element("title", "Trials by state") + Element("desc", {{"id", id}}, CountsText(live) + ".");
  const double all = static_cast<double>(std::max<std::int64_t>(1, AllTrials(live)));
  double x = 0;
  for (const StateLook& look : kLooks) {
    const double width = kWidth * static_cast<double>(CountOf(live, look.state)) / all;
    if (width > 0) {
      inside += EmptyElement("rect", {{"class", look.css_class},
                                      {"x", Pixels(x)},
                                      {"width", Pixels(width)},
                                      {"height", Pixels(kHeight)}});
    }
    x += width;
  }
  return Element("svg",
                 {{"class", "counts"},
                  {"role", "img"},
                  {"aria-label", "Trials by state"},
                  {"aria-describedby", id},
                  {"viewBox", "0 0 " + Pixels(kWidth) + " " + Pixels(kHeight)},
                  {"preserveAspectRatio", "none"}},
                 inside) +
         Markup::Verbatim("\n");
}

double LastLoss(const RunningFact& running) {
  return running.curve.empty() ? std::nan("") : running.curve.back().train_loss;
}

/// Returns how fast the study goes and how long it goes on, as `watch` has it.
std::string PaceText(const StudySnapshot& now) {
  std::vector<std::string> parts;
  if (const auto rate = TrialsPerHour(now.progress)) {
    parts.push_back(FixedText(*rate, *rate < 10 ? 1 : 0) + " trials an hour");
  }
  if (const double rate = ExamplesPerSecond(now.progress); rate > 0) {
    parts.push_back(FixedText(rate, 0) + " examples a second");
  }
  const auto eta = Eta(now.progress);
  parts.push_back(eta ? "about " + DurationText(*eta) + " left"
                      : "how long it goes on cannot be told yet");
  return Sentence(Join(parts));
}

PageSection NowSection(const LiveStudy& live, const Target& target) {
  PageSection section{"now", "Now", {}};
  section.Say(CountsText(live) + ".");
  section.Add(CountsBar(live, "counts-d"));
  const bool is_part = !target.filter.empty();
  std::string text =
      (is_part ? "The study as a whole: " + live.now.run_text + "." : Sentence(live.now.run_text));
  if (live.now.running()) {
    const std::string queue = QueueText(live.now.progress);
    if (!queue.empty()) text += " " + Sentence(queue);
    text += " " + PaceText(live.now);
  }
  if (const auto& planned = live.now.progress.planned) {
    text += " Its search asks for " + CountText(static_cast<std::size_t>(*planned), "trial") +
            " in all, as it sees it now.";
  }
  section.Say(text);
  return section;
}

PageSection RunningSection(const LiveStudy& live) {
  PageSection section{"running", "Running", {}};
  if (live.running.empty()) {
    section.Say("Nothing is being trained.");
    return section;
  }
  PageTable table{.caption = "Trials that are being trained",
                  .columns = {"model", ">seed", "device", ">epoch", ">training loss",
                              ">best " + std::string(live.objective->heading), "curve", ">s/epoch",
                              ">at most left"}};
  for (const RunningFact& running : live.running) {
    const std::string id = "curve-" + std::to_string(table.rows.size());
    table.rows.push_back(
        {TrialCell(live.study.name, running.trial, running.name),
         {std::to_string(running.seed)},
         {running.device},
         EpochCell(running),
         FixedCell(LastLoss(running), 4),
         ObjectiveCell(running.best),
         CurveCell(running, id),
         {running.seconds_per_epoch ? FixedText(*running.seconds_per_epoch, 1) : ""},
         LeftCell(running)});
  }
  const auto all = static_cast<std::size_t>(live.Count(TrialState::kRunning));
  if (all > live.running.size()) {
    table.more = CountText(all - live.running.size(), "more trial") + ".";
  }
  section.Add(TableMarkup(table));
  section.Note(
      "At most left: whole epochs at the pace of those that have ended; early stopping "
      "makes it less.");
  return section;
}

/// GrowingCurves is the chart's series: trials at work, then the best one.
struct GrowingCurves {
  struct Series {
    std::string name;
    std::vector<PlotPoint> points;
  };
  std::vector<Series> series;
  double low = 1, high = 0, last = 1;

  void Add(const std::string& name, const std::vector<EpochFact>& curve) {
    const std::vector<PlotPoint> points = PointsOf(curve);
    if (points.empty() || series.size() == kSeriesStyles) return;
    for (const PlotPoint& point : points) {
      low = std::min(low, point.y);
      high = std::max(high, point.y);
      last = std::max(last, point.x);
    }
    series.push_back({name, points});
  }
};

PageTable NumbersOf(const GrowingCurves& curves, const std::string& objective) {
  PageTable table{.caption = "Growing curves", .columns = {"trial", ">epoch", ">" + objective}};
  for (const auto& series : curves.series) {
    for (const PlotPoint& point : series.points) {
      table.rows.push_back({{series.name},
                            CountCell(static_cast<std::int64_t>(point.x)),
                            FixedCell(point.y, kMetricDigits)});
    }
  }
  return table;
}

PageSection GrowingSection(const LiveStudy& live) {
  PageSection section{"curves", "Curves", {}};
  GrowingCurves curves;
  if (live.best) {
    curves.Add("best trial: " + live.best->name + " seed " + std::to_string(live.best->seed),
               live.best->curve);
  }
  for (const RunningFact& running : live.running) {
    curves.Add(running.name + " seed " + std::to_string(running.seed), running.curve);
  }
  if (curves.series.empty()) {
    section.Say("No epoch has ended.");
    return section;
  }
  const std::string objective = live.objective->heading;
  Figure figure{.name = "growing",
                .title = objective + " by epoch, of trials that run and of the best one",
                .finding = CountText(curves.series.size(), "curve") + ", the highest at " +
                           FixedText(curves.high, kMetricDigits) + "."};
  Plot plot(CountAxis("epoch", 1, curves.last), LinearAxis(objective, curves.low, curves.high));
  for (std::size_t i = 0; i < curves.series.size(); ++i) {
    const auto& [name, points] = curves.series[i];
    plot.Line(points, i);
    plot.Mark(points.back(), i,
              name + ", epoch " + std::to_string(static_cast<std::int64_t>(points.back().x)) +
                  ": " + FixedText(points.back().y, kMetricDigits));
    plot.Legend(i, name);
  }
  plot.DrawInto(figure);
  figure.data = NumbersOf(curves, objective);
  section.Add(std::move(figure));
  if (live.best) {
    section.Add(Paragraph(Markup("Best trial: ") +
                          TrialCell(live.study.name, live.best->trial,
                                    live.best->name + " seed " + std::to_string(live.best->seed))
                              .markup));
  }
  return section;
}

PageSection WaitingSection(const LiveStudy& live) {
  PageSection section{"queue", "Queue", {}};
  if (live.waiting.empty()) {
    section.Say("No trial waits.");
    return section;
  }
  PageTable table{.caption = "Trials that wait, in the order in which they were asked for",
                  .columns = {"model", ">seed", "why"}};
  for (const WaitingFact& trial : live.waiting) {
    table.rows.push_back({TrialCell(live.study.name, trial.trial, trial.name),
                          {std::to_string(trial.seed)},
                          {trial.attempts == 0 ? "has not begun" : "goes on from its checkpoint"}});
  }
  const auto all = static_cast<std::size_t>(live.Count(TrialState::kWaiting));
  if (all > live.waiting.size()) {
    table.more = CountText(all - live.waiting.size(), "more trial") + " that " +
                 (all - live.waiting.size() == 1 ? "waits." : "wait.");
  }
  section.Add(TableMarkup(table));
  return section;
}

std::string ColumnAddress(Target target, std::string_view column) {
  const bool is_text = column == "name";
  // The first click shows what people look for first: the largest number, the first name.
  target.descending = target.sort == column ? !target.descending : !is_text;
  target.sort = column;
  target.page = 1;
  return target.Text();
}

Markup PageLinks(const LiveStudy& live, const Target& target) {
  const auto pages = (live.models + static_cast<std::int64_t>(kRankedTold) - 1) /
                     static_cast<std::int64_t>(kRankedTold);
  if (pages <= 1) return {};
  Markup links;
  const auto link = [&](std::int64_t page, const std::string& text) {
    Target other = target;
    other.page = page;
    links += Element("a", {{"href", other.Text()}}, text) + Markup(" ");
  };
  if (target.page > 1) link(target.page - 1, "Before");
  links += Markup("Page " + std::to_string(target.page) + " of " + std::to_string(pages) + " ");
  if (target.page < pages) link(target.page + 1, "Next");
  return Paragraph(links);
}

PageSection RankedSection(const LiveStudy& live, const Target& target) {
  PageSection section{"leaderboard", "Leaderboard", {}};
  if (live.ranked.empty()) {
    section.Say(target.page > 1 ? "The leaderboard has no such page." : "No trial is complete.");
    return section;
  }
  PageTable table{.caption = "Models by the mean of their complete seeds",
                  .columns = {">rank", "model", ">" + std::string(live.objective->heading),
                              ">lowest", ">highest", ">seeds", ">size", ">parameters"},
                  .row_names = 1};
  constexpr std::array<std::string_view, 8> kColumns = {"", "name",  "objective", "",
                                                        "", "seeds", "size",      "parameters"};
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    table.sort_links.push_back(kColumns[i].empty() ? "" : ColumnAddress(target, kColumns[i]));
    const bool is_sorted =
        target.sort.empty() ? kColumns[i] == "objective" : target.sort == kColumns[i];
    if (is_sorted) {
      table.sorted[i] = target.sort.empty() || target.descending ? "descending" : "ascending";
    }
  }
  for (const RankedFact& model : live.ranked) {
    table.rows.push_back({CountCell(model.place),
                          TrialCell(live.study.name, model.trial, model.name),
                          ObjectiveCell(model.objective),
                          ObjectiveCell(model.lowest),
                          ObjectiveCell(model.highest),
                          {std::to_string(model.seeds) + "/" + std::to_string(model.trials)},
                          SizeCell(model.size_bytes),
                          CountCell(model.parameters)});
  }
  section.Add(TableMarkup(table));
  section.Add(PageLinks(live, target));
  section.Note("Seeds: complete of those begun.");
  return section;
}

PageSection EndedSection(const LiveStudy& live) {
  PageSection section{"ended", "Ended last", {}};
  if (live.ended.empty()) {
    section.Say("No attempt has ended.");
    return section;
  }
  PageTable table{.caption = "Attempts that ended last",
                  .columns = {"ended (UTC)", "model", ">seed", "outcome",
                              ">" + std::string(live.objective->heading), "device", "why"},
                  .row_names = 1};
  constexpr std::size_t kReasonColumns = 120;
  for (const EndedFact& attempt : live.ended) {
    table.rows.push_back({{ShortTime(attempt.ended_at)},
                          TrialCell(live.study.name, attempt.trial, attempt.name),
                          {std::to_string(attempt.seed)},
                          {attempt.outcome},
                          ObjectiveCell(attempt.objective),
                          {attempt.device},
                          {Clipped(FirstLine(attempt.message), kReasonColumns)}});
  }
  section.Add(TableMarkup(table));
  return section;
}

}  // namespace

std::vector<PageSection> StudySections(const LiveStudy& live, const Target& target,
                                       const std::vector<StudyNote>& machine) {
  return {NowSection(live, target), RunningSection(live),        GrowingSection(live),
          WaitingSection(live),     RankedSection(live, target), EndedSection(live),
          DevicesSection(machine)};
}

}  // namespace beamgrid
