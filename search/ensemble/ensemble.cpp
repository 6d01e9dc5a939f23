#include "search/ensemble/ensemble.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "search/ensemble/bootstrap.h"
#include "search/ensemble/certify.h"
#include "search/ensemble/combine.h"
#include "search/ensemble/gpu/device.h"
#include "search/ensemble/models.h"
#include "search/ensemble/prepared.h"
#include "search/ensemble/weigh.h"
#include "search/ensemble/weights.h"
#include "search/ensemble/why.h"

namespace beamgrid {
namespace {

void CheckNumber(const char* name, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return;
  throw UsageError("ensemble: " + std::string(name) + " = " + std::to_string(value) + ", must be " +
                   std::to_string(least) + ".." + std::to_string(most));
}

void CheckGiven(const EnsembleQuestion& question) {
  const std::vector<double>& weights = question.given_weights;
  if (weights.empty()) return;
  if (weights.size() != question.given.size()) {
    throw UsageError("ensemble: " + std::to_string(weights.size()) + " weights are given for " +
                     std::to_string(question.given.size()) +
                     " members; there must be one for each, in their order");
  }
  double sum = 0;
  for (const double weight : weights) {
    sum += weight;
    if (std::isfinite(weight) && weight >= 0) continue;
    throw UsageError("ensemble: a given weight is " + std::to_string(weight) +
                     ", must be a number that is not negative");
  }
  if (sum == 0) throw UsageError("ensemble: all given weights are 0");
}

/// Returns the place of the given member among the models, sorted by name.
std::size_t PlaceOf(const std::string& given, const std::vector<AlignedModel>& models) {
  std::vector<std::size_t> of_any_seed;
  for (std::size_t m = 0; m < models.size(); ++m) {
    const std::string& name = models[m].model->name;
    if (name == given) return m;
    if (name.starts_with(given + "/s")) of_any_seed.push_back(m);
  }
  if (of_any_seed.size() == 1) return of_any_seed[0];
  const auto name_of = [&](std::size_t m) { return models[m].model->name; };
  if (!of_any_seed.empty()) {
    throw UsageError("ensemble: the given member '" + given + "' is " +
                     Join(of_any_seed, ", ", name_of) + "; name one of them");
  }
  std::vector<std::string> names;
  for (const AlignedModel& model : models) names.push_back(model.model->name);
  throw UsageError("ensemble: there is no model '" + given + "' within the size limit; there are " +
                   JoinFirst(names, 8));
}

void CheckNumbers(const EnsembleQuestion& question) {
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
  CheckNumber("members", question.members, 1, kMostEnsembleMembers);
  CheckNumber("beam_width", question.beam_width, 1, kAny);
  CheckNumber("size_limit", question.size_limit, 1, kAny);
  CheckNumber("bootstrap", question.bootstrap, 1, 1'000'000);
  if (!(question.holdout >= 0 && question.holdout < 1)) {
    throw UsageError("ensemble: holdout = " + std::to_string(question.holdout) +
                     ", must be at least 0 and less than 1");
  }
  CheckGiven(question);
}

/// Drops the models that are too large alone. Throws UsageError if none is left.
std::vector<AlignedModel> KeepFitting(std::vector<AlignedModel> models, std::int64_t size_limit,
                                      std::vector<std::string>& notes) {
  const std::size_t all = models.size();
  // A copy, for the message: the models themselves are gone by then.
  const auto smallest = *std::min_element(models.begin(), models.end(), [](auto& a, auto& b) {
    return a.model->size_bytes < b.model->size_bytes;
  });
  std::erase_if(models, [&](const auto& m) { return m.model->size_bytes > size_limit; });
  if (models.empty()) {
    throw UsageError("ensemble: none of the " + CountText(all, "model") +
                     " fits within size_limit = " + std::to_string(size_limit) +
                     " bytes; the smallest, '" + smallest.model->name + "', has " +
                     std::to_string(smallest.model->size_bytes));
  }
  if (models.size() < all) {
    const std::size_t larger = all - models.size();
    notes.push_back(std::to_string(larger) + " of " + CountText(all, "model") +
                    (larger == 1 ? " is" : " are") + " larger than the limit");
  }
  return models;
}

std::size_t BestSingle(const std::vector<AlignedModel>& models, const std::vector<double>& gaps) {
  std::size_t best = 0;
  for (std::size_t m = 1; m < models.size(); ++m) {
    const bool better = gaps[m] > gaps[best];
    const bool smaller =
        gaps[m] == gaps[best] && models[m].model->size_bytes < models[best].model->size_bytes;
    if (better || smaller) best = m;
  }
  return best;
}

class Finder {
 public:
  Finder(const EnsembleQuestion& question, const EnsembleModels& models, const ForEach& for_each,
         const gpu::DeviceOffer& device, const Told& told)
      : question_(question),
        models_(models),
        for_each_(for_each),
        device_(device),
        told_(told),
        combination_(question.combine) {
    CheckNumbers(question);
  }

