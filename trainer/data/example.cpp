#include "trainer/data/example.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <sstream>

#include "registry/util/words.h"
#include "trainer/data/example_tags.h"

namespace beamgrid {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

constexpr protozero::pbf_tag_type kFeatureOfList = 1;

std::string_view ToStringView(protozero::data_view view) { return {view.data(), view.size()}; }

pbf_reader ReaderOf(std::string_view bytes) { return pbf_reader(bytes.data(), bytes.size()); }

/// Calls `function` and turns protozero's exceptions, which say what is wrong, into the one type
/// that callers know.
template <typename Function>
auto Guarded(Function function) {
  try {
    return function();
  } catch (const protozero::exception& error) {
    throw ExampleError(std::string("not a tf.Example or tf.SequenceExample (") + error.what() +
                       ")");
  }
}

/// Calls on_field(tag, bytes) for each length-delimited field and skips the others.
template <typename OnField>
void ForEachMessage(std::string_view bytes, OnField on_field) {
  pbf_reader reader = ReaderOf(bytes);
  while (reader.next()) {
    if (reader.wire_type() == pbf_wire_type::length_delimited) {
      const auto tag = reader.tag();
      on_field(tag, ToStringView(reader.get_view()));
    } else {
      reader.skip();
    }
  }
}

/// Reads a tf.Feature by protobuf's rule for a oneof: a field of another kind clears what came
/// before, one of the same kind adds to it. So the part of the message that counts begins at the
/// last change.
FeatureView ParseFeature(std::string_view message) {
  FeatureView feature;
  pbf_reader reader = ReaderOf(message);
  for (std::string_view rest = message; reader.next(); rest = ToStringView(reader.data())) {
    const auto tag = reader.tag();
    // Unknown fields (a later version's) do not change the kind.
    const bool is_list = reader.wire_type() == pbf_wire_type::length_delimited && tag <= 3;
    const auto kind = is_list ? static_cast<ValueKind>(tag) : feature.kind;
    if (kind != feature.kind) feature = {.kind = kind, .fields = rest};
    reader.skip();
  }
  return feature;
}
// A field's number is used as its kind.
static_assert(static_cast<int>(ValueKind::kBytes) == 1 &&
              static_cast<int>(ValueKind::kFloats) == 2 &&
              static_cast<int>(ValueKind::kIntegers) == 3);

/// Calls on_list(bytes) for each BytesList, FloatList or Int64List of the feature.
template <typename OnList>
void ForEachList(const FeatureView& feature, OnList on_list) {
  ForEachMessage(feature.fields, [&](auto tag, std::string_view list) {
    if (tag == static_cast<protozero::pbf_tag_type>(feature.kind)) on_list(list);
  });
}

template <typename OnBytes>
void ForEachBytes(const FeatureView& feature, OnBytes on_bytes) {
  if (feature.kind != ValueKind::kBytes) return;
  ForEachList(feature, [&](std::string_view list) {
    ForEachMessage(list, [&](auto tag, std::string_view bytes) {
      if (tag == kListValue) on_bytes(bytes);
    });
  });
}

/// Calls on_run(bytes) for each run of little-endian floats, packed or single.
template <typename OnRun>
void ForEachFloatRun(const FeatureView& feature, OnRun on_run) {
  if (feature.kind != ValueKind::kFloats) return;
  ForEachList(feature, [&](std::string_view list) {
    pbf_reader reader = ReaderOf(list);
    while (reader.next()) {
      if (reader.tag() == kListValue && reader.wire_type() == pbf_wire_type::length_delimited) {
        const std::string_view packed = ToStringView(reader.get_view());
        // protozero checks this where it reads floats one by one, but runs are copied whole.
        if (packed.size() % sizeof(float) != 0) throw protozero::invalid_length_exception();
        if (!packed.empty()) on_run(packed);
      } else if (reader.tag() == kListValue && reader.wire_type() == pbf_wire_type::fixed32) {
        // The field's value begins where the reader stands, behind the tag.
        const char* single = reader.data().data();
        reader.skip();
        // Only behind skip(), which throws where the message ends too early.
        on_run(std::string_view(single, sizeof(float)));
      } else {
        reader.skip();
      }
    }
  });
}

template <typename OnInteger>
void ForEachInteger(const FeatureView& feature, OnInteger on_integer) {
  if (feature.kind != ValueKind::kIntegers) return;
  ForEachList(feature, [&](std::string_view list) {
    pbf_reader reader = ReaderOf(list);
    while (reader.next()) {
      if (reader.tag() == kListValue && reader.wire_type() == pbf_wire_type::length_delimited) {
        for (const std::int64_t value : reader.get_packed_int64()) on_integer(value);
      } else if (reader.tag() == kListValue && reader.wire_type() == pbf_wire_type::varint) {
        on_integer(reader.get_int64());
      } else {
        reader.skip();
      }
    }
  });
}

struct MapEntry {
  std::string_view key, value;
};

MapEntry ParseEntry(std::string_view message) {
  MapEntry entry;
  ForEachMessage(message, [&](auto tag, std::string_view bytes) {
    if (tag == kKey) entry.key = bytes;
    if (tag == kValue) entry.value = bytes;
  });
  return entry;
}

/// Linear: a record has a handful of names, and a map would allocate for each of them.
template <typename Named>
const Named* Find(const std::vector<Named>& all, std::string_view name) {
  for (const Named& named : all) {
    if (named.name == name) return &named;
  }
  return nullptr;
}

/// Adds an entry, or replaces the one of that name: of a repeated key the last counts. Each name is
/// compared with all others, so the number of names is bounded: a hostile record of a megabyte
/// could otherwise have a hundred thousand of them.
template <typename Named>
void Put(std::vector<Named>& all, Named entry) {
  constexpr std::size_t kMostNames = 1000;
  if (const Named* earlier = Find(all, entry.name)) {
    all[static_cast<std::size_t>(earlier - all.data())] = entry;
  } else if (all.size() < kMostNames) {
    all.push_back(entry);
  } else {
    throw ExampleError("not a record of videos (more than " + std::to_string(kMostNames) +
                       " features)");
  }
}

std::size_t CountUnguarded(const FeatureView& feature) {
  std::size_t count = 0;
  ForEachBytes(feature, [&](std::string_view) { ++count; });
  ForEachFloatRun(feature, [&](std::string_view run) { count += run.size() / sizeof(float); });
  ForEachInteger(feature, [&](std::int64_t) { ++count; });
  return count;
}

template <typename OnFeature>
void ForEachFeature(std::string_view list, OnFeature on_feature) {
  ForEachMessage(list, [&](auto tag, std::string_view feature) {
    if (tag == kFeatureOfList) on_feature(feature);
  });
}

/// The feature's only byte string, if that is what it holds.
std::optional<std::string_view> SingleBytes(const FeatureView& feature) {
  std::size_t count = 0;
  std::string_view single;
  ForEachBytes(feature, [&](std::string_view bytes) {
    single = bytes;
    ++count;
  });
  return count == 1 ? std::optional(single) : std::nullopt;
}

/// Fills `frames` with what `frame_of` returns for each feature of the list; null is a problem.
template <typename FrameOf>
std::size_t ReadFramesBy(const NamedFeatureList& list, std::size_t limit,
                         std::vector<const char*>& frames, std::optional<FrameProblem>& problem,
                         FrameOf frame_of) {
  frames.clear();
  problem.reset();
  return Guarded([&] {
    std::size_t count = 0;
    ForEachFeature(list.message, [&](std::string_view message) {
      // The walk cannot be broken off, so the rest is passed over.
      if (problem) return;
      const FeatureView feature = ParseFeature(message);
      const char* frame = frame_of(feature);
      if (frame == nullptr) {
        problem = {.frame = count, .found = feature};
        return;
      }
      // Counted beyond the limit too: the caller compares the features' true lengths.
      if (count++ < limit) frames.push_back(frame);
    });
    return count;
  });
}

float FloatAt(std::string_view run, std::size_t index) {
  float value = 0;  // runs are not aligned
  std::memcpy(&value, run.data() + index * sizeof(float), sizeof(float));
  return value;
}

/// By what is right, so that NaN is unusable too.
bool IsUnusable(float value) { return !(std::fabs(value) < kTooLargeFloat); }

/// Returns whether a float of the run is unusable, without a branch. Without their signs floats are
/// in the order of their bits, NaN behind all others: integers of one width, which compilers
/// compare many at a time.
bool HasUnusable(std::string_view run) {
  constexpr auto kTooLarge = std::bit_cast<std::int32_t>(kTooLargeFloat);
  constexpr std::int32_t kMagnitude = 0x7fffffff;
  std::int32_t unusable = 0;
  for (std::size_t i = 0; i < run.size() / sizeof(float); ++i) {
    const std::int32_t magnitude = std::bit_cast<std::int32_t>(FloatAt(run, i)) & kMagnitude;
    unusable |= magnitude >= kTooLarge ? 1 : 0;
  }
  return unusable != 0;
}

}  // namespace

