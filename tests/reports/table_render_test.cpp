#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "registry/util/error.h"
#include "reports/table.h"

namespace beamgrid {
namespace {

AblationTable Golden() {
  return {.title = "Classifier & co",
          .columns = {"classifier", "GAP", "size (MiB)", "parameters", "delta", "p", "kim18/2"},
          .rows = {{.label = "logistic",
                    .mean = 0.5,
                    .std = 0.01,
                    .seeds = {0.49, 0.51},
                    .seed_numbers = {1, 2},
                    .size_bytes = 1 << 20,
                    .parameters = 262144,
                    .reference = 0.7942,
                    .reference_text = "0.7942"},
                   {.label = "moe experts=2",
                    .mean = 0.625,
                    .std = 0.0,
                    .seeds = {0.625, 0.625},
                    .seed_numbers = {1, 2},
                    .size_bytes = 3 << 20,
                    .parameters = 786432,
                    .delta = 0.125,
                    .p_value = 0.0004},
                   {.label = "a|b_c",
                    .mean = 0.25,
                    .seeds = {0.25},
                    .seed_numbers = {2},
                    .missing_seeds = 1,
                    .size_bytes = 100,
                    .parameters = 25},
                   {.label = "never, \"ran\"", .missing_seeds = 2, .parameters = 1}},
          .notes = {"delta: against logistic"}};
}

TEST(Render, Markdown) {
  EXPECT_EQ(Render(Golden(), "md"),
            "**Classifier & co**\n"
            "\n"
            "| classifier | GAP | size | parameters | delta | p | kim18/2 |\n"
            "|---|---:|---:|---:|---:|---:|---:|\n"
            "| logistic | 0.5000 ± 0.0100 (2 seeds) | 1.0 MiB | 262,144 |  |  | 0.7942 |\n"
            "| moe experts=2 | 0.6250 ± 0.0000 (2 seeds) | 3.0 MiB | 786,432 "
            "| +0.1250 | <0.001 |  |\n"
            "| a\\|b_c | 0.2500 (1 of 2 seeds) | 100 B | 25 |  |  |  |\n"
            "| never, \"ran\" | - (0 of 2 seeds) | 0 B | 1 |  |  |  |\n"
            "\n"
            "delta: against logistic\n");
}

TEST(Render, Csv) {
  EXPECT_EQ(Render(Golden(), "csv"),
            "label,gap_mean,gap_std,seeds,missing_seeds,size_bytes,parameters,delta,p_value,"
            "reference\n"
            "logistic,0.5,0.01,2,0,1048576,262144,,,0.7942\n"
            "moe experts=2,0.625,0.0,2,0,3145728,786432,0.125,4e-04,\n"
            "a|b_c,0.25,,1,1,100,25,,,\n"
            "\"never, \"\"ran\"\"\",,,0,2,0,1,,,\n");
}

TEST(Render, JsonHasTheFixedShape) {
  AblationTable table = Golden();
  table.rows.erase(table.rows.begin() + 2);
  EXPECT_EQ(boost::json::parse(Render(table, "json")), boost::json::parse(R"json({
    "title": "Classifier & co",
    "columns": ["classifier", "GAP", "size (MiB)", "parameters", "delta", "p", "kim18/2"],
    "rows": [
      {"label": "logistic",
       "gap": {"mean": 0.5, "std": 0.01, "seeds": 2, "missing_seeds": 0, "values": [0.49, 0.51]},
       "size_bytes": 1048576, "parameters": 262144, "delta": null, "p_value": null,
       "reference": 0.7942},
      {"label": "moe experts=2",
       "gap": {"mean": 0.625, "std": 0.0, "seeds": 2, "missing_seeds": 0,
               "values": [0.625, 0.625]},
       "size_bytes": 3145728, "parameters": 786432, "delta": 0.125, "p_value": 0.0004,
       "reference": null},
      {"label": "never, \"ran\"",
       "gap": {"mean": null, "std": null, "seeds": 0, "missing_seeds": 2, "values": []},
       "size_bytes": 0, "parameters": 1, "delta": null, "p_value": null, "reference": null}],
    "notes": ["delta: against logistic"]
})json"));
}

TEST(Render, LatexEscapesWhatLatexReads) {
  EXPECT_EQ(Render(Golden(), "latex"),
            "\\begin{table}\n"
            "\\caption{Classifier \\& co}\n"
            "\\begin{tabular}{lrrrrrr}\n"
            "\\hline\n"
            "classifier & GAP & size & parameters & delta & p & kim18/2 \\\\\n"
            "\\hline\n"
            "logistic & 0.5000 $\\pm$ 0.0100 (2 seeds) & 1.0 MiB & 262,144 &  &  & 0.7942 \\\\\n"
            "moe experts=2 & 0.6250 $\\pm$ 0.0000 (2 seeds) & 3.0 MiB & 786,432 & +0.1250 & "
            "$<$0.001 &  \\\\\n"
            "a\\textbar{}b\\_c & 0.2500 (1 of 2 seeds) & 100 B & 25 &  &  &  \\\\\n"
            "never, \"ran\" & - (0 of 2 seeds) & 0 B & 1 &  &  &  \\\\\n"
            "\\hline\n"
            "\\end{tabular}\n"
            "\n"
            "{\\small delta: against logistic.}\n"
            "\\end{table}\n");
}

TEST(Render, LatexHasNoEmptyLineInACaption) {
  AblationTable table = Golden();
  table.title = "two\n\nparagraphs";
  EXPECT_NE(Render(table, "latex").find("\\caption{two  paragraphs}\n"), std::string::npos);
}

TEST(Render, HtmlEscapesWhatHtmlReads) {
  AblationTable table = Golden();
  table.rows.erase(table.rows.begin() + 2, table.rows.end());
  table.rows[0].label = "<b>";
  EXPECT_EQ(Render(table, "html"),
            "<table>\n"
            "<caption>Classifier &amp; co</caption>\n"
            "<thead>\n"
            "<tr><th>classifier</th><th>GAP</th><th>size (MiB)</th><th>parameters</th>"
            "<th>delta</th><th>p</th><th>kim18/2</th></tr>\n"
            "</thead>\n"
            "<tbody>\n"
            "<tr><td>&lt;b&gt;</td><td>0.5000 ± 0.0100 (2 seeds)</td><td>1.00</td>"
            "<td>262,144</td><td></td><td></td><td>0.7942</td></tr>\n"
            "<tr><td>moe experts=2</td><td>0.6250 ± 0.0000 (2 seeds)</td><td>3.00</td>"
            "<td>786,432</td><td>+0.1250</td><td>&lt;0.001</td><td></td></tr>\n"
            "</tbody>\n"
            "</table>\n"
            "<p>delta: against logistic</p>\n");
}

TEST(Render, LeavesOutColumnsThatTheTableLacks) {
  AblationTable table = Golden();
  table.columns = {"classifier", "GAP", "size (MiB)", "parameters", "delta"};
  table.rows.resize(1);
  table.notes.clear();
  EXPECT_EQ(Render(table, "md"),
            "**Classifier & co**\n"
            "\n"
            "| classifier | GAP | size (MiB) | parameters | delta |\n"
            "|---|---:|---:|---:|---:|\n"
            "| logistic | 0.5000 ± 0.0100 (2 seeds) | 1.00 | 262,144 |  |\n");
}

TEST(Render, RefusesUnknownFormatsNamingTheKnownOnes) {
  try {
    (void)Render(Golden(), "pdf");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "format 'pdf' is not known; they are csv, html, json, latex, md");
  }
}

}  // namespace
}  // namespace beamgrid
