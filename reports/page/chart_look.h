#pragma once
// What chart.css says of an element in the light, for drawings that no browser makes.

#include <string>
#include <string_view>
#include <vector>

namespace beamgrid {

/// Rgb is a colour, each part 0 to 1.
struct Rgb {
  double red = 0, green = 0, blue = 0;
};

/// Paint is what an area or a line is painted with.
struct Paint {
  bool there = false;
  Rgb colour;
};

/// ElementLook is how an element of a chart looks. Lengths are pixels.
struct ElementLook {
  Paint fill{.there = true, .colour = {}}, stroke;
  double stroke_width = 1;
  std::vector<double> dashes;
  bool round_caps = false, bold = false;
};

/// Returns the look of an element: its tag and what its class attribute holds. `style` is
/// chart.css, of which the rules before the first @media count, later ones before earlier ones.
/// Throws std::invalid_argument for a colour or a length that it cannot read.
[[nodiscard]] ElementLook LookOfElement(std::string_view style, std::string_view tag,
                                        std::string_view classes);

}  // namespace beamgrid
