#pragma once
// Calls commands in-process, on a folder of the test's own, with a trainer that is a shell script.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "registry/store/store.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {

/// What a command left.
struct Called {
  int exit_code = 0;
  std::string out, err;

  /// `out` as JSON; fails the test where it is none.
  [[nodiscard]] boost::json::value Json() const;
};

class CommandTest : public ::testing::Test {
 protected:
  CommandTest();
  ~CommandTest() override;

  static Called Call(const std::vector<std::string>& arguments);
  /// The same on a terminal of so many columns.
  static Called CallAtTerminal(std::size_t columns, const std::vector<std::string>& arguments);
  /// A path in the test's folder.
  [[nodiscard]] std::string Path(const std::string& name) const {
    return (folder_ / name).string();
  }
  std::string Write(const std::string& name, const std::string& text) const;
  /// Makes $BEAMGRID_TRAINER a script that describes TestCatalogue(), counts every model as 1000
  /// parameters (and refuses those with "attention"), and answers `doctor`. Each start adds its
  /// command as a line to the file "trainer-calls".
  void UseFakeTrainer() const;

 private:
  TemporaryFolder folder_;
};

/// The most columns that a line of the text takes.
[[nodiscard]] std::size_t WidestLine(const std::string& text);

/// The keys of an object, sorted.
[[nodiscard]] std::vector<std::string> KeysOf(const boost::json::value& object);

/// A database with study "small" of three trials: BLSTM seed 1 complete, BLSTM seed 2 failed for
/// good after two attempts, BLSTM-h256 seed 1 waiting; and study "other", which shares the first.
void FillStore(const std::string& path);

}  // namespace beamgrid
