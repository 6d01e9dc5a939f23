// [resources.slurm]: what the jobs of a study ask a cluster for.

#include <algorithm>

#include "registry/util/text.h"
#include "search/recipe/sections.h"

namespace beamgrid {
namespace {

/// Returns the text that `key` has; empty where it is absent or, with a mistake, none.
std::string ReadText(Section& slurm, const char* key, const std::string& must) {
  const toml::node* node = slurm.Find(key);
  if (node == nullptr) return "";
  const auto* text = node->as_string();
  const bool is_sound = text != nullptr && text->get().find('\0') == std::string::npos;
  if (is_sound) return text->get();
  slurm.Mistake(*node, key,
                "is " + (text == nullptr ? KindOf(*node) : Shown(OptionValue(text->get()))) +
                    ", must be " + must);
  return "";
}

/// True for printable ASCII: the values of Slurm's options have nothing else in them.
bool IsOneWord(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

/// Reads the value of an option of sbatch; empty: the option is not given.
std::string ReadOptionWord(Section& slurm, const char* key) {
  const char must[] = "text without spaces, as sbatch takes it";
  const std::string text = ReadText(slurm, key, must);
  if (IsOneWord(text)) return text;
  slurm.Mistake(*slurm.Find(key), key, "is " + Shown(OptionValue(text)) + ", must be " + must);
  return "";
}

std::vector<std::string> SplitAt(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// Splits "gpu:a100:1,lustre" into its entries, each into name, type and count.
std::vector<std::vector<std::string>> GresEntries(const std::string& gres) {
  std::vector<std::vector<std::string>> entries;
  for (const std::string& entry : SplitAt(gres, ',')) entries.push_back(SplitAt(entry, ':'));
  return entries;
}

std::string ReadGres(Section& slurm) {
  std::string gres = ReadOptionWord(slurm, "gres");
  for (const std::vector<std::string>& entry : GresEntries(gres)) {
    const auto count = ParseNumber<std::int64_t>(entry.back());
    if (entry.front() != "gpu" || entry.size() == 1 || !count || *count == 1) continue;
    slurm.Mistake(*slurm.Find("gres"), "gres",
                  "asks for " + entry.back() +
                      " GPUs, but a job carries out one trial at a time on one GPU: write gpu:1, "
                      "and in jobs how many of them");
    return "";
  }
  return gres;
}

/// Arguments of sbatch that are the executor's own, or a key's.
struct OwnArgument {
  const char* name;
  const char* instead;
};
constexpr OwnArgument kOwnArguments[] = {
    {"partition", "write partition = \"...\""},
    {"account", "write account = \"...\""},
    {"qos", "write qos = \"...\""},
    {"constraint", "write constraint = \"...\""},
    {"gres", "write gres = \"...\""},
    {"gpus", "write gres = \"gpu:1\""},
    {"gpus-per-node", "write gres = \"gpu:1\""},
    {"gpus-per-task", "write gres = \"gpu:1\""},
    {"cpus-per-task", "write cpus = N"},
    {"mem", "write memory = \"...\""},
    {"mem-per-cpu", "write memory = \"...\""},
    {"mem-per-gpu", "write memory = \"...\""},
    {"time", "write time = \"...\""},
    {"nodes", "a job has one node; in jobs stands how many"},
    {"ntasks", "a job has one task; in jobs stands how many"},
    {"array", "a job has one task; in jobs stands how many"},
    {"job-name", "jobs are found by the names that they get"},
    {"comment", "jobs are found by the comments that they get"},
    {"output", "the job's log lies in its folder"},
    {"error", "the job's log lies in its folder"},
    {"chdir", "jobs run in their folder"},
    {"signal", "a job is warned before its time limit already"},
    {"requeue", "what was interrupted goes on in a job of its own"},
    {"no-requeue", "what was interrupted goes on in a job of its own"},
    {"open-mode", "the job's log lies in its folder"},
    {"parsable", "the answer of sbatch is read by the program"},
    {"test-only", "no job would ever begin"},
    {"hold", "no job would begin by itself"},
    {"wait", "sbatch must not wait"},
    {"wrap", "what a job does is the program's"},
    {"quiet", "the answer of sbatch is read by the program"},
    {"clusters", "jobs are looked for in the cluster of SLURM_CONF alone"},
    {"cluster-constraint", "jobs are looked for in the cluster of SLURM_CONF alone"},
    {"uid", "jobs are looked for among those of the user who runs the study"},
    {"help", "no job would ever begin"},
    {"usage", "no job would ever begin"},
    {"version", "no job would ever begin"},
};

/// Returns what is wrong with an argument of sbatch; empty: nothing.
std::string ArgumentMistake(const std::string& argument) {
  if (!argument.starts_with("--") || argument.size() == 2 || argument[2] == '=') {
    return "is no argument that sbatch takes with its value in one text; write it long, as in "
           "\"--reservation=lab\"";
  }
  if (std::ranges::any_of(argument, [](char c) { return c == '\0' || c == '\n'; })) {
    return "has a line break or a NUL in it";
  }
  const std::string name = argument.substr(2, argument.substr(2).find('='));
  // sbatch takes the first letters for the whole name.
  const auto* own = std::ranges::find_if(kOwnArguments, [&name](const OwnArgument& known) {
    return std::string_view(known.name).starts_with(name);
  });
  return own == std::end(kOwnArguments) ? "" : "cannot be given: " + std::string(own->instead);
}

std::vector<std::string> ReadArguments(Section& slurm) {
  const toml::node* node = slurm.Find("arguments");
  if (node == nullptr) return {};
  if (!node->is_array()) {
    slurm.Mistake(*node, "arguments",
                  "is " + KindOf(*node) + ", must be a list of texts: [\"--reservation=lab\"]");
    return {};
  }
  if (node->as_array()->empty()) return {};
  std::vector<PlacedWord> arguments = ReadWords(*node, slurm.PathOf("arguments"), slurm.mistakes());
  for (const PlacedWord& argument : arguments) {
    const std::string mistake = ArgumentMistake(argument.word);
    if (mistake.empty()) continue;
    slurm.mistakes().Add(argument.node->source(), argument.path,
                         Shown(OptionValue(argument.word)) + " " + mistake);
  }
  return Words(arguments);
}

std::int64_t ReadCpus(Section& slurm, std::int64_t threads) {
  const std::int64_t cpus = slurm.ReadInteger("cpus");
  if (cpus == 0 || cpus >= threads) return cpus;
  slurm.Mistake(*slurm.Find("cpus"), "cpus",
                "is " + std::to_string(cpus) + ", less than the " + std::to_string(threads) +
                    " of resources.threads_per_worker");
  return 0;
}

/// Remarks on keys that are about this machine alone, where the trials run elsewhere.
void NoteLocalOptions(const Section& resources, Recipe& recipe) {
  const std::pair<const char*, const char*> local[] = {
      {"devices", "gres in [resources.slurm] says whether trials get a GPU"},
      {"slots_per_device", "jobs in [resources.slurm] says how many trials run at once"},
      {"priority", "qos in [resources.slurm], or the cluster, says who comes first"}};
  for (const auto& [key, instead] : local) {
    const toml::node* node = resources.table().get(key);
    if (node == nullptr) continue;
    recipe.remarks.push_back(
        {resources.mistakes().PlaceOf(node->source()), resources.PathOf(key),
         std::string("is of no effect where executor = \"slurm\": ") + instead});
  }
}

}  // namespace

bool SlurmSettings::AsksForGpu() const {
  return std::ranges::any_of(GresEntries(gres), [](const std::vector<std::string>& entry) {
    return entry.front() == "gpu" || entry.front() == "shard" || entry.front() == "mps";
  });
}

void ReadSlurm(Section& resources, Recipe& recipe) {
  ResourceSettings& settings = recipe.resources;
  if (settings.executor == ExecutorKind::kSlurm) NoteLocalOptions(resources, recipe);
  const toml::table* table = resources.FindTable("slurm");
  if (table == nullptr) return;
  Section slurm(*table, resources.PathOf("slurm"), resources.mistakes());
  SlurmSettings& read = settings.slurm;
  constexpr int kLeastSeconds = 60;  // Slurm counts a job's time in minutes
  read.jobs = slurm.ReadInteger("jobs");
  read.partition = ReadOptionWord(slurm, "partition");
  read.account = ReadOptionWord(slurm, "account");
  read.qos = ReadOptionWord(slurm, "qos");
  read.constraint = ReadOptionWord(slurm, "constraint");
  read.gres = ReadGres(slurm);
  read.cpus = ReadCpus(slurm, settings.threads_per_worker);
  read.memory_bytes = ReadSize(slurm, "memory", read.memory_bytes);
  read.time_seconds = ReadDuration(slurm, "time", read.time_seconds, kLeastSeconds);
  read.arguments = ReadArguments(slurm);
  read.prologue = ReadText(slurm, "prologue", "text: lines of sh");
  read.idle_seconds = ReadDuration(slurm, "idle", read.idle_seconds);
  slurm.RefuseOthers();
}

}  // namespace beamgrid
