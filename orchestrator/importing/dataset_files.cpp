#include "orchestrator/importing/dataset_files.h"

#include <hdf5.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "orchestrator/inputs/input_file.h"
#include "registry/util/input_error.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

static_assert(std::endian::native == std::endian::little, "float16 is read as it stands");

/// A name is looked up group by group, so that the time of deep ones grows with the depth's cube.
constexpr std::ptrdiff_t kDeepestGroups = 32;
/// A chunk is unpacked as a whole, beside the array.
constexpr std::uint64_t kLargestChunk = 64ULL << 20;

/// The library may be called by one thread at a time, and what it has open is its own global state.
std::mutex& LibraryMutex() {
  static std::mutex mutex;
  return mutex;
}

/// Errors are ours to tell. Each thread of the library has a setting of its own.
void TellNoErrors() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

/// Handle closes what the library has opened.
class Handle {
 public:
  Handle() = default;
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  [[nodiscard]] hid_t get() const { return id_; }
  [[nodiscard]] bool ok() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

/// IEEE half as h5py writes it: the library has no name for it.
Handle HalfType(H5T_order_t order) {
  Handle type(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
  // In this order: a type is never smaller than its fields on the way.
  H5Tset_fields(type.get(), 15, 10, 5, 0, 10);
  H5Tset_size(type.get(), 2);
  H5Tset_ebias(type.get(), 15);
  H5Tset_order(type.get(), order);
  return type;
}

bool IsType(hid_t type, hid_t other) { return H5Tequal(type, other) > 0; }

/// Returns what the values are, or nothing where they are something else.
std::optional<Element> ElementOf(hid_t type) {
  if (IsType(type, H5T_STD_U8LE) || IsType(type, H5T_STD_U8BE)) return Element::kUint8;
  if (IsType(type, H5T_IEEE_F32LE) || IsType(type, H5T_IEEE_F32BE)) return Element::kFloat32;
  if (IsType(type, H5T_IEEE_F64LE) || IsType(type, H5T_IEEE_F64BE)) return Element::kFloat64;
  for (const H5T_order_t order : {H5T_ORDER_LE, H5T_ORDER_BE}) {
    if (IsType(type, HalfType(order).get())) return Element::kFloat16;
  }
  return std::nullopt;
}

Handle TypeInMemory(Element element) {
  switch (element) {
    case Element::kUint8:
      return {H5Tcopy(H5T_NATIVE_UCHAR), H5Tclose};
    case Element::kFloat16:
      return HalfType(H5T_ORDER_LE);
    case Element::kFloat32:
      return {H5Tcopy(H5T_NATIVE_FLOAT), H5Tclose};
    case Element::kFloat64:
      return {H5Tcopy(H5T_NATIVE_DOUBLE), H5Tclose};
  }
  return {};
}

/// Throws InputError where the library cannot undo how the dataset is packed.
void RequireFilters(const std::string& place, hid_t creation) {
  const int filters = H5Pget_nfilters(creation);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    char name[64] = {};
    const H5Z_filter_t filter = H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values,
                                               nullptr, sizeof name - 1, name, &config);
    if (filter >= 0 && H5Zfilter_avail(filter) > 0) continue;
    throw InputError(place + ": compressed by the filter '" + name +
                     "', which is not part of HDF5 itself; write it with compression=\"gzip\" or "
                     "without");
  }
}

/// Throws InputError where reading a part of the dataset would take much more than the part.
void RequireSmallChunks(const std::string& place, hid_t creation, Element element) {
  if (H5Pget_layout(creation) != H5D_CHUNKED) return;
  hsize_t chunk[H5S_MAX_RANK] = {};
  const int dimensions = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
  std::uint64_t bytes = SizeOf(element);
  // A side has less than 2^32: no product overflows before it is too large.
  for (int i = 0; i < dimensions && bytes <= kLargestChunk; ++i) bytes *= chunk[i];
  if (bytes <= kLargestChunk) return;
  throw InputError(place + ": is stored in chunks of more than " +
                   SizeText(static_cast<std::int64_t>(kLargestChunk)) +
                   ", of which each is read as a whole; write it with smaller ones, or without");
}

