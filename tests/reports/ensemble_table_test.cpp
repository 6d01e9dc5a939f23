#include "reports/ensemble_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "registry/util/error.h"
#include "tests/reports/table_support.h"
#include "tests/support/error_text.h"

namespace beamgrid {
namespace ensemble_table_test {

using testing::HasSubstr;

EnsembleTable Example() {
  ModelSpec gated = SmallModel(Blstm(1), Moe(2));
  gated.extras["dropout"] = {{"rate", 0.5}};
  return {.title = "s: ensemble 3",
          .members = {{.name = "MC-BLSTM-MoE2/s1",
                       .size_bytes = 3 << 20,
                       .weight = 0.25,
                       .gap = 0.75,
                       .model = SmallModel(Blstm(1), Moe(2)),
                       .fingerprint = "ab12"},
                      {.name = "gated_net",
                       .size_bytes = 5 << 20,
                       .weight = 0.7500000001,
                       .gap = 0.8,
                       .model = gated},
                      {.name = "unknown", .size_bytes = 1 << 20, .weight = 0.00001}},
          .size_bytes = 9 << 20,
          .size_limit = 1 << 30,
          .gap = 0.8125,
          .gap_of = "holdout",
          .videos = 120,
          .combine = "logits",
          .weights = "learned"};
}

TEST(EnsembleTable, SaysOfHowManyGroupsItsVideosAre) {
  EnsembleTable table = Example();
  table.grouped_by = "subject";
  table.groups = 30;
  EXPECT_THAT(Render(table, "md"),
              HasSubstr("of the ensemble: on the same 120 videos (30 groups by subject) of the "
                        "holdout"));
}

TEST(EnsembleTable, HasMembersWithSizesAndWeightsAndTheSumBesideTheLimit) {
  EXPECT_EQ(Render(Example(), "md"),
            "**s: ensemble 3**\n\n"
            "GAP of the members and of the ensemble: on the same 120 videos of the holdout, which "
            "did not choose it.\n\n"
            "| model | size (MiB) | weight | holdout GAP |\n"
            "|---|---:|---:|---:|\n"
            "| MC-BLSTM-MoE2/s1 | 3.00 | 0.2500 | 0.7500 |\n"
            "| gated_net | 5.00 | 0.7500 | 0.8000 |\n"
            "| unknown | 1.00 | 0.00001 |  |\n"
            "| ensemble | 9.00 of 1.0 GiB | 1.0000 | 0.8125 |\n\n"
            "Weights: learned, of the members' logits.\n\n"
            "<!--\nrow 1: trials ab12\n-->\n");
  const std::string latex = Render(Example(), "latex");
  EXPECT_THAT(latex, HasSubstr("% trials ab12\nMC-BLSTM-MoE2/s1 & \\num{3.00} & \\num{0.2500} & "
                               "\\num{0.7500} \\\\\n"));
  EXPECT_THAT(latex, HasSubstr("ensemble & 9.00 of 1.0 GiB & \\num{1.0000} & \\num{0.8125}"));
  EXPECT_EQ(Render(Example(), "csv"),
            "model,size_bytes,weight,gap,size_limit,reference_size,reference_weight\n"
            "MC-BLSTM-MoE2/s1,3145728,0.25,0.75,,,\n"
            "gated_net,5242880,0.7500000001,0.8,,,\n"
            "unknown,1048576,1e-05,,,,\n"
            "ensemble,9437184,,0.8125,1073741824,,\n");
  EXPECT_THAT(Render(Example(), "html"), HasSubstr("<td>9.00 of 1.0 GiB</td>"));
  const auto json = boost::json::parse(Render(Example(), "json"));
  EXPECT_EQ(json.at("members").at(1).at("weight").as_double(), 0.7500000001);
  EXPECT_EQ(json.at("size_limit").as_int64(), 1 << 30);
}

TEST(EnsembleTable, SaysThatTheSelectionIsNoTest) {
  EnsembleTable table = Example();
  table.gap_of = "selection";
  EXPECT_THAT(Render(table, "md"),
              HasSubstr("on the same 120 videos of the selection, which chose it: too "
                        "high for a test score"));
}

TEST(EnsembleTable, PutsThePapersMembersBesideOurs) {
  EnsembleTable table = Example();
  table.reference = "p/ensemble";
  table.paper.rows = {
      {"BLSTM", "temporal=blstm;classifier=moe(experts=2)", 0.3, "0.30", "", {"BLSTM", "162M"}},
      {"BLSTM-CG",
       "temporal=blstm;classifier=moe(experts=2);extras=dropout",
       0.6,
       "0.60",
       "",
       {"BLSTM-CG", "168M"}},
      {"NetVLAD", "temporal=netvlad", 0.1, "0.10", "", {"NetVLAD", "138M"}}};
  const std::string text = Render(table, "md");
  EXPECT_THAT(text, HasSubstr("| holdout GAP | p/ensemble: size | p/ensemble: weight |"));
  EXPECT_THAT(text, HasSubstr("| MC-BLSTM-MoE2/s1 | 3.00 | 0.2500 | 0.7500 | 162M | 0.30 |"));
  EXPECT_THAT(text, HasSubstr("| gated_net | 5.00 | 0.7500 | 0.8000 | 168M | 0.60 |"));
  EXPECT_THAT(text, HasSubstr("| ensemble | 9.00 of 1.0 GiB | 1.0000 | 0.8125 |  |  |"));
  EXPECT_THAT(text, HasSubstr("Of p/ensemble none of the members is NetVLAD."));
}

TEST(EnsembleTable, SaysWhyMembersHaveNoNumberOnTheEnsemblesVideos) {
  EnsembleTable table = Example();
  for (EnsembleTableMember& member : table.members) member.gap.reset();
  table.no_member_gaps = "gone";
  EXPECT_THAT(Render(table, "md"), HasSubstr("No GAP of the members on these videos: gone."));
}

TEST(EnsembleTable, RefusesUnknownFormats) {
  EXPECT_EQ(ErrorText<UsageError>([] { static_cast<void>(Render(Example(), "macros")); }),
            "format 'macros' is not one of an ensemble's table; they are csv, html, json, latex, "
            "md");
}

}  // namespace ensemble_table_test
}  // namespace beamgrid
