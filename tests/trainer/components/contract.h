#pragma once
// The contract's subjects and batches (trainer/contract/) for the tests of components.

#include <gtest/gtest.h>

#include "trainer/contract/batches.h"
#include "trainer/contract/cases.h"
#include "trainer/contract/subject.h"

namespace beamgrid {

/// For names of tests and messages.
inline void PrintTo(const ComponentInfo& info, std::ostream* out) {
  *out << info.criterion << " " << info.name;
}

}  // namespace beamgrid
