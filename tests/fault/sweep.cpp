#include "tests/fault/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "tests/fault/faulty_study.h"

namespace beamgrid {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

/// The most executions that one fault can cost: all that are at work at the time, or, where it
/// lasts, each once more.
constexpr std::int64_t kMostLost = 4;

/// How many calls a run without a fault makes.
std::int64_t CallsOf(FaultyStudy& study, const SweepCase& sweep) {
  study.Forget();
  study.faults().Set(sweep.program, sweep.fault, kEver);
  const Ended ended = study.Run(FaultyStudy::With::kFaults);
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, study.undisturbed().out);
  return study.faults().seen();
}

/// Killed (or a child of it, between fork and exec), or done all the same, or stopped with an error
/// that says so, be it only because the ensemble could not be recorded.
void ExpectCleanEnd(const SweepCase& sweep, const Ended& ended) {
  if (ended.exit_code == 0) return;
  const bool may_die = sweep.fault == Fault::kKill && sweep.program == kOrchestratorProgram;
  if (may_die && ended.exit_code == -SIGKILL) return;
  EXPECT_THAT(ended.exit_code, AnyOf(1, 3));
  EXPECT_THAT(ended.err,
              HasSubstr(ended.exit_code == 3 ? "error: what was trained is recorded" : "error: "));
}

/// Which of the points are met: the `part`th of every `of`.
struct Part {
  std::int64_t part = 1, of = 1;
};
/// $BEAMGRID_FAULT_PART, as "2/5": the fifth of the points that begins with the second. All sweeps
/// over every call take two cores more than an hour, which several nights or machines may share.
Part ChosenPart() {
  const char* text = std::getenv("BEAMGRID_FAULT_PART");
  Part chosen;
  if (text == nullptr) return chosen;
  char slash = 0;
  const bool read =
      static_cast<bool>(std::istringstream(text) >> chosen.part >> slash >> chosen.of);
  if (!read || slash != '/' || chosen.part < 1 || chosen.part > chosen.of) {
    throw std::invalid_argument(std::string("BEAMGRID_FAULT_PART = ") + text + ": write 2/5");
  }
  return chosen;
}

void MeetTheFaultAt(FaultyStudy& study, const SweepCase& sweep, std::int64_t call) {
  study.Forget();
  study.faults().Set(sweep.program, sweep.fault, call, sweep.count);
  const Ended ended = study.Run(FaultyStudy::With::kFaults);
  SCOPED_TRACE(sweep.name + " at call " + std::to_string(call) + ": " + study.faults().first_hit() +
               "\nexit " + std::to_string(ended.exit_code) + "\n" + ended.err);
  ExpectCleanEnd(sweep, ended);
  study.ExpectRecordReadable();
  study.ExpectUndisturbedEnd();
  study.ExpectNothingRepeated(kMostLost + sweep.pauses);
}

}  // namespace

void Sweep(const SweepCase& sweep) {
  std::optional<RecipeText> before;
  if (sweep.before == RecipeBefore::kAnother) {
    before = TwoTrials();
    before->grid =
        "[[grid.classifier]]\nuse = \"logistic\"\n[[grid.classifier]]\nuse = \"moe\"\nexperts = "
        "4\n";
  }
  FaultyStudy study(sweep.recipe(), before);
  const std::int64_t calls = CallsOf(study, sweep);
  ASSERT_GT(calls, 0);
  const std::int64_t points = std::min(sweep.points, calls);
  const Part chosen = points == calls ? ChosenPart() : Part();
  std::int64_t met = 0;
  for (std::int64_t point = chosen.part - 1; point < points && !testing::Test::HasFailure();
       point += chosen.of, ++met) {
    // The middles of equal parts; with short writes everything goes on, so the more the better.
    const bool harmless = sweep.fault == Fault::kShortWrite;
    const std::int64_t before = harmless ? point : (2 * point + 1) * calls / (2 * points);
    MeetTheFaultAt(study, sweep, before + 1);
  }
  std::cout << sweep.name << ": " << met << " of " << calls << " calls" << std::endl;
}

}  // namespace beamgrid