  EnsembleAnswer Find() {
    answer_.size_limit = question_.size_limit;
    answer_.combine = question_.combine;
    answer_.weights = question_.weights;
    answer_.search = question_.search;
    Split();
    Weigh(MembersOf(Search()));
    if (parts_.holdout[0].size() > 0) ReportHoldout();
    if (question_.why) answer_.why = ExplainEnsemble(question_, parts_, answer_, for_each_, told_);
    return std::move(answer_);
  }

 private:
  void Split() {
    // Too large models go before the split: the best single model must be one that could be
    // shipped.
    const std::vector<AlignedModel> models =
        KeepFitting(models_.Aligned(), question_.size_limit, answer_.notes);
    parts_ = SplitVideos(models, question_.holdout);
    if (parts_.selection[0].size() == 0) {
      throw UsageError("ensemble: holdout = " + std::to_string(question_.holdout) +
                       " leaves none of " + std::to_string(parts_.holdout[0].size()) +
                       " videos to select on" +
                       (models[0].table->groups() == nullptr
                            ? ""
                            : ", which belong together by " + models[0].table->groups()->by()));
    }
    RequireLabels();
    const VideoGroups* const groups = models[0].table->groups();
    answer_.common_videos = models_.videos() == VideoSet::kCommon;
    answer_.of_segments = models[0].table->AreSegments();
    if (question_.holdout > 0 && parts_.holdout[0].size() == 0) {
      answer_.notes.push_back(groups == nullptr
                                  ? "too few videos for a holdout part"
                                  : "too few groups (" + groups->by() + ") for a holdout part");
    }
    if (groups != nullptr) {
      answer_.grouped_by = groups->by();
      answer_.selection_groups = static_cast<std::int64_t>(GroupingOf(parts_.selection[0]).groups);
      const std::string seen = SeenGroupsNote(groups->by(), groups->in_training());
      if (!seen.empty()) answer_.notes.push_back(seen);
    }
    answer_.selection_videos = static_cast<std::int64_t>(parts_.selection[0].size());
    gaps_ = SingleGaps(parts_.selection, for_each_);
    best_single_ = BestSingle(parts_.selection, gaps_);
    answer_.best_single = parts_.selection[best_single_].model->name;
    answer_.best_single_gap = gaps_[best_single_];
    answer_.best_single_gap_of_all = SingleGap(models[best_single_]);
  }

  /// Refuses a selection part in which no video has a label; leaves such a holdout part out.
  void RequireLabels() {
    const auto labelled = [](const AlignedModel& model) {
      return std::ranges::any_of(
          *model.rows, [&](std::uint32_t row) { return !model.table->LabelsOf(row).empty(); });
    };
    if (!labelled(parts_.selection[0])) {
      throw UsageError("ensemble: none of the " + std::to_string(parts_.selection[0].size()) +
                       " videos to select on has a true label: nothing can be measured");
    }
    const std::size_t held = parts_.holdout[0].size();
    if (held == 0 || labelled(parts_.holdout[0])) return;
    answer_.notes.push_back("none of the " + std::to_string(held) +
                            " videos held out has a true label: nothing is measured on them");
    parts_.holdout = Restrict(parts_.holdout, [](const std::string&) { return false; });
  }

