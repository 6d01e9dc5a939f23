#include "trainer/data/census_file.h"

#include <algorithm>
#include <stdexcept>

#include "registry/util/json.h"

namespace beamgrid {
namespace {

namespace json = boost::json;

/// CensusReader reads the findings of one list of files.
class CensusReader {
 public:
  CensusReader(std::size_t first_files, std::size_t second_files)
      : first_files_(first_files), second_files_(second_files) {}

  [[nodiscard]] SplitCensus ReadSplit(const JsonReader& reader) const {
    SplitCensus split{.examples = Count(reader, "examples"),
                      .labels = Count(reader, "labels"),
                      .weightless = Count(reader, "weightless"),
                      .damaged = Count(reader, "damaged"),
                      .damages = ReadFaults(reader, "damages"),
                      .contradicting = Count(reader, "contradicting"),
                      .contradictions = ReadFaults(reader, "contradictions"),
                      .unequal = Count(reader, "unequal"),
                      .most_unequal = Count(reader, "most_unequal"),
                      .without_segments = Count(reader, "without_segments"),
                      .repeated = Count(reader, "repeated"),
                      .repeats = ReadRepeats(reader, "repeats")};
    RequireShown(split.damaged, split.damages.size());
    RequireShown(split.contradicting, split.contradictions.size());
    RequireShown(split.repeated, split.repeats.size());
    for (const json::value& file : reader.List("empty_files")) {
      split.empty_files.push_back(FileIndex(file.as_int64(), first_files_));
    }
    return split;
  }

  [[nodiscard]] std::vector<RepeatedId> ReadRepeats(const JsonReader& reader,
                                                    const char* key) const {
    std::vector<RepeatedId> repeats;
    for (const json::value& value : reader.List(key)) {
      const JsonReader repeat(value, key);
      repeats.push_back({.id = repeat.Text("id"),
                         .first = Place(repeat, "first", first_files_),
                         .second = Place(repeat, "second", second_files_)});
    }
    return repeats;
  }

  /// Of what was counted the first are shown.
  static void RequireShown(std::int64_t count, std::size_t shown) {
    if (shown == std::min(static_cast<std::size_t>(count), kShownFaults)) return;
    throw std::invalid_argument("a list that is not as long as it says");
  }

  [[nodiscard]] static std::int64_t Count(const JsonReader& reader, const char* key) {
    const std::int64_t count = reader.Integer(key);
    if (count < 0) throw std::invalid_argument("a count below 0");
    return count;
  }

 private:
  [[nodiscard]] std::vector<RecordFault> ReadFaults(const JsonReader& reader,
                                                    const char* key) const {
    std::vector<RecordFault> faults;
    for (const json::value& value : reader.List(key)) {
      const JsonReader fault(value, key);
      faults.push_back({.place = Place(fault, "place", first_files_), .what = fault.Text("what")});
    }
    return faults;
  }

  [[nodiscard]] static PlaceInFiles Place(const JsonReader& reader, const char* key,
                                          std::size_t files) {
    const json::array& place = reader.List(key);
    const std::int64_t offset = place.at(1).as_int64();
    if (offset < 0) throw std::invalid_argument("an offset below 0");
    return {.file = FileIndex(place.at(0).as_int64(), files),
            .offset = static_cast<std::uint64_t>(offset)};
  }

  [[nodiscard]] static std::size_t FileIndex(std::int64_t index, std::size_t files) {
    if (index < 0 || static_cast<std::size_t>(index) >= files) {
      throw std::invalid_argument("a file that is not in the list");
    }
    return static_cast<std::size_t>(index);
  }

  std::size_t first_files_, second_files_;
};

json::array ToJson(const PlaceInFiles& place) { return {place.file, place.offset}; }

json::array ToJson(const std::vector<RecordFault>& faults) {
  return JsonList(faults, [](const RecordFault& fault) {
    return json::object{{"place", ToJson(fault.place)}, {"what", fault.what}};
  });
}

json::array ToJson(const std::vector<RepeatedId>& repeats) {
  return JsonList(repeats, [](const RepeatedId& repeat) {
    return json::object{
        {"id", repeat.id}, {"first", ToJson(repeat.first)}, {"second", ToJson(repeat.second)}};
  });
}

json::object ToJson(const SplitCensus& split) {
  return {{"examples", split.examples},
          {"labels", split.labels},
          {"weightless", split.weightless},
          {"damaged", split.damaged},
          {"damages", ToJson(split.damages)},
          {"contradicting", split.contradicting},
          {"contradictions", ToJson(split.contradictions)},
          {"unequal", split.unequal},
          {"most_unequal", split.most_unequal},
          {"without_segments", split.without_segments},
          {"repeated", split.repeated},
          {"repeats", ToJson(split.repeats)},
          {"empty_files", JsonList(split.empty_files)}};
}

}  // namespace

std::string CensusText(const Census& census) {
  return CanonicalJson(json::object{{"train", ToJson(census.train)},
                                    {"validate", ToJson(census.validate)},
                                    {"shared", census.shared},
                                    {"shared_videos", ToJson(census.shared_videos)}});
}

std::optional<Census> CensusFromText(std::string_view text, std::size_t train_files,
                                     std::size_t validate_files) {
  try {
    const json::value value = ParseJson(text);
    const JsonReader reader(value, "");
    const CensusReader both(train_files, validate_files);
    Census census{
        .train = CensusReader(train_files, train_files).ReadSplit(reader.Object("train")),
        .validate =
            CensusReader(validate_files, validate_files).ReadSplit(reader.Object("validate")),
        .shared = CensusReader::Count(reader, "shared"),
        .shared_videos = both.ReadRepeats(reader, "shared_videos")};
    CensusReader::RequireShown(census.shared, census.shared_videos.size());
    return census;
  } catch (const std::exception&) {
    return std::nullopt;  // whatever it is, it is not ours
  }
}

}  // namespace beamgrid
