#pragma once
// The frames of one synthetic video.

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/data/random.h"
#include "trainer/data/synth.h"
#include "trainer/data/synth_world.h"

namespace beamgrid {

/// SynthVideo holds the frames of a video and what they show.
struct SynthVideo {
  std::int64_t length = 0;           ///< number of frames
  std::vector<std::string> codes;    ///< [feature]: length * width bytes
  std::vector<std::int64_t> owners;  ///< [length] class whose shot the frame is in, -1: background
};

/// Makes a video of `length` frames that shows `labels` (classes of different pairs).
[[nodiscard]] SynthVideo MakeVideo(const SynthOptions& options, const SynthWorld& world,
                                   const std::vector<std::int64_t>& labels, std::int64_t length,
                                   Random& random);

}  // namespace beamgrid
