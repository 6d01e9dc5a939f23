#pragma once
// What a Gaussian process expects of the points that were not measured.

#include "search/effects/surface.h"

namespace beamgrid {

/// Returns the surface of a grid of which some points were measured.
///
/// The score of a point is a mean, an effect of each level, an effect of each pair of levels, one
/// of its own, and for each seed noise: all normal and independent, those of levels almost free
/// (their variance is four times that of the scores), the others with variances of maximal
/// restricted likelihood. So what is known of a level's effect comes from the scores, and how sure
/// it is from how well levels explain them. Without any combination of two seeds the noise and the
/// points' own effects cannot be told apart: all is taken for noise, which makes intervals wider,
/// not narrower.
///
/// Beside the grid the surface has every measured point, and those that one factor after the other
/// would have come by from the baseline.
[[nodiscard]] Surface PosteriorSurface(const Grid& grid, const EffectsQuestion& question);

}  // namespace beamgrid
