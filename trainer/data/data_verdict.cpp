#include "trainer/data/data_verdict.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr std::size_t kShownExamples = 3;

std::int64_t Beyond(std::int64_t all, std::size_t shown) {
  return all - static_cast<std::int64_t>(shown);
}

/// Returns " and 3 more", or nothing where all are shown.
std::string More(std::int64_t all, std::size_t shown) {
  return all > static_cast<std::int64_t>(shown)
             ? " and " + std::to_string(Beyond(all, shown)) + " more"
             : "";
}

/// SplitJudge judges one list of files.
class SplitJudge {
 public:
  SplitJudge(const DataSpec& data, const SplitCensus& split, bool in_train, DataVerdict& verdict)
      : data_(data),
        split_(split),
        files_(in_train ? data.train : data.validate),
        in_train_(in_train),
        verdict_(verdict) {}

  void Judge() {
    if (!split_.empty_files.empty()) SayEmptyFiles();
    SayContradictions();
    if (data_.on_error == "skip") {
      SaySkipped();
    } else {
      SayRecords(FirstOfEachKind(split_.damages, WithoutNumbers), split_.damaged);
      if (split_.damaged > 0 && split_.examples > 0) {
        Problem("data.on_error = \"skip\" would pass over " + Counted(split_.damaged));
      }
    }
    if (split_.without_segments > 0) {
      verdict_.warnings.push_back(
          Number(split_.without_segments, Kind() + " record") +
          (split_.without_segments == 1
               ? " has no rated segment within its frames: nothing of it is used"
               : " have no rated segment within their frames: nothing of them is used"));
    }
    if (split_.unequal > 0) SayUnequal();
    SayRepeats();
    if (Nothing()) SayNothing();
    if (!Nothing() && split_.weightless == split_.examples) SayWeightless();
  }

 private:
  [[nodiscard]] std::string Kind() const { return in_train_ ? "training" : "validation"; }
  [[nodiscard]] std::string Key() const { return in_train_ ? "data.train" : "data.validate"; }
  [[nodiscard]] std::string Singular() const {
    return data_.format == "segment" ? "segment" : "record";
  }
  [[nodiscard]] std::string Noun() const { return Singular() + "s"; }
  static std::string Number(std::int64_t number, const std::string& noun) {
    return CountText(static_cast<std::size_t>(number), noun);
  }
  [[nodiscard]] std::string At(const PlaceInFiles& place) const {
    return files_.at(place.file) + ": byte " + std::to_string(place.offset);
  }
  [[nodiscard]] std::string Text(const RecordFault& fault) const {
    return At(fault.place) + ": " + fault.what;
  }
  /// Returns "39 of 40 training records".
  [[nodiscard]] std::string Counted(std::int64_t count) const {
    return std::to_string(count) + " of " + std::to_string(split_.read()) + " " + Kind() + " " +
           Noun();
  }
  [[nodiscard]] bool Nothing() const { return split_.examples == 0; }
  void Problem(std::string what) { verdict_.problems.push_back({in_train_, std::move(what)}); }

  void SayEmptyFiles() {
    std::vector<std::string> names;
    for (const std::size_t file : split_.empty_files) names.push_back(files_.at(file));
    verdict_.warnings.push_back(JoinFirst(names, kShownExamples) +
                                (names.size() == 1 ? ": holds no record" : ": hold no record"));
  }

  void SayRecords(const std::vector<RecordFault>& faults, std::int64_t count) {
    for (const RecordFault& fault : faults) Problem(Text(fault));
    const std::int64_t more = Beyond(count, faults.size());
    if (more > 0) Problem(std::to_string(more) + " more such " + Noun());
  }

  /// One mistake of a recipe is found in every record: it is said of the first one alone.
  void SayContradictions() {
    std::vector<RecordFault> first =
        FirstOfEachKind(split_.contradictions, [](std::string what) { return what; });
    first.resize(std::min(first.size(), kShownExamples));
    SayRecords(first, split_.contradicting);
  }

  /// Leaves out what an earlier record was wrong in, too: of one kind, whatever its video is. Where
  /// the record itself cannot be read, each place counts.
  template <typename Kind>
  static std::vector<RecordFault> FirstOfEachKind(const std::vector<RecordFault>& faults,
                                                  const Kind& kind) {
    std::vector<RecordFault> first;
    std::set<std::string> said;
    for (const RecordFault& fault : faults) {
      const std::size_t video = fault.what.find("': ");
      const bool is_said =
          video != std::string::npos && !said.insert(kind(fault.what.substr(video))).second;
      if (!is_said) first.push_back(fault);
    }
    return first;
  }

  /// Returns the text without the numbers in it; those that are a part of a word stay.
  static std::string WithoutNumbers(const std::string& text) {
    constexpr std::string_view kNumber = "+-.0123456789";
    std::string rest;
    for (std::size_t i = 0; i < text.size();) {
      rest += text[i];
      i = text[i] == ' ' ? std::min(text.find_first_not_of(kNumber, i + 1), text.size()) : i + 1;
    }
    return rest;
  }

  void SaySkipped() {
    if (split_.damaged == 0) return;
    verdict_.warnings.push_back(Counted(split_.damaged) +
                                (split_.damaged == 1 ? " is skipped: " : " are skipped: ") +
                                Text(split_.damages.at(0)) + More(split_.damaged, 1));
  }