/// True if every part of the dataset is in the file.
bool IsWritten(hid_t dataset, hid_t creation, const ArrayForm& form) {
  if (H5Pget_layout(creation) != H5D_CHUNKED) return H5Dget_storage_size(dataset) == form.Bytes();
  // H5Dget_space_status compares sizes, and takes what is compressed for partly written.
  hsize_t chunk[2] = {1, 1}, written = 0;
  const int dimensions = H5Pget_chunk(creation, 2, chunk);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  if (dimensions < 1 || H5Dget_num_chunks(dataset, space.get(), &written) < 0) return false;
  const auto pieces = [](hsize_t side, hsize_t part) { return (side + part - 1) / part; };
  const hsize_t chunks = dimensions == 1
                             ? pieces(form.width, chunk[0])
                             : pieces(form.frames, chunk[0]) * pieces(form.width, chunk[1]);
  return written == chunks;
}

/// Throws InputError where the values are not all in this file: what is not there reads as zeros.
void RequireContent(const std::string& place, hid_t dataset, hid_t creation,
                    const ArrayForm& form) {
  if (H5Pget_layout(creation) == H5D_VIRTUAL || H5Pget_external_count(creation) > 0) {
    throw InputError(place + ": its values stand in other files; write them into one");
  }
  if (form.Bytes() > 0 && !IsWritten(dataset, creation, form)) {
    throw InputError(place + ": not all of its values were ever written");
  }
}

/// Throws InputError where the values stand for other numbers, by a convention of netCDF.
void RequirePlainNumbers(const std::string& place, hid_t dataset) {
  for (const char* attribute : {"scale_factor", "add_offset"}) {
    if (H5Aexists(dataset, attribute) <= 0) continue;
    throw InputError(place + ": has the attribute " + attribute +
                     ", by which its values stand for other numbers; save the numbers themselves");
  }
}

ArrayForm FormOf(const std::string& place, hid_t dataset) {
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  if (!type.ok() || !space.ok() || !creation.ok()) {
    throw InputError(place + ": its header is damaged, copy the file again");
  }
  const std::optional<Element> element = ElementOf(type.get());
  if (!element) {
    throw InputError(place +
                     ": must hold float16, float32, float64 or uint8; if it is no video, name the "
                     "group of those that are: --features NAME=FILE.h5:GROUP");
  }
  hsize_t sides[H5S_MAX_RANK] = {};
  const int dimensions = H5Sget_simple_extent_dims(space.get(), sides, nullptr);
  const std::vector<std::uint64_t> shape(sides, sides + std::max(dimensions, 0));
  const ArrayForm form = FormOfShape(place, *element, shape.data(), shape.size());
  RequireFilters(place, creation.get());
  RequireSmallChunks(place, creation.get(), *element);
  RequireContent(place, dataset, creation.get(), form);
  RequirePlainNumbers(place, dataset);
  return form;
}

}  // namespace

