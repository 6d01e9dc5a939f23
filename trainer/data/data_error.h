#pragma once
// The error that says what is wrong with a data file, and where.

#include <cstdint>
#include <string>
#include <utility>

#include "registry/util/input_error.h"

namespace beamgrid {

/// DataFault says how far the harm of a DataError goes.
enum class DataFault {
  kDamagedLength,  ///< the framing is broken or cut off: nothing behind it in this file is readable
  /// This record only: its CRC or wire format, no frames, no labels, a number that no network can
  /// take. Others are fine.
  kDamagedRecord,
  kContradiction,  ///< a sound record that does not fit the recipe: never skipped
};

/// DataError says that a record cannot be used. Message: "FILE: byte OFFSET: what is wrong and the
/// likely fix".
class DataError : public InputError {
 public:
  /// `offset` is that of the record's first byte (of its length field) in the file.
  DataError(DataFault fault, std::string file, std::uint64_t offset, const std::string& what)
      : InputError(file + ": byte " + std::to_string(offset) + ": " + what),
        fault_(fault),
        file_(std::move(file)),
        offset_(offset),
        reason_(what) {}

  [[nodiscard]] DataFault fault() const { return fault_; }
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  /// The message without file and offset.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  DataFault fault_;
  std::string file_;
  std::uint64_t offset_;
  std::string reason_;
};

}  // namespace beamgrid
