#pragma once
// What is wrong with SQL that a user wrote, and where in it.

#include <cstddef>
#include <optional>
#include <string>

#include "registry/util/error.h"

namespace beamgrid {

/// QueryError says that SQL of the user's is none, or is for more than reading. Message: "query: "
/// and what SQLite says.
class QueryError : public UsageError {
 public:
  QueryError(const std::string& message, std::optional<std::size_t> offset)
      : UsageError("query: " + message), reason_(message), offset_(offset) {}

  /// The message without "query: ".
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// The byte of the SQL at which it goes wrong, where SQLite can tell.
  [[nodiscard]] std::optional<std::size_t> offset() const { return offset_; }

 private:
  std::string reason_;
  std::optional<std::size_t> offset_;
};

}  // namespace beamgrid