/// File is an open HDF5 file.
class DatasetFiles::File {
 public:
  File(const std::string& path, const std::string& group) : path_(path) {
    stamp_ = InputFile(path).Stamp();  // says clearly what cannot be opened
    TellNoErrors();
    H5PLset_loading_state(0);  // no code from files of the user's
    file_ = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (!file_.ok()) {
      throw InputError(path + ": is no HDF5 file, is damaged, or is still being written");
    }
    group_ =
        Handle(H5Gopen2(file_.get(), group.empty() ? "/" : group.c_str(), H5P_DEFAULT), H5Gclose);
    if (!group_.ok()) throw InputError(path + ": has no group '" + group + "'");
    prefix_ = group.empty() ? "" : group + "/";
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string PlaceOf(const std::string& dataset) const {
    return path_ + ":" + prefix_ + dataset;
  }
  [[nodiscard]] std::uint64_t stamp() const { return stamp_; }

  /// Throws InputError where the file was written to, or replaced, since it was opened.
  void RequireUnchanged() const {
    if (InputFile(path_).Stamp() != stamp_) RefuseChangedFile(path_);
  }

  /// Returns the paths of all datasets below the group, each once.
  [[nodiscard]] std::vector<std::string> Datasets() const {
    std::vector<std::string> names;
    const auto visit = [](hid_t, const char* name, const H5O_info_t* info, void* to) -> herr_t {
      const std::string_view path(name);
      if (std::ranges::count(path, '/') >= kDeepestGroups) return kTooDeep;
      if (info->type == H5O_TYPE_DATASET) {
        static_cast<std::vector<std::string>*>(to)->emplace_back(name);
      }
      return 0;
    };
    // Each object once and along hard links only, so that no loop of links is endless.
    const herr_t ended =
        H5Ovisit2(group_.get(), H5_INDEX_NAME, H5_ITER_NATIVE, visit, &names, H5O_INFO_BASIC);
    if (ended == kTooDeep) {
      throw InputError(path_ + ": has groups in groups in groups, more than " +
                       std::to_string(kDeepestGroups) +
                       " deep; name a group near the videos: --features NAME=FILE.h5:GROUP");
    }
    if (ended < 0) {
      throw InputError(path_ + ": the list of its datasets is damaged, copy the file again");
    }
    return names;
  }

  [[nodiscard]] Handle Open(const std::string& dataset) const {
    Handle opened(H5Dopen2(group_.get(), dataset.c_str(), H5P_DEFAULT), H5Dclose);
    if (!opened.ok()) {
      throw InputError(PlaceOf(dataset) + ": its header is damaged, copy the file again");
    }
    return opened;
  }

 private:
  static constexpr herr_t kTooDeep = 1;  ///< what ends a visit

  std::string path_, prefix_;
  std::uint64_t stamp_ = 0;
  Handle file_, group_;
};

DatasetFiles::DatasetFiles(std::vector<std::string> paths, std::string group) {
  while (group.ends_with('/')) group.pop_back();
  const std::lock_guard lock(LibraryMutex());
  std::vector<std::pair<SourceArray, Where>> found;
  for (const std::string& path : paths) {
    files_.push_back(std::make_unique<File>(path, group));
    const File& file = *files_.back();
    for (const std::string& name : file.Datasets()) {
      const Handle dataset = file.Open(name);
      found.push_back(
          {{.id = name, .form = FormOf(file.PlaceOf(name), dataset.get()), .stamp = file.stamp()},
           {.file = files_.size() - 1, .dataset = name}});
    }
  }
  std::ranges::stable_sort(found, {}, [](const auto& one) { return one.first.id; });
  for (auto& [array, where] : found) {
    arrays_.push_back(std::move(array));
    places_.push_back(std::move(where));
  }
}

DatasetFiles::~DatasetFiles() {
  const std::lock_guard lock(LibraryMutex());
  files_.clear();
}

std::string DatasetFiles::PlaceOf(std::size_t index) const {
  return files_[places_[index].file]->PlaceOf(places_[index].dataset);
}

std::string DatasetFiles::Read(std::size_t index) const {
  const File& file = *files_[places_[index].file];
  const ArrayForm& form = arrays_[index].form;
  const std::lock_guard lock(LibraryMutex());
  TellNoErrors();
  file.RequireUnchanged();
  const Handle dataset = file.Open(places_[index].dataset);
  const Handle type = TypeInMemory(form.element);
  std::string values(form.Bytes(), '\0');
  const herr_t read =
      H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  file.RequireUnchanged();
  if (read < 0) {
    throw InputError(PlaceOf(index) +
                     ": its values cannot be read: damaged or cut off, copy the file again");
  }
  return values;
}

}  // namespace beamgrid
