#pragma once
// What `verify` found, for people and as JSON.

#include <boost/json.hpp>
#include <ostream>
#include <vector>

#include "orchestrator/audit/verify_study.h"

namespace beamgrid {

/// One line, and beneath it what differs, side by side, with what differs in the environment.
void PrintVerified(std::ostream& out, const VerifiedTrial& verified);
void PrintDamaged(std::ostream& out, const std::vector<DamagedFile>& files);

[[nodiscard]] boost::json::object ToJson(const VerifiedTrial& verified);
[[nodiscard]] boost::json::object DamageJson(const DamagedFile& file);

}  // namespace beamgrid
