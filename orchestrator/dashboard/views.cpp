#include "orchestrator/dashboard/views.h"

#include <algorithm>
#include <set>

#include "orchestrator/dashboard/live_assets.h"
#include "orchestrator/dashboard/live_facts.h"
#include "orchestrator/dashboard/live_sections.h"
#include "orchestrator/dashboard/trial_facts.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "reports/page/assets.h"
#include "reports/page/page.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

constexpr char kJsonType[] = "application/json";

Markup Line(const Markup& markup) { return markup + Markup::Verbatim("\n"); }

Markup Link(const Target& target, const std::string& text) {
  return Element("a", {{"href", target.Text()}}, text);
}

Target StudyTarget(const std::string& study, ViewKind kind, const TrialFilter& filter) {
  return {.kind = kind, .study = study, .filter = filter};
}

Markup Links(const std::string& label, const Markup& items) {
  return Line(Element("nav", {{"aria-label", label}}, Line(Element("ul", items))));
}

/// Returns the links from a study's page to what else there is of it.
Markup StudyLinks(const Target& target) {
  Markup items = Line(Element("li", Link({}, "All studies")));
  items +=
      Line(Element("li", Link(StudyTarget(target.study, ViewKind::kStudy, target.filter), "Live")));
  items += Line(
      Element("li", Link(StudyTarget(target.study, ViewKind::kReport, target.filter), "Report")));
  return Links("Pages", items);
}

/// Returns the links to the sections of a report, each a page of its own.
Markup ReportLinks(const Target& target, const std::vector<PageSection>& sections) {
  Markup items;
  for (const PageSection& section : sections) {
    Target one = StudyTarget(target.study, ViewKind::kReport, target.filter);
    one.section = section.name;
    const Attributes attributes = section.name == target.section
                                      ? Attributes{{"href", one.Text()}, {"aria-current", "page"}}
                                      : Attributes{{"href", one.Text()}};
    items += Line(Element("li", Element("a", attributes, section.title)));
  }
  return Links("Sections", items);
}

Markup Choice(const std::string& criterion, const std::vector<std::string>& components,
              const std::string& chosen) {
  Markup options = Element("option", {{"value", ""}}, "any");
  for (const std::string& component : components) {
    Attributes attributes = {{"value", component}};
    if (component == chosen) attributes.emplace_back("selected", "selected");
    options += Element("option", attributes, component);
  }
  return Line(Element("label",
                      Markup(criterion + " ") + Element("select", {{"name", criterion}}, options)));
}

/// Returns the form that chooses trials. It asks for the same view of them.
Markup FilterForm(const Target& target, Choices choices) {
  Markup inside = Line(
      Element("label", Markup("name ") + EmptyElement("input", {{"type", "search"},
                                                                {"name", "name"},
                                                                {"maxlength", "100"},
                                                                {"value", target.filter.name}})));
  // One that is chosen is there too if the recipe names no other.
  for (const auto& [criterion, component] : target.filter.parts) {
    std::vector<std::string>& components = choices[criterion];
    if (std::ranges::count(components, component) == 0) components.push_back(component);
  }
  for (const auto& [criterion, components] : choices) {
    const auto chosen = target.filter.parts.find(criterion);
    inside +=
        Choice(criterion, components, chosen == target.filter.parts.end() ? "" : chosen->second);
  }
  if (!target.sort.empty()) {
    inside += EmptyElement("input", {{"type", "hidden"},
                                     {"name", "sort"},
                                     {"value", (target.descending ? "-" : "") + target.sort}});
  }
  inside += Line(Element("button", {{"type", "submit"}}, "Show these trials"));
  Target action = target;
  action.filter = {};
  action.sort.clear();
  action.page = 1;
  return Line(Element("form", {{"class", "choose"}, {"action", action.Text()}, {"method", "get"}},
                      Line(Markup()) + inside));
}

std::string FilterText(const TrialFilter& filter) {
  std::vector<std::string> parts;
  if (!filter.name.empty()) parts.push_back("name with '" + filter.name + "'");
  for (const auto& [criterion, component] : filter.parts) {
    parts.push_back(criterion + " = " + component);
  }
  return Join(parts);
}

/// Returns a note that only some trials are spoken of; nothing where all are.
Markup FilterNote(const Target& target) {
  if (target.filter.empty()) return {};
  return Paragraph(Markup("Only of trials with " + FilterText(target.filter) +
                          ": every number below is of these alone. ") +
                       Link(StudyTarget(target.study, target.kind, {}), "All trials"),
                   "only");
}

