#pragma once
// A target and the record in, a page out. Pure but for what it is handed.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/dashboard/target.h"
#include "orchestrator/machine/machine_share.h"
#include "registry/model_spec.h"
#include "registry/store/store.h"
#include "registry/store/study_lock.h"
#include "reports/page/section.h"

namespace beamgrid {

/// ViewSection is a part of a page that is replaced when it changes.
struct ViewSection {
  std::string id;
  std::string digest;  ///< of `html`
  std::string html;
};

/// View is what a target is answered with.
struct View {
  int status = 200;  ///< of HTTP
  std::string type = "text/html; charset=utf-8";
  std::string body;
  std::vector<ViewSection> sections;  ///< of a page, in its order
  std::string as_of;                  ///< when the record was read, ISO-8601 UTC
  std::string trouble;                ///< why there are none; empty: nothing is wrong
};

/// Choices is the components of each criterion of which a study has several.
using Choices = std::map<std::string, std::vector<std::string>>;

/// ViewParts is what views need beside the record.
struct ViewParts {
  /// Reads what a report says of the study's trials that `keep` lets through.
  std::function<StudyFacts(const Store&, const StudyRecord&, const KeepTrial& keep)> report;
  std::function<Choices(const Store&, const StudyRecord&)> choices;
  std::function<std::vector<StudyNote>()> machine;
  std::function<std::chrono::system_clock::time_point()> now;
  /// What the classes of a study's data are called; nothing: their names are not looked for.
  std::function<std::vector<std::string>(const Store&, StudyId, const DataSpec&)> class_names = {};
  /// What each command on this record is to be given besides (" --db FILE"); empty: nothing.
  std::string options = {};
};

/// Views makes them. What a live view shows is of one moment of the record. The last report's facts
/// are kept for the next section of it. Owned by one thread.
class Views {
 public:
  explicit Views(ViewParts parts) : parts_(std::move(parts)) {}

  /// Returns the view; one of status 404 where the record has no such study or section. `version`
  /// names the state that the record is in, `running` is of its file. Throws as the store does.
  [[nodiscard]] View Make(const Target& target, const Store& store, const RunningStudies& running,
                          std::uint64_t version);

 private:
  [[nodiscard]] View Studies(const Target& target, const Store& store,
                             const RunningStudies& running) const;
  [[nodiscard]] View Study(const Target& target, const Store& store,
                           const RunningStudies& running) const;
  [[nodiscard]] View Trial(const Target& target, const Store& store) const;
  [[nodiscard]] View Report(const Target& target, const Store& store, std::uint64_t version);
  const StudyFacts& FactsFor(const Target& target, const Store& store, const StudyRecord& study,
                             std::uint64_t version);
  [[nodiscard]] View Page(const std::string& title, const Markup& above,
                          const std::vector<PageSection>& sections, const Target& target) const;
  [[nodiscard]] View NoStudy(const Target& target, const Store& store) const;
  [[nodiscard]] std::string Now() const;

  ViewParts parts_;
  std::string facts_of_;  ///< the target and version that `facts_` are of
  std::optional<StudyFacts> facts_;
};

/// Returns the page of a target before anything of it is read. It loads itself once there is a
/// view.
[[nodiscard]] View EmptyView(const Target& target);

/// Returns a short page that says why a request is not answered, or for a target of programs the
/// same as JSON.
[[nodiscard]] View RefusalView(const Refusal& refusal, ViewForm form);

/// Returns the Content-Security-Policy of all pages.
[[nodiscard]] std::string PagePolicy();

}  // namespace beamgrid
