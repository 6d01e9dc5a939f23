// Writes the seeds of the corpus that our own writers make, each a small sound input.
//
//   make_corpus FOLDER
//
// The other files there are inputs that a reader once got wrong, or texts written by hand.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "registry/catalogue.h"
#include "registry/scoring/predictions.h"
#include "registry/util/files.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/record.h"
#include "trainer/data/example_writer.h"
#include "trainer/data/tfrecord.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

class Corpus {
 public:
  explicit Corpus(fs::path root) : root_(std::move(root)) {}

  void Add(const std::string& target, const std::string& name, std::string_view bytes) const {
    fs::create_directories(root_ / target);
    std::ofstream(root_ / target / name, std::ios::binary) << bytes;
  }
  [[nodiscard]] fs::path PathOf(const std::string& target, const std::string& name) const {
    fs::create_directories(root_ / target);
    return root_ / target / name;
  }

 private:
  fs::path root_;
};

/// Seven frames of a segment file, or what of them a format has.
ExampleContent SmallExample(const std::string& format, const std::string& id) {
  ExampleContent content{.id = id, .labels = {1, 7}};
  if (format == "video") {
    content.values = {{"rgb", {0.5F, -1, 2, 0}}, {"audio", {1, -0.25F}}};
    return content;
  }
  content.frames = {{"rgb", 4, std::string("abcdefghijklmnopqrstuvwxyz01")},
                    {"audio", 2, std::string("ABCDEFGHIJKLMN")}};
  if (format != "segment") return content;
  content.ratings = {{1, 0, 5, 1}, {3, 0, 5, 0}, {7, 5, 10, 1}};
  return content;
}

void AddRecords(const Corpus& corpus) {
  for (const std::string format : {"video", "frame", "segment"}) {
    Random random(1);
    std::vector<std::string> payloads;
    for (const char* id : {"aa00", "bb11"}) {
      payloads.push_back(EncodeExample(SmallExample(format, id), random));
    }
    corpus.Add("example", format, payloads[0]);
    corpus.Add("decoder", format, payloads[0]);
    for (const char* target : {"tfrecord", "dataset"}) {
      TfRecordWriter writer(corpus.PathOf(target, format + ".tfrecord"));
      for (const std::string& payload : payloads) writer.Write(payload);
      writer.Close();
    }
  }
}

Predictions SmallPredictions(const std::string& suffix) {
  Predictions predictions{.classes = 10, .top_k = 3, .videos = {}};
  predictions.videos = {{"aa00" + suffix, {{1, 0.75}, {7, 0.5}, {2, 0.5}}, {1, 7}},
                        {"bb11" + suffix, {{3, 0.25}}, {}}};
  return predictions;
}

void AddPredictions(const Corpus& corpus) {
  WritePredictions(corpus.PathOf("predictions", "videos.bin"), SmallPredictions(""));
  WritePredictions(corpus.PathOf("predictions", "segments.bin"), SmallPredictions(":5"));
  WritePredictions(corpus.PathOf("predictions", "none.bin"), {.classes = 10, .top_k = 1});
  WritePredictionsCsv(corpus.PathOf("predictions_csv", "videos.csv"), SmallPredictions(""));
}

TrialFile SmallTrial() {
  TrialFile file{.study = "study", .name = "MC-BLSTM", .spec = ExampleTrial()};
  file.fingerprint = Fingerprint(file.spec);
  file.warm_start_model = "/runs/first/model.pt";
  file.warm_start_hash = "00112233445566778899aabbccddeeff";
  return file;
}

void AddJson(const Corpus& corpus) {
  const ModelSpec model = ExampleModel();
  corpus.Add("model_spec", "model.json", CanonicalJson(ToJson(model)));
  corpus.Add("model_spec", "data.json", CanonicalJson(ToJson(ExampleTrial().data)));
  corpus.Add("model_spec", "trial.json", CanonicalJson(ToJson(ExampleTrial())));
  corpus.Add("model_spec", "file.json",
             CanonicalJson(ToJson(NamedFile{.name = "a.pt", .path = "/a.pt", .hash = "aa"})));
  corpus.Add("trial_file", "trial.json", CanonicalJson(ToJson(SmallTrial())));
  corpus.Add("outcome", "result.json", CanonicalJson(ToJson(ExampleSuccess().result())));
  Catalogue catalogue = TestCatalogue();
  catalogue.components.resize(4);
  corpus.Add("catalogue", "catalogue.json", CanonicalJson(ToJson(catalogue)));
}

void AddMessages(const Corpus& corpus) {
  std::string lines;
  const TrialResult result = ExampleSuccess().result();
  for (const Message& message :
       {Message(Started{.pid = 12, .parameters = 34, .epochs = 5}),
        Message(Progress{.epoch = 1, .examples = 10, .total_examples = 50, .loss = 0.5}),
        Message(Evaluated{result.epochs[0]}), Message(Heartbeat{}), Message(Finished{}),
        Message(Failed{FailureKind::kDiverged, "the loss is NaN"})}) {
    corpus.Add("message", "message" + std::to_string(message.index()), ToLine(message));
    lines += ToLine(message) + "\n";
  }
  corpus.Add("message", "all", lines);
}

/// By hand, for the writer needs LibTorch.
void AddCheckpoint(const Corpus& corpus) {
  const std::string header =
      R"({"meta":{"epoch":3},"tensors":[)"
      R"({"bytes":48,"name":"weights","offset":0,"shape":[3,4],"type":"Float"},)"
      R"({"bytes":10,"name":"state","offset":48,"shape":[10],"type":"Byte"},)"
      R"({"bytes":8,"name":"scalar","offset":58,"shape":[],"type":"Double"},)"
      R"({"bytes":0,"name":"empty","offset":66,"shape":[0,2],"type":"Float"}]})";
  const std::uint64_t header_bytes = header.size();
  std::string file = "BGCKPT1\n";
  file.append(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
  file += header + std::string(66, '\x3f');
  corpus.Add("checkpoint", "last.checkpoint", file + HashBytes(file));
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "make_corpus FOLDER\n");
    return 2;
  }
  const beamgrid::Corpus corpus(argv[1]);
  beamgrid::AddRecords(corpus);
  beamgrid::AddPredictions(corpus);
  beamgrid::AddJson(corpus);
  beamgrid::AddMessages(corpus);
  beamgrid::AddCheckpoint(corpus);
  return 0;
}
