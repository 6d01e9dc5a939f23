#pragma once
// What a command prints, held so that it can be printed again.

#include <memory>
#include <ostream>
#include <string>

namespace beamgrid {

/// CapturedOutput holds what is printed through it as `target`, one of the streams of a command,
/// shows it, and passes it on piece by piece. `target` must outlive it.
class CapturedOutput {
 public:
  explicit CapturedOutput(std::ostream& target);
  ~CapturedOutput();
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;

  [[nodiscard]] std::ostream& stream();
  /// Passes on what was printed since the last time.
  void PassOn();
  /// Returns all that was passed on.
  [[nodiscard]] const std::string& text() const { return text_; }

  /// Prints what was captured for a terminal of the same width and colours as that of `target`, or
  /// for none.
  static void Print(std::ostream& target, const std::string& text);

 private:
  struct Streams;
  std::ostream& target_;
  std::unique_ptr<Streams> streams_;
  std::string text_;
};

}  // namespace beamgrid
