// What the tests and intervals of tables say of tables of which the truth is known: family-wise
// error and coverage where rows differ by chance alone, power where an effect was planted. Prints
// the tables of docs/tables.md.
//
//   table_statistics_bench [TABLES]

#include <cstdio>
#include <cstdlib>

#include "tests/reports/planted_tables.h"

namespace {

using beamgrid::planted::Answer;
using beamgrid::planted::Question;
using beamgrid::planted::Tables;

double Percent(int part, int whole) { return 100.0 * part / whole; }

void Errors(const char* what, Question question, int tables) {
  for (const int seeds : {2, 3, 5, 6, 10}) {
    question.seeds = seeds;
    const Answer answer = Tables(question).Ask(tables);
    std::printf("| %s | %d | %.2f | %.2f | %.2f | %.1f |\n", what, seeds,
                Percent(answer.sign_flip_errors, tables), Percent(answer.t_errors, tables),
                Percent(answer.two_level_errors, tables),
                Percent(answer.covered, answer.intervals));
    std::fflush(stdout);
  }
}

void Power(const char* what, Question question, int tables) {
  for (const double effect : {0.25, 0.5, 1.0}) {
    for (const int seeds : {3, 5, 10}) {
      question.seeds = seeds;
      question.effect = effect;
      const Answer answer = Tables(question).Ask(tables);
      std::printf("| %s | %.2f | %d | %.0f | %.0f | %.0f |\n", what, effect, seeds,
                  Percent(answer.sign_flip_found, tables), Percent(answer.t_found, tables),
                  Percent(answer.two_level_found, tables));
      std::fflush(stdout);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int tables = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const Question seeds{.seed_spread = 0.5, .video_spread = 0};
  const Question videos{.seed_spread = 0.05, .video_spread = 1.5};
  std::printf("| noise | seeds | sign-flip %% | t %% | two-level %% | covered %% |\n");
  Errors("seeds", seeds, tables);
  Errors("both", {}, tables / 5);
  Errors("videos", videos, tables / 5);
  std::printf("\n| noise | effect | seeds | sign-flip %% | t %% | two-level %% |\n");
  Power("seeds", seeds, tables / 20);
  Power("both", {}, tables / 20);
}
