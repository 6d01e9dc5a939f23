#include "orchestrator/importing/array_form.h"

#include <span>

#include "registry/util/input_error.h"
#include "registry/util/text.h"

namespace beamgrid {

std::size_t SizeOf(Element element) {
  switch (element) {
    case Element::kUint8:
      return 1;
    case Element::kFloat16:
      return 2;
    case Element::kFloat32:
      return 4;
    case Element::kFloat64:
      return 8;
  }
  return 0;
}

ArrayForm FormOfShape(const std::string& place, Element element, const std::uint64_t* shape,
                      std::size_t dimensions) {
  const std::span sides(shape, dimensions);
  const std::string text =
      "shape [" + Join(sides, ", ", [](std::uint64_t side) { return std::to_string(side); }) + "]";
  if (dimensions != 1 && dimensions != 2) {
    throw InputError(place + ": " + text +
                     ", must be [frames, width], or [width] for one vector of the whole video");
  }
  ArrayForm form{.element = element,
                 .level = dimensions == 2 ? ArrayLevel::kFrame : ArrayLevel::kVideo,
                 .frames = dimensions == 2 ? shape[0] : 1,
                 .width = shape[dimensions - 1]};
  if (form.width < 1 || form.width > kMaxWidth) {
    throw InputError(place + ": " + text + ": the width must be 1.." + std::to_string(kMaxWidth) +
                     (dimensions == 2 ? "; an array is [frames, width]" : ""));
  }
  const std::uint64_t most_frames = kMaxArrayBytes / (form.width * SizeOf(element));
  if (form.frames > most_frames) {
    throw InputError(place + ": " + text + " is more than " +
                     SizeText(static_cast<std::int64_t>(kMaxArrayBytes)) +
                     ", the most that one video may have; cut it into several");
  }
  return form;
}

}  // namespace beamgrid
