// The page of one trial.

#include <algorithm>
#include <cmath>

#include "orchestrator/dashboard/live_cells.h"
#include "orchestrator/dashboard/trial_facts.h"
#include "registry/class_words.h"
#include "registry/criteria.h"
#include "registry/util/small_numbers.h"
#include "registry/util/text.h"
#include "reports/page/plot.h"

namespace beamgrid {
namespace {

/// Returns "l2_joint", or "clip l2, beats standardise".
std::string NormalisationText(const DataSpec& data) {
  if (data.normalise.empty()) return "l2_joint";
  return Join(data.normalise, ", ", [](const auto& one) {
    return one.first + " " + WordFor(kNormalisations, one.second);
  });
}

std::string ValueText(const OptionValue& value) {
  return value.is_string() ? std::string(value.get_string()) : CanonicalJson(value);
}

std::string OptionsText(const Options& options) {
  return Join(options, ", ",
              [](const auto& option) { return option.first + "=" + ValueText(option.second); });
}

PageSection StateSection(const TrialFacts& facts) {
  const TrialRecord& trial = facts.trial;
  PageSection section{"trial", "State", {}};
  section.Say("It is " + ToString(trial.told_state()) + ": " + facts.verdict + ".");
  if (!trial.counts()) {
    section.Say("It does not count in study " + facts.study.name + ": " + trial.not_counted + ".");
  }
  if (trial.result) {
    PageTable table{
        .caption = "What it measured, of epoch " + std::to_string(trial.result->best_epoch),
        .columns = {}};
    std::vector<PageCell> cells;
    for (const Metric& metric : kMetrics) {
      const double value = trial.result->metrics.*metric.value;
      if (!std::isfinite(value)) continue;
      table.columns.push_back(">" + std::string(metric.heading));
      cells.push_back(FixedCell(value, kMetricDigits));
    }
    table.columns.insert(table.columns.end(),
                         {">videos", ">last attempt", ">examples/s", ">memory at most"});
    cells.push_back(CountCell(trial.result->metrics.videos));
    cells.push_back({ShortTimeText(trial.result->wall_seconds), trial.result->wall_seconds});
    cells.push_back(FixedCell(trial.result->examples_per_second, 0));
    cells.push_back(SizeCell(trial.result->peak_memory_bytes));
    table.row_names = table.columns.size();  // one row needs no name
    table.rows.push_back(std::move(cells));
    section.Add(TableMarkup(table));
  }
  return section;
}

PageSection PartsSection(const TrialFacts& facts) {
  PageSection section{"parts", "Parts and settings", {}};
  PageTable table{.caption = "Its parts", .columns = {"part", "options"}};
  const auto add = [&table](const std::string& part, const Options& options) {
    table.rows.push_back({{part}, {OptionsText(options)}});
  };
  const ModelSpec& model = facts.spec.model;
  for (const Criterion& criterion : kCriteria) {
    const std::string name(criterion.name);
    if (const auto part = model.parts.find(name); part != model.parts.end()) {
      add(name + " " + part->second.component, part->second.options);
    }
    if (criterion.role == CriterionRole::kSettings) add(name, model.train);
    if (criterion.role != CriterionRole::kExtras) continue;
    for (const auto& [extra, options] : model.extras) add(name + " " + extra, options);
  }
  section.Add(TableMarkup(table));
  const DataSpec& data = facts.spec.data;
  section.Say(std::to_string(facts.trial.parameters) + " parameters, " +
              SizeText(facts.trial.size_bytes) + " as shipped. Data: " + data.format + " level, " +
              CountText(data.train.size(), "file") + " to train on, " +
              std::to_string(data.validate.size()) + " to validate, " +
              std::to_string(data.classes) +
              (data.multi_class ? " classes of which a video has one" : " classes") +
              (data.video_weight.empty() ? "" : ", videos weigh " + data.video_weight) +
              (data.frame_alignment == FrameAlignment::kCut ? "" : ", nearest frames") +
              ", normalised " + NormalisationText(data) + ", digest " + data.digest +
              ". Fingerprint " + facts.trial.fingerprint + ".");
  const std::string classes = NumberedClasses(facts.class_names);
  if (!classes.empty()) section.Say("Its classes: " + classes + ".");
  return section;
}

/// Returns those that need labels alone, and of the others those that an epoch measured.
std::vector<Metric> MetricsOfEpochs(const std::vector<EpochResult>& epochs) {
  std::vector<Metric> metrics;
  for (const Metric& metric : kMetrics) {
    const bool measured = std::ranges::any_of(epochs, [&metric](const EpochResult& epoch) {
      return std::isfinite(epoch.metrics.*metric.value);
    });
    if (measured || metric.needs == Metric::Needs::kLabels) metrics.push_back(metric);
  }
  return metrics;
}

PageSection TrialCurveSection(const TrialFacts& facts) {
  PageSection section{"curve", "Curve", {}};
  const std::string objective = facts.objective->heading;
  PageTable table{.caption = "Its epochs",
                  .columns = {">epoch", ">training loss", ">validation loss"},
                  .row_names = 0};
  const std::vector<Metric> metrics = MetricsOfEpochs(facts.epochs);
  for (const Metric& metric : metrics) table.columns.push_back(">" + std::string(metric.heading));
  std::vector<PlotPoint> points;
  for (const EpochResult& epoch : facts.epochs) {
    std::vector<PageCell>& cells = table.rows.emplace_back();
    cells = {CountCell(epoch.epoch), FixedCell(epoch.train_loss, kMetricDigits),
             FixedCell(epoch.validate_loss, kMetricDigits)};
    for (const Metric& metric : metrics) {
      cells.push_back(FixedCell(epoch.metrics.*metric.value, kMetricDigits));
    }
    const double y = epoch.metrics.*facts.objective->value;
    if (std::isfinite(y)) points.push_back({static_cast<double>(epoch.epoch), y});
  }
  if (points.empty()) {
    section.Say("No epoch has ended.");
    if (!table.rows.empty()) section.Add(TableMarkup(table));
    return section;
  }
  const auto best = std::ranges::max_element(points, {}, &PlotPoint::y);
  const auto [low, high] = std::ranges::minmax(points, {}, &PlotPoint::y);
  Figure figure{.name = "trial-curve",
                .title = objective + " by epoch",
                .finding = "The highest is " + FixedText(best->y, kMetricDigits) + " at epoch " +
                           std::to_string(static_cast<std::int64_t>(best->x)) + " of " +
                           std::to_string(static_cast<std::int64_t>(points.back().x)) + "."};
  Plot plot(CountAxis("epoch", 1, points.back().x), LinearAxis(objective, low.y, high.y));
  plot.Line(points, 0);
  plot.Mark(*best, 0, FixedText(best->y, kMetricDigits));
  plot.DrawInto(figure);
  figure.data = std::move(table);
  section.Add(std::move(figure));
  return section;
}

Markup AttemptLog(const Store::AttemptRecord& attempt) {
  return Element("details", Element("summary", "End of the log of attempt " +
                                                   std::to_string(attempt.attempt)) +
                                Element("pre", {{"tabindex", "0"}}, attempt.log_tail)) +
         Markup::Verbatim("\n");
}

PageSection AttemptsSection(const TrialFacts& facts) {
  PageSection section{"attempts", "Attempts", {}};
  if (facts.attempts.empty()) {
    section.Say("None has begun.");
    return section;
  }
  PageTable table{.caption = "Its attempts",
                  .columns = {">attempt", "began (UTC)", "ended (UTC)", "outcome", "device",
                              ">threads", ">exit code", "why"},
                  .row_names = 1};
  for (const Store::AttemptRecord& attempt : facts.attempts) {
    table.rows.push_back({CountCell(attempt.attempt),
                          {attempt.begun ? ShortTime(attempt.started_at) : ""},
                          {ShortTime(attempt.finished_at)},
                          {attempt.told_outcome()},
                          {attempt.device},
                          CountCell(attempt.threads),
                          CountCell(attempt.exit_code),
                          {attempt.message}});
  }
  section.Add(TableMarkup(table));
  for (const Store::AttemptRecord& attempt : facts.attempts) {
    if (!attempt.log_tail.empty()) section.Add(AttemptLog(attempt));
  }
  return section;
}

PageSection NotesSection(const TrialFacts& facts) {
  PageSection section{"why", "Why it was asked for, and what was decided", {}};
  if (facts.notes.empty()) {
    section.Say("Nothing is noted.");
    return section;
  }
  PageTable table{.caption = "Notes", .columns = {"at (UTC)", "note"}};
  for (const TrialNote& note : facts.notes) {
    table.rows.push_back({{ShortTime(note.at)}, {note.text}});
  }
  section.Add(TableMarkup(table));
  return section;
}

PageSection SeedsOfModelSection(const TrialFacts& facts) {
  PageSection section{"seeds", "Seeds of this model", {}};
  PageTable table{
      .caption = "Trials of the same name in this study",
      .columns = {"seed", "state", ">" + std::string(facts.objective->heading), "counts"}};
  for (const SeedFact& seed : facts.seeds) {
    const std::string text = std::to_string(seed.seed);
    const bool is_this = seed.trial == static_cast<std::int64_t>(facts.trial.id);
    table.rows.push_back(
        {is_this ? PageCell{text + " (this one)"} : TrialCell(facts.study.name, seed.trial, text),
         {seed.state},
         ObjectiveCell(seed.objective),
         {seed.counts ? "yes" : "no"}});
  }
  section.Add(TableMarkup(table));
  return section;
}

PageSection MembershipsSection(const TrialFacts& facts) {
  PageSection section{"ensembles", "Ensembles", {}};
  if (facts.ensembles.empty()) {
    section.Say("It is in no recorded ensemble.");
    return section;
  }
  PageTable table{
      .caption = "Ensembles that it is a member of",
      .columns = {"ensemble", "recorded (UTC)", ">members", ">weight", ">GAP on the holdout"}};
  constexpr int kWeightDecimals = 3;
  for (const MembershipFact& fact : facts.ensembles) {
    const Target report{.kind = ViewKind::kReport, .study = fact.study, .section = "ensemble"};
    const std::string name = fact.study + ":" + std::to_string(fact.ensemble);
    table.rows.push_back({{name, {}, Element("a", {{"href", report.Text()}}, name)},
                          {ShortTime(fact.created_at)},
                          CountCell(fact.members),
                          fact.weight ? FixedCell(*fact.weight, kWeightDecimals) : PageCell{""},
                          ObjectiveCell(fact.holdout_gap)});
  }
  section.Add(TableMarkup(table));
  section.Note("A link leads to the latest ensemble of its study.");
  return section;
}

std::string CommandsText(const TrialFacts& facts, const std::string& options) {
  const TrialRecord& trial = facts.trial;
  const std::string id = std::to_string(static_cast<std::int64_t>(trial.id));
  std::string text = "beamgrid show " + id + options + "\nbeamgrid explain " + id + options + "\n";
  if (trial.state == TrialState::kComplete) {
    text += "beamgrid verify " + facts.study.name + " " + id + options + "\nbeamgrid predict " +
            id + " DATA --out predictions.csv" + options + "\nbeamgrid export " + id +
            " --out model" + options + "\n";
  } else if (trial.counts()) {
    text += "beamgrid run recipe.toml" +
            std::string(trial.state == TrialState::kFailed ? " --retry failed" : "") + options +
            "\n";
  }
  return text;
}

PageSection FolderSection(const TrialFacts& facts, const std::string& options) {
  PageSection section{"folder", "Folder and commands", {}};
  if (!facts.trial.directory.empty()) {
    section.Add(Paragraph(Markup("Folder: ") + Element("code", facts.trial.directory)));
  }
  if (!facts.artifacts.empty()) {
    PageTable table{.caption = "Its files", .columns = {"file", ">size", "hash", "path"}};
    for (const Artifact& artifact : facts.artifacts) {
      const std::string gone =
          artifact.pruned_at.empty() ? "" : " (given up by prune, " + artifact.pruned_at + ")";
      table.rows.push_back(
          {{artifact.name}, SizeCell(artifact.bytes), {artifact.hash}, {artifact.path + gone}});
    }
    section.Add(TableMarkup(table));
  }
  section.Add(Element("pre", {{"tabindex", "0"}}, CommandsText(facts, options)) +
              Markup::Verbatim("\n"));
  return section;
}

}  // namespace

std::vector<PageSection> TrialSections(const TrialFacts& facts, const std::string& options) {
  return {StateSection(facts),       PartsSection(facts),          TrialCurveSection(facts),
          AttemptsSection(facts),    NotesSection(facts),          SeedsOfModelSection(facts),
          MembershipsSection(facts), FolderSection(facts, options)};
}

boost::json::object TrialJson(const TrialFacts& facts) {
  const TrialRecord& trial = facts.trial;
  boost::json::object metrics;
  for (const Metric& metric : kMetrics) {
    metrics[metric.name] =
        trial.result ? NumberOrNull(trial.result->metrics.*metric.value) : nullptr;
  }
  boost::json::object json = {{"id", static_cast<std::int64_t>(trial.id)},
                              {"study", facts.study.name},
                              {"name", trial.name},
                              {"seed", trial.seed},
                              {"fingerprint", trial.fingerprint},
                              {"state", ToString(trial.told_state())},
                              {"why", facts.verdict},
                              {"counts", trial.counts()},
                              {"parameters", trial.parameters},
                              {"size_bytes", trial.size_bytes},
                              {"directory", trial.directory},
                              {"metrics", std::move(metrics)},
                              {"spec", ToJson(facts.spec.model)},
                              {"class_names", JsonList(facts.class_names)}};
  json["epochs"] = JsonList(facts.epochs, [](const EpochResult& epoch) {
    boost::json::object object = {{"epoch", epoch.epoch},
                                  {"train_loss", NumberOrNull(epoch.train_loss)},
                                  {"validate_loss", NumberOrNull(epoch.validate_loss)}};
    for (const Metric& metric : kMetrics) {
      object[metric.name] = NumberOrNull(epoch.metrics.*metric.value);
    }
    return object;
  });
  json["attempts"] = JsonList(facts.attempts, [](const Store::AttemptRecord& attempt) {
    return boost::json::object{
        {"attempt", attempt.attempt},         {"outcome", attempt.told_outcome()},
        {"device", attempt.device},           {"started_at", attempt.started_at},
        {"finished_at", attempt.finished_at}, {"message", attempt.message},
        {"exit_code", attempt.exit_code}};
  });
  json["notes"] = JsonList(facts.notes, [](const TrialNote& note) {
    return boost::json::object{{"at", note.at}, {"text", note.text}};
  });
  json["seeds"] = JsonList(facts.seeds, [](const SeedFact& seed) {
    return boost::json::object{
        {"id", seed.trial}, {"seed", seed.seed}, {"state", seed.state}, {"counts", seed.counts}};
  });
  json["ensembles"] = JsonList(facts.ensembles, [](const MembershipFact& fact) {
    return boost::json::object{{"study", fact.study}, {"id", fact.ensemble}};
  });
  return json;
}

}  // namespace beamgrid
