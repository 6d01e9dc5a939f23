#pragma once
// The teacher of a trial: predictions for its training videos, most often an ensemble's, that it
// learns from beside the truth (Hinton et al. 2015, Distilling the Knowledge in a Neural Network).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// The training setting that names a teacher's file.
inline constexpr char kTeacher[] = "teacher";

/// Returns the file of the model's teacher; nothing where it learns from the truth alone.
[[nodiscard]] std::optional<NamedFile> TeacherOf(const ModelSpec& model);

/// TeacherList is what a teacher says of one video: the classes that it lists, each once, with
/// their probabilities, 0..1. It takes all other classes for absent: their probability is 0.
struct TeacherList {
  std::span<const std::int32_t> classes;
  std::span<const float> probabilities;
};

/// Teacher is the lists of a file, found by the video's id. Memory: 8 bytes a listed class, about
/// 50 a video; the whole text besides while it is read. Const functions may be called from several
/// threads.
class Teacher {
 public:
  /// Reads `VideoId,LabelConfidencePairs` (ReadProbabilityLists) for data of so many classes.
  /// Throws InputError with file and line for what is wrong in it, Error where it cannot be read or
  /// is another file than the one that was looked at.
  Teacher(const NamedFile& file, std::int64_t classes);

  /// Returns the list of a video; nothing where there is none. With format "segment" an example's
  /// id is "VIDEO:START".
  [[nodiscard]] std::optional<TeacherList> Find(std::string_view id) const;
  [[nodiscard]] std::int64_t Size() const { return std::ssize(ids_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> ids_;    ///< in the order of the file
  std::vector<std::size_t> by_id_;  ///< numbers of lists, sorted by their ids
  std::vector<std::int32_t> classes_;
  std::vector<float> probabilities_;
  std::vector<std::size_t> offsets_ = {0};  ///< list i: offsets_[i] .. offsets_[i + 1]
};

/// TeacherCoverage is how a teacher's lists and the training examples agree.
struct TeacherCoverage {
  std::int64_t lists = 0;                  ///< in the file
  std::int64_t examples = 0;               ///< that training uses
  std::int64_t missing = 0;                ///< of these, without a list
  std::vector<std::string> first_missing;  ///< ids of the first of these, at most three
};

/// Looks for each example's list. Reads the training files once, as Dataset does: damaged records
/// are passed over where spec.on_error = "skip". Throws Error and DataError.
[[nodiscard]] TeacherCoverage CoverageOf(const Teacher& teacher, const DataSpec& spec);

/// Returns "has no list for 3 of 200 training examples ...", with what to do; empty where all have
/// one.
[[nodiscard]] std::string ProblemOf(const TeacherCoverage& coverage);

}  // namespace beamgrid
