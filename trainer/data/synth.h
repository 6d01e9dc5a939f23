#pragma once
// Synthetic datasets in the real record format, with a known right answer for every criterion.
//
// Classes come in twins (0,1), (2,3), ... Frames of a video that has class c show the prototype of
// c's pair, which anything can see. Which of the two twins it is, is told in one way per pair, its
// plant; a model whose component cannot see that plant is left guessing between the twins. The
// share of the pairs that each plant gets is its strength.
//
// A video is cut into shots; a shot belongs to one of its labels or is background. Plants act
// within shots, so a shot needs some frames (8 by default): a video shorter than that for each of
// its labels may fail to tell its twins.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// SynthPlants holds the shares of the class pairs; 0 = off; their sum must be at most 1. The pairs
/// that are left have plain twins: one prototype each, seen by everything. `image` is the first
/// feature, `audio` the second.
struct SynthPlants {
  /// Multimodal (attention over audio guided by the image). The audio frame that names the twin
  /// lags `audio_lag` frames behind its image and carries the pair's key; a decoy with another
  /// pair's key names the other twin, as often. Only matching image and audio across frames tells
  /// them apart: the frames' means and every single frame's contents are the same for both twins.
  /// Needs two features; without them its share is plain.
  double lag = 0.2;
  /// Temporal (lstm, gru, blstm). A shot shows +d then -d, or -d then +d. Means and sets of frames
  /// are the same for both twins.
  double order = 0.2;
  /// Temporal (netvlad and other set models; recurrent ones can learn it too). Half of a shot's
  /// frames carry a marker and +d (or -d), the others no marker and the opposite: frames that
  /// matter among frames that do not. Means are the same for both twins.
  double salience = 0.1;
  /// Classifier (moe and others that are not linear). A video shows +-u and +-v; the twins differ
  /// in the sign of the product (exclusive or). Visible at video level too.
  double modes = 0.2;
  /// Extras (differential). d flickers on and off, or is on in one block. Means and sets of frames
  /// are the same for both twins; differences between neighbours are not. A mean over time stays
  /// blind even with differential features (their mean is 0), so pair it with netvlad or the like.
  double change = 0.1;
  /// Classifier (class chaining, conditional inference). No frame shows the twin: it is the
  /// exclusive or of the twins of two other pairs, its sources, whose labels the video has too.
  /// Dependent pairs form chains of up to 6: one source is the pair before it, the other is not
  /// dependent and of one chain only one's source. So the n-th twin is the parity of n + 1 labels
  /// that are seen: easy for a model that sees the label before it, the harder the longer for one
  /// that sees the video alone, and nothing linear tells. Visible at video level too. Needs two
  /// pairs that are not dependent; without them its share is plain.
  double dependency = 0;
};

/// SynthOptions says what a synthetic dataset is like.
struct SynthOptions {
  std::filesystem::path out;   ///< folder; created if it is not there
  std::int64_t videos = 1000;  ///< at least 2; a fifth of them goes to validate
  std::int64_t classes = 20;
  std::uint64_t seed = 1;
  std::string format = "frame";   ///< video | frame | segment
  std::vector<Feature> features;  ///< empty: the format's usual ones (UsualFeatures)
  /// By feature, of those whose frames are not kUint8. The values of floats are those of the codes,
  /// dequantised, for kFloat16 then rounded: the same videos in another form.
  std::map<std::string, FrameType> frame_types;
  std::int64_t max_frames = 300;  ///< a video has min_frames to max_frames, half of them the most
  std::int64_t min_frames = 1;
  std::int64_t shards = 1;  ///< files per split (fewer where there are fewer videos)

  /// With format "video" only `modes` and `dependency` act (the others vanish in a mean: their
  /// shares are plain), and at most 32 frames are averaged.
  SynthPlants plants;
  std::int64_t audio_lag = 2;    ///< frames; attention needs a window of at least 2 lag + 1
  std::int64_t shot_frames = 8;  ///< longest shot
  double signal = 0.3;           ///< standard deviation of the prototypes' entries
  double noise = 0.25;           ///< standard deviation of the noise on every entry
  /// Share of shots that belong to no label: frames that do not matter. For attention-like pooling.
  double background = 0.2;

  double labels_per_video = 2.0;  ///< mean, sources not counted; a video has 1 or more
  /// Exponent of the classes' frequencies, rank^-long_tail; 0: all equal. Real data: about 1.
  double long_tail = 0.7;
  /// Chance that a further label comes from the partners of the labels before it. For label
  /// processing, conditional inference and context gating.
  double co_occurrence = 0.5;
  /// Share of the pairs (the least frequent) that are 20 times rarer still. For focal-like losses.
  double rare = 0.0;
  /// Chance that a training label is replaced by a random one; validate stays clean. For robust
  /// losses.
  double label_noise = 0.0;
};

/// The features of the released files: rgb 1024 and audio 128 for the formats frame and segment,
/// mean_rgb 1024 and mean_audio 128 for video.
[[nodiscard]] std::vector<Feature> UsualFeatures(const std::string& format);

/// SynthReport says what was written.
struct SynthReport {
  std::vector<std::filesystem::path> train, validate;
  std::int64_t train_videos = 0, validate_videos = 0;
  std::uint64_t bytes = 0;
};

/// Writes train*.tfrecord and validate*.tfrecord straight into `out`: equal options give equal
/// bytes. Files appear whole or not at all (temporary name, then rename), and only files of the
/// same names are replaced; while that is done the folder is marked (trainer/data/unfinished.h), so
/// that a mixture of two datasets is known as one. Throws UsageError (an option out of range; `out`
/// holds other train*/validate* records, which a recipe's globs would mix in; another process
/// writes there) and Error (cannot write).
SynthReport WriteSynthetic(const SynthOptions& options);

}  // namespace beamgrid
