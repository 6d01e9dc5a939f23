#include "orchestrator/commands/output.h"

#include <cmath>

#include "registry/util/json.h"

namespace beamgrid {

void PrintJson(std::ostream& out, const boost::json::value& value) {
  out << CanonicalJson(value) << "\n";
}

boost::json::value NumberOrNull(double number) {
  if (!std::isfinite(number)) return nullptr;
  return number;
}

}  // namespace beamgrid
