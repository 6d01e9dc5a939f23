#pragma once
// The text of an error that a call must end in, for tests of messages.

#include <gtest/gtest.h>

#include <string>

namespace beamgrid {

/// what() of the Exception that `call` throws; a failed test and "" if it throws none.
template <typename Exception, typename Call>
[[nodiscard]] std::string ErrorText(Call&& call) {
  try {
    call();
  } catch (const Exception& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

}  // namespace beamgrid
