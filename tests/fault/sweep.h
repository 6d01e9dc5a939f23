#pragma once
// One fault at each of the calls with which a program touches the outside.

#include <ostream>
#include <string>

#include "tests/fault/faults.h"
#include "tests/fault/faulty_study.h"

namespace beamgrid {

/// Which recipe was run before the run that meets the fault.
enum class RecipeBefore {
  kNone,
  kAnother  ///< of the same name: one trial stays, one leaves, one is new
};

struct SweepCase {
  std::string name;
  std::string program;
  Fault fault = Fault::kNone;
  std::int64_t count = kEver;  ///< how many calls meet it
  std::int64_t points = 4;     ///< of the calls, evenly spread; kEver: all
  RecipeText (*recipe)() = TwoTrials;
  std::int64_t pauses = 0;  ///< executions of an undisturbed run that pause: they have no result
  RecipeBefore before = RecipeBefore::kNone;
};
inline void PrintTo(const SweepCase& sweep, std::ostream* out) { *out << sweep.name; }

/// For each point: a run that meets the fault there, a look at the record, a run without faults,
/// which must end in the undisturbed result with nothing executed twice.
void Sweep(const SweepCase& sweep);

}  // namespace beamgrid