  /// The members that the question names, in the pool's order, with their weights in the same.
  ModelSet Given() {
    std::map<std::size_t, double> weights;
    for (std::size_t i = 0; i < question_.given.size(); ++i) {
      const std::size_t place = PlaceOf(question_.given[i], parts_.selection);
      const double weight = question_.given_weights.empty() ? 0 : question_.given_weights[i];
      if (weights.emplace(place, weight).second) continue;
      throw UsageError("ensemble: the member '" + question_.given[i] + "' is given twice");
    }
    ModelSet set;
    std::int64_t size_bytes = 0;
    for (const auto& [place, weight] : weights) {
      set.push_back(static_cast<int>(place));
      size_bytes += parts_.selection[place].model->size_bytes;
      if (!question_.given_weights.empty()) given_weights_.push_back(weight);
    }
    if (size_bytes > question_.size_limit) {
      answer_.notes.emplace_back("the given members are larger than the limit together");
    }
    if (std::ssize(set) > question_.members) {
      answer_.notes.push_back(CountText(set.size(), "member") +
                              " are given, more than the limit of " +
                              std::to_string(question_.members));
    }
    answer_.notes.push_back(given_weights_.empty() ? "the members are given, none was searched for"
                                                   : "the members and their weights are given");
    return set;
  }

  ModelSet Search() {
    if (!question_.given.empty()) return Given();
    const PreparedSearch prepared(question_, parts_.selection, gaps_, for_each_, device_, told_);
    SearchResult result = SearchEnsembles(question_.search, prepared.problem());
    answer_.evaluated = result.evaluated;
    if (question_.certify) {
      answer_.certificate = Certify(question_.search, prepared.problem(), result, told_);
    }
    if (question_.frontier) answer_.frontier = FrontierOf(prepared, result);
    return result.best.models;
  }

  [[nodiscard]] EnsembleFrontier FrontierOf(const PreparedSearch& prepared,
                                            const SearchResult& result) const {
    const std::int64_t all = answer_.certificate ? answer_.certificate->sets : 0;
    // Those of the certificate's parts of the pool are on the frontier, too.
    const std::int64_t of_parts = answer_.certificate && answer_.certificate->sub_pools
                                      ? answer_.certificate->sub_pools->sets
                                      : 0;
    EnsembleFrontier frontier{
        .sets = all > 0 ? all : result.evaluated + of_parts,
        .complete = all > 0 || question_.search == EnsembleSearch::kExhaustive};
    for (const ScoredSet& set : result.frontier.sets()) {
      const SetMembers members = MembersOf(set.models);
      FrontierPoint& point = frontier.points.emplace_back();
      point.size_bytes = set.size_bytes;
      point.selection_gap = set.gap;
      for (const AlignedModel& model : Pick(parts_.selection, members.models)) {
        point.members.push_back(model.model->name);
      }
      if (parts_.holdout[0].size() == 0) continue;
      point.holdout_gap =
          ScoreLists(CombineAll(Pick(parts_.holdout, members.models), prepared.WeightsOf(members),
                                combination_, question_.missing, for_each_))
              .gap;
    }
    return frontier;
  }