  void SayUnequal() {
    verdict_.warnings.push_back(
        std::to_string(split_.unequal) + " of " + std::to_string(split_.examples) + " " + Kind() +
        " " + Noun() + (split_.unequal == 1 ? " has" : " have") +
        " features of different numbers of frames (up to " + Number(split_.most_unequal, "frame") +
        " apart): " +
        (data_.frame_alignment == FrameAlignment::kNearest
             ? "of those with fewer the nearest frame is taken (data.frame_alignment)"
             : "the frames that all have are used, from the first on; where features have frame "
               "rates of their own, data.frame_alignment = \"nearest\" takes the nearest ones"));
  }

  void SayRepeats() {
    if (split_.repeated == 0) return;
    // Predictions are kept by id: of two validation videos of one id one would be lost. Twice in
    // train only weighs more.
    if (in_train_) {
      const RepeatedId& first = split_.repeats.at(0);
      verdict_.warnings.push_back(Number(split_.repeated, "training " + Singular()) +
                                  (split_.repeated == 1 ? " has" : " have") +
                                  " the id of an earlier one, which then counts more: '" +
                                  first.id + "' is at " + At(first.first) + " and at " +
                                  At(first.second) + More(split_.repeated, 1));
      return;
    }
    for (const RepeatedId& repeat : split_.repeats) {
      Problem("'" + repeat.id + "' is there twice: " + At(repeat.first) + " and " +
              At(repeat.second));
    }
    const std::int64_t more = Beyond(split_.repeated, split_.repeats.size());
    if (more > 0) Problem(std::to_string(more) + " more such ids");
  }

  void SayNothing() {
    const std::string purpose = in_train_ ? "nothing to train on: " : "nothing to measure on: ";
    if (split_.empty_files.size() == files_.size()) {
      return Problem(purpose + "no file of " + Key() + " holds a record");
    }
    if (split_.damaged > 0 && split_.contradicting == 0) {
      if (split_.damaged == 1) {
        return Problem(purpose + "the one " + Kind() + " " + Singular() +
                       " is damaged: " + Text(split_.damages.at(0)));
      }
      return Problem(purpose + "all " + std::to_string(split_.damaged) + " " + Kind() + " " +
                     Noun() + " are damaged, such as " + Text(split_.damages.at(0)));
    }
    if (split_.contradicting == 0) Problem(purpose + "no record of " + Key() + " can be used");
  }

  void SayWeightless() {
    Problem(std::string(in_train_ ? "nothing to train on: " : "no loss to measure: ") +
            (split_.examples == 1
                 ? "the one " + Kind() + " " + Singular() + " that can be used weighs"
                 : "all " + std::to_string(split_.examples) + " " + Kind() + " " + Noun() +
                       " that can be used weigh") +
            " 0 ('" + data_.video_weight + "', data.video_weight); one at least must weigh more");
  }

  const DataSpec& data_;
  const SplitCensus& split_;
  const std::vector<std::string>& files_;
  bool in_train_;
  DataVerdict& verdict_;
};

/// Judges what concerns both lists.
void JudgeBoth(const DataSpec& data, const Census& census, DataVerdict& verdict) {
  const auto name = [&](std::size_t file) {
    const bool in_train = file < data.train.size();
    return in_train ? data.train[file] : data.validate.at(file - data.train.size());
  };
  std::size_t said = 0;
  for (const auto& [first, second] : census.same_files) {
    const bool first_in_train = first < data.train.size();
    const bool second_in_train = second < data.train.size();
    if (said++ == kShownFaults) {
      const std::int64_t more = Beyond(std::ssize(census.same_files), kShownFaults);
      verdict.problems.push_back({second_in_train, std::to_string(more) + " more such files"});
      break;
    }
    const std::string where =
        first_in_train != second_in_train
            ? "one in data.train, one in data.validate"
            : std::string("both in data.") + (first_in_train ? "train" : "validate");
    verdict.problems.push_back(
        {second_in_train,
         name(first) == name(second)
             ? name(first) + " is in data.train and in data.validate"
             : name(first) + " and " + name(second) + " hold the same bytes, " + where});
  }
  if (census.shared == 0) return;
  const RepeatedId& video = census.shared_videos.at(0);
  verdict.warnings.push_back(
      CountText(static_cast<std::size_t>(census.shared), "validation video") +
      (census.shared == 1 ? " is" : " are") +
      " in the training data too, which makes all results look better than they are: '" + video.id +
      "' is at " + data.train.at(video.first.file) + ": byte " +
      std::to_string(video.first.offset) + " and at " + data.validate.at(video.second.file) +
      ": byte " + std::to_string(video.second.offset) + More(census.shared, 1));
}

}  // namespace

DataVerdict JudgeData(const DataSpec& data, const Census& census) {
  DataVerdict verdict;
  for (const std::string& folder : census.unfinished) {
    const auto in_folder = [&](const std::string& file) {
      return std::filesystem::path(file).parent_path() == folder;
    };
    verdict.problems.push_back(
        {std::ranges::any_of(data.train, in_folder),
         folder + ": unfinished: `beamgrid data synth` or `beamgrid data import` was stopped here "
                  "before all files were those of one dataset; run it again"});
  }
  JudgeBoth(data, census, verdict);
  SplitJudge(data, census.train, /*in_train=*/true, verdict).Judge();
  SplitJudge(data, census.validate, /*in_train=*/false, verdict).Judge();
  // Segments may all be rated as not showing their class.
  if (census.validate.examples > 0 && census.validate.labels == 0) {
    verdict.problems.push_back({/*in_train=*/false,
                                "nothing to measure: no segment of data.validate shows the class "
                                "that it is rated for"});
  }
  return verdict;
}

}  // namespace beamgrid
