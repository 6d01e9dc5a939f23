#include "search/ensemble/findings.h"

#include "registry/util/json.h"

namespace beamgrid {
namespace {

boost::json::value OrNull(const std::optional<double>& number) {
  if (!number) return nullptr;
  return *number;
}

}  // namespace

boost::json::object ToJson(const Certificate& certificate) {
  boost::json::value sub_pools = nullptr;
  if (certificate.sub_pools) {
    const Certificate::SubPools& measured = *certificate.sub_pools;
    sub_pools = {{"pools", measured.pools},       {"models", measured.models},
                 {"sets", measured.sets},         {"optimal", measured.optimal},
                 {"mean_gap", measured.mean_gap}, {"largest_gap", measured.largest_gap}};
  }
  return {{"sets", certificate.sets},
          {"optimum", certificate.sets > 0 ? boost::json::value(certificate.optimum) : nullptr},
          {"found_gap", certificate.found_gap},
          {"best_gap", certificate.best_gap},
          {"sub_pools", sub_pools}};
}

boost::json::object ToJson(const EnsembleFrontier& frontier) {
  return {{"sets", frontier.sets},
          {"complete", frontier.complete},
          {"points", JsonList(frontier.points, [](const FrontierPoint& point) {
             return boost::json::object{{"size_bytes", point.size_bytes},
                                        {"members", JsonList(point.members)},
                                        {"selection_gap", point.selection_gap},
                                        {"holdout_gap", OrNull(point.holdout_gap)}};
           })}};
}

boost::json::object ToJson(const EnsembleWhy& why) {
  return {{"members", JsonList(why.members,
                               [](const EnsembleWhy::Member& member) {
                                 return boost::json::object{
                                     {"name", member.name},
                                     {"loss", OrNull(member.loss)},
                                     {"holdout_loss", OrNull(member.holdout_loss)}};
                               })},
          {"pairs", JsonList(why.pairs,
                             [](const EnsembleWhy::Pair& pair) {
                               return boost::json::object{{"first", pair.first},
                                                          {"second", pair.second},
                                                          {"correlation", pair.correlation},
                                                          {"disagreement", pair.disagreement}};
                             })},
          {"choices", JsonList(why.choices,
                               [](const EnsembleWhy::Choice& choice) {
                                 return boost::json::object{{"name", choice.name},
                                                            {"share", choice.share}};
                               })},
          {"resamples", why.resamples},
          {"resampled_videos", why.resampled_videos},
          {"resampled_groups", why.resampled_groups},
          {"same_members", why.same_members}};
}

}  // namespace beamgrid
