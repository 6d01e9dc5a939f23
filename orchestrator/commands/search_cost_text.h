#pragma once
// What a search will cost, as `plan` prints it.

#include <boost/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "orchestrator/search_cost.h"

namespace beamgrid {

/// CostReport is all that is said of a search's cost.
struct CostReport {
  std::string strategy;  ///< the recipe's
  std::vector<Slot> slots;
  SearchCost cost;
  std::vector<OtherStrategy> others;
  std::vector<std::string> basis;  ///< what it is from, a sentence each
};

/// Prints some lines for people.
void PrintCost(std::ostream& out, const CostReport& report);

/// Returns the values of `plan --json`: "cost" and "other_strategies".
[[nodiscard]] boost::json::object CostJson(const CostReport& report);

}  // namespace beamgrid
