#pragma once
// How commands print values.

#include <boost/json.hpp>
#include <ostream>

namespace beamgrid {

/// One line of compact JSON, keys sorted, numbers in their shortest exact form.
void PrintJson(std::ostream& out, const boost::json::value& value);

/// null for a number that is not finite: not measured.
[[nodiscard]] boost::json::value NumberOrNull(double number);

}  // namespace beamgrid