  void Weigh(const SetMembers& members) {
    const std::vector<AlignedModel> selection = Pick(parts_.selection, members.models);
    // Members that somebody names are not ours to drop.
    const Drop drop = question_.given.empty() ? Drop::kIdle : Drop::kNone;
    const Weighed weighed = given_weights_.empty()
                                ? WeighMembers(selection, members.counts, question_.weights, drop,
                                               combination_, question_.missing, for_each_)
                                : WeighMembers(selection, given_weights_, Weighting::kUniform, drop,
                                               combination_, question_.missing, for_each_);
    answer_.weights_used = weighed.weights;
    answer_.weights_given = !given_weights_.empty();
    answer_.weightings = weighed.scores;
    answer_.pull = weighed.pull;
    answer_.selection_gap = weighed.gap;
    for (const WeighedMember& member : weighed.members) {
      const StoredModel& model = *selection[member.index].model;
      answer_.members.push_back({model.name, model.size_bytes, member.weight});
      answer_.size_bytes += model.size_bytes;
    }
    for (const std::size_t index : weighed.dropped) {
      answer_.dropped.push_back(selection[index].model->name);
    }
    std::ranges::sort(answer_.dropped);
    const bool learned = question_.weights == Weighting::kLearned && given_weights_.empty();
    if (learned) NoteLowerGap(selection, members);
  }

  /// Learned weights minimise the cross entropy, which GAP need not follow. Told and not undone:
  /// what was asked for is what comes.
  void NoteLowerGap(const std::vector<AlignedModel>& selection, const SetMembers& members) {
    const double searched_gap = ScoreLists(CombineAll(selection, Normalised(members.counts),
                                                      combination_, question_.missing, for_each_))
                                    .gap;
    if (answer_.selection_gap >= searched_gap) return;
    answer_.notes.push_back("the learned weights lower GAP on the selection part: " +
                            std::to_string(answer_.selection_gap) + " against " +
                            std::to_string(searched_gap) + " with those of the search");
  }

  void ReportHoldout() {
    std::vector<double> weights;
    std::vector<AlignedModel> members;
    for (const EnsembleAnswer::Member& member : answer_.members) {
      weights.push_back(member.weight);
      members.push_back(*std::ranges::find(parts_.holdout, member.name,
                                           [](const auto& model) { return model.model->name; }));
    }
    const auto lists = CombineAll(members, weights, combination_, question_.missing, for_each_);
    // Chosen on the selection part, like the ensemble: both meet the holdout for the first time.
    const auto single =
        CombineAll({parts_.holdout[best_single_]}, {1}, combination_, question_.missing, for_each_);
    answer_.best_single_gap = ScoreLists(single).gap;
    const Grouping grouping = GroupingOf(parts_.holdout[0]);
    const Interval gain = BootstrapGapGain(lists, single, grouping, question_.bootstrap);
    const Metrics metrics = ScoreLists(lists);
    const bool grouped = !answer_.grouped_by.empty();
    if (grouped) {
      answer_.notes.push_back(
          "groups (" + answer_.grouped_by + "), not " +
          (answer_.of_segments ? "segments" : "videos") +
          ", are held out and resampled: " + std::to_string(answer_.selection_groups) +
          " in the selection, " + std::to_string(grouping.groups) + " in the holdout");
    }
    // Of the best single model itself there is no gain, and so no interval.
    if (grouped && grouping.groups < kFewGroups && !IsBestSingle(answer_)) {
      answer_.notes.push_back("the holdout part has " + CountText(grouping.groups, "group") + " (" +
                              answer_.grouped_by + ") only: the interval of fewer than " +
                              std::to_string(kFewGroups) + " is too narrow");
    }
    answer_.holdout =
        EnsembleAnswer::Holdout{.gap = metrics.gap,
                                .videos = std::ssize(lists),
                                .groups = grouped ? static_cast<std::int64_t>(grouping.groups) : 0,
                                .low = gain.low,
                                .high = gain.high,
                                .metrics = metrics};
  }

