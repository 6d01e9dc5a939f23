#pragma once
// Commands on the record of FillStore.

#include <string>
#include <vector>

#include "tests/orchestrator/commands/command_test_support.h"

namespace beamgrid {

class RecordCommandsTest : public CommandTest {
 protected:
  RecordCommandsTest() { FillStore(database_); }
  [[nodiscard]] Called OnRecord(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--db", database_});
    return Call(arguments);
  }
  const std::string database_ = Path("filled.db");
};

}  // namespace beamgrid
