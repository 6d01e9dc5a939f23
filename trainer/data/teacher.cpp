#include "trainer/data/teacher.h"

#include <algorithm>
#include <numeric>

#include "registry/scoring/probabilities_csv.h"
#include "registry/util/text.h"
#include "trainer/data/batches.h"

namespace beamgrid {
namespace {

constexpr std::size_t kNamedExamples = 3;

}  // namespace

std::optional<NamedFile> TeacherOf(const ModelSpec& model) {
  const auto setting = model.train.find(kTeacher);
  return setting == model.train.end() ? std::nullopt : NamedFileFrom(setting->second);
}

Teacher::Teacher(const NamedFile& file, std::int64_t classes) : path_(file.path) {
  // First, so that a file that was replaced is not blamed for what is in it.
  CheckUnchanged(file);
  ReadProbabilityLists(file.path, classes,
                       [this](std::string_view id, const std::vector<ScoredLabelDouble>& list) {
                         ids_.emplace_back(id);
                         for (const ScoredLabelDouble& label : list) {
                           classes_.push_back(label.label);
                           probabilities_.push_back(static_cast<float>(label.score));
                         }
                         offsets_.push_back(classes_.size());
                       });
  CheckUnchanged(file);
  // Vectors that grew may hold twice their elements, and these stay for the whole trial.
  classes_.shrink_to_fit();
  probabilities_.shrink_to_fit();
  by_id_.resize(ids_.size());
  std::iota(by_id_.begin(), by_id_.end(), std::size_t{0});
  std::ranges::sort(by_id_, {},
                    [this](std::size_t list) -> const std::string& { return ids_[list]; });
}

std::optional<TeacherList> Teacher::Find(std::string_view id) const {
  const auto id_of = [this](std::size_t list) -> std::string_view { return ids_[list]; };
  const auto found = std::ranges::lower_bound(by_id_, id, {}, id_of);
  if (found == by_id_.end() || id_of(*found) != id) return std::nullopt;
  const std::size_t begin = offsets_[*found], count = offsets_[*found + 1] - begin;
  return TeacherList{.classes = std::span(classes_).subspan(begin, count),
                     .probabilities = std::span(probabilities_).subspan(begin, count)};
}

TeacherCoverage CoverageOf(const Teacher& teacher, const DataSpec& spec) {
  TeacherCoverage coverage{.lists = teacher.Size()};
  Dataset examples(spec, spec.train, LabelPolicy::kRequired);
  Batches batches(examples, {.order = BatchOrder::kSequential});
  batches.Start(0);
  for (Batch batch; batches.Next(batch);) {
    coverage.examples += batch.Size();
    for (const std::string& id : batch.ids) {
      if (teacher.Find(id)) continue;
      ++coverage.missing;
      if (coverage.first_missing.size() < kNamedExamples) coverage.first_missing.push_back(id);
    }
  }
  return coverage;
}

std::string ProblemOf(const TeacherCoverage& coverage) {
  if (coverage.missing == 0) return "";
  const std::int64_t more = coverage.missing - std::ssize(coverage.first_missing);
  return "has no list for " + std::to_string(coverage.missing) + " of " +
         std::to_string(coverage.examples) + " training examples ('" +
         Join(coverage.first_missing, "', '") + "'" +
         (more > 0 ? " and " + std::to_string(more) + " more" : "") + ") among its " +
         CountText(static_cast<std::size_t>(coverage.lists), "list") +
         "; predict for all files of data.train: `beamgrid predict STUDY:ensemble FILES --top-k "
         "100 "
         "--out FILE`";
}

}  // namespace beamgrid