std::string_view ToString(ValueKind kind) {
  constexpr Word<ValueKind> kWords[] = {{ValueKind::kNone, "nothing"},
                                        {ValueKind::kBytes, "bytes"},
                                        {ValueKind::kFloats, "floats"},
                                        {ValueKind::kIntegers, "integers"}};
  return WordFor(kWords, kind);
}

std::string ToString(const UnusableFloat& unusable) {
  std::ostringstream text;
  text << "holds " << unusable.value << " at index " << unusable.index
       << ", must be finite and below " << kTooLargeFloat;
  return text.str();
}

std::size_t CountValues(const FeatureView& feature) {
  return Guarded([&] { return CountUnguarded(feature); });
}

std::string_view FirstBytes(const FeatureView& feature) {
  return Guarded([&] {
    std::optional<std::string_view> first;
    ForEachBytes(feature, [&](std::string_view bytes) {
      if (!first) first = bytes;
    });
    return first.value_or(std::string_view());
  });
}

void ReadFloats(const FeatureView& feature, std::span<float> values) {
  Guarded([&] {
    ForEachFloatRun(feature, [&](std::string_view run) {
      // The caller counted the values before: another number means that it looked at another
      // feature.
      if (run.size() > values.size_bytes()) throw protozero::invalid_length_exception();
      std::memcpy(values.data(), run.data(), run.size());
      values = values.subspan(run.size() / sizeof(float));
    });
    if (!values.empty()) throw protozero::invalid_length_exception();
  });
}

