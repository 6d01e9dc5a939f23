#pragma once
// Axes of charts: where a value lies, and the round values that are written beside it.

#include <string>
#include <vector>

namespace beamgrid {

/// Axis turns values into places.
struct Axis {
  /// Tick is a value that is written.
  struct Tick {
    double value = 0;
    std::string label;
  };
  std::string title;  ///< with the unit
  double low = 0, high = 1;
  bool logarithmic = false;
  std::vector<Tick> ticks;  ///< ascending, within low..high

  /// Returns 0 at `low`, 1 at `high`; values beyond lie at the ends.
  [[nodiscard]] double Place(double value) const;
};

/// Returns an axis whose ends are round values at or beyond these; equal ones are taken apart.
/// About `ticks` of them.
[[nodiscard]] Axis LinearAxis(std::string title, double low, double high, int ticks = 5);
/// Returns an axis of whole numbers: no tick lies between two of them.
[[nodiscard]] Axis CountAxis(std::string title, double low, double high);
/// Returns an axis of bytes, which must not be negative: by powers of two where the largest is many
/// times the smallest, else linear.
[[nodiscard]] Axis BytesAxis(const std::string& title, double low, double high);
/// Returns an axis of a time from 0 on, which is in seconds, in the unit that suits it; the unit
/// follows the title.
[[nodiscard]] Axis SecondsAxis(const std::string& title, double high);

}  // namespace beamgrid
