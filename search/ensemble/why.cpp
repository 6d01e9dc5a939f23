#include "search/ensemble/why.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <span>

#include "search/ensemble/combine.h"
#include "search/ensemble/prepared.h"
#include "search/ensemble/weigh.h"
#include "search/ensemble/weights.h"

namespace beamgrid {
namespace {

constexpr std::uint64_t kResampleSeed = 40;
constexpr std::int64_t kMostResamples = 100;
constexpr std::int64_t kFewestResamples = 10;
constexpr std::size_t kMostResampledVideos = 20'000;
constexpr double kWork = 2e8;  ///< scorings of one video's list, of all resamples; minutes

using Models = std::vector<AlignedModel>;

std::vector<double> Without(std::vector<double> values, std::size_t place) {
  values.erase(values.begin() + static_cast<std::ptrdiff_t>(place));
  return values;
}

Models Without(Models models, std::size_t place) {
  models.erase(models.begin() + static_cast<std::ptrdiff_t>(place));
  return models;
}

/// Likeness adds up how alike the lists of several members are.
class Likeness {
 public:
  explicit Likeness(std::size_t members)
      : members_(members),
        sums_(members),
        products_(members * members),
        differing_(members * members) {}

  void Add(std::span<const VideoPrediction* const> row, const Combination& combination,
           const std::vector<Missing>& missing) {
    const VideoTerms gathered = GatherTerms(row, combination, missing, Rows::kListed);
    for (std::size_t label = 0; label < gathered.labels.size(); ++label) {
      const double* terms = gathered.terms.data() + label * members_;
      for (std::size_t a = 0; a < members_; ++a) {
        sums_[a] += terms[a];
        for (std::size_t b = a; b < members_; ++b)
          products_[a * members_ + b] += terms[a] * terms[b];
      }
    }
    rows_ += static_cast<double>(gathered.labels.size());
    ++videos_;
    const auto best = [](const VideoPrediction& video) {
      return video.top.empty() ? -1 : video.top.front().label;
    };
    for (std::size_t a = 0; a < members_; ++a) {
      for (std::size_t b = a + 1; b < members_; ++b) {
        differing_[a * members_ + b] += best(*row[a]) == best(*row[b]) ? 0 : 1;
      }
    }
  }

  /// Returns Pearson's correlation; 0 where one of the two says the same of every label.
  [[nodiscard]] double Correlation(std::size_t a, std::size_t b) const {
    const double scale = std::sqrt(Covariance(a, a) * Covariance(b, b));
    return scale > 0 ? Covariance(a, b) / scale : 0;
  }
  [[nodiscard]] double Disagreement(std::size_t a, std::size_t b) const {
    return differing_[a * members_ + b] / videos_;
  }

 private:
  [[nodiscard]] double Covariance(std::size_t a, std::size_t b) const {
    return products_[a * members_ + b] - sums_[a] * sums_[b] / rows_;
  }

  std::size_t members_;
  double rows_ = 0, videos_ = 0;
  std::vector<double> sums_, products_, differing_;
};

class Explainer {
 public:
  Explainer(const EnsembleQuestion& question, const SplitModels& parts,
            const EnsembleAnswer& answer, const ForEach& for_each, const Told& told)
      : question_(question),
        parts_(parts),
        answer_(answer),
        for_each_(for_each),
        told_(told),
        combination_(question.combine) {
    for (const EnsembleAnswer::Member& member : answer.members) weights_.push_back(member.weight);
  }

  EnsembleWhy Explain() {
    EnsembleWhy why;
    AddMembers(why);
    AddPairs(why);
    if (question_.given.empty()) AddChoices(why);
    return why;
  }

 private:
  [[nodiscard]] Models MembersIn(const Models& part) const {
    Models members;
    for (const EnsembleAnswer::Member& member : answer_.members) {
      members.push_back(*std::ranges::find(
          part, member.name, [](const AlignedModel& model) { return model.model->name; }));
    }
    return members;
  }

  [[nodiscard]] double GapWithout(const Models& members, std::size_t place) const {
    return ScoreLists(CombineAll(Without(members, place), Normalised(Without(weights_, place)),
                                 combination_, question_.missing, for_each_))
        .gap;
  }

  void AddMembers(EnsembleWhy& why) const {
    const Models selection = MembersIn(parts_.selection);
    const Models holdout = MembersIn(parts_.holdout);
    for (std::size_t m = 0; m < selection.size(); ++m) {
      EnsembleWhy::Member& member = why.members.emplace_back();
      member.name = answer_.members[m].name;
      if (selection.size() == 1) continue;
      member.loss = answer_.selection_gap - GapWithout(selection, m);
      if (answer_.holdout) member.holdout_loss = answer_.holdout->gap - GapWithout(holdout, m);
    }
  }

