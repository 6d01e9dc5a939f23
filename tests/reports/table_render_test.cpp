#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "registry/util/error.h"
#include "reports/table.h"

namespace beamgrid {
namespace {

AblationTable Golden() {
  using enum TableColumn;
  return {.title = "Classifier & co",
          .columns = {"classifier", "GAP", "size (MiB)", "parameters", "difference [95 %]", "p",
                      "kim18/2", "ours - theirs"},
          .rows = {{.label = "logistic",
                    .mean = 0.5,
                    .std = 0.01,
                    .seeds = {0.49, 0.51},
                    .seed_numbers = {1, 2},
                    .size_bytes = 1 << 20,
                    .parameters = 262144,
                    .chosen = true,
                    .reference = 0.7942,
                    .reference_text = "0.7942",
                    .reference_difference = -0.2942},
                   {.label = "moe experts=2",
                    .mean = 0.625,
                    .std = 0.0,
                    .seeds = {0.625, 0.625},
                    .seed_numbers = {1, 2},
                    .size_bytes = 3 << 20,
                    .parameters = 786432,
                    .delta = 0.125,
                    .p_value = 0.0002,
                    .p_corrected = 0.0004,
                    .difference = RowDifference{.value = 0.125,
                                                .interval = {-0.0625, 0.25},
                                                .above = 0.75,
                                                .seeds_variance = 0.5,
                                                .videos_variance = 0.25,
                                                .p = 0.125},
                    .best = true,
                    .among_best = true,
                    .fingerprints = {"ab12", "cd34"},
                    .trial_seconds = {120, 80}},
                   {.label = "a|b_c",
                    .mean = 0.25,
                    .seeds = {0.25},
                    .seed_numbers = {2},
                    .missing_seeds = 1,
                    .size_bytes = 100,
                    .parameters = 25,
                    .missing = "1 failed (crashed)",
                    .examples_per_second = 1234.5,
                    .seconds = 200,
                    .epochs = 4.5},
                   {.label = "never, \"ran\"",
                    .missing_seeds = 2,
                    .parameters = 1,
                    .missing = "2 waiting"}},
          .kinds = {kLabel, kMetric, kSize, kParameters, kDifference, kP, kReference,
                    kReferenceDifference},
          .compared = 0,
          .resamples = 1000,
          .videos = 300,
          .difference_decimals = 3,
          .notes = {"difference: from logistic"}};
}

TEST(Render, Markdown) {
  EXPECT_EQ(Render(Golden(), "md"),
            "**Classifier & co**\n"
            "\n"
            "GAP: mean ± standard deviation of 1 to 2 seeds, on 300 validation videos. 2 trials, "
            "3m20s of training.\n"
            "\n"
            "| classifier | GAP | size (bytes) | parameters | difference [95 %] | p | kim18/2 "
            "| ours - theirs |\n"
            "|---|---:|---:|---:|---:|---:|---:|---:|\n"
            "| logistic † | 0.5000 ± 0.0100 (2 seeds) | 1048576 | 262,144 |  |  | 0.7942 "
            "| -0.2942 |\n"
            "| moe experts=2 | **0.6250 ± 0.0000 (2 seeds)** | 3145728 | 786,432 "
            "| +0.125 [-0.062, 0.250] | <0.001 |  |  |\n"
            "| a\\|b_c | 0.2500 (1 of 2 seeds: 1 failed (crashed)) | 100 | 25 |  |  |  |  |\n"
            "| never, \"ran\" | - (0 of 2 seeds: 2 waiting) | 0 | 1 |  |  |  |  |\n"
            "\n"
            "Difference: from logistic.\n"
            "\n"
            "<!--\n"
            "row 2: trials ab12 cd34\n"
            "-->\n");
}

TEST(Render, FurtherColumns) {
  AblationTable table = Golden();
  table.kinds = {TableColumn::kLabel, TableColumn::kSpeed, TableColumn::kTime,
                 TableColumn::kEpochs};
  table.columns = {"classifier", "examples/s", "time (s)", "epochs"};
  EXPECT_NE(Render(table, "md").find("| a\\|b_c | 1,235 | 200.0 | 4.5 |"), std::string::npos)
      << Render(table, "md");
}

TEST(Render, ShowsTheProbabilityThatARowIsAbove) {
  AblationTable table = Golden();
  table.kinds = {TableColumn::kLabel, TableColumn::kProbability};
  table.columns = {"classifier", "P(better)"};
  const auto cell = [&](double above) {
    table.rows[1].difference->above = above;
    const std::string text = Render(table, "md");
    const std::size_t begin = text.find("| moe experts=2 | ") + 18;
    return text.substr(begin, text.find(" |", begin) - begin);
  };
  EXPECT_EQ(cell(0.75), "0.75");
  EXPECT_EQ(cell(1), ">0.99") << "of a thousand resamples nothing is certain";
  EXPECT_EQ(cell(0.994), "0.99");
  EXPECT_EQ(cell(0), "<0.01");
}

TEST(Render, TheHeadingSaysTheSeedsThatAllRowsHave) {
  AblationTable table = Golden();
  table.common_seeds = 2;
  EXPECT_NE(Render(table, "md").find("| 0.5000 ± 0.0100 | 1048576 |"), std::string::npos);
}

TEST(Render, WhatIsNotZeroNeverReadsAsZero) {
  AblationTable table = Golden();
  table.decimals = 2;
  table.difference_decimals = 2;
  TableRow& row = table.rows[1];
  row.std = 0.0004;
  row.reference_difference = 0.0;
  const auto text_of = [&](double delta, double low, double high) {
    row.delta = delta;
    row.difference->interval = {low, high};
    const std::string text = Render(table, "md");
    const std::size_t begin = text.find("786,432 | ") + 10;
    return text.substr(begin, text.find(" |", begin) - begin);
  };
  EXPECT_EQ(text_of(0.125, -0.5, 0.25), "+0.12 [-0.50, 0.25]");
  EXPECT_EQ(text_of(0.0012, 0.0004, 0.002), "+0.001 [0.0004, 0.002]") << "it excludes 0";
  EXPECT_EQ(text_of(-0.004, -0.006, -0.0000001), "-0.004 [-0.01, -1e-07]");
  EXPECT_EQ(text_of(0, -0.1, 0.1), "0.00 [-0.10, 0.10]") << "0 has no sign";
  EXPECT_EQ(text_of(-0.0, 0.0, -0.0), "0.00 [0.00, 0.00]");
  EXPECT_EQ(text_of(-0.00500001, 1, 1), "-0.01 [1.00, 1.00]");
  EXPECT_NE(Render(table, "md").find("**0.62 ± 0.0004 (2 seeds)**"), std::string::npos);
  EXPECT_NE(Render(table, "md").find(" | 0.00 |"), std::string::npos) << "ours - theirs";
  EXPECT_NE(Render(table, "html").find("0.62 ± 0.0004"), std::string::npos);
  row.delta = 0.0012;
  EXPECT_NE(Render(table, "latex").find("\\num[print-implicit-plus]{0.001}\\\\{}["),
            std::string::npos);
  EXPECT_NE(
      Render(table, "macros").find("/difference\\endcsname{\\num[print-implicit-plus]{0.001}}"),
      std::string::npos);
  row.delta = 0;
  EXPECT_NE(Render(table, "latex").find(" & \\begin{tabular}[t]{@{}r@{}}\\num{0.00}\\\\{}["),
            std::string::npos);
}

TEST(Render, ARowOfNoTrialsIsADashWithItsReason) {
  AblationTable table = Golden();
  table.rows[3] = {.label = "none", .missing = "the study has no such model"};
  EXPECT_NE(
      Render(table, "md").find("| none | - (the study has no such model) |  |  |  |  |  |  |"),
      std::string::npos)
      << Render(table, "md");
  EXPECT_NE(Render(table, "latex").find("none & \\textemdash{} &  &  &  &  &  &  \\\\"),
            std::string::npos)
      << Render(table, "latex");
  EXPECT_NE(Render(table, "latex").find(" none: the study has no such model."), std::string::npos);
  EXPECT_NE(Render(table, "csv").find("\nnone,,,0,0,the study has no such model,,,"),
            std::string::npos);
  EXPECT_NE(Render(table, "json").find(R"("parameters":null)"), std::string::npos);
  EXPECT_EQ(Render(table, "macros").find("none/parameters"), std::string::npos);
}

TEST(Render, Csv) {
  EXPECT_EQ(
      Render(Golden(), "csv"),
      "label,gap_mean,gap_std,seeds,missing_seeds,missing,size_bytes,parameters,"
      "examples_per_second,seconds,epochs,delta,interval_low,interval_high,interval_of,"
      "probability_above,seeds_variance,videos_variance,remainder_variance,interval_p,p_value,"
      "p_corrected,best,among_best,p_best,reference,reference_difference,seed_values,seed_numbers,"
      "fingerprints\n"
      "logistic,0.5,0.01,2,0,,1048576,262144,,,,,,,,,,,,,,,false,false,,0.7942,-0.2942,0.49 0.51,"
      "1 2,\n"
      "moe experts=2,0.625,0.0,2,0,,3145728,786432,,,,0.125,-0.0625,0.25,seeds and videos,"
      "0.75,0.5,0.25,0.0,0.125,2e-04,4e-04,true,true,,,,0.625 0.625,1 2,ab12 cd34\n"
      "a|b_c,0.25,,1,1,1 failed (crashed),100,25,1234.5,200.0,4.5,,,,,,,,,,,,false,false,,,,0.25,2,"
      "\n"
      "\"never, \"\"ran\"\"\",,,0,2,2 waiting,0,1,,,,,,,,,,,,,,,false,false,,,,,,\n");
}

TEST(Render, JsonHasTheFixedShapeAndEveryNumber) {
  AblationTable table = Golden();
  table.rows.erase(table.rows.begin() + 2);
  table.columns.resize(2);
  EXPECT_EQ(boost::json::parse(Render(table, "json")), boost::json::parse(R"json({
    "title": "Classifier & co",
    "caption": "GAP: mean ± standard deviation of 2 seeds, on 300 validation videos. 2 trials, 3m20s of training.",
    "columns": ["classifier", "GAP"],
    "rows": [
      {"label": "logistic",
       "gap": {"mean": 0.5, "std": 0.01, "seeds": 2, "missing_seeds": 0, "values": [0.49, 0.51],
               "seed_numbers": [1, 2]},
       "missing": "", "size_bytes": 1048576, "parameters": 262144, "examples_per_second": null,
       "seconds": null, "epochs": null, "delta": null, "interval": null, "no_interval": "",
       "p_value": null, "p_corrected": null, "best": false, "among_best": false, "p_best": null,
       "chosen_on_the_same_data": true, "reference": 0.7942, "reference_difference": -0.2942,
       "fingerprints": []},
      {"label": "moe experts=2",
       "gap": {"mean": 0.625, "std": 0.0, "seeds": 2, "missing_seeds": 0,
               "values": [0.625, 0.625], "seed_numbers": [1, 2]},
       "missing": "", "size_bytes": 3145728, "parameters": 786432, "examples_per_second": null,
       "seconds": null, "epochs": null, "delta": 0.125,
       "interval": {"low": -0.0625, "high": 0.25, "of": "seeds and videos",
                    "probability_above": 0.75, "p": 0.125,
                    "variance": {"seeds": 0.5, "videos": 0.25, "remainder": 0.0}},
       "no_interval": "", "p_value": 0.0002, "p_corrected": 0.0004, "best": true,
       "among_best": true, "p_best": null, "chosen_on_the_same_data": false, "reference": null,
       "reference_difference": null, "fingerprints": ["ab12", "cd34"]},
      {"label": "never, \"ran\"",
       "gap": {"mean": null, "std": null, "seeds": 0, "missing_seeds": 2, "values": [],
               "seed_numbers": []},
       "missing": "2 waiting", "size_bytes": 0, "parameters": 1, "examples_per_second": null,
       "seconds": null, "epochs": null, "delta": null, "interval": null, "no_interval": "",
       "p_value": null, "p_corrected": null, "best": false, "among_best": false, "p_best": null,
       "chosen_on_the_same_data": false, "reference": null, "reference_difference": null,
       "fingerprints": []}],
    "compared": "logistic", "test": "sign-flip", "resamples": 1000, "videos": 300,
    "notes": ["Difference: from logistic."], "remarks": []
})json"));
}

TEST(Render, LatexEscapesWhatLatexReads) {
  EXPECT_EQ(Render(Golden(), "latex"),
            R"latex(% needs \usepackage{booktabs,siunitx,tabularx,graphicx}
\begin{table*}
\centering\scriptsize
\sisetup{separate-uncertainty=true,group-digits=integer,group-separator={,},group-minimum-digits=4}
\setlength{\tabcolsep}{3pt}
\caption{Classifier \& co. GAP: mean \ensuremath{\pm} standard deviation of 1 to 2 seeds, on 300 validation videos. 2 trials, 3m20s of training.}
\resizebox{\linewidth}{!}{%
\begin{tabularx}{\ifdim\linewidth<428pt 428pt\else\linewidth\fi}{@{}>{\raggedright\arraybackslash}Xrrrrrrr@{}}
\toprule
classifier & GAP & \shortstack[r]{size\\{}(bytes)} & parameters & \shortstack[r]{difference\\{}[95 \%]} & p & kim18/2 & \shortstack[r]{ours -\\{}theirs} \\
\midrule
logistic \ensuremath{\dagger} & \num{0.5000 +- 0.0100} (2 seeds) & \num{1048576} & \num{262144} &  &  & 0.7942 & \num{-0.2942} \\
% trials ab12 cd34
moe experts=2 & {\boldmath\num[reset-math-version=false]{0.6250 +- 0.0000}} (2 seeds) & \num{3145728} & \num{786432} & \begin{tabular}[t]{@{}r@{}}\num[print-implicit-plus]{0.125}\\{}[\num{-0.062}, \num{0.250}]\end{tabular} & $<$\num{0.001} &  &  \\
a\textbar{}b\_\allowbreak{}c & \num{0.2500} (1 of 2) & \num{100} & \num{25} &  &  &  &  \\
never, ''ran'' & \textemdash{} (0 of 2) & \num{0} & \num{1} &  &  &  &  \\
\bottomrule
\end{tabularx}}
\par\smallskip\raggedright Difference: from logistic. Seeds that a\textbar{}b\_\allowbreak{}c lacks: 1 failed (crashed). Seeds that never, ''ran'' lacks: 2 waiting.
\end{table*}
)latex");
}

TEST(Render, LatexHasNoEmptyLineInACaption) {
  AblationTable table = Golden();
  table.title = "two\n\nparagraphs";
  EXPECT_NE(Render(table, "latex").find("\\caption{two  paragraphs."), std::string::npos);
}

TEST(Render, MacrosNameEveryNumberByItsRow) {
  EXPECT_EQ(Render(Golden(), "macros"),
            R"latex(% \beamgrid{LABEL/NUMBER} in prose, with \usepackage{siunitx}
\providecommand{\beamgrid}[1]{\ifcsname beamgrid@#1\endcsname\csname beamgrid@#1\endcsname\else\errmessage{beamgrid has no number #1}\fi}
\expandafter\def\csname beamgrid@logistic/gap\endcsname{\num{0.5000}}
\expandafter\def\csname beamgrid@logistic/std\endcsname{\num{0.0100}}
\expandafter\def\csname beamgrid@logistic/seeds\endcsname{2}
\expandafter\def\csname beamgrid@logistic/parameters\endcsname{\num{262144}}
% trials ab12 cd34
\expandafter\def\csname beamgrid@moe-experts=2/gap\endcsname{\num{0.6250}}
\expandafter\def\csname beamgrid@moe-experts=2/std\endcsname{\num{0.0000}}
\expandafter\def\csname beamgrid@moe-experts=2/seeds\endcsname{2}
\expandafter\def\csname beamgrid@moe-experts=2/parameters\endcsname{\num{786432}}
\expandafter\def\csname beamgrid@moe-experts=2/difference\endcsname{\num[print-implicit-plus]{0.125}}
\expandafter\def\csname beamgrid@moe-experts=2/low\endcsname{\num{-0.062}}
\expandafter\def\csname beamgrid@moe-experts=2/high\endcsname{\num{0.250}}
\expandafter\def\csname beamgrid@moe-experts=2/p\endcsname{\textless{}0.001}
\expandafter\def\csname beamgrid@ab-c/gap\endcsname{\num{0.2500}}
\expandafter\def\csname beamgrid@ab-c/seeds\endcsname{1}
\expandafter\def\csname beamgrid@ab-c/parameters\endcsname{\num{25}}
\expandafter\def\csname beamgrid@never-ran/seeds\endcsname{0}
\expandafter\def\csname beamgrid@never-ran/parameters\endcsname{\num{1}}
)latex");
}

// A macro that two rows had would be the number of the second, wherever the first is meant.
TEST(Render, NoMacroIsOfTwoRows) {
  AblationTable table = Golden();
  table.rows[0].label = "conv window=[1, 15]";
  table.rows[1].label = "conv window=(1 15)";
  const std::string macros = Render(table, "macros");
  EXPECT_THAT(macros, testing::HasSubstr("% conv-window=1-15-row1: conv window=[1, 15]\n"));
  EXPECT_THAT(macros,
              testing::HasSubstr("beamgrid@conv-window=1-15-row1/gap\\endcsname{\\num{0.5000}}"));
  EXPECT_THAT(macros,
              testing::HasSubstr("beamgrid@conv-window=1-15-row2/gap\\endcsname{\\num{0.6250}}"));
  EXPECT_THAT(macros, testing::Not(testing::HasSubstr("beamgrid@conv-window=1-15/")));
}

TEST(Render, HtmlEscapesWhatHtmlReads) {
  AblationTable table = Golden();
  table.rows.erase(table.rows.begin() + 2, table.rows.end());
  table.rows[0].label = "<b>";
  table.columns.resize(5);
  table.kinds.resize(5);
  EXPECT_EQ(Render(table, "html"),
            "<table>\n"
            "<caption>Classifier &amp; co. GAP: mean ± standard deviation of 2 seeds, on 300 "
            "validation videos. 2 trials, 3m20s of training.</caption>\n"
            "<thead>\n"
            "<tr><th>classifier</th><th>GAP</th><th>size (MiB)</th><th>parameters</th>"
            "<th>difference [95 %]</th></tr>\n"
            "</thead>\n"
            "<tbody>\n"
            "<tr><td>&lt;b&gt; †</td><td>0.5000 ± 0.0100 (2 seeds)</td><td>1.00</td>"
            "<td>262,144</td><td></td></tr>\n"
            "<!-- trials ab12 cd34 -->\n"
            "<tr><td>moe experts=2</td><td><strong>0.6250 ± 0.0000 (2 seeds)</strong></td>"
            "<td>3.00</td><td>786,432</td><td>+0.125 [-0.062, 0.250]</td></tr>\n"
            "</tbody>\n"
            "</table>\n"
            "<p>Difference: from logistic.</p>\n");
}

TEST(Render, RefusesUnknownFormatsNamingTheKnownOnes) {
  try {
    (void)Render(Golden(), "pdf");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "format 'pdf' is not known; they are csv, html, json, latex, macros, md");
  }
}

}  // namespace
}  // namespace beamgrid
