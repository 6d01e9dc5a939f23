#include "orchestrator/slurm/partition_limit.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "registry/util/error.h"

namespace beamgrid {
namespace {

using std::chrono::milliseconds;

constexpr char kLimitField = '\x1f';

std::vector<std::string_view> PartsOf(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::int64_t> WholeNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr std::int64_t kMost = 1'000'000;
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number >= 0 && number <= kMost ? std::optional(number) : std::nullopt;
}

/// True if a user's argument for sbatch names partitions, which then are not those of the settings.
bool NamesPartition(const std::string& argument) {
  return argument.starts_with("--partition") || argument.starts_with("-p");
}

}  // namespace

std::optional<milliseconds> SlurmTime(std::string_view text) {
  std::int64_t days = 0;
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    const auto number = WholeNumber(text.substr(0, dash));
    if (!number) return std::nullopt;
    days = *number;
    text.remove_prefix(dash + 1);
  }
  const std::vector<std::string_view> parts = PartsOf(text, ':');
  const std::size_t least = dash == std::string_view::npos ? 2 : 3;
  if (parts.size() < least || parts.size() > 3) return std::nullopt;
  std::int64_t seconds = 0;
  for (const std::string_view part : parts) {
    const auto number = WholeNumber(part);
    if (!number) return std::nullopt;
    seconds = 60 * seconds + *number;
  }
  return std::chrono::hours(24 * days) + std::chrono::seconds(seconds);
}

std::optional<PartitionLimit> LimitIn(std::string_view output, const SlurmSettings& settings) {
  if (std::ranges::any_of(settings.arguments, NamesPartition)) return std::nullopt;
  const std::vector<std::string_view> named = PartsOf(settings.partition, ',');
  std::optional<PartitionLimit> limit;
  for (const std::string_view line : PartsOf(output, '\n')) {
    const std::vector<std::string_view> fields = PartsOf(line, kLimitField);
    if (fields.size() != 2) continue;
    std::string_view name = fields[0];
    const bool is_default = name.ends_with('*');
    if (is_default) name.remove_suffix(1);
    const bool is_it =
        settings.partition.empty() ? is_default : std::ranges::find(named, name) != named.end();
    if (!is_it || fields[1].empty()) continue;
    const std::optional<milliseconds> most = SlurmTime(fields[1]);
    // One without a limit, or with one that we do not understand, may take any job.
    if (!most) return std::nullopt;
    if (!limit || limit->most < *most) limit = {std::string(name), *most};
  }
  return limit;
}

std::optional<PartitionLimit> FindPartitionLimit(const SlurmPrograms& programs,
                                                 const SlurmSettings& settings) {
  try {
    const std::string format = std::string("%P") + kLimitField + "%l";
    const SlurmReply reply =
        RunSlurm(programs, "sinfo", {"--all", "--noheader", "--format=" + format});
    if (!reply.succeeded()) return std::nullopt;
    return LimitIn(reply.output, settings);
  } catch (const Error&) {
    return std::nullopt;  // that there is no Slurm here, the first job tells
  }
}

}  // namespace beamgrid