ViewSection SectionView(const PageSection& section) {
  ViewSection view{.id = "live-" + section.name, .digest = "", .html = ""};
  view.html = SectionMarkup(section, "", "h2").text();
  view.digest = HashBytes(view.html);
  return view;
}

View JsonView(const boost::json::value& value, std::string as_of) {
  return {.type = kJsonType, .body = CanonicalJson(value) + "\n", .as_of = std::move(as_of)};
}

PageFrame FrameFor(const std::string& title) {
  return {.title = title,
          .policy = "",
          .generator = "beamgrid serve",
          .styles = {PageStyle() + ChartStyle(), LiveStyle()}};
}

/// Returns a page with what stands above its sections, which state it is in, and `boxes`, the
/// sections.
std::string LivePage(const std::string& title, const Markup& above, const Markup& state,
                     const Markup& boxes, const Target& target) {
  Markup main = Line(Element("h1", title)) + above;
  main += Line(Element("p", {{"class", "note"}}, state));
  main += Line(Element("div", {{"id", "live-sections"}}, Markup::Verbatim("\n") + boxes));
  PageFrame frame = FrameFor(title);
  // Of a report the tables are sorted here, of a live page by the server: by the address.
  if (target.kind == ViewKind::kReport) frame.scripts.push_back(PageScript());
  frame.scripts.push_back(LiveScript());
  return WriteFrame(frame, main);
}

std::string TitleOf(const Target& target) {
  switch (target.kind) {
    case ViewKind::kStudies:
      break;
    case ViewKind::kStudy:
      return "Study " + target.study;
    case ViewKind::kTrial:
      return "Trial " + std::to_string(target.trial) + " of study " + target.study;
    case ViewKind::kReport:
      return "Report on study " + target.study;
  }
  return "beamgrid";
}

}  // namespace

View EmptyView(const Target& target) {
  const Markup state =
      Element("span", {{"id", "live-state"}, {"role", "status"}},
              "The record is being read, and this page shows it as soon as it is") +
      Markup(" ") + Element("time", {{"id", "live-time"}}, "") + Markup(" ") +
      Link(target, "Look again");
  View view;
  view.body =
      LivePage(TitleOf(target), Links("Pages", Line(Element("li", Link({}, "All studies")))), state,
               {}, target);
  return view;
}

std::string PagePolicy() {
  return "default-src 'none'; style-src '" + StyleSource() + "' '" + LiveStyleSource() +
         "'; script-src '" + ScriptSource() + "' '" + LiveScriptSource() +
         "'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
}

View RefusalView(const Refusal& refusal, ViewForm form) {
  View view{.status = refusal.status, .trouble = refusal.why};
  if (form == ViewForm::kJson) {
    view.type = kJsonType;
    view.body = CanonicalJson(boost::json::object{{"error", refusal.why}}) + "\n";
    return view;
  }
  const std::string title = "Not shown (" + std::to_string(refusal.status) + ")";
  view.body =
      WriteFrame(FrameFor(title), Line(Element("h1", title)) + Paragraph(refusal.why + ".") +
                                      Paragraph(Link({}, "All studies")));
  return view;
}

std::string Views::Now() const { return UtcText(parts_.now()); }

View Views::Page(const std::string& title, const Markup& above,
                 const std::vector<PageSection>& sections, const Target& target) const {
  View view{.as_of = Now()};
  Markup boxes;
  for (const PageSection& section : sections) {
    view.sections.push_back(SectionView(section));
    const ViewSection& made = view.sections.back();
    boxes += Line(Element("div", {{"id", made.id}, {"data-digest", made.digest}},
                          Markup::Verbatim(made.html)));
  }
  const Markup state = Element("span", {{"id", "live-state"}, {"role", "status"}}, "As read") +
                       Markup(" at ") + Element("time", {{"id", "live-time"}}, view.as_of);
  view.body = LivePage(title, above, state, boxes, target);
  return view;
}

View Views::Studies(const Target& target, const Store& store, const RunningStudies& running) const {
  std::vector<LiveStudy> studies;
  store.AsOfOneMoment([&] {
    for (const StudyRecord& study : store.Studies()) {
      studies.push_back(ReadStudyLine(store, running, study, parts_.now()));
    }
  });
  if (target.form == ViewForm::kJson) {
    return JsonView(JsonList(studies, StudyLineJson), Now());
  }
  return Page(TitleOf(target), {}, StudiesSections(studies, parts_.machine()), target);
}

View Views::NoStudy(const Target& target, const Store& store) const {
  const std::string names = Join(store.Studies(), ", ", &StudyRecord::name);
  return RefusalView({404, "no study '" + target.study + "' in the record" +
                               (names.empty() ? "; it holds none" : "; studies: " + names)},
                     target.form);
}

