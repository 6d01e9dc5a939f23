#pragma once
// The numbers of a frame as a record holds them (registry/frame_type.h), and as floats.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "registry/frame_type.h"
#include "trainer/data/example.h"

namespace beamgrid {

/// The bytes of one frame's numbers.
[[nodiscard]] std::size_t FrameBytes(FrameType type, std::size_t width);

/// Fills `values` with the numbers of the frame at `frame`, which has FrameBytes bytes of any
/// alignment. Codes (kUint8) become the floats that a device makes of them, to the bit.
void ReadFrame(FrameType type, const char* frame, std::span<float> values);

/// The first number of the frame that no network can take, as FindUnusableFloat has it.
[[nodiscard]] std::optional<UnusableFloat> FindUnusableValue(FrameType type, const char* frame,
                                                             std::size_t width);

/// The bytes of numbers in the type: what ReadFrame reads. kUint8 quantises them.
[[nodiscard]] std::string FrameOf(FrameType type, std::span<const float> values);

}  // namespace beamgrid
