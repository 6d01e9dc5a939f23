#include "reports/page/page.h"

#include "registry/util/text.h"
#include "reports/page/assets.h"
#include "reports/page/pdf.h"
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

Markup ContentsOf(const std::vector<StudyPart>& parts) {
  Markup items;
  for (const StudyPart& part : parts) {
    if (!part.prefix.empty()) items += Element("p", part.facts->study.name);
    items += SectionLinks(part.sections, part.prefix);
  }
  return Element("nav", {{"aria-label", "Contents"}}, Markup::Verbatim("\n") + items) +
         Markup::Verbatim("\n");
}

std::string TitleOf(const std::vector<StudyFacts>& studies) {
  return (studies.size() == 1 ? "Study " : "Studies ") +
         Join(studies, ", ", [](const StudyFacts& facts) { return facts.study.name; });
}

std::string ReportPolicy() {
  return "default-src 'none'; style-src '" + StyleSource() + "'; script-src '" + ScriptSource() +
         "'; base-uri 'none'; form-action 'none'";
}

Markup HeadOf(const PageFrame& frame) {
  const auto meta = [](const Attributes& attributes) {
    return EmptyElement("meta", attributes) + Markup::Verbatim("\n");
  };
  Markup inside = Markup::Verbatim("\n") + meta({{"charset", "utf-8"}});
  if (!frame.policy.empty()) {
    inside += meta({{"http-equiv", "Content-Security-Policy"}, {"content", frame.policy}});
  }
  inside += meta({{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
            meta({{"name", "color-scheme"}, {"content", "light dark"}}) +
            meta({{"name", "generator"}, {"content", frame.generator}}) +
            Element("title", frame.title) + Markup::Verbatim("\n");
  for (const std::string& style : frame.styles) {
    inside += Element("style", Markup::Verbatim(style)) + Markup::Verbatim("\n");
  }
  return Element("head", inside) + Markup::Verbatim("\n");
}

}  // namespace

Markup TrialMarkup(const StudyFacts& facts, TrialId trial, const std::string& text) {
  return facts.address ? Element("a", {{"href", facts.address(trial)}}, text) : Markup(text);
}

PageCell TrialCell(const StudyFacts& facts, TrialId trial, const std::string& text) {
  PageCell cell{text};
  if (facts.address) {
    cell.markup = Element("a", {{"href", facts.address(trial)}}, BreakableText(text));
  }
  return cell;
}

std::vector<PageSection> SectionsOf(const StudyFacts& facts) {
  std::vector<PageSection> sections;
  for (const auto make :
       {AnswerSection, AskedSection, LeaderboardSection, TablesSection, EffectsSection,
        CurvesSection, SizesSection, EnsembleSection, SeedsSection, PathSection, CostSection,
        TimelineSection, FailuresSection, ReproduceSection}) {
    const bool is_of_all =
        make == AskedSection || make == EnsembleSection || make == ReproduceSection;
    if (facts.is_part && is_of_all) continue;
    if (PageSection section = make(facts); !section.parts.empty()) {
      sections.push_back(std::move(section));
    }
  }
  return sections;
}

Markup SectionMarkup(const PageSection& section, const std::string& prefix,
                     const std::string& heading) {
  const std::string id = prefix + section.name + "-section";
  Markup inside = Markup::Verbatim("\n") + Element(heading, {{"id", id}}, section.title) +
                  Markup::Verbatim("\n");
  for (const auto& piece : section.parts) {
    if (const auto* figure = std::get_if<Figure>(&piece)) {
      inside += FigureMarkup(*figure, prefix);
    } else {
      inside += std::get<Markup>(piece);
    }
  }
  return Element("section", {{"aria-labelledby", id}}, inside) + Markup::Verbatim("\n");
}

Markup SectionLinks(const std::vector<PageSection>& sections, const std::string& prefix) {
  Markup links;
  for (const PageSection& section : sections) {
    links += Element("li", Element("a", {{"href", "#" + prefix + section.name + "-section"}},
                                   section.title)) +
             Markup::Verbatim("\n");
  }
  return Element("ul", links) + Markup::Verbatim("\n");
}

std::string WriteFrame(const PageFrame& frame, const Markup& main) {
  Markup body = Markup::Verbatim("\n") +
                Element("a", {{"class", "skip"}, {"href", "#main"}}, "To the content") +
                Markup::Verbatim("\n") +
                Element("main", {{"id", "main"}}, Markup::Verbatim("\n") + main) +
                Markup::Verbatim("\n");
  for (const std::string& script : frame.scripts) {
    body += Element("script", Markup::Verbatim(script)) + Markup::Verbatim("\n");
  }
  return "<!DOCTYPE html>\n" +
         Element("html", {{"lang", "en"}},
                 Markup::Verbatim("\n") + HeadOf(frame) + Element("body", body) +
                     Markup::Verbatim("\n"))
             .text() +
         "\n";
}

std::string WritePage(const std::vector<StudyFacts>& studies) {
  const std::vector<StudyPart> parts = PartsOf(studies);
  const std::string title = TitleOf(studies);
  Markup main = Element("h1", title) + Markup::Verbatim("\n");
  main += ContentsOf(parts);
  for (const StudyPart& part : parts) {
    if (!part.prefix.empty()) {
      main += Element("h2", part.facts->study.name) + Markup::Verbatim("\n");
    }
    for (const PageSection& section : part.sections) {
      main += SectionMarkup(section, part.prefix, part.heading);
    }
  }
  return WriteFrame({.title = title,
                     .policy = ReportPolicy(),
                     .generator = kPageGenerator,
                     .styles = {PageStyle() + ChartStyle()},
                     .scripts = {PageScript()}},
                    main);
}

std::vector<FigureFile> FigureFiles(const std::vector<StudyFacts>& studies) {
  std::vector<FigureFile> files;
  for (const StudyPart& part : PartsOf(studies)) {
    for (const PageSection& section : part.sections) {
      for (const auto& piece : section.parts) {
        const auto* figure = std::get_if<Figure>(&piece);
        if (figure == nullptr) continue;
        files.push_back({part.prefix + figure->name, SvgFile(*figure), PdfFile(*figure)});
      }
    }
  }
  return files;
}

}  // namespace beamgrid
