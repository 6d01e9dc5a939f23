#include "registry/scoring/prediction_stream.h"

#include <limits>

#include "registry/scoring/video_bytes.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

constexpr std::uint32_t kEnd = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kAlive = kEnd - 1;
/// Far beyond any video's; a number above it is none of ours, and no memory is taken for it.
constexpr std::uint32_t kMostBytes = 1U << 28;

template <typename Number>
Number Take(std::istream& in) {
  Number number{};
  char raw[sizeof(Number)];
  if (in.read(raw, sizeof(Number))) std::memcpy(&number, raw, sizeof(Number));
  return number;
}

}  // namespace

void PredictionWriter::Add(const VideoPrediction& video) {
  bytes_.clear();
  PutVideo(bytes_, video);
  std::string length;
  Put(length, static_cast<std::uint32_t>(bytes_.size()));
  *out_ << length << bytes_;
}

void PredictionWriter::SayAlive() {
  bytes_.clear();
  Put(bytes_, kAlive);
  *out_ << bytes_ << std::flush;
}

void PredictionWriter::Finish(std::int64_t skipped) {
  bytes_.clear();
  Put(bytes_, kEnd);
  Put(bytes_, static_cast<std::uint64_t>(skipped));
  *out_ << bytes_ << std::flush;
}

bool PredictionReader::Next(VideoPrediction& video) {
  std::uint32_t length = kAlive;
  while (*in_ && length == kAlive) length = Take<std::uint32_t>(*in_);
  if (!*in_) throw Error("the predictions end before their end");
  if (length == kEnd) {
    skipped_ = static_cast<std::int64_t>(Take<std::uint64_t>(*in_));
    if (!*in_) throw Error("the predictions end before their end");
    return false;
  }
  if (length > kMostBytes) throw Error("what arrives are no predictions of beamgrid-trainer");
  bytes_.resize(length);
  if (!in_->read(bytes_.data(), length)) throw Error("the predictions end before their end");
  ByteReader reader(bytes_);
  video = TakeVideo(reader);
  if (reader.ok() && reader.at_end()) return true;
  throw Error("what arrives are no predictions of beamgrid-trainer");
}

}  // namespace beamgrid