  void AddPairs(EnsembleWhy& why) const {
    const Models members = MembersIn(parts_.selection);
    const std::vector<Missing> missing = MissingOf(members, question_.missing);
    Likeness likeness(members.size());
    RowReader reader(members);
    for (std::size_t v = 0; v < members[0].size(); ++v) {
      likeness.Add(reader.Read(v), combination_, missing);
    }
    for (std::size_t a = 0; a < members.size(); ++a) {
      for (std::size_t b = a + 1; b < members.size(); ++b) {
        why.pairs.push_back({answer_.members[a].name, answer_.members[b].name,
                             likeness.Correlation(a, b), likeness.Disagreement(a, b)});
      }
    }
    std::ranges::stable_sort(
        why.pairs, [](const auto& a, const auto& b) { return a.correlation > b.correlation; });
  }

  void AddChoices(EnsembleWhy& why) const {
    EnsembleQuestion question{.missing = question_.missing,
                              .size_limit = question_.size_limit,
                              .members = question_.members,
                              .beam_width = question_.beam_width,
                              .combine = question_.combine,
                              .weights = question_.weights,
                              .search = question_.search};
    if (question.search == EnsembleSearch::kExhaustive) question.search = EnsembleSearch::kBeam;
    const std::size_t videos = parts_.selection[0].size();
    why.resampled_videos = static_cast<std::int64_t>(std::min(videos, kMostResampledVideos));
    const double work =
        static_cast<double>(question.members) * static_cast<double>(question.beam_width) *
        static_cast<double>(parts_.selection.size()) * static_cast<double>(why.resampled_videos);
    why.resamples = std::clamp(static_cast<std::int64_t>(std::min(kWork / work, 1e9)),
                               kFewestResamples, kMostResamples);
    const Grouping grouping = GroupingOf(parts_.selection[0]);
    std::vector<std::vector<std::size_t>> members(grouping.groups);  // [groups] its videos
    for (std::size_t v = 0; v < videos; ++v) members[grouping.of_video[v]].push_back(v);
    const std::size_t drawn_groups = std::max<std::size_t>(
        1, grouping.groups * static_cast<std::size_t>(why.resampled_videos) / videos);
    if (!answer_.grouped_by.empty()) {
      why.resampled_groups = static_cast<std::int64_t>(drawn_groups);
    }
    std::mt19937_64 random(kResampleSeed);
    std::map<std::size_t, double> times;
    for (std::int64_t r = 0; r < why.resamples; ++r) {
      if (told_) told_("resamples searched", r, why.resamples);
      std::vector<std::size_t> draws;
      for (std::size_t i = 0; i < drawn_groups; ++i) {
        const std::vector<std::size_t>& group = members[random() % members.size()];
        draws.insert(draws.end(), group.begin(), group.end());
      }
      std::ranges::sort(draws);
      const SetMembers chosen = ChosenOn(question, draws);
      for (const std::size_t model : chosen.models) ++times[model];
      if (SearchedFor() == NamesOf(chosen)) ++why.same_members;
    }
    const auto resamples = static_cast<double>(why.resamples);
    why.same_members /= resamples;
    for (const auto& [model, count] : times) {
      why.choices.push_back({parts_.selection[model].model->name, count / resamples});
    }
    std::ranges::stable_sort(why.choices,
                             [](const auto& a, const auto& b) { return a.share > b.share; });
  }

  /// Returns what the search takes on the videos at these places.
  [[nodiscard]] SetMembers ChosenOn(const EnsembleQuestion& question,
                                    const std::vector<std::size_t>& draws) const {
    const Models drawn = Resampled(parts_.selection, draws);
    const std::vector<double> gaps = SingleGaps(drawn, for_each_);
    const PreparedSearch prepared(question, drawn, gaps, for_each_);
    return MembersOf(SearchEnsembles(question.search, prepared.problem()).best.models);
  }

  /// Returns the models over the videos at these places, one that is there twice twice.
  static Models Resampled(const Models& models, const std::vector<std::size_t>& draws) {
    auto rows = std::make_shared<VideoRows>();
    for (const std::size_t draw : draws) rows->push_back((*models[0].rows)[draw]);
    Models drawn = models;
    for (AlignedModel& model : drawn) model.rows = rows;
    return drawn;
  }

  /// Returns the names of the set that the search found: members without use were dropped later.
  [[nodiscard]] std::vector<std::string> SearchedFor() const {
    std::vector<std::string> names = answer_.dropped;
    for (const EnsembleAnswer::Member& member : answer_.members) names.push_back(member.name);
    std::ranges::sort(names);
    return names;
  }
  [[nodiscard]] std::vector<std::string> NamesOf(const SetMembers& members) const {
    std::vector<std::string> names;
    for (const std::size_t model : members.models) {
      names.push_back(parts_.selection[model].model->name);
    }
    return names;
  }

  const EnsembleQuestion& question_;
  const SplitModels& parts_;
  const EnsembleAnswer& answer_;
  const ForEach& for_each_;
  const Told& told_;
  Combination combination_;
  std::vector<double> weights_;
};

}  // namespace

EnsembleWhy ExplainEnsemble(const EnsembleQuestion& question, const SplitModels& parts,
                            const EnsembleAnswer& answer, const ForEach& for_each,
                            const Told& told) {
  return Explainer(question, parts, answer, for_each, told).Explain();
}

}  // namespace beamgrid
