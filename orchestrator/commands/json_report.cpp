#include "orchestrator/commands/json_report.h"

#include "registry/util/error.h"
#include "registry/util/input_error.h"
#include "registry/util/json.h"
#include "search/diagnostics.h"

namespace beamgrid {
namespace {

boost::json::value NumberOrNothing(int number) {
  if (number == 0) return nullptr;
  return number;
}

boost::json::object ToJson(const Diagnostic& mistake) {
  return {{"file", mistake.place.file},
          {"line", NumberOrNothing(mistake.place.line)},
          {"column", NumberOrNothing(mistake.place.column)},
          {"key", mistake.key},
          {"message", mistake.message}};
}

/// Puts the error into the report; returns the exit code.
int Tell(const CommandContext& context, const std::exception& error, int code,
         boost::json::object& report) {
  context.err << "error: " << error.what() << "\n";
  report["error"] = error.what();
  return code;
}

}  // namespace

int ReportAsJson(CommandContext& context, const std::function<int(boost::json::object&)>& work) {
  boost::json::object report{{"mistakes", boost::json::array()}, {"error", nullptr}};
  int code = kExitDone;
  try {
    code = work(report);
  } catch (const RecipeError& error) {
    context.err << error.what() << "\n";
    report["mistakes"] =
        JsonList(error.diagnostics(), [](const Diagnostic& mistake) { return ToJson(mistake); });
    code = kExitUsage;
  } catch (const UsageError& error) {
    code = Tell(context, error, kExitUsage, report);
  } catch (const InputError& error) {
    code = Tell(context, error, kExitUsage, report);
  } catch (const std::exception& error) {
    code = Tell(context, error, kExitBroken, report);
  }
  report["exit_code"] = code;
  PrintJson(context.out, report);
  return code;
}

}  // namespace beamgrid