  const EnsembleQuestion& question_;
  const EnsembleModels& models_;
  const ForEach& for_each_;
  const gpu::DeviceOffer& device_;
  const Told& told_;
  Combination combination_;
  SplitModels parts_;
  std::vector<double> gaps_;  ///< of each model alone, on the selection part
  std::size_t best_single_ = 0;
  std::vector<double> given_weights_;  ///< of the given members by name; empty: none are given
  EnsembleAnswer answer_;
};

}  // namespace

bool IsBestSingle(const EnsembleAnswer& answer) {
  return answer.members.size() == 1 && answer.members[0].name == answer.best_single;
}

EnsembleAnswer FindEnsemble(const EnsembleQuestion& question, const EnsembleModels& models,
                            const ForEach& for_each) {
  return FindEnsemble(question, models, for_each, {});
}

EnsembleAnswer FindEnsemble(const EnsembleQuestion& question, const EnsembleModels& models,
                            const ForEach& for_each, const gpu::DeviceOffer& device,
                            const Told& told) {
  return Finder(question, models, for_each, device, told).Find();
}

boost::json::object ToJson(const EnsembleAnswer& answer) {
  boost::json::array members;
  for (const EnsembleAnswer::Member& member : answer.members) {
    members.push_back(
        {{"name", member.name}, {"size_bytes", member.size_bytes}, {"weight", member.weight}});
  }
  boost::json::value holdout = nullptr;
  if (answer.holdout) {
    boost::json::object& object = holdout.emplace_object();
    for (const Metric& metric : kMetrics) {
      const double value = answer.holdout->metrics.*metric.value;
      // An ensemble is of whole videos, which need not have one label each.
      if (metric.needs == Metric::Needs::kLabels || std::isfinite(value)) {
        object[metric.name] = value;
      }
    }
    object["gap"] = answer.holdout->gap;
    object["videos"] = answer.holdout->videos;
    object["interval"] = {answer.holdout->low, answer.holdout->high};
    object["gain"] = answer.holdout->gap - answer.best_single_gap;
  }
  boost::json::array weightings;
  for (const WeightingScore& score : answer.weightings) {
    weightings.push_back({{"weights", WordFor(kWeightings, score.weights)}, {"gap", score.gap}});
  }
  boost::json::array notes;
  for (const std::string& note : answer.notes) notes.emplace_back(note);
  boost::json::object json = {
      {"members", members},
      {"size_bytes", answer.size_bytes},
      {"size_limit", answer.size_limit},
      {"selection", {{"gap", answer.selection_gap}, {"videos", answer.selection_videos}}},
      {"holdout", holdout},
      {"best_single",
       {{"name", answer.best_single},
        {"gap", answer.best_single_gap},
        {"videos", answer.holdout ? answer.holdout->videos : answer.selection_videos},
        {"gap_of_all_videos", answer.best_single_gap_of_all},
        {"all_videos", answer.all_videos()}}},
      {"evaluated", answer.evaluated},
      {"combine", WordFor(kScoreDomains, answer.combine)},
      {"weights", WordFor(kWeightings, answer.weights)},
      {"weights_used", answer.weights_given ? "given" : WordFor(kWeightings, answer.weights_used)},
      {"weightings", weightings},
      {"dropped", boost::json::value_from(answer.dropped)},
      {"search", WordFor(kEnsembleSearches, answer.search)},
      {"notes", notes}};
  if (answer.pull) json["pull"] = *answer.pull;
  if (answer.of_segments) json["unit"] = "segment";
  if (!answer.grouped_by.empty()) {
    json["groups"] = {{"by", answer.grouped_by},
                      {"selection", answer.selection_groups},
                      {"holdout", answer.holdout ? answer.holdout->groups : 0}};
  }
  return json;
}

boost::json::object FindingsJson(const EnsembleAnswer& answer) {
  boost::json::object json;
  if (answer.certificate) json["certificate"] = ToJson(*answer.certificate);
  if (answer.frontier) json["frontier"] = ToJson(*answer.frontier);
  if (!answer.why) return json;
  boost::json::object& why = (json["why"] = ToJson(*answer.why)).get_object();
  why["shrinkage"] = nullptr;
  why["gain_shown"] = nullptr;
  if (!answer.holdout) return json;
  why["shrinkage"] = answer.selection_gap - answer.holdout->gap;
  why["gain_shown"] = answer.holdout->low > 0;
  return json;
}

}  // namespace beamgrid