void ReadFloats(const FeatureView& feature, std::vector<float>& values) {
  values.clear();
  Guarded([&] {
    ForEachFloatRun(feature, [&](std::string_view run) {
      const std::size_t before = values.size();
      values.resize(before + run.size() / sizeof(float));
      std::memcpy(values.data() + before, run.data(), run.size());
    });
  });
}

std::optional<UnusableFloat> FindUnusableFloat(const FeatureView& feature) {
  return Guarded([&] {
    std::optional<UnusableFloat> found;
    std::size_t before = 0;
    ForEachFloatRun(feature, [&](std::string_view run) {
      const std::size_t count = run.size() / sizeof(float);
      // Nearly always all are sound.
      const bool look = !found && HasUnusable(run);
      for (std::size_t i = 0; look && !found && i < count; ++i) {
        const float value = FloatAt(run, i);
        if (IsUnusable(value)) found = {.index = before + i, .value = value};
      }
      before += count;
    });
    return found;
  });
}

void ReadIntegers(const FeatureView& feature, std::vector<std::int64_t>& values) {
  values.clear();
  Guarded([&] { ForEachInteger(feature, [&](std::int64_t value) { values.push_back(value); }); });
}

FeatureListShape ShapeOf(const NamedFeatureList& list) {
  return Guarded([&] {
    FeatureListShape shape;
    ForEachFeature(list.message, [&](std::string_view message) {
      ++shape.length;
      // The rest of the list is counted, not parsed: a quick look at thousands of frames.
      if (shape.kind != ValueKind::kNone) return;
      const FeatureView feature = ParseFeature(message);
      shape.kind = feature.kind;
      shape.width =
          feature.kind == ValueKind::kBytes ? FirstBytes(feature).size() : CountUnguarded(feature);
    });
    return shape;
  });
}