View Views::Study(const Target& target, const Store& store, const RunningStudies& running) const {
  std::optional<LiveStudy> live;
  store.AsOfOneMoment([&] {
    const std::optional<StudyRecord> study = store.FindStudy(target.study);
    if (study) live = ReadLiveStudy(store, running, *study, target, parts_.now());
  });
  if (!live) return NoStudy(target, store);
  if (target.form == ViewForm::kJson) {
    boost::json::object json = StudyJson(*live);
    json["as_of"] = Now();
    return JsonView(json, Now());
  }
  Markup above = StudyLinks(target);
  if (!live->study.description.empty()) above += Paragraph(live->study.description);
  above += FilterForm(target, parts_.choices(store, live->study)) + FilterNote(target);
  return Page(TitleOf(target), above, StudySections(*live, target, parts_.machine()), target);
}

View Views::Trial(const Target& target, const Store& store) const {
  std::optional<StudyRecord> study;
  std::optional<TrialFacts> facts;
  store.AsOfOneMoment([&] {
    study = store.FindStudy(target.study);
    if (study) facts = ReadTrialFacts(store, *study, TrialId(target.trial));
  });
  if (facts && parts_.class_names) {
    facts->class_names = parts_.class_names(store, study->id, facts->spec.data);
  }
  if (!study) return NoStudy(target, store);
  if (!facts) {
    return RefusalView(
        {404, "study '" + target.study + "' has no trial " + std::to_string(target.trial) +
                  "; `beamgrid trials " + target.study + "` lists them"},
        target.form);
  }
  if (target.form == ViewForm::kJson) {
    boost::json::object json = TrialJson(*facts);
    json["as_of"] = Now();
    return JsonView(json, Now());
  }
  const std::string title = facts->trial.name + " seed " + std::to_string(facts->trial.seed);
  const Markup above =
      StudyLinks(target) +
      Paragraph(Markup("A trial of study ") +
                Link(StudyTarget(target.study, ViewKind::kStudy, {}), target.study) + Markup("."));
  return Page(title, above, TrialSections(*facts, parts_.options), target);
}

const StudyFacts& Views::FactsFor(const Target& target, const Store& store,
                                  const StudyRecord& study, std::uint64_t version) {
  Target whole = target;
  whole.section.clear();
  const std::string key = std::to_string(version) + " " + whole.Text();
  if (facts_ && facts_of_ == key) return *facts_;
  KeepTrial keep;
  if (!target.filter.empty()) {
    const std::vector<TrialId> ids = TrialsOf(store, study, target.filter);
    keep = [kept = std::set<TrialId>(ids.begin(), ids.end())](const TrialRecord& trial) {
      return kept.contains(trial.id);
    };
  }
  facts_.reset();
  facts_ = parts_.report(store, study, keep);
  facts_->address = [name = study.name](TrialId trial) {
    return Target{
        .kind = ViewKind::kTrial, .study = name, .trial = static_cast<std::int64_t>(trial)}
        .Text();
  };
  facts_of_ = key;
  return *facts_;
}

View Views::Report(const Target& target, const Store& store, std::uint64_t version) {
  const std::optional<StudyRecord> found = store.FindStudy(target.study);
  if (!found) return NoStudy(target, store);
  const StudyRecord& study = *found;
  std::vector<PageSection> sections = SectionsOf(FactsFor(target, store, study, version));
  Markup above = StudyLinks(target) + ReportLinks(target, sections);
  above += FilterForm(target, parts_.choices(store, study)) + FilterNote(target);
  if (target.section.empty()) {
    return Page(TitleOf(target), above, sections, target);
  }
  const std::string names = Join(sections, ", ", &PageSection::name);
  std::erase_if(sections,
                [&](const PageSection& section) { return section.name != target.section; });
  if (sections.empty()) {
    return RefusalView({404, "the report on study " + study.name + " has no section '" +
                                 target.section + "'; it has " + names},
                       target.form);
  }
  return Page(sections.front().title + ": study " + study.name, above, sections, target);
}

View Views::Make(const Target& target, const Store& store, const RunningStudies& running,
                 std::uint64_t version) {
  switch (target.kind) {
    case ViewKind::kStudies:
      break;
    case ViewKind::kStudy:
      return Study(target, store, running);
    case ViewKind::kTrial:
      return Trial(target, store);
    case ViewKind::kReport:
      return Report(target, store, version);
  }
  return Studies(target, store, running);
}

}  // namespace beamgrid
