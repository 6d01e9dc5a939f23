#pragma once
// How commands print values.

#include <boost/json.hpp>
#include <cstdint>
#include <ostream>
#include <string>

namespace beamgrid {

/// One line of compact JSON, keys sorted, numbers in their shortest exact form.
void PrintJson(std::ostream& out, const boost::json::value& value);

/// null for a number that is not finite: not measured.
[[nodiscard]] boost::json::value NumberOrNull(double number);

/// 0.84213 with `digits` decimals.
[[nodiscard]] std::string FixedText(double value, int digits);

/// "512 B", "3.4 KiB", "1.2 GiB".
[[nodiscard]] std::string SizeText(std::int64_t bytes);

}  // namespace beamgrid