std::optional<std::pair<std::size_t, UnusableFloat>> FindUnusableFrame(
    const NamedFeatureList& list) {
  return Guarded([&] {
    std::optional<std::pair<std::size_t, UnusableFloat>> found;
    std::size_t frame = 0;
    ForEachFeature(list.message, [&](std::string_view message) {
      const FeatureView feature = ParseFeature(message);
      if (!found) {
        // Whatever its kind is: counting walks through it, which finds what is malformed.
        static_cast<void>(CountUnguarded(feature));
        if (const auto unusable = FindUnusableFloat(feature)) found.emplace(frame, *unusable);
      }
      ++frame;
    });
    return found;
  });
}

std::size_t ReadFrames(const NamedFeatureList& list, std::size_t width, std::size_t limit,
                       std::vector<const char*>& frames, std::optional<FrameProblem>& problem) {
  return ReadFramesBy(list, limit, frames, problem, [&](const FeatureView& feature) -> const char* {
    const std::optional<std::string_view> bytes = SingleBytes(feature);
    return bytes && bytes->size() == width ? bytes->data() : nullptr;
  });
}

std::size_t ReadFloatFrames(const NamedFeatureList& list, std::size_t width, std::size_t limit,
                            std::vector<const char*>& frames,
                            std::deque<std::vector<float>>& copies,
                            std::optional<FrameProblem>& problem) {
  copies.clear();
  return ReadFramesBy(list, limit, frames, problem, [&](const FeatureView& feature) -> const char* {
    std::string_view run;
    std::size_t count = 0, runs = 0;
    ForEachFloatRun(feature, [&](std::string_view floats) {
      run = floats;
      count += floats.size() / sizeof(float);
      ++runs;
    });
    if (count != width) return nullptr;
    if (runs == 1) return run.data();
    std::vector<float>& copy = copies.emplace_back(width);
    ReadFloats(feature, std::span<float>(copy));
    return reinterpret_cast<const char*>(copy.data());
  });
}

const FeatureView* ExampleView::FindContext(std::string_view name) const {
  const NamedFeature* found = Find(context, name);
  return found == nullptr ? nullptr : &found->value;
}

const NamedFeatureList* ExampleView::FindList(std::string_view name) const {
  return Find(feature_lists, name);
}

void ParseExample(std::string_view payload, ExampleView& example) {
  example.context.clear();
  example.feature_lists.clear();
  Guarded([&] {
    ForEachMessage(payload, [&](auto part, std::string_view map) {
      if (part != kContext && part != kFeatureLists) return;
      ForEachMessage(map, [&](auto tag, std::string_view message) {
        if (tag != kEntry) return;
        const MapEntry entry = ParseEntry(message);
        if (part == kContext) {
          Put(example.context, NamedFeature{entry.key, ParseFeature(entry.value)});
        } else {
          Put(example.feature_lists, NamedFeatureList{entry.key, entry.value});
        }
      });
    });
  });
}

std::string_view IdOf(const ExampleView& example) {
  for (const std::string_view name : {"id", "video_id"}) {
    const FeatureView* id = example.FindContext(name);
    if (id != nullptr && !FirstBytes(*id).empty()) return FirstBytes(*id);
  }
  return {};
}

}  // namespace beamgrid
