#pragma once
// The sections of a page: each is a view of what was read of a study, and knows nothing of others.

#include <string>
#include <variant>
#include <vector>

#include "reports/page/figure.h"
#include "reports/page/study_facts.h"

namespace beamgrid {

/// PageSection is a heading with what stands below it. Without parts it is left out.
struct PageSection {
  std::string name;  ///< of its place on the page
  std::string title;
  std::vector<std::variant<Markup, Figure>> parts;

  void Add(Markup markup) { parts.emplace_back(std::move(markup)); }
  void Add(Figure figure) { parts.emplace_back(std::move(figure)); }
  void Say(const std::string& text) { Add(Paragraph(text)); }
  void Note(const std::string& text) { Add(Paragraph(text, "note")); }
};

/// Returns the text, as a link to the trial's page where there is one; of a model any trial will
/// do.
[[nodiscard]] Markup TrialMarkup(const StudyFacts& facts, TrialId trial, const std::string& text);
[[nodiscard]] PageCell TrialCell(const StudyFacts& facts, TrialId trial, const std::string& text);

/// Says that numbers are of the seeds alone, and why.
[[nodiscard]] std::string SeedsAloneText(const std::string& why);
/// Returns the row of a model in the table of whole models; nullptr: there is none.
[[nodiscard]] const TableRow* RowOfModel(const StudyFacts& facts, const Standing& standing);

[[nodiscard]] PageSection AnswerSection(const StudyFacts& facts);
[[nodiscard]] PageSection AskedSection(const StudyFacts& facts);
[[nodiscard]] PageSection LeaderboardSection(const StudyFacts& facts);
[[nodiscard]] PageSection TablesSection(const StudyFacts& facts);
[[nodiscard]] PageSection EffectsSection(const StudyFacts& facts);
[[nodiscard]] PageSection CurvesSection(const StudyFacts& facts);
[[nodiscard]] PageSection SizesSection(const StudyFacts& facts);
[[nodiscard]] PageSection EnsembleSection(const StudyFacts& facts);
[[nodiscard]] PageSection SeedsSection(const StudyFacts& facts);
[[nodiscard]] PageSection PathSection(const StudyFacts& facts);
[[nodiscard]] PageSection CostSection(const StudyFacts& facts);
[[nodiscard]] PageSection TimelineSection(const StudyFacts& facts);
[[nodiscard]] PageSection FailuresSection(const StudyFacts& facts);
[[nodiscard]] PageSection ReproduceSection(const StudyFacts& facts);

/// Returns all of them in the order of the page; of some trials alone without those that are of a
/// study as a whole.
[[nodiscard]] std::vector<PageSection> SectionsOf(const StudyFacts& facts);

}  // namespace beamgrid
