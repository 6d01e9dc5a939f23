#include "reports/page/page.h"

#include "registry/util/text.h"
#include "reports/page/assets.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

/// StudyPart is a study's place on the page.
struct StudyPart {
  std::string prefix;   ///< of its ids; empty where it is the only one
  std::string heading;  ///< of its sections: "h2", "h3" where the study has one itself
  const StudyFacts* facts;
  std::vector<PageSection> sections;
};

std::vector<StudyPart> PartsOf(const std::vector<StudyFacts>& studies) {
  std::vector<StudyPart> parts;
  for (const StudyFacts& facts : studies) {
    const bool alone = studies.size() == 1;
    // A study's name is letters, digits, - and _.
    parts.push_back(
        {alone ? "" : facts.study.name + "-", alone ? "h2" : "h3", &facts, SectionsOf(facts)});
  }
  return parts;
}

Markup SectionMarkup(const StudyPart& part, const PageSection& section) {
  const std::string id = part.prefix + section.name + "-section";
  Markup inside = Markup::Verbatim("\n") + Element(part.heading, {{"id", id}}, section.title) +
                  Markup::Verbatim("\n");
  for (const auto& piece : section.parts) {
    if (const auto* figure = std::get_if<Figure>(&piece)) {
      inside += FigureMarkup(*figure, part.prefix);
    } else {
      inside += std::get<Markup>(piece);
    }
  }
  return Element("section", {{"aria-labelledby", id}}, inside) + Markup::Verbatim("\n");
}

Markup ContentsOf(const std::vector<StudyPart>& parts) {
  Markup items;
  for (const StudyPart& part : parts) {
    Markup links;
    for (const PageSection& section : part.sections) {
      links += Element("li", Element("a", {{"href", "#" + part.prefix + section.name + "-section"}},
                                     section.title)) +
               Markup::Verbatim("\n");
    }
    if (!part.prefix.empty()) items += Element("p", part.facts->study.name);
    items += Element("ul", links) + Markup::Verbatim("\n");
  }
  return Element("nav", {{"aria-label", "Contents"}}, Markup::Verbatim("\n") + items) +
         Markup::Verbatim("\n");
}

std::string TitleOf(const std::vector<StudyFacts>& studies) {
  return (studies.size() == 1 ? "Study " : "Studies ") +
         Join(studies, ", ", [](const StudyFacts& facts) { return facts.study.name; });
}

Markup HeadOf(const std::string& title) {
  const std::string policy = "default-src 'none'; style-src '" + StyleSource() + "'; script-src '" +
                             ScriptSource() + "'; base-uri 'none'; form-action 'none'";
  const auto meta = [](const Attributes& attributes) {
    return EmptyElement("meta", attributes) + Markup::Verbatim("\n");
  };
  return Element(
             "head",
             Markup::Verbatim("\n") + meta({{"charset", "utf-8"}}) +
                 meta({{"http-equiv", "Content-Security-Policy"}, {"content", policy}}) +
                 meta({{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
                 meta({{"name", "color-scheme"}, {"content", "light dark"}}) +
                 meta({{"name", "generator"}, {"content", "beamgrid report"}}) +
                 Element("title", title) + Markup::Verbatim("\n") +
                 Element("style", Markup::Verbatim(PageStyle() + ChartStyle())) +
                 Markup::Verbatim("\n")) +
         Markup::Verbatim("\n");
}

}  // namespace

std::vector<PageSection> SectionsOf(const StudyFacts& facts) {
  std::vector<PageSection> sections;
  for (const auto make :
       {AnswerSection, AskedSection, LeaderboardSection, TablesSection, EffectsSection,
        CurvesSection, SizesSection, EnsembleSection, SeedsSection, PathSection, CostSection,
        TimelineSection, FailuresSection, ReproduceSection}) {
    if (PageSection section = make(facts); !section.parts.empty()) {
      sections.push_back(std::move(section));
    }
  }
  return sections;
}

std::string WritePage(const std::vector<StudyFacts>& studies) {
  const std::vector<StudyPart> parts = PartsOf(studies);
  const std::string title = TitleOf(studies);
  Markup main = Markup::Verbatim("\n") + Element("h1", title) + Markup::Verbatim("\n");
  main += ContentsOf(parts);
  for (const StudyPart& part : parts) {
    if (!part.prefix.empty()) {
      main += Element("h2", part.facts->study.name) + Markup::Verbatim("\n");
    }
    for (const PageSection& section : part.sections) main += SectionMarkup(part, section);
  }
  const Markup body = Markup::Verbatim("\n") +
                      Element("a", {{"class", "skip"}, {"href", "#main"}}, "To the content") +
                      Markup::Verbatim("\n") + Element("main", {{"id", "main"}}, main) +
                      Markup::Verbatim("\n") + Element("script", Markup::Verbatim(PageScript())) +
                      Markup::Verbatim("\n");
  return "<!DOCTYPE html>\n" +
         Element("html", {{"lang", "en"}},
                 Markup::Verbatim("\n") + HeadOf(title) + Element("body", body) +
                     Markup::Verbatim("\n"))
             .text() +
         "\n";
}

std::vector<FigureFile> FigureFiles(const std::vector<StudyFacts>& studies) {
  std::vector<FigureFile> files;
  for (const StudyPart& part : PartsOf(studies)) {
    for (const PageSection& section : part.sections) {
      for (const auto& piece : section.parts) {
        const auto* figure = std::get_if<Figure>(&piece);
        if (figure == nullptr) continue;
        files.push_back({part.prefix + figure->name + ".svg", SvgFile(*figure)});
      }
    }
  }
  return files;
}

}  // namespace beamgrid
