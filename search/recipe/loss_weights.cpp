// [data] unrated, weighted_classes and class_weight: what a cell [example, class] weighs in the
// loss.
#include <set>

#include "search/recipe/sections.h"

namespace beamgrid {
namespace {

std::string ReadUnrated(Section& data, const std::string& format) {
  const std::string unrated = data.ReadWord("unrated");
  const toml::node* node = data.table().get("unrated");
  if (node != nullptr && format != "segment" && !data.IsMistaken("format")) {
    data.Mistake(*node, "unrated",
                 "is for data.format = \"segment\" only: every class of a " +
                     std::string(format == "video" ? "video" : "video's frames") +
                     " is labelled or negative");
  }
  return unrated;
}

class ClassList {
 public:
  ClassList(Section& data, DataSettings& settings) : data_(data), settings_(settings) {}

  void Read(const toml::node& node) {
    settings_.weighted_classes_place = data_.mistakes().PlaceOf(node.source());
    const toml::array* list = node.as_array();
    if (const auto* file = node.as_string(); file != nullptr && !file->get().empty()) {
      settings_.weighted_classes_file = file->get();
    } else if (list == nullptr || list->empty()) {
      data_.Mistake(node, kKey,
                    "is " + (list != nullptr ? "an empty list" : KindOf(node)) +
                        ", must be a list of classes or the name of a file whose first column is "
                        "Index (segment_label_ids.csv)");
    } else {
      for (std::size_t i = 0; i < list->size(); ++i) ReadClass((*list)[i], i);
    }
  }

 private:
  static constexpr char kKey[] = "weighted_classes";

  void ReadClass(const toml::node& node, std::size_t index) {
    const auto* label = node.as_integer();
    const std::string key = std::string(kKey) + "[" + std::to_string(index) + "]";
    if (label == nullptr || label->get() < 0 || label->get() >= settings_.classes) {
      data_.Mistake(node, key,
                    "is " + (label == nullptr ? KindOf(node) : std::to_string(label->get())) +
                        ", must be a class, 0.." + std::to_string(settings_.classes - 1));
    } else if (!seen_.insert(label->get()).second) {
      data_.Mistake(node, key,
                    "the class " + std::to_string(label->get()) + " is in the list already");
    } else {
      settings_.weighted_classes.push_back(label->get());
    }
  }

  Section& data_;
  DataSettings& settings_;
  std::set<std::int64_t> seen_;
};

}  // namespace

void ReadLossWeights(Section& data, DataSettings& settings) {
  settings.unrated = ReadUnrated(data, settings.format);
  settings.class_weight = data.Read("class_weight").as_double();
  const toml::node* classes = data.Find("weighted_classes");
  const toml::node* weight = data.table().get("class_weight");
  if (classes != nullptr) ClassList(data, settings).Read(*classes);
  if (classes != nullptr && weight == nullptr) {
    data.Mistake(*classes, "weighted_classes",
                 "needs class_weight, their weight in the loss (Locust 2019: 5 for the classes of "
                 "the segments)");
  }
  if (classes == nullptr && weight != nullptr) {
    data.Mistake(*weight, "class_weight", "needs weighted_classes, the classes that it is for");
  }
}

}  // namespace beamgrid
