#include "trainer/protocol/export.h"

#include <limits>
#include <stdexcept>

#include "registry/util/json.h"

namespace beamgrid {

boost::json::object ToJson(const ExportQuestion& question) {
  return {{"name", question.name},
          {"is_ensemble", question.is_ensemble},
          {"models", JsonList(question.models, [](const ModelToExport& model) {
             return boost::json::object{
                 {"folder", model.folder}, {"weights", model.weights}, {"config", model.config}};
           })}};
}

ExportQuestion ExportQuestionFromJson(const boost::json::value& json) {
  const JsonReader reader(json, "");
  ExportQuestion question{.name = reader.Text("name"),
                          .is_ensemble = reader.Boolean("is_ensemble")};
  for (const boost::json::value& entry : reader.List("models")) {
    const JsonReader model(entry, "models");
    const std::string folder = model.Text("folder");
    if (folder.empty() || folder == ".." || folder.find('/') != std::string::npos) {
      throw std::invalid_argument("models.folder: must be the name of a folder, is \"" + folder +
                                  "\"");
    }
    question.models.push_back({.folder = folder,
                               .weights = model.Text("weights"),
                               .config = model.Object("config").object()});
  }
  return question;
}

boost::json::array ToJson(const ExportAnswer& answer) {
  return JsonList(answer, [](const ExportedModel& model) {
    return boost::json::object{{"weight_bytes", model.weight_bytes},
                               {"sample", boost::json::value_from(model.sample)}};
  });
}

ExportAnswer ExportAnswerFromJson(const boost::json::value& json) {
  if (!json.is_array()) throw std::invalid_argument("the answer must be a list");
  ExportAnswer answer;
  for (const boost::json::value& entry : json.get_array()) {
    const JsonReader reader(entry, "export");
    ExportedModel& model = answer.emplace_back();
    model.weight_bytes = reader.Integer("weight_bytes");
    for (const boost::json::value& video : reader.List("sample")) {
      auto& labels = model.sample.emplace_back();
      if (!video.is_array()) throw std::invalid_argument("export.sample: must hold lists");
      for (const boost::json::value& label : video.get_array()) {
        const auto* pair = label.if_array();
        if (pair == nullptr || pair->size() != 2 || !pair->at(0).is_int64() ||
            pair->at(0).get_int64() < 0 ||
            pair->at(0).get_int64() > std::numeric_limits<std::int32_t>::max() ||
            !pair->at(1).is_number()) {
          throw std::invalid_argument("export.sample: must hold pairs of label and probability");
        }
        labels.emplace_back(static_cast<std::int32_t>(pair->at(0).get_int64()),
                            pair->at(1).to_number<double>());
      }
    }
  }
  return answer;
}

}  // namespace beamgrid
