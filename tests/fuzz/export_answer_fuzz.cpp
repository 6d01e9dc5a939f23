// What the trainer says of an export, and the question that it reads.
#include <stdexcept>

#include "registry/util/json.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/protocol/export.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  fuzz::Accepts<std::invalid_argument>([&] {
    const ExportAnswer answer = ExportAnswerFromJson(ParseJson(fuzz::TextOf(data, size)));
    const boost::json::value written = ToJson(answer);
    fuzz::Require(ToJson(ExportAnswerFromJson(written)) == written, "what is written is read");
  });
  fuzz::Accepts<std::invalid_argument>([&] {
    const ExportQuestion question = ExportQuestionFromJson(ParseJson(fuzz::TextOf(data, size)));
    const boost::json::value written = ToJson(question);
    fuzz::Require(ToJson(ExportQuestionFromJson(written)) == written, "what is written is read");
    for (const ModelToExport& model : question.models) {
      fuzz::Require(model.folder.find('/') == std::string::npos,
                    "a folder is inside of the export");
    }
  });
  return 0;
}
